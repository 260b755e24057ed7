//! The snapshot store in one SQLite file: the same items under the same keys as in DynamoDB, each as a
//! JSON document.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use serde::Serialize;

use super::items::{decode, record, row, silence};
use crate::model::{AccountId, Target};
use crate::ports::{
    HistoryReader, HistoryRequest, LogRequest, Order, Page, SilenceStore, SnapshotStore, StoreError,
};
use crate::state::heads::{Advance, Change, Claim, Closing, Finish, Head, Heads, Note, Stored, listening};
use crate::state::keys;
use crate::state::log::{Position, Record};
use crate::state::silence::Silence;
use crate::state::{Row, Transition};

/// How long a writer waits for another one. Every transaction here takes milliseconds.
const BUSY: Duration = Duration::from_secs(30);

/// Where it is kept on which day what had expired was last removed: SQLite has no TTL.
const TIDIED: (&str, &str) = ("upkeep", "tidied");

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
                PRIMARY KEY (pk, sk)) WITHOUT ROWID;
            CREATE INDEX IF NOT EXISTS items_by_expiry ON items (expires_at) WHERE expires_at IS NOT NULL",
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

    /// A page of a range of the target's log, both ends included, and where the next one begins.
    fn page(
        &self,
        target: &Target,
        (from, to): (String, String),
        (order, limit, token): (Order, u32, Option<&String>),
    ) -> Result<Page<Record>, StoreError> {
        // What comes right behind the last key: the range below has neither of its ends.
        let to = format!("{to}!");
        let (from, to, direction) = match order {
            Order::Oldest => (token.unwrap_or(&from), &to, "ASC"),
            Order::Newest => (&from, token.unwrap_or(&to), "DESC"),
        };
        let sql = format!(
            "SELECT sk, body FROM items WHERE pk = ? AND sk > ? AND sk < ? ORDER BY sk {direction} LIMIT ?"
        );
        let connection = self.connection.borrow();
        let mut query = connection.prepare_cached(&sql)?;
        let parameters = params![keys::partition(target), from, to, limit];
        let items = query.query_map(parameters, |row| Ok((row.get(0)?, row.get(1)?)))?;
        let items: Vec<(String, String)> = items.collect::<Result<_, _>>()?;
        let is_full = items.len() as u64 == u64::from(limit);
        let next_token = items.last().filter(|_| is_full).map(|(sk, _)| sk.clone());
        let items = items.iter().map(|(sk, body)| record(target, sk, body)).collect::<Result<_, _>>()?;
        Ok(Page { items, next_token })
    }

    /// Changes the head that the run holds; `None`: it is no longer the run's.
    fn change(&self, target: &Target, changed: impl FnOnce(&Head) -> Option<Head>) -> Result<(), StoreError> {
        self.write(|transaction| {
            let changed = head(transaction, target)?.as_ref().and_then(changed);
            put_head(transaction, target, &changed.ok_or(StoreError::Superseded)?)
        })
    }
}

fn put(
    transaction: &rusqlite::Transaction<'_>,
    pk: &str,
    sk: &str,
    item: &impl Serialize,
    expires_at: Option<i64>,
) -> Result<(), StoreError> {
    let body = serde_json::to_string(item)?;
    let sql = "INSERT OR REPLACE INTO items (pk, sk, body, expires_at) VALUES (?, ?, ?, ?)";
    transaction.prepare_cached(sql)?.execute(params![pk, sk, body, expires_at])?;
    Ok(())
}

fn put_head(transaction: &rusqlite::Transaction<'_>, target: &Target, head: &Head) -> Result<(), StoreError> {
    put(transaction, keys::WATCH, &keys::head(target), &Stored::new(head), None)
}

fn delete(transaction: &rusqlite::Transaction<'_>, pk: &str, sk: &str) -> Result<bool, StoreError> {
    let sql = "DELETE FROM items WHERE pk = ? AND sk = ?";
    Ok(transaction.prepare_cached(sql)?.execute([pk, sk])? > 0)
}

/// Removes what has expired, once a day.
fn tidy(transaction: &rusqlite::Transaction<'_>, now: Timestamp) -> Result<(), StoreError> {
    let (pk, sk) = TIDIED;
    let today = now.strftime("%F").to_string();
    if body(transaction, pk, sk)?
        .is_some_and(|body| serde_json::from_str(&body).ok().as_ref() == Some(&today))
    {
        return Ok(());
    }
    let sql = "DELETE FROM items WHERE expires_at < ?";
    transaction.prepare_cached(sql)?.execute([now.as_second()])?;
    put(transaction, pk, sk, &today, None)
}

fn body(transaction: &rusqlite::Transaction<'_>, pk: &str, sk: &str) -> Result<Option<String>, StoreError> {
    let sql = "SELECT body FROM items WHERE pk = ? AND sk = ?";
    Ok(transaction.prepare_cached(sql)?.query_row([pk, sk], |row| row.get(0)).optional()?)
}

/// The head, for a writer that holds the transaction.
fn head(transaction: &rusqlite::Transaction<'_>, target: &Target) -> Result<Option<Head>, StoreError> {
    let body = body(transaction, keys::WATCH, &keys::head(target))?;
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
                Ok(head) => {
                    heads.known.insert(target, head);
                }
                Err(error) => {
                    heads.unreadable.insert(target, error.to_string());
                }
            }
        }
        Ok(heads)
    }

    async fn claim(&self, target: &Target, claim: &Claim) -> Result<Head, StoreError> {
        self.write(|transaction| {
            let found = head(transaction, target)?;
            let claimed = claim.applied_to(found.as_ref()).ok_or(StoreError::Superseded)?;
            put_head(transaction, target, &claimed)?;
            Ok(claimed)
        })
    }

    async fn rows(&self, target: &Target) -> Result<BTreeMap<AccountId, Row>, StoreError> {
        let items = self.prefixed(&keys::partition(target), keys::ACCOUNTS)?;
        items.iter().filter_map(|(sk, body)| row(target, sk, body).transpose()).collect()
    }

    async fn record(
        &self,
        target: &Target,
        epoch: u64,
        changes: &[Change],
        closing: Option<&Closing>,
    ) -> Result<(), StoreError> {
        let pk = keys::partition(target);
        self.write(|transaction| {
            let head = fence(transaction, target, epoch)?;
            for change in changes {
                let sk = keys::account(change.account);
                match &change.row {
                    Some(row) => put(transaction, &pk, &sk, &Stored::new(row), None)?,
                    None => {
                        delete(transaction, &pk, &sk)?;
                    }
                }
                if let Some(transition) = &change.transition {
                    let sk = keys::record(Position::of(transition));
                    let expires_at = Some(transition.expires_at.as_second());
                    put(transaction, &pk, &sk, &Stored::new(&**transition), expires_at)?;
                }
            }
            let Some(closing) = closing else { return Ok(()) };
            if let Some(notice) = closing.notice() {
                let expires_at = Some(notice.expires_at.as_second());
                put(transaction, &pk, &keys::record(notice.position()), &Stored::new(notice), expires_at)?;
            }
            put_head(transaction, target, &closing.applied_to(head))
        })
    }

    async fn log(&self, target: &Target, request: &LogRequest) -> Result<Page<Record>, StoreError> {
        let range = keys::records(request.after, request.until);
        self.page(target, range, (request.order, request.limit, request.token.as_ref()))
    }

    async fn advance(&self, target: &Target, advance: &Advance) -> Result<(), StoreError> {
        self.change(target, |head| advance.applied_to(head))
    }

    async fn finish(&self, target: &Target, finish: &Finish) -> Result<(), StoreError> {
        self.change(target, |head| finish.applied_to(head))?;
        self.write(|transaction| tidy(transaction, finish.at))
    }

    async fn listen(&self, target: &Target, listens: bool) -> Result<(), StoreError> {
        self.write(|transaction| match head(transaction, target)? {
            Some(head) => put_head(transaction, target, &listening(&head, listens)),
            None => Ok(()),
        })
    }

    async fn remember(&self, target: &Target, note: &Note) -> Result<(), StoreError> {
        self.write(|transaction| match head(transaction, target)? {
            Some(head) => put_head(transaction, target, &note.applied_to(&head)),
            None => Ok(()),
        })
    }
}

impl HistoryReader for SqliteStore {
    async fn history(
        &self,
        target: &Target,
        request: &HistoryRequest,
    ) -> Result<Page<Transition>, StoreError> {
        let page = self.page(target, keys::log(), (request.order, request.limit, request.token.as_ref()))?;
        let items = page.items.into_iter().filter_map(Record::transition).collect();
        Ok(Page { items, next_token: page.next_token })
    }
}

impl SilenceStore for SqliteStore {
    async fn silence(&self, silence: &Silence) -> Result<(), StoreError> {
        let expires_at = Some(silence.until.as_second());
        self.write(|transaction| {
            put(transaction, keys::WATCH, &keys::silence(&silence.id), &Stored::new(silence), expires_at)
        })
    }

    async fn unsilence(&self, id: &str) -> Result<bool, StoreError> {
        self.write(|transaction| delete(transaction, keys::WATCH, &keys::silence(id)))
    }
}
