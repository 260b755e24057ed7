//! The keys of the stored items: `pk` and `sk`, the same in DynamoDB and in SQLite.

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

/// The sort key of a transition: padded, so that the order of the keys is that of the epochs.
pub fn transition(epoch: u64, account: AccountId) -> String {
    format!("transition#{epoch:020}#{account}")
}

/// The range, both ends included, of the transitions with an epoch greater than `after`.
pub fn transitions_after(after: u64) -> (String, String) {
    (format!("transition#{:020}#", after.saturating_add(1)), "transition#~".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_holds_later_epochs_and_nothing_else() {
        let account: AccountId = "999988887777".parse().unwrap();
        let (from, to) = transitions_after(9);
        let within = |sk: String| from <= sk && sk <= to;
        assert!(within(transition(10, account)) && within(transition(u64::MAX, account)));
        assert!(!within(transition(9, account)) && !within(super::account(account)));
    }

    #[test]
    fn keys_give_back_what_they_were_made_of() {
        let target = Target { region: "eu-west-1".parse().unwrap(), pack: "Pack-1".parse().unwrap() };
        let (from, to) = watched();
        assert!([head(&target), silence("0f")].iter().all(|sk| from <= *sk && *sk <= to));
        assert_eq!(target_of_head(&head(&target)), Some(target));
        let account: AccountId = "012345678901".parse().unwrap();
        assert_eq!(account_of(&super::account(account)), Some(account));
    }
}
