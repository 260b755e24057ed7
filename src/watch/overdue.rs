//! From AWS Config's row to what is compared: time-derived facts (stuck, reminders) become part of the
//! state, so that one comparison finds them and one fingerprint decides.

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
    let reminder = match thresholds.remind_every {
        Some(every) if phase == Phase::Failed => reminder(row.last_update, now, every),
        _ => 0,
    };
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

/// How many reminders a failure has been due. They fall on the same instants for every account (whole
/// periods since 1970, so 00:00 UTC for a day), in order that they come as one digest; the first is at
/// least half a period after the failure.
fn reminder(failed_at: Option<Timestamp>, now: Timestamp, every: Duration) -> u64 {
    let every = seconds(every).max(1);
    let instants = now.as_second().div_euclid(every);
    let before = failed_at.map_or(0, |then| (then.as_second() + every / 2).div_euclid(every));
    u64::try_from(instants - before).unwrap_or(0)
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

    #[test]
    fn reminders_fall_on_one_instant_and_never_right_after_the_failure() {
        let late = Some("2026-11-20T23:55:00Z");
        assert_eq!(at("CREATE_FAILED", late, "2026-11-21T00:05:00Z").reminder, 0);
        assert_eq!(at("CREATE_FAILED", late, "2026-11-22T00:00:00Z").reminder, 1);
        let early = Some("2026-11-20T08:00:00Z");
        assert_eq!(at("UPDATE_FAILED", early, "2026-11-20T23:59:59Z").reminder, 0);
        assert_eq!(at("UPDATE_FAILED", early, "2026-11-21T00:00:00Z").reminder, 1);
        assert_eq!(at("UPDATE_FAILED", early, "2026-11-23T00:00:00Z").reminder, 3);
        assert_eq!(at("CREATE_SUCCESSFUL", early, "2026-11-23T00:00:00Z").reminder, 0);
    }

    #[test]
    fn a_failure_without_a_time_is_repeated_all_the_same() {
        let today = at("CREATE_FAILED", None, "2026-11-20T10:00:00Z").reminder;
        assert_eq!(at("CREATE_FAILED", None, "2026-11-20T23:00:00Z").reminder, today);
        assert_eq!(at("CREATE_FAILED", None, "2026-11-21T00:00:00Z").reminder, today + 1);
    }

    #[test]
    fn a_time_in_the_future_is_neither_stuck_nor_due() {
        let future = Some("2026-12-20T10:00:00Z");
        assert!(!at("CREATE_IN_PROGRESS", future, "2026-11-20T10:00:00Z").stuck);
        assert_eq!(at("CREATE_FAILED", future, "2026-11-20T10:00:00Z").reminder, 0);
    }
}
