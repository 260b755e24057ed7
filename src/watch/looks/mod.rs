//! The looks of one run, region by region side by side, each in its order: first one at every target, quick or whole, and
//! then those whole ones that are [`due`], the oldest first and one at a time.
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
use crate::watch::look::{
    self, Circumstances, DISTRUST, Decision, DueInRegion, DueLook, Look, LookFacts, Tempo, decide, in_order,
};
use crate::watch::plan::Planned;
use crate::watch::quick::SIDE_BY_SIDE;
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
    let regions = planned.iter().map(|one| &one.target.region).collect::<BTreeSet<_>>().len();
    let looks = Looks {
        context,
        // A region that hardly answers must not take the time of the others.
        side_by_side: context.settings.concurrency.div_ceil(regions.max(1)),
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
    join_all(wanted.into_iter().map(async |(region, wanted)| looks.in_region(&region, wanted).await)).await;
    let Looks { unchanged, looked_at, .. } = looks;
    let mut looked_at = looked_at.into_inner();
    looked_at.reports.extend(unchanged.into_inner().into_values());
    looked_at
}

/// How long ago the whole look was that is the longest ago, after this run. What other schedules look after counts, so
/// that somebody notices when one of them stops.
pub(super) fn oldest_whole_look(
    planned: &[Planned],
    elsewhere: Vec<LookFacts>,
    whole_at: &BTreeMap<Target, Timestamp>,
    now: Timestamp,
) -> Option<Duration> {
    let after = |one: &Planned| {
        let facts = LookFacts::of(one.head.as_ref());
        LookFacts { whole_at: whole_at.get(&one.target).copied().or(facts.whole_at), ..facts }
    };
    let facts: Vec<LookFacts> = planned.iter().map(after).chain(elsewhere).collect();
    look::oldest(&facts, now)
}

/// The looks that a run sets out to make in one region.
#[derive(Default)]
struct Wanted<'p> {
    /// In a random order, so that no deadline starves the same target in every run.
    first: Vec<(&'p Planned, Look)>,
    /// What is due after its quick look.
    due: DueInRegion,
    by_target: BTreeMap<&'p Target, &'p Planned>,
}

struct Looks<'a, O> {
    context: &'a Context<'a, O>,
    /// How many looks of one region are under way at once: its share of the concurrency.
    side_by_side: usize,
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
    fn wanted<'p>(&self, planned: &'p [Planned]) -> BTreeMap<Region, Wanted<'p>> {
        let mut regions: BTreeMap<Region, Wanted<'p>> = BTreeMap::new();
        let mut due = Vec::new();
        for one in planned {
            let facts = LookFacts::of(one.head.as_ref());
            let decision = self.decide(one, &facts);
            if decision.due {
                let (target, calls) = (one.target.clone(), facts.whole_calls());
                due.push(DueLook { target, whole_at: facts.whole_at, calls });
            }
            let region = regions.entry(one.target.region.clone()).or_default();
            region.first.push((one, decision.look));
            region.by_target.insert(&one.target, one);
        }
        let every = self.context.settings.whole_every.unwrap_or_default();
        for (region, due) in in_order(due, every, self.now) {
            regions.entry(region).or_default().due = due;
        }
        regions
    }

    fn decide(&self, planned: &Planned, facts: &LookFacts) -> Decision {
        let around = Circumstances {
            cause: self.context.request.cause(),
            listed: planned.listed != Some(false),
            disproved: self.disproved.borrow().contains(&planned.target.region),
            whole_every: self.context.settings.whole_every,
            now: self.now,
        };
        decide(facts, around)
    }

    /// Makes every look of a region. One whose oldest whole look is very old begins with
    /// that one, beside the others.
    async fn in_region(&self, region: &Region, wanted: Wanted<'_>) {
        let Wanted { mut first, due, by_target } = wanted;
        let late = due.first.and_then(|late| by_target.get(&late.target).copied());
        first.retain(|(one, _)| late.is_none_or(|late| late.target != one.target));
        let first = stream::iter(first).map(async |(one, look)| match look {
            Look::Whole => self.whole(one).await,
            Look::Quick => {
                if let Some(turned) = self.quick(one).await {
                    self.whole(turned).await;
                }
            }
        });
        let first = first.buffer_unordered(self.side_by_side).collect::<()>();
        let late = stream::iter(late).for_each(|late| self.late(late));
        tokio::join!(first, late);
        self.due(region, due.then, &by_target).await;
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
        self.note(&planned.target, &Note::WholeUntil(self.now.as_second().saturating_add(DISTRUST))).await;
    }

    async fn note(&self, target: &Target, note: &Note) {
        if let Err(error) = self.context.outside.store().remember(target, note).await {
            warn!(%target, %error, "not noted in the head");
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
        let in_turn = match report.look {
            Some(Look::Quick) => report.pages.div_ceil(SIDE_BY_SIDE as u64),
            _ => report.pages,
        };
        let mut tempo = self.tempo.borrow_mut();
        tempo.entry(report.region.clone()).or_default().note(report.pages, in_turn, began.elapsed());
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
                let _ = self.to_announcers.send(Handed::Owed(owed));
            }
        }
    }
}
