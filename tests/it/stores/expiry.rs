//! What SQLite does for want of a TTL: what has expired is removed once a day, by an index.

use jiff::{SignedDuration, Timestamp};
use packwatch::local::SqliteStore;
use packwatch::ports::SnapshotStore;
use packwatch::state::heads::{Change, Finish};
use packwatch::state::log::Record;
use rusqlite::Connection;

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

/// A file that packwatch 0.1 made has no index.
#[tokio::test]
async fn an_old_file_gets_its_index_and_one_that_is_only_read_stays_as_it_is() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let database = Connection::open(file.path()).unwrap();
    let as_first = "CREATE TABLE items (
        pk TEXT NOT NULL, sk TEXT NOT NULL, body TEXT NOT NULL, expires_at INTEGER,
        PRIMARY KEY (pk, sk)) WITHOUT ROWID";
    database.execute_batch(as_first).unwrap();
    let store = SqliteStore::open(file.path()).unwrap();
    store.load().await.unwrap();
    let plan = || {
        // A new connection: an old one explains by the schema that it knows.
        let database = Connection::open(file.path()).unwrap();
        let sql = "EXPLAIN QUERY PLAN DELETE FROM items WHERE expires_at < 5";
        database.query_row(sql, [], |row| row.get::<_, String>(3)).unwrap()
    };
    assert!(plan().starts_with("SCAN"), "{}", plan());
    store.claim(&target("P"), &claim(0)).await.unwrap();
    tell_all(&store, &target("P"), 1).await;
    store.finish(&target("P"), &finish(1)).await.unwrap();
    assert!(plan().starts_with("SEARCH"), "{}", plan());
}
