//! What is known of a target as a whole.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{Status, Target};
use crate::state::account::{Row, State};
use crate::state::log::Position;
use crate::state::silence::Silences;

/// How many accounts are in each status.
pub type Counts = BTreeMap<Status, u64>;

/// How many accounts are in each status.
pub fn counts<'a>(states: impl Iterator<Item = &'a State>) -> Counts {
    let mut counts = Counts::new();
    for state in states {
        *counts.entry(state.status.clone()).or_default() += 1;
    }
    counts
}

/// What is known of a target as a whole. Never deleted, so that epochs and ids never repeat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Random, from the first claim: tells this history from one in a table that was lost.
    pub born: String,
    /// Counts the claims; fences every write but that of people's mark.
    pub epoch: u64,
    /// The alerts topic has every record up to here.
    pub people: Position,
    /// The events topic has every record up to here.
    pub machines: Position,
    /// Whether a topic for machines is owed the log, as the scheduled function knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listens: Option<bool>,
    /// The epoch of the Baseline that holds; `None` before there is one, and after the pack was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub life: Option<u64>,
    /// The epoch of the last PackDeleted. Rows of earlier epochs count as absent: [`Head::counts`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor: Option<u64>,
    /// The observation that was last compared and announced whole; absent while something is owed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// The fingerprint of the recorded accounts that are not well. A claim removes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unwell: Option<String>,
    /// When the last whole look began whose changes were recorded, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whole_at: Option<i64>,
    /// Until when AWS Config's filters are not relied on, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whole_until: Option<i64>,
    /// The pack is gone; what remains is a tombstone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
    /// The recorded accounts by status.
    #[serde(default)]
    pub accounts: Counts,
    /// When a run last finished with changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub committed_at: Option<Timestamp>,
}

impl Head {
    /// Whether a row is of the life that holds, or of the one that begins.
    pub fn counts(&self, row: &Row) -> bool {
        self.floor.is_none_or(|floor| row.epoch > floor)
    }

    /// Up to where there may be something to tell people: while there is no baseline, up to the last deletion.
    pub fn people_end(&self) -> Position {
        Position::end_of(if self.life.is_some() { self.epoch } else { self.floor.unwrap_or(0) })
    }

    /// Whether people may lack something: a run did not get to its end, or the topic refused.
    pub fn owes_people(&self) -> bool {
        self.people < self.people_end()
    }

    /// Whether machines listen, and may lack something.
    pub fn owes_machines(&self) -> bool {
        self.listens == Some(true) && self.machines < Position::end_of(self.epoch)
    }

    /// Whether some topic may lack something.
    pub fn owes(&self) -> bool {
        self.owes_people() || self.owes_machines()
    }

    /// Where what some topic may lack begins; `None` where neither lacks anything.
    pub fn owes_after(&self) -> Option<Position> {
        let people = self.owes_people().then_some(self.people);
        let machines = self.owes_machines().then_some(self.machines);
        people.into_iter().chain(machines).min()
    }

    /// Whether there is something to do though the pack may be gone.
    pub fn is_unfinished(&self) -> bool {
        // A pack that is there was claimed after its last deletion.
        self.floor.is_none_or(|floor| self.epoch > floor) || self.owes()
    }

    /// How many accounts there are.
    pub fn account_count(&self) -> u64 {
        self.accounts.values().sum()
    }
}

/// Every head and every silence of the store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heads {
    /// The readable ones.
    pub known: BTreeMap<Target, Head>,
    /// Those that are damaged or of a newer packwatch, with what to tell the operator: they close their pack and
    /// no other.
    pub unreadable: BTreeMap<Target, String>,
    /// The silences.
    pub silences: Silences,
}
