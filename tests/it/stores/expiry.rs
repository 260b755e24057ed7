//! What SQLite does for want of a TTL: what has expired is removed once a day, by an index.

use jiff::{SignedDuration, Timestamp};
use packwatch::local::SqliteStore;
use packwatch::ports::SnapshotStore;
use packwatch::state::heads::{Change, Finish};
use packwatch::state::log::Record;

use crate::protocol::memory::whole_log;
use crate::stores::contract::{change, claim, finish, now, target, tell_all};

fn expiring(n: u64, at: Timestamp) -> Change {
    let mut change = change(n, 1);
    change.transition.as_mut().unwrap().expires_at = at;
    change
}

async fn left(store: &SqliteStore) -> Vec<String> {
    let log = whole_log(store, &target("P")).await;
    log.into_iter().filter_map(Record::transition).map(|t| t.account.to_string()).collect()
}

#[tokio::test]
async fn what_has_expired_is_removed_once_a_day() {
    let store = SqliteStore::in_memory().unwrap();
    let later = |hours| now() + SignedDuration::from_hours(hours);
    store.claim(&target("P"), &claim(0)).await.unwrap();
    let changes = [expiring(1, later(-1)), expiring(2, later(1)), expiring(3, later(30))];
    store.record(&target("P"), 1, &changes, None).await.unwrap();
    tell_all(&store, &target("P"), 1).await;
    let finish_at = async |at| store.finish(&target("P"), &Finish { at, ..finish(1) }).await.unwrap();
    finish_at(now()).await;
    assert_eq!(left(&store).await, ["000000000002", "000000000003"]);
    finish_at(later(2)).await;
    assert_eq!(left(&store).await.len(), 2, "that was today");
    finish_at(later(24)).await;
    assert_eq!(left(&store).await, ["000000000003"]);
}
