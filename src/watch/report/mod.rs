//! The answer: what a run did with each target.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Serialize, Serializer};
use tracing::{info, warn};

use crate::model::{PackName, Phase, Region, Target};
use crate::notify::Notification;
use crate::state::head::Counts;
use crate::watch::scan::policy::Scan;

/// How a target ended. Of two scans of one target, the one that matters more to whoever reads a report is the later
/// here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
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
    /// Each of them.
    pub const ALL: [Self; 8] = [
        Self::Unchanged,
        Self::Changed,
        Self::Baseline,
        Self::Deleted,
        Self::Deferred,
        Self::Superseded,
        Self::Incomplete,
        Self::Denied,
    ];

    /// The name as the answer spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unchanged => "Unchanged",
            Self::Changed => "Changed",
            Self::Baseline => "Baseline",
            Self::Deleted => "Deleted",
            Self::Deferred => "Deferred",
            Self::Superseded => "Superseded",
            Self::Incomplete => "Incomplete",
            Self::Denied => "Denied",
        }
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

/// What a run did with one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TargetReport {
    /// Where the pack is deployed.
    pub region: Region,
    /// The organization's name for it; `None`, and `*` in the answer, where the region's packs could not be listed.
    #[serde(rename = "OrganizationConformancePackName", serialize_with = "name_or_all")]
    pub pack: Option<PackName>,
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
    /// Whether it was left for want of time.
    #[serde(skip)]
    pub out_of_time: bool,
    /// The recorded accounts by status, where the target was finished. For metrics and logs: no part of the answer.
    #[serde(skip)]
    pub statuses: Option<Counts>,
}

impl TargetReport {
    fn new(region: Region, pack: Option<PackName>) -> Self {
        Self {
            region,
            pack,
            outcome: Outcome::Unchanged,
            scan: None,
            accounts: 0,
            accounts_read: 0,
            pages: 0,
            transitions: 0,
            error: None,
            out_of_time: false,
            statuses: None,
        }
    }

    /// A report of a target with which nothing was done yet.
    pub fn of(target: &Target) -> Self {
        Self::new(target.region.clone(), Some(target.pack.clone()))
    }

    /// A report of a region whose packs could not be listed.
    pub fn of_region(region: &Region) -> Self {
        Self::new(region.clone(), None)
    }

    /// The pack's name, `*` where it is that of no pack.
    pub fn pack_name(&self) -> &str {
        self.pack.as_ref().map_or("*", PackName::as_str)
    }

    /// Whether it is about this target.
    pub fn is_of(&self, target: &Target) -> bool {
        self.region == target.region && self.pack.as_ref() == Some(&target.pack)
    }

    /// The same with how it ended.
    pub fn ended(mut self, outcome: Outcome, error: Option<String>) -> Self {
        self.outcome = outcome;
        self.error = error;
        self.statuses = self.statuses.filter(|_| outcome.is_done());
        self
    }

    /// The same, left for want of time.
    pub fn out_of_time(self, reason: &str) -> Self {
        Self { out_of_time: true, ..self.ended(Outcome::Deferred, Some(reason.to_owned())) }
    }

    /// One report of two scans of the same target in one run, in either order: what there is as the wider one saw it,
    /// and how it ended as the weightier one did.
    pub fn and(self, other: Self) -> Self {
        let is_wider = |report: &Self| (report.scan == Some(Scan::Full), report.outcome);
        let (wide, narrow) = if is_wider(&self) < is_wider(&other) { (other, self) } else { (self, other) };
        let (pages, transitions) = (wide.pages + narrow.pages, wide.transitions + narrow.transitions);
        let accounts_read = wide.accounts_read.max(narrow.accounts_read);
        let statuses = wide.statuses.or(narrow.statuses);
        let both = Self { pages, transitions, accounts_read, statuses, ..wide };
        if both.outcome >= narrow.outcome {
            return both;
        }
        Self { out_of_time: narrow.out_of_time, ..both }.ended(narrow.outcome, narrow.error)
    }

    /// Says in one line how it ended: a failure is logged here and nowhere else.
    pub fn log(&self, run: &str) {
        let Self { region, outcome, accounts, accounts_read, pages, transitions, error, .. } = self;
        let scan = self.scan.map(Scan::as_str);
        let (region, pack, error) = (region.as_str(), self.pack_name(), error.as_deref());
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

fn name_or_all<S: Serializer>(pack: &Option<PackName>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(pack.as_ref().map_or("*", PackName::as_str))
}

/// What a run did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Answer {
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
}

/// What a run gives its caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The answer.
    pub answer: Answer,
    /// In a dry run, the digest that would have been published.
    pub preview: Option<Notification>,
    /// Whether something may be recorded that was not dispatched: see [`crate::history::oldest_lag`].
    pub may_lag: bool,
    /// How many messages SNS took only in a minimal form.
    pub minimal: u64,
    /// How long ago the full scan was that is the longest ago, where the run knows of all large targets.
    pub oldest_full_scan: Option<Duration>,
}

impl Answer {
    /// Sums up the reports, of which there may be several of one target.
    pub fn new(reports: Vec<TargetReport>, notifications: u64, next_token: Option<String>) -> Self {
        let mut of_targets: BTreeMap<_, TargetReport> = BTreeMap::new();
        for report in reports {
            let target = (report.region.clone(), report.pack.clone());
            let report = match of_targets.remove(&target) {
                Some(other) => other.and(report),
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
            notifications,
            next_token,
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
            let name = report.pack.as_ref().map_or("every pack", PackName::as_str);
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
