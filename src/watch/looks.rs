//! The looks of one run, in their order: quick ones at every target that gets one, then whole ones, and last those whole
//! ones that are due, the oldest first and one at a time for each region.
//!
//! [`look`] decides which look a target gets, [`target`] makes it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use jiff::Timestamp;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;
use tracing::warn;

use crate::model::{Region, Target};
use crate::ports::{Outside, SnapshotStore};
use crate::state::heads::Note;
use crate::watch::announce::Owed;
use crate::watch::context::Context;
use crate::watch::look::{
    self, Circumstances, Decision, DueInRegion, DueLook, Look, LookFacts, Tempo, decide, in_order,
};
use crate::watch::plan::Planned;
use crate::watch::report::{Outcome, TargetReport};
use crate::watch::target::quick::{Quickly, look_quickly};
use crate::watch::target::{self, Ended, Looked, Preview};

/// How long a filter that was disproved is not relied on: a day.
const DISTRUST: i64 = 24 * 3600;

/// What came of the looks, beside what the announcers were given.
#[derive(Debug, Default)]
pub(super) struct LookedAt {
    /// The targets of which there is nothing to announce.
    pub(super) reports: Vec<TargetReport>,
    /// In a dry run, what would be recorded.
    pub(super) previews: Vec<Preview>,
    /// Where the request's `MaxItems` cut.
    pub(super) next_token: Option<String>,
    /// When the whole looks of this run began whose changes are recorded.
    pub(super) whole_at: BTreeMap<Target, Timestamp>,
}

/// Looks at every target. What is owed goes to the announcers at once.
pub(super) async fn looks<O: Outside>(
    context: &Context<'_, O>,
    planned: &[Planned],
    to_announcers: &UnboundedSender<Owed>,
) -> LookedAt {
    let now = context.outside.now();
    let looks = Looks {
        context,
        to_announcers,
        now,
        began: Instant::now(),
        tempo: RefCell::default(),
        disproved: RefCell::default(),
        unchanged: RefCell::default(),
        looked_at: RefCell::default(),
    };
    let by_target: BTreeMap<&Target, &Planned> = planned.iter().map(|one| (&one.target, one)).collect();
    let (mut quick, mut whole, mut due) = (Vec::new(), Vec::new(), Vec::new());
    for one in planned {
        let facts = LookFacts::of(one.head.as_ref());
        let decision = looks.decide(one, &facts);
        match decision.look {
            Look::Whole => whole.push((one, 0)),
            Look::Quick => quick.push(one),
        }
        if decision.due {
            let (target, calls) = (one.target.clone(), facts.whole_calls());
            due.push(DueLook { target, whole_at: facts.whole_at, calls });
        }
    }
    let every = context.settings.whole_every.unwrap_or_default();
    let regions = in_order(due, every, now);
    let late: BTreeSet<&Target> =
        regions.values().filter_map(|r| r.first.as_ref()).map(|l| &l.target).collect();
    quick.retain(|one| !late.contains(&one.target));

    // A region whose oldest whole look is very old begins with that one, beside the quick looks: they are few calls, and
    // are not to wait for it.
    let late = late.iter().filter_map(|target| by_target.get(target));
    let late = join_all(late.map(|one| looks.whole(one, 0)));
    let concurrency = context.settings.concurrency;
    let quickly = stream::iter(quick).map(|one| looks.quick(one)).buffer_unordered(concurrency);
    let (turned, _) = tokio::join!(quickly.collect::<Vec<_>>(), late);
    whole.extend(turned.into_iter().flatten());
    let wholly = stream::iter(whole).map(|(one, pages)| looks.whole(one, pages));
    wholly.buffer_unordered(concurrency).collect::<()>().await;
    let due = regions.into_values().map(|region| looks.due(region, &by_target));
    join_all(due).await;

    let Looks { unchanged, looked_at, .. } = looks;
    let mut looked_at = looked_at.into_inner();
    looked_at.reports.extend(unchanged.into_inner().into_values());
    looked_at
}

/// How long ago the whole look was that is the longest ago, after this run.
pub(super) fn oldest_whole_look(
    planned: &[Planned],
    whole_at: &BTreeMap<Target, Timestamp>,
    now: Timestamp,
) -> Option<Duration> {
    let after = |one: &Planned| {
        let facts = LookFacts::of(one.head.as_ref());
        LookFacts { whole_at: whole_at.get(&one.target).copied().or(facts.whole_at), ..facts }
    };
    let facts: Vec<LookFacts> = planned.iter().map(after).collect();
    look::oldest(&facts, now)
}

struct Looks<'a, O> {
    context: &'a Context<'a, O>,
    to_announcers: &'a UnboundedSender<Owed>,
    now: Timestamp,
    began: Instant,
    tempo: RefCell<BTreeMap<Region, Tempo>>,
    /// Where AWS Config's filters were disproved in this run.
    disproved: RefCell<BTreeSet<Region>>,
    /// The targets of which a quick look found nothing new. A whole one may follow, since nothing was claimed.
    unchanged: RefCell<BTreeMap<Target, TargetReport>>,
    looked_at: RefCell<LookedAt>,
}

impl<'a, O: Outside> Looks<'a, O> {
    fn decide(&self, planned: &Planned, facts: &LookFacts) -> Decision {
        let around = Circumstances {
            cause: self.context.request.cause(),
            listed: planned.listed,
            disproved: self.disproved.borrow().contains(&planned.target.region),
            whole_every: self.context.settings.whole_every,
            now: self.now,
        };
        decide(facts, around)
    }

    /// A quick look; the target and the calls that were made, where it has to be a whole one.
    async fn quick<'p>(&self, planned: &'p Planned) -> Option<(&'p Planned, u64)> {
        if self.disproved.borrow().contains(&planned.target.region) {
            self.distrust(planned).await;
            return Some((planned, 0));
        }
        let began = Instant::now();
        // Boxed: its state is large, and every slot of the concurrency would hold one, used or not.
        match Box::pin(look_quickly(self.context, planned)).await {
            Quickly::Ended(ended) => {
                self.note_tempo(&ended, 0, began);
                match ended {
                    Ended::Done(report) if report.outcome == Outcome::Unchanged => {
                        drop(self.unchanged.borrow_mut().insert(planned.target.clone(), report));
                    }
                    ended => self.take(Looked { ended, next_token: None, whole_at: None }, &planned.target),
                }
                None
            }
            Quickly::Whole { disproved, pages } => {
                if let Some(why) = disproved {
                    let target = &planned.target;
                    warn!(%target, %why, "AWS Config's filters are not relied on for a day: looking at everybody");
                    self.disproved.borrow_mut().insert(target.region.clone());
                    self.distrust(planned).await;
                }
                Some((planned, pages))
            }
        }
    }

    /// Notes for the next runs that the filters of this region are not relied on.
    async fn distrust(&self, planned: &Planned) {
        let note = Note::WholeUntil(self.now.as_second().saturating_add(DISTRUST));
        if let Err(error) = self.context.outside.store().remember(&planned.target, &note).await {
            warn!(target = %planned.target, %error, "not noted in the head");
        }
    }

    async fn whole(&self, planned: &Planned, pages: u64) {
        let looked = self.look(planned, pages).await;
        self.take(looked, &planned.target);
    }

    async fn look(&self, planned: &Planned, pages: u64) -> Looked {
        let began = Instant::now();
        let looked = Box::pin(target::look(self.context, planned, pages)).await;
        self.note_tempo(&looked.ended, pages, began);
        looked
    }

    /// The whole looks of a region that are due. One whose target a quick look claimed in this run waits for the next
    /// tick: what this run loaded of it no longer holds.
    async fn due(&self, region: DueInRegion, planned: &BTreeMap<&'a Target, &'a Planned>) {
        for due in region.then {
            let Some(planned) = planned.get(&due.target) else { continue };
            if !self.fits(&due) {
                continue;
            }
            let Some(quick) = self.unchanged.borrow_mut().remove(&due.target) else { continue };
            let looked = self.look(planned, quick.pages).await;
            match &looked.ended {
                // It comes again. What is not well was seen.
                Ended::Done(report) if report.out_of_time => self.looked_at.borrow_mut().reports.push(quick),
                _ => self.take(looked, &due.target),
            }
        }
    }

    fn fits(&self, due: &DueLook) -> bool {
        let tempo = self.tempo.borrow().get(&due.target.region).copied().unwrap_or_default();
        tempo.fits(due.calls, self.began.elapsed(), self.context.budget.left())
    }

    fn note_tempo(&self, ended: &Ended, before: u64, began: Instant) {
        let report = match ended {
            Ended::Done(report) | Ended::Would(report, _) => report,
            Ended::Owed(owed) => &owed.report,
        };
        let pages = report.pages.saturating_sub(before);
        self.tempo.borrow_mut().entry(report.region.clone()).or_default().note(pages, began.elapsed());
    }

    /// Keeps how a look ended, and hands to the announcers what is theirs.
    fn take(&self, looked: Looked, target: &Target) {
        let Looked { ended, next_token, whole_at } = looked;
        let mut looked_at = self.looked_at.borrow_mut();
        if let Some(next_token) = next_token {
            looked_at.next_token.get_or_insert(next_token);
        }
        looked_at.whole_at.extend(whole_at.map(|at| (target.clone(), at)));
        match ended {
            Ended::Done(report) => looked_at.reports.push(report),
            Ended::Would(report, preview) => {
                looked_at.reports.push(report);
                looked_at.previews.push(*preview);
            }
            // The announcers listen for as long as there is a sender.
            Ended::Owed(owed) => {
                if let Err(unsent) = self.to_announcers.send(*owed) {
                    looked_at.reports.push(unsent.0.report.ended(Outcome::Incomplete, None));
                }
            }
        }
    }
}
