//! How a run begins: what it may scan, and what it finds in the store.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use jiff::SignedDuration;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tracing::warn;

use crate::model::{PackName, Region};
use crate::ports::{Outside, SnapshotStore, StoreError};
use crate::settings::Settings;
use crate::state::head::{Heads, RAN_AT, Topic, ran_at};
use crate::watch::budget::Budget;
use crate::watch::context::{Context, ROOM};
use crate::watch::dispatch::say_who_listens;
use crate::watch::plan::{self, Planned};
use crate::watch::report::{Outcome, TargetReport};
use crate::watch::request::Request;
use crate::watch::scan::outcome::{Stop, stopped};
use crate::watch::scan::reader;

/// The part of the time for scans that the lists of packs may take: a region that does not answer keeps nothing of the
/// others from being seen.
const LIST: u32 = 4;

/// Why a run did not take place at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// The request does not fit the settings.
    #[error("the request is not valid: {0}")]
    Request(String),
    /// What is recorded cannot be read.
    #[error("the snapshots cannot be read: {0}")]
    Store(#[from] StoreError),
}

/// What a run begins with.
pub(super) struct Started<'a, O> {
    pub(super) context: Context<'a, O>,
    /// Every target, in a random order.
    pub(super) planned: Vec<Planned>,
    /// A report for each region that did not tell its packs, or for all where nothing is to be watched.
    pub(super) unlisted: Vec<TargetReport>,
    /// Whether some topic lags.
    pub(super) lags: bool,
}

/// Begins a run, if the request fits the settings.
pub(super) async fn start<'a, O: Outside>(
    outside: &'a O,
    settings: &'a Settings,
    request: &'a Request,
    budget: &'a Budget,
) -> Result<Started<'a, O>, RunError> {
    plan::check(request, settings).map_err(RunError::Request)?;
    let (room, id) = (Semaphore::new(ROOM as usize), format!("{:016x}", fastrand::u64(..)));
    let context = Context { outside, settings, request, budget, room, id };
    // The heads are loaded before any status is observed: the fence must be older than the fact. The list of packs is
    // no such fact: each pack is asked for by name, after this.
    let load = async {
        let late = || StoreError::Unavailable("the store did not answer in time".to_owned());
        budget.within(outside.store().load()).await.ok_or_else(late)?
    };
    let (heads, (listed, mut unlisted)) = tokio::join!(load, list_packs(&context));
    let mut heads = heads?;
    say_who_listens(&context, &mut heads).await;
    keep_settings(&context, &heads).await;
    // One run looks after what all targets share.
    if request.scheduled
        && unlisted.is_empty()
        && let Some(why) = plan::nothing_to_watch(settings, &listed, &heads)
    {
        let failed = |region| TargetReport::of_region(region).ended(Outcome::Incomplete, Some(why.clone()));
        unlisted = listed.keys().map(failed).collect();
    }
    let lags = Topic::ALL.into_iter().any(|topic| heads.lags(topic));
    let mut planned = plan::targets(request, settings, &listed, heads);
    // A deadline must not starve the same pack in every run.
    fastrand::shuffle(&mut planned);
    Ok(Started { context, planned, unlisted, lags })
}

/// Keeps the scheduled function's settings where others who record find them, and once an hour that it runs.
async fn keep_settings<O: Outside>(context: &Context<'_, O>, heads: &Heads) {
    let Context { outside, settings, request, budget, .. } = context;
    let now = outside.now();
    let with = |at: String| settings.shared.clone().into_iter().chain([(RAN_AT.to_owned(), at)]).collect();
    let ran_at = heads.settings.as_ref().and_then(ran_at);
    let lately = ran_at.filter(|at| now.duration_since(*at).abs() < SignedDuration::from_hours(1));
    let is_kept = lately.is_some_and(|at| heads.settings == Some(with(at.to_string())));
    if request.scheduled && !request.dry_run && !is_kept {
        let kept = budget.within(outside.store().put_settings(&with(now.to_string()))).await;
        if let Some(Err(error)) = kept {
            warn!(%error, "the settings are not stored for others who record in this table");
        }
    }
}

/// The packs of each region that is asked for, and a report for each region that did not tell.
async fn list_packs<O: Outside>(
    context: &Context<'_, O>,
) -> (BTreeMap<Region, Vec<PackName>>, Vec<TargetReport>) {
    let list_timeout = context.budget.left() / LIST;
    let list = async |region: Region| {
        let packs = timeout(list_timeout, reader::packs(context.outside.source(), &region)).await.ok();
        (region, packs)
    };
    let regions = plan::regions_to_list(context.request, context.settings);
    let (mut listed, mut reports) = (BTreeMap::new(), Vec::new());
    for (region, packs) in join_all(regions.into_iter().map(list)).await {
        match packs {
            Some(Ok(packs)) => {
                listed.insert(region, packs);
            }
            ended => {
                let stop = ended.and_then(Result::err).map_or(Stop::NoTime, Stop::Read);
                reports.push(stopped(context.request, TargetReport::of_region(&region), &stop));
            }
        }
    }
    (listed, reports)
}
