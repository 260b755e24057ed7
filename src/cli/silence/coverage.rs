//! What a silence covers.

use jiff::Timestamp;

use crate::cli::outcome::Failure;
use crate::cli::outside::Store;
use crate::ports::SnapshotStore;
use crate::state::head::Heads;
use crate::state::silence::{Silence, Silences};

/// How many recorded deployments a silence is about, and how many of them are unhealthy now.
pub(super) async fn coverage(silence: &Silence, store: &Store, heads: &Heads) -> Result<(u64, u64), Failure> {
    let now = Timestamp::now();
    let alone = Silences(vec![silence.clone()]);
    let (mut deployments, mut unhealthy) = (0, 0);
    for (target, _) in heads.known.iter().filter(|(_, head)| !head.is_deleted()) {
        let of_target = alone.of(target);
        if of_target.0.is_empty() {
            continue;
        }
        for (account, row) in store.snapshot(target).await?.rows {
            if silence.accounts.is_empty() || silence.accounts.contains(&account) {
                deployments += 1;
                unhealthy += u64::from(of_target.cover(account, &row.state, now));
            }
        }
    }
    Ok((deployments, unhealthy))
}
