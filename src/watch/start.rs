//! How a run begins: what it may look at, and what it finds in the store.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use tokio::time::timeout;
use tracing::warn;

use crate::model::{PackName, Region, Target};
use crate::ports::{Outside, SnapshotStore, StoreError};
use crate::settings::Settings;
use crate::state::heads::{Head, Heads, listening};
use crate::watch::budget::Budget;
use crate::watch::context::Context;
use crate::watch::look::LookFacts;
use crate::watch::observe;
use crate::watch::plan::{self, Planned};
use crate::watch::report::{Outcome, TargetReport};
use crate::watch::request::Request;
use crate::watch::room::Room;
use crate::watch::target::unlisted;

/// The part of the time for looking that the lists of packs may take: a region that does not answer keeps nothing of the
/// others from being seen.
const LIST: u32 = 4;

/// Why a run did not take place at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// The request does not fit the settings.
    #[error("the request is not valid: {0}")]
    Request(String),
    /// What was last seen cannot be read.
    #[error("the snapshots cannot be read: {0}")]
    Store(#[from] StoreError),
}

/// What a run begins with.
pub(super) struct Started<'a, O> {
    pub(super) context: Context<'a, O>,
    /// Every target, in a random order.
    pub(super) planned: Vec<Planned>,
    /// Heads that owe something, of targets that nobody watches any more.
    pub(super) unwatched: Vec<(Target, Head)>,
    /// The targets that other schedules look after.
    pub(super) elsewhere: Vec<LookFacts>,
    /// A report for each region that did not tell its packs, or for all where nothing is to be watched.
    pub(super) unlisted: Vec<TargetReport>,
    /// Whether some head may owe something.
    pub(super) owed: bool,
}

/// Begins a run, if the request fits the settings.
pub(super) async fn start<'a, O: Outside>(
    outside: &'a O,
    settings: &'a Settings,
    request: &'a Request,
    budget: &'a Budget,
) -> Result<Started<'a, O>, RunError> {
    plan::check(request, settings).map_err(RunError::Request)?;
    let (room, id) = (Room::default(), format!("{:016x}", fastrand::u64(..)));
    let context = Context { outside, settings, request, budget, room, id };
    // The heads are loaded before any status is observed: the fence must be older than the fact. The list of packs is no
    // such fact: each pack is asked for by name, after this.
    let (heads, (listed, mut unlisted)) = tokio::join!(outside.store().load(), list_packs(&context));
    let mut heads = heads?;
    let (mut unwatched, mut elsewhere) = (Vec::new(), Vec::new());
    // Only scheduled runs look after what is nobody's request, each within its part.
    if request.scheduled {
        if let Some(listens) = context.listens() {
            say_who_listens(&context, &mut heads, listens).await;
        }
        unwatched = plan::unwatched(settings, &request.part, &heads);
        elsewhere = plan::elsewhere(settings, &request.part, &heads);
        let nothing = plan::nothing_to_watch(settings, &request.part, &listed, &heads);
        if let Some(why) = nothing.filter(|_| unlisted.is_empty()) {
            let failed =
                |region| TargetReport::of_region(region).ended(Outcome::Incomplete, Some(why.clone()));
            unlisted = listed.keys().map(failed).collect();
        }
    }
    let owed = heads.known.values().any(Head::owes);
    let mut planned = plan::targets(request, settings, &listed, heads);
    // A deadline must not starve the same pack in every run.
    fastrand::shuffle(&mut planned);
    Ok(Started { context, planned, unwatched, elsewhere, unlisted, owed })
}

/// Says in the heads whether machines listen, where that has changed.
async fn say_who_listens<O: Outside>(context: &Context<'_, O>, heads: &mut Heads, listens: bool) {
    let part = |target: &Target| context.request.part.includes(target, context.settings);
    let differs = |head: &Head| head.listens.unwrap_or(false) != listens;
    for (target, head) in heads.known.iter_mut().filter(|(target, head)| part(target) && differs(head)) {
        match context.outside.store().listen(target, listens).await {
            Ok(()) => *head = listening(head, listens),
            Err(error) => warn!(%target, %error, "not stored whether machines listen"),
        }
    }
}

/// The packs of each region that is asked for, and a report for each region that did not tell.
async fn list_packs<O: Outside>(
    context: &Context<'_, O>,
) -> (BTreeMap<Region, Vec<PackName>>, Vec<TargetReport>) {
    let patience = context.budget.left() / LIST;
    let list = async |region: Region| {
        let packs = timeout(patience, observe::packs(context.outside.source(), &region)).await.ok();
        (region, packs)
    };
    let regions = plan::regions_to_list(context.request, context.settings);
    let (mut listed, mut reports) = (BTreeMap::new(), Vec::new());
    for (region, packs) in join_all(regions.into_iter().map(list)).await {
        match packs {
            Some(Ok(packs)) => {
                listed.insert(region, packs);
            }
            stopped => {
                let error = stopped.and_then(Result::err);
                reports.push(unlisted(context, TargetReport::of_region(&region), error));
            }
        }
    }
    (listed, reports)
}
