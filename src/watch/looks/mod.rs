//! The looks of one run, in their order: quick ones at every target that gets one, then whole ones, and last those whole
//! ones that are [`due`], the oldest first and one at a time for each region. With a queue, other runs make the whole ones.
//!
//! [`look`] decides which look a target gets, [`target`] makes it.

mod due;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use jiff::Timestamp;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::warn;

use crate::model::{AccountId, Region, Target};
use crate::ports::{Outside, SnapshotStore};
use crate::state::heads::Note;
use crate::watch::announce::Handed;
use crate::watch::context::Context;
use crate::watch::fan_out;
use crate::watch::look::{
    self, Cause, Circumstances, DISTRUST, Decision, DueLook, Look, LookFacts, QUEUED_WHOLE_LOOKS, Tempo,
    decide, in_order,
};
use crate::watch::plan::Planned;
use crate::watch::report::{Outcome, TargetReport};
use crate::watch::target::quick::{Quickly, look_quickly};
use crate::watch::target::{self, Ended, Looked, Preview};

/// What came of the looks, beside what the announcers were given.
#[derive(Debug, Default)]
pub(super) struct LookedAt {
    /// Of the looks of which there is nothing to announce.
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
    to_announcers: &UnboundedSender<Handed>,
) -> LookedAt {
    let looks = Looks {
        context,
        to_announcers,
        now: context.outside.now(),
        began: Instant::now(),
        tempo: RefCell::default(),
        disproved: RefCell::default(),
        unchanged: RefCell::default(),
        claimed: RefCell::default(),
        moved: RefCell::default(),
        looked_at: RefCell::default(),
    };
    let wanted = looks.wanted(planned);
    let is_a_tick = context.request.cause() == Cause::Tick;
    match context.outside.queue().filter(|_| is_a_tick) {
        Some(queue) => looks.through(queue, wanted).await,
        None => looks.alone(wanted, planned).await,
    }
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

/// The looks that a run sets out to make. Those that are due come after quick ones.
#[derive(Default)]
struct Wanted<'a> {
    quick: Vec<&'a Planned>,
    whole: Vec<&'a Planned>,
    due: Vec<DueLook>,
}

struct Looks<'a, O> {
    context: &'a Context<'a, O>,
    to_announcers: &'a UnboundedSender<Handed>,
    now: Timestamp,
    began: Instant,
    tempo: RefCell<BTreeMap<Region, Tempo>>,
    /// Where AWS Config's filters were disproved in this run.
    disproved: RefCell<BTreeSet<Region>>,
    /// The targets of which a quick look found nothing new. A whole one may follow, since nothing was claimed.
    unchanged: RefCell<BTreeMap<Target, TargetReport>>,
    /// The targets that are being announced, each with what ends when that does.
    claimed: RefCell<BTreeMap<Target, oneshot::Receiver<()>>>,
    /// The accounts that joined or left, as whole looks have found, and that the others of their region were not asked for.
    moved: RefCell<BTreeMap<Region, BTreeSet<AccountId>>>,
    looked_at: RefCell<LookedAt>,
}

impl<'a, O: Outside> Looks<'a, O> {
    fn wanted<'p>(&self, planned: &'p [Planned]) -> Wanted<'p> {
        let mut wanted = Wanted::default();
        for one in planned {
            let facts = LookFacts::of(one.head.as_ref());
            let decision = self.decide(one, &facts);
            match decision.look {
                Look::Whole => wanted.whole.push(one),
                Look::Quick => wanted.quick.push(one),
            }
            if decision.due {
                let (target, calls) = (one.target.clone(), facts.whole_calls());
                wanted.due.push(DueLook { target, whole_at: facts.whole_at, calls });
            }
        }
        wanted
    }

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

    /// Makes every look in this run.
    async fn alone(&self, wanted: Wanted<'_>, planned: &[Planned]) {
        let Wanted { mut quick, mut whole, due } = wanted;
        let by_target: BTreeMap<&Target, &Planned> = planned.iter().map(|one| (&one.target, one)).collect();
        let mut regions = in_order(due, self.context.settings.whole_every.unwrap_or_default(), self.now);
        // A region whose oldest whole look is very old begins with that one, beside the quick looks.
        let late: BTreeSet<Target> =
            regions.values_mut().filter_map(|region| Some(region.first.take()?.target)).collect();
        quick.retain(|one| !late.contains(&one.target));
        let late = late.iter().filter_map(|target| by_target.get(target));
        let late = join_all(late.map(|one| self.late(one)));
        let (turned, _) = tokio::join!(self.quick_looks(quick), late);
        whole.extend(turned);
        let wholly = stream::iter(whole).map(|one| self.whole(one));
        wholly.buffer_unordered(self.context.settings.concurrency).collect::<()>().await;
        let in_region = by_target.keys().map(|target| &target.region).collect::<BTreeSet<_>>().into_iter();
        let due = in_region.map(|region| {
            let due = regions.remove(region).unwrap_or_default();
            self.due(region, due.then, &by_target)
        });
        join_all(due.collect::<Vec<_>>()).await;
    }

    /// Makes the quick looks, and sends to the queue what needs a whole one: of those that are due only some, since more
    /// drown the rate that all of them share. What needs a whole one anyway waits for no quick look: those of a region
    /// that hardly answers take all the time there is.
    async fn through(&self, queue: &O::Queue, wanted: Wanted<'_>) {
        let names = |of: Vec<&Planned>| of.into_iter().map(|one| one.target.clone()).collect::<Vec<_>>();
        let Wanted { quick, whole, due } = wanted;
        let whole = names(whole);
        let sending = fan_out::send(self.context, queue, &whole);
        let (mut refused, turned) = tokio::join!(sending, self.quick_looks(quick));
        let turned = names(turned);
        let whole: BTreeSet<Target> = whole.into_iter().chain(turned.iter().cloned()).collect();
        let every = self.context.settings.whole_every.unwrap_or_default();
        let regions = in_order(due, every, self.now).into_values();
        let due = regions.flat_map(|region| {
            let oldest_first = region.first.into_iter().chain(region.then).map(|due| due.target);
            oldest_first.filter(|target| !whole.contains(target)).take(QUEUED_WHOLE_LOOKS)
        });
        let due: Vec<Target> = due.collect();
        let targets: Vec<Target> = turned.iter().chain(&due).cloned().collect();
        refused.extend(fan_out::send(self.context, queue, &targets).await);
        let queued = |target: &Target| fan_out::sent(TargetReport::of(target), refused.get(target));
        let due = due.iter().map(queued).filter(|report| report.outcome.is_failure());
        self.looked_at.borrow_mut().reports.extend(whole.iter().map(queued).chain(due));
    }

    /// Makes quick looks. Returns the targets that have to be looked at whole.
    async fn quick_looks<'p>(&self, quick: Vec<&'p Planned>) -> Vec<&'p Planned> {
        let quickly = stream::iter(quick).map(|one| self.quick(one));
        quickly
            .buffer_unordered(self.context.settings.concurrency)
            .filter_map(async |one| one)
            .collect()
            .await
    }

    /// A quick look; the target where it has to be a whole one.
    async fn quick<'p>(&self, planned: &'p Planned) -> Option<&'p Planned> {
        if self.disproved.borrow().contains(&planned.target.region) {
            self.distrust(planned).await;
            return Some(planned);
        }
        let began = Instant::now();
        // Boxed: its state is large, and every slot of the concurrency would hold one, used or not.
        match Box::pin(look_quickly(self.context, planned)).await {
            Quickly::Ended(ended) => {
                self.note_tempo(ended.report(), began);
                match ended {
                    Ended::Done(report) if report.outcome == Outcome::Unchanged => {
                        drop(self.unchanged.borrow_mut().insert(planned.target.clone(), report));
                    }
                    ended => self.take(Looked::of(ended), &planned.target),
                }
                None
            }
            Quickly::Whole { disproved, report } => {
                if let Some(why) = disproved {
                    let target = &planned.target;
                    warn!(%target, %why, "AWS Config's filters are not relied on for a day: looking at everybody");
                    self.disproved.borrow_mut().insert(target.region.clone());
                    self.distrust(planned).await;
                }
                self.looked_at.borrow_mut().reports.push(report);
                Some(planned)
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

    async fn whole(&self, planned: &Planned) {
        let looked = self.look(planned).await;
        self.take(looked, &planned.target);
    }

    async fn look(&self, planned: &Planned) -> Looked {
        let began = Instant::now();
        let looked = Box::pin(target::look(self.context, planned)).await;
        self.note_tempo(looked.ended.report(), began);
        looked
    }

    fn note_tempo(&self, report: &TargetReport, began: Instant) {
        self.tempo.borrow_mut().entry(report.region.clone()).or_default().note(report.pages, began.elapsed());
    }

    /// Keeps how a look ended, and hands to the announcers what is theirs.
    fn take(&self, looked: Looked, target: &Target) {
        let Looked { ended, next_token, whole_at, moved } = looked;
        let mut looked_at = self.looked_at.borrow_mut();
        if let Some(next_token) = next_token {
            looked_at.next_token.get_or_insert(next_token);
        }
        looked_at.whole_at.extend(whole_at.map(|at| (target.clone(), at)));
        self.moved.borrow_mut().entry(target.region.clone()).or_default().extend(moved);
        match ended {
            Ended::Done(report) => looked_at.reports.push(report),
            Ended::Would(report, preview) => {
                looked_at.reports.push(report);
                looked_at.previews.push(*preview);
            }
            Ended::Owed(mut owed) => {
                let (over, is_over) = oneshot::channel();
                owed.over = Some(over);
                self.claimed.borrow_mut().insert(target.clone(), is_over);
                // The announcers listen for as long as there is a sender.
                let _ = self.to_announcers.send(Handed::Owed(*owed));
            }
        }
    }
}
