//! What is recorded and was not announced.

use jiff::Timestamp;

use crate::model::Target;
use crate::ports::{LogRequest, Order, SnapshotStore, StoreError};
use crate::state::heads::Head;
use crate::state::log::Position;

/// When the oldest record was observed that some topic has not had, over all targets; `None` when nothing is owed.
///
/// Costs a Query, and one item for each head that owes: ask only when a run says that something may be owed.
pub async fn oldest(store: &impl SnapshotStore) -> Result<Option<Timestamp>, StoreError> {
    let mut oldest = None;
    for (target, head) in store.load().await?.known {
        oldest = since(store, &target, &head).await?.into_iter().chain(oldest).min();
    }
    Ok(oldest)
}

/// When the oldest record was observed that some topic has not had of one target.
pub async fn since(
    store: &impl SnapshotStore,
    target: &Target,
    head: &Head,
) -> Result<Option<Timestamp>, StoreError> {
    let people = head.owes_people().then(|| (head.people_mark(), head.people_end()));
    let machines = head.owes_machines().then(|| (head.machines_mark(), Position::end_of(head.epoch)));
    let mut oldest = None;
    for (after, until) in people.into_iter().chain(machines) {
        let request = LogRequest { after, until, order: Order::Oldest, limit: 1, token: None };
        let page = store.log(target, &request).await?;
        oldest = page.items.iter().map(|record| record.observed_at()).chain(oldest).min();
    }
    Ok(oldest)
}
