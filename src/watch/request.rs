//! What a run is asked to look at.

use std::collections::BTreeSet;

use crate::model::{PackName, Region, Target};
use crate::ports::Filters;
use crate::watch::look::Cause;
use crate::watch::paginate::PaginationConfig;

/// What a run is asked to look at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// Only these packs; all when empty.
    pub packs: Vec<PackName>,
    /// Only this region.
    pub region: Option<Region>,
    /// Exactly these targets, without listing any packs: those that waited in the queue.
    pub targets: Option<BTreeSet<Target>>,
    /// Only these accounts.
    pub filters: Filters,
    /// Only this much.
    pub pagination: PaginationConfig,
    /// Say what would be done, and do nothing.
    pub dry_run: bool,
    /// The schedule asks, itself or through its queue.
    pub scheduled: bool,
    /// Quick looks will do: nobody asks for something in particular, though it is not the schedule.
    pub quick: bool,
    /// The packs were named by AWS CloudTrail or by a queue: they may not be visible yet, or no longer.
    pub tentative: bool,
}

impl Request {
    /// Who wants the looks.
    pub fn cause(&self) -> Cause {
        let is_for_all = self.packs.is_empty() && self.targets.is_none() && !self.is_partial();
        let is_a_tick = (self.scheduled || self.quick) && is_for_all && !self.dry_run;
        if is_a_tick { Cause::Tick } else { Cause::Asked }
    }

    /// Whether the request may read less than all accounts of a target.
    pub fn is_partial(&self) -> bool {
        !self.filters.is_empty() || self.pagination.is_cut()
    }
}
