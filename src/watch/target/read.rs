//! Reads a target: everything that AWS Config is asked before the claim.

use std::collections::{BTreeMap, BTreeSet};

use super::looking::Look;
use super::stop::Stop;
use crate::model::{AccountId, Target};
use crate::ports::{Outside, SnapshotStore, SourceError, StoreError};
use crate::state::Row;
use crate::state::heads::Head;
use crate::watch::compare;
use crate::watch::context::Context;
use crate::watch::look;
use crate::watch::observe::{self, Read, ReadError};

/// What was read of a target: everything that AWS Config is asked before the claim.
pub(super) struct Observed {
    pub(super) read: Read,
    /// Recorded accounts that were not shown, and asked for again: they have left.
    pub(super) left: BTreeSet<AccountId>,
    /// Which look it was; `None` where the request asked for less.
    pub(super) by: Option<look::Look>,
    /// Where the head was loaded again after the read: the accounts that were asked for since. Of any other, another run
    /// may have recorded something newer than what was read.
    pub(super) asked_since: Option<BTreeSet<AccountId>>,
}

impl<O: Outside> Look<'_, O> {
    /// Reads the target; `None` when it was known and is gone. Reading has no effects, so it may be given up wherever it
    /// is when the time is over.
    pub(super) async fn observe(&self) -> Result<Option<Read>, Stop> {
        let Context { outside, request, settings, budget, .. } = self.context;
        let silences = &self.planned.silences;
        let now = outside.now();
        let read = observe::statuses(outside.source(), self.target(), request, settings, silences, now);
        let is_unfinished = self.planned.head.as_ref().is_some_and(Head::is_unfinished);
        match budget.within(read).await.ok_or(Stop::NoTime)? {
            Ok(read) => Ok(Some(read)),
            // Only asking for all of it says that it is gone, and not where it is listed: right after a pack was put, AWS
            // Config does not find it for a moment.
            Err(ReadError::Source(SourceError::Gone(_)))
                if is_unfinished && request.filters.is_empty() && !self.is_listed().await? =>
            {
                Ok(None)
            }
            Err(ReadError::Source(SourceError::Gone(reason))) => Err(Stop::NotVisible(reason)),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether the pack is in its region's list; a run of named packs did not need that until now.
    async fn is_listed(&self) -> Result<bool, Stop> {
        let Context { outside, budget, .. } = self.context;
        let Target { region, pack } = self.target();
        match self.planned.listed {
            Some(listed) => Ok(listed),
            None => {
                let packs = budget.within(observe::packs(outside.source(), region)).await;
                Ok(packs.ok_or(Stop::NoTime)??.contains(pack))
            }
        }
    }

    /// Whether a whole read has the head's fingerprint: nothing has changed, and nothing is owed.
    pub(super) fn is_as_recorded(&self, read: &Read) -> bool {
        let seen = self.live().and_then(|head| head.fingerprint.as_ref());
        read.observation.whole && seen.is_some() && seen == read.fingerprint.as_ref()
    }

    /// Reads the rows, and asks again for every recorded account that a whole read did not show. Every read of AWS
    /// Config ends here: one that came after the claim would not be fenced by it. `None`: of the accounts that were read
    /// nothing has changed.
    pub(super) async fn confirm(&self, mut read: Read) -> Result<Option<Observed>, Stop> {
        let Context { outside, settings, budget, .. } = self.context;
        let life = self.live().and_then(|head| head.life);
        if !read.observation.whole && life.is_none() {
            return Err(Stop::NoBaseline);
        }
        let Some(head) = &self.planned.head else {
            let by = read.observation.whole.then_some(look::Look::Whole);
            return Ok(Some(Observed { read, left: BTreeSet::new(), by, asked_since: None }));
        };
        let held = self.room(read.observation.states.len() as u64).await?;
        let rows = self.rows_of(head).await?;
        if !read.observation.whole {
            let comparison = self.comparison(head, &rows, &read.observation, read.observed_at, false);
            let is_unchanged = comparison.changes().is_empty();
            let left = BTreeSet::new();
            return Ok((!is_unchanged).then_some(Observed { read, left, by: None, asked_since: None }));
        }
        let missing = compare::missing(&rows, &read.observation, &settings.excluded);
        // Others compare while AWS Config is asked.
        drop((rows, held));
        let silences = &self.planned.silences;
        let confirm =
            observe::confirm(outside.source(), self.target(), &missing, &mut read, settings, silences);
        budget.within(confirm).await.ok_or(Stop::NoTime)??;
        let left = missing.into_iter().filter(|account| !read.observation.states.contains_key(account));
        let by = Some(look::Look::Whole);
        Ok(Some(Observed { left: left.collect(), read, by, asked_since: None }))
    }

    /// The rows of the life that holds, or begins.
    pub(super) async fn rows_of(&self, head: &Head) -> Result<BTreeMap<AccountId, Row>, StoreError> {
        let mut rows = self.context.outside.store().rows(self.target()).await?;
        rows.retain(|_, row| head.counts(row));
        Ok(rows)
    }
}
