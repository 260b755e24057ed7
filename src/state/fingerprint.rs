//! One hash for a whole observation: equal to the head's, nothing has changed and nothing is owed.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::model::AccountId;

use crate::state::heads::SCHEMA;
use crate::state::{Health, State};

/// The fingerprint of an observation: SHA-256 over the schema and each account's comparison key, in
/// the order of the accounts. Where the pack was removed there is no row, and nothing to compare.
pub fn of(states: &BTreeMap<AccountId, State>) -> String {
    let mut hash = Sha256::new();
    hash.update(SCHEMA.to_be_bytes());
    // A few bytes for each account, in one piece: hashing was a third of all that a quiet run computed.
    let mut row = Vec::new();
    for (account, state) in states.iter().filter(|(_, state)| state.health() != Health::Removed) {
        let (status, error_code, failed_at, stuck, reminder, silenced) = state.key();
        row.clear();
        row.extend(account.number().to_be_bytes());
        // What follows, since it is there only when it says something.
        let facts = [error_code.is_some(), failed_at.is_some(), reminder > 0, stuck, silenced];
        row.push(facts.iter().fold(0, |bits, fact| bits << 1 | u8::from(*fact)));
        text(&mut row, status.as_str());
        error_code.into_iter().for_each(|code| text(&mut row, code));
        row.extend(failed_at.into_iter().flat_map(|at| at.as_nanosecond().to_be_bytes()));
        if reminder > 0 {
            row.extend(reminder.to_be_bytes());
        }
        hash.update(&row);
    }
    hex(&hash.finalize())
}

/// A hash of parts, none of which can be taken for a piece of another: 32 hexadecimal digits.
pub fn id(parts: &[&str]) -> String {
    let mut bytes = Vec::new();
    for part in parts {
        text(&mut bytes, part);
    }
    let mut id = hex(&Sha256::digest(&bytes));
    id.truncate(32);
    id
}

/// With its length before it, so that it is not taken for a piece of another.
fn text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u64).to_be_bytes());
    bytes.extend(text.as_bytes());
}

fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Status;

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
        assert_ne!(same, one(|s| s.silenced = true));
        let progress = |s: &mut State| s.status = Status::new("CREATE_IN_PROGRESS");
        let moved_on = |s: &mut State| {
            progress(s);
            s.last_update = None;
        };
        assert_eq!(one(progress), one(moved_on), "progress that moves on is no change");
    }

    #[test]
    fn an_account_from_which_the_pack_was_removed_is_not_there() {
        assert_eq!(one(|s| *s = State::of(Status::new("DELETE_SUCCESSFUL"))), of(&BTreeMap::new()));
        assert_ne!(one(|s| *s = State::of(Status::new("DELETE_FAILED"))), of(&BTreeMap::new()));
    }

    /// Another one would make the first run after an upgrade read and compare everything.
    #[test]
    fn the_same_observation_has_the_same_fingerprint_in_every_release() {
        assert_eq!(one(|_| {}), "c3db6c4048676b553c96b8dfe65cfacd468363fda98db57925662f033fa44d24");
    }

    #[test]
    fn parts_of_an_id_do_not_run_together() {
        assert_ne!(id(&["ab", "c"]), id(&["a", "bc"]));
        assert_eq!(id(&["ab", "c"]).len(), 32);
    }
}
