//! What is known of a target as a whole.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::schema::FIRST_SCHEMA;
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
///
/// A packwatch 0.1 may have written it: what its fields mean is for the methods to say, which know that, too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The form in which it is stored. Raised by the claim, before anything that 0.1 would misread can be written.
    #[serde(default = "first_schema")]
    pub schema: u32,
    /// Random, from the first claim: tells this history from one in a table that was lost.
    pub born: String,
    /// Counts the claims; fences every write but that of people's mark.
    pub epoch: u64,
    /// The alerts topic has every record up to this epoch, and perhaps more: [`Head::people_mark`].
    pub announced: u64,
    /// The events topic has every record up to this epoch, and perhaps more: [`Head::machines_mark`].
    pub events_announced: u64,
    /// The alerts topic has every record up to here. Counts only beyond `announced`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub people: Option<Position>,
    /// The events topic has every record up to here. Counts only beyond `events_announced`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machines: Option<Position>,
    /// Whether a topic for machines is owed the log, as the scheduled function knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listens: Option<bool>,
    /// The epoch of the Baseline that holds: [`Head::life`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub life: Option<u64>,
    /// The epoch of the last PackDeleted. Rows of earlier epochs count as absent: [`Head::counts`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor: Option<u64>,
    /// The observation that was last compared and announced whole; absent while something is owed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// The fingerprint of the recorded accounts that are not well: [`Head::unwell`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unwell: Option<String>,
    /// The epoch of `unwell`. A packwatch 0.1 claims without removing it: it counts only with this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unwell_epoch: Option<u64>,
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

fn first_schema() -> u32 {
    FIRST_SCHEMA
}

impl Head {
    /// The epoch of the Baseline that holds; `None` before there is one, and after the pack was deleted.
    pub fn life(&self) -> Option<u64> {
        // What 0.1 announced and did not delete began at some time: its first epoch says so.
        self.life.or_else(|| (self.announced > 0).then_some(1)).filter(|_| !self.deleted)
    }

    /// The epoch up to which nothing counts any more, since the pack was deleted then.
    fn floor(&self) -> u64 {
        let of_first =
            if self.deleted && (self.life.is_some() || self.floor.is_none()) { self.announced } else { 0 };
        self.floor.unwrap_or(0).max(of_first)
    }

    /// Whether a row is of the life that holds, or of the one that begins.
    pub fn counts(&self, row: &Row) -> bool {
        // Rows of 0.1 do not know their epoch.
        let floor = self.floor();
        floor == 0 || row.epoch > floor
    }

    /// Up to where people have been told.
    pub fn people_mark(&self) -> Position {
        self.people.unwrap_or(Position::START).max(Position::end_of(self.announced))
    }

    /// Up to where machines have been told.
    pub fn machines_mark(&self) -> Position {
        self.machines.unwrap_or(Position::START).max(Position::end_of(self.events_announced))
    }

    /// Up to where there may be something to tell people: while there is no baseline, up to the last deletion.
    pub fn people_end(&self) -> Position {
        Position::end_of(if self.life().is_some() { self.epoch } else { self.floor() })
    }

    /// Whether people may lack something: a run did not get to its end, or the topic refused.
    pub fn owes_people(&self) -> bool {
        self.people_mark() < self.people_end()
    }

    /// Whether machines listen, and may lack something.
    pub fn owes_machines(&self) -> bool {
        self.listens == Some(true) && self.machines_mark() < Position::end_of(self.epoch)
    }

    /// Whether some topic may lack something.
    pub fn owes(&self) -> bool {
        self.owes_people() || self.owes_machines()
    }

    /// The fingerprint of the recorded accounts that are not well, if nothing has been claimed since.
    pub fn unwell(&self) -> Option<&String> {
        self.unwell.as_ref().filter(|_| self.unwell_epoch == Some(self.epoch))
    }

    /// Where what some topic may lack begins; `None` where neither lacks anything.
    pub fn owes_after(&self) -> Option<Position> {
        let people = self.owes_people().then(|| self.people_mark());
        let machines = self.owes_machines().then(|| self.machines_mark());
        people.into_iter().chain(machines).min()
    }

    /// Whether there is something to do though the pack may be gone.
    pub fn is_unfinished(&self) -> bool {
        // A pack that is there was claimed after its last deletion.
        self.epoch > self.floor() || self.owes()
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
