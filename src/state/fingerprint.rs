//! One hash for a whole observation, and one for what of it is active: equal to the head's, nothing of that has changed
//! and nothing lags.

use sha2::{Digest, Sha256};

use crate::model::{AccountId, Phase};

use super::id::{hex, text};
use crate::state::{Health, State};

/// The version of what is hashed, apart from the items' schema: a new one would make the first run after an upgrade
/// read and compare everything.
const VERSION: u32 = 1;

/// Whether an account is active: whether AWS Config's filter finds it in a quick scan.
pub fn is_active(state: &State) -> bool {
    state.status.phase() != Phase::Successful
}

/// The fingerprint of an observation, whatever was read of the accounts.
pub fn of<'a>(states: impl IntoIterator<Item = (&'a AccountId, &'a State)>) -> String {
    both(states).0
}

/// Both fingerprints of recorded states, the whole one and that of what is active: SHA-256 over a version and each
/// account's comparison key, in the order of the accounts. Where the pack was removed there is no row, and nothing to
/// compare.
pub fn both<'a>(states: impl IntoIterator<Item = (&'a AccountId, &'a State)>) -> (String, String) {
    let mut whole = Sha256::new_with_prefix(VERSION.to_be_bytes());
    let mut active = whole.clone();
    // A few bytes for each account, in one piece: hashing was a third of all that a quiet run computed.
    let mut row = Vec::new();
    for (account, state) in states.into_iter().filter(|(_, state)| state.health() != Health::Removed) {
        let (status, error_code, failed_at, stuck, reminder, silenced) = state.key();
        row.clear();
        row.extend(account.number().to_be_bytes());
        // What follows, since it is there only when it says something.
        let facts = [error_code.is_some(), failed_at.is_some(), reminder > 0, stuck, silenced];
        row.push(facts.iter().fold(0, |bits, fact| 2 * bits + u8::from(*fact)));
        text(&mut row, status.as_str());
        error_code.into_iter().for_each(|code| text(&mut row, code));
        row.extend(failed_at.into_iter().flat_map(|at| at.as_nanosecond().to_be_bytes()));
        if reminder > 0 {
            row.extend(reminder.to_be_bytes());
        }
        whole.update(&row);
        if is_active(state) {
            active.update(&row);
        }
    }
    (hex(whole.finalize().iter()), hex(active.finalize().iter()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Status;
    use std::collections::BTreeMap;

    fn one(change: impl FnOnce(&mut State)) -> String {
        let mut state = State {
            status: Status::new("CREATE_FAILED"),
            error_code: Some("Code".to_owned()),
            error_message: Some("request 1".to_owned()),
            last_update: Some("2026-11-20T10:00:00Z".parse().unwrap()),
            stuck: false,
            reminder: 0,
            silenced: false,
        };
        change(&mut state);
        of(&BTreeMap::from([("111122223333".parse().unwrap(), state)]))
    }

    #[test]
    fn what_is_compared_counts_and_nothing_else() {
        let same = one(|_| {});
        assert_eq!(same, one(|s| s.error_message = Some("request 2".to_owned())));
        assert_ne!(same, one(|s| s.status = Status::new("UPDATE_FAILED")));
        assert_ne!(same, one(|s| s.error_code = None));
        assert_ne!(same, one(|s| s.last_update = Some("2026-11-20T10:00:01Z".parse().unwrap())));
        assert_ne!(same, one(|s| s.stuck = true));
        assert_ne!(same, one(|s| s.reminder = 1));
        assert_ne!(one(|s| s.reminder = 2), one(|s| s.reminder = 1));
        assert_ne!(same, one(|s| s.silenced = true));
        let progress = |s: &mut State| s.status = Status::new("CREATE_IN_PROGRESS");
        let moved_on = |s: &mut State| {
            progress(s);
            s.last_update = None;
        };
        assert_eq!(one(progress), one(moved_on), "progress that moves on is no change");
        let removal = |status| one(|s| *s = State::of(Status::new(status)));
        assert_eq!(removal("DELETE_SUCCESSFUL"), of(&BTreeMap::new()), "it is not there");
        assert_ne!(removal("DELETE_FAILED"), of(&BTreeMap::new()));
    }

    /// Another one would make the first run after an upgrade read and compare everything.
    #[test]
    fn the_same_observation_has_the_same_fingerprint_in_every_release() {
        assert_eq!(one(|_| {}), "c3db6c4048676b553c96b8dfe65cfacd468363fda98db57925662f033fa44d24");
        let with_every_fact = one(|s| (s.stuck, s.reminder, s.silenced) = (true, 1_763_596_800, true));
        assert_eq!(with_every_fact, "597e1869eb6e4de80099fc68ca05a15d6f9f18cc65a4d90deef9aec000462058");
    }

    #[test]
    fn who_is_healthy_counts_in_one_fingerprint_and_not_in_the_other() {
        let both = |statuses: [&str; 4]| {
            let state = |(n, status): (u64, &str)| {
                (format!("{n:012}").parse().unwrap(), State::of(Status::new(status)))
            };
            let states: BTreeMap<AccountId, State> = (1..).zip(statuses).map(state).collect();
            let quick = states.iter().filter(|(_, state)| is_active(state));
            assert_eq!(both(&states), (of(&states), of(quick)));
            both(&states)
        };
        let (failed, well) = ("CREATE_FAILED", "CREATE_SUCCESSFUL");
        let some = both([failed, well, "UPDATE_IN_PROGRESS", "ODD"]);
        let more = both([failed, "UPDATE_SUCCESSFUL", "UPDATE_IN_PROGRESS", "ODD"]);
        assert!(some.0 != more.0 && some.1 == more.1);
        for changed in [
            [well, well, "UPDATE_IN_PROGRESS", "ODD"],
            [failed, failed, "UPDATE_IN_PROGRESS", "ODD"],
            [failed, well, "UPDATE_SUCCESSFUL", "ODD"],
            [failed, well, "UPDATE_IN_PROGRESS", well],
        ] {
            assert_ne!(some.1, both(changed).1, "{changed:?}");
        }
    }
}
