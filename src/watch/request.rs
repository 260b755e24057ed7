//! What a run is asked to scan.

use crate::model::{PackName, Region};
use crate::ports::Filters;
use crate::watch::scan::paginate::PaginationConfig;

/// What a run is asked to scan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// Only these packs; all when empty.
    pub packs: Vec<PackName>,
    /// Only this region.
    pub region: Option<Region>,
    /// Only these accounts.
    pub filters: Filters,
    /// Only this much.
    pub pagination: PaginationConfig,
    /// The source has only some accounts: that one is missing says nothing.
    pub partial: bool,
    /// Say what would be done, and do nothing.
    pub dry_run: bool,
    /// A schedule asks.
    pub scheduled: bool,
    /// Quick scans will do: nobody asks for something in particular, though it is not the schedule.
    pub quick: bool,
    /// The packs were named by AWS CloudTrail: they may not be visible yet, or no longer.
    pub tentative: bool,
}

impl Request {
    /// Whether somebody asks for something in particular, which is scanned in full.
    pub fn is_asked(&self) -> bool {
        let is_scheduled_run = (self.scheduled || self.quick) && self.packs.is_empty() && !self.is_partial();
        !is_scheduled_run || self.dry_run
    }

    /// Whether the request may read less than all accounts of a target.
    pub fn is_partial(&self) -> bool {
        self.partial || !self.filters.is_empty() || self.pagination.is_cut()
    }
}
