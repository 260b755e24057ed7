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
use crate::model::{AccountId, Region, Target};
use crate::ports::{Outside, SnapshotStore};
use crate::state::head::Hint;
use crate::watch::compare::is_surely_after;
use crate::watch::context::Context;
use crate::watch::plan::Planned;
use crate::watch::report::Outcome;
use crate::watch::scan::filtered::SIDE_BY_SIDE;
use crate::watch::scan::policy::{
    FILTERS_DISTRUSTED_FOR, PageTime, Scan, ScanContext, ScanDecision, decide, full_calls, in_order,
};
use crate::watch::scan::reader::ReadError;
use crate::watch::snapshot::leave_hint;

/// How long ago the full scan was that is the longest ago, after this run.
pub fn oldest_full_scan(planned: &[Planned], outcomes: &[ScanOutcome], now: Timestamp) -> Option<Duration> {
    let after = |Planned { target, head, .. }: &Planned| {
        let of_target = outcomes.iter().filter(|outcome| outcome.report.is_of(target));
        match of_target.filter_map(|outcome| outcome.full_scan_at).max() {
            Some(at) => Hint::FullScanAt(at.as_second()).applied_to(head),
            None => head.clone(),
        }
    };
    policy::oldest(&planned.iter().map(after).collect::<Vec<_>>(), now)
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
    page_time: RefCell<BTreeMap<Region, PageTime>>,
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
            page_time: RefCell::default(),
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
        self.outcomes.borrow().iter().filter(|outcome| outcome.has_committed).count()
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
                if !self.is_quick_enough(one).await {
                    needed.borrow_mut().push(one);
                }
            }
        });
        fast.buffer_unordered(self.side_by_side).collect::<()>().await;
        self.fast.send_modify(|regions| *regions = regions.saturating_sub(1));
        // Where all that is due would wait for a dispatch that takes all the time, nothing ever got done.
        if let Some(one) = overdue {
            self.due(one).await;
        }
        let _ = self.is_dispatched.subscribe().wait_for(|is_dispatched| *is_dispatched).await;
        let slow = needed.into_inner().into_iter().chain(slow.into_iter().map(|(one, _)| *one));
        let slow = stream::iter(slow).map(async |one| self.take(self.slow(one).await));
        slow.buffer_unordered(self.side_by_side).collect::<()>().await;
        for one in due {
            self.due(one).await;
        }
    }

    /// A full scan that is due after a quick one, if it fits into the time that is left.
    async fn due(&self, one: &'a Planned) {
        if self.has(one, |outcome| outcome.full_scan_at.is_some()) {
            return;
        }
        let page_time = self.page_time.borrow().get(&one.target.region).copied().unwrap_or_default();
        if !page_time.fits(full_calls(&one.head), self.began.elapsed(), self.context.budget.left()) {
            if one.head.last_full_scan_at.is_none() {
                // Its age is not known, so no metric tells.
                warn!(region = %one.target.region, pack = %one.target.pack, "no time for a full scan, which no run has made yet");
            }
            return;
        }
        let outcome = self.slow(one).await;
        if self.has(one, |quick| self.was_omitted(quick, &outcome)) {
            warn!(region = %one.target.region, pack = %one.target.pack, "AWS Config's filters leave out accounts: full scans for a day");
            self.note_violation(&one.target).await;
        }
        // Left for the next run, it comes again, and the quick scan saw what is active.
        if outcome.report.outcome != Outcome::Deferred || outcome.has_committed {
            self.take(outcome);
        }
    }

    /// Whether some scan of this target ended so until now.
    fn has(&self, planned: &Planned, is: impl Fn(&ScanOutcome) -> bool) -> bool {
        self.outcomes.borrow().iter().any(|outcome| outcome.report.is_of(&planned.target) && is(outcome))
    }

    /// Makes a quick scan. Whether it was enough, and no full one is needed.
    async fn is_quick_enough(&self, planned: &Planned) -> bool {
        let target = &planned.target;
        if self.violated.borrow().contains(&target.region) {
            return false;
        }
        // Boxed: its state is large, and every slot of the concurrency would hold one, used or not.
        let (outcome, needs_full_scan) = Box::pin(quick_scan(self.context, planned)).await;
        self.take(outcome);
        if let Some(why @ (ReadError::Violated(_) | ReadError::Omitted(..))) = &needs_full_scan {
            warn!(region = %target.region, pack = %target.pack, %why, "AWS Config's filters are not relied on in this run: full scans");
            self.violated.borrow_mut().insert(target.region.clone());
            if matches!(why, ReadError::Omitted(..)) {
                self.note_violation(target).await;
            }
        }
        needs_full_scan.is_none()
    }

    /// Notes for the next runs that a filter leaves out what it should show: they could not see it.
    async fn note_violation(&self, target: &Target) {
        let until = self.now.as_second().saturating_add(FILTERS_DISTRUSTED_FOR);
        leave_hint(self.context, target, &Hint::FiltersDistrustedUntil(until)).await;
    }

    /// Whether a full scan read accounts that this run's quick one should have shown. One that was not read to its end
    /// says nothing of the filters.
    fn was_omitted(&self, quick: &ScanOutcome, full: &ScanOutcome) -> bool {
        let (Some(shown), Some(read)) = (&quick.active, &full.active) else { return false };
        let shown: BTreeSet<AccountId> = shown.iter().map(|(account, _)| *account).collect();
        let is_omitted = |(account, at): &(AccountId, Option<Timestamp>)| {
            !shown.contains(account) && at.is_some_and(|at| is_surely_after(self.now, at))
        };
        let is_quick = quick.report.scan == Some(Scan::Quick);
        is_quick && full.full_scan_at.is_some() && read.iter().any(is_omitted)
    }

    /// A slow full scan. Where this run has committed, it is on the target as it is now: that is no reason to rebase.
    async fn slow(&self, planned: &Planned) -> ScanOutcome {
        let again = match self.has(planned, |outcome| outcome.has_committed) {
            true => self.context.budget.within(self.context.outside.store().load()).await,
            false => None,
        };
        let again = again.and_then(Result::ok).map(|heads| planned.loaded_again(heads));
        Box::pin(full_scan(self.context, again.as_ref().unwrap_or(planned))).await
    }

    fn take(&self, outcome: ScanOutcome) {
        let report = &outcome.report;
        let in_sequence = match report.scan {
            Some(Scan::Quick) => report.pages.div_ceil(SIDE_BY_SIDE as u64),
            _ => report.pages,
        };
        let mut page_time = self.page_time.borrow_mut();
        let page_time = page_time.entry(report.region.clone()).or_default();
        page_time.note(report.pages, in_sequence, outcome.began.elapsed());
        self.outcomes.borrow_mut().push(outcome);
    }
}
