//! How a look ended.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::model::{AccountId, Target};
use crate::state::log::Record;
use crate::watch::announce::Owed;
use crate::watch::report::TargetReport;

/// What became of a target.
#[derive(Debug)]
pub struct Looked {
    /// How it ended.
    pub ended: Ended,
    /// Where the request's `MaxItems` cut.
    pub next_token: Option<String>,
    /// When a whole look began whose changes are recorded.
    pub whole_at: Option<Timestamp>,
    /// The accounts that a whole look found to have joined or left, of a target that was watched before.
    pub moved: BTreeSet<AccountId>,
}

impl Looked {
    /// A look that was not whole.
    pub fn of(ended: Ended) -> Self {
        Self { ended, next_token: None, whole_at: None, moved: BTreeSet::new() }
    }
}

/// How the look at a target ended.
#[derive(Debug)]
pub enum Ended {
    /// There is nothing to announce.
    Done(TargetReport),
    /// It is recorded, and to be announced.
    Owed(Box<Owed>),
    /// In a dry run: what would be recorded, in the order of the log.
    Would(TargetReport, Box<Preview>),
}

impl Ended {
    /// What to report of it, if all goes well.
    pub fn report(&self) -> &TargetReport {
        match self {
            Self::Done(report) | Self::Would(report, _) => report,
            Self::Owed(owed) => &owed.report,
        }
    }
}

/// What a run would record of a target.
#[derive(Debug)]
pub struct Preview {
    pub(super) target: Target,
    pub(super) born: String,
    pub(super) accounts: u64,
    pub(super) records: Vec<Record>,
}
