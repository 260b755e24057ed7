//! One hash for a whole observation: equal to the head's, nothing has changed and nothing is owed.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::model::{AccountId, State};
use crate::snapshot::SCHEMA;

/// The fingerprint of an observation: SHA-256 over the schema and each account's comparison key, in
/// the order of the accounts.
pub fn of(states: &BTreeMap<AccountId, State>) -> String {
    let mut hash = Sha256::new();
    hash.update(SCHEMA.to_be_bytes());
    for (account, state) in states {
        let (status, error_code, failed_at, stuck, reminder, silenced) = state.key();
        text(&mut hash, &account.to_string());
        text(&mut hash, status.as_str());
        // A missing code and an empty one differ, hence the marker before it.
        hash.update([u8::from(error_code.is_some()), u8::from(failed_at.is_some()), u8::from(stuck)]);
        text(&mut hash, error_code.unwrap_or_default());
        hash.update(failed_at.map_or(0, |at| at.as_nanosecond()).to_be_bytes());
        hash.update(reminder.to_be_bytes());
        hash.update([u8::from(silenced)]);
    }
    hex(&hash.finalize())
}

/// A hash of parts, none of which can be taken for a piece of another: 32 hexadecimal digits.
pub fn id(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        text(&mut hash, part);
    }
    hex(&hash.finalize()).chars().take(32).collect()
}

fn text(hash: &mut Sha256, text: &str) {
    hash.update((text.len() as u64).to_be_bytes());
    hash.update(text);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
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
    fn parts_of_an_id_do_not_run_together() {
        assert_ne!(id(&["ab", "c"]), id(&["a", "bc"]));
        assert_eq!(id(&["ab", "c"]).len(), 32);
    }
}
