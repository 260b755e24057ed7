//! Which part stands behind each port, as the flags choose it.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::Stdout;
use std::path::PathBuf;

use clap::Args;
use indicatif::ProgressBar;

use super::{Failure, Global, cloud, counted};
#[cfg(feature = "aws")]
use crate::aws::{ConfigSource, DynamoStore, Organizations, SnsPublisher};
use crate::local::{RecordedStatuses, SqliteStore, Terminal};
use crate::message::{Alert, Event};
use crate::model::{AccountId, DetailedStatus, PackName, Region, Row, Target, Transition};
use crate::names::AccountName;
use crate::ports::{
    AccountNames, Filters, HistoryRequest, Page, PageRequest, PublishError, Publisher, SnapshotStore,
    SourceError, StatusSource, StoreError,
};
use crate::silence::Silence;
use crate::snapshot::{Change, Claim, Commit, Heads};

/// Where the snapshots are.
#[derive(Debug, Args)]
pub(super) struct StoreArgs {
    /// SQLite file with the snapshots [default: packwatch/snapshots.sqlite in the state folder]
    #[arg(long, value_name = "FILE", conflicts_with = "table")]
    store: Option<PathBuf>,
    /// DynamoDB table with the snapshots, instead of the file
    #[arg(long, value_name = "NAME")]
    pub(super) table: Option<String>,
}

impl StoreArgs {
    /// Opens what a run has filled; nothing is created.
    pub(super) async fn open(&self, global: &Global) -> Result<Store, Failure> {
        if let Some(table) = &self.table {
            return cloud::store(global, table).await;
        }
        let file = self.file()?;
        if !file.exists() {
            let why = "there is no such file: has `packwatch run` been run, with the same --store?";
            return Err(format!("{}: {why}", file.display()).into());
        }
        Ok(Store::Sqlite(SqliteStore::open(&file)?))
    }

    /// The file: as given, or where the state of programs is kept (XDG Base Directory Specification).
    pub(super) fn file(&self) -> Result<PathBuf, Failure> {
        if let Some(file) = &self.store {
            return Ok(file.clone());
        }
        let state = std::env::var_os("XDG_STATE_HOME").filter(|folder| !folder.is_empty()).map(PathBuf::from);
        let state = state.or_else(|| std::env::home_dir().map(|home| home.join(".local/state")));
        let state = state.ok_or("no home folder: name the file of the snapshots with --store")?;
        Ok(state.join("packwatch").join("snapshots.sqlite"))
    }
}

/// A source of statuses.
pub(super) enum Source {
    Recorded(RecordedStatuses),
    #[cfg(feature = "aws")]
    Aws(ConfigSource),
}

/// A source that shows on a terminal how far the reading is.
pub(super) struct Watched {
    source: Source,
    bar: ProgressBar,
    pages: Cell<u64>,
    accounts: Cell<u64>,
}

impl Watched {
    pub(super) fn new(source: Source) -> Self {
        // Drawn on stderr, and only on a terminal.
        let bar = ProgressBar::new_spinner();
        Self { source, bar, pages: Cell::new(0), accounts: Cell::new(0) }
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl StatusSource for Watched {
    async fn packs(&self, region: &Region, page: &PageRequest) -> Result<Page<PackName>, SourceError> {
        match &self.source {
            Source::Recorded(recorded) => recorded.packs(region, page).await,
            #[cfg(feature = "aws")]
            Source::Aws(config) => config.packs(region, page).await,
        }
    }

    async fn statuses(
        &self,
        target: &Target,
        filters: &Filters,
        page: &PageRequest,
    ) -> Result<Page<DetailedStatus>, SourceError> {
        let page = match &self.source {
            Source::Recorded(recorded) => recorded.statuses(target, filters, page).await,
            #[cfg(feature = "aws")]
            Source::Aws(config) => config.statuses(target, filters, page).await,
        }?;
        self.pages.set(self.pages.get() + 1);
        self.accounts.set(self.accounts.get() + page.items.len() as u64);
        let (accounts, pages) = (self.accounts.get(), self.pages.get());
        self.bar.set_message(format!("{} in {}", counted(accounts, "account"), counted(pages, "page")));
        self.bar.tick();
        Ok(page)
    }
}

/// A store of snapshots.
pub(super) enum Store {
    Sqlite(SqliteStore),
    #[cfg(feature = "aws")]
    Dynamo(DynamoStore),
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
    async fn load(&self) -> Result<Heads, StoreError> {
        either_store!(self, store => store.load())
    }

    async fn claim(&self, target: &Target, claim: &Claim) -> Result<(), StoreError> {
        either_store!(self, store => store.claim(target, claim))
    }

    async fn rows(&self, target: &Target) -> Result<BTreeMap<AccountId, Row>, StoreError> {
        either_store!(self, store => store.rows(target))
    }

    async fn record(&self, target: &Target, epoch: u64, changes: &[Change]) -> Result<(), StoreError> {
        either_store!(self, store => store.record(target, epoch, changes))
    }

    async fn transitions(&self, target: &Target, after: u64) -> Result<Vec<Transition>, StoreError> {
        either_store!(self, store => store.transitions(target, after))
    }

    async fn history(
        &self,
        target: &Target,
        request: &HistoryRequest,
    ) -> Result<Page<Transition>, StoreError> {
        either_store!(self, store => store.history(target, request))
    }

    async fn silence(&self, silence: &Silence) -> Result<(), StoreError> {
        either_store!(self, store => store.silence(silence))
    }

    async fn unsilence(&self, id: &str) -> Result<bool, StoreError> {
        either_store!(self, store => store.unsilence(id))
    }

    async fn commit(&self, target: &Target, commit: &Commit) -> Result<(), StoreError> {
        either_store!(self, store => store.commit(target, commit))
    }
}

/// Who knows what accounts are called.
pub(super) enum Names {
    #[cfg(feature = "aws")]
    Organizations(Organizations),
}

impl AccountNames for Names {
    #[cfg_attr(not(feature = "aws"), expect(unused_variables, reason = "nobody to ask"))]
    async fn look_up(&self, accounts: &[AccountId]) {
        match *self {
            #[cfg(feature = "aws")]
            Self::Organizations(ref names) => names.look_up(accounts).await,
        }
    }

    #[cfg_attr(not(feature = "aws"), expect(unused_variables, reason = "nobody to ask"))]
    fn known(&self, account: AccountId) -> Option<AccountName> {
        match *self {
            #[cfg(feature = "aws")]
            Self::Organizations(ref names) => names.known(account),
        }
    }
}

/// Where messages go.
pub(super) enum Sink {
    Terminal(Terminal<Stdout>),
    #[cfg(feature = "aws")]
    Sns(SnsPublisher),
}

impl Publisher for Sink {
    async fn alert(&self, alert: &Alert) -> Result<(), PublishError> {
        match self {
            Self::Terminal(terminal) => terminal.alert(alert).await,
            #[cfg(feature = "aws")]
            Self::Sns(sns) => sns.alert(alert).await,
        }
    }

    fn has_events(&self) -> bool {
        match self {
            Self::Terminal(terminal) => terminal.has_events(),
            #[cfg(feature = "aws")]
            Self::Sns(sns) => sns.has_events(),
        }
    }

    async fn events(&self, events: &[Event]) -> Result<Vec<(usize, PublishError)>, PublishError> {
        match self {
            Self::Terminal(terminal) => terminal.events(events).await,
            #[cfg(feature = "aws")]
            Self::Sns(sns) => sns.events(events).await,
        }
    }
}
