//! The scans of one run, region by region side by side: first the fast ones, and, when what they found is dispatched,
//! the slow ones. [`policy`] decides which scan a target gets, and when; [`target`] makes it.
//!
//! [`policy`]: crate::watch::scan::policy

#[cfg(test)]
mod fake;
pub mod filtered;
pub mod outcome;
pub mod paginate;
pub mod policy;
pub mod reader;
pub mod target;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use jiff::Timestamp;
use tokio::sync::watch::Sender;
use tokio::time::Instant;
use tracing::warn;

use self::outcome::ScanOutcome;
use self::target::{full_scan, quick_scan};
use crate::model::{Region, Target};
use crate::ports::Outside;
use crate::state::head::Hint;
use crate::watch::context::Context;
use crate::watch::plan::Planned;
use crate::watch::report::Outcome;
use crate::watch::scan::policy::{
    FILTERS_DISTRUSTED_FOR, Scan, ScanContext, ScanDecision, age, decide, full_calls, in_order, page_time,
    recurs,
};
use crate::watch::scan::reader::ReadError;
use crate::watch::snapshot::leave_hint;

/// How long ago the full scan was that is the longest ago, after this run, over all large targets that are live. The alarm
/// is for three times `PACKWATCH_FULL_SCAN_EVERY`.
pub fn oldest_full_scan(planned: &[Planned], outcomes: &[ScanOutcome], now: Timestamp) -> Option<Duration> {
    let last = |Planned { target, head, .. }: &Planned| {
        let of_target = outcomes.iter().filter(|outcome| outcome.report.is_of(target));
        let made = of_target.filter_map(|outcome| outcome.full_scan_at).max().map(Timestamp::as_second);
        head.last_full_scan_at.max(made)
    };
    let large = planned.iter().filter(|one| recurs(&one.head));
    large.filter_map(last).map(|at| age(at, now)).max()
}

/// The scans of a run.
pub struct Scans<'a, O> {
    context: &'a Context<'a, O>,
    /// What the run sets out to make in each region, in a random order, so that no deadline starves the same target in
    /// every run.
    wanted: BTreeMap<&'a Region, Vec<(&'a Planned, ScanDecision)>>,
    /// How many scans of one region are under way at once: its share of the concurrency. A region that hardly answers
    /// must not take the time of the others.
    side_by_side: usize,
    now: Timestamp,
    began: Instant,
    /// Where AWS Config's filters broke their word in this run.
    violated: RefCell<BTreeSet<Region>>,
    /// How many regions have still to end their fast stage.
    fast: Sender<usize>,
    /// Whether what the fast stage found is dispatched.
    is_dispatched: Sender<bool>,
    outcomes: RefCell<Vec<ScanOutcome>>,
}

impl<'a, O: Outside> Scans<'a, O> {
    /// The scans of these targets.
    pub fn new(context: &'a Context<'a, O>, planned: &'a [Planned]) -> Self {
        let now = context.outside.now();
        let mut wanted: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for one in planned {
            let around = ScanContext {
                is_asked: context.request.is_asked(),
                is_listed: one.listed != Some(false),
                full_scan_every: context.settings.full_scan_every,
                now,
            };
            wanted.entry(&one.target.region).or_default().push((one, decide(&one.head, around)));
        }
        Self {
            context,
            side_by_side: context.settings.concurrency.div_ceil(wanted.len().max(1)),
            now,
            began: Instant::now(),
            violated: RefCell::default(),
            fast: Sender::new(wanted.len()),
            wanted,
            is_dispatched: Sender::new(false),
            outcomes: RefCell::default(),
        }
    }

    /// Makes them all.
    pub async fn run(&self) {
        let regions = self.wanted.values().map(|wanted| self.region(wanted));
        futures_util::future::join_all(regions).await;
    }

    /// Waits until the fast stage is over in every region, or half of the time is: a region that is not through by then
    /// does not hold up the others.
    pub async fn fast_stage(&self) {
        let mut fast = self.fast.subscribe();
        let ended = fast.wait_for(|regions| *regions == 0);
        let _ = tokio::time::timeout(self.context.budget.left() / 2, ended).await;
    }

    /// How many scans have committed something until now.
    pub fn commits(&self) -> usize {
        self.outcomes.borrow().iter().filter(|outcome| outcome.committed.is_some()).count()
    }

    /// Lets the slow stage begin.
    pub fn slow_stage(&self) {
        self.is_dispatched.send_replace(true);
    }

    /// How each scan ended, also the quick ones that were not enough.
    pub fn end(self) -> Vec<ScanOutcome> {
        self.outcomes.into_inner()
    }

    /// The scans of one region. One whose oldest full scan is very old makes an overdue one right after its fast stage.
    async fn region(&self, wanted: &[(&'a Planned, ScanDecision)]) {
        let due = wanted.iter().filter(|(_, decision)| decision.is_due).map(|(one, _)| *one).collect();
        let (slow, fast): (Vec<_>, Vec<_>) = wanted.iter().partition(|(_, decision)| decision.is_slow);
        let every = self.context.settings.full_scan_every.unwrap_or_default();
        let (overdue, due) = in_order(due, |one: &&Planned| one.head.last_full_scan_at, every, self.now);
        let needed = RefCell::new(Vec::new());
        let fast = stream::iter(fast).map(async |&(one, decision)| match decision.scan {
            Scan::Full => self.take(Box::pin(full_scan(self.context, one)).await),
            Scan::Quick => {
                let one = self.quick(one).await;
                needed.borrow_mut().extend(one);
            }
        });
        fast.buffer_unordered(self.side_by_side).collect::<()>().await;
        self.fast.send_modify(|regions| *regions = regions.saturating_sub(1));
        // Where all that is due would wait for a dispatch that takes all the time, nothing ever got done.
        let is_needed = |one: &&Planned| needed.borrow().iter().any(|other| other.target == one.target);
        if let Some(one) = overdue.filter(|one| !is_needed(one)) {
            self.due(one).await;
        }
        let _ = self.is_dispatched.subscribe().wait_for(|is_dispatched| *is_dispatched).await;
        let needed = needed.into_inner();
        let slow = needed.iter().chain(slow.into_iter().map(|(one, _)| *one));
        let slow = stream::iter(slow).map(async |one| self.take(self.slow(one).await));
        slow.buffer_unordered(self.side_by_side).collect::<()>().await;
        for one in due {
            self.due(one).await;
        }
    }

    /// A full scan that is due after a quick one, if it fits into the time that is left.
    async fn due(&self, one: &'a Planned) {
        let is_read =
            |outcome: &ScanOutcome| outcome.report.is_of(&one.target) && outcome.full_scan_at.is_some();
        if self.outcomes.borrow().iter().any(is_read) {
            return;
        }
        let calls = u32::try_from(full_calls(&one.head)).unwrap_or(u32::MAX);
        let left = self.context.budget.left();
        if left.is_zero() || self.page_time(&one.target.region).saturating_mul(calls) > left {
            return;
        }
        let outcome = self.slow(one).await;
        // Left for the next run, it comes again, and the quick scan saw what is active.
        if outcome.report.outcome != Outcome::Deferred || outcome.committed.is_some() {
            self.take(outcome);
        }
    }

    /// Makes a quick scan. Where that was not enough, returns the target for a full one.
    async fn quick(&self, planned: &Planned) -> Option<Planned> {
        let Target { region, pack } = &planned.target;
        if self.violated.borrow().contains(region) {
            return Some(planned.clone());
        }
        // Boxed: its state is large, and every slot of the concurrency would hold one, used or not.
        let (outcome, needs_full_scan) = Box::pin(quick_scan(self.context, planned)).await;
        self.take(outcome);
        let (why, mut needed) = (needs_full_scan?, planned.clone());
        if let ReadError::Violated(_) | ReadError::Omitted(..) = &why {
            warn!(%region, %pack, %why, "AWS Config's filters are not relied on in this run: full scans");
            self.violated.borrow_mut().insert(region.clone());
        }
        if let ReadError::Omitted(..) = &why {
            // The next runs could not see what else it leaves out.
            let until = self.now.as_second().saturating_add(FILTERS_DISTRUSTED_FOR);
            let hint = Hint::FiltersDistrustedUntil(until);
            leave_hint(self.context, &planned.target, &hint).await;
            // A commit of the full scan writes the head as a whole.
            needed.head = hint.applied_to(&planned.head);
        }
        Some(needed)
    }

    /// A slow full scan. Where this run has committed, it is on that head: that is no reason to rebase.
    async fn slow(&self, planned: &Planned) -> ScanOutcome {
        let is_of = |outcome: &&ScanOutcome| outcome.report.is_of(&planned.target);
        let committed =
            self.outcomes.borrow().iter().rev().filter(is_of).find_map(|one| one.committed.clone());
        let again = committed.map(|head| Planned { head, ..planned.clone() });
        Box::pin(full_scan(self.context, again.as_ref().unwrap_or(planned))).await
    }

    /// How long a page of a region takes, as this run has seen it.
    fn page_time(&self, region: &Region) -> Duration {
        let outcomes = self.outcomes.borrow();
        let of_region = outcomes.iter().filter(|outcome| outcome.report.region == *region);
        let reads = of_region.map(|outcome| (outcome.report.scan, outcome.report.pages, outcome.took));
        page_time(reads, self.began.elapsed())
    }

    fn take(&self, outcome: ScanOutcome) {
        self.outcomes.borrow_mut().push(outcome);
    }
}
