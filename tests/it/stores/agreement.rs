//! The three stores beside each other: whatever is asked of them, in whatever order, they answer alike. The model and SQLite
//! apply the functions of [`packwatch::state::heads`]; DynamoDB says the same in conditions and updates.

use std::cell::Cell;

use packwatch::aws::DynamoStore;
use packwatch::local::SqliteStore;
use packwatch::ports::{SnapshotStore, StoreError};
use packwatch::state::heads::{Advance, Claim, Closing, Finish, Head, Mark, Note};
use packwatch::state::log::{Place, Position};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::harness::dynamo::Dynamo;
use crate::protocol::memory::{MemoryStore, whole_log};
use crate::stores::contract::{account, begun, change, claim, connection, counts, finish, gone, target};

/// Something asked of a store. Epochs are counted from the head's own: most are right, and some are not.
#[derive(Debug, Clone)]
enum Ask {
    Claim { behind: u64 },
    Record { behind: u64, account: u64, closing: u8 },
    Advance { mark: Mark, behind: u64, to: (u64, u8), is_other: bool },
    Finish { behind: u64, is_whole: bool },
    Listen(bool),
    RememberUnwell { behind: u64 },
    RememberWhole { at: i64, now: i64 },
}

fn asks() -> impl Strategy<Value = Ask> {
    let behind = || prop_oneof![9 => Just(0_u64), 1 => Just(1)];
    let mark = prop_oneof![Just(Mark::People), Just(Mark::Machines)];
    prop_oneof![
        3 => behind().prop_map(|behind| Ask::Claim { behind }),
        3 => (behind(), 1..4_u64, 0..6_u8)
            .prop_map(|(behind, account, closing)| Ask::Record { behind, account, closing }),
        6 => (mark, behind(), (0..3_u64, 0..4_u8), prop::bool::weighted(0.05))
            .prop_map(|(mark, behind, to, is_other)| Ask::Advance { mark, behind, to, is_other }),
        4 => (behind(), any::<bool>()).prop_map(|(behind, is_whole)| Ask::Finish { behind, is_whole }),
        1 => any::<bool>().prop_map(Ask::Listen),
        2 => behind().prop_map(|behind| Ask::RememberUnwell { behind }),
        1 => (0..3_i64, 0..3_i64).prop_map(|(at, now)| Ask::RememberWhole { at, now }),
    ]
}

/// What is asked for at this step, when the epoch of the head is this.
async fn ask(
    store: &impl SnapshotStore,
    (step, epoch): (usize, u64),
    ask: &Ask,
) -> Result<Option<Head>, StoreError> {
    let target = target("P");
    match ask {
        Ask::Claim { behind } => {
            let seen = epoch.saturating_sub(*behind);
            // Another run, each time: a store may know a claim again.
            let claim = Claim { run: format!("run-{step}"), ..claim(seen) };
            store.claim(&target, &claim).await.map(Some)
        }
        Ask::Record { behind, account, closing } => {
            let epoch = epoch.saturating_sub(*behind);
            let closing = match closing {
                0 => Some(Closing::Counted(counts())),
                1 => Some(begun(epoch)),
                2 => Some(gone(epoch)),
                3 => Some(Closing::Gone(None)),
                _ => None,
            };
            let changes = [change(*account, epoch)];
            store.record(&target, epoch, &changes, closing.as_ref()).await.map(|()| None)
        }
        Ask::Advance { mark, behind, to: (before, place), is_other } => {
            let place = match place {
                0 => Place::Account(account(1)),
                1 => Place::Account(account(2)),
                2 => Place::Pack,
                _ => Place::End,
            };
            let to = Position { epoch: epoch.saturating_sub(*before), place };
            let born = if *is_other { "other" } else { "born" }.to_owned();
            let advance = Advance { mark: *mark, born, epoch: epoch.saturating_sub(*behind), to };
            store.advance(&target, &advance).await.map(|()| None)
        }
        Ask::Finish { behind, is_whole } => {
            let finish = finish(epoch.saturating_sub(*behind));
            let fingerprint = finish.fingerprint.clone().filter(|_| *is_whole);
            let finish = Finish { fingerprint, ..finish };
            store.finish(&target, &finish).await.map(|()| None)
        }
        Ask::RememberUnwell { behind } => {
            let note =
                Note::Unwell { epoch: epoch.saturating_sub(*behind), unwell: format!("at step {step}") };
            store.remember(&target, &note).await.map(|()| None)
        }
        Ask::RememberWhole { at, now } => {
            store.remember(&target, &Note::WholeAt { at: *at, now: *now }).await.map(|()| None)
        }
        Ask::Listen(listens) => store.listen(&target, *listens).await.map(|()| None),
    }
}

async fn agree(dynamo: DynamoStore, asked: &[Ask]) -> Result<(), TestCaseError> {
    let (model, sqlite) = (MemoryStore::default(), SqliteStore::in_memory().unwrap());
    let target = target("P");
    for (step, asked) in asked.iter().enumerate() {
        let epoch = model.heads().get(&target).map_or(0, |head| head.epoch);
        let before = model.heads();
        let answers = (
            ask(&model, (step, epoch), asked).await,
            ask(&sqlite, (step, epoch), asked).await,
            ask(&dynamo, (step, epoch), asked).await,
        );
        let about = format!("step {step}, {asked:?}, on {before:?}");
        prop_assert_eq!(&answers.0, &answers.1, "SQLite: {}", about);
        prop_assert_eq!(&answers.0, &answers.2, "DynamoDB: {}", about);
        let heads = model.heads();
        prop_assert_eq!(&heads, &sqlite.load().await.unwrap().known, "SQLite: {}", about);
        prop_assert_eq!(&heads, &dynamo.load().await.unwrap().known, "DynamoDB: {}", about);
    }
    let log = model.log_of(&target);
    prop_assert_eq!(&log, &whole_log(&sqlite, &target).await);
    prop_assert_eq!(&log, &whole_log(&dynamo, &target).await);
    let rows = model.rows_of(&target);
    prop_assert_eq!(&rows, &sqlite.rows(&target).await.unwrap());
    prop_assert_eq!(&rows, &dynamo.rows(&target).await.unwrap());
    Ok(())
}

#[test]
fn the_three_stores_answer_alike() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let config = Config { cases: 24, failure_persistence: None, ..Config::default() };
    let asked = prop::collection::vec(asks(), 1..40);
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
