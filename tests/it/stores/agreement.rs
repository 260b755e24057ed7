//! The three stores beside each other: whatever is asked of them, in whatever order, they answer alike.

use std::cell::Cell;

use packwatch::aws::DynamoStore;
use packwatch::local::SqliteStore;
use packwatch::ports::{SnapshotStore, StoreError};
use packwatch::state::commit::{Closing, Snapshot};
use packwatch::state::head::{Cursors, Head, Heads, Hint, Topic};
use packwatch::state::log::{PackEvent, Position};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::harness::commits::commit_of;
use crate::harness::dynamo::Dynamo;
use crate::protocol::memory::{MemoryStore, whole_log};
use crate::stores::contract::{change, closing, connection, removal, target};

/// Something asked of a store. Most of it is asked on what was loaded last, and some on what was before.
#[derive(Debug, Clone)]
enum Ask {
    Commit { is_late: bool, account: u64, many: u64, is_removal: bool, event: Option<PackEvent> },
    Hint(Hint),
    Cursors { topic: Topic, is_late: bool, to: Position, stopped: bool },
}

fn asks() -> impl Strategy<Value = Ask> {
    let is_late = || prop::bool::weighted(0.15);
    let event = prop_oneof![
        4 => Just(None),
        2 => Just(Some(PackEvent::Baseline)),
        1 => Just(Some(PackEvent::PackDeleted)),
    ];
    let many = prop_oneof![9 => Just(1_u64), 1 => Just(130)];
    let commit = (is_late(), 1..4_u64, many, prop::bool::weighted(0.3), event);
    let topic = prop_oneof![Just(Topic::Alerts), Just(Topic::Events)];
    let to = (0..4_u64, 0..3_u32).prop_map(|(epoch, part)| Position { epoch, part });
    prop_oneof![
        4 => commit.prop_map(|(is_late, account, many, is_removal, event)| {
            Ask::Commit { is_late, account, many, is_removal, event }
        }),
        1 => (0..9_i64).prop_map(|at| Ask::Hint(Hint::FullScanAt(at))),
        1 => (0..9_i64).prop_map(|until| Ask::Hint(Hint::FiltersDistrustedUntil(until))),
        3 => (topic, is_late(), to, prop::bool::weighted(0.1))
            .prop_map(|(topic, is_late, to, stopped)| Ask::Cursors { topic, is_late, to, stopped }),
    ]
}

/// What was loaded: now, or before.
type Loaded = (Heads, Snapshot);

/// What is asked for at this step.
async fn ask(
    store: &impl SnapshotStore,
    step: usize,
    ask: &Ask,
    (now, before): (&Loaded, &Loaded),
) -> Result<(), StoreError> {
    let target = target("P");
    let loaded = |is_late| if is_late { before } else { now };
    match ask {
        Ask::Commit { is_late, account: first, many, is_removal, event } => {
            let (heads, snapshot) = loaded(*is_late);
            let head: Option<&Head> = heads.known.get(&target);
            let epoch = head.map_or(0, |head| head.epoch) + 1;
            let changes = (*first..first + many).map(|n| match is_removal {
                true => removal(n),
                false => change(n, epoch),
            });
            let closing = event.map_or(Closing::default(), |event| closing(event, epoch));
            let mut commit = commit_of(head, snapshot, changes.collect(), closing);
            // Another run, each time: DynamoDB knows a run's own commit again.
            commit.head.run = format!("run-{step}");
            store.commit(&target, &commit).await
        }
        Ask::Hint(hint) => store.hint(&target, hint).await,
        Ask::Cursors { topic, is_late, to, stopped } => {
            let (heads, _) = loaded(*is_late);
            let cursors = match topic {
                Topic::Alerts => &heads.alerts,
                Topic::Events => &heads.events,
            };
            let lease = Some(Cursors::lease_of(&format!("run-{step}"), 0));
            let cursors = Cursors { lease, stopped: *stopped, ..cursors.clone().moved([(&target, *to)]) };
            store.put_cursors(*topic, &cursors).await
        }
    }
}

async fn agree(dynamo: DynamoStore, asked: &[Ask]) -> Result<(), TestCaseError> {
    let (model, sqlite) = (MemoryStore::default(), SqliteStore::in_memory().unwrap());
    let target = target("P");
    let mut before = Loaded::default();
    let mut now = Loaded::default();
    for (step, asked) in asked.iter().enumerate() {
        let about = format!("step {step}, {asked:?}, on {:?}", now.0);
        let answer = ask(&model, step, asked, (&now, &before)).await;
        prop_assert_eq!(&answer, &ask(&sqlite, step, asked, (&now, &before)).await, "SQLite: {}", about);
        prop_assert_eq!(&answer, &ask(&dynamo, step, asked, (&now, &before)).await, "DynamoDB: {}", about);
        let loaded = (model.load().await.unwrap(), model.snapshot(&target).await.unwrap());
        if let Some(head) = loaded.0.known.get(&target) {
            prop_assert!(loaded.1.is_of(head), "{}", about);
        }
        prop_assert_eq!(&loaded.0, &sqlite.load().await.unwrap(), "SQLite: {}", about);
        prop_assert_eq!(&loaded.0, &dynamo.load().await.unwrap(), "DynamoDB: {}", about);
        (before, now) = (now, loaded);
    }
    prop_assert_eq!(&now.1, &sqlite.snapshot(&target).await.unwrap());
    prop_assert_eq!(&now.1, &dynamo.snapshot(&target).await.unwrap());
    let log = whole_log(&model, &target).await;
    prop_assert_eq!(&log, &whole_log(&sqlite, &target).await);
    prop_assert_eq!(&log, &whole_log(&dynamo, &target).await);
    Ok(())
}

#[test]
fn the_three_stores_answer_alike() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let config = Config { cases: 16, failure_persistence: None, ..Config::default() };
    let asked = prop::collection::vec(asks(), 1..30);
    let dynamo = Dynamo::start();
    let connection = runtime.block_on(connection(&dynamo.url));
    let tables = Cell::new(100);
    let found = TestRunner::new(config).run(&asked, |asked| {
        tables.set(tables.get() + 1);
        // DynamoDB is started once: each case has a table of its own there.
        let table = format!("packwatch-{}", tables.get());
        dynamo.create_table(&table);
        runtime.block_on(agree(DynamoStore::new(&connection, &table), &asked))
    });
    found.unwrap_or_else(|error| panic!("{error}"));
}
