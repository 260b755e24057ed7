//! The snapshot store in one SQLite file: the same items under the same keys as in DynamoDB, each a JSON document and
//! its zipped data.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tracing::warn;

use crate::model::Target;
use crate::notify::HistoryPlace;
use crate::ports::{LogRequest, Order, Page, SilenceStore, SnapshotStore, StoreError};
use crate::state::commit::{Chunk, Commit, Snapshot};
use crate::state::head::{
    Cursors, Head, Heads, Hint, SCHEMA, SharedSettings, StoredMessage, Topic, newer_schema,
};
use crate::state::keys::{self, Control};
use crate::state::log::LogPart;
use crate::state::packed;
use crate::state::silence::Silence;
use crate::state::stored::{SettingsItem, Stored};

/// How long a writer waits for another one. Every transaction here takes milliseconds.
const BUSY: Duration = Duration::from_secs(30);

/// Snapshots in a SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    connection: std::cell::RefCell<Connection>,
    path: Option<PathBuf>,
}

/// A stored item.
struct Item {
    sk: String,
    body: String,
    data: Vec<u8>,
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        Self::Unavailable(format!("an item of the store is damaged: {error}"))
    }
}

impl SqliteStore {
    /// Opens the file, and creates it (and its folder) if it is not there.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let explain = |error: &dyn std::fmt::Display| {
            StoreError::Unavailable(format!("the store {} cannot be opened: {error}", path.display()))
        };
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|error| explain(&error))?;
        }
        let store = Connection::open(path).and_then(Self::prepare).map_err(|error| explain(&error))?;
        Ok(Self { path: std::path::absolute(path).ok(), ..store })
    }

    /// A store that is gone when it is dropped.
    pub fn in_memory() -> Result<Self, StoreError> {
        Ok(Self::prepare(Connection::open_in_memory()?)?)
    }

    fn prepare(connection: Connection) -> Result<Self, rusqlite::Error> {
        connection.busy_timeout(BUSY)?;
        connection.execute_batch(
            "CREATE TABLE IF NOT EXISTS items (
                pk TEXT NOT NULL, sk TEXT NOT NULL, body TEXT NOT NULL, data BLOB, expires_at INTEGER,
                PRIMARY KEY (pk, sk)) WITHOUT ROWID",
        )?;
        Ok(Self { connection: connection.into(), path: None })
    }

    /// Does `work` in one transaction: all of it, or nothing.
    fn write<T>(
        &self,
        work: impl FnOnce(&rusqlite::Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut connection = self.connection.borrow_mut();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = work(&transaction)?;
        transaction.commit()?;
        Ok(done)
    }

    /// The items of a partition whose sort keys begin like this, in their order.
    fn prefixed(&self, pk: &str, prefix: &str) -> Result<Vec<Item>, StoreError> {
        let connection = self.connection.borrow();
        let mut query = connection.prepare_cached(
            "SELECT sk, body, data FROM items WHERE pk = ? AND sk >= ? AND sk < ? ORDER BY sk",
        )?;
        let items = query.query_map([pk, prefix, &format!("{prefix}~")], item)?;
        Ok(items.collect::<Result<_, _>>()?)
    }
}

fn item(row: &rusqlite::Row<'_>) -> Result<Item, rusqlite::Error> {
    let data: Option<Vec<u8>> = row.get(2)?;
    Ok(Item { sk: row.get(0)?, body: row.get(1)?, data: data.unwrap_or_default() })
}

fn put(
    transaction: &rusqlite::Transaction<'_>,
    (pk, sk): (&str, &str),
    item: &impl Serialize,
    data: Option<&[u8]>,
    expires_at: Option<i64>,
) -> Result<(), StoreError> {
    let body = serde_json::to_string(&Stored::new(item))?;
    let sql = "INSERT OR REPLACE INTO items (pk, sk, body, data, expires_at) VALUES (?, ?, ?, ?, ?)";
    transaction.prepare_cached(sql)?.execute(params![pk, sk, body, data, expires_at])?;
    Ok(())
}

fn delete(transaction: &rusqlite::Transaction<'_>, pk: &str, sk: &str) -> Result<bool, StoreError> {
    let sql = "DELETE FROM items WHERE pk = ? AND sk = ?";
    Ok(transaction.prepare_cached(sql)?.execute([pk, sk])? > 0)
}

fn body(connection: &Connection, pk: &str, sk: &str) -> Result<Option<String>, StoreError> {
    let sql = "SELECT body FROM items WHERE pk = ? AND sk = ?";
    Ok(connection.prepare_cached(sql)?.query_row([pk, sk], |row| row.get(0)).optional()?)
}

/// The head, for a writer that holds the transaction.
fn head(transaction: &rusqlite::Transaction<'_>, target: &Target) -> Result<Option<Head>, StoreError> {
    body(transaction, keys::HEADS, &keys::head(target))?.map(|body| decode(target, &body)).transpose()
}

fn put_head(transaction: &rusqlite::Transaction<'_>, target: &Target, head: &Head) -> Result<(), StoreError> {
    put(transaction, (keys::HEADS, &keys::head(target)), head, None, None)
}

/// The version of a topic's cursors.
fn version(transaction: &rusqlite::Transaction<'_>, topic: Topic) -> Result<u64, StoreError> {
    let body = body(transaction, keys::HEADS, &keys::cursors(topic))?;
    body.map_or(Ok(0), |body| Ok(cursors(&body)?.version))
}

fn newer(document: &Value) -> Option<u64> {
    document.get("schema")?.as_u64().filter(|schema| *schema > u64::from(SCHEMA))
}

/// The item in a document, unless a newer packwatch wrote it.
fn decode<T: DeserializeOwned>(target: &Target, body: &str) -> Result<T, StoreError> {
    let document: Value = serde_json::from_str(body)?;
    match newer(&document) {
        Some(schema) => Err(StoreError::Newer(newer_schema(target, schema))),
        None => Ok(serde_json::from_value(document)?),
    }
}

fn cursors(body: &str) -> Result<Cursors, StoreError> {
    let document: Value = serde_json::from_str(body)?;
    match newer(&document) {
        Some(schema) => {
            Err(StoreError::Newer(format!("the cursors have schema {schema}, of a newer packwatch")))
        }
        None => Ok(serde_json::from_value(document)?),
    }
}

/// A silence that cannot be read, or not whole, silences nothing.
fn silence(sk: &str, body: &str) -> Option<Silence> {
    let document = serde_json::from_str(body);
    if let Some(schema) = document.as_ref().ok().and_then(newer) {
        warn!(sk, schema, "a silence of a newer packwatch");
        return None;
    }
    let silence = document.and_then(serde_json::from_value);
    silence.inspect_err(|error| warn!(sk, %error, "silence not understood")).ok()
}

/// Removes what has expired: SQLite has no TTL.
fn tidy(transaction: &rusqlite::Transaction<'_>, now: Timestamp) -> Result<(), StoreError> {
    // Here and not when the file is opened: those who only read it may not be allowed to write.
    transaction.execute_batch(
        "CREATE INDEX IF NOT EXISTS items_by_expiry ON items (expires_at) WHERE expires_at IS NOT NULL",
    )?;
    let sql = "DELETE FROM items WHERE expires_at < ?";
    transaction.prepare_cached(sql)?.execute([now.as_second()])?;
    Ok(())
}

fn damaged(target: &Target, why: &str) -> StoreError {
    StoreError::Unavailable(format!("an item of {target} is damaged: {why}"))
}

impl SnapshotStore for SqliteStore {
    fn place(&self) -> HistoryPlace {
        let store = self.path.as_ref().map(|path| path.display().to_string());
        HistoryPlace { store, ..HistoryPlace::default() }
    }

    async fn load(&self) -> Result<Heads, StoreError> {
        let mut heads = Heads::default();
        for Item { sk, body, .. } in self.prefixed(keys::HEADS, "")? {
            match keys::control(&sk) {
                Some(Control::Silence) => heads.silences.0.extend(silence(&sk, &body)),
                Some(Control::Settings) => {
                    heads.settings = Some(serde_json::from_str::<SettingsItem>(&body)?.settings)
                }
                Some(Control::Cursors(Topic::Alerts)) => heads.alerts = cursors(&body)?,
                Some(Control::Cursors(Topic::Events)) => heads.events = cursors(&body)?,
                Some(Control::Head(target)) => match decode(&target, &body) {
                    Ok(head) => drop(heads.known.insert(target, head)),
                    Err(error) => drop(heads.unreadable.insert(target, error.to_string())),
                },
                None => {}
            }
        }
        Ok(heads)
    }

    async fn snapshot(&self, target: &Target) -> Result<Snapshot, StoreError> {
        let (mut rows, mut chunks) = (Vec::new(), BTreeMap::new());
        for Item { sk, body, data } in self.prefixed(&target.partition(), keys::CHUNKS)? {
            let chunk: Chunk = decode(target, &body)?;
            let number = keys::chunk_of(&sk).ok_or_else(|| damaged(target, &sk))?;
            chunks.insert(number, chunk.epoch);
            rows.extend(packed::read_rows(&data).map_err(|why| damaged(target, &why))?);
        }
        Ok(Snapshot { rows: rows.into_iter().collect(), chunks })
    }

    async fn commit(&self, target: &Target, commit: &Commit) -> Result<(), StoreError> {
        let pk = target.partition();
        self.write(|transaction| {
            if !commit.fits(head(transaction, target)?.as_ref()) {
                return Err(StoreError::Superseded);
            }
            for chunk in &commit.chunks {
                put(transaction, (&pk, &keys::chunk(chunk.number)), chunk, Some(&chunk.data), None)?;
            }
            for number in &commit.dropped {
                delete(transaction, &pk, &keys::chunk(*number))?;
            }
            for part in &commit.parts {
                let expires_at = Some(part.expires_at.as_second());
                let sk = keys::part(part.position);
                put(transaction, (&pk, &sk), part, Some(&part.data), expires_at)?;
            }
            put_head(transaction, target, &commit.head)?;
            tidy(transaction, commit.head.committed_at)
        })
    }

    async fn hint(&self, target: &Target, hint: &Hint) -> Result<(), StoreError> {
        self.write(|transaction| match head(transaction, target)? {
            Some(head) => put_head(transaction, target, &hint.applied_to(&head)),
            None => Ok(()),
        })
    }

    async fn put_settings(&self, settings: &SharedSettings) -> Result<(), StoreError> {
        self.write(|transaction| {
            let item = SettingsItem { settings: settings.clone() };
            put(transaction, (keys::HEADS, keys::SETTINGS), &item, None, None)
        })
    }

    async fn log(&self, target: &Target, request: &LogRequest) -> Result<Page<LogPart>, StoreError> {
        let (from, to) = keys::parts(request.after, request.until);
        // What comes right behind the last key: the range below has neither of its ends.
        let to = format!("{to}!");
        let (from, to, direction) = match (request.order, request.token.as_ref()) {
            (Order::Oldest, token) => (token.unwrap_or(&from), &to, "ASC"),
            (Order::Newest, token) => (&from, token.unwrap_or(&to), "DESC"),
        };
        let sql = format!(
            "SELECT sk, body, data FROM items WHERE pk = ? AND sk > ? AND sk < ? ORDER BY sk {direction} LIMIT ?"
        );
        let connection = self.connection.borrow();
        let mut query = connection.prepare_cached(&sql)?;
        let items = query.query_map(params![target.partition(), from, to, request.limit], item)?;
        let items: Vec<Item> = items.collect::<Result<_, _>>()?;
        let is_full = items.len() as u64 == u64::from(request.limit);
        let next_token = items.last().filter(|_| is_full).map(|item| item.sk.clone());
        let part = |item: Item| {
            let position = keys::part_of(&item.sk).ok_or_else(|| damaged(target, &item.sk))?;
            Ok(LogPart { position, data: item.data, ..decode(target, &item.body)? })
        };
        Ok(Page { items: items.into_iter().map(part).collect::<Result<_, StoreError>>()?, next_token })
    }

    async fn put_cursors(&self, topic: Topic, cursors: &Cursors) -> Result<(), StoreError> {
        self.write(|transaction| {
            if version(transaction, topic)?.checked_add(1) != Some(cursors.version) {
                return Err(StoreError::Superseded);
            }
            put(transaction, (keys::HEADS, &keys::cursors(topic)), cursors, None, None)
        })
    }

    async fn put_message(&self, message: &StoredMessage) -> Result<(), StoreError> {
        let key = (keys::MESSAGES, &*keys::message(&message.id));
        let expires_at = Some(message.expires_at.as_second());
        self.write(|transaction| put(transaction, key, message, Some(&message.data), expires_at))
    }

    async fn message(&self, id: &str) -> Result<Option<StoredMessage>, StoreError> {
        let connection = self.connection.borrow();
        let sql = "SELECT sk, body, data FROM items WHERE pk = ? AND sk = ?";
        let mut query = connection.prepare_cached(sql)?;
        let found = query.query_row([keys::MESSAGES, &keys::message(id)], item).optional()?;
        let message = |item: Item| {
            let message = serde_json::from_str(&item.body)?;
            Ok(StoredMessage { id: id.to_owned(), data: item.data, ..message })
        };
        found.map(message).transpose()
    }
}

impl SilenceStore for SqliteStore {
    async fn silence(&self, silence: &Silence) -> Result<(), StoreError> {
        let expires_at = Some(silence.until.as_second());
        self.write(|transaction| {
            let key = (keys::HEADS, &*keys::silence(&silence.id));
            put(transaction, key, silence, None, expires_at)
        })
    }

    async fn unsilence(&self, id: &str) -> Result<bool, StoreError> {
        self.write(|transaction| delete(transaction, keys::HEADS, &keys::silence(id)))
    }
}
