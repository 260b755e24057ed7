//! Reads AWS Config, page by page, to the end or to where the caller cut. Only a read that ended
//! properly becomes an observation; anything else is an error, and nothing is inferred from it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::compare::Observation;
use crate::effective;
use crate::event::Request;
use crate::model::{AccountId, PackName, Region, Target};
use crate::paginate::{PaginationConfig, PaginationError, Paginator};
use crate::ports::{Filters, Page, PageRequest, SourceError, StatusSource};
use crate::settings::Settings;
use crate::silence::Silences;

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
}

/// A read that ended properly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// What was read.
    pub observation: Observation,
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
    let mut states = BTreeMap::new();
    let ended = pages(
        &request.pagination,
        async |page| source.statuses(target, &request.filters, &page).await,
        |progress| match progress {
            Progress::Restarted => states.clear(),
            Progress::Items(rows) => {
                let watched = rows.into_iter().filter(|row| !settings.excluded.contains(&row.account));
                // An account that moved between two pages while they were read is there twice: the later wins.
                states.extend(watched.map(|row| {
                    let account = row.account;
                    let mut state = effective::state(row, now, &settings.thresholds);
                    state.silenced = silences.cover(account, &state, now);
                    (account, state)
                }));
            }
        },
    )
    .await?;
    let whole = request.filters.is_empty()
        && request.pagination.starting_token.is_none()
        && ended.resume_token().is_none();
    Ok(Read {
        observation: Observation { states, whole },
        pages: ended.pages(),
        next_token: ended.resume_token(),
        observed_at: now,
    })
}

/// Asks again for accounts that a whole read did not show, and adds those that are there after all. One
/// by one where that is cheaper than another whole read.
pub async fn confirm(
    source: &impl StatusSource,
    target: &Target,
    missing: &[AccountId],
    read: &mut Read,
    settings: &Settings,
    silences: &Silences,
) -> Result<(), ReadError> {
    let mut requests: Vec<Request> = Vec::new();
    if missing.len() as u64 <= read.pages {
        let only = |account: &AccountId| Filters { account: Some(*account), status: None };
        requests.extend(missing.iter().map(|a| Request { filters: only(a), ..Request::default() }));
    } else if !missing.is_empty() {
        requests.push(Request::default());
    }
    let missing: BTreeSet<&AccountId> = missing.iter().collect();
    for request in requests {
        let again = statuses(source, target, &request, settings, silences, read.observed_at).await?;
        read.pages += again.pages;
        let there = again.observation.states.into_iter().filter(|(account, _)| missing.contains(account));
        read.observation.states.extend(there);
    }
    Ok(())
}

/// Reads the names of every organization conformance pack of a region that the caller can see.
pub async fn packs(source: &impl StatusSource, region: &Region) -> Result<Vec<PackName>, ReadError> {
    let mut names = Vec::new();
    let everything = PaginationConfig::default();
    pages(
        &everything,
        async |page| source.packs(region, &page).await,
        |progress| match progress {
            Progress::Restarted => names.clear(),
            Progress::Items(items) => names.extend(items),
        },
    )
    .await?;
    Ok(names)
}

enum Progress<T> {
    Items(Vec<T>),
    Restarted,
}

/// The one loop over pages.
async fn pages<T>(
    config: &PaginationConfig,
    mut read: impl AsyncFnMut(PageRequest) -> Result<Page<T>, SourceError>,
    mut take: impl FnMut(Progress<T>),
) -> Result<Paginator, ReadError> {
    let mut restarts = 0;
    let mut paginator = Paginator::new(config)?;
    while let Some(request) = paginator.next_request() {
        match read(request).await {
            Ok(page) => take(Progress::Items(paginator.accept(page)?)),
            // The caller's own token cannot be mended by starting again; one that expired on the way can.
            Err(SourceError::TokenRefused(_)) if paginator.pages() > 0 && restarts < RESTARTS => {
                restarts += 1;
                paginator = Paginator::new(config)?;
                take(Progress::Restarted);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(paginator)
}
