//! One run, in its order: load, observe, fingerprint, claim, compare, record, announce, commit.
//!
//! This file and [`crate::watch::target`], which is its part for one target, know the order; nothing else does.
//! `docs/design.md` says why it is this one.

pub mod account_names;
pub mod announce;
pub mod batch;
pub mod budget;
pub mod compare;
pub mod fan_out;
pub mod flap;
pub mod kind;
pub mod observe;
pub mod overdue;
pub mod paginate;
pub mod plan;
pub mod record;
pub mod report;
pub mod request;
pub mod target;
pub mod telling;
pub mod unannounced;

use std::collections::BTreeMap;

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tracing::{info, warn};

use crate::model::{PackName, Phase, Region};
use crate::notify::{self, News};
use crate::ports::{Outside, SnapshotStore, SourceError, StoreError};
use crate::settings::Settings;
use crate::state::heads::Head;
use crate::watch::announce::{Recorded, announce};
use crate::watch::budget::Budget;
use crate::watch::observe::ReadError;
use crate::watch::plan::Planned;
use crate::watch::report::{Answer, Outcome, Report, TargetReport};
use crate::watch::request::Request;
use crate::watch::target::{Look, Looked, Stop};

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

/// Looks at what the request names, and tells what changed.
pub async fn run(
    outside: &impl Outside,
    settings: &Settings,
    request: &Request,
    budget: &Budget,
) -> Result<Report, RunError> {
    let run = Run::new(outside, settings, request, budget)?;
    let Targets { planned, unlisted, owed } = run.targets().await?;
    let mut reports = unlisted;
    let (sender, receiver) = unbounded_channel();
    let looking = async {
        // Moved in, and so dropped at the end: the announcer then knows that no more will come.
        let sender = sender;
        let look = |planned| run.look(planned, &sender);
        stream::iter(planned).map(look).buffer_unordered(settings.concurrency).collect::<Vec<_>>().await
    };
    let announcing =
        announce(outside.store(), outside.publisher(), outside.names(), settings, budget, receiver);
    let (ended, announced) = tokio::join!(looking, announcing);

    reports.extend(announced.reports);
    let mut news = Vec::new();
    let mut next_token = None;
    for ended in ended {
        reports.extend(ended.report);
        news.extend(ended.would_tell);
        next_token = next_token.or(ended.next_token);
    }
    reports.iter().for_each(|report| run.log(report));
    let recorded_only = |report: &TargetReport| !report.outcome.is_done() && report.transitions > 0;
    let may_owe = owed || reports.iter().any(recorded_only);
    let answer = Answer::new(reports, announced.notifications, next_token);
    Ok(Report { answer, preview: notify::digest(&news, &settings.notify), may_owe })
}

/// What every step of a run needs to know.
pub(crate) struct Run<'a, O> {
    outside: &'a O,
    settings: &'a Settings,
    request: &'a Request,
    budget: &'a Budget,
    id: String,
}

/// What a run begins with.
pub(crate) struct Targets {
    /// Every target, in a random order.
    pub(crate) planned: Vec<Planned>,
    /// A report for each region that did not tell its packs.
    pub(crate) unlisted: Vec<TargetReport>,
    /// Whether some head may owe something.
    pub(crate) owed: bool,
}

/// A target that was looked at. Its report is here unless the announcer has it.
#[derive(Default)]
struct Ended {
    report: Option<TargetReport>,
    would_tell: Vec<News>,
    next_token: Option<String>,
}

impl<'a, O: Outside> Run<'a, O> {
    /// Begins a run, if the request fits the settings.
    pub(crate) fn new(
        outside: &'a O,
        settings: &'a Settings,
        request: &'a Request,
        budget: &'a Budget,
    ) -> Result<Self, RunError> {
        plan::check(request, settings).map_err(RunError::Request)?;
        Ok(Self { outside, settings, request, budget, id: format!("{:016x}", fastrand::u64(..)) })
    }

    /// Plans what to look at.
    pub(crate) async fn targets(&self) -> Result<Targets, RunError> {
        // The heads are loaded before any status is observed: the fence must be older than the fact. The
        // list of packs is no such fact: each pack is asked for by name, after this.
        let (heads, (listed, unlisted)) = tokio::join!(self.outside.store().load(), self.list_packs());
        let heads = heads?;
        let owed = heads.known.values().any(Head::owes);
        let mut planned = plan::targets(self.request, self.settings, &listed, heads);
        // A deadline must not starve the same pack in every run.
        fastrand::shuffle(&mut planned);
        Ok(Targets { planned, unlisted, owed })
    }

    /// The packs of each region that is asked for, and a report for each region that did not tell.
    async fn list_packs(&self) -> (BTreeMap<Region, Vec<PackName>>, Vec<TargetReport>) {
        let list = async |region: Region| {
            let packs = self.budget.within(observe::packs(self.outside.source(), &region)).await;
            (region, packs.ok_or(Stop::NoTime).and_then(|packs| packs.map_err(Stop::Read)))
        };
        let regions = plan::regions_to_list(self.request, self.settings);
        let (mut listed, mut unlisted) = (BTreeMap::new(), Vec::new());
        for (region, packs) in join_all(regions.into_iter().map(list)).await {
            match packs {
                Ok(packs) => drop(listed.insert(region, packs)),
                Err(stop) => unlisted.push(self.stopped(TargetReport::new(&region, &"*"), stop)),
            }
        }
        (listed, unlisted)
    }

    async fn look(&self, planned: Planned, announcer: &UnboundedSender<Recorded>) -> Ended {
        let mut report = TargetReport::of(&planned.target);
        if let Some(reason) = planned.unreadable {
            return Ended {
                report: Some(report.ended(Outcome::Incomplete, Some(reason))),
                ..Ended::default()
            };
        }
        let mut ended = Ended::default();
        let Self { outside, settings, request, budget, id } = self;
        let look = Look { outside: *outside, settings, request, budget, run: id, planned: &planned };
        // Boxed: its state is large, and every slot of the concurrency would hold one, used or not.
        match Box::pin(look.look(&mut report, &mut ended.next_token)).await {
            Ok(Looked::Done) => ended.report = Some(report),
            Ok(Looked::WouldTell(news)) => {
                ended.would_tell = news;
                ended.report = Some(report);
            }
            Ok(Looked::Recorded(recorded)) => {
                // The announcer listens for as long as there is a sender.
                let unsent = announcer.send(*recorded).err();
                ended.report = unsent.map(|unsent| unsent.0.report.ended(Outcome::Incomplete, None));
            }
            Err(stop) => ended.report = Some(self.stopped(report, stop)),
        }
        ended
    }

    /// How a target ends that was not finished.
    fn stopped(&self, report: TargetReport, stop: Stop) -> TargetReport {
        let (outcome, error) = match stop {
            Stop::NoTime => return report.out_of_time("out of time; the next run goes on"),
            Stop::NoBaseline => {
                let why = "no baseline yet: a run that reads every account makes it";
                (Outcome::Deferred, why.to_owned())
            }
            // Listed or told of by AWS CloudTrail: on its way in or out.
            Stop::NotVisible(reason) if self.request.packs.is_empty() || self.request.tentative => {
                (Outcome::Deferred, reason)
            }
            Stop::NotVisible(reason) => (Outcome::Incomplete, reason),
            // AWS Config refuses for a while to speak of a pack that was just put. The next run asks again.
            Stop::Read(ReadError::Source(SourceError::Denied(why))) if self.request.tentative => {
                (Outcome::Deferred, why)
            }
            Stop::Read(ReadError::Source(SourceError::Denied(why))) => (Outcome::Denied, why),
            Stop::Store(StoreError::Superseded) => return report.ended(Outcome::Superseded, None),
            Stop::Store(StoreError::Denied(why)) => (Outcome::Denied, why),
            Stop::Read(error) => (Outcome::Incomplete, error.to_string()),
            Stop::Store(error) => (Outcome::Incomplete, error.to_string()),
        };
        report.ended(outcome, Some(error))
    }

    /// One line for each target: a failure is logged here and nowhere else.
    pub(crate) fn log(&self, report: &TargetReport) {
        let TargetReport { region, outcome, accounts, pages, transitions, error, .. } = report;
        let (run, pack, outcome) = (&self.id, &report.organization_conformance_pack_name, outcome.as_str());
        let error = error.as_deref();
        let (failed, in_progress) = (report.in_phase(Phase::Failed), report.in_phase(Phase::InProgress));
        if report.outcome.is_failure() {
            warn!(run, region, pack, outcome, accounts, pages, transitions, error, "target not finished");
        } else {
            info!(
                run,
                region,
                pack,
                outcome,
                accounts,
                pages,
                transitions,
                failed,
                in_progress,
                error,
                "target looked at"
            );
        }
    }
}
