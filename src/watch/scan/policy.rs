//! Which look a target gets: a quick one, at those accounts that are not well, or a whole one, at everybody. Pure:
//! the whole judgement of what a look costs, and of when everybody's turn is, is here.
//!
//! `docs/design.md` says why absence in a quick look means nothing, and why a whole one must come now and then.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::model::{Phase, Region, Status, Target};
use crate::state::head::{Counts, Head};

/// The rows of a page: what AWS Config gives by default, and at most.
pub const PAGE: u64 = 100;

/// Up to so many accounts, a whole look costs no more than twice an empty quick one: everything is seen in every tick.
pub const SMALL: u64 = 2 * PAGE * (IN_PROGRESS.len() + FAILED.len()) as u64;

/// The statuses that a quick look reads first, side by side.
pub const IN_PROGRESS: [&str; 3] = ["CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS"];

/// Those that it reads next: an account that goes from progress to failure between two reads is found by the later one.
pub const FAILED: [&str; 3] = ["CREATE_FAILED", "UPDATE_FAILED", "DELETE_FAILED"];

/// How long a filter that was disproved is not relied on, in seconds: a day.
pub const DISTRUST: i64 = 24 * 3600;

/// A region with a whole look that is older than so many times `PACKWATCH_WHOLE_EVERY` begins its run with such a one.
const LATE: u32 = 3;

/// At which accounts a look looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum Look {
    /// At those that are not well, as AWS Config filters them.
    Quick,
    /// At all of them.
    Whole,
}

/// Who wants the look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The schedule, or `packwatch run` on AWS.
    Tick,
    /// A person, AWS CloudTrail, `--whole`, recorded statuses: what was asked for is seen whole.
    Asked,
}

/// Why a look is what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It is the schedule's, and nothing speaks against a quick one.
    Tick,
    /// Somebody asked.
    Asked,
    /// `PACKWATCH_WHOLE_EVERY` is `always`.
    Always,
    /// There is nothing to compare with yet.
    Baseline,
    /// The pack is no longer listed: only an unfiltered read tells whether it is gone.
    Unlisted,
    /// So few accounts that everything is seen in every tick.
    Small,
    /// The filter did not hold what it promises.
    Disproved,
    /// So many accounts are not well that a quick look would cost half of a whole one or more.
    NoCheaper,
    /// It is time to see everybody.
    Due,
}

/// What the head says, as far as it decides the look.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LookFacts {
    /// The accounts by status.
    pub accounts: Counts,
    /// Whether a baseline holds.
    pub has_life: bool,
    /// When the last whole look began whose changes were recorded.
    pub whole_at: Option<Timestamp>,
    /// Until when the filter counts as disproved.
    pub whole_until: Option<Timestamp>,
}

/// What is known beside the head.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances {
    /// Who wants the look.
    pub cause: Cause,
    /// Whether the pack is listed, or was not looked for in a list.
    pub listed: bool,
    /// Whether this run disproved the filter in the target's region.
    pub disproved: bool,
    /// `PACKWATCH_WHOLE_EVERY`
    pub whole_every: Option<Duration>,
    /// The time of day.
    pub now: Timestamp,
}

/// Which look, why, and in how many calls if nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// The first look of the run.
    pub look: Look,
    /// Why.
    pub why: Why,
    /// Its pages.
    pub calls: u64,
    /// Whether a whole look should follow a quick one in this run.
    pub due: bool,
}

impl Decision {
    /// Whether it waits until what the others find is dispatched: a full scan that takes long, or nobody knows how long.
    pub fn is_slow(&self, facts: &LookFacts) -> bool {
        let is_long = facts.is_large() || facts.account_count() == 0;
        self.look == Look::Whole && self.why != Why::Unlisted && is_long
    }
}

impl Look {
    /// As the answer, the log and the metrics spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Quick => "Quick",
            Self::Whole => "Whole",
        }
    }
}

impl LookFacts {
    /// What a head says; without one, nothing is known.
    pub fn of(head: Option<&Head>) -> Self {
        let Some(head) = head else { return Self::default() };
        let seconds = |seconds: Option<i64>| seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
        Self {
            accounts: head.accounts.clone(),
            has_life: head.baseline_epoch.is_some(),
            whole_at: seconds(head.last_full_scan_at),
            whole_until: seconds(head.filters_distrusted_until),
        }
    }

    fn account_count(&self) -> u64 {
        self.accounts.values().sum()
    }

    /// Whether the target gets quick looks at all.
    pub fn is_large(&self) -> bool {
        self.account_count() > SMALL
    }

    /// Whether its whole looks come again by themselves, when they are due.
    pub fn recurs(&self) -> bool {
        self.has_life && self.is_large()
    }

    /// The calls of a whole look.
    pub fn whole_calls(&self) -> u64 {
        pages(self.account_count())
    }

    /// The calls of a quick look, if the accounts still are where they were.
    pub fn quick_calls(&self) -> u64 {
        let read = |status: &Status| pages(self.accounts.get(status).copied().unwrap_or_default());
        statuses(&self.accounts).iter().map(read).sum()
    }

    /// Whether it is time to see everybody: the last time was longer ago than `every`, or never, or by a clock that was
    /// ahead.
    pub fn is_due(&self, every: Option<Duration>, now: Timestamp) -> bool {
        match (every, self.whole_at) {
            (Some(every), Some(at)) => at > now || age(at, now) > every,
            _ => true,
        }
    }
}

/// The statuses that a quick look reads one after the other, once the six are read: those that nobody documented.
pub fn unrecognised(accounts: &Counts) -> impl Iterator<Item = &Status> {
    let some = accounts.iter().filter(|(_, accounts)| **accounts > 0).map(|(status, _)| status);
    some.filter(|status| status.phase() == Phase::Unrecognised)
}

fn statuses(accounts: &Counts) -> Vec<Status> {
    IN_PROGRESS
        .iter()
        .chain(&FAILED)
        .map(|status| Status::new(status))
        .chain(unrecognised(accounts).cloned())
        .collect()
}

/// An empty listing is a page, too.
fn pages(rows: u64) -> u64 {
    rows.div_ceil(PAGE).max(1)
}

fn age(then: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(then)).unwrap_or_default()
}

/// Decides the first look at a target. A request with filters reads what it asks for, and is not decided here.
pub fn decide(facts: &LookFacts, around: Circumstances) -> Decision {
    let why = why(facts, around);
    let (look, calls) = match why {
        Why::Tick => (Look::Quick, facts.quick_calls()),
        _ => (Look::Whole, facts.whole_calls()),
    };
    let due = look == Look::Quick && facts.is_due(around.whole_every, around.now);
    Decision { look, why, calls, due }
}

fn why(facts: &LookFacts, around: Circumstances) -> Why {
    // Noted for longer than a day, it was by a clock that was ahead.
    let left = |until: Timestamp| until.as_second().saturating_sub(around.now.as_second());
    let is_noted = facts.whole_until.is_some_and(|until| (1..=DISTRUST).contains(&left(until)));
    let disproved = around.disproved || is_noted;
    if around.cause == Cause::Asked {
        Why::Asked
    } else if around.whole_every.is_none() {
        Why::Always
    } else if !facts.has_life {
        Why::Baseline
    } else if !around.listed {
        Why::Unlisted
    } else if !facts.is_large() {
        Why::Small
    } else if disproved {
        Why::Disproved
    } else if 2 * facts.quick_calls() >= facts.whole_calls() {
        Why::NoCheaper
    } else {
        Why::Tick
    }
}

/// A whole look that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueLook {
    /// At what.
    pub target: Target,
    /// When the last one began.
    pub whole_at: Option<Timestamp>,
    /// In how many calls.
    pub calls: u64,
}

/// The whole looks that are due in one region.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DueInRegion {
    /// Begins the run: it has waited for too long.
    pub first: Option<DueLook>,
    /// Those that follow the quick looks, one at a time, in this order.
    pub then: Vec<DueLook>,
}

/// The order of the whole looks that are due, in each region: the oldest first, after one that has waited for too long.
/// What never was, or was by a clock that is ahead, is the oldest of all.
pub fn in_order(due: Vec<DueLook>, every: Duration, now: Timestamp) -> BTreeMap<Region, DueInRegion> {
    let mut regions: BTreeMap<Region, DueInRegion> = BTreeMap::new();
    for look in due {
        regions.entry(look.target.region.clone()).or_default().then.push(look);
    }
    for region in regions.values_mut() {
        // What was never seen whole since quick looks exist has not waited: it just begins to count.
        let late = |look: &DueLook| look.whole_at.is_some_and(|at| age(at, now) > every.saturating_mul(LATE));
        // Any of them, as the order of the targets is random: one that never fits would be the oldest for ever.
        if let Some(late) = region.then.iter().position(late) {
            region.first = Some(region.then.remove(late));
        }
        // Stable: what is equally old stays in the order of the targets.
        region.then.sort_by_key(|look| look.whole_at.filter(|at| *at <= now));
    }
    regions
}

/// How long ago the whole look was that is the longest ago, over all large targets that are watched and live. The alarm
/// is for three times `PACKWATCH_WHOLE_EVERY`.
pub fn oldest<'a>(targets: impl IntoIterator<Item = &'a LookFacts>, now: Timestamp) -> Option<Duration> {
    let live = targets.into_iter().filter(|facts| facts.recurs());
    live.filter_map(|facts| facts.whole_at).map(|at| age(at, now)).max()
}

/// How long a page of a region takes, as this run has seen it. A whole look reads one page after the other, alone: it is
/// bounded by how fast the region lets calls through, and by how long one call takes, and not by both.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tempo {
    calls: u32,
    shortest: Option<Duration>,
}

impl Tempo {
    /// Notes a read of so many pages, of which so many one after the other, that took so long.
    pub fn note(&mut self, pages: u64, in_turn: u64, took: Duration) {
        let number = |pages: u64| u32::try_from(pages).ok().filter(|pages| *pages > 0);
        let (Some(pages), Some(in_turn)) = (number(pages), number(in_turn)) else { return };
        self.calls = self.calls.saturating_add(pages);
        let page = took / in_turn;
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
