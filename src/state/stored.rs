//! The items as both stores have them: their attributes, beside the keys and the zipped `data`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::commit::Chunk;
use super::head::{Cursors, Known, Lease, SCHEMA, SharedSettings, StoredMessage};
use super::keys;
use super::log::{LogPart, Position};

/// An item with its form's number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored<T> {
    /// The form's number.
    pub schema: u32,
    /// The item.
    #[serde(flatten)]
    pub item: T,
}

impl<T> Stored<T> {
    /// An item in the form that this packwatch knows.
    pub fn new(item: T) -> Self {
        Self { schema: SCHEMA, item }
    }
}

/// A chunk of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkItem {
    /// The form's number.
    pub schema: u32,
    /// The epoch that wrote it.
    pub epoch: u64,
    /// How many rows it has.
    pub accounts: u64,
}

impl ChunkItem {
    /// A chunk that this epoch writes.
    pub fn new(chunk: &Chunk, epoch: u64) -> Self {
        Self { schema: SCHEMA, epoch, accounts: chunk.accounts }
    }
}

/// A part of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartItem {
    /// The form's number.
    pub schema: u32,
    /// The part before it.
    pub previous: Position,
    /// How many records it has.
    pub changes: u64,
    /// When packwatch read what it is about.
    pub observed_at: Timestamp,
    /// When DynamoDB's TTL removes it, in seconds since 1970.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub expires_at: Timestamp,
}

impl PartItem {
    /// The attributes of a part.
    pub fn new(part: &LogPart) -> Self {
        let LogPart { previous, changes, observed_at, expires_at, .. } = *part;
        Self { schema: SCHEMA, previous, changes, observed_at, expires_at }
    }

    /// The part.
    pub fn with(self, position: Position, data: Vec<u8>) -> LogPart {
        let Self { previous, changes, observed_at, expires_at, .. } = self;
        LogPart { position, previous, changes, data, observed_at, expires_at }
    }
}

/// A topic's cursors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CursorsItem {
    /// The form's number.
    pub schema: u32,
    /// Counts the writes.
    pub version: u64,
    /// The cursor of each target, by its partition.
    pub positions: BTreeMap<String, Position>,
    /// Who dispatches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Lease>,
    /// The digest under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The topic was taken away.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stopped: bool,
    /// What people know.
    #[serde(default, skip_serializing_if = "is_default")]
    pub known: Known,
}

fn is_default(known: &Known) -> bool {
    *known == Known::default()
}

impl From<&Cursors> for CursorsItem {
    fn from(cursors: &Cursors) -> Self {
        let Cursors { version, positions, lease, message, stopped, known } = cursors.clone();
        let positions = positions.into_iter().map(|(target, position)| (keys::partition(&target), position));
        Self { schema: SCHEMA, version, positions: positions.collect(), lease, message, stopped, known }
    }
}

impl From<CursorsItem> for Cursors {
    fn from(item: CursorsItem) -> Self {
        let CursorsItem { version, positions, lease, message, stopped, known, .. } = item;
        let positions = positions
            .into_iter()
            .filter_map(|(partition, position)| Some((keys::target(&partition)?, position)));
        Self { version, positions: positions.collect(), lease, message, stopped, known }
    }
}

/// The scheduled function's settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsItem {
    /// The form's number.
    pub schema: u32,
    /// Each that is set, as text.
    pub settings: SharedSettings,
}

impl SettingsItem {
    /// These settings.
    pub fn new(settings: &SharedSettings) -> Self {
        Self { schema: SCHEMA, settings: settings.clone() }
    }
}

/// A digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageItem {
    /// The form's number.
    pub schema: u32,
    /// When the topic had accepted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<Timestamp>,
    /// When DynamoDB's TTL removes it, in seconds since 1970.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub expires_at: Timestamp,
}

impl MessageItem {
    /// The attributes of a digest.
    pub fn new(message: &StoredMessage) -> Self {
        Self { schema: SCHEMA, sent_at: message.sent_at, expires_at: message.expires_at }
    }

    /// The digest.
    pub fn with(self, id: &str, data: Vec<u8>) -> StoredMessage {
        StoredMessage { id: id.to_owned(), data, sent_at: self.sent_at, expires_at: self.expires_at }
    }
}
