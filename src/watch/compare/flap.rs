//! Flap damping: an account that keeps recovering and failing is reported once when that begins, and once when it
//! has settled. In between, its changes are recorded and sent to machines as usual.
//!
//! Everything follows from the account's row and the time, so that a crash or a copy changes nothing. A
//! target with such an account keeps no fingerprint: each run checks whether it has settled.

use std::time::Duration;

use jiff::Timestamp;

use crate::state::Row;

/// The changes of so long a time are counted; as long without any, and the account has settled.
pub const WINDOW: Duration = Duration::from_secs(3600);

/// Most changes that a row remembers: more than [`WINDOW`] has minutes are never needed.
const REMEMBERED: usize = 60;

/// What an account's changes of the last hour make of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flap {
    /// The changes, for the row.
    pub turns: Vec<Timestamp>,
    /// It begins to change too often: how many times it did.
    pub begins: Option<u64>,
    /// It goes on doing so.
    pub goes_on: bool,
    /// It has stopped.
    pub settles: bool,
}

/// Judges an account. It `turns` when an incident begins or ends: progress and retries within one are none. More than
/// `limit` turns within an hour are too many.
pub fn judge(row: Option<&Row>, turns_now: bool, now: Timestamp, limit: Option<u32>) -> Flap {
    let Some(row) = row else { return Flap::default() };
    let is_recent = |turn: &&Timestamp| now.duration_since(**turn).unsigned_abs() < WINDOW;
    let mut turns: Vec<Timestamp> = row.turns.iter().filter(is_recent).copied().collect();
    if turns_now {
        turns.push(now);
    }
    turns.drain(..turns.len().saturating_sub(REMEMBERED));
    let count = turns.len() as u64;
    let is_too_often = limit.is_some_and(|limit| count > u64::from(limit));
    let goes_on = row.flapping && limit.is_some() && !turns.is_empty();
    Flap {
        begins: (!row.flapping && is_too_often).then_some(count),
        goes_on,
        settles: row.flapping && !goes_on,
        turns,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Status;
    use crate::state::State;

    /// Goes through the statuses, five minutes apart, and says what became of each.
    fn story(statuses: &[&str], limit: Option<u32>) -> Vec<String> {
        let state = |status: &str| State::of(Status::new(status));
        let mut row = Row { state: state("CREATE_SUCCESSFUL"), ..Row::default() };
        let mut notified = Vec::new();
        for (step, status) in statuses.iter().enumerate() {
            let now = Timestamp::from_second(300 * step as i64).unwrap();
            let flap = judge(Some(&row), row.state != state(status), now, limit);
            notified.push(match (flap.begins, flap.goes_on, flap.settles) {
                (Some(n), ..) => format!("begins {n}"),
                (None, true, _) => "goes on".to_owned(),
                (None, false, settles) => (if settles { "settles" } else { "-" }).to_owned(),
            });
            row.flapping = flap.begins.is_some() || flap.goes_on;
            // A row is written only when something changed.
            if row.state != state(status) || flap.settles {
                row.turns = flap.turns;
            }
            row.state = state(status);
        }
        notified
    }

    #[test]
    fn it_begins_once_and_settles_after_an_hour_without_a_change() {
        let (good, bad) = ("UPDATE_SUCCESSFUL", "UPDATE_FAILED");
        let mut statuses = vec![bad, good, bad, good, bad];
        statuses.extend([bad; 14]);
        let notified = story(&statuses, Some(3));
        assert_eq!(notified[..5], ["-", "-", "-", "begins 4", "goes on"]);
        assert!(notified[5..16].iter().all(|what| what == "goes on"), "{notified:?}");
        assert_eq!(notified[16..], ["settles", "-", "-"]);
    }

    #[test]
    fn rare_changes_and_no_limit_are_never_too_often() {
        let (good, bad) = ("UPDATE_SUCCESSFUL", "UPDATE_FAILED");
        let often: Vec<&str> = [bad, good].into_iter().cycle().take(40).collect();
        assert!(story(&often, None).iter().all(|what| what == "-"));
        // Every third poll: four changes within an hour.
        let rare: Vec<&str> = [bad, bad, bad, good, good, good].into_iter().cycle().take(60).collect();
        assert!(story(&rare, Some(4)).iter().all(|what| what == "-"));
    }
}
