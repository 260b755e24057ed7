//! What the store keeps beside the rows: the heads, and the writes that a run asks for.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{AccountId, Status, Target};

use crate::state::silence::Silences;
use crate::state::{Row, State, Transition};

/// The form of the stored items. A reader refuses what is newer than itself, and reads what is older.
pub const SCHEMA: u32 = 1;

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
    /// Counts the claims; fences every write.
    pub epoch: u64,
    /// The alerts topic has every transition up to this epoch; 0: never committed.
    pub announced: u64,
    /// The events topic has every transition up to this epoch. A mark of its own, so that a fault of
    /// one topic neither silences nor repeats the other.
    pub events_announced: u64,
    /// The observation that was last compared and announced whole; absent while something is owed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// The pack is gone; what remains is a tombstone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
    /// The accounts by status at the last commit.
    #[serde(default)]
    pub accounts: Counts,
    /// When it was last committed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub committed_at: Option<Timestamp>,
}

impl Head {
    /// Whether the target is only now getting its baseline: never committed, or back from deletion.
    pub fn is_baseline(&self) -> bool {
        self.announced == 0 || self.deleted
    }

    /// Everything up to this epoch has reached both topics.
    pub fn announced_everywhere(&self) -> u64 {
        self.announced.min(self.events_announced)
    }

    /// Whether some topic may lack something: a run did not get as far as its commit, or a topic refused.
    pub fn owes(&self) -> bool {
        self.epoch > self.announced_everywhere()
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

/// Takes a target for a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The epoch of the loaded head; 0 when there was none.
    pub seen: u64,
    /// Its [`Head::announced`]. A commit leaves the epoch as it is, and makes what was loaded stale all the same.
    pub announced: u64,
    /// Its [`Head::events_announced`].
    pub events_announced: u64,
    /// `born` of a new head.
    pub born: String,
    /// The run that claims. Lets a store recognise its own claim when the reply was lost.
    pub run: String,
}

impl Claim {
    /// Whether this is still the head that was loaded.
    pub fn saw(&self, head: &Head) -> bool {
        (self.seen, self.announced, self.events_announced)
            == (head.epoch, head.announced, head.events_announced)
    }

    /// The epoch that the claim gives.
    pub fn epoch(&self) -> u64 {
        self.seen + 1
    }

    /// The head that a first claim writes.
    pub fn first_head(&self) -> Head {
        Head {
            born: self.born.clone(),
            epoch: self.epoch(),
            announced: 0,
            events_announced: 0,
            fingerprint: None,
            deleted: false,
            accounts: Counts::new(),
            committed_at: None,
        }
    }
}

/// One account's change: its row, and the transition that tells of it, written together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The member account.
    pub account: AccountId,
    /// The new row; `None` deletes it.
    pub row: Option<Row>,
    /// What is logged; `None` in a baseline and where nobody needs to hear of it.
    ///
    /// Boxed, since it is larger than a row, and a baseline has thousands of rows and none of these.
    pub transition: Option<Box<Transition>>,
}

/// Ends a run's work on a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// The epoch that the run claimed.
    pub epoch: u64,
    /// New value of [`Head::announced`].
    pub announced: u64,
    /// New value of [`Head::events_announced`].
    pub events_announced: u64,
    /// The observation's fingerprint, unless something is owed or not everything was read.
    pub fingerprint: Option<String>,
    /// Whether the pack is gone.
    pub deleted: bool,
    /// The accounts by status.
    pub accounts: Counts,
    /// Now.
    pub at: Timestamp,
}

impl Commit {
    /// What a head is after this commit.
    pub fn applied_to(&self, head: &Head) -> Head {
        Head {
            born: head.born.clone(),
            epoch: head.epoch,
            announced: self.announced,
            events_announced: self.events_announced,
            fingerprint: self.fingerprint.clone(),
            deleted: self.deleted,
            accounts: self.accounts.clone(),
            committed_at: Some(self.at),
        }
    }
}

/// The form in which an item is stored: its schema first, then its fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored<T> {
    /// The form's number.
    pub schema: u32,
    /// The item.
    #[serde(flatten)]
    pub item: T,
}

impl<T> Stored<T> {
    /// An item in today's form.
    pub fn new(item: T) -> Self {
        Self { schema: SCHEMA, item }
    }
}

/// What to tell of an item that a newer packwatch wrote.
pub fn newer_schema(target: &Target, schema: u64) -> String {
    format!(
        "the items of {target} have schema {schema}, written by a newer packwatch; this one knows schema \
         {SCHEMA}. Nothing of this pack was touched: deploy the newer version again, or restore the table"
    )
}
