//! What a scan observed, and how it ended.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::model::{AccountId, Target};
use crate::state::State;
use crate::state::head::Counts;
use crate::state::log::Record;
use crate::watch::compare::Observation;
use crate::watch::report::TargetReport;
use crate::watch::scan::filtered::is_read_by_status;
use crate::watch::scan::policy::Scan;

/// What was read of a target: everything that AWS Config is asked before the commit.
#[derive(Debug)]
pub struct Observed {
    /// The states.
    pub observation: Observation,
    /// When the reading began: what was read may be newer than this, never older.
    pub observed_at: Timestamp,
    /// Which scan it was; `None` where the request asked for less.
    pub scan: Option<Scan>,
}

/// The accounts of these states that every quick scan reads.
pub fn active(states: &BTreeMap<AccountId, State>) -> Vec<(AccountId, Option<Timestamp>)> {
    let active = states.iter().filter(|(_, state)| is_read_by_status(&state.status));
    active.map(|(account, state)| (*account, state.last_update)).collect()
}

/// How the scan of a target ended.
#[derive(Debug)]
pub struct ScanOutcome {
    /// What to report of it.
    pub report: TargetReport,
    /// Where the request's `MaxItems` cut.
    pub next_token: Option<String>,
    /// When a full scan began whose result is recorded.
    pub full_scan_at: Option<Timestamp>,
    /// Whether something was committed.
    pub has_committed: bool,
    /// The accounts in the statuses that every quick scan reads, each with when it came there.
    pub active: Vec<(AccountId, Option<Timestamp>)>,
    /// In a dry run, what would be recorded.
    pub preview: Option<Box<Preview>>,
}

impl ScanOutcome {
    /// A scan of which nothing else is known.
    pub fn of(report: TargetReport) -> Self {
        Self {
            report,
            next_token: None,
            full_scan_at: None,
            has_committed: false,
            active: Vec::new(),
            preview: None,
        }
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
