//! Where the snapshots are: a file, or a table.

use std::fmt;
use std::path::PathBuf;

use clap::Args;

#[cfg(feature = "aws")]
use crate::aws::DynamoStore;
use crate::cli::args::Global;
use crate::cli::outcome::Failure;
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
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "table")]
    store: Option<PathBuf>,
    /// DynamoDB table with the snapshots, instead of the file
    #[arg(long, global = true, value_name = "NAME")]
    pub(in crate::cli) table: Option<String>,
}

impl StoreArgs {
    /// Opens the store; a file that is not there is created.
    pub(in crate::cli) async fn create(&self, global: &Global) -> Result<Store, Failure> {
        match &self.table {
            #[cfg(feature = "aws")]
            Some(table) => {
                let connection = super::connection(global, None).await?;
                Ok(Store::Dynamo(DynamoStore::new(&connection, table)))
            }
            #[cfg(not(feature = "aws"))]
            Some(_) => super::without_aws(global),
            None => Ok(Store::Sqlite(SqliteStore::open(&self.file()?)?)),
        }
    }

    /// Opens what a run has filled; nothing is created.
    pub(in crate::cli) async fn open(&self, global: &Global) -> Result<Store, Failure> {
        if self.is_missing()? {
            let why = "no such file. Record something first: `packwatch run` with the same --store";
            return Err(format!("{}: {why}", self.file()?.display()).into());
        }
        self.create(global).await
    }

    /// Whether the file is not there.
    pub(in crate::cli) fn is_missing(&self) -> Result<bool, Failure> {
        Ok(self.table.is_none() && !self.file()?.exists())
    }

    /// The options that name the same store in another command, as a shell takes them. Whose profile it was is left
    /// out: who reads the command may be somebody else.
    pub(in crate::cli) fn options(&self, global: &Global) -> Vec<String> {
        let store = self.store.as_ref().map(|file| ("--store", file.display().to_string()));
        let table = self.table.as_ref().map(|table| ("--table", table.clone()));
        let region = table.as_ref().and(global.region.clone()).map(|region| ("--region", region));
        let options = [store, table, region].into_iter().flatten();
        options.flat_map(|(name, value)| [name.to_owned(), quoted(&value)]).collect()
    }

    /// The file: as given, or where the state of programs is kept (XDG Base Directory Specification).
    fn file(&self) -> Result<PathBuf, Failure> {
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
fn quoted(word: &str) -> String {
    shlex::try_quote(word).unwrap_or(word.into()).into_owned()
}

/// A store of snapshots.
pub(in crate::cli) enum Store {
    Sqlite(SqliteStore),
    #[cfg(feature = "aws")]
    Dynamo(DynamoStore),
}

/// Hands these calls to whichever store it is.
macro_rules! handed_on {
    ($(fn $call:ident($($argument:ident: $type:ty),*) -> $done:ty;)*) => {
        $(async fn $call(&self, $($argument: $type),*) -> Result<$done, StoreError> {
            match self {
                Self::Sqlite(store) => store.$call($($argument),*).await,
                #[cfg(feature = "aws")]
                Self::Dynamo(store) => store.$call($($argument),*).await,
            }
        })*
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

    handed_on! {
        fn load() -> Heads;
        fn snapshot(target: &Target) -> Snapshot;
        fn commit(target: &Target, commit: &Commit) -> ();
        fn hint(target: &Target, hint: &Hint) -> ();
        fn put_settings(settings: &SharedSettings) -> ();
        fn log(target: &Target, request: &LogRequest) -> Page<LogPart>;
        fn put_cursors(topic: Topic, cursors: &Cursors) -> ();
        fn put_message(message: &StoredMessage) -> ();
        fn message(id: &str) -> Option<StoredMessage>;
    }
}

impl SilenceStore for Store {
    handed_on! {
        fn silence(silence: &Silence) -> ();
        fn unsilence(id: &str) -> bool;
    }
}
