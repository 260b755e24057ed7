//! Silences: what people do not want to be notified of for a while. A silenced change is recorded, sent to
//! machines and counted in the digest's last line; people are not notified.
//!
//! That an account fails *and is silenced* is part of its state ([`Silences::cover`]), so that the one
//! comparison finds the end of a silence and the fingerprint decides, as for reminders. What is healthy is
//! never covered: a silence that nothing runs into changes nothing.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{AccountId, Kind, PackGlob, Region, Target};

use crate::state::{Health, State};

/// One silence. Each list names what it is about; an empty one stands for anything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// Its name, for `packwatch silence remove`.
    pub id: String,
    /// Member accounts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<AccountId>,
    /// Packs, by name or with `*`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packs: Vec<PackGlob>,
    /// Regions of packs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<Region>,
    /// Kinds of changes. `Failed` silences its reminders and its repetitions too.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub kinds: BTreeSet<Kind>,
    /// When it ends: seconds since 1970, and DynamoDB's TTL.
    #[serde(rename = "expires_at", with = "jiff::fmt::serde::timestamp::second::required")]
    pub until: Timestamp,
    /// Why.
    pub reason: String,
    /// By whom.
    pub by: String,
}

impl Silence {
    fn is_about(&self, target: &Target) -> bool {
        (self.regions.is_empty() || self.regions.contains(&target.region))
            && (self.packs.is_empty() || self.packs.iter().any(|glob| glob.matches(&target.pack)))
    }

    fn silences(&self, account: AccountId, kind: Kind, now: Timestamp) -> bool {
        let kind_fits = self.kinds.is_empty()
            || self.kinds.contains(&kind)
            || (matches!(kind, Kind::Reminder | Kind::FailedAgain) && self.kinds.contains(&Kind::Failed));
        now < self.until && kind_fits && (self.accounts.is_empty() || self.accounts.contains(&account))
    }
}

/// Every silence of the store, also those that have ended and are not yet forgotten.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Silences(pub Vec<Silence>);

impl Silences {
    /// Those that may be about a target.
    pub fn of(&self, target: &Target) -> Self {
        Self(self.0.iter().filter(|silence| silence.is_about(target)).cloned().collect())
    }

    /// Whether a change is not to be reported, by the silences of its target.
    pub fn silence(&self, account: AccountId, kind: Kind, now: Timestamp) -> bool {
        self.0.iter().any(|silence| silence.silences(account, kind, now))
    }

    /// Whether a state is unhealthy, and people are not notified about it.
    pub fn cover(&self, account: AccountId, state: &State, now: Timestamp) -> bool {
        let kind = match state.health() {
            Health::Failed => Kind::Failed,
            Health::Unrecognised => Kind::Unrecognised,
            Health::Stuck => Kind::Stuck,
            Health::InProgress | Health::Healthy | Health::Removed => return false,
        };
        self.silence(account, kind, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Status;

    const NOW: &str = "2026-11-20T10:00:00Z";

    fn silence(change: impl FnOnce(&mut Silence)) -> Silences {
        let mut silence = Silence { until: "2026-11-20T10:00:01Z".parse().unwrap(), ..Silence::default() };
        change(&mut silence);
        Silences(vec![silence])
    }

    fn silenced(silences: &Silences, kind: Kind) -> bool {
        let target = Target { region: "eu-west-1".parse().unwrap(), pack: "Pack-1".parse().unwrap() };
        silences.of(&target).silence("111122223333".parse().unwrap(), kind, NOW.parse().unwrap())
    }

    #[test]
    fn every_matcher_that_is_given_must_fit() {
        assert!(silenced(&silence(|_| {}), Kind::Left));
        assert!(silenced(
            &silence(|s| s.packs = vec!["X".parse().unwrap(), "Pack-*".parse().unwrap()]),
            Kind::Failed
        ));
        assert!(!silenced(&silence(|s| s.packs = vec!["Pack".parse().unwrap()]), Kind::Failed));
        assert!(!silenced(&silence(|s| s.accounts = vec!["111122223334".parse().unwrap()]), Kind::Failed));
        assert!(!silenced(&silence(|s| s.regions = vec!["us-east-1".parse().unwrap()]), Kind::Failed));
        assert!(!silenced(&silence(|s| s.until = NOW.parse().unwrap()), Kind::Failed), "it has ended");
        let failed = silence(|s| s.kinds = BTreeSet::from([Kind::Failed]));
        assert!(
            [Kind::Failed, Kind::FailedAgain, Kind::Reminder].iter().all(|kind| silenced(&failed, *kind))
        );
        assert!(!silenced(&failed, Kind::Recovered));
    }

    #[test]
    fn only_what_is_unhealthy_is_covered() {
        let all = silence(|_| {});
        let covers = |status: &str, stuck| {
            let state = State { stuck, ..State::of(Status::new(status)) };
            all.cover("111122223333".parse().unwrap(), &state, NOW.parse().unwrap())
        };
        assert!(covers("CREATE_FAILED", false) && covers("UPDATE_IN_PROGRESS", true) && covers("NEW", false));
        assert!(!covers("CREATE_SUCCESSFUL", false) && !covers("UPDATE_IN_PROGRESS", false));
    }
}
