//! Items that a newer packwatch wrote, or that are damaged: they close their pack and no other, and stay as they are.

use packwatch::local::SqliteStore;
use packwatch::ports::{LogRequest, Order, SnapshotStore, StoreError};
use packwatch::state::commit::{Closing, Snapshot};
use packwatch::state::head::{Cursors, Topic};
use packwatch::state::item::SCHEMA;
use packwatch::state::log::{PackEvent, Position};
use serde_json::{Value, json};

use crate::harness::commits::{commit, commit_of};
use crate::harness::dynamo::Dynamo;
use crate::stores::contract::cursors::silence;
use crate::stores::contract::{Store, change, closing, dynamo_store, target};

const TABLE: &str = "packwatch";

/// A store whose items a test changes.
enum Tampered {
    Dynamo(Dynamo),
    Sqlite(tempfile::NamedTempFile),
}

impl Tampered {
    /// Changes the items that have this sort key: their attributes are plain JSON.
    fn edit(&self, sk: &str, edit: impl Fn(&mut Value)) {
        match self {
            Self::Dynamo(dynamo) => {
                let items = dynamo.dump(TABLE).into_iter().filter(|item| item["sk"]["S"] == sk);
                for mut item in items {
                    edit(&mut item);
                    for number in ["schema", "epoch", "version"] {
                        if let Some(n @ Value::Number(_)) = item.get(number).cloned() {
                            item[number] = json!({"N": n.to_string()});
                        }
                    }
                    let put = json!({"TableName": TABLE, "Item": item});
                    dynamo.database().put_item(serde_json::from_value(put).unwrap()).unwrap();
                }
            }
            Self::Sqlite(file) => {
                let database = rusqlite::Connection::open(file.path()).unwrap();
                let read = "SELECT body FROM items WHERE sk = ?";
                let body: String = database.query_row(read, [sk], |row| row.get(0)).unwrap();
                let mut item = serde_json::from_str(&body).unwrap();
                edit(&mut item);
                let write = "UPDATE items SET body = ? WHERE sk = ?";
                database.execute(write, [item.to_string(), sk.to_owned()]).unwrap();
            }
        }
    }

    /// Everything that is stored of a pack.
    fn of(&self, pack: &str) -> Vec<String> {
        match self {
            Self::Dynamo(dynamo) => {
                let items = dynamo.dump(TABLE).into_iter().map(|item| item.to_string());
                items.filter(|item| item.contains(pack)).collect()
            }
            Self::Sqlite(file) => {
                let database = rusqlite::Connection::open(file.path()).unwrap();
                let sql =
                    "SELECT pk || sk || body || hex(data) FROM items WHERE pk || sk LIKE ? ORDER BY pk, sk";
                let mut query = database.prepare(sql).unwrap();
                query
                    .query_map([format!("%{pack}%")], |row| row.get(0))
                    .unwrap()
                    .map(Result::unwrap)
                    .collect()
            }
        }
    }
}

fn make_newer(item: &mut Value) {
    item["schema"] = json!(SCHEMA + 1);
}

fn is_newer(error: &StoreError) -> bool {
    matches!(error, StoreError::Unavailable(why) if why.contains("written by a newer packwatch"))
}

async fn fill(store: &impl SnapshotStore, pack: &str) {
    commit(store, &target(pack), vec![change(1, 1)], closing(PackEvent::Baseline, 1)).await.unwrap();
}

/// Whatever an older packwatch knows of the pack, it commits nothing to it.
async fn assert_closed(
    store: &impl Store,
    tampered: &Tampered,
    pack: &str,
    why: impl Fn(&StoreError) -> bool,
) {
    let before = tampered.of(pack);
    let old = store.load().await.unwrap();
    assert!(old.known.keys().eq([&target("Sound")]) && old.unreadable.len() == 1, "{old:?}");
    let heads = [None, Some(&old.known[&target("Sound")])];
    for head in heads {
        let late = commit_of(head, &Snapshot::default(), vec![change(2, 1)], Closing::default());
        let closed = store.commit(&target(pack), &late).await.unwrap_err();
        assert!(why(&closed), "{closed:?}");
    }
    assert_eq!(tampered.of(pack), before);
    commit(store, &target("Sound"), vec![change(2, 2)], Closing::default()).await.unwrap();
}

async fn a_newer_head_closes_its_pack(store: &impl Store, tampered: Tampered) {
    fill(store, "Sound").await;
    fill(store, "Newer").await;
    commit(store, &target("Newer"), vec![change(1, 2)], Closing::default()).await.unwrap();
    tampered.edit("head#eu-west-1#Newer", make_newer);
    let heads = store.load().await.unwrap();
    assert!(heads.unreadable[&target("Newer")].contains("written by a newer packwatch"), "{heads:?}");
    assert_closed(store, &tampered, "Newer", is_newer).await;
}

/// What is damaged is for a person to mend.
async fn a_damaged_head_closes_its_pack(store: &impl Store, tampered: Tampered) {
    fill(store, "Sound").await;
    fill(store, "Torn").await;
    tampered.edit("head#eu-west-1#Torn", |head| drop(head.as_object_mut().unwrap().remove("epoch")));
    let heads = store.load().await.unwrap();
    assert!(heads.unreadable[&target("Torn")].contains("epoch"), "{heads:?}");
    assert_closed(store, &tampered, "Torn", |error| matches!(error, StoreError::Unavailable(_))).await;
}

async fn newer_items_are_not_read(store: &impl Store, tampered: Tampered) {
    fill(store, "P").await;
    store.put_cursors(Topic::Alerts, &Cursors::default().next()).await.unwrap();
    let part = format!("log#{:020}#{:04}", 1, 2);
    tampered.edit(&part, make_newer);
    // What it is about may be in a field that is not known here, and what names nothing would stand for everything.
    for id in ["newer", "today's"] {
        store.silence(&silence(id)).await.unwrap();
    }
    tampered.edit("silence#newer", make_newer);
    assert_eq!(store.load().await.unwrap().silences.0, [silence("today's")]);
    let (after, until, order) = (Position::START, Position::END, Order::Oldest);
    let request = LogRequest { after, until, order, limit: 9, token: None };
    assert!(is_newer(&store.log(&target("P"), &request).await.unwrap_err()));
    tampered.edit("snapshot#0037", make_newer);
    assert!(is_newer(&store.snapshot(&target("P")).await.unwrap_err()));
    assert_eq!(store.load().await.unwrap().known.len(), 1);
    // Who dispatches must know how far: that concerns every pack.
    tampered.edit("cursors#alerts", make_newer);
    let error = store.load().await.unwrap_err();
    assert!(is_newer(&error) && error.to_string().contains("cursors"), "{error}");
}

macro_rules! tampered {
    ($($name:ident)*) => {
        $(#[tokio::test] async fn $name() {
            let dynamo = Dynamo::with_table(TABLE);
            super::$name(&dynamo_store(&dynamo).await, Tampered::Dynamo(dynamo)).await;
            let file = tempfile::NamedTempFile::new().unwrap();
            super::$name(&SqliteStore::open(file.path()).unwrap(), Tampered::Sqlite(file)).await;
        })*
    };
}

mod stays_as_it_is {
    use super::*;
    tampered! { a_newer_head_closes_its_pack a_damaged_head_closes_its_pack newer_items_are_not_read }
}
