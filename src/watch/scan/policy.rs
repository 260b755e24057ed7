//! Which scan a target gets: a quick one, of its active accounts, or a full one, of all of them. Pure:
//! the whole judgement of what a scan costs, and of when a full one is due, is here.
//!
//! `docs/design.md` says why absence in a quick scan means nothing, and why a full one must come now and then.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use strum::IntoStaticStr;

use crate::model::{Phase, Status};
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, IntoStaticStr)]
pub enum Scan {
    /// The active ones, as AWS Config filters them.
    Quick,
    /// All of them.
    Full,
}

/// What is known beside the head.
#[derive(Debug, Clone, Copy)]
pub struct ScanContext {
    /// Whether somebody asked for something: a person, AWS CloudTrail, `--full`, recorded statuses.
    pub is_asked: bool,
    /// Whether the pack is listed, or was not looked for in a list.
    pub is_listed: bool,
    /// `PACKWATCH_FULL_SCAN_EVERY`; `None`: always.
    pub full_scan_every: Option<Duration>,
    /// The time of day.
    pub now: Timestamp,
}

/// Which scan, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScanDecision {
    /// The first scan of the run.
    pub scan: Scan,
    /// Whether it waits until what the others find is dispatched: a full scan that takes long, or nobody knows how
    /// long.
    pub is_slow: bool,
    /// Whether a full scan should follow a quick one in this run.
    pub is_due: bool,
}

impl Scan {
    /// As the answer, the log and the metrics spell it.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Whether a target gets quick scans at all.
pub fn is_large(head: &Head) -> bool {
    head.account_count() > SMALL
}

/// Whether its full scans come again by themselves, when they are due.
pub fn recurs(head: &Head) -> bool {
    head.baseline_epoch.is_some() && is_large(head)
}

/// The calls of a full scan.
pub fn full_calls(head: &Head) -> u64 {
    pages(head.account_count())
}

/// The calls of a quick scan, if the accounts still are where they were.
fn quick_calls(head: &Head) -> u64 {
    let read = |status: &Status| pages(head.accounts.get(status).copied().unwrap_or_default());
    let six = IN_PROGRESS.iter().chain(&FAILED).map(|status| read(&Status::new(status)));
    six.chain(unrecognised(&head.accounts).map(read)).sum()
}

/// Whether a full scan is due: the last time was longer ago than `every`, or never, or by a clock that was ahead.
fn is_due(head: &Head, every: Duration, now: Timestamp) -> bool {
    head.last_full_scan_at.is_none_or(|at| at > now.as_second() || age(at, now) > every)
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

/// How long ago a time is, in seconds since 1970.
pub fn age(then: i64, now: Timestamp) -> Duration {
    Duration::from_secs(u64::try_from(now.as_second().saturating_sub(then)).unwrap_or(0))
}

/// Decides the first scan of a target; without a head, it is the default one. A request with filters reads what it asks
/// for, and is not decided here.
pub fn decide(head: &Head, around: ScanContext) -> ScanDecision {
    let ScanContext { is_asked, is_listed, full_scan_every, now } = around;
    // Noted for longer than a day, it was by a clock that was ahead.
    let left = |until: i64| until.saturating_sub(now.as_second());
    let is_noted = head
        .filters_distrusted_until
        .is_some_and(|until| (1..=FILTERS_DISTRUSTED_FOR).contains(&left(until)));
    let is_quick = !is_asked
        && head.baseline_epoch.is_some()
        // Only an unfiltered read tells whether a pack is gone.
        && is_listed
        && is_large(head)
        // What this run finds of the filters itself, it knows only later.
        && !is_noted
        // Else many accounts are active, and it would cost half of a full one or more.
        && 2 * quick_calls(head) < full_calls(head);
    match full_scan_every.filter(|_| is_quick) {
        Some(every) => ScanDecision { scan: Scan::Quick, is_slow: false, is_due: is_due(head, every, now) },
        None => {
            let is_slow = is_listed && (is_large(head) || head.account_count() == 0);
            ScanDecision { scan: Scan::Full, is_slow, is_due: false }
        }
    }
}

/// The order of the full scans that are due in one region, by when the last ones began: one that has waited for too
/// long, which begins the run, and the others, the oldest first. What never was, or was by a clock that is ahead, is the
/// oldest of all.
pub fn in_order<T>(
    mut due: Vec<T>,
    last: impl Fn(&T) -> Option<i64>,
    every: Duration,
    now: Timestamp,
) -> (Option<T>, Vec<T>) {
    // What was never scanned in full has not waited: it just begins to count.
    let is_overdue = |one: &T| last(one).is_some_and(|at| age(at, now) > every.saturating_mul(OVERDUE));
    // Any of them, as the order of the targets is random: one that never fits would be the oldest for ever.
    let overdue = due.iter().position(is_overdue).map(|at| due.remove(at));
    // Stable: what is equally old stays in the order of the targets.
    due.sort_by_key(|one| last(one).filter(|at| *at <= now.as_second()));
    (overdue, due)
}

/// How long a page of a region takes that has been read for `elapsed`, by scans of so many pages and so long. A full scan
/// reads one page after the other, alone: it is bounded by how fast the region lets calls through, and by how long one
/// call takes, and not by both. Without any call nothing is known.
pub fn page_time(reads: impl Iterator<Item = (Option<Scan>, u64, Duration)>, elapsed: Duration) -> Duration {
    let number = |pages: u64| u32::try_from(pages).unwrap_or(u32::MAX);
    let (mut calls, mut alone) = (0, None);
    for (scan, pages, took) in reads {
        // A quick scan reads statuses side by side.
        let width = if scan == Some(Scan::Quick) { IN_PROGRESS.len() as u64 } else { 1 };
        let page = took.checked_div(number(pages.div_ceil(width)));
        (calls, alone) = (calls + pages, alone.into_iter().chain(page).min());
    }
    let apart = elapsed.checked_div(number(calls));
    alone.max(apart).unwrap_or_default()
}

#[cfg(test)]
mod tests;
