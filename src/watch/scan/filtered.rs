//! Reading by filters: the active accounts, by their status, and single accounts, by their ids.
//!
//! How AWS Config applies its filters is not documented. So they are measured while they are used, and a read that finds
//! them wrong says so instead of what it read: the target is then scanned in full.

use std::collections::BTreeSet;

use futures_util::future::try_join_all;
use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::model::{AccountId, DetailedStatus, Phase, Status};
use crate::ports::{Filters, Page, PageRequest, SourceError, StatusSource};
use crate::settings::Settings;
use crate::state::head::Counts;
use crate::state::{Row, Rows, State, fingerprint};
use crate::watch::compare::flap;
use crate::watch::compare::{Extent, Observation, is_surely_after};
use crate::watch::request::Request;
use crate::watch::scan::paginate::PaginationConfig;
use crate::watch::scan::policy::{FAILED, IN_PROGRESS, PAGE, unrecognised};
use crate::watch::scan::reader::{ReadError, Reader, pages};

/// How many accounts are asked for at once: as many as statuses are.
pub const SIDE_BY_SIDE: usize = IN_PROGRESS.len();

impl<S: StatusSource> Reader<'_, S> {
    /// Reads the active accounts. `accounts` are the head's: statuses that nobody documented are read if
    /// some account had them.
    pub async fn active(&self, accounts: &Counts) -> Result<Observation, ReadError> {
        let mut rows = Vec::new();
        for together in [IN_PROGRESS, FAILED] {
            let reads = together.map(|status| self.in_status(Status::new(status)));
            rows.extend(try_join_all(reads).await?.into_iter().flatten());
        }
        for status in unrecognised(accounts) {
            rows.extend(self.in_status(status.clone()).await?);
        }
        Ok(self.observation(Extent::Active, rows))
    }

    /// Asks for accounts that a read of everybody did not show, and for those that it shows twice, and adds those that
    /// are there. One by one where that is possible, and cheaper than another read of everybody.
    pub async fn confirm(
        &self,
        read: &mut Observation,
        accounts: &BTreeSet<AccountId>,
    ) -> Result<(), ReadError> {
        match self.ask(read, accounts, self.calls()).await {
            Err(ReadError::TooMany | ReadError::Violated(_)) => {}
            asked => return asked,
        }
        let (again, _) = self.everybody(&Request::default()).await?;
        read.unclear.clear();
        read.states.retain(|account, _| !accounts.contains(account));
        read.states.extend(again.states.into_iter().filter(|(account, _)| accounts.contains(account)));
        Ok(())
    }

    /// Asks for accounts by their ids, with at most so many calls, and adds what they say. An empty answer is one:
    /// the account is not there.
    pub async fn ask(
        &self,
        read: &mut Observation,
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
        if read.extent == Extent::Active {
            self.check_none_is_omitted(read, &answers).await?;
        }
        for (account, row) in answers {
            read.unclear.remove(&account);
            read.states.remove(&account);
            match row {
                Some(row) => read.states.extend(self.watched(row)),
                None => drop(read.absent.insert(account)),
            }
        }
        Ok(())
    }

    /// Finds an account that has been in a status for longer, and that the filter by it had left out. The filter is
    /// asked once more: an index may lag, and clocks differ.
    async fn check_none_is_omitted(
        &self,
        read: &Observation,
        answers: &[(AccountId, Option<DetailedStatus>)],
    ) -> Result<(), ReadError> {
        let rows = answers.iter().filter_map(|(_, row)| row.as_ref());
        let omitted = rows.filter(|row| {
            is_read_by_status(&row.status)
                && !read.states.contains_key(&row.account)
                && row.last_update.is_some_and(|at| is_surely_after(read.observed_at, at))
        });
        for row in omitted {
            let again = self.in_status(row.status.clone()).await?;
            if !again.iter().any(|(account, _)| *account == row.account) {
                return Err(ReadError::Omitted(row.account, row.status.clone()));
            }
        }
        Ok(())
    }

    /// The accounts in one status.
    async fn in_status(&self, status: Status) -> Result<Vec<(AccountId, State)>, ReadError> {
        let filters = Filters { account: None, status: Some(status.clone()) };
        let read = async |page: PageRequest| {
            let page = self.filtered_page(&filters, &page).await?;
            wrong(&status, &page).map_or(Ok(page), |why| Err(ReadError::Violated(why)))
        };
        // What is less than a full page is judged, so the size is said.
        let config = PaginationConfig { page_size: u8::try_from(PAGE).ok(), ..PaginationConfig::default() };
        Ok(pages(&config, read, |row| self.watched(row)).await?.0)
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
            let page = self.filtered_page(&filters, &page).await?;
            // Taken for an empty answer, another account's row would make this one gone.
            match page.items.iter().find(|row| row.account != account) {
                Some(row) => {
                    let why = format!("asked for account {account}, it answers with account {}", row.account);
                    Err(ReadError::Violated(why))
                }
                None => Ok(page),
            }
        };
        let (mut rows, _) = pages(&PaginationConfig::default(), read, Some).await?;
        Ok((account, rows.pop()))
    }

    async fn filtered_page(
        &self,
        filters: &Filters,
        page: &PageRequest,
    ) -> Result<Page<DetailedStatus>, ReadError> {
        self.page(filters, page).await.map_err(|error| match error {
            SourceError::Invalid(why) => ReadError::Violated(format!("it refuses the filter: {why}")),
            error => error.into(),
        })
    }
}

/// The accounts that are to be asked for before anything is compared: those that are unclear, and the recorded ones whose
/// absence says nothing. In a quick scan, these are active, or changed too often and may have settled.
pub fn to_ask(rows: &Rows, read: &Observation, settings: &Settings) -> BTreeSet<AccountId> {
    let may_have_settled =
        |row: &Row| flap::judge(Some(row), false, read.observed_at, settings.flap_limit).settles;
    let is_missed = |row: &Row| match read.extent {
        Extent::Everybody => true,
        Extent::Active => fingerprint::is_active(&row.state) || may_have_settled(row),
        Extent::Asked | Extent::Gone => false,
    };
    let unread = rows.iter().filter(|(account, row)| read.lacks(account, settings) && is_missed(row));
    let unread = unread.map(|(account, _)| *account);
    unread.chain(read.unclear.iter().copied()).collect()
}

/// Whether every quick scan reads the accounts in this status.
fn is_read_by_status(status: &Status) -> bool {
    matches!(status.phase(), Phase::InProgress | Phase::Failed)
}

/// What is wrong with a page of accounts in one status.
fn wrong(status: &Status, page: &Page<DetailedStatus>) -> Option<String> {
    let rows = page.items.len();
    let other = page.items.iter().find(|row| row.status != *status).map(|row| &row.status);
    let is_short = page.next_token.is_some() && (rows as u64) < PAGE;
    let other = other.map(|other| format!("among the accounts in {status} is one in {other}"));
    // It filters what it has cut into pages, so that a quick scan reads as many as a full one.
    other.or_else(|| {
        is_short.then(|| format!("a page of the accounts in {status} has {rows} rows and is not the last"))
    })
}
