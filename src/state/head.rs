//! What is known of a target as a whole, and how far each topic has the logs.
//!
//! A [`Head`] belongs to whoever commits, [`Cursors`] to whoever dispatches: neither ever writes the other's item.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

use crate::model::{Status, Target};
use crate::state::account::State;
use crate::state::log::Position;
use crate::state::silence::Silences;

/// The scheduled function's settings, as far as all who record in one table must agree on them: variables and their
/// texts.
pub type SharedSettings = BTreeMap<String, String>;

/// Beside the settings: when the scheduled function ran. Written at most once an hour, since a quiet run leaves nothing else.
pub const RAN_AT: &str = "ran_at";

/// When the scheduled function ran, as far as it left that.
pub fn ran_at(settings: &SharedSettings) -> Option<Timestamp> {
    settings.get(RAN_AT)?.parse().ok()
}

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

/// The control item of a target, written by each commit as a whole. Never deleted, so that epochs and ids never repeat.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Random, from the first commit: distinguishes this history from one in a table that was lost.
    pub history_id: String,
    /// Counts the commits: the fencing token.
    pub epoch: u64,
    /// The run that committed last.
    pub run: String,
    /// When it did.
    pub committed_at: Timestamp,
    /// The epoch that completed the baseline; absent before, and after the pack was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline_epoch: Option<u64>,
    /// The sum of the epochs of all stored chunks. A Query is no snapshot of a transaction: one that saw an older chunk
    /// beside this head has another sum.
    pub chunk_epochs: u64,
    /// The recorded accounts by status.
    #[serde(default)]
    pub accounts: Counts,
    /// The hash of all recorded states; absent where a scan must compare.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// The hash of the active ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_fingerprint: Option<String>,
    /// When the last full scan began whose result was recorded, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_full_scan_at: Option<i64>,
    /// Until when AWS Config's filters are not relied on, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filters_distrusted_until: Option<i64>,
    /// The last part of the log.
    #[serde(default)]
    pub log_end: Position,
}

impl Head {
    /// Whether the pack was deleted, and not seen since.
    pub fn is_deleted(&self) -> bool {
        self.epoch > 0 && self.baseline_epoch.is_none() && self.accounts.is_empty()
    }

    /// When the last full scan began whose result was recorded.
    pub fn last_full_scan(&self) -> Option<Timestamp> {
        Timestamp::from_second(self.last_full_scan_at?).ok()
    }

    /// How many accounts there are.
    pub fn account_count(&self) -> u64 {
        self.accounts.values().sum()
    }
}

/// A topic that gets the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Topic {
    /// People's: digests.
    Alerts,
    /// Machines': each record.
    Events,
}

impl Topic {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Alerts, Self::Events];

    /// As keys and logs spell it.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// How far a topic has each target's log, and who dispatches now. One item for each topic, which its dispatcher
/// replaces as a whole: a digest that covers many targets moves all their cursors at once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Cursors {
    /// Counts the writes; each is made on the version that was loaded. 0: it is not stored yet.
    pub version: u64,
    /// The last position that the topic has of each target; absent: nothing.
    pub positions: BTreeMap<Target, Position>,
    /// The run that dispatches. It keeps copies away; losing it loses nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Lease>,
    /// The id of a stored digest of which it is not known that the topic has it. It is sent before any other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The topic was taken away: nobody gets anything.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stopped: bool,
    /// What people know by these cursors; it advances with them alone. Nothing of the events topic.
    #[serde(default)]
    pub known: Known,
}

/// What people were notified of, as far as it decides how soon they hear of more.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Known {
    /// When they last heard of a cause, in seconds since 1970.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub causes: BTreeMap<String, i64>,
    /// When the last urgent digests were sent, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub urgent: Vec<i64>,
    /// The incidents of each target that a silence kept from them when a digest was made, though they were recorded as
    /// notified of, and until when, in seconds since 1970.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub withheld: BTreeMap<Target, BTreeMap<String, i64>>,
}

impl Known {
    /// The incidents of a target that a silence kept from people.
    pub fn withheld_of(&self, target: &Target) -> BTreeMap<String, i64> {
        self.withheld.get(target).cloned().unwrap_or_default()
    }
}

/// Who dispatches, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Lease {
    /// The run.
    pub run: String,
    /// In seconds since 1970.
    pub until: i64,
}

/// How long a lease lasts without being renewed, in seconds.
pub const LEASE: i64 = 120;

/// A lease that ends later than this is one of a clock that is ahead, in seconds.
const LONGEST_LEASE: i64 = 300;

impl Cursors {
    /// Where a target's cursor is.
    pub fn position(&self, target: &Target) -> Position {
        self.positions.get(target).copied().unwrap_or_default()
    }

    /// From where to where the topic lags behind a head; `None` where it does not.
    pub fn lag(&self, target: &Target, head: &Head) -> Option<(Position, Position)> {
        let (from, to) = (self.position(target), head.log_end);
        (from < to).then_some((from, to))
    }

    /// The lease of a run, from now on.
    pub fn lease_of(run: &str, now: i64) -> Lease {
        Lease { run: run.to_owned(), until: now.saturating_add(LEASE) }
    }

    /// Whether this run may dispatch: no other one has the lease.
    pub fn are_free(&self, run: &str, now: i64) -> bool {
        let is_over = |lease: &Lease| lease.until < now || lease.until > now.saturating_add(LONGEST_LEASE);
        self.lease.as_ref().is_none_or(|lease| lease.run == run || is_over(lease))
    }

    /// The next version, as this one.
    #[must_use]
    pub fn next(&self) -> Self {
        Self { version: self.version + 1, ..self.clone() }
    }

    /// The next version, with these cursors moved. They never go back.
    #[must_use]
    pub fn moved<'a>(mut self, to: impl IntoIterator<Item = (&'a Target, Position)>) -> Self {
        for (target, to) in to {
            let position = self.positions.entry(target.clone()).or_default();
            *position = to.max(*position);
        }
        self.version += 1;
        self
    }
}

/// A digest as it is stored: before it is published, so that a killed run's digest is sent again as the same message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredMessage {
    /// Its id, which is its key.
    #[serde(skip)]
    pub id: String,
    /// The gzipped document, with what it covers.
    #[serde(skip)]
    pub data: Vec<u8>,
    /// When it is forgotten: DynamoDB's TTL.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub expires_at: Timestamp,
}

/// What a scan found that needs no commit. Harmless when it is lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// A full scan that began then found nothing new.
    FullScanAt(i64),
    /// A filter broke its word.
    FiltersDistrustedUntil(i64),
}

impl Hint {
    /// The head after it.
    pub fn applied_to(&self, head: &Head) -> Head {
        let mut head = head.clone();
        match self {
            Self::FullScanAt(at) => head.last_full_scan_at = Some(*at),
            Self::FiltersDistrustedUntil(until) => head.filters_distrusted_until = Some(*until),
        }
        head
    }
}

/// Every head, cursor and silence of the store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heads {
    /// The readable ones.
    pub known: BTreeMap<Target, Head>,
    /// Those that are damaged or of a newer packwatch, with what to tell the operator: they close their pack and
    /// no other.
    pub unreadable: BTreeMap<Target, String>,
    /// The silences.
    pub silences: Silences,
    /// What the scheduled function's settings are, as far as all who record here must agree on them.
    pub settings: Option<SharedSettings>,
    /// How far the alerts topic has the logs.
    pub alerts: Cursors,
    /// How far the events topic has the logs, if there is one.
    pub events: Cursors,
}

impl Heads {
    /// The cursors of a topic; `None` where nobody listens.
    pub fn cursors(&self, topic: Topic) -> Option<&Cursors> {
        match topic {
            Topic::Alerts => Some(&self.alerts),
            // Machines get what is recorded since there is a topic for them, people everything.
            Topic::Events => Some(&self.events).filter(|events| events.version > 0 && !events.stopped),
        }
    }

    /// The targets of which a topic lags, each from where to where.
    pub fn lagging(&self, topic: Topic) -> impl Iterator<Item = (&Target, &Head, Position, Position)> {
        let cursors = self.cursors(topic);
        self.known.iter().filter_map(move |(target, head)| {
            let (from, to) = cursors?.lag(target, head)?;
            Some((target, head, from, to))
        })
    }

    /// Whether a topic lags, or has a digest that may not have been sent.
    pub fn lags(&self, topic: Topic) -> bool {
        let has_message = self.cursors(topic).is_some_and(|cursors| cursors.message.is_some());
        has_message || self.lagging(topic).next().is_some()
    }
}

#[cfg(test)]
mod tests;
