//! From AWS Config's row to what is compared: time-derived facts (stuck, the period between two reminders) become part
//! of the state, so that one comparison finds them and one fingerprint decides.

use std::time::Duration;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

use crate::model::text;
use crate::model::{DetailedStatus, Phase};
use crate::settings::Thresholds;
use crate::state::State;

/// Longest error message that is kept, in bytes. AWS documents no limit; 49 changes of twice this size
/// stay far below DynamoDB's 4 MB for one transaction.
const LONGEST_MESSAGE: usize = 2048;
const LONGEST_CODE: usize = 256;

/// A day, in seconds.
const DAY: i64 = 86400;

/// The effective state of a row at a time.
pub fn state(row: DetailedStatus, now: Timestamp, thresholds: &Thresholds) -> State {
    let phase = row.status.phase();
    let age = row.last_update.map(|then| now.as_second().saturating_sub(then.as_second()));
    let stuck_after = seconds(thresholds.stuck_after);
    let stuck = phase == Phase::InProgress && age.is_some_and(|age| age > stuck_after);
    let reminder = if phase == Phase::Successful { 0 } else { period(now, thresholds) };
    State {
        status: row.status,
        error_code: row.error_code.map(|code| text::bounded(code, LONGEST_CODE)),
        error_message: row.error_message.map(|message| text::bounded(message, LONGEST_MESSAGE)),
        last_update: row.last_update,
        stuck,
        reminder,
        silenced: false,
    }
}

/// The begin of the period between two reminders in which this time is. They fall on the same instants for every
/// account, in order that they come as one digest: those of whole days at a time of the day, others on whole periods
/// since 1970. It is a time and no number, so that it means the same when the setting is changed. Without reminders it
/// is 0.
pub fn period(now: Timestamp, thresholds: &Thresholds) -> u64 {
    let Some(every) = thresholds.remind_every else { return 0 };
    let every = seconds(every).max(1);
    let begin = match every % DAY {
        0 => first_of_days(now, every / DAY, thresholds),
        _ => None,
    };
    let begin = begin.map_or_else(|| now.as_second().div_euclid(every) * every, Timestamp::as_second);
    u64::try_from(begin).unwrap_or(0)
}

/// The last time of the day on a date that begins a period of so many days. A time that the date does not have is the
/// next one that it has; of one that comes twice, it is the first.
fn first_of_days(now: Timestamp, days: i64, thresholds: &Thresholds) -> Option<Timestamp> {
    let Thresholds { remind_at, time_zone, .. } = thresholds;
    let at = |date: Date| Some(date.to_datetime(*remind_at).to_zoned(time_zone.clone()).ok()?.timestamp());
    let today = time_zone.to_datetime(now).date();
    let date = if at(today)? <= now { today } else { today.yesterday().ok()? };
    let since_1970 = Date::constant(1970, 1, 1).until(date).ok()?.get_days();
    let into_period = i64::from(since_1970).rem_euclid(days);
    at(date.checked_sub(into_period.days()).ok()?)
}

/// Whether a reminder of an incident is due in this period: after the last one, and more than half a period after
/// people were last notified of it, or it began.
pub fn is_due(period: u64, last: u64, notified: Option<Timestamp>, every: Duration) -> bool {
    let not_before = notified.map_or(0, |at| at.as_second().saturating_add(seconds(every) / 2));
    period > last && i64::try_from(period).is_ok_and(|period| period > not_before)
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use jiff::civil::{Time, time};
    use jiff::tz::TimeZone;

    use super::*;
    use crate::model::Status;

    const HOUR: u64 = 3600;
    const DEFAULTS: Thresholds = Thresholds {
        stuck_after: Duration::from_secs(2 * HOUR),
        remind_every: Some(Duration::from_secs(24 * HOUR)),
        remind_at: Time::midnight(),
        time_zone: TimeZone::UTC,
    };

    const EVERY_DAY: Duration = Duration::from_secs(24 * HOUR);

    fn at_time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn at(status: &str, last_update: Option<&str>, now: &str) -> State {
        let row = DetailedStatus {
            account: "111122223333".parse().unwrap(),
            conformance_pack_name: "OrgConformsPack-x".to_owned(),
            status: Status::new(status),
            error_code: None,
            error_message: None,
            last_update: last_update.map(at_time),
        };
        state(row, at_time(now), &DEFAULTS)
    }

    #[test]
    fn progress_is_stuck_only_beyond_the_threshold() {
        let start = Some("2026-11-20T10:00:00Z");
        for (status, last_update, now, is_stuck) in [
            ("CREATE_IN_PROGRESS", start, "2026-11-20T12:00:00Z", false),
            ("CREATE_IN_PROGRESS", start, "2026-11-20T12:00:01Z", true),
            ("CREATE_SUCCESSFUL", start, "2026-11-21T12:00:00Z", false),
            ("CREATE_IN_PROGRESS", None, "2026-11-21T12:00:00Z", false),
            // A clock that is ahead.
            ("CREATE_IN_PROGRESS", start, "2026-10-20T10:00:00Z", false),
        ] {
            assert_eq!(at(status, last_update, now).stuck, is_stuck, "{status} {last_update:?} {now}");
        }
    }

    #[test]
    fn reminders_fall_on_one_instant_and_never_right_after_the_failure() {
        let (late, noon, early) = ("2026-11-20T23:55:00Z", "2026-11-20T12:00:00Z", "2026-11-20T08:00:00Z");
        // When an incident began, when its row was written, and now.
        for (began, row, now, due) in [
            (Some(late), late, "2026-11-21T00:05:00Z", false),
            (Some(late), "2026-11-21T00:05:00Z", "2026-11-22T00:00:00Z", true),
            // Half a day is too soon.
            (Some(noon), noon, "2026-11-21T00:00:00Z", false),
            (Some(early), early, "2026-11-20T23:59:59Z", false),
            (Some(early), early, "2026-11-21T00:00:00Z", true),
            // One in a period.
            (Some(early), "2026-11-21T00:00:00Z", "2026-11-21T23:59:59Z", false),
            (Some(early), early, "2026-11-23T00:00:00Z", true),
            // Without a time, it is repeated all the same.
            (None, early, "2026-11-20T23:00:00Z", false),
            (None, early, "2026-11-21T00:00:00Z", true),
            // A clock that is ahead.
            (Some("2026-12-20T10:00:00Z"), "2026-11-18T10:00:00Z", "2026-11-20T10:00:00Z", false),
        ] {
            let reminder = |now| at("CREATE_FAILED", began, now).reminder;
            let is_due = is_due(reminder(now), reminder(row), began.map(at_time), EVERY_DAY);
            assert_eq!(is_due, due, "began {began:?}, row of {row}, now {now}");
        }
    }

    #[test]
    fn what_is_active_has_a_period_and_what_is_healthy_has_none() {
        let period = |status| at(status, None, "2026-11-20T10:00:00Z").reminder;
        let today = at_time("2026-11-20T00:00:00Z").as_second() as u64;
        assert_eq!(["CREATE_FAILED", "CREATE_IN_PROGRESS", "NEW"].map(period), [today; 3]);
        assert_eq!(["CREATE_SUCCESSFUL", "DELETE_SUCCESSFUL"].map(period), [0, 0]);
    }

    #[test]
    fn reminders_of_whole_days_are_due_at_a_time_of_the_day() {
        let (nine, night, berlin) = (time(9, 0, 0, 0), time(2, 30, 0, 0), "Europe/Berlin");
        for (now, days, remind_at, zone, begin) in [
            ("2026-11-20T08:59:59Z", 1, nine, "UTC", "2026-11-19T09:00:00Z"),
            ("2026-11-20T09:00:00Z", 1, nine, "UTC", "2026-11-20T09:00:00Z"),
            ("2026-11-20T10:00:00Z", 1, nine, berlin, "2026-11-20T08:00:00Z"),
            ("2026-07-20T10:00:00Z", 1, nine, berlin, "2026-07-20T07:00:00Z"),
            // Weeks begin on Thursdays, as in 1970.
            ("2026-11-20T10:00:00Z", 7, nine, "UTC", "2026-11-19T09:00:00Z"),
            ("2026-11-25T10:00:00Z", 7, nine, "UTC", "2026-11-19T09:00:00Z"),
            ("2026-11-27T10:00:00Z", 7, nine, "UTC", "2026-11-26T09:00:00Z"),
            // The day does not have that time: it is 3:30 then.
            ("2026-03-29T12:00:00Z", 1, night, berlin, "2026-03-29T01:30:00Z"),
            // It has it twice.
            ("2026-10-25T12:00:00Z", 1, night, berlin, "2026-10-25T00:30:00Z"),
        ] {
            let (remind_every, time_zone) = (Some(EVERY_DAY * days), TimeZone::get(zone).unwrap());
            let thresholds = Thresholds { remind_every, remind_at, time_zone, ..DEFAULTS };
            let period = i64::try_from(period(at_time(now), &thresholds));
            assert_eq!(period, Ok(at_time(begin).as_second()), "{now} {days} {remind_at} {zone}");
        }
    }
}
