//! What is forgotten in time: by DynamoDB's TTL, and what SQLite does for want of one.

use jiff::{SignedDuration, Timestamp};
use packwatch::local::SqliteStore;
use packwatch::ports::{SilenceStore, SnapshotStore};
use packwatch::state::commit::{Closing, Snapshot};
use packwatch::state::head::{Cursors, StoredMessage, Topic};
use packwatch::state::log::PackEvent;
use packwatch::state::silence::Silence;
use serde_json::json;

use crate::harness::commits::{commit, commit_of};
use crate::harness::dynamo::Dynamo;
use crate::protocol::memory::whole_log;
use crate::stores::contract::cursors::silence;
use crate::stores::contract::{change, closing, dynamo_store, now, target};

fn message(expires_at: Timestamp) -> StoredMessage {
    StoredMessage { id: "0f".to_owned(), data: Vec::new(), expires_at }
}

#[tokio::test]
async fn parts_messages_and_silences_expire_and_when_is_a_number_of_seconds() {
    let dynamo = Dynamo::with_table("packwatch");
    let store = dynamo_store(&dynamo).await;
    commit(&store, &target("P"), vec![change(1, 1)], closing(PackEvent::Baseline, 1)).await.unwrap();
    store.put_cursors(Topic::Alerts, &Cursors::default().next()).await.unwrap();
    // That of the parts, from the harness.
    let until: Timestamp = "2027-02-18T10:00:00Z".parse().unwrap();
    store.put_message(&message(until)).await.unwrap();
    store.silence(&Silence { until, ..silence("0e") }).await.unwrap();
    let items = dynamo.dump("packwatch");
    let expire = items.iter().filter(|item| item.get("expires_at") == Some(&json!({"N": "1802944800"})));
    let keys = expire.map(|item| item["sk"]["S"].as_str().unwrap()).collect::<Vec<_>>();
    let parts = [1, 2].map(|part| format!("log#{:020}#{part:04}", 1));
    assert_eq!(keys, [&parts[0], &parts[1], "silence#0e", "message#0f"]);
    let stay = items.iter().filter(|item| item.get("expires_at").is_none());
    let keys = stay.map(|item| item["sk"]["S"].as_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(keys, ["snapshot#0037", "cursors#alerts", "head#eu-west-1#P"]);
}

#[tokio::test]
async fn sqlite_removes_what_has_expired() {
    let store = SqliteStore::in_memory().unwrap();
    let later = |hours| now() + SignedDuration::from_hours(hours);
    let target = target("P");
    store.put_message(&message(later(-1))).await.unwrap();
    // Each commit logs a part that expires after so many hours, and is made at its own.
    for (at, expires, left) in [(0, -1, 0), (1, 3, 1), (2, 30, 2), (4, 50, 2), (24, 60, 3), (25, 61, 4)] {
        let head = store.load().await.unwrap().known.remove(&target);
        let snapshot = store.snapshot(&target).await.unwrap_or_else(|_| Snapshot::default());
        let mut commit = commit_of(head.as_ref(), &snapshot, vec![change(1, 1)], Closing::default());
        commit.head.committed_at = later(at);
        commit.parts[0].expires_at = later(expires);
        store.commit(&target, &commit).await.unwrap();
        assert_eq!(whole_log(&store, &target).await.len(), left, "at {at}");
    }
    assert_eq!(store.message("0f").await, Ok(None));
}
