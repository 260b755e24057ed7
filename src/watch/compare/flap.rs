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

    #[test]
    fn too_many_turns_within_an_hour_begin_it_and_an_hour_without_one_ends_it() {
        let [nothing, goes_on, settles] = [(None, false, false), (None, true, false), (None, false, true)];
        // Whether it flaps, how many minutes ago it turned, whether it does so now, and the limit.
        for (flapping, ago, turns_now, limit, is, turns) in [
            (false, [50, 30, 10].as_slice(), true, Some(3), (Some(4), false, false), 4),
            (false, &[60, 30, 10], true, Some(3), nothing, 3),
            (false, &[50, 30, 10], true, None, nothing, 4),
            (false, &[], false, Some(3), nothing, 0),
            (true, &[50, 30, 10], true, Some(3), goes_on, 4),
            (true, &[59], false, Some(3), goes_on, 1),
            (true, &[60], false, Some(3), settles, 0),
            (true, &[59], false, None, settles, 1),
        ] {
            let at = |ago: &i64| Timestamp::from_second(-60 * ago).unwrap();
            let row = Row {
                state: State::of(Status::new("X")),
                flapping,
                turns: ago.iter().map(at).collect(),
                ..Row::default()
            };
            let flap = judge(Some(&row), turns_now, Timestamp::UNIX_EPOCH, limit);
            assert_eq!((flap.begins, flap.goes_on, flap.settles), is, "{flapping} {ago:?} {limit:?}");
            assert_eq!(flap.turns.len(), turns, "{ago:?}");
        }
        assert_eq!(judge(None, true, Timestamp::UNIX_EPOCH, Some(0)), Flap::default(), "it was never seen");
    }
}
