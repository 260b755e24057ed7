//! Writes changes, a transaction at a time, each fenced by the run's epoch.

use crate::model::Target;
use crate::ports::{SnapshotStore, StoreError};
use crate::state::heads::Change;
use crate::watch::budget::Budget;

/// DynamoDB takes 100 actions in a transaction: the fence, and a row and a transition for each change.
pub const CHANGES_PER_TRANSACTION: usize = 49;

/// Records the changes in order, as many as the budget allows: returns how many. A row and its
/// transition go together, so what is recorded is consistent wherever this ends.
pub async fn record(
    store: &impl SnapshotStore,
    target: &Target,
    epoch: u64,
    changes: &[Change],
    budget: &Budget,
) -> Result<usize, StoreError> {
    let mut recorded = 0;
    for transaction in changes.chunks(CHANGES_PER_TRANSACTION) {
        if budget.is_spent() {
            break;
        }
        store.record(target, epoch, transaction).await?;
        recorded += transaction.len();
    }
    Ok(recorded)
}
