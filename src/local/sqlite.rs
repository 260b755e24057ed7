//! The snapshot store in one SQLite file: the same items under the same keys as in DynamoDB, each as a
//! JSON document.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tracing::warn;

use crate::model::{AccountId, Target};
use crate::ports::{HistoryReader, HistoryRequest, Order, Page, SilenceStore, SnapshotStore, StoreError};
use crate::state::heads::{Change, Claim, Commit, Head, Heads, SCHEMA, Stored, newer_schema};
use crate::state::keys;
use crate::state::silence::Silence;
use crate::state::{Row, Transition};

/// How long a writer waits for another one. Every transaction here takes milliseconds.
const BUSY: Duration = Duration::from_secs(30);

/// Snapshots in a SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    connection: std::cell::RefCell<Connection>,
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
        Connection::open(path).and_then(Self::prepare).map_err(|error| explain(&error))
    }

    /// A store that is gone when it is dropped.
    pub fn in_memory() -> Result<Self, StoreError> {
        Ok(Self::prepare(Connection::open_in_memory()?)?)
    }

    fn prepare(connection: Connection) -> Result<Self, rusqlite::Error> {
        connection.busy_timeout(BUSY)?;
        connection.execute_batch(
            "CREATE TABLE IF NOT EXISTS items (
                pk TEXT NOT NULL, sk TEXT NOT NULL, body TEXT NOT NULL, expires_at INTEGER,
                PRIMARY KEY (pk, sk)) WITHOUT ROWID",
        )?;
        Ok(Self { connection: connection.into() })
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

    /// The items of a partition whose sort keys are in a range, both ends included.
    fn range(&self, pk: &str, from: &str, to: &str) -> Result<Vec<(String, String)>, StoreError> {
        let connection = self.connection.borrow();
        let mut query = connection
            .prepare_cached("SELECT sk, body FROM items WHERE pk = ? AND sk BETWEEN ? AND ? ORDER BY sk")?;
        let items = query.query_map([pk, from, to], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(items.collect::<Result<_, _>>()?)
    }

    fn prefixed(&self, pk: &str, prefix: &str) -> Result<Vec<(String, String)>, StoreError> {
        self.range(pk, prefix, &format!("{prefix}~"))
    }
}

fn put(
    transaction: &rusqlite::Transaction<'_>,
    pk: &str,
    sk: &str,
    item: &impl Serialize,
    expires_at: Option<i64>,
) -> Result<(), StoreError> {
    let body = serde_json::to_string(&Stored::new(item))?;
    let sql = "INSERT OR REPLACE INTO items (pk, sk, body, expires_at) VALUES (?, ?, ?, ?)";
    transaction.prepare_cached(sql)?.execute(params![pk, sk, body, expires_at])?;
    Ok(())
}

/// The item in a document, unless a newer packwatch wrote it.
fn decode<T: DeserializeOwned>(target: &Target, body: &str) -> Result<T, StoreError> {
    let document: Value = serde_json::from_str(body)?;
    match document.get("schema").and_then(Value::as_u64) {
        Some(schema) if schema > u64::from(SCHEMA) => Err(StoreError::Newer(newer_schema(target, schema))),
        _ => Ok(serde_json::from_value::<Stored<T>>(document)?.item),
    }
}

/// A silence that cannot be read silences nothing.
fn silence(sk: &str, body: &str) -> Option<Silence> {
    let stored = serde_json::from_str::<Stored<Silence>>(body);
    stored.map(|stored| stored.item).inspect_err(|error| warn!(sk, %error, "silence not understood")).ok()
}

/// The head, for a writer that holds the transaction.
fn head(transaction: &rusqlite::Transaction<'_>, target: &Target) -> Result<Option<Head>, StoreError> {
    let sql = "SELECT body FROM items WHERE pk = ? AND sk = ?";
    let body: Option<String> = transaction
        .prepare_cached(sql)?
        .query_row([keys::WATCH, &keys::head(target)], |row| row.get(0))
        .optional()?;
    body.map(|body| decode(target, &body)).transpose()
}

/// The head, if its epoch is still the run's.
fn fence(transaction: &rusqlite::Transaction<'_>, target: &Target, epoch: u64) -> Result<Head, StoreError> {
    head(transaction, target)?.filter(|head| head.epoch == epoch).ok_or(StoreError::Superseded)
}

impl SnapshotStore for SqliteStore {
    async fn load(&self) -> Result<Heads, StoreError> {
        let mut heads = Heads::default();
        let (from, to) = keys::watched();
        for (sk, body) in self.range(keys::WATCH, &from, &to)? {
            if sk.starts_with(keys::SILENCES) {
                heads.silences.0.extend(silence(&sk, &body));
            }
            let Some(target) = keys::target_of_head(&sk) else { continue };
            match decode(&target, &body) {
                Ok(head) => drop(heads.known.insert(target, head)),
                Err(error) => drop(heads.unreadable.insert(target, error.to_string())),
            }
        }
        Ok(heads)
    }

    async fn claim(&self, target: &Target, claim: &Claim) -> Result<(), StoreError> {
        self.write(|transaction| {
            let claimed = match head(transaction, target)? {
                None if claim.seen == 0 => claim.first_head(),
                Some(head) if claim.saw(&head) => Head { epoch: claim.epoch(), fingerprint: None, ..head },
                _ => return Err(StoreError::Superseded),
            };
            put(transaction, keys::WATCH, &keys::head(target), &claimed, None)
        })
    }

    async fn rows(&self, target: &Target) -> Result<BTreeMap<AccountId, Row>, StoreError> {
        let items = self.prefixed(&keys::partition(target), keys::ACCOUNTS)?;
        let rows = items.iter().filter_map(|(sk, body)| Some((keys::account_of(sk)?, body)));
        rows.map(|(account, body)| Ok((account, decode(target, body)?))).collect()
    }

    async fn record(&self, target: &Target, epoch: u64, changes: &[Change]) -> Result<(), StoreError> {
        let pk = keys::partition(target);
        self.write(|transaction| {
            fence(transaction, target, epoch)?;
            for change in changes {
                let sk = keys::account(change.account);
                match &change.row {
                    Some(row) => put(transaction, &pk, &sk, row, None)?,
                    None => {
                        let sql = "DELETE FROM items WHERE pk = ? AND sk = ?";
                        transaction.prepare_cached(sql)?.execute([&pk, &sk])?;
                    }
                }
                if let Some(transition) = &change.transition {
                    let sk = keys::transition(transition.epoch, transition.account);
                    put(transaction, &pk, &sk, transition, Some(transition.expires_at.as_second()))?;
                }
            }
            Ok(())
        })
    }

    async fn transitions(&self, target: &Target, after: u64) -> Result<Vec<Transition>, StoreError> {
        let (from, to) = keys::transitions_after(after);
        let items = self.range(&keys::partition(target), &from, &to)?;
        items.iter().map(|(_, body)| decode(target, body)).collect()
    }

    async fn commit(&self, target: &Target, commit: &Commit) -> Result<(), StoreError> {
        self.write(|transaction| {
            let head = fence(transaction, target, commit.epoch)?;
            put(transaction, keys::WATCH, &keys::head(target), &commit.applied_to(&head), None)?;
            // SQLite has no TTL.
            let sql = "DELETE FROM items WHERE expires_at < ?";
            transaction.prepare_cached(sql)?.execute([commit.at.as_second()])?;
            Ok(())
        })
    }
}

impl HistoryReader for SqliteStore {
    async fn history(
        &self,
        target: &Target,
        request: &HistoryRequest,
    ) -> Result<Page<Transition>, StoreError> {
        let (first, last) = keys::transitions_after(0);
        let (from, to, order) = match (request.order, &request.token) {
            (Order::Oldest, token) => (token.as_ref().unwrap_or(&first), &last, "ASC"),
            (Order::Newest, token) => (&first, token.as_ref().unwrap_or(&last), "DESC"),
        };
        // Neither end is a transition, unless it is the token's.
        let sql = format!(
            "SELECT sk, body FROM items WHERE pk = ? AND sk > ? AND sk < ? ORDER BY sk {order} LIMIT ?"
        );
        let connection = self.connection.borrow();
        let mut query = connection.prepare_cached(&sql)?;
        let parameters = params![keys::partition(target), from, to, request.limit];
        let items = query.query_map(parameters, |row| Ok((row.get(0)?, row.get(1)?)))?;
        let items: Vec<(String, String)> = items.collect::<Result<_, _>>()?;
        let is_full = items.len() as u64 == u64::from(request.limit);
        let next_token = items.last().filter(|_| is_full).map(|(sk, _)| sk.clone());
        let items = items.iter().map(|(_, body)| decode(target, body)).collect::<Result<_, _>>()?;
        Ok(Page { items, next_token })
    }
}

impl SilenceStore for SqliteStore {
    async fn silence(&self, silence: &Silence) -> Result<(), StoreError> {
        let expires_at = Some(silence.until.as_second());
        self.write(|transaction| {
            put(transaction, keys::WATCH, &keys::silence(&silence.id), silence, expires_at)
        })
    }

    async fn unsilence(&self, id: &str) -> Result<bool, StoreError> {
        let sql = "DELETE FROM items WHERE pk = ? AND sk = ?";
        self.write(|transaction| {
            Ok(transaction.prepare_cached(sql)?.execute([keys::WATCH, &keys::silence(id)])? > 0)
        })
    }
}
