//! An item as both stores have it, beside its keys: what is written, what is read, and what it holds.

use std::fmt::Display;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::warn;

use super::commit::{Chunk, Snapshot};
use super::head::{Cursors, Head, Heads, SharedSettings, StoredMessage};
use super::keys;
use super::log::LogPart;
use super::packed;
use crate::model::Target;

/// The form of the stored items that this packwatch knows. A newer one is refused.
pub const SCHEMA: u32 = 1;

/// An item with the number of its form.
#[derive(Debug, Serialize)]
pub struct Stored<T> {
    schema: u32,
    #[serde(flatten)]
    item: T,
}

impl<T> Stored<T> {
    /// An item in the form that this packwatch knows.
    pub fn new(item: T) -> Self {
        Self { schema: SCHEMA, item }
    }
}

/// The scheduled function's settings.
#[derive(Debug, Serialize, Deserialize)]
pub struct SettingsItem {
    /// Each that is set, as text.
    pub settings: SharedSettings,
}

/// An item that was read.
#[derive(Debug, Clone)]
pub struct ReadItem {
    /// Its sort key.
    pub sk: String,
    /// Its attributes.
    pub attributes: Value,
    /// Its zipped data; empty where it has none.
    pub data: Vec<u8>,
}

/// Why an item cannot be used: a newer packwatch wrote it, or it is not what it must be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub String);

impl ReadItem {
    /// A target's head.
    pub fn head(self, target: &Target) -> Result<Head, Unreadable> {
        of_target(target, self.attributes)
    }

    /// A part of a target's log.
    pub fn part(self, target: &Target) -> Result<LogPart, Unreadable> {
        let position = keys::part_of(&self.sk).ok_or_else(|| damaged(target, &self.sk))?;
        Ok(LogPart { position, data: self.data, ..of_target(target, self.attributes)? })
    }

    /// A topic's cursors.
    pub fn cursors(self) -> Result<Cursors, Unreadable> {
        self.named()
    }

    /// A digest.
    pub fn message(mut self, id: &str) -> Result<StoredMessage, Unreadable> {
        let data = std::mem::take(&mut self.data);
        Ok(StoredMessage { id: id.to_owned(), data, ..self.named()? })
    }

    /// What is of no target, and called by its key.
    fn named<T: DeserializeOwned>(self) -> Result<T, Unreadable> {
        read(format_args!("the item {}", self.sk), self.attributes)
    }
}

impl Snapshot {
    /// Takes a chunk.
    pub fn take(&mut self, target: &Target, item: ReadItem) -> Result<(), Unreadable> {
        let number = keys::chunk_of(&item.sk).ok_or_else(|| damaged(target, &item.sk))?;
        let chunk: Chunk = of_target(target, item.attributes)?;
        self.chunks.insert(number, chunk.epoch);
        packed::read_rows(&item.data, &mut self.rows).map_err(|why| damaged(target, why))
    }
}

impl Heads {
    /// Takes an item of the partition [`keys::HEADS`].
    pub fn take(&mut self, item: ReadItem) -> Result<(), Unreadable> {
        match item.sk.split_once('#').unwrap_or((&item.sk, "")) {
            ("head", target) => {
                let Ok(target) = Target::try_from(target.to_owned()) else { return Ok(()) };
                match item.head(&target) {
                    Ok(head) => drop(self.known.insert(target, head)),
                    Err(error) => drop(self.unreadable.insert(target, error.0)),
                }
            }
            ("cursors", "alerts") => self.alerts = item.cursors()?,
            ("cursors", "events") => self.events = item.cursors()?,
            ("settings", _) => self.settings = Some(item.named::<SettingsItem>()?.settings),
            ("silence", _) => match item.named() {
                Ok(silence) => self.silences.0.push(silence),
                // Not whole, it might silence too much.
                Err(error) => warn!(%error, "silence not understood"),
            },
            // What only a newer packwatch knows.
            _ => {}
        }
        Ok(())
    }
}

fn of_target<T: DeserializeOwned>(target: &Target, attributes: Value) -> Result<T, Unreadable> {
    read(format_args!("an item of {target}"), attributes)
}

fn read<T: DeserializeOwned>(what: impl Display, attributes: Value) -> Result<T, Unreadable> {
    match attributes.get("schema").and_then(Value::as_u64) {
        Some(schema) if schema > u64::from(SCHEMA) => Err(Unreadable(format!(
            "{what} has schema {schema}, written by a newer packwatch; this one knows schema {SCHEMA}, and left it as it is: \
             deploy the newer version again, or restore the table"
        ))),
        _ => serde_json::from_value(attributes)
            .map_err(|error| Unreadable(format!("{what} is damaged: {error}"))),
    }
}

fn damaged(target: &Target, why: impl Display) -> Unreadable {
    Unreadable(format!("an item of {target} is damaged: {why}"))
}
