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
    let people = head.owes_people().then(|| (head.people, head.people_end()));
    let machines = head.owes_machines().then(|| (head.machines, Position::end_of(head.epoch)));
    let mut oldest = None;
    for (after, until) in people.into_iter().chain(machines) {
        let request = LogRequest { after, until, order: Order::Oldest, limit: 1, token: None };
        let page = store.log(target, &request).await?;
        oldest = page.items.iter().map(|record| record.observed_at()).chain(oldest).min();
    }
    Ok(oldest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::heads::{Claim, Counts};
    use crate::state::log::{Notice, PackEvent, Record};
    use crate::watch::stub::Stub;

    fn target(pack: &str) -> Target {
        Target { region: "eu-west-1".parse().unwrap(), pack: pack.parse().unwrap() }
    }

    /// A head at epoch 3, each of which has a record at the second of its number.
    fn head(people: u64, machines: u64) -> Head {
        let first = Claim { seen: 2, born: "b".to_owned(), listens: Some(true), run: "r".to_owned() };
        let [people, machines] = [people, machines].map(Position::end_of);
        Head { life: Some(1), people, machines, accounts: Counts::new(), ..first.first_head() }
    }

    fn at(epoch: u64) -> Timestamp {
        Timestamp::from_second(epoch as i64).unwrap()
    }

    fn records() -> Vec<Record> {
        let (accounts, told, event) = (1, true, PackEvent::Baseline);
        let notice = |epoch| Notice {
            event,
            epoch,
            accounts,
            observed_at: at(epoch),
            told,
            expires_at: Timestamp::MAX,
        };
        (1..=3).map(notice).map(Record::Pack).collect()
    }

    #[tokio::test]
    async fn the_oldest_is_what_people_or_machines_wait_for_over_all_targets() {
        for (heads, waits) in [
            (vec![head(3, 3)], None),
            (vec![head(2, 3)], Some(3)),
            (vec![head(2, 1)], Some(2)),
            (vec![head(1, 2)], Some(2)),
            (vec![head(2, 3), head(0, 3), head(1, 1)], Some(1)),
            (vec![Head { listens: Some(false), ..head(3, 0) }], None),
        ] {
            let mut store = Stub::default();
            for (head, pack) in heads.iter().zip(["A", "B", "C"]) {
                store.heads.known.insert(target(pack), head.clone());
                store.log.insert(target(pack), records());
            }
            assert_eq!(oldest(&store).await.unwrap(), waits.map(at), "{heads:?}");
        }
    }
}
