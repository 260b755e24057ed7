//! Which scan a target gets: a quick one, of its active accounts, or a full one, of all of them. Pure:
//! the whole judgement of what a scan costs, and of when a full one is due, is here.
//!
//! `docs/design.md` says why absence in a quick scan means nothing, and why a full one must come now and then.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::model::{Phase, Region, Status, Target};
use crate::state::head::{Counts, Head};

/// The rows of a page: what AWS Config gives by default, and at most.
pub const PAGE: u64 = 100;

/// Up to so many accounts, a full scan costs no more than twice an empty quick one: everything is seen in every run.
pub const SMALL: u64 = 2 * PAGE * (IN_PROGRESS.len() + FAILED.len()) as u64;

/// The statuses that a quick scan reads first, side by side.
pub const IN_PROGRESS: [&str; 3] = ["CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS"];

/// Those that it reads next: an account that goes from progress to failure between two reads is found by the later one.
pub const FAILED: [&str; 3] = ["CREATE_FAILED", "UPDATE_FAILED", "DELETE_FAILED"];

/// How long a filter that was violated is not relied on, in seconds: a day.
pub const FILTERS_DISTRUSTED_FOR: i64 = 24 * 3600;

/// A region with a full scan that is older than so many times `PACKWATCH_FULL_SCAN_EVERY` begins its run with such a
/// one.
const OVERDUE: u32 = 3;

/// Which accounts a scan reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum Scan {
    /// The active ones, as AWS Config filters them.
    Quick,
    /// All of them.
    Full,
}

/// Who wants the scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// The schedule, or `packwatch run` on AWS.
    Schedule,
    /// A person, AWS CloudTrail, `--full`, recorded statuses: what was asked for is scanned in full.
    Request,
}

/// Why a scan is what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// A scheduled run asks, and nothing speaks against a quick one.
    Quick,
    /// Somebody asked.
    Requested,
    /// `PACKWATCH_FULL_SCAN_EVERY` is `always`.
    AlwaysFull,
    /// There is nothing to compare with yet.
    Baseline,
    /// The pack is no longer listed: only an unfiltered read tells whether it is gone.
    Unlisted,
    /// So few accounts that everything is seen in every run.
    Small,
    /// A filter was violated.
    FilterViolation,
    /// So many accounts are active that a quick scan would cost half of a full one or more.
    NotCheaper,
}

/// What is known beside the head.
#[derive(Debug, Clone, Copy)]
pub struct ScanContext {
    /// Who wants the scan.
    pub trigger: Trigger,
    /// Whether the pack is listed, or was not looked for in a list.
    pub listed: bool,
    /// Whether this run found a filter violation in the target's region.
    pub filters_violated: bool,
    /// `PACKWATCH_FULL_SCAN_EVERY`
    pub full_scan_every: Option<Duration>,
    /// The time of day.
    pub now: Timestamp,
}

/// Which scan, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScanDecision {
    /// The first scan of the run.
    pub scan: Scan,
    /// Why.
    pub reason: Reason,
    /// Whether a full scan should follow a quick one in this run.
    pub due: bool,
}

impl ScanDecision {
    /// Whether it waits until what the others find is dispatched: a full scan that takes long, or nobody knows how
    /// long.
    pub fn is_slow(&self, head: &Head) -> bool {
        let is_long = head.is_large() || head.account_count() == 0;
        self.scan == Scan::Full && self.reason != Reason::Unlisted && is_long
    }
}

impl Scan {
    /// As the answer, the log and the metrics spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Quick => "Quick",
            Self::Full => "Full",
        }
    }
}

/// What decides its scans. Of a target without a head nothing is known, as the default says.
impl Head {
    /// Whether the target gets quick scans at all.
    pub fn is_large(&self) -> bool {
        self.account_count() > SMALL
    }

    /// Whether its full scans come again by themselves, when they are due.
    pub fn recurs(&self) -> bool {
        self.baseline_epoch.is_some() && self.is_large()
    }

    /// The calls of a full scan.
    pub fn full_calls(&self) -> u64 {
        pages(self.account_count())
    }

    /// The calls of a quick scan, if the accounts still are where they were.
    pub fn quick_calls(&self) -> u64 {
        let read = |status: &Status| pages(self.accounts.get(status).copied().unwrap_or_default());
        let six = IN_PROGRESS.iter().chain(&FAILED).map(|status| read(&Status::new(status)));
        six.chain(unrecognised(&self.accounts).map(read)).sum()
    }

    /// Whether a full scan is due: the last time was longer ago than `every`, or never, or by a clock that was
    /// ahead.
    pub fn is_due(&self, every: Option<Duration>, now: Timestamp) -> bool {
        match (every, self.last_full_scan()) {
            (Some(every), Some(at)) => at > now || age(at, now) > every,
            _ => true,
        }
    }
}

/// The statuses that a quick scan reads one after the other, once the six are read: those that nobody documented.
pub fn unrecognised(accounts: &Counts) -> impl Iterator<Item = &Status> {
    let some = accounts.iter().filter(|(_, accounts)| **accounts > 0).map(|(status, _)| status);
    some.filter(|status| status.phase() == Phase::Unrecognised)
}

/// An empty listing is a page, too.
fn pages(rows: u64) -> u64 {
    rows.div_ceil(PAGE).max(1)
}

fn age(then: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(then)).unwrap_or_default()
}

/// Decides the first scan of a target. A request with filters reads what it asks for, and is not decided here.
pub fn decide(head: &Head, around: ScanContext) -> ScanDecision {
    let reason = reason(head, around);
    let scan = if reason == Reason::Quick { Scan::Quick } else { Scan::Full };
    let due = scan == Scan::Quick && head.is_due(around.full_scan_every, around.now);
    ScanDecision { scan, reason, due }
}

fn reason(head: &Head, around: ScanContext) -> Reason {
    // Noted for longer than a day, it was by a clock that was ahead.
    let left = |until: i64| until.saturating_sub(around.now.as_second());
    let is_noted = head
        .filters_distrusted_until
        .is_some_and(|until| (1..=FILTERS_DISTRUSTED_FOR).contains(&left(until)));
    let is_violated = around.filters_violated || is_noted;
    if around.trigger == Trigger::Request {
        Reason::Requested
    } else if around.full_scan_every.is_none() {
        Reason::AlwaysFull
    } else if head.baseline_epoch.is_none() {
        Reason::Baseline
    } else if !around.listed {
        Reason::Unlisted
    } else if !head.is_large() {
        Reason::Small
    } else if is_violated {
        Reason::FilterViolation
    } else if 2 * head.quick_calls() >= head.full_calls() {
        Reason::NotCheaper
    } else {
        Reason::Quick
    }
}

/// A full scan that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueScan {
    /// At what.
    pub target: Target,
    /// When the last one began.
    pub last_full_scan_at: Option<Timestamp>,
    /// In how many calls.
    pub calls: u64,
}

/// The full scans that are due in one region.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DueInRegion {
    /// Begins the run: it has waited for too long.
    pub first: Option<DueScan>,
    /// Those that follow the quick scans, one at a time, in this order.
    pub then: Vec<DueScan>,
}

/// The order of the full scans that are due, in each region: the oldest first, after one that has waited for too long.
/// What never was, or was by a clock that is ahead, is the oldest of all.
pub fn in_order(due: Vec<DueScan>, every: Duration, now: Timestamp) -> BTreeMap<Region, DueInRegion> {
    let mut regions: BTreeMap<Region, DueInRegion> = BTreeMap::new();
    for scan in due {
        regions.entry(scan.target.region.clone()).or_default().then.push(scan);
    }
    for region in regions.values_mut() {
        // What was never scanned in full has not waited: it just begins to count.
        let late = |scan: &DueScan| {
            scan.last_full_scan_at.is_some_and(|at| age(at, now) > every.saturating_mul(OVERDUE))
        };
        // Any of them, as the order of the targets is random: one that never fits would be the oldest for ever.
        if let Some(late) = region.then.iter().position(late) {
            region.first = Some(region.then.remove(late));
        }
        // Stable: what is equally old stays in the order of the targets.
        region.then.sort_by_key(|scan| scan.last_full_scan_at.filter(|at| *at <= now));
    }
    regions
}

/// How long ago the full scan was that is the longest ago, over all large targets that are watched and live, each with
/// the time of one that this run made. The alarm is for three times `PACKWATCH_FULL_SCAN_EVERY`.
pub fn oldest<'a>(
    targets: impl IntoIterator<Item = (&'a Head, Option<Timestamp>)>,
    now: Timestamp,
) -> Option<Duration> {
    let live = targets.into_iter().filter(|(head, _)| head.recurs());
    live.filter_map(|(head, at)| at.or(head.last_full_scan())).map(|at| age(at, now)).max()
}

/// How long a page of a region takes, as this run has seen it. A full scan reads one page after the other, alone: it is
/// bounded by how fast the region lets calls through, and by how long one call takes, and not by both.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PageTime {
    calls: u32,
    shortest: Option<Duration>,
}

impl PageTime {
    /// Notes a read of so many pages, of which so many one after the other, that took so long.
    pub fn note(&mut self, pages: u64, in_sequence: u64, took: Duration) {
        let number = |pages: u64| u32::try_from(pages).ok().filter(|pages| *pages > 0);
        let (Some(pages), Some(in_sequence)) = (number(pages), number(in_sequence)) else { return };
        self.calls = self.calls.saturating_add(pages);
        let page = took / in_sequence;
        self.shortest = Some(self.shortest.map_or(page, |shortest| shortest.min(page)));
    }

    /// Whether a read of so many pages ends within the time that is left, when the region has been read for `elapsed`.
    /// Without any call nothing is known, and it may begin.
    pub fn fits(&self, pages: u64, elapsed: Duration, left: Duration) -> bool {
        let Some(shortest) = self.shortest else { return !left.is_zero() };
        let page = shortest.max(elapsed / self.calls.max(1));
        page.saturating_mul(u32::try_from(pages).unwrap_or(u32::MAX)) <= left
    }
}

#[cfg(test)]
mod tests;
