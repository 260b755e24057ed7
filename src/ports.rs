//! The ports: what a run needs from outside, as small traits. `aws` implements them over the AWS SDK,
//! `local` over files and SQLite, the tests over a model. Their errors are split by what the caller
//! does next, not by where they came from.

use std::time::Duration;

use jiff::{Timestamp, Unit};
use serde::Deserialize;

use crate::model::{AccountId, DetailedStatus, PackName, Region, Status, Target};
use crate::notify::HistoryPlace;
use crate::notify::message::{Alert, Event};
use crate::state::commit::{Commit, Snapshot};
use crate::state::head::{Cursors, Heads, Hint, SharedSettings, StoredMessage, Topic};
use crate::state::item::Unreadable;
use crate::state::log::{LogPart, Position};
use crate::state::silence::Silence;

/// Everything that a run needs from outside.
pub trait Outside {
    /// Gives the statuses.
    type Source: StatusSource;
    /// Keeps the snapshots.
    type Store: SnapshotStore;
    /// Takes the messages.
    type Publisher: Publisher;
    /// Knows what accounts are called.
    type Names: AccountNames;

    /// Where the statuses come from.
    fn source(&self) -> &Self::Source;

    /// Where the snapshots are.
    fn store(&self) -> &Self::Store;

    /// Where the messages go.
    fn publisher(&self) -> &Self::Publisher;

    /// Who knows what accounts are called.
    fn names(&self) -> &Self::Names;

    /// The time of day.
    fn now(&self) -> Timestamp;
}

/// An outside that is put together from its parts.
#[derive(Debug)]
pub struct Parts<S, D, P, N> {
    /// Gives the statuses.
    pub source: S,
    /// Keeps the snapshots.
    pub store: D,
    /// Takes the messages.
    pub publisher: P,
    /// Knows what accounts are called.
    pub names: N,
    /// The time of day, where it is not this machine's.
    pub now: Option<Timestamp>,
}

impl<S: StatusSource, D: SnapshotStore, P: Publisher, N: AccountNames> Outside for Parts<S, D, P, N> {
    type Source = S;
    type Store = D;
    type Publisher = P;
    type Names = N;

    fn source(&self) -> &S {
        &self.source
    }

    fn store(&self) -> &D {
        &self.store
    }

    fn publisher(&self) -> &P {
        &self.publisher
    }

    fn names(&self) -> &N {
        &self.names
    }

    fn now(&self) -> Timestamp {
        self.now.unwrap_or_else(now)
    }
}

/// The time of day of this machine, in milliseconds, as AWS Config's own times are.
fn now() -> Timestamp {
    let now = Timestamp::now();
    now.round(Unit::Millisecond).unwrap_or(now)
}

/// One page of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items, in the service's order.
    pub items: Vec<T>,
    /// The service's token for the next page; `None` on the last.
    pub next_token: Option<String>,
}

/// The caller's `Filters` (`OrganizationResourceDetailedStatusFilters`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase", deny_unknown_fields)]
pub struct Filters {
    /// Only this member account.
    #[serde(rename = "AccountId")]
    pub account: Option<AccountId>,
    /// Only accounts in this status.
    pub status: Option<Status>,
}

impl Filters {
    /// Whether nothing is filtered out.
    pub fn is_empty(&self) -> bool {
        self.account.is_none() && self.status.is_none()
    }
}

/// Which page to read: `Limit` (1–100, the service's 100 when absent) and `NextToken`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// `Limit`
    pub limit: Option<u8>,
    /// `NextToken`
    pub token: Option<String>,
    /// How many pages of this read came before.
    pub before: u64,
}

/// Which parts of a log to read first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Those that were recorded last.
    Newest,
    /// Those that were recorded first.
    Oldest,
}

/// Which page of a target's log to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRequest {
    /// Only what is beyond this position.
    pub after: Position,
    /// Only what is not beyond this one.
    pub until: Position,
    /// From which end.
    pub order: Order,
    /// At most this many parts, at least 1. A page may hold fewer before the last.
    pub limit: u32,
    /// The token of the page before; `None` for the first.
    pub token: Option<String>,
}

/// Why AWS Config (or a file that stands for it) did not give a page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// The pack does not exist, or not for this caller.
    #[error("no such organization conformance pack: {0}")]
    Gone(String),
    /// The caller may not ask. Asking again will not help.
    #[error("{0}")]
    Denied(String),
    /// The pagination token is no longer (or never was) good.
    #[error("the pagination token was refused: {0}")]
    TokenRefused(String),
    /// The request or the answer was not what it must be.
    #[error("{0}")]
    Invalid(String),
    /// No answer, too many requests, or another passing fault, after every retry.
    #[error("{0}")]
    Unavailable(String),
}

/// Gives the organization's conformance packs and their detailed statuses, a page at a time.
pub trait StatusSource {
    /// One page of `DescribeOrganizationConformancePacks`.
    async fn packs(&self, region: &Region, page: &PageRequest) -> Result<Page<PackName>, SourceError>;

    /// One page of `GetOrganizationConformancePackDetailedStatus`.
    async fn statuses(
        &self,
        target: &Target,
        filters: &Filters,
        page: &PageRequest,
    ) -> Result<Page<DetailedStatus>, SourceError>;
}

/// Why the store did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another run has written since. Stop; it does the work.
    #[error("another run is newer")]
    Superseded,
    /// The caller may not.
    #[error("{0}")]
    Denied(String),
    /// It may or may not have been applied: the next run finds out. Or an item cannot be read.
    #[error("{0}")]
    Unavailable(String),
}

impl From<Unreadable> for StoreError {
    fn from(why: Unreadable) -> Self {
        Self::Unavailable(why.0)
    }
}

/// Keeps the snapshot and the log of each target, and how far the topics have the logs.
pub trait SnapshotStore {
    /// Where it is, for the commands that messages name.
    fn place(&self) -> HistoryPlace {
        HistoryPlace::default()
    }

    /// Every head, cursor and silence, consistently, in one request.
    async fn load(&self) -> Result<Heads, StoreError>;

    /// The recorded state of every account of the target. It may show a part of a commit: [`Snapshot::is_of`] says
    /// whether it belongs to a head.
    async fn snapshot(&self, target: &Target) -> Result<Snapshot, StoreError>;

    /// Writes all of a commit, or nothing: [`StoreError::Superseded`] where [`Commit::fits`] does not hold. A commit
    /// whose reply was lost is recognised by its run and epoch.
    async fn commit(&self, target: &Target, commit: &Commit) -> Result<(), StoreError>;

    /// Leaves in an existing head what a scan found without a commit ([`Hint::applied_to`]).
    async fn hint(&self, target: &Target, hint: &Hint) -> Result<(), StoreError>;

    /// Keeps what all who record here must agree on.
    async fn put_settings(&self, settings: &SharedSettings) -> Result<(), StoreError>;

    /// A page of the target's log, consistently.
    async fn log(&self, target: &Target, request: &LogRequest) -> Result<Page<LogPart>, StoreError>;

    /// Replaces the cursors of a topic, if the stored version is the one before; else [`StoreError::Superseded`].
    async fn put_cursors(&self, topic: Topic, cursors: &Cursors) -> Result<(), StoreError>;

    /// Keeps a digest before it is sent.
    async fn put_message(&self, message: &StoredMessage) -> Result<(), StoreError>;

    /// A digest, if it is (still) there.
    async fn message(&self, id: &str) -> Result<Option<StoredMessage>, StoreError>;
}

/// Keeps the silences. A run reads them with the heads.
pub trait SilenceStore {
    /// Keeps a silence.
    async fn silence(&self, silence: &Silence) -> Result<(), StoreError>;

    /// Forgets a silence; whether there was one.
    async fn unsilence(&self, id: &str) -> Result<bool, StoreError>;
}

/// Why a message was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// The caller may not publish, or the topic does not exist.
    #[error("{0}")]
    Denied(String),
    /// This message will never be accepted as it is.
    #[error("the message was refused: {0}")]
    Refused(String),
    /// It was not accepted, after every retry.
    #[error("{0}")]
    Unavailable(String),
    /// The connection broke, after every retry: it may have been accepted.
    #[error("{0}")]
    Unanswered(String),
    /// Nobody answered in time. It may have been accepted: it is not sent again in this run.
    #[error("no answer within {} s", .0.as_secs())]
    TimedOut(Duration),
}

/// Whether machines get the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Machines {
    /// Through a topic.
    Listen,
    /// The function has no topic for them: nothing lags.
    Nobody,
    /// A laptop has no topic for them: what lags is the function's to send.
    Elsewhere,
}

/// Hands messages to people and machines.
pub trait Publisher {
    /// Whether nobody would get a digest yet: those who have subscribed have still to confirm that.
    async fn awaits_confirmation(&self) -> bool {
        false
    }

    /// Whether this run has a topic for people, or what stands for one.
    fn alerts(&self) -> bool {
        true
    }

    /// Publishes one digest for people.
    async fn alert(&self, alert: &Alert) -> Result<(), PublishError>;

    /// Whether machines listen, and whose business that is.
    fn machines(&self) -> Machines;

    /// Publishes up to ten records for machines. Returns, for each that was not accepted, its
    /// index and why: an answer of success may still hold refused entries.
    async fn events(&self, events: &[Event]) -> Result<Vec<(usize, PublishError)>, PublishError>;
}

/// What AWS Organizations says of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountName {
    /// Its name.
    pub name: String,
    /// Its state, unless that is `ACTIVE`: nothing can be deployed to a suspended account.
    pub state: Option<String>,
}

/// Knows what accounts are called, if it can. That it cannot is no error: a digest goes out without names.
pub trait AccountNames {
    /// Asks for the names of these accounts, as far as they are not known. May be given up at any time.
    async fn look_up(&self, accounts: &[AccountId]);

    /// What is known of an account by now.
    fn known(&self, account: AccountId) -> Option<AccountName>;
}

/// Without anyone to ask, no names are known: recorded statuses, names switched off.
impl<N: AccountNames> AccountNames for Option<N> {
    async fn look_up(&self, accounts: &[AccountId]) {
        if let Some(names) = self {
            names.look_up(accounts).await;
        }
    }

    fn known(&self, account: AccountId) -> Option<AccountName> {
        self.as_ref()?.known(account)
    }
}
