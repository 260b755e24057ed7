//! What a quick scan reads: the active accounts, by their status, and then single accounts, by their ids.
//!
//! How AWS Config applies its filters is not documented. So a quick scan measures them while it reads, and one that finds
//! them wrong says so instead of what it read: the target is then scanned in full.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::try_join_all;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use jiff::{SignedDuration, Timestamp};

use crate::model::{AccountId, DetailedStatus, Phase, Status, Target};
use crate::ports::{Filters, Page, PageRequest, SourceError, StatusSource};
use crate::settings::Settings;
use crate::state::head::Counts;
use crate::state::silence::Silences;
use crate::state::{Row, State, fingerprint};
use crate::watch::compare::flap;
use crate::watch::scan::paginate::PaginationConfig;
use crate::watch::scan::policy::{FAILED, IN_PROGRESS, PAGE, unrecognised};
use crate::watch::scan::reader::{Progress, ReadError, Seen, pages, watched};

/// How many accounts are asked for at once: as many as statuses are.
pub const SIDE_BY_SIDE: usize = IN_PROGRESS.len();

/// What AWS Config did that a filter must not do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterViolation {
    /// It filters what it has cut into pages, so that a quick scan reads as many as a full one.
    #[error("a page of the accounts in {0} has {1} rows and is not the last")]
    ShortPage(Status, usize),
    /// It does not filter.
    #[error("among the accounts in {0} is one in {1}")]
    OtherStatus(Status, Status),
    /// It does not filter.
    #[error("asked for account {0}, it answers with account {1}")]
    OtherAccount(AccountId, AccountId),
    /// It takes no such filter.
    #[error("it refuses the filter: {0}")]
    Refused(String),
    /// It leaves out what it should show.
    #[error("account {0} is in {1} for longer, and not among the accounts in that status, asked twice")]
    Omitted(AccountId, Status),
}

/// How the reading ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Quick<T> {
    /// Properly.
    Read(T),
    /// With a filter that cannot be relied on. Nothing of what was read counts.
    Violated(FilterViolation),
    /// With as many calls as a full scan takes: that one is cheaper.
    TooMany,
}

/// What a quick scan read. Of an account that is not here nothing is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuickRead {
    /// The effective states.
    pub states: BTreeMap<AccountId, State>,
    /// The accounts that two reads show and of which neither is later: to be asked for.
    pub unclear: BTreeSet<AccountId>,
    /// The accounts that were asked for and are not there.
    pub absent: BTreeSet<AccountId>,
    /// When the reading began: what was read may be newer than this, never older.
    pub observed_at: Timestamp,
}

impl QuickRead {
    /// Nothing is read yet.
    pub fn nothing(observed_at: Timestamp) -> Self {
        let (states, unclear, absent) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
        Self { states, unclear, absent, observed_at }
    }

    /// The fingerprint to compare with the head's; `None` while something is unclear.
    pub fn active(&self) -> Option<String> {
        self.unclear.is_empty().then(|| fingerprint::active(&self.states))
    }
}

/// Reads one target by filters, and counts its calls.
#[derive(Debug)]
pub struct QuickReader<'a, S> {
    source: &'a S,
    target: &'a Target,
    settings: &'a Settings,
    silences: &'a Silences,
    calls: Cell<u64>,
    /// Why the read under way does not go on, where it is not the source that failed.
    stopped: RefCell<Option<Stopped>>,
}

#[derive(Debug)]
enum Stopped {
    Violated(FilterViolation),
    TooMany,
}

impl<'a, S: StatusSource> QuickReader<'a, S> {
    /// A reader that has not read anything.
    pub fn new(source: &'a S, target: &'a Target, settings: &'a Settings, silences: &'a Silences) -> Self {
        let (calls, stopped) = (Cell::default(), RefCell::default());
        Self { source, target, settings, silences, calls, stopped }
    }

    /// How many calls were made, whatever became of them.
    pub fn calls(&self) -> u64 {
        self.calls.get()
    }

    /// Reads the active accounts. `accounts` are the head's: statuses that nobody documented are read if
    /// some account had them.
    pub async fn read(&self, accounts: &Counts, now: Timestamp) -> Result<Quick<QuickRead>, ReadError> {
        let read = async {
            let mut seen = Seen::default();
            for together in [IN_PROGRESS, FAILED] {
                let reads = together.map(|status| self.in_status(Status::new(status), now));
                try_join_all(reads).await?.into_iter().for_each(|rows| seen.extend(rows));
            }
            for status in unrecognised(accounts) {
                seen.extend(self.in_status(status.clone(), now).await?);
            }
            Ok(seen)
        };
        Ok(match self.ended(read.await)? {
            Quick::Read(Seen { states, unclear }) => {
                Quick::Read(QuickRead { states, unclear, ..QuickRead::nothing(now) })
            }
            Quick::Violated(why) => Quick::Violated(why),
            Quick::TooMany => Quick::TooMany,
        })
    }

    /// Asks for accounts by their ids, with at most so many calls, and adds what they say. An empty answer is one:
    /// the account is not there.
    pub async fn ask(
        &self,
        read: &mut QuickRead,
        accounts: &BTreeSet<AccountId>,
        most: u64,
    ) -> Result<Quick<()>, ReadError> {
        // Each is at least one call.
        if accounts.len() as u64 > most {
            return Ok(Quick::TooMany);
        }
        let last = self.calls() + most;
        let asks = stream::iter(accounts).map(|account| self.account(*account, last));
        let answers: Result<Vec<_>, ReadError> = asks.buffer_unordered(SIDE_BY_SIDE).try_collect().await;
        Ok(match self.ended(answers)? {
            Quick::Read(answers) => {
                if let Some(omitted) = self.omitted(read, &answers).await? {
                    return Ok(Quick::Violated(omitted));
                }
                for (account, row) in answers {
                    read.unclear.remove(&account);
                    read.states.remove(&account);
                    match row {
                        Some(row) => read.states.extend(self.watched(row, read.observed_at)),
                        None => {
                            read.absent.insert(account);
                        }
                    }
                }
                Quick::Read(())
            }
            Quick::Violated(why) => Quick::Violated(why),
            Quick::TooMany => Quick::TooMany,
        })
    }

    /// An account that has been in a status for longer, and that the filter by it had left out. The filter is asked once
    /// more: an index may lag, and clocks differ.
    async fn omitted(
        &self,
        read: &QuickRead,
        answers: &[(AccountId, Option<DetailedStatus>)],
    ) -> Result<Option<FilterViolation>, ReadError> {
        let rows = answers.iter().filter_map(|(_, row)| row.as_ref());
        let omitted = rows.filter(|row| {
            is_read_by_status(&row.status)
                && !read.states.contains_key(&row.account)
                && row.last_update.is_some_and(|at| is_before(at, read.observed_at))
        });
        for row in omitted {
            let again = self.ended(self.in_status(row.status.clone(), read.observed_at).await)?;
            let Quick::Read(again) = again else { return Ok(None) };
            if !self.settings.excluded.contains(&row.account)
                && !again.iter().any(|(account, _)| *account == row.account)
            {
                return Ok(Some(FilterViolation::Omitted(row.account, row.status.clone())));
            }
        }
        Ok(None)
    }

    fn watched(&self, row: DetailedStatus, now: Timestamp) -> Option<(AccountId, State)> {
        watched(row, self.settings, self.silences, now)
    }

    /// The accounts in one status.
    async fn in_status(&self, status: Status, now: Timestamp) -> Result<Vec<(AccountId, State)>, ReadError> {
        let filters = Filters { account: None, status: Some(status.clone()) };
        let mut states = Vec::new();
        let read = async |page: PageRequest| {
            let page = self.page(&filters, &page).await?;
            match wrong(&status, &page) {
                Some(violation) => Err(self.stop(Stopped::Violated(violation))),
                None => Ok(page),
            }
        };
        // What is less than a full page is judged, so the size is said.
        let config = PaginationConfig { page_size: u8::try_from(PAGE).ok(), ..PaginationConfig::default() };
        let take = |progress| match progress {
            Progress::Restarted => states.clear(),
            Progress::Items(items) => {
                states.extend(items.into_iter().filter_map(|row| self.watched(row, now)))
            }
        };
        pages(&config, read, take).await?;
        Ok(states)
    }

    /// The row of one account, if it is there. No more than `last` calls are made in all.
    async fn account(
        &self,
        account: AccountId,
        last: u64,
    ) -> Result<(AccountId, Option<DetailedStatus>), ReadError> {
        let filters = Filters { account: Some(account), status: None };
        let mut found = None;
        let read = async |page: PageRequest| {
            if self.calls() >= last {
                return Err(self.stop(Stopped::TooMany));
            }
            let page = self.page(&filters, &page).await?;
            // Taken for an empty answer, another account's row would make this one gone.
            match page.items.iter().find(|row| row.account != account) {
                Some(row) => {
                    Err(self.stop(Stopped::Violated(FilterViolation::OtherAccount(account, row.account))))
                }
                None => Ok(page),
            }
        };
        let take = |progress| match progress {
            Progress::Restarted => found = None,
            Progress::Items(items) => found = items.into_iter().last().or(found.take()),
        };
        pages(&PaginationConfig::default(), read, take).await?;
        Ok((account, found))
    }

    async fn page(&self, filters: &Filters, page: &PageRequest) -> Result<Page<DetailedStatus>, SourceError> {
        self.calls.set(self.calls.get() + 1);
        match self.source.statuses(self.target, filters, page).await {
            Err(SourceError::Invalid(why)) => {
                Err(self.stop(Stopped::Violated(FilterViolation::Refused(why))))
            }
            answer => answer,
        }
    }

    /// Ends the read under way with an error that [`Self::ended`] takes back.
    fn stop(&self, why: Stopped) -> SourceError {
        self.stopped.replace(Some(why));
        SourceError::Invalid("the quick scan does not go on".to_owned())
    }

    fn ended<T>(&self, read: Result<T, ReadError>) -> Result<Quick<T>, ReadError> {
        match (read, self.stopped.take()) {
            (Ok(read), _) => Ok(Quick::Read(read)),
            (Err(_), Some(Stopped::Violated(why))) => Ok(Quick::Violated(why)),
            (Err(_), Some(Stopped::TooMany)) => Ok(Quick::TooMany),
            (Err(error), None) => Err(error),
        }
    }
}

/// The recorded accounts that a quick scan has to ask for, since their absence says nothing: those that are active
/// and were not read, those that changed too often and may have settled, and those that are unclear.
pub fn to_ask(rows: &BTreeMap<AccountId, Row>, read: &QuickRead, settings: &Settings) -> BTreeSet<AccountId> {
    let unread = |(account, row): &(&AccountId, &Row)| {
        let may_have_settled =
            || flap::judge(Some(row), false, read.observed_at, settings.flap_limit).settles;
        let is_known = read.states.contains_key(account) || read.absent.contains(account);
        !is_known && (fingerprint::is_active(&row.state) || may_have_settled())
    };
    let unread = rows.iter().filter(unread).map(|(account, _)| *account);
    let watched = unread.filter(|account| !settings.excluded.contains(account));
    watched.chain(read.unclear.iter().copied()).collect()
}

/// Whether every quick scan reads the accounts in this status.
pub fn is_read_by_status(status: &Status) -> bool {
    matches!(status.phase(), Phase::InProgress | Phase::Failed)
}

/// Whether something was so before a read began, whatever the clocks: they differ by half a minute.
pub fn is_before(time: Timestamp, read: Timestamp) -> bool {
    read.duration_since(time) > SignedDuration::from_secs(60)
}

/// What is wrong with a page of accounts in one status.
fn wrong(status: &Status, page: &Page<DetailedStatus>) -> Option<FilterViolation> {
    let other = page.items.iter().find(|row| row.status != *status);
    let other = other.map(|row| FilterViolation::OtherStatus(status.clone(), row.status.clone()));
    let is_short = page.next_token.is_some() && (page.items.len() as u64) < PAGE;
    other.or_else(|| is_short.then(|| FilterViolation::ShortPage(status.clone(), page.items.len())))
}

#[cfg(test)]
mod tests;
