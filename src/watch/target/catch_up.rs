//! What becomes of a whole look at a large target whose claim another run was faster with: it took a hundred calls, and
//! most of it still holds.

use super::looking::Look;
use super::read::Observed;
use super::stop::Stop;
use crate::model::AccountId;
use crate::ports::{Outside, SnapshotStore, StoreError};
use crate::state::heads::Head;
use crate::watch::quick::{Quick, QuickRead, QuickReader};

impl<O: Outside> Look<'_, O> {
    /// Loads the target again, asks again for each account that differs from what the other run has recorded, and claims
    /// with that. What was read before the head was loaded is not recorded: only that does the claim fence.
    pub(super) async fn catch_up(&mut self, mut observed: Observed) -> Result<(Head, Observed), Stop> {
        const LOST: Stop = Stop::Store(StoreError::Superseded);
        let outside = self.context.outside;
        let heads = self.context.budget.within(outside.store().load()).await.ok_or(Stop::NoTime)??;
        *self.planned.to_mut() = self.planned.loaded_again(heads).ok_or(LOST)?;
        let head = self.live().filter(|head| head.life().is_some()).cloned().ok_or(LOST)?;
        let rows = self.rows_of(&head).await?;
        let read = &mut observed.read;
        let comparison = self.comparison(&head, &rows, &read.observation, read.observed_at, false);
        let differing = comparison.changes().into_iter().map(|change| change.account).collect();

        let mut again = QuickRead::nothing(read.observed_at);
        let reader =
            QuickReader::new(outside.source(), self.target(), self.context.settings, &self.planned.silences);
        let asked = self.context.budget.within(reader.ask(&mut again, &differing, read.pages)).await;
        let Quick::Read(()) = asked.ok_or(Stop::NoTime)?? else { return Err(LOST) };
        let states = &mut read.observation.states;
        states.retain(|account: &AccountId, _| !differing.contains(account));
        states.extend(again.states);
        observed.left = again.absent;
        self.report.pages += reader.calls();
        Ok((self.claim().await?, observed))
    }
}
