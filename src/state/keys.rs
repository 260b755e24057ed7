//! The keys of the stored items: `pk` and `sk`, the same in DynamoDB and in SQLite.

use super::log::Position;
use crate::model::{AccountId, Target};

/// The partition of every head.
pub const WATCH: &str = "watch";

/// What the sort key of a head starts with.
pub const HEADS: &str = "head#";

/// What the sort key of a silence starts with.
pub const SILENCES: &str = "silence#";

/// What the sort key of an account's row starts with.
pub const ACCOUNTS: &str = "account#";

/// The partition of a target's rows and transitions.
pub fn partition(target: &Target) -> String {
    format!("{}#{}", target.region, target.pack)
}

/// The sort key of a target's head.
pub fn head(target: &Target) -> String {
    format!("{HEADS}{}", partition(target))
}

/// The range, both ends included, of the heads and the silences.
pub fn watched() -> (String, String) {
    (HEADS.to_owned(), format!("{SILENCES}~"))
}

/// The sort key of a silence.
pub fn silence(id: &str) -> String {
    format!("{SILENCES}{id}")
}

/// The target of a head's sort key.
pub fn target_of_head(sk: &str) -> Option<Target> {
    let (region, pack) = sk.strip_prefix(HEADS)?.split_once('#')?;
    Some(Target { region: region.parse().ok()?, pack: pack.parse().ok()? })
}

/// The sort key of an account's row.
pub fn account(account: AccountId) -> String {
    format!("{ACCOUNTS}{account}")
}

/// The account of a row's sort key.
pub fn account_of(sk: &str) -> Option<AccountId> {
    sk.strip_prefix(ACCOUNTS)?.parse().ok()
}

/// What the sort key of a record of the log starts with.
pub const LOG: &str = "transition#";

/// The sort key of a record of the log.
pub fn record(position: Position) -> String {
    format!("{LOG}{position}")
}

/// The position of a record's sort key.
pub fn position_of(sk: &str) -> Option<Position> {
    sk.strip_prefix(LOG)?.parse().ok()
}

/// The range, both ends included, of what is beyond `after` and not beyond `until`.
pub fn records(after: Position, until: Position) -> (String, String) {
    // Behind the record at `after` and before any other one.
    (format!("{}!", record(after)), record(until))
}

/// The range, both ends included, of the whole log.
pub fn log() -> (String, String) {
    (LOG.to_owned(), format!("{LOG}~"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::log::Place;

    #[test]
    fn a_range_holds_what_is_beyond_its_begin_and_not_beyond_its_end() {
        let account = |id: &str| Place::Account(id.parse().unwrap());
        let (first, last) = (account("000000000000"), account("999999999999"));
        let at = |epoch, place| Position { epoch, place };
        let (from, to) = records(at(9, first), at(10, Place::Pack));
        let within = |position| (&from..=&to).contains(&&record(position));
        assert!(!within(at(9, first)) && within(at(9, last)) && within(at(9, Place::Pack)));
        assert!(within(at(10, first)) && within(at(10, Place::Pack)) && !within(at(11, first)));
        let (from, to) = records(Position::end_of(9), Position::end_of(u64::MAX));
        let within = |position| (&from..=&to).contains(&&record(position));
        assert!(!within(at(9, Place::Pack)) && within(at(10, first)) && within(at(u64::MAX, Place::Pack)));
        let (from, to) = log();
        assert!(
            from < record(at(0, first))
                && record(at(u64::MAX, Place::Pack)) < to
                && !(from..=to).contains(&super::account("999988887777".parse().unwrap()))
        );
    }

    #[test]
    fn heads_and_silences_are_one_range_and_nothing_else_is_in_it() {
        let target = Target { region: "eu-west-1".parse().unwrap(), pack: "Pack-1".parse().unwrap() };
        let (from, to) = watched();
        let within = |sk: &str| (from.as_str()..=to.as_str()).contains(&sk);
        assert!(within(&head(&target)) && within(&silence("0f")) && within(&silence("zz")));
        assert!(![ACCOUNTS, LOG, "a", "z"].iter().any(|sk| within(sk)));
    }

    #[test]
    fn keys_give_back_what_they_were_made_of() {
        let target = Target { region: "eu-west-1".parse().unwrap(), pack: "Pack-1".parse().unwrap() };
        assert_eq!(target_of_head(&head(&target)), Some(target));
        let account: AccountId = "012345678901".parse().unwrap();
        assert_eq!(account_of(&super::account(account)), Some(account));
        let position = Position { epoch: 7, place: Place::Account(account) };
        assert_eq!(position_of(&record(position)), Some(position));
    }
}
