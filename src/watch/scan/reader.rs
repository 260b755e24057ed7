//! Reads AWS Config, page by page, to the end or to where the caller cut. Only a read that ended
//! properly becomes an observation; anything else is an error, and nothing is inferred from it.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use futures_util::future::join;
use jiff::Timestamp;
use tokio::task::yield_now;

use crate::model::{AccountId, DetailedStatus, PackName, Region, Status, Target};
use crate::ports::{Filters, Page, PageRequest, SourceError, StatusSource};
use crate::settings::Settings;
use crate::state::State;
use crate::state::fingerprint;
use crate::state::silence::Silences;
use crate::watch::compare::Observation;
use crate::watch::compare::overdue;
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
    /// A filter cannot be relied on: nothing of what a quick scan read counts.
    #[error(transparent)]
    Violated(#[from] FilterViolation),
    /// A quick scan would take as many calls as a full one: that one is cheaper.
    #[error("a full scan takes fewer calls")]
    TooMany,
}

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

/// What the pages of a read show, none of which is of the same moment.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) states: BTreeMap<AccountId, State>,
    /// The accounts that were read twice, and of which neither row is later.
    pub(super) unclear: BTreeSet<AccountId>,
}

impl Seen {
    /// What these rows show.
    fn new(mut rows: Vec<(AccountId, State)>) -> Self {
        // In their order: a map to which so much is added one by one is half empty.
        rows.sort_by_key(|(account, _)| *account);
        let is_alone =
            rows.windows(2).all(|pair| pair.first().map(|row| row.0) != pair.last().map(|row| row.0));
        if is_alone {
            return Self { states: rows.into_iter().collect(), unclear: BTreeSet::new() };
        }
        let mut seen = Self::default();
        seen.extend(rows);
        seen
    }

    /// Adds rows. An account that is here already has moved: the row with the later `LastUpdateTime` counts.
    pub(super) fn extend(&mut self, rows: Vec<(AccountId, State)>) {
        for (account, state) in rows {
            let Some(before) = self.states.get(&account) else {
                self.states.insert(account, state);
                continue;
            };
            match (before.last_update, state.last_update) {
                (Some(then), Some(now)) if then < now => drop(self.states.insert(account, state)),
                (Some(then), Some(now)) if then > now => {}
                _ if *before == state => {}
                _ => drop(self.unclear.insert(account)),
            }
        }
    }
}

/// A read that ended properly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// What was read.
    pub observation: Observation,
    /// The accounts that were read twice, and of which neither row is later: they are asked for by their ids.
    pub unclear: BTreeSet<AccountId>,
    /// Its fingerprint, if it is whole and clear.
    pub fingerprint: Option<String>,
    /// In how many pages.
    pub pages: u64,
    /// The token that goes on where `MaxItems` cut.
    pub next_token: Option<String>,
    /// When the read began: the observation may be newer than this, never older.
    pub observed_at: Timestamp,
}

/// Reads the detailed statuses of a target, as far as the request wants them.
pub async fn statuses(
    source: &impl StatusSource,
    target: &Target,
    request: &Request,
    settings: &Settings,
    silences: &Silences,
    now: Timestamp,
) -> Result<Read, ReadError> {
    let read = async |page| Ok(source.statuses(target, &request.filters, &page).await?);
    let watched = |row| watched(row, settings, silences, now);
    let (rows, ended) = pages(&request.pagination, read, watched).await?;
    let Seen { mut states, mut unclear } = Seen::new(rows);
    let whole = !request.partial
        && request.filters.is_empty()
        && request.pagination.starting_token.is_none()
        && ended.resume_token().is_none();
    if !whole {
        // Nobody asks again: of these nothing is known.
        mem::take(&mut unclear).iter().for_each(|account| drop(states.remove(account)));
    }
    Ok(Read {
        fingerprint: (whole && unclear.is_empty()).then(|| fingerprint::of(&states)),
        unclear,
        observation: Observation { states, whole, absent: BTreeSet::new() },
        pages: ended.pages(),
        next_token: ended.resume_token(),
        observed_at: now,
    })
}

/// The account of a row and its effective state, unless the account is excluded.
pub(super) fn watched(
    row: DetailedStatus,
    settings: &Settings,
    silences: &Silences,
    now: Timestamp,
) -> Option<(AccountId, State)> {
    let account = row.account;
    if settings.excluded.contains(&account) {
        return None;
    }
    let mut state = overdue::state(row, now, &settings.thresholds);
    state.silenced = silences.cover(account, &state, now);
    Some((account, state))
}

/// Asks again for accounts that a read of everybody did not show, and for those that it shows twice, and adds those
/// that are there. One by one where that is cheaper than another read of everybody.
pub async fn confirm(
    source: &impl StatusSource,
    target: &Target,
    missing: &[AccountId],
    read: &mut Read,
    settings: &Settings,
    silences: &Silences,
) -> Result<(), ReadError> {
    let unclear = mem::take(&mut read.unclear);
    read.observation.states.retain(|account, _| !unclear.contains(account));
    let wanted: BTreeSet<AccountId> = missing.iter().copied().chain(unclear).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let one_by_one = wanted.len() as u64 <= read.pages;
    let mut ask = async |filters: Filters| {
        let request = Request { filters, ..Request::default() };
        let again = statuses(source, target, &request, settings, silences, read.observed_at).await?;
        read.pages += again.pages;
        let there = again.observation.states.into_iter().filter(|(account, _)| wanted.contains(account));
        read.observation.states.extend(there);
        Ok::<_, ReadError>(())
    };
    if one_by_one {
        for account in &wanted {
            match ask(Filters { account: Some(*account), status: None }).await {
                // It takes no such filter.
                Err(ReadError::Source(SourceError::Invalid(_))) => {
                    ask(Filters::default()).await?;
                    break;
                }
                asked => asked?,
            }
        }
    } else {
        ask(Filters::default()).await?;
    }
    read.fingerprint = Some(fingerprint::of(&read.observation.states));
    Ok(())
}

/// Reads the names of every organization conformance pack of a region that the caller can see.
pub async fn packs(source: &impl StatusSource, region: &Region) -> Result<Vec<PackName>, ReadError> {
    let read = async |page| Ok(source.packs(region, &page).await?);
    Ok(pages(&PaginationConfig::default(), read, Some).await?.0)
}

/// The one loop over pages: what it takes of their items, and how it ended. Only a page holds the token of the next
/// one; as soon as that is known, the next request goes out, and the items of the page are taken while it is under way.
pub(super) async fn pages<T, U>(
    config: &PaginationConfig,
    mut read: impl AsyncFnMut(PageRequest) -> Result<Page<T>, ReadError>,
    mut take: impl FnMut(T) -> Option<U>,
) -> Result<(Vec<U>, Paginator), ReadError> {
    let mut restarts = 0;
    let mut paginator = Paginator::new(config)?;
    let (mut items, mut taken) = (Vec::new(), Vec::new());
    while let Some(request) = paginator.next_request() {
        let take_items = async {
            if !items.is_empty() {
                // The connection is a task of its own: it sends the request when this one lets it.
                yield_now().await;
                taken.extend(mem::take(&mut items).into_iter().filter_map(&mut take));
            }
        };
        match join(read(request), take_items).await.0 {
            Ok(page) => items = paginator.accept(page)?,
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
    taken.extend(items.into_iter().filter_map(take));
    Ok((taken, paginator))
}

#[cfg(test)]
mod tests;
