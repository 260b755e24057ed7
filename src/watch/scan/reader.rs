//! Reads AWS Config, page by page, to the end or to where the caller cut. Only a read that ended
//! properly becomes an observation; anything else is an error, and nothing is inferred from it.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::mem;

use jiff::Timestamp;

use crate::model::{AccountId, DetailedStatus, PackName, Region, Status, Target};
use crate::ports::{Filters, Page, PageRequest, SourceError, StatusSource};
use crate::settings::Settings;
use crate::state::State;
use crate::state::silence::Silences;
use crate::watch::compare::overdue;
use crate::watch::compare::{Extent, Observation};
use crate::watch::request::Request;
use crate::watch::scan::paginate::{PaginationConfig, PaginationError, Paginator};

/// How often a read starts again because the service refused a token that it had given. The lifetime of
/// a token is not documented.
const RESTARTS: u32 = 2;

/// Why a read did not end properly.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The source said so.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Its pages could not be followed.
    #[error(transparent)]
    Pagination(#[from] PaginationError),
    /// A filter does what it must not do, or is not taken: nothing of what a quick scan read counts.
    #[error("{0}")]
    Violated(String),
    /// A filter leaves out what it should show, too: the next run could not see it.
    #[error("account {0} is in {1} for longer, and not among the accounts in that status, asked twice")]
    Omitted(AccountId, Status),
    /// A quick scan would take as many calls as a full one: that one is cheaper.
    #[error("a full scan takes fewer calls")]
    TooMany,
}

/// Reads one target, and counts its calls.
#[derive(Debug)]
pub struct Reader<'a, S> {
    pub(super) source: &'a S,
    pub(super) target: &'a Target,
    pub(super) settings: &'a Settings,
    pub(super) silences: &'a Silences,
    /// When the reading began: what is read may be newer than this, never older.
    pub(super) observed_at: Timestamp,
    pub(super) calls: Cell<u64>,
}

impl<S: StatusSource> Reader<'_, S> {
    /// How many calls were made, whatever became of them.
    pub fn calls(&self) -> u64 {
        self.calls.get()
    }

    /// Reads the detailed statuses as far as the request wants them, and the token that goes on where `MaxItems` cut.
    pub async fn everybody(&self, request: &Request) -> Result<(Observation, Option<String>), ReadError> {
        let read = async |page| Ok(self.page(&request.filters, &page).await?);
        let (rows, ended) = pages(&request.pagination, read, |row| self.watched(row)).await?;
        let next_token = ended.resume_token();
        let is_whole = !request.partial
            && request.filters.is_empty()
            && request.pagination.starting_token.is_none()
            && next_token.is_none();
        if is_whole {
            return Ok((self.observation(Extent::Everybody, rows), next_token));
        }
        let mut observed = self.observation(Extent::Asked, rows);
        // Nobody asks again: of these nothing is known.
        mem::take(&mut observed.unclear).iter().for_each(|account| drop(observed.states.remove(account)));
        Ok((observed, next_token))
    }

    /// What these rows show, none of which is of the same moment. An account that is in two has moved: the row with the
    /// later `LastUpdateTime` counts.
    pub(super) fn observation(&self, extent: Extent, mut rows: Vec<(AccountId, State)>) -> Observation {
        let mut unclear = BTreeSet::new();
        // In their order: a map to which so much is added one by one is half empty.
        rows.sort_by_key(|(account, _)| *account);
        rows.dedup_by(|(account, state), (before, kept)| {
            if account != before {
                return false;
            }
            match (kept.last_update, state.last_update) {
                (Some(then), Some(now)) if then < now => mem::swap(kept, state),
                (Some(then), Some(now)) if then > now => {}
                _ if kept == state => {}
                _ => drop(unclear.insert(*account)),
            }
            true
        });
        let (states, observed_at) = (rows.into_iter().collect(), self.observed_at);
        Observation { extent, states, unclear, absent: BTreeSet::new(), observed_at }
    }

    /// The account of a row and its effective state, unless the account is excluded.
    pub(super) fn watched(&self, row: DetailedStatus) -> Option<(AccountId, State)> {
        let account = row.account;
        if self.settings.excluded.contains(&account) {
            return None;
        }
        let mut state = overdue::state(row, self.observed_at, &self.settings.thresholds);
        state.silenced = self.silences.cover(account, &state, self.observed_at);
        Some((account, state))
    }

    pub(super) async fn page(
        &self,
        filters: &Filters,
        page: &PageRequest,
    ) -> Result<Page<DetailedStatus>, SourceError> {
        self.calls.set(self.calls.get() + 1);
        self.source.statuses(self.target, filters, page).await
    }
}

/// Reads the names of every organization conformance pack of a region that the caller can see.
pub async fn packs(source: &impl StatusSource, region: &Region) -> Result<Vec<PackName>, ReadError> {
    let read = async |page| Ok(source.packs(region, &page).await?);
    Ok(pages(&PaginationConfig::default(), read, Some).await?.0)
}

/// The one loop over pages: what it takes of their items, and how it ended.
pub(super) async fn pages<T, U>(
    config: &PaginationConfig,
    mut read: impl AsyncFnMut(PageRequest) -> Result<Page<T>, ReadError>,
    mut take: impl FnMut(T) -> Option<U>,
) -> Result<(Vec<U>, Paginator), ReadError> {
    let mut restarts = 0;
    let mut paginator = Paginator::new(config)?;
    let mut taken = Vec::new();
    while let Some(request) = paginator.next_request() {
        match read(request).await {
            Ok(page) => taken.extend(paginator.accept(page)?.into_iter().filter_map(&mut take)),
            // Starting again does not help with the caller's own token, but with one that expired on the way.
            Err(ReadError::Source(SourceError::TokenRefused(_)))
                if paginator.pages() > 0 && restarts < RESTARTS =>
            {
                restarts += 1;
                paginator = Paginator::new(config)?;
                taken.clear();
            }
            Err(error) => return Err(error),
        }
    }
    Ok((taken, paginator))
}

#[cfg(test)]
mod tests;
