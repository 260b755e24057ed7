//! What only DynamoDB can do to a writer: lose its reply, make it wait for another one, refuse it, never answer.

use std::time::Duration;

use packwatch::ports::{SilenceStore, SnapshotStore, StoreError};
use packwatch::state::commit::{Closing, Commit, Snapshot};
use packwatch::state::head::{Cursors, Head, Hint, Topic};
use packwatch::state::log::PackEvent;
use tokio::time::timeout;

use crate::harness::commits::{commit, commit_of};
use crate::harness::dynamo::{Dynamo, Fault};
use crate::protocol::memory::whole_log;
use crate::stores::contract::cursors::by;
use crate::stores::contract::{change, closing, dynamo_store, head, target};

const TABLE: &str = "packwatch";

fn first() -> Commit {
    commit_of(None, &Snapshot::default(), vec![change(1, 1)], closing(PackEvent::Baseline, 1))
}

fn by_rival(commit: Commit) -> Commit {
    Commit { head: Head { run: "rival".to_owned(), ..commit.head }, ..commit }
}

/// By which DynamoDB knows transactions for the same.
fn tokens(dynamo: &Dynamo) -> Vec<String> {
    let requests = dynamo.requests().into_iter();
    requests.filter_map(|r| Some(r.body["ClientRequestToken"].as_str()?.to_owned())).collect()
}

#[tokio::test]
async fn a_commit_whose_reply_was_lost_is_applied_once_and_is_no_error() {
    let dynamo = Dynamo::with_table(TABLE);
    let store = dynamo_store(&dynamo).await;
    dynamo.fault("TransactWriteItems", Fault::LoseReply, 1).fault("TransactWriteItems", Fault::Throttle, 1);
    store.commit(&target("P"), &first()).await.unwrap();
    assert_eq!(dynamo.count("TransactWriteItems"), 3);
    assert_eq!(whole_log(&store, &target("P")).await, first().parts);
    // Tried anew, which DynamoDB does not know for the same: by its run, epoch and history it is.
    store.commit(&target("P"), &first()).await.unwrap();
    assert_eq!(store.commit(&target("P"), &by_rival(first())).await, Err(StoreError::Superseded));
    let tokens = tokens(&dynamo);
    assert!(tokens[0] == tokens[1] && tokens[1] == tokens[2] && tokens[2] != tokens[3], "{tokens:?}");
    let other = Commit { head: Head { history_id: "other".to_owned(), ..first().head }, ..first() };
    assert_eq!(store.commit(&target("P"), &other).await, Err(StoreError::Superseded));
    // Overtaken before it asked again.
    commit(&store, &target("P"), vec![change(2, 2)], Closing::default()).await.unwrap();
    assert_eq!(store.commit(&target("P"), &first()).await, Err(StoreError::Superseded));
}

/// The transaction was applied, and nobody could say so.
#[tokio::test]
async fn a_commit_of_which_no_reply_comes_is_known_by_its_head() {
    let dynamo = Dynamo::with_table(TABLE);
    let store = dynamo_store(&dynamo).await;
    dynamo.fault("TransactWriteItems", Fault::LoseReply, 1).fault("TransactWriteItems", Fault::Conflict, 100);
    store.commit(&target("P"), &first()).await.unwrap();
    assert_eq!(head(&store, &target("P")).await, first().head);
    dynamo.heal().fault("TransactWriteItems", Fault::Conflict, 100);
    let refused = commit(&store, &target("P"), vec![change(2, 2)], Closing::default()).await;
    assert!(matches!(&refused, Err(StoreError::Unavailable(why)) if why.contains("Conflict")), "{refused:?}");
    dynamo.heal();
    assert_eq!(head(&store, &target("P")).await, first().head);
}

#[tokio::test]
async fn a_commit_that_met_another_is_tried_again() {
    let dynamo = Dynamo::with_table(TABLE);
    let store = dynamo_store(&dynamo).await;
    dynamo.fault("TransactWriteItems", Fault::Conflict, 2);
    store.commit(&target("P"), &first()).await.unwrap();
    let tokens = tokens(&dynamo);
    assert!(tokens.len() == 3 && tokens.iter().all(|token| *token == tokens[0]), "{tokens:?}");
}

#[tokio::test]
async fn cursors_whose_reply_was_lost_are_known_again_and_those_of_another_are_not() {
    let dynamo = Dynamo::with_table(TABLE);
    let store = dynamo_store(&dynamo).await;
    let mut before = Cursors::default();
    for target in ["P", "Q"].map(target) {
        dynamo.reset_requests().fault("PutItem", Fault::LoseReply, 1);
        let to = first().head.log_end;
        before = by("a", &before).moved([(&target, to)]);
        before.version -= 1;
        store.put_cursors(Topic::Events, &before).await.unwrap();
        assert_eq!(dynamo.count("PutItem"), 2, "it was sent again");
        assert_eq!(store.load().await.unwrap().events, before);
    }
    let same = by("b", &Cursors { version: 1, ..before.clone() });
    assert_eq!(store.put_cursors(Topic::Events, &same).await, Err(StoreError::Superseded));
    // Overtaken before it was sent again.
    store.put_cursors(Topic::Events, &by("b", &before)).await.unwrap();
    assert_eq!(store.put_cursors(Topic::Events, &before).await, Err(StoreError::Superseded));
}

/// A run bounds each wait by its own time, and gives up.
#[tokio::test]
async fn what_never_answers_can_be_given_up_and_was_not_applied() {
    let dynamo = Dynamo::with_table(TABLE);
    let store = dynamo_store(&dynamo).await;
    dynamo.fault("*", Fault::Hang, 100);
    let moment = Duration::from_millis(50);
    assert!(timeout(moment, store.load()).await.is_err());
    assert!(timeout(moment, store.commit(&target("P"), &first())).await.is_err());
    assert!(timeout(moment, store.put_cursors(Topic::Alerts, &Cursors::default().next())).await.is_err());
    dynamo.heal();
    assert_eq!(dynamo.dump(TABLE), [] as [serde_json::Value; 0]);
    store.commit(&target("P"), &first()).await.unwrap();
}

#[tokio::test]
async fn what_is_denied_and_a_table_that_does_not_exist_are_said() {
    let dynamo = Dynamo::start();
    let store = dynamo_store(&dynamo).await;
    let denied = |result: Result<(), StoreError>, what: &str| {
        assert!(matches!(&result, Err(StoreError::Denied(why)) if why.contains(what)), "{result:?}");
    };
    denied(store.load().await.map(drop), "ResourceNotFound");
    denied(store.commit(&target("P"), &first()).await, "ResourceNotFound");
    dynamo.create_table(TABLE);
    dynamo.fault("*", Fault::Deny, 100);
    let p = target("P");
    denied(store.snapshot(&p).await.map(drop), "AccessDenied");
    denied(store.commit(&p, &first()).await, "AccessDenied");
    denied(store.hint(&p, &Hint::FullScanAt(1)).await, "AccessDenied");
    denied(store.put_cursors(Topic::Alerts, &Cursors::default().next()).await, "AccessDenied");
    denied(store.message("0f").await.map(drop), "AccessDenied");
    denied(store.unsilence("0f").await.map(drop), "AccessDenied");
}
