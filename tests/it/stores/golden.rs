//! Items of schema 1 as they lie on disk: what is written today is what these files hold, and what they hold is read
//! for as long as packwatch lives. `PACKWATCH_WRITE_GOLDEN=1` writes the files anew; a change of them is a migration.

use std::path::{Path, PathBuf};

use packwatch::aws::DynamoStore;
use packwatch::local::SqliteStore;
use packwatch::model::Kind;
use packwatch::ports::SnapshotStore as _;
use packwatch::state::heads::{Change, Commit, Head};
use packwatch::state::{Ended, Incident, Row, Told, Transition};
use serde_json::{Value, json};

use crate::harness::dynamo::Dynamo;
use crate::stores::contract::{Store, account, change, claim, commit, dynamo_store, head, target};

const TABLE: &str = "packwatch";

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn read(name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path(name)).unwrap()).unwrap()
}

fn golden(name: &str, written: &Value) -> Value {
    if std::env::var_os("PACKWATCH_WRITE_GOLDEN").is_some() {
        std::fs::write(path(name), format!("{written:#}\n")).unwrap();
    }
    read(name)
}

async fn fill(store: &impl Store) {
    store.claim(&target("P"), &claim(0)).await.unwrap();
    store.record(&target("P"), 1, &[change(7, 1)]).await.unwrap();
    store.commit(&target("P"), &commit(1)).await.unwrap();
}

async fn assert_filled(store: &impl Store) {
    assert_eq!(head(store, &target("P")).await, commit(1).applied_to(&claim(0).first_head()));
    assert_eq!(store.rows(&target("P")).await.unwrap().remove(&account(7)), change(7, 1).row);
    assert_eq!(
        store.transitions(&target("P"), 0).await.unwrap().pop().map(Box::new),
        change(7, 1).transition
    );
}

fn put(dynamo: &Dynamo, item: &Value) {
    let request = json!({"TableName": TABLE, "Item": item});
    dynamo.database().put_item(serde_json::from_value(request).unwrap()).unwrap();
}

#[tokio::test]
async fn dynamodb_items_are_written_and_read_as_on_disk() {
    let dynamo = Dynamo::with_table(TABLE);
    fill(&dynamo_store(&dynamo).await).await;
    let written = Value::from(dynamo.dump(TABLE));
    let golden = golden("dynamodb-1.json", &written);
    assert_eq!(written, golden);
    let other = Dynamo::with_table(TABLE);
    golden.as_array().unwrap().iter().for_each(|item| put(&other, item));
    assert_filled(&dynamo_store(&other).await).await;
}

#[tokio::test]
async fn sqlite_items_are_written_and_read_as_on_disk() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fill(&SqliteStore::open(file.path()).unwrap()).await;
    let database = rusqlite::Connection::open(file.path()).unwrap();
    let mut query = database.prepare("SELECT pk, sk, body, expires_at FROM items ORDER BY pk, sk").unwrap();
    let items = query.query_map([], |row| {
        let (pk, sk, body): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let body: Value = serde_json::from_str(&body).unwrap();
        Ok(json!({"pk": pk, "sk": sk, "body": body, "expires_at": row.get::<_, Option<i64>>(3)?}))
    });
    let written = Value::from(items.unwrap().collect::<Result<Vec<_>, _>>().unwrap());
    let golden = golden("sqlite-1.json", &written);
    assert_eq!(written, golden);
    let file = tempfile::NamedTempFile::new().unwrap();
    let other = SqliteStore::open(file.path()).unwrap();
    let database = rusqlite::Connection::open(file.path()).unwrap();
    for item in golden.as_array().unwrap() {
        let (pk, sk) = (item["pk"].as_str(), item["sk"].as_str());
        let values = rusqlite::params![pk, sk, item["body"].to_string(), item["expires_at"].as_i64()];
        database.execute("INSERT INTO items VALUES (?, ?, ?, ?)", values).unwrap();
    }
    assert_filled(&other).await;
}

/// A change of an account in an incident, with all that rows and transitions have had since.
fn incident() -> Change {
    let Change { account, row, transition } = change(7, 2);
    let (row, transition) = (row.unwrap(), *transition.unwrap());
    let told = Told {
        stuck: true,
        status: Some("CREATE_FAILED".parse().unwrap()),
        error_code: Some("Code".to_owned()),
    };
    let incident =
        Incident { tried_again: 3, told: Some(told), ..Incident::begun(&target("P"), "born", account, 2) };
    let id = incident.id.clone();
    let ended = Ended {
        id: "0123456789abcdef0123456789abcdef".to_owned(),
        failing_since: row.failing_since.unwrap(),
    };
    let row = Row { epoch: 2, incident: Some(incident), unsaid_end: Some(Box::new(ended)), ..row };
    let kind = Kind::FailedAgain;
    let transition =
        Transition { kind, incident_id: Some(id), baseline: true, told: Some(true), ..transition };
    Change { account, row: Some(row), transition: Some(Box::new(transition)) }
}

#[tokio::test]
async fn items_with_an_incident_are_written_and_read_as_on_disk() {
    let assert_read = async |store: &DynamoStore| {
        let change = incident();
        assert_eq!(store.rows(&target("P")).await.unwrap().remove(&account(7)), change.row);
        assert_eq!(store.transitions(&target("P"), 0).await.unwrap().pop().map(Box::new), change.transition);
    };
    let dynamo = Dynamo::with_table(TABLE);
    let store = dynamo_store(&dynamo).await;
    store.claim(&target("P"), &claim(0)).await.unwrap();
    store.claim(&target("P"), &claim(1)).await.unwrap();
    store.record(&target("P"), 2, &[incident()]).await.unwrap();
    assert_read(&store).await;
    let is_head = |item: &Value| item["pk"]["S"] == "watch";
    let written = dynamo.dump(TABLE).into_iter().filter(|item| !is_head(item)).collect::<Vec<_>>();
    let golden = golden("dynamodb-1-incident.json", &Value::from(written.clone()));
    assert_eq!(Value::from(written), golden);
    let other = Dynamo::with_table(TABLE);
    golden.as_array().unwrap().iter().for_each(|item| put(&other, item));
    assert_read(&dynamo_store(&other).await).await;
}

/// An item of the golden file, as another pack's, without the fields that are optional.
fn bare(mut item: Value, pack: &str) -> Value {
    for optional in ["fingerprint", "deleted", "accounts", "committed_at", "claimed_by"] {
        item.as_object_mut().unwrap().remove(optional);
    }
    item["sk"] = json!({"S": format!("head#eu-west-1#{pack}")});
    item
}

#[tokio::test]
async fn an_older_item_is_read_a_newer_one_closes_its_pack_and_a_damaged_one_no_other() {
    let dynamo = Dynamo::with_table(TABLE);
    let heads = read("dynamodb-1.json");
    let is_head = |item: &&Value| item["pk"]["S"] == "watch";
    let head = heads.as_array().unwrap().iter().find(is_head).unwrap();
    put(&dynamo, &bare(head.clone(), "Old"));
    let mut newer = bare(head.clone(), "New");
    newer["schema"] = json!({"N": "2"});
    put(&dynamo, &newer);
    let mut damaged = bare(head.clone(), "Torn");
    damaged.as_object_mut().unwrap().remove("epoch");
    put(&dynamo, &damaged);
    let heads = dynamo_store(&dynamo).await.load().await.unwrap();
    let bare = Commit { fingerprint: None, accounts: Default::default(), ..commit(1) };
    let expected = Head { committed_at: None, ..bare.applied_to(&claim(0).first_head()) };
    assert_eq!(heads.known.into_iter().collect::<Vec<_>>(), [(target("Old"), expected)]);
    assert!(heads.unreadable[&target("New")].contains("newer packwatch"));
    assert!(heads.unreadable[&target("Torn")].contains("epoch"), "{:?}", heads.unreadable);
}
