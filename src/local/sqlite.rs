//! The snapshot store in one SQLite file: the same items under the same keys as in DynamoDB, each a JSON document and
//! its zipped data.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior, params};
use serde::Serialize;
use serde_json::Value;

use crate::model::Target;
use crate::notify::HistoryPlace;
use crate::ports::{LogRequest, Order, Page, SilenceStore, SnapshotStore, StoreError};
use crate::state::commit::{Commit, Snapshot};
use crate::state::head::{Cursors, Head, Heads, Hint, SharedSettings, StoredMessage, Topic};
use crate::state::item::{ReadItem, SettingsItem, Stored};
use crate::state::keys;
use crate::state::log::LogPart;
use crate::state::silence::Silence;

/// How long a writer waits for another one. Every transaction here takes milliseconds.
const BUSY: Duration = Duration::from_secs(30);

/// Snapshots in a SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    connection: std::cell::RefCell<Connection>,
    place: HistoryPlace,
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Unavailable(error.to_string())
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
        let path = std::path::absolute(path).ok().map(|path| path.display().to_string());
        Ok(Self { place: HistoryPlace { store: path, ..HistoryPlace::default() }, ..store })
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
        Ok(Self { connection: connection.into(), place: HistoryPlace::default() })
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
    fn prefixed(&self, pk: &str, prefix: &str) -> Result<Vec<ReadItem>, StoreError> {
        let connection = self.connection.borrow();
        items(&connection, "sk >= ? AND sk < ? ORDER BY sk", [pk, prefix, &format!("{prefix}~")])
    }
}

/// The items of a partition, the first parameter, for which a condition holds.
fn items(
    connection: &Connection,
    condition: &str,
    parameters: impl rusqlite::Params,
) -> Result<Vec<ReadItem>, StoreError> {
    let sql = format!("SELECT sk, body, data FROM items WHERE pk = ? AND {condition}");
    let mut query = connection.prepare_cached(&sql)?;
    let items = query.query_map(parameters, |row| {
        // What is no JSON holds nothing, and is damaged for whoever wants it.
        let attributes = serde_json::from_str(&row.get::<_, String>(1)?).unwrap_or_default();
        let data: Option<Vec<u8>> = row.get(2)?;
        Ok(ReadItem { sk: row.get(0)?, attributes, data: data.unwrap_or_default() })
    })?;
    Ok(items.collect::<Result<_, _>>()?)
}

fn item(connection: &Connection, pk: &str, sk: &str) -> Result<Option<ReadItem>, StoreError> {
    Ok(items(connection, "sk = ?", [pk, sk])?.pop())
}

fn put(
    transaction: &rusqlite::Transaction<'_>,
    (pk, sk): (&str, &str),
    item: &impl Serialize,
    data: Option<&[u8]>,
) -> Result<(), StoreError> {
    let item = serde_json::to_value(Stored::new(item))
        .map_err(|error| StoreError::Unavailable(error.to_string()))?;
    let expires_at = item.get("expires_at").and_then(Value::as_i64);
    let sql = "INSERT OR REPLACE INTO items (pk, sk, body, data, expires_at) VALUES (?, ?, ?, ?, ?)";
    transaction.prepare_cached(sql)?.execute(params![pk, sk, item.to_string(), data, expires_at])?;
    Ok(())
}

fn delete(transaction: &rusqlite::Transaction<'_>, pk: &str, sk: &str) -> Result<bool, StoreError> {
    let sql = "DELETE FROM items WHERE pk = ? AND sk = ?";
    Ok(transaction.prepare_cached(sql)?.execute([pk, sk])? > 0)
}

/// The head, for a writer that holds the transaction.
fn head(transaction: &rusqlite::Transaction<'_>, target: &Target) -> Result<Option<Head>, StoreError> {
    let head = item(transaction, keys::HEADS, &keys::head(target))?;
    Ok(head.map(|head| head.head(target)).transpose()?)
}

fn put_head(transaction: &rusqlite::Transaction<'_>, target: &Target, head: &Head) -> Result<(), StoreError> {
    put(transaction, (keys::HEADS, &keys::head(target)), head, None)
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

impl SnapshotStore for SqliteStore {
    fn place(&self) -> HistoryPlace {
        self.place.clone()
    }

    async fn load(&self) -> Result<Heads, StoreError> {
        let mut heads = Heads::default();
        for item in self.prefixed(keys::HEADS, "")? {
            heads.take(item)?;
        }
        Ok(heads)
    }

    async fn snapshot(&self, target: &Target) -> Result<Snapshot, StoreError> {
        let mut snapshot = Snapshot::default();
        for item in self.prefixed(&target.partition(), keys::CHUNKS)? {
            snapshot.take(target, item)?;
        }
        Ok(snapshot)
    }

    async fn commit(&self, target: &Target, commit: &Commit) -> Result<(), StoreError> {
        let pk = target.partition();
        self.write(|transaction| {
            if !commit.fits(head(transaction, target)?.as_ref()) {
                return Err(StoreError::Superseded);
            }
            for chunk in &commit.chunks {
                put(transaction, (&pk, &keys::chunk(chunk.number)), chunk, Some(&chunk.data))?;
            }
            for part in &commit.parts {
                put(transaction, (&pk, &keys::part(part.position)), part, Some(&part.data))?;
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
            put(transaction, (keys::HEADS, keys::SETTINGS), &item, None)
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
        let connection = self.connection.borrow();
        let condition = format!("sk > ? AND sk < ? ORDER BY sk {direction} LIMIT ?");
        let parameters = params![target.partition(), from, to, request.limit];
        let items = items(&connection, &condition, parameters)?;
        let is_full = items.len() as u64 == u64::from(request.limit);
        let next_token = items.last().filter(|_| is_full).map(|item| item.sk.clone());
        let parts = items.into_iter().map(|item| item.part(target));
        Ok(Page { items: parts.collect::<Result<_, _>>()?, next_token })
    }

    async fn put_cursors(&self, topic: Topic, cursors: &Cursors) -> Result<(), StoreError> {
        self.write(|transaction| {
            let key = (keys::HEADS, &*keys::cursors(topic));
            let stored = item(transaction, key.0, key.1)?.map(ReadItem::cursors).transpose()?;
            if stored.map_or(0, |stored| stored.version).checked_add(1) != Some(cursors.version) {
                return Err(StoreError::Superseded);
            }
            put(transaction, key, cursors, None)
        })
    }

    async fn put_message(&self, message: &StoredMessage) -> Result<(), StoreError> {
        let key = (keys::MESSAGES, &*keys::message(&message.id));
        self.write(|transaction| put(transaction, key, message, Some(&message.data)))
    }

    async fn message(&self, id: &str) -> Result<Option<StoredMessage>, StoreError> {
        let message = item(&self.connection.borrow(), keys::MESSAGES, &keys::message(id))?;
        Ok(message.map(|message| message.message(id)).transpose()?)
    }
}

impl SilenceStore for SqliteStore {
    async fn silence(&self, silence: &Silence) -> Result<(), StoreError> {
        let key = (keys::HEADS, &*keys::silence(&silence.id));
        self.write(|transaction| put(transaction, key, silence, None))
    }

    async fn unsilence(&self, id: &str) -> Result<bool, StoreError> {
        self.write(|transaction| delete(transaction, keys::HEADS, &keys::silence(id)))
    }
}
