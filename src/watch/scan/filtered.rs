//! What a quick scan reads: the active accounts, by their status, and then single accounts, by their ids.
//!
//! How AWS Config applies its filters is not documented. So a quick scan measures them while it reads, and one that
//! finds them wrong says so instead of what it read: the target is then scanned in full.

use std::cell::Cell;
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
use crate::watch::scan::reader::{FilterViolation, ReadError, Seen, pages, watched};

/// How many accounts are asked for at once: as many as statuses are.
pub const SIDE_BY_SIDE: usize = IN_PROGRESS.len();

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
}

impl<'a, S: StatusSource> QuickReader<'a, S> {
    /// A reader that has not read anything.
    pub fn new(source: &'a S, target: &'a Target, settings: &'a Settings, silences: &'a Silences) -> Self {
        Self { source, target, settings, silences, calls: Cell::default() }
    }

    /// How many calls were made, whatever became of them.
    pub fn calls(&self) -> u64 {
        self.calls.get()
    }

    /// Reads the active accounts. `accounts` are the head's: statuses that nobody documented are read if
    /// some account had them.
    pub async fn read(&self, accounts: &Counts, now: Timestamp) -> Result<QuickRead, ReadError> {
        let mut seen = Seen::default();
        for together in [IN_PROGRESS, FAILED] {
            let reads = together.map(|status| self.in_status(Status::new(status), now));
            try_join_all(reads).await?.into_iter().for_each(|rows| seen.extend(rows));
        }
        for status in unrecognised(accounts) {
            seen.extend(self.in_status(status.clone(), now).await?);
        }
        let Seen { states, unclear } = seen;
        Ok(QuickRead { states, unclear, absent: BTreeSet::new(), observed_at: now })
    }

    /// Asks for accounts by their ids, with at most so many calls, and adds what they say. An empty answer is one:
    /// the account is not there.
    pub async fn ask(
        &self,
        read: &mut QuickRead,
        accounts: &BTreeSet<AccountId>,
        most: u64,
    ) -> Result<(), ReadError> {
        // Each is at least one call.
        if accounts.len() as u64 > most {
            return Err(ReadError::TooMany);
        }
        let last = self.calls() + most;
        let asks = stream::iter(accounts).map(|account| self.account(*account, last));
        let answers: Vec<_> = asks.buffer_unordered(SIDE_BY_SIDE).try_collect().await?;
        self.check_none_is_omitted(read, &answers).await?;
        for (account, row) in answers {
            read.unclear.remove(&account);
            read.states.remove(&account);
            match row {
                Some(row) => read.states.extend(self.watched(row, read.observed_at)),
                None => drop(read.absent.insert(account)),
            }
        }
        Ok(())
    }

    /// Finds an account that has been in a status for longer, and that the filter by it had left out. The filter is
    /// asked once more: an index may lag, and clocks differ.
    async fn check_none_is_omitted(
        &self,
        read: &QuickRead,
        answers: &[(AccountId, Option<DetailedStatus>)],
    ) -> Result<(), ReadError> {
        let rows = answers.iter().filter_map(|(_, row)| row.as_ref());
        let omitted = rows.filter(|row| {
            is_read_by_status(&row.status)
                && !read.states.contains_key(&row.account)
                && row.last_update.is_some_and(|at| is_before(at, read.observed_at))
        });
        for row in omitted {
            let again = self.in_status(row.status.clone(), read.observed_at).await?;
            if !self.settings.excluded.contains(&row.account)
                && !again.iter().any(|(account, _)| *account == row.account)
            {
                return Err(FilterViolation::Omitted(row.account, row.status.clone()).into());
            }
        }
        Ok(())
    }

    fn watched(&self, row: DetailedStatus, now: Timestamp) -> Option<(AccountId, State)> {
        watched(row, self.settings, self.silences, now)
    }

    /// The accounts in one status.
    async fn in_status(&self, status: Status, now: Timestamp) -> Result<Vec<(AccountId, State)>, ReadError> {
        let filters = Filters { account: None, status: Some(status.clone()) };
        let read = async |page: PageRequest| {
            let page = self.page(&filters, &page).await?;
            wrong(&status, &page).map_or(Ok(page), |violation| Err(violation.into()))
        };
        // What is less than a full page is judged, so the size is said.
        let config = PaginationConfig { page_size: u8::try_from(PAGE).ok(), ..PaginationConfig::default() };
        Ok(pages(&config, read, |row| self.watched(row, now)).await?.0)
    }

    /// The row of one account, if it is there. No more than `last` calls are made in all.
    async fn account(
        &self,
        account: AccountId,
        last: u64,
    ) -> Result<(AccountId, Option<DetailedStatus>), ReadError> {
        let filters = Filters { account: Some(account), status: None };
        let read = async |page: PageRequest| {
            if self.calls() >= last {
                return Err(ReadError::TooMany);
            }
            let page = self.page(&filters, &page).await?;
            // Taken for an empty answer, another account's row would make this one gone.
            match page.items.iter().find(|row| row.account != account) {
                Some(row) => Err(FilterViolation::OtherAccount(account, row.account).into()),
                None => Ok(page),
            }
        };
        let (mut rows, _) = pages(&PaginationConfig::default(), read, Some).await?;
        Ok((account, rows.pop()))
    }

    async fn page(&self, filters: &Filters, page: &PageRequest) -> Result<Page<DetailedStatus>, ReadError> {
        self.calls.set(self.calls.get() + 1);
        let answer = self.source.statuses(self.target, filters, page).await;
        answer.map_err(|error| match error {
            SourceError::Invalid(why) => FilterViolation::Refused(why).into(),
            error => error.into(),
        })
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
