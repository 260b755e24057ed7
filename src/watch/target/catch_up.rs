//! What becomes of a whole look at a large target whose claim another run was faster with: it took a hundred calls, and
//! most of it still holds.

use super::looking::Look;
use super::read::Observed;
use super::stop::Stop;
use crate::model::AccountId;
use crate::ports::{Outside, SnapshotStore, StoreError};
use crate::watch::quick::{Quick, QuickRead, QuickReader};
use crate::watch::room::Held;

impl<O: Outside> Look<'_, O> {
    /// Loads the target again, and asks again for each account that differs from what the other run has recorded by now.
    /// What was read before the head was loaded is not recorded: only that does the claim fence. It waits for the next
    /// look where the other run goes on recording until the claim.
    pub(super) async fn catch_up(
        &mut self,
        mut observed: Observed,
        held: Held<'_>,
    ) -> Result<Observed, Stop> {
        const LOST: Stop = Stop::Store(StoreError::Superseded);
        let outside = self.context.outside;
        let heads = self.context.budget.within(outside.store().load()).await.ok_or(Stop::NoTime)??;
        *self.planned.to_mut() = self.planned.loaded_again(heads).ok_or(LOST)?;
        let head = self.live().filter(|head| head.life.is_some()).cloned().ok_or(LOST)?;
        let rows = self.rows_of(&head).await?;
        let read = &mut observed.read;
        let comparison = self.comparison(&head, &rows, &read.observation, read.observed_at, false);
        let differing = comparison.changes().into_iter().map(|change| change.account).collect();
        // Others compare while AWS Config is asked.
        drop((rows, held));

        let mut again = QuickRead::nothing(read.observed_at);
        let reader =
            QuickReader::new(outside.source(), self.target(), self.context.settings, &self.planned.silences);
        let asked = self.context.budget.within(reader.ask(&mut again, &differing, read.pages)).await;
        let Quick::Read(()) = asked.ok_or(Stop::NoTime)?? else { return Err(LOST) };
        let states = &mut read.observation.states;
        states.retain(|account: &AccountId, _| !differing.contains(account));
        states.extend(again.states);
        observed.left = again.absent;
        observed.asked_since = Some(differing);
        self.report.pages += reader.calls();
        Ok(observed)
    }
}
