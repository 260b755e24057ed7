//! What every snapshot store must do, asked of each: the model, SQLite, and DynamoDB over HTTP.

use jiff::Timestamp;
use packwatch::aws::{Connection, DynamoStore};
use packwatch::local::SqliteStore;
use packwatch::model::{AccountId, Kind, Status, Target};
use packwatch::ports::{HistoryReader, HistoryRequest, Order, SilenceStore, SnapshotStore, StoreError};
use packwatch::state::heads::{Change, Claim, Commit, Counts, Head};
use packwatch::state::silence::Silence;
use packwatch::state::{Row, State, Transition};
use packwatch::watch::record::CHANGES_PER_TRANSACTION;

use crate::harness::dynamo::{Dynamo, Fault};
use crate::protocol::memory::MemoryStore;

/// Runs each part of the contract against each store, every one of them new.
macro_rules! contract {
    ($($name:ident)*) => {
        mod memory {
            use super::*;
            $(#[tokio::test] async fn $name() { super::$name(&MemoryStore::default()).await })*
        }
        mod sqlite {
            use super::*;
            $(#[tokio::test] async fn $name() { super::$name(&SqliteStore::in_memory().unwrap()).await })*
        }
        mod dynamodb {
            use super::*;
            $(#[tokio::test] async fn $name() {
                let dynamo = Dynamo::with_table("packwatch");
                super::$name(&dynamo_store(&dynamo).await).await
            })*
        }
    };
}

contract! {
    a_first_claim_makes_a_head
    a_claim_needs_the_epoch_that_was_seen
    a_claim_needs_the_marks_that_were_seen
    a_claim_takes_the_fingerprint_and_keeps_the_rest
    writes_are_fenced_by_the_epoch
    a_refused_write_writes_nothing
    rows_and_transitions_come_back_as_they_were
    transitions_are_those_after_an_epoch_in_order
    the_history_comes_in_pages_from_either_end
    targets_do_not_meet
    a_full_transaction_fits
    a_large_partition_is_read_whole
    a_commit_is_what_the_head_becomes
    silences_are_loaded_with_the_heads_until_they_are_removed
}

pub(crate) async fn dynamo_store(dynamo: &Dynamo) -> DynamoStore {
    DynamoStore::new(&connection(&dynamo.url).await, "packwatch")
}

/// The SDK, set up as packwatch does, with everything at one address.
pub(crate) async fn connection(url: &str) -> Connection {
    let credentials = aws_sdk_dynamodb::config::Credentials::new("id", "secret", None, None, "tests");
    let loader = aws_config::defaults(aws_config::BehaviorVersion::v2026_01_12())
        .region("eu-west-1")
        .credentials_provider(credentials)
        .endpoint_url(url);
    Connection::load(loader).await
}

pub(crate) fn target(pack: &str) -> Target {
    Target { region: "eu-west-1".parse().unwrap(), pack: pack.parse().unwrap() }
}

pub(crate) fn account(n: u64) -> AccountId {
    format!("{n:012}").parse().unwrap()
}

pub(crate) fn claim(seen: u64) -> Claim {
    Claim { seen, announced: 0, events_announced: 0, born: "born".to_owned(), run: format!("run-{seen}") }
}

/// The claim of a run that loaded this head.
fn claim_of(head: &Head) -> Claim {
    Claim { announced: head.announced, events_announced: head.events_announced, ..claim(head.epoch) }
}

fn state(status: &str) -> State {
    State {
        status: Status::new(status),
        error_code: Some("Code".to_owned()),
        error_message: Some("what went \"wrong\" – ≠ 😀".to_owned()),
        last_update: Some("2026-11-20T10:00:00.123456789Z".parse().unwrap()),
        stuck: true,
        reminder: u64::from(u32::MAX) + 1,
        silenced: true,
    }
}

pub(crate) fn change(n: u64, epoch: u64) -> Change {
    let now: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
    let plain = State {
        status: Status::new("SOMETHING_NEW"),
        error_code: None,
        error_message: None,
        last_update: None,
        stuck: false,
        reminder: 0,
        silenced: false,
    };
    let transition = Transition {
        account: account(n),
        epoch,
        kind: Kind::Failed,
        from: Some(plain),
        to: Some(state("CREATE_FAILED")),
        failing_since: Some(now),
        observed_at: now,
        silenced: true,
        flapping: Some(7),
        damped: true,
        incident_id: None,
        baseline: false,
        told: None,
        expires_at: "2027-02-18T10:00:00Z".parse().unwrap(),
    };
    let row = Row {
        state: state("CREATE_FAILED"),
        failing_since: Some(now),
        turns: vec![now],
        flapping: true,
        epoch: 0,
        incident: None,
        unsaid_end: None,
    };
    Change { account: account(n), row: Some(row), transition: Some(Box::new(transition)) }
}

pub(crate) fn commit(epoch: u64) -> Commit {
    Commit {
        epoch,
        announced: epoch,
        events_announced: epoch - 1,
        fingerprint: Some("fingerprint".to_owned()),
        deleted: false,
        accounts: Counts::from([(Status::new("CREATE_FAILED"), 2), (Status::new("NEW"), 1)]),
        at: "2026-11-20T10:00:00Z".parse().unwrap(),
    }
}

/// Everything that a store is.
pub(crate) trait Store: SnapshotStore + HistoryReader + SilenceStore {}

impl<S: SnapshotStore + HistoryReader + SilenceStore> Store for S {}

pub(crate) async fn head(store: &impl Store, target: &Target) -> Head {
    store.load().await.unwrap().known.remove(target).unwrap()
}

async fn a_first_claim_makes_a_head(store: &impl Store) {
    let target = target("P");
    assert!(store.load().await.unwrap().known.is_empty());
    store.claim(&target, &claim(0)).await.unwrap();
    assert_eq!(head(store, &target).await, claim(0).first_head());
}

async fn a_claim_needs_the_epoch_that_was_seen(store: &impl Store) {
    let target = target("P");
    assert_eq!(store.claim(&target, &claim(1)).await, Err(StoreError::Superseded), "no head yet");
    store.claim(&target, &claim(0)).await.unwrap();
    let rival = Claim { run: "rival".to_owned(), ..claim(0) };
    assert_eq!(store.claim(&target, &rival).await, Err(StoreError::Superseded), "already claimed");
    store.claim(&target, &claim(1)).await.unwrap();
    let rival = Claim { run: "rival".to_owned(), ..claim(1) };
    assert_eq!(store.claim(&target, &rival).await, Err(StoreError::Superseded));
    assert_eq!(head(store, &target).await.epoch, 2);
}

/// A commit does not change the epoch, and yet a run that loaded the head before knows too little.
async fn a_claim_needs_the_marks_that_were_seen(store: &impl Store) {
    let target = target("P");
    store.claim(&target, &claim(0)).await.unwrap();
    let loaded = head(store, &target).await;
    store.commit(&target, &commit(1)).await.unwrap();
    let committed = head(store, &target).await;
    assert_eq!(store.claim(&target, &claim_of(&loaded)).await, Err(StoreError::Superseded));
    assert_eq!(head(store, &target).await, committed);
    store.claim(&target, &claim_of(&committed)).await.unwrap();
}

async fn a_claim_takes_the_fingerprint_and_keeps_the_rest(store: &impl Store) {
    let target = target("P");
    store.claim(&target, &claim(0)).await.unwrap();
    store.commit(&target, &commit(1)).await.unwrap();
    let before = head(store, &target).await;
    assert!(before.fingerprint.is_some());
    store.claim(&target, &Claim { born: "other".to_owned(), ..claim_of(&before) }).await.unwrap();
    assert_eq!(head(store, &target).await, Head { epoch: 2, fingerprint: None, ..before });
}

async fn writes_are_fenced_by_the_epoch(store: &impl Store) {
    let target = target("P");
    assert_eq!(store.record(&target, 1, &[change(1, 1)]).await, Err(StoreError::Superseded));
    store.claim(&target, &claim(0)).await.unwrap();
    store.claim(&target, &claim(1)).await.unwrap();
    assert_eq!(store.record(&target, 1, &[change(1, 1)]).await, Err(StoreError::Superseded));
    assert_eq!(store.commit(&target, &commit(1)).await, Err(StoreError::Superseded));
    assert!(store.rows(&target).await.unwrap().is_empty());
    assert_eq!(head(store, &target).await.announced, 0);
}

async fn a_refused_write_writes_nothing(store: &impl Store) {
    let target = target("P");
    store.claim(&target, &claim(0)).await.unwrap();
    store.record(&target, 1, &[change(1, 1)]).await.unwrap();
    let many: Vec<Change> = (1..20).map(|n| Change { row: None, ..change(n, 9) }).collect();
    assert_eq!(store.record(&target, 9, &many).await, Err(StoreError::Superseded));
    assert_eq!(store.rows(&target).await.unwrap().len(), 1);
    assert_eq!(store.transitions(&target, 0).await.unwrap().len(), 1);
}

async fn rows_and_transitions_come_back_as_they_were(store: &impl Store) {
    let target = target("P");
    store.claim(&target, &claim(0)).await.unwrap();
    let change = change(7, 1);
    store.record(&target, 1, std::slice::from_ref(&change)).await.unwrap();
    assert_eq!(store.rows(&target).await.unwrap().remove(&account(7)), change.row);
    assert_eq!(store.transitions(&target, 0).await.unwrap().pop(), change.transition.map(|boxed| *boxed));
    let gone = Change { account: account(7), row: None, transition: None };
    store.record(&target, 1, &[gone]).await.unwrap();
    assert!(store.rows(&target).await.unwrap().is_empty());
}

async fn transitions_are_those_after_an_epoch_in_order(store: &impl Store) {
    let target = target("P");
    for epoch in 1..=11 {
        store.claim(&target, &claim(epoch - 1)).await.unwrap();
        store.record(&target, epoch, &[change(20 - epoch, epoch), change(3, epoch)]).await.unwrap();
    }
    let found = store.transitions(&target, 8).await.unwrap();
    let found: Vec<_> = found.into_iter().map(|t| (t.epoch, t.account)).collect();
    let expected = [(9, 3), (9, 11), (10, 3), (10, 10), (11, 3), (11, 9)];
    assert_eq!(found, expected.map(|(epoch, n)| (epoch, account(n))));
}

async fn the_history_comes_in_pages_from_either_end(store: &impl Store) {
    let target = target("P");
    for epoch in 1..=5 {
        store.claim(&target, &claim(epoch - 1)).await.unwrap();
        store.record(&target, epoch, &[change(20 - epoch, epoch), change(3, epoch)]).await.unwrap();
    }
    let whole = store.transitions(&target, 0).await.unwrap();
    for limit in [1, 3, 5, 10, 11] {
        for order in [Order::Oldest, Order::Newest] {
            let mut found = Vec::new();
            let mut request = HistoryRequest { order, limit, token: None };
            loop {
                let page = store.history(&target, &request).await.unwrap();
                assert!(page.items.len() <= limit as usize);
                found.extend(page.items);
                request.token = page.next_token;
                if request.token.is_none() {
                    break;
                }
            }
            if order == Order::Newest {
                found.reverse();
            }
            assert_eq!(found, whole, "{order:?}, {limit} at once");
        }
    }
    let nothing = HistoryRequest { order: Order::Newest, limit: 5, token: None };
    assert!(store.history(&crate::stores::contract::target("P-2"), &nothing).await.unwrap().items.is_empty());
}

async fn targets_do_not_meet(store: &impl Store) {
    // The second's keys start with the first's.
    let (one, two) = (target("Pack"), target("Pack-2"));
    for target in [&one, &two] {
        store.claim(target, &claim(0)).await.unwrap();
    }
    store.record(&two, 1, &[change(1, 1)]).await.unwrap();
    assert!(store.rows(&one).await.unwrap().is_empty());
    assert!(store.transitions(&one, 0).await.unwrap().is_empty());
    assert_eq!(store.load().await.unwrap().known.len(), 2);
}

async fn a_full_transaction_fits(store: &impl Store) {
    let target = target("P");
    store.claim(&target, &claim(0)).await.unwrap();
    let changes: Vec<Change> = (0..CHANGES_PER_TRANSACTION as u64).map(|n| change(n, 1)).collect();
    store.record(&target, 1, &changes).await.unwrap();
    assert_eq!(store.rows(&target).await.unwrap().len(), CHANGES_PER_TRANSACTION);
    assert_eq!(store.transitions(&target, 0).await.unwrap().len(), CHANGES_PER_TRANSACTION);
}

/// More than the 1 MB that DynamoDB gives in one page.
async fn a_large_partition_is_read_whole(store: &impl Store) {
    let target = target("P");
    store.claim(&target, &claim(0)).await.unwrap();
    let long = |n| {
        let mut change = change(n, 1);
        for state in change.row.iter_mut().map(|row| &mut row.state) {
            state.error_message = Some("m".repeat(8_000));
        }
        change
    };
    let changes: Vec<Change> = (0..150).map(long).collect();
    for transaction in changes.chunks(CHANGES_PER_TRANSACTION) {
        store.record(&target, 1, transaction).await.unwrap();
    }
    assert_eq!(store.rows(&target).await.unwrap().len(), 150);
}

async fn a_commit_is_what_the_head_becomes(store: &impl Store) {
    let target = target("P");
    store.claim(&target, &claim(0)).await.unwrap();
    store.commit(&target, &commit(1)).await.unwrap();
    assert_eq!(head(store, &target).await, commit(1).applied_to(&claim(0).first_head()));
    let owed = Commit { fingerprint: None, deleted: true, ..commit(1) };
    store.commit(&target, &owed).await.unwrap();
    assert_eq!(head(store, &target).await, owed.applied_to(&claim(0).first_head()));
}

async fn silences_are_loaded_with_the_heads_until_they_are_removed(store: &impl Store) {
    let silence = |id: &str| Silence {
        id: id.to_owned(),
        accounts: vec![account(1)],
        packs: vec!["Security-*".parse().unwrap()],
        regions: Vec::new(),
        kinds: [Kind::Failed, Kind::Left].into(),
        until: "2026-11-27T10:00:00Z".parse().unwrap(),
        reason: "being closed \u{1F600}".to_owned(),
        by: "someone".to_owned(),
    };
    store.claim(&target("P"), &claim(0)).await.unwrap();
    for id in ["one", "two", "one"] {
        store.silence(&silence(id)).await.unwrap();
    }
    let loaded = store.load().await.unwrap();
    assert_eq!((loaded.known.len(), loaded.silences.0), (1, vec![silence("one"), silence("two")]));
    assert_eq!((store.unsilence("one").await, store.unsilence("one").await), (Ok(true), Ok(false)));
    assert_eq!(store.load().await.unwrap().silences.0, [silence("two")]);
}

// What only DynamoDB can do to a writer.

#[tokio::test]
async fn a_claim_whose_reply_was_lost_is_recognised() {
    let dynamo = Dynamo::with_table("packwatch");
    let store = dynamo_store(&dynamo).await;
    dynamo.fault("PutItem", Fault::LoseReply, 1);
    store.claim(&target("P"), &claim(0)).await.unwrap();
    dynamo.fault("UpdateItem", Fault::LoseReply, 1);
    store.claim(&target("P"), &claim(1)).await.unwrap();
    assert_eq!(head(&store, &target("P")).await.epoch, 2);
    assert_eq!((dynamo.count("PutItem"), dynamo.count("UpdateItem")), (2, 2), "each was sent again");
}

#[tokio::test]
async fn a_transaction_that_met_another_is_tried_again() {
    let dynamo = Dynamo::with_table("packwatch");
    let store = dynamo_store(&dynamo).await;
    store.claim(&target("P"), &claim(0)).await.unwrap();
    dynamo.fault("TransactWriteItems", Fault::Conflict, 2);
    store.record(&target("P"), 1, &[change(1, 1)]).await.unwrap();
    assert_eq!(dynamo.count("TransactWriteItems"), 3);
}

#[tokio::test]
async fn a_table_that_does_not_exist_is_named() {
    let dynamo = Dynamo::start();
    let error = dynamo_store(&dynamo).await.load().await.unwrap_err();
    assert!(matches!(&error, StoreError::Denied(why) if why.contains("ResourceNotFound")), "{error:?}");
}

#[tokio::test]
async fn a_newer_schema_closes_its_pack_and_no_other() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let store = SqliteStore::open(file.path()).unwrap();
    for pack in ["Old", "New"] {
        store.claim(&target(pack), &claim(0)).await.unwrap();
        store.commit(&target(pack), &commit(1)).await.unwrap();
    }
    let database = rusqlite::Connection::open(file.path()).unwrap();
    let newer = "UPDATE items SET body = replace(body, '\"schema\":1', '\"schema\":2') WHERE sk LIKE '%#New'";
    assert_eq!(database.execute(newer, []).unwrap(), 1);
    let heads = store.load().await.unwrap();
    assert_eq!(heads.known.keys().collect::<Vec<_>>(), [&target("Old")]);
    assert!(heads.unreadable[&target("New")].contains("newer packwatch"), "{heads:?}");
}
