//! How the scan of a target ended, and why it was not finished, if so.

use std::time::Duration;

use jiff::Timestamp;

use crate::model::Target;
use crate::ports::{SourceError, StoreError};
use crate::state::head::{Counts, Head};
use crate::state::log::Record;
use crate::watch::report::{Outcome, TargetReport};
use crate::watch::request::Request;
use crate::watch::scan::policy::Scan;
use crate::watch::scan::reader::ReadError;

/// How the scan of a target ended.
#[derive(Debug)]
pub struct ScanOutcome {
    /// What to report of it.
    pub report: TargetReport,
    /// Where the request's `MaxItems` cut.
    pub next_token: Option<String>,
    /// When a full scan began whose result is recorded.
    pub full_scan_at: Option<Timestamp>,
    /// How long it took.
    pub took: Duration,
    /// The head of what it committed last.
    pub committed: Option<Head>,
    /// In a dry run, what would be recorded.
    pub preview: Option<Box<Preview>>,
}

impl ScanOutcome {
    /// A scan that did nothing yet.
    pub fn of(target: &Target, scan: Option<Scan>) -> Self {
        let report = TargetReport { scan, ..TargetReport::of(target) };
        let (next_token, full_scan_at, took, committed, preview) = Default::default();
        Self { report, next_token, full_scan_at, took, committed, preview }
    }
}

/// What a run would record of a target.
#[derive(Debug)]
pub struct Preview {
    /// The target.
    pub target: Target,
    /// Its history.
    pub history_id: String,
    /// How many accounts it has in each status.
    pub accounts: Counts,
    /// In the order of the log.
    pub records: Vec<Record>,
}

/// Why a target was not finished.
#[derive(Debug, thiserror::Error)]
pub enum Stop {
    /// The budget is spent.
    #[error("out of time; the next run goes on")]
    NoTime,
    /// More has changed than one transaction holds.
    #[error("{0} changes did not fit one transaction; the next run records them")]
    Left(usize),
    /// A request that reads only some accounts has nothing to compare them with.
    #[error("no baseline yet: a run that reads every account makes it")]
    NoBaseline,
    /// The pack is not there, and was not known.
    #[error("{0}")]
    NotVisible(String),
    /// What is recorded of it cannot be read, or is of a newer packwatch.
    #[error("{0}")]
    Unreadable(String),
    /// The statuses could not be read whole.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How a target ends that was not finished.
pub fn stopped(request: &Request, report: TargetReport, stop: &Stop) -> TargetReport {
    let outcome = match stop {
        Stop::Store(StoreError::Superseded) => return report.ended(Outcome::Superseded, None),
        Stop::NoTime | Stop::Left(_) | Stop::NoBaseline => Outcome::Deferred,
        // Listed or named by AWS CloudTrail: on its way in or out.
        Stop::NotVisible(_) if request.packs.is_empty() || request.tentative => Outcome::Deferred,
        // AWS Config refuses for a while to speak of a pack that was just put. The next run asks again.
        Stop::Read(ReadError::Source(SourceError::Denied(_))) if request.tentative => Outcome::Deferred,
        Stop::Read(ReadError::Source(SourceError::Denied(_))) | Stop::Store(StoreError::Denied(_)) => {
            Outcome::Denied
        }
        _ => Outcome::Incomplete,
    };
    report.ended(outcome, Some(stop.to_string()))
}
