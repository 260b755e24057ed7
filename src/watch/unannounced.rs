//! What is recorded and was not announced.

use jiff::Timestamp;

use crate::ports::{SnapshotStore, StoreError};
use crate::settings::Settings;

/// When the oldest transition was observed that some topic has not had, over all targets that are watched; `None`
/// when nothing is owed.
///
/// Costs a Query, and one more for each head that owes: ask only when a run says that something may be owed.
pub async fn oldest(
    store: &impl SnapshotStore,
    settings: &Settings,
) -> Result<Option<Timestamp>, StoreError> {
    let mut oldest = None;
    for (target, head) in store.load().await?.known {
        // Nobody comes to announce what is no longer watched.
        let is_watched = settings.regions.contains(&target.region) && settings.packs.matches(&target.pack);
        if is_watched && head.owes() {
            let owed = store.transitions(&target, head.announced_everywhere()).await?;
            oldest = owed.iter().map(|transition| transition.observed_at).chain(oldest).min();
        }
    }
    Ok(oldest)
}
