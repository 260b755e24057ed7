//! From AWS Config's row to what is compared: time-derived facts (stuck, the period between two reminders) become part
//! of the state, so that one comparison finds them and one fingerprint decides.

use std::time::Duration;

use jiff::Timestamp;

use crate::model::text;
use crate::model::{DetailedStatus, Phase};
use crate::settings::Thresholds;
use crate::state::State;

/// Longest error message that is kept, in bytes. AWS documents no limit; 49 changes of twice this size
/// stay far below DynamoDB's 4 MB for one transaction.
const LONGEST_MESSAGE: usize = 2048;
const LONGEST_CODE: usize = 256;

/// The effective state of a row at a time.
pub fn state(row: DetailedStatus, now: Timestamp, thresholds: &Thresholds) -> State {
    let phase = row.status.phase();
    let age = row.last_update.map(|then| now.as_second().saturating_sub(then.as_second()));
    let stuck_after = seconds(thresholds.stuck_after);
    let stuck = phase == Phase::InProgress && age.is_some_and(|age| age > stuck_after);
    let reminder = if phase == Phase::Successful { 0 } else { period(now, thresholds.remind_every) };
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
/// account (whole periods since 1970, so 00:00 UTC for a day), in order that they come as one digest. It is a time and
/// no number, so that it means the same when the setting is changed. Without reminders it is 0.
pub fn period(now: Timestamp, every: Option<Duration>) -> u64 {
    let Some(every) = every else { return 0 };
    let every = seconds(every).max(1);
    u64::try_from(now.as_second().div_euclid(every) * every).unwrap_or(0)
}

/// Whether a reminder of an incident is due in this period: after the last one, and more than half a period after the
/// incident began.
pub fn is_due(period: u64, last: u64, began: Option<Timestamp>, every: Duration) -> bool {
    let not_before = began.map_or(0, |began| began.as_second().saturating_add(seconds(every) / 2));
    period > last && i64::try_from(period).is_ok_and(|period| period > not_before)
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Status;

    const HOUR: u64 = 3600;
    const DEFAULTS: Thresholds = Thresholds {
        stuck_after: Duration::from_secs(2 * HOUR),
        remind_every: Some(Duration::from_secs(24 * HOUR)),
    };

    fn at(status: &str, last_update: Option<&str>, now: &str) -> State {
        let row = DetailedStatus {
            account: "111122223333".parse().unwrap(),
            conformance_pack_name: "OrgConformsPack-x".to_owned(),
            status: Status::new(status),
            error_code: None,
            error_message: None,
            last_update: last_update.map(|text| text.parse().unwrap()),
        };
        state(row, now.parse().unwrap(), &DEFAULTS)
    }

    #[test]
    fn progress_is_stuck_only_beyond_the_threshold() {
        let start = Some("2026-11-20T10:00:00Z");
        assert!(!at("CREATE_IN_PROGRESS", start, "2026-11-20T12:00:00Z").stuck);
        assert!(at("CREATE_IN_PROGRESS", start, "2026-11-20T12:00:01Z").stuck);
        assert!(!at("CREATE_SUCCESSFUL", start, "2026-11-21T12:00:00Z").stuck);
        assert!(!at("CREATE_IN_PROGRESS", None, "2026-11-21T12:00:00Z").stuck);
    }

    const DAY: Duration = Duration::from_secs(24 * HOUR);

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// Whether an incident that began then is due now, when its row is of a moment after that.
    fn due(began: &str, row: &str, now: &str) -> bool {
        let reminder = |now| at("CREATE_FAILED", Some(began), now).reminder;
        is_due(reminder(now), reminder(row), Some(time(began)), DAY)
    }

    #[test]
    fn reminders_fall_on_one_instant_and_never_right_after_the_failure() {
        let late = "2026-11-20T23:55:00Z";
        assert!(!due(late, late, "2026-11-21T00:05:00Z"));
        assert!(due(late, "2026-11-21T00:05:00Z", "2026-11-22T00:00:00Z"));
        let noon = "2026-11-20T12:00:00Z";
        assert!(!due(noon, noon, "2026-11-21T00:00:00Z"), "half a day is too soon");
        let early = "2026-11-20T08:00:00Z";
        assert!(!due(early, early, "2026-11-20T23:59:59Z"));
        assert!(due(early, early, "2026-11-21T00:00:00Z"));
        assert!(!due(early, "2026-11-21T00:00:00Z", "2026-11-21T23:59:59Z"), "one in a period");
        assert!(due(early, early, "2026-11-23T00:00:00Z"));
    }

    #[test]
    fn what_is_active_has_a_period_and_what_is_healthy_has_none() {
        let period = |status| at(status, None, "2026-11-20T10:00:00Z").reminder;
        let today = time("2026-11-20T00:00:00Z").as_second() as u64;
        assert_eq!(["CREATE_FAILED", "CREATE_IN_PROGRESS", "NEW"].map(period), [today; 3]);
        assert_eq!(["CREATE_SUCCESSFUL", "DELETE_SUCCESSFUL"].map(period), [0, 0]);
    }

    #[test]
    fn a_failure_without_a_time_is_repeated_all_the_same() {
        let period = |now| at("CREATE_FAILED", None, now).reminder;
        let row = period("2026-11-20T10:00:00Z");
        assert!(!is_due(period("2026-11-20T23:00:00Z"), row, None, DAY));
        assert!(is_due(period("2026-11-21T00:00:00Z"), row, None, DAY));
    }

    #[test]
    fn a_time_in_the_future_is_neither_stuck_nor_due() {
        let future = "2026-12-20T10:00:00Z";
        assert!(!at("CREATE_IN_PROGRESS", Some(future), "2026-11-20T10:00:00Z").stuck);
        assert!(!due(future, "2026-11-18T10:00:00Z", "2026-11-20T10:00:00Z"));
    }
}
