//! The look at one target under way.

use std::borrow::Cow;
use std::collections::BTreeSet;

use jiff::Timestamp;

use super::stop::Stop;
use crate::model::{AccountId, Target};
use crate::ports::{Outside, SnapshotStore, StoreError};
use crate::state::heads::{Claim, Head};
use crate::watch::context::Context;
use crate::watch::plan::Planned;
use crate::watch::report::TargetReport;
use crate::watch::room::Held;

/// The look at one target, and what it has to report so far.
pub(super) struct Look<'a, O> {
    pub(super) context: &'a Context<'a, O>,
    pub(super) planned: Cow<'a, Planned>,
    pub(super) report: TargetReport,
    pub(super) next_token: Option<String>,
    pub(super) whole_at: Option<Timestamp>,
    pub(super) moved: BTreeSet<AccountId>,
}

impl<'a, O: Outside> Look<'a, O> {
    pub(super) fn new(context: &'a Context<'a, O>, planned: &'a Planned) -> Self {
        let report = TargetReport::of(&planned.target);
        Self {
            context,
            planned: Cow::Borrowed(planned),
            report,
            next_token: None,
            whole_at: None,
            moved: BTreeSet::new(),
        }
    }

    pub(super) fn target(&self) -> &Target {
        &self.planned.target
    }

    /// The head as it was loaded, unless it is a tombstone.
    pub(super) fn live(&self) -> Option<&Head> {
        self.planned.head.as_ref().filter(|head| !head.deleted)
    }

    /// Whether an earlier run left something to announce.
    pub(super) fn was_owed(&self) -> bool {
        self.planned.head.as_ref().is_some_and(Head::owes)
    }

    /// Waits until there is room to compare so many accounts, or as many as are recorded.
    pub(super) async fn room(&self, accounts: u64) -> Result<Held<'a>, Stop> {
        let Context { budget, room, .. } = self.context;
        let recorded = self.planned.head.as_ref().map_or(0, Head::account_count);
        budget.within(room.take(accounts.max(recorded))).await.flatten().ok_or(Stop::NoTime)
    }

    /// Takes the target, so that no older run can write to it any more, and returns its head as it is now: what was
    /// loaded may be stale in all but the epoch. A dry run only pretends.
    pub(super) async fn claim(&self) -> Result<Head, Stop> {
        let head = self.planned.head.as_ref();
        let born = head.map_or_else(|| format!("{:032x}", fastrand::u128(..)), |head| head.born.clone());
        let claim = Claim {
            seen: head.map_or(0, |head| head.epoch),
            born,
            listens: self.context.listens(),
            run: self.context.id.clone(),
        };
        if self.context.request.dry_run {
            return claim.applied_to(head).ok_or(Stop::Store(StoreError::Superseded));
        }
        if self.context.budget.is_spent() {
            return Err(Stop::NoTime);
        }
        Ok(self.context.outside.store().claim(self.target(), &claim).await?)
    }
}
