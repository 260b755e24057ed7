//! Items as they lie on disk. `*-1.json` is what packwatch 0.1 wrote, and is read for as long as packwatch lives; `*-2.json`
//! is what is written today. `PACKWATCH_WRITE_GOLDEN=1` writes that anew; a change of it is a migration.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use packwatch::aws::DynamoStore;
use packwatch::local::SqliteStore;
use packwatch::model::Kind;
use packwatch::ports::SnapshotStore;
use packwatch::state::heads::{Change, Closing, FIRST_SCHEMA, Finish, Head, Mark, SCHEMA};
use packwatch::state::log::{Position, Record};
use packwatch::state::{Ended, Incident, Row, Told, Transition};
use serde_json::{Value, json};

use super::first_reader::{self, FirstReader};
use crate::harness::dynamo::Dynamo;
use crate::protocol::memory::{MemoryStore, whole_log};
use crate::stores::contract::{
    Store, account, advance, at, begun, change, claim, counts, dynamo_store, finish, gone, head, now, target,
    tell_all,
};

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

/// A pack under way, one that is quiet, and one that is gone.
async fn fill(store: &impl Store) {
    let busy = target("Busy");
    store.claim(&busy, &claim(0)).await.unwrap();
    let mut failed = change(7, 1);
    let incident = || "0123456789abcdef0123456789abcdef".to_owned();
    failed.row = failed.row.map(|row| Row {
        epoch: 1,
        incident: Some(Incident { id: incident(), told: None, tried_again: 0 }),
        ..row
    });
    let record = failed.transition.as_mut().unwrap();
    (record.incident_id, record.baseline, record.told) = (Some(incident()), true, Some(true));
    store.record(&busy, 1, &[failed], Some(&begun(1))).await.unwrap();
    store.advance(&busy, &advance(Mark::People, 1, at(1, 7))).await.unwrap();
    store.advance(&busy, &advance(Mark::Machines, 1, Position::end_of(1))).await.unwrap();

    let quiet = target("Quiet");
    store.claim(&quiet, &claim(0)).await.unwrap();
    store.record(&quiet, 1, &[change(7, 1)], Some(&begun(1))).await.unwrap();
    tell_all(store, &quiet, 1).await;
    store.finish(&quiet, &finish(1)).await.unwrap();

    let left = target("Gone");
    store.claim(&left, &claim(0)).await.unwrap();
    store.record(&left, 1, &[], Some(&gone(1))).await.unwrap();
    tell_all(store, &left, 1).await;
    store.finish(&left, &Finish { fingerprint: None, unwell: None, ..finish(1) }).await.unwrap();
}

/// What was filled, as the model has it.
async fn assert_filled(store: &impl Store) {
    let model = MemoryStore::default();
    fill(&model).await;
    assert_eq!(store.load().await.unwrap(), model.load().await.unwrap());
    for pack in ["Busy", "Quiet", "Gone"].map(target) {
        assert_eq!(store.rows(&pack).await.unwrap(), model.rows_of(&pack));
        assert_eq!(whole_log(store, &pack).await, model.log_of(&pack));
    }
}

/// What 0.1 wrote of the pack P.
async fn assert_first(store: &impl Store) {
    let expected = Head {
        schema: FIRST_SCHEMA,
        listens: None,
        announced: 1,
        fingerprint: Some("fingerprint".to_owned()),
        accounts: counts(),
        committed_at: Some(now()),
        ..claim(0).first_head()
    };
    let found = head(store, &target("P")).await;
    assert_eq!((found.life(), found.people_mark()), (Some(1), Position::end_of(1)));
    assert_eq!(found, expected);
    assert_eq!(store.rows(&target("P")).await.unwrap().remove(&account(7)), change(7, 1).row);
    let record = Record::Account(*change(7, 1).transition.unwrap());
    assert_eq!(whole_log(store, &target("P")).await, [record]);
}

fn put(dynamo: &Dynamo, item: &Value) {
    let request = json!({"TableName": TABLE, "Item": item});
    dynamo.database().put_item(serde_json::from_value(request).unwrap()).unwrap();
}

fn table_of(items: &Value) -> Dynamo {
    let dynamo = Dynamo::with_table(TABLE);
    items.as_array().unwrap().iter().for_each(|item| put(&dynamo, item));
    dynamo
}

#[tokio::test]
async fn dynamodb_items_are_written_and_read_as_on_disk() {
    let dynamo = Dynamo::with_table(TABLE);
    fill(&dynamo_store(&dynamo).await).await;
    let written = Value::from(dynamo.dump(TABLE));
    let golden = golden("dynamodb-2.json", &written);
    assert_eq!(written, golden);
    assert_filled(&dynamo_store(&table_of(&golden)).await).await;
    assert_first(&dynamo_store(&table_of(&read("dynamodb-1.json"))).await).await;
}

fn file_of(items: &Value) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    drop(SqliteStore::open(file.path()).unwrap());
    let database = rusqlite::Connection::open(file.path()).unwrap();
    for item in items.as_array().unwrap() {
        let (pk, sk) = (item["pk"].as_str(), item["sk"].as_str());
        let values = rusqlite::params![pk, sk, item["body"].to_string(), item["expires_at"].as_i64()];
        database.execute("INSERT INTO items VALUES (?, ?, ?, ?)", values).unwrap();
    }
    file
}

fn items_of(file: &Path) -> Value {
    let database = rusqlite::Connection::open(file).unwrap();
    let mut query = database.prepare("SELECT pk, sk, body, expires_at FROM items ORDER BY pk, sk").unwrap();
    let items = query.query_map([], |row| {
        let (pk, sk, body): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let body: Value = serde_json::from_str(&body).unwrap();
        Ok(json!({"pk": pk, "sk": sk, "body": body, "expires_at": row.get::<_, Option<i64>>(3)?}))
    });
    items.unwrap().collect::<Result<Vec<_>, _>>().unwrap().into()
}

#[tokio::test]
async fn sqlite_items_are_written_and_read_as_on_disk() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fill(&SqliteStore::open(file.path()).unwrap()).await;
    let written = items_of(file.path());
    let golden = golden("sqlite-2.json", &written);
    assert_eq!(written, golden);
    assert_filled(&SqliteStore::open(file_of(&golden).path()).unwrap()).await;
    assert_first(&SqliteStore::open(file_of(&read("sqlite-1.json")).path()).unwrap()).await;
}

/// Both stores' items, as documents.
fn first_readers(dynamodb: &Value, sqlite: &Value) -> [FirstReader; 2] {
    let key =
        |item: &Value| (item["pk"].as_str().unwrap().to_owned(), item["sk"].as_str().unwrap().to_owned());
    let of_table = |item: &Value| {
        let attributes = serde_json::from_value::<serde_dynamo::Item>(item.clone()).unwrap();
        let document: Value = serde_dynamo::from_item(attributes).unwrap();
        (key(&document), document)
    };
    let of_file = |item: &Value| (key(item), item["body"].clone());
    [
        FirstReader(dynamodb.as_array().unwrap().iter().map(of_table).collect()),
        FirstReader(sqlite.as_array().unwrap().iter().map(of_file).collect()),
    ]
}

#[test]
fn the_first_reader_reads_what_it_wrote() {
    for reader in first_readers(&read("dynamodb-1.json"), &read("sqlite-1.json")) {
        let head = reader.head("P").unwrap();
        assert!(head.owes() && !head.is_baseline());
        assert_eq!(reader.rows("P").unwrap().len(), 1);
        assert_eq!(reader.transitions("P", head.announced_everywhere()).unwrap().len(), 1);
    }
}

#[test]
fn the_first_reader_reads_a_quiet_pack_and_refuses_any_other() {
    for reader in first_readers(&read("dynamodb-2.json"), &read("sqlite-2.json")) {
        let head = reader.head("Quiet").unwrap();
        let expected = first_reader::Head {
            born: "born".to_owned(),
            epoch: 1,
            announced: 1,
            events_announced: 1,
            fingerprint: Some("fingerprint".to_owned()),
            deleted: false,
            accounts: BTreeMap::from([("CREATE_FAILED".to_owned(), 2), ("NEW".to_owned(), 1)]),
            committed_at: Some(now()),
        };
        assert_eq!(head, expected);
        assert!(!head.owes() && !head.is_baseline());
        let row = reader.rows("Quiet").unwrap().remove("000000000007").unwrap();
        assert_eq!((row.state.status.as_str(), row.flapping, row.turns.len()), ("CREATE_FAILED", true, 1));
        assert_eq!(reader.transitions("Quiet", head.announced_everywhere()).unwrap(), []);
        // Who asks for the history meets the pack's own record.
        let refused = [
            reader.head("Busy").unwrap_err(),
            reader.head("Gone").unwrap_err(),
            reader.transitions("Quiet", 0).unwrap_err(),
        ];
        for why in refused {
            assert_eq!(why, "schema 2, written by a newer packwatch");
        }
    }
}

/// What 0.1 does to a quiet pack: it claims, compares, and commits, with the marks that it loaded.
#[tokio::test]
async fn what_an_older_packwatch_sets_back_stays_told() {
    let quiet = target("Quiet");
    // In the table it leaves the fields that it does not know; in the file it drops them.
    let dynamo = table_of(&read("dynamodb-2.json"));
    let store = dynamo_store(&dynamo).await;
    store.claim(&quiet, &claim(1)).await.unwrap();
    tell_all(&store, &quiet, 2).await;
    store.finish(&quiet, &finish(2)).await.unwrap();
    let committed = |announced: u64| {
        let mut items = dynamo.dump(TABLE).into_iter();
        let mut item = items.find(|item| item["sk"]["S"] == "head#eu-west-1#Quiet").unwrap();
        let marks = [("announced", announced), ("events_announced", announced)];
        for (field, n) in [("epoch", 3), ("schema", 1)].into_iter().chain(marks) {
            item[field] = json!({"N": n.to_string()});
        }
        put(&dynamo, &item);
    };
    // All that it knows of is told: a step of ours on the way there comes late.
    committed(3);
    let before = head(&store, &quiet).await;
    assert_eq!(before.people_mark(), Position::end_of(3));
    for mark in [Mark::People, Mark::Machines] {
        store.advance(&quiet, &advance(mark, 3, at(3, 1))).await.unwrap();
    }
    assert_eq!(head(&store, &quiet).await, before);
    committed(1);
    let found = head(&store, &quiet).await;
    assert_eq!((found.people_mark(), found.machines_mark()), (Position::end_of(2), Position::end_of(2)));
    assert_eq!((found.life(), found.owes_after()), (Some(1), Some(Position::end_of(2))));
    let claimed = store.claim(&quiet, &claim(3)).await.unwrap();
    assert_eq!((claimed.schema, claimed.people_mark()), (SCHEMA, Position::end_of(2)));
    // A step within what was set back moves nothing, and the next end both fields.
    store.advance(&quiet, &advance(Mark::People, 4, at(2, 1))).await.unwrap();
    assert_eq!(head(&store, &quiet).await, claimed);
    tell_all(&store, &quiet, 4).await;
    let told = head(&store, &quiet).await;
    assert_eq!((told.announced, told.events_announced, told.people), (4, 4, Some(Position::end_of(4))));

    let mut golden = read("sqlite-2.json");
    let items = golden.as_array_mut().unwrap();
    let item = items.iter_mut().find(|item| item["sk"] == "head#eu-west-1#Quiet").unwrap();
    let body = item["body"].as_object_mut().unwrap();
    for unknown in ["life", "people", "machines", "listens"] {
        assert!(body.remove(unknown).is_some(), "{unknown}");
    }
    let file = file_of(&golden);
    let found = head(&SqliteStore::open(file.path()).unwrap(), &quiet).await;
    assert_eq!((found.life(), found.owes(), found.people_mark()), (Some(1), false, Position::end_of(1)));
}

/// A change of an account in an incident, with all that rows and transitions have had since.
fn change_in_an_incident() -> Change {
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
        let change = change_in_an_incident();
        assert_eq!(store.rows(&target("P")).await.unwrap().remove(&account(7)), change.row);
        let record = whole_log(store, &target("P")).await.pop().and_then(Record::transition);
        assert_eq!(record.map(Box::new), change.transition);
    };
    let dynamo = Dynamo::with_table(TABLE);
    let store = dynamo_store(&dynamo).await;
    store.claim(&target("P"), &claim(0)).await.unwrap();
    store.claim(&target("P"), &claim(1)).await.unwrap();
    store.record(&target("P"), 2, &[change_in_an_incident()], None).await.unwrap();
    assert_read(&store).await;
    let is_head = |item: &Value| item["pk"]["S"] == "watch";
    let written = dynamo.dump(TABLE).into_iter().filter(|item| !is_head(item)).collect::<Vec<_>>();
    let golden = golden("dynamodb-2-incident.json", &Value::from(written.clone()));
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
    newer["schema"] = json!({"N": (SCHEMA + 1).to_string()});
    put(&dynamo, &newer);
    let mut damaged = bare(head.clone(), "Torn");
    damaged.as_object_mut().unwrap().remove("epoch");
    put(&dynamo, &damaged);
    let store = dynamo_store(&dynamo).await;
    let heads = store.load().await.unwrap();
    let expected = Head { schema: FIRST_SCHEMA, announced: 1, listens: None, ..claim(0).first_head() };
    assert_eq!(heads.known.into_iter().collect::<Vec<_>>(), [(target("Old"), expected)]);
    assert!(heads.unreadable[&target("New")].contains("newer packwatch"));
    assert!(heads.unreadable[&target("Torn")].contains("epoch"), "{:?}", heads.unreadable);
    // What is damaged is for a person to mend: nothing is written over it.
    let before = dynamo.dump(TABLE);
    assert!(store.claim(&target("Torn"), &claim(0)).await.is_err());
    let closed = store.record(&target("Torn"), 1, &[], Some(&Closing::Counted(counts()))).await;
    assert!(closed.is_err(), "{closed:?}");
    assert_eq!(dynamo.dump(TABLE), before);
}
