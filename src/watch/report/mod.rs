//! The answer: what a run did with each target.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use strum::{IntoStaticStr, VariantArray};
use tracing::{info, warn};

use crate::model::{Phase, Region, Target};
use crate::notify::Notification;
use crate::state::head::Counts;
use crate::watch::scan::policy::Scan;

/// How a target ended. Of two scans of one target, the one that matters more to whoever reads a report is the later
/// here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, IntoStaticStr, VariantArray)]
pub enum Outcome {
    /// As before.
    Unchanged,
    /// Changed, recorded and dispatched.
    Changed,
    /// Watched from now on.
    Baseline,
    /// Gone, recorded and dispatched.
    Deleted,
    /// Left for the next run.
    Deferred,
    /// Another run is newer.
    Superseded,
    /// Not finished; the next run does it again.
    Incomplete,
    /// Not allowed.
    Denied,
}

impl Outcome {
    /// The name as the answer, the log and the metrics spell it.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Whether the target was finished.
    pub fn is_done(self) -> bool {
        matches!(self, Self::Baseline | Self::Unchanged | Self::Changed | Self::Deleted)
    }

    /// Whether the run must count as failed.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Incomplete | Self::Denied)
    }
}

/// The name in the report of a region whose packs could not be listed.
pub const EVERY_PACK: &str = "*";

/// What a run did with one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TargetReport {
    /// Where the pack is deployed.
    pub region: Region,
    /// The organization's name for it, or [`EVERY_PACK`].
    #[serde(rename = "OrganizationConformancePackName")]
    pub pack: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Which scan was made; `None` where nothing was read, or only what the request asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scan: Option<Scan>,
    /// How many accounts there are; where only some were asked for, how many of these.
    pub accounts: u64,
    /// How many accounts were read.
    pub accounts_read: u64,
    /// In how many pages.
    pub pages: u64,
    /// How many changes were recorded (found, in a dry run).
    pub transitions: u64,
    /// What went wrong, or why it was left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The recorded accounts by status, where the target was finished. For metrics and logs: no part of the answer.
    #[serde(skip)]
    pub statuses: Option<Counts>,
}

impl TargetReport {
    /// A report of a target with which nothing was done yet.
    pub fn of(target: &Target) -> Self {
        Self { pack: target.pack.as_str().to_owned(), ..Self::of_region(&target.region) }
    }

    /// A report of a region whose packs could not be listed.
    pub fn of_region(region: &Region) -> Self {
        Self {
            region: region.clone(),
            pack: EVERY_PACK.to_owned(),
            outcome: Outcome::Unchanged,
            scan: None,
            accounts: 0,
            accounts_read: 0,
            pages: 0,
            transitions: 0,
            error: None,
            statuses: None,
        }
    }

    /// Whether it is about this target.
    pub fn is_of(&self, target: &Target) -> bool {
        self.region == target.region && self.pack == target.pack.as_str()
    }

    /// The same with how it ended.
    pub fn ended(mut self, outcome: Outcome, error: Option<String>) -> Self {
        self.outcome = outcome;
        self.error = error;
        self.statuses = self.statuses.filter(|_| outcome.is_done());
        self
    }

    /// One report of two scans of the same target in one run: what there is as the later one saw it, which is the full one,
    /// and how it ended as the weightier one did.
    fn then(self, later: Self) -> Self {
        let both = Self {
            pages: self.pages + later.pages,
            transitions: self.transitions + later.transitions,
            accounts_read: self.accounts_read.max(later.accounts_read),
            statuses: later.statuses.or(self.statuses),
            ..later
        };
        if both.outcome >= self.outcome { both } else { both.ended(self.outcome, self.error) }
    }

    /// Says in one line how it ended: a failure is logged here and nowhere else.
    pub fn log(&self, run: &str) {
        let Self { region, pack, outcome, accounts, accounts_read, pages, transitions, error, .. } = self;
        let scan = self.scan.map(Scan::as_str);
        let (region, error) = (region.as_str(), error.as_deref());
        let (failed, in_progress) = (self.in_phase(Phase::Failed), self.in_phase(Phase::InProgress));
        let is_failure = outcome.is_failure();
        let outcome = outcome.as_str();
        // The documented target of these lines.
        if is_failure {
            warn!(
                target: "packwatch::watch", run, region, pack, scan, outcome, accounts, accounts_read, pages, transitions,
                error, "target not finished"
            );
        } else {
            info!(
                target: "packwatch::watch", run, region, pack, scan, outcome, accounts, accounts_read, pages, transitions,
                failed, in_progress, error, "target scanned"
            );
        }
    }

    /// How many accounts are in statuses of this phase; `None` where that is not known.
    pub fn in_phase(&self, phase: Phase) -> Option<u64> {
        let of_phase = |statuses: &Counts| {
            statuses.iter().filter(|(status, _)| status.phase() == phase).map(|(_, accounts)| accounts).sum()
        };
        self.statuses.as_ref().map(of_phase)
    }
}

/// What a run did. The answer of the function is what is not skipped.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Report {
    /// Each target, by region and name.
    pub targets: Vec<TargetReport>,
    /// How many accounts there are, over all targets.
    pub accounts: u64,
    /// How many changes were recorded.
    pub transitions: u64,
    /// How many digests were published.
    pub notifications: u64,
    /// The token that goes on where the request's `MaxItems` cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
    /// In a dry run, the digest that would have been published.
    #[serde(skip)]
    pub preview: Option<Notification>,
    /// Whether something may be recorded that was not dispatched: see [`crate::history::oldest_lag`].
    #[serde(skip)]
    pub may_lag: bool,
    /// How many messages SNS took only in a minimal form.
    #[serde(skip)]
    pub minimal: u64,
    /// How long ago the full scan was that is the longest ago, where the run knows of all large targets.
    #[serde(skip)]
    pub oldest_full_scan: Option<Duration>,
}

impl Report {
    /// Sums up the reports, of which there may be several of one target, in the order of its scans.
    pub fn of(reports: impl IntoIterator<Item = TargetReport>) -> Self {
        let mut of_targets: BTreeMap<_, TargetReport> = BTreeMap::new();
        for report in reports {
            let target = (report.region.clone(), report.pack.clone());
            let report = match of_targets.remove(&target) {
                Some(earlier) => earlier.then(report),
                None => report,
            };
            of_targets.insert(target, report);
        }
        let targets: Vec<TargetReport> = of_targets.into_values().collect();
        let sum = |of: fn(&TargetReport) -> u64| targets.iter().map(of).sum();
        Self {
            accounts: sum(|report| report.accounts),
            transitions: sum(|report| report.transitions),
            targets,
            ..Self::default()
        }
    }

    /// What failed, in one message; `None` when nothing did.
    pub fn failure(&self) -> Option<String> {
        let failed: Vec<&TargetReport> = self.targets.iter().filter(|r| r.outcome.is_failure()).collect();
        if failed.is_empty() {
            return None;
        }
        let line = |report: &&TargetReport| {
            // Whose packs could not be listed.
            let name = if report.pack == EVERY_PACK { "every pack" } else { &report.pack };
            let error = report.error.as_deref().unwrap_or_default();
            format!("\n  {name} in {}: {}: {error}", report.region, report.outcome.as_str())
        };
        let lines: String = failed.iter().take(10).map(line).collect();
        let more = match failed.len().saturating_sub(10) {
            0 => String::new(),
            n => format!("\n  and {n} more"),
        };
        Some(format!("{} of {} targets did not finish:{lines}{more}", failed.len(), self.targets.len()))
    }
}

#[cfg(test)]
mod tests;
