//! An item as both stores read it, and what it holds.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::Value;
use tracing::warn;

use super::account::Row;
use super::commit::{Chunk, Snapshot};
use super::head::{Cursors, Head, Heads, SCHEMA, StoredMessage, Topic, newer_schema};
use super::keys::{self, Control};
use super::log::LogPart;
use super::packed;
use super::silence::Silence;
use super::stored::SettingsItem;
use crate::model::{AccountId, Target};

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

/// Why an item cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// A newer packwatch wrote it.
    #[error("{0}")]
    Newer(String),
    /// It is not what it must be.
    #[error("{0}")]
    Damaged(String),
}

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
        if let Some(schema) = newer(&self.attributes) {
            let why =
                format!("the cursors have schema {schema}, of a newer packwatch; this one knows {SCHEMA}");
            return Err(Unreadable::Newer(why));
        }
        decoded("the cursors are", self.attributes)
    }

    /// A digest.
    pub fn message(self, id: &str) -> Result<StoredMessage, Unreadable> {
        let message = decoded(&format!("the message {id} is"), self.attributes)?;
        Ok(StoredMessage { id: id.to_owned(), data: self.data, ..message })
    }

    /// A silence. One that cannot be read, or not whole, silences nothing.
    fn silence(self) -> Option<Silence> {
        let sk = self.sk;
        if let Some(schema) = newer(&self.attributes) {
            warn!(sk, schema, "a silence of a newer packwatch");
            return None;
        }
        let silence = serde_json::from_value(self.attributes);
        silence.inspect_err(|error| warn!(sk, %error, "silence not understood")).ok()
    }
}

/// The chunks of a snapshot, as far as they were read.
#[derive(Debug, Default)]
pub struct Chunks {
    rows: Vec<(AccountId, Row)>,
    epochs: BTreeMap<u32, u64>,
}

impl Chunks {
    /// Takes a chunk.
    pub fn take(&mut self, target: &Target, item: ReadItem) -> Result<(), Unreadable> {
        let number = keys::chunk_of(&item.sk).ok_or_else(|| damaged(target, &item.sk))?;
        let chunk: Chunk = of_target(target, item.attributes)?;
        self.epochs.insert(number, chunk.epoch);
        self.rows.extend(packed::read_rows(&item.data).map_err(|why| damaged(target, why))?);
        Ok(())
    }

    /// The snapshot that they are.
    pub fn snapshot(self) -> Snapshot {
        Snapshot { rows: self.rows.into_iter().collect(), chunks: self.epochs }
    }
}

impl Heads {
    /// Takes an item of the partition [`keys::HEADS`].
    pub fn take(&mut self, item: ReadItem) -> Result<(), Unreadable> {
        match keys::control(&item.sk) {
            Some(Control::Silence) => self.silences.0.extend(item.silence()),
            Some(Control::Settings) => {
                let settings: SettingsItem = decoded("the settings are", item.attributes)?;
                self.settings = Some(settings.settings);
            }
            Some(Control::Cursors(Topic::Alerts)) => self.alerts = item.cursors()?,
            Some(Control::Cursors(Topic::Events)) => self.events = item.cursors()?,
            Some(Control::Head(target)) => match item.head(&target) {
                Ok(head) => drop(self.known.insert(target, head)),
                Err(error) => drop(self.unreadable.insert(target, error.to_string())),
            },
            None => {}
        }
        Ok(())
    }
}

fn newer(attributes: &Value) -> Option<u64> {
    attributes.get("schema")?.as_u64().filter(|schema| *schema > u64::from(SCHEMA))
}

/// What a target's item holds, unless a newer packwatch wrote it.
fn of_target<T: DeserializeOwned>(target: &Target, attributes: Value) -> Result<T, Unreadable> {
    match newer(&attributes) {
        Some(schema) => Err(Unreadable::Newer(newer_schema(target, schema))),
        None => decoded(&format!("an item of {target} is"), attributes),
    }
}

fn decoded<T: DeserializeOwned>(what: &str, attributes: Value) -> Result<T, Unreadable> {
    serde_json::from_value(attributes)
        .map_err(|error| Unreadable::Damaged(format!("{what} damaged: {error}")))
}

fn damaged(target: &Target, why: impl std::fmt::Display) -> Unreadable {
    Unreadable::Damaged(format!("an item of {target} is damaged: {why}"))
}
