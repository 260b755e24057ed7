//! What every snapshot store must do, asked of each: the model, SQLite, and DynamoDB over HTTP.

mod heads;
mod log;
mod marks;

use jiff::Timestamp;
use packwatch::aws::{Connection, DynamoStore};
use packwatch::local::SqliteStore;
use packwatch::model::{AccountId, Kind, Status, Target};
use packwatch::ports::{HistoryReader, SilenceStore, SnapshotStore};
use packwatch::state::heads::{Advance, Change, Claim, Closing, Counts, Finish, Head, Mark};
use packwatch::state::log::{Notice, PackEvent, Place, Position};
use packwatch::state::{Ended, Incident, Row, State, Told, Transition};

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
    heads:
        a_first_claim_makes_a_head
        a_claim_needs_the_epoch_that_was_seen
        a_claim_returns_the_head_as_it_now_is
        a_claim_takes_the_fingerprint_and_keeps_the_rest
        a_finish_needs_the_epoch_and_that_nobody_lacks_anything
        that_machines_listen_is_said_in_a_head_that_exists
        what_is_not_well_is_noted_where_nothing_is_owed
        a_whole_look_is_noted_unless_a_later_one_is
        a_note_makes_no_head_and_moves_neither_epoch_nor_marks
        only_a_first_claim_makes_a_head
        silences_are_loaded_with_the_heads_until_they_are_removed;
    marks:
        a_mark_moves_forward_and_never_back
        a_mark_of_another_history_stays
        machines_mark_needs_the_epoch_and_peoples_does_not;
    log:
        records_are_fenced_by_the_epoch
        a_refused_write_writes_nothing
        rows_and_records_come_back_as_they_were
        a_closing_is_what_the_head_becomes
        a_page_of_the_log_ends_where_it_was_told
        the_history_comes_in_pages_from_either_end_without_the_packs_records
        targets_do_not_meet
        a_full_transaction_fits
        a_large_partition_is_read_whole;
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
    Claim { seen, born: "born".to_owned(), listens: Some(true), run: format!("run-{seen}") }
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

pub(crate) fn change(n: u64, epoch: u64) -> Change {
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
        failing_since: Some(now()),
        observed_at: now(),
        silenced: true,
        flapping: Some(7),
        damped: true,
        incident_id: Some("0123456789abcdef0123456789abcdef".to_owned()),
        baseline: true,
        told: false,
        expires_at: "2027-02-18T10:00:00Z".parse().unwrap(),
    };
    let told = Told {
        stuck: true,
        status: Some("CREATE_FAILED".parse().unwrap()),
        error_code: Some("Code".to_owned()),
    };
    let incident = Incident {
        tried_again: 3,
        told: Some(told),
        ..Incident::begun(&target("P"), "born", account(n), epoch)
    };
    let ended = Ended { id: "0123456789abcdef0123456789abcdef".to_owned(), failing_since: now() };
    let row = Row {
        state: state("CREATE_FAILED"),
        failing_since: Some(now()),
        turns: vec![now()],
        flapping: true,
        epoch,
        incident: Some(incident),
        unsaid_end: Some(Box::new(ended)),
    };
    Change { account: account(n), row: Some(row), transition: Some(Box::new(transition)) }
}

pub(crate) fn counts() -> Counts {
    Counts::from([(Status::new("CREATE_FAILED"), 2), (Status::new("NEW"), 1)])
}

pub(crate) fn notice(event: PackEvent, epoch: u64) -> Notice {
    let expires_at = "2027-02-18T10:00:00Z".parse().unwrap();
    Notice { event, epoch, accounts: 3, observed_at: now(), told: true, expires_at }
}

pub(crate) fn begun(epoch: u64) -> Closing {
    Closing::Begun(counts(), notice(PackEvent::Baseline, epoch))
}

pub(crate) fn gone(epoch: u64) -> Closing {
    Closing::Gone(Some(notice(PackEvent::PackDeleted, epoch)))
}

pub(crate) fn at(epoch: u64, n: u64) -> Position {
    Position { epoch, place: Place::Account(account(n)) }
}

pub(crate) fn advance(mark: Mark, epoch: u64, to: Position) -> Advance {
    Advance { mark, born: "born".to_owned(), epoch, to }
}

pub(crate) fn finish(epoch: u64) -> Finish {
    let some = |text: &str| Some(text.to_owned());
    let (fingerprint, unwell) = (some("fingerprint"), some("unwell"));
    Finish { epoch, fingerprint, unwell, at: now() }
}

/// Everything that a store is.
pub(crate) trait Store: SnapshotStore + HistoryReader + SilenceStore {}

impl<S: SnapshotStore + HistoryReader + SilenceStore> Store for S {}

pub(crate) async fn head(store: &impl SnapshotStore, target: &Target) -> Head {
    store.load().await.unwrap().known.remove(target).unwrap()
}

/// Moves both marks to the end of the epoch.
pub(crate) async fn tell_all(store: &impl SnapshotStore, target: &Target, epoch: u64) {
    for mark in [Mark::People, Mark::Machines] {
        store.advance(target, &advance(mark, epoch, Position::end_of(epoch))).await.unwrap();
    }
}
