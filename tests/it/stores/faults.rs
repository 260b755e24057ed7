//! What only DynamoDB can do to a writer: lose its reply, make it wait for another one, and hold what a newer packwatch wrote.

use packwatch::local::SqliteStore;
use packwatch::ports::{SnapshotStore, StoreError};
use packwatch::state::heads::{Closing, Head, Heads, Mark, SCHEMA};
use packwatch::state::log::Position;
use serde_json::json;

use crate::harness::dynamo::{Dynamo, Fault};
use crate::protocol::memory::whole_log;
use crate::stores::contract::{
    Store, advance, at, begun, change, claim, counts, dynamo_store, finish, gone, head, target, tell_all,
};

const TABLE: &str = "packwatch";

#[tokio::test]
async fn a_claim_whose_reply_was_lost_is_known_again_with_the_marks_of_now() {
    let dynamo = Dynamo::with_table(TABLE);
    let store = dynamo_store(&dynamo).await;
    dynamo.fault("PutItem", Fault::LoseReply, 1);
    assert_eq!(store.claim(&target("P"), &claim(0)).await, Ok(claim(0).first_head()));
    store.advance(&target("P"), &advance(Mark::People, 1, at(1, 7))).await.unwrap();
    dynamo.reset_requests().fault("UpdateItem", Fault::LoseReply, 1);
    let claimed = store.claim(&target("P"), &claim(1)).await.unwrap();
    assert_eq!((claimed.epoch, claimed.people), (2, at(1, 7)));
    assert_eq!(claimed, head(&store, &target("P")).await);
    assert_eq!(dynamo.count("UpdateItem"), 2, "it was sent again");
}

#[tokio::test]
async fn a_claim_that_was_overtaken_after_its_reply_was_lost_is_lost() {
    let dynamo = Dynamo::with_table(TABLE);
    let store = dynamo_store(&dynamo).await;
    store.claim(&target("P"), &claim(0)).await.unwrap();
    // The run's own claim, and another one's before it is sent again.
    store.claim(&target("P"), &claim(1)).await.unwrap();
    store.claim(&target("P"), &claim(2)).await.unwrap();
    assert_eq!(store.claim(&target("P"), &claim(1)).await, Err(StoreError::Superseded));
}

#[tokio::test]
async fn a_write_whose_reply_was_lost_is_applied_once_and_is_no_error() {
    let dynamo = Dynamo::with_table(TABLE);
    let store = dynamo_store(&dynamo).await;
    let p = target("P");
    let mut expected = store.claim(&p, &claim(0)).await.unwrap();
    dynamo.fault("TransactWriteItems", Fault::LoseReply, 1).fault("TransactWriteItems", Fault::Throttle, 1);
    store.record(&p, 1, &[change(1, 1), change(2, 1)], Some(&begun(1))).await.unwrap();
    assert_eq!(whole_log(&store, &p).await.len(), 3);
    expected = begun(1).applied_to(expected);
    for (mark, to) in [
        (Mark::Machines, at(1, 1)),
        (Mark::Machines, Position::end_of(1)),
        (Mark::People, Position::end_of(1)),
    ] {
        dynamo.fault("UpdateItem", Fault::LoseReply, 1);
        store.advance(&p, &advance(mark, 1, to)).await.unwrap();
        expected = advance(mark, 1, to).applied_to(&expected).unwrap();
    }
    dynamo.fault("UpdateItem", Fault::LoseReply, 1);
    store.finish(&p, &finish(1)).await.unwrap();
    expected = finish(1).applied_to(&expected).unwrap();
    assert_eq!(head(&store, &p).await, expected);
    dynamo.fault("UpdateItem", Fault::LoseReply, 1);
    store.listen(&p, false).await.unwrap();
    assert_eq!(
        head(&store, &p).await,
        Head { listens: Some(false), fingerprint: None, unwell: None, ..expected }
    );
}

/// The transaction was applied, and the run was overtaken before it heard of that: DynamoDB knows it again by its token.
#[tokio::test]
async fn a_transaction_that_is_sent_again_is_the_same_one() {
    let dynamo = Dynamo::with_table(TABLE);
    let store = dynamo_store(&dynamo).await;
    store.claim(&target("P"), &claim(0)).await.unwrap();
    dynamo.reset_requests();
    dynamo.fault("TransactWriteItems", Fault::LoseReply, 1).fault("TransactWriteItems", Fault::Conflict, 1);
    store.record(&target("P"), 1, &[change(1, 1)], None).await.unwrap();
    store.record(&target("P"), 1, &[change(1, 1)], None).await.unwrap();
    let tokens: Vec<_> = dynamo.requests().iter().map(|r| r.body["ClientRequestToken"].clone()).collect();
    let [one, two, three, other] = &tokens[..] else { panic!("{tokens:?}") };
    assert!(one.is_string() && one == two && two == three && three != other, "{tokens:?}");
}

#[tokio::test]
async fn a_write_that_met_another_is_tried_again() {
    let dynamo = Dynamo::with_table(TABLE);
    let store = dynamo_store(&dynamo).await;
    let p = target("P");
    dynamo.fault("PutItem", Fault::Conflict, 2);
    store.claim(&p, &claim(0)).await.unwrap();
    dynamo.fault("UpdateItem", Fault::Conflict, 2);
    store.claim(&p, &claim(1)).await.unwrap();
    dynamo.fault("TransactWriteItems", Fault::Conflict, 2);
    store.record(&p, 2, &[change(1, 1)], Some(&Closing::Counted(counts()))).await.unwrap();
    assert_eq!(dynamo.count("TransactWriteItems"), 3);
    for mark in [Mark::People, Mark::Machines] {
        dynamo.fault("UpdateItem", Fault::Conflict, 2);
        store.advance(&p, &advance(mark, 2, Position::end_of(2))).await.unwrap();
    }
    dynamo.fault("UpdateItem", Fault::Conflict, 2);
    store.finish(&p, &finish(2)).await.unwrap();
    dynamo.fault("UpdateItem", Fault::Conflict, 2);
    store.listen(&p, false).await.unwrap();
    let head = head(&store, &p).await;
    let end = Position::end_of(2);
    assert_eq!((head.epoch, head.people, head.machines, head.accounts), (2, end, end, counts()));
}

#[tokio::test]
async fn a_write_that_meets_another_again_and_again_gives_up_and_says_why() {
    let dynamo = Dynamo::with_table(TABLE);
    let store = dynamo_store(&dynamo).await;
    store.claim(&target("P"), &claim(0)).await.unwrap();
    dynamo.fault("*", Fault::Conflict, 100);
    let people = advance(Mark::People, 1, Position::end_of(1));
    for refused in [
        store.record(&target("P"), 1, &[change(1, 1)], None).await,
        store.advance(&target("P"), &people).await,
        store.claim(&target("P"), &claim(1)).await.map(drop),
    ] {
        assert!(
            matches!(&refused, Err(StoreError::Unavailable(why)) if why.contains("Conflict")),
            "{refused:?}"
        );
    }
    dynamo.heal();
    assert_eq!(store.rows(&target("P")).await.unwrap().len(), 0);
}

#[tokio::test]
async fn a_table_that_does_not_exist_is_named() {
    let dynamo = Dynamo::start();
    let error = dynamo_store(&dynamo).await.load().await.unwrap_err();
    assert!(matches!(&error, StoreError::Denied(why) if why.contains("ResourceNotFound")), "{error:?}");
}

/// A pack with something of everything.
async fn fill(store: &impl Store, pack: &str) {
    store.claim(&target(pack), &claim(0)).await.unwrap();
    store.record(&target(pack), 1, &[change(1, 1)], Some(&begun(1))).await.unwrap();
}

/// Every write of the port is refused: the head is a newer packwatch's.
async fn assert_closed(store: &impl Store) {
    let new = target("New");
    let is_newer = |result: Result<(), StoreError>| {
        assert!(
            matches!(&result, Err(StoreError::Newer(why)) if why.contains("newer packwatch")),
            "{result:?}"
        );
    };
    is_newer(store.claim(&new, &claim(0)).await.map(drop));
    is_newer(store.claim(&new, &claim(1)).await.map(drop));
    for closing in [None, Some(Closing::Counted(counts())), Some(begun(1)), Some(gone(1))] {
        is_newer(store.record(&new, 1, &[change(2, 1)], closing.as_ref()).await);
    }
    for mark in [Mark::People, Mark::Machines] {
        is_newer(store.advance(&new, &advance(mark, 1, Position::end_of(1))).await);
    }
    is_newer(store.finish(&new, &finish(1)).await);
    is_newer(store.listen(&new, false).await);
    let heads = store.load().await.unwrap();
    assert_eq!(heads.known.keys().collect::<Vec<_>>(), [&target("Old")]);
    assert!(heads.unreadable[&new].contains("newer packwatch"), "{heads:?}");
    tell_all(store, &target("Old"), 1).await;
}

#[tokio::test]
async fn a_head_of_a_newer_packwatch_in_dynamodb_stays_as_it_is() {
    let dynamo = Dynamo::with_table(TABLE);
    let store = dynamo_store(&dynamo).await;
    fill(&store, "Old").await;
    fill(&store, "New").await;
    let items = dynamo.dump(TABLE);
    let mut newer = items.into_iter().find(|item| item["sk"]["S"] == "head#eu-west-1#New").unwrap();
    newer["schema"] = json!({"N": (SCHEMA + 1).to_string()});
    let put = json!({"TableName": TABLE, "Item": newer});
    dynamo.database().put_item(serde_json::from_value(put).unwrap()).unwrap();
    let of_new =
        || dynamo.dump(TABLE).into_iter().filter(|item| item.to_string().contains("New")).collect::<Vec<_>>();
    let before = of_new();
    assert_closed(&store).await;
    assert_eq!(of_new(), before);
}

#[tokio::test]
async fn a_head_of_a_newer_packwatch_in_sqlite_stays_as_it_is() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let store = SqliteStore::open(file.path()).unwrap();
    fill(&store, "Old").await;
    fill(&store, "New").await;
    let database = rusqlite::Connection::open(file.path()).unwrap();
    let newer = "UPDATE items SET body = json_set(body, '$.schema', ?) WHERE sk = 'head#eu-west-1#New'";
    assert_eq!(database.execute(newer, [SCHEMA + 1]).unwrap(), 1);
    let of_new = || {
        let sql = "SELECT group_concat(body) FROM (SELECT body FROM items WHERE sk || pk LIKE '%New%' ORDER BY pk, sk)";
        database.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap()
    };
    let before = of_new();
    assert_closed(&store).await;
    assert_eq!(of_new(), before);
}

/// What is damaged is for a person to mend: nothing is written over it.
#[tokio::test]
async fn a_damaged_head_closes_its_pack_and_no_other() {
    let dynamo = Dynamo::with_table(TABLE);
    let store = dynamo_store(&dynamo).await;
    fill(&store, "Sound").await;
    fill(&store, "Torn").await;
    let items = dynamo.dump(TABLE);
    let mut torn = items.into_iter().find(|item| item["sk"]["S"] == "head#eu-west-1#Torn").unwrap();
    torn.as_object_mut().unwrap().remove("epoch");
    let put = json!({"TableName": TABLE, "Item": torn});
    dynamo.database().put_item(serde_json::from_value(put).unwrap()).unwrap();
    let heads = store.load().await.unwrap();
    assert_eq!(heads.known.keys().collect::<Vec<_>>(), [&target("Sound")]);
    assert!(heads.unreadable[&target("Torn")].contains("epoch"), "{:?}", heads.unreadable);
    let before = dynamo.dump(TABLE);
    assert!(store.claim(&target("Torn"), &claim(0)).await.is_err());
    let closed = store.record(&target("Torn"), 1, &[], Some(&Closing::Counted(counts()))).await;
    assert!(closed.is_err(), "{closed:?}");
    assert_eq!(dynamo.dump(TABLE), before);
}

/// Its key may be of another form, too.
#[tokio::test]
async fn an_item_of_a_newer_packwatch_is_refused_before_its_key_is_read() {
    let dynamo = Dynamo::with_table(TABLE);
    let store = dynamo_store(&dynamo).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let local = SqliteStore::open(file.path()).unwrap();
    let database = rusqlite::Connection::open(file.path()).unwrap();
    for sk in ["account#x", "transition#00000000000000000002#x"] {
        let item =
            json!({"pk": {"S": "eu-west-1#P"}, "sk": {"S": sk}, "schema": {"N": (SCHEMA + 1).to_string()}});
        let put = json!({"TableName": TABLE, "Item": item});
        dynamo.database().put_item(serde_json::from_value(put).unwrap()).unwrap();
        let body = json!({"schema": SCHEMA + 1}).to_string();
        let sql = "INSERT INTO items VALUES ('eu-west-1#P', ?, ?, NULL)";
        database.execute(sql, [sk, &body]).unwrap();
    }
    assert_refused(&store).await;
    assert_refused(&local).await;
}

/// What it is about may be in a field that is not known here, and what names nothing would stand for everything.
#[tokio::test]
async fn a_silence_of_a_newer_packwatch_silences_nothing() {
    let dynamo = Dynamo::with_table(TABLE);
    let store = dynamo_store(&dynamo).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let local = SqliteStore::open(file.path()).unwrap();
    let database = rusqlite::Connection::open(file.path()).unwrap();
    for (id, schema) in [("of-today", SCHEMA), ("newer", SCHEMA + 1)] {
        let until = 4_000_000_000_i64;
        let body =
            json!({"schema": schema, "id": id, "expires_at": until, "reason": "r", "by": "b", "more": ["X"]});
        let sql = "INSERT INTO items VALUES ('watch', ?, ?, NULL)";
        database.execute(sql, [format!("silence#{id}"), body.to_string()]).unwrap();
        let item = json!({
            "pk": {"S": "watch"}, "sk": {"S": format!("silence#{id}")}, "schema": {"N": schema.to_string()},
            "id": {"S": id}, "expires_at": {"N": until.to_string()}, "reason": {"S": "r"}, "by": {"S": "b"},
            "more": {"L": [{"S": "X"}]},
        });
        let put = json!({"TableName": TABLE, "Item": item});
        dynamo.database().put_item(serde_json::from_value(put).unwrap()).unwrap();
    }
    let ids = |heads: Heads| heads.silences.0.into_iter().map(|silence| silence.id).collect::<Vec<_>>();
    assert_eq!(ids(store.load().await.unwrap()), ["of-today"]);
    assert_eq!(ids(local.load().await.unwrap()), ["of-today"]);
}

async fn assert_refused(store: &impl Store) {
    use packwatch::ports::{HistoryRequest, LogRequest, Order};
    let whole = LogRequest {
        after: Position::START,
        until: Position::end_of(9),
        order: Order::Oldest,
        limit: 9,
        token: None,
    };
    let history = HistoryRequest { order: Order::Oldest, limit: 9, token: None };
    assert!(matches!(store.rows(&target("P")).await, Err(StoreError::Newer(_))));
    assert!(matches!(store.log(&target("P"), &whole).await, Err(StoreError::Newer(_))));
    assert!(matches!(store.history(&target("P"), &history).await, Err(StoreError::Newer(_))));
}
