//! What every snapshot store must do, asked of each: the model, SQLite, and DynamoDB over HTTP.

mod commits;
pub(crate) mod cursors;
mod log;

use jiff::Timestamp;
use packwatch::aws::{Connection, DynamoStore};
use packwatch::local::SqliteStore;
use packwatch::model::{AccountId, Kind, Status, Target};
use packwatch::ports::{SilenceStore, SnapshotStore};
use packwatch::state::commit::{Change, Closing};
use packwatch::state::head::Head;
use packwatch::state::log::{Notice, PackEvent};
use packwatch::state::{ClosedIncident, Incident, Notified, Row, State, Transition};

use crate::harness::dynamo::Dynamo;
use crate::protocol::memory::MemoryStore;

/// Runs each part of the contract against each store, every one of them new.
macro_rules! contract {
    ($($part:ident: $($name:ident)*;)*) => {
        mod memory {
            use super::*;
            $($(#[tokio::test] async fn $name() { super::$part::$name(&MemoryStore::default()).await })*)*
        }
        mod sqlite {
            use super::*;
            $($(#[tokio::test] async fn $name() {
                super::$part::$name(&SqliteStore::in_memory().unwrap()).await
            })*)*
        }
        mod dynamodb {
            use super::*;
            $($(#[tokio::test] async fn $name() {
                let dynamo = Dynamo::with_table("packwatch");
                super::$part::$name(&dynamo_store(&dynamo).await).await
            })*)*
        }
    };
}

contract! {
    commits:
        a_first_commit_makes_the_head
        a_commit_needs_the_epoch_and_the_history_that_were_loaded
        a_commit_that_is_superseded_writes_nothing
        chunks_and_parts_come_back_as_they_were
        a_snapshot_is_of_the_head_of_its_commit_and_of_no_other
        targets_do_not_meet;
    cursors:
        cursors_are_written_on_the_version_before
        cursors_come_back_as_they_were
        a_hint_makes_no_head_and_moves_no_epoch
        a_message_comes_back_and_is_replaced
        silences_are_loaded_with_the_heads_until_they_are_removed;
    log:
        a_page_of_the_log_ends_where_it_was_told
        a_large_log_is_read_whole;
}

/// Everything that a store is.
pub(crate) trait Store: SnapshotStore + SilenceStore {}

impl<S: SnapshotStore + SilenceStore> Store for S {}

pub(crate) async fn head(store: &impl SnapshotStore, target: &Target) -> Head {
    store.load().await.unwrap().known.remove(target).unwrap()
}

/// That goes with a baseline, or with the end of a pack.
pub(crate) fn closing(event: PackEvent, epoch: u64) -> Closing {
    let notice = Notice { event, epoch, accounts: 3, created_again: false, observed_at: now(), notify: true };
    Closing { notice: Some(notice), full_scan_at: Some(now().as_second()) }
}

/// A change with a long text, which hardly gets smaller when it is zipped.
pub(crate) fn long(n: u64, length: usize) -> Change {
    let mut random = fastrand::Rng::with_seed(n);
    let text: String = std::iter::repeat_with(|| random.alphanumeric()).take(length).collect();
    let mut change = change(n, 1);
    let record = change.transition.iter_mut().filter_map(|transition| transition.to.as_mut());
    for state in change.row.iter_mut().map(|row| &mut row.state).chain(record) {
        state.error_message = Some(text.clone());
    }
    change
}

pub(crate) async fn dynamo_store(dynamo: &Dynamo) -> DynamoStore {
    DynamoStore::new(&connection(&dynamo.url).await, "packwatch")
}

/// The SDK, set up as packwatch does, with everything at one address.
pub(crate) async fn connection(url: &str) -> Connection {
    connection_of("id", url).await
}

/// The same, signed by this key: `scripts/recorded.py` knows them.
pub(crate) async fn connection_of(key: &str, url: &str) -> Connection {
    let credentials = aws_sdk_dynamodb::config::Credentials::new(key, "secret", None, None, "tests");
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

pub(crate) fn now() -> Timestamp {
    "2026-11-20T10:00:00Z".parse().unwrap()
}

/// The row goes, without a record.
pub(crate) fn removal(n: u64) -> Change {
    Change { account: account(n), row: None, transition: None }
}

pub(crate) fn change(n: u64, epoch: u64) -> Change {
    let plain = State::of(Status::new("SOMETHING_NEW"));
    let transition = Transition {
        account: account(n),
        epoch,
        kind: Kind::Failed,
        from: Some(plain),
        to: Some(state("CREATE_FAILED")),
        failing_since: Some(now()),
        observed_at: now(),
        silenced: true,
        flapping: Some(7),
        damped: true,
        incident_id: Some("0123456789abcdef0123456789abcdef".to_owned()),
        baseline: true,
        notify: false,
    };
    let notified = Notified {
        stuck: true,
        status: Some("CREATE_FAILED".parse().unwrap()),
        error_code: Some("Code".to_owned()),
        at: 1_700_000_000,
    };
    let incident = Incident {
        tried_again: 3,
        notified: Some(notified),
        ..Incident::begun(&target("P"), "history", account(n), epoch)
    };
    let ended = ClosedIncident { id: "0123456789abcdef0123456789abcdef".to_owned(), failing_since: now() };
    let row = Row {
        state: state("CREATE_FAILED"),
        failing_since: Some(now()),
        turns: vec![now()],
        flapping: true,
        epoch,
        incident: Some(Box::new(incident)),
        pending_resolution: Some(Box::new(ended)),
    };
    Change { account: account(n), row: Some(row), transition: Some(Box::new(transition)) }
}
