//! Where the snapshots are: a file, or a table.

use std::fmt;
use std::path::PathBuf;

use clap::Args;

#[cfg(feature = "aws")]
use crate::aws::DynamoStore;
use crate::cli::args::Global;
use crate::cli::outcome::Failure;
#[cfg(not(feature = "aws"))]
use crate::cli::outcome::without_aws;
use crate::local::SqliteStore;
use crate::model::Target;
use crate::notify::HistoryPlace;
use crate::ports::{LogRequest, Page, SilenceStore, SnapshotStore, StoreError};
use crate::state::commit::{Commit, Snapshot};
use crate::state::head::{Cursors, Heads, Hint, SharedSettings, StoredMessage, Topic};
use crate::state::log::LogPart;
use crate::state::silence::Silence;

/// Where the snapshots are.
#[derive(Debug, Args)]
pub(in crate::cli) struct StoreArgs {
    /// SQLite file with the snapshots [default: packwatch/snapshots.sqlite in the state folder]
    #[arg(long, value_name = "FILE", conflicts_with = "table")]
    store: Option<PathBuf>,
    /// DynamoDB table with the snapshots, instead of the file
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) table: Option<String>,
}

impl StoreArgs {
    /// Opens what a run has filled; nothing is created.
    pub(in crate::cli) async fn open(&self, global: &Global) -> Result<Store, Failure> {
        if let Some(table) = &self.table {
            return Store::of_table(global, table).await;
        }
        let file = self.file()?;
        if !file.exists() {
            let why = "no such file. Record something first: `packwatch run` with the same --store";
            return Err(format!("{}: {why}", file.display()).into());
        }
        Ok(Store::Sqlite(SqliteStore::open(&file)?))
    }

    /// The options that name the same store in another command, as a shell takes them. Whose profile it was is left
    /// out: who reads the command may be somebody else.
    pub(in crate::cli) fn options(&self, global: &Global) -> Vec<String> {
        let store = self.store.as_ref().map(|file| ("--store", file.display().to_string()));
        let table = self.table.as_ref().map(|table| ("--table", table.clone()));
        let region =
            global.region.as_ref().filter(|_| table.is_some()).map(|region| ("--region", region.clone()));
        let options = [store, table, region].into_iter().flatten();
        options.flat_map(|(name, value)| [name.to_owned(), quoted(&value)]).collect()
    }

    /// The file: as given, or where the state of programs is kept (XDG Base Directory Specification).
    pub(in crate::cli) fn file(&self) -> Result<PathBuf, Failure> {
        if let Some(file) = &self.store {
            return Ok(file.clone());
        }
        let state = std::env::var_os("XDG_STATE_HOME").filter(|folder| !folder.is_empty()).map(PathBuf::from);
        let state = state.or_else(|| std::env::home_dir().map(|home| home.join(".local/state")));
        let state = state.ok_or("no home folder: name the file of the snapshots with --store")?;
        Ok(state.join("packwatch").join("snapshots.sqlite"))
    }
}

impl fmt::Display for StoreArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.table, self.file()) {
            (Some(table), _) => write!(f, "the table {table}"),
            (None, Ok(file)) => write!(f, "{}", file.display()),
            (None, Err(error)) => write!(f, "{error}"),
        }
    }
}

/// As one word of a shell; what has a NUL stays as it is, and is none.
pub(in crate::cli) fn quoted(word: &str) -> String {
    shlex::try_quote(word).unwrap_or(word.into()).into_owned()
}

/// A store of snapshots.
pub(in crate::cli) enum Store {
    Sqlite(SqliteStore),
    #[cfg(feature = "aws")]
    Dynamo(DynamoStore),
}

impl Store {
    #[cfg(feature = "aws")]
    pub(in crate::cli) async fn of_table(global: &Global, table: &str) -> Result<Self, Failure> {
        Ok(Self::Dynamo(DynamoStore::new(&super::aws::connection(global).await?, table)))
    }

    #[cfg(not(feature = "aws"))]
    pub(in crate::cli) async fn of_table(_: &Global, _: &str) -> Result<Self, Failure> {
        Err(without_aws())
    }
}

/// Calls the same method of whichever store it is.
macro_rules! either_store {
    ($self:ident, $store:ident => $call:expr) => {
        match $self {
            Store::Sqlite($store) => $call.await,
            #[cfg(feature = "aws")]
            Store::Dynamo($store) => $call.await,
        }
    };
}

impl SnapshotStore for Store {
    fn place(&self) -> HistoryPlace {
        match self {
            Self::Sqlite(sqlite) => sqlite.place(),
            #[cfg(feature = "aws")]
            Self::Dynamo(dynamo) => dynamo.place(),
        }
    }

    async fn load(&self) -> Result<Heads, StoreError> {
        either_store!(self, store => store.load())
    }

    async fn snapshot(&self, target: &Target) -> Result<Snapshot, StoreError> {
        either_store!(self, store => store.snapshot(target))
    }

    async fn commit(&self, target: &Target, commit: &Commit) -> Result<(), StoreError> {
        either_store!(self, store => store.commit(target, commit))
    }

    async fn hint(&self, target: &Target, hint: &Hint) -> Result<(), StoreError> {
        either_store!(self, store => store.hint(target, hint))
    }

    async fn put_settings(&self, settings: &SharedSettings) -> Result<(), StoreError> {
        either_store!(self, store => store.put_settings(settings))
    }

    async fn log(&self, target: &Target, request: &LogRequest) -> Result<Page<LogPart>, StoreError> {
        either_store!(self, store => store.log(target, request))
    }

    async fn put_cursors(&self, topic: Topic, cursors: &Cursors) -> Result<(), StoreError> {
        either_store!(self, store => store.put_cursors(topic, cursors))
    }

    async fn put_message(&self, message: &StoredMessage) -> Result<(), StoreError> {
        either_store!(self, store => store.put_message(message))
    }

    async fn message(&self, id: &str) -> Result<Option<StoredMessage>, StoreError> {
        either_store!(self, store => store.message(id))
    }
}

impl SilenceStore for Store {
    async fn silence(&self, silence: &Silence) -> Result<(), StoreError> {
        either_store!(self, store => store.silence(silence))
    }

    async fn unsilence(&self, id: &str) -> Result<bool, StoreError> {
        either_store!(self, store => store.unsilence(id))
    }
}
