use jiff::Timestamp;
use serde_json::{Value, from_str, to_value};

use super::*;
use crate::model::{Kind, Status};
use crate::state::log::{Notice, PackEvent};
use crate::state::{ClosedIncident, Incident, Notified, State, Transition};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A state of which everything is said.
fn state(message: &str) -> State {
    State {
        status: Status::new("UPDATE_FAILED"),
        error_code: Some("Code".to_owned()),
        error_message: Some(message.to_owned()),
        last_update: Some(at("2026-11-20T10:00:00.123456789Z")),
        stuck: true,
        reminder: u64::MAX,
        silenced: true,
    }
}

/// A row of which everything is said.
fn row(message: &str) -> Row {
    let notified = Notified {
        stuck: true,
        status: Some(Status::new("ODD")),
        error_code: Some("Other".to_owned()),
        at: 7,
    };
    Row {
        state: state(message),
        failing_since: Some(at("2026-11-20T09:00:00Z")),
        turns: vec![at("2026-11-20T08:00:00Z"), at("2026-11-20T08:30:00Z")],
        flapping: true,
        epoch: u64::MAX,
        incident: Some(Incident { id: "0f".to_owned(), notified: Some(notified), tried_again: 3 }),
        pending_resolution: Some(Box::new(ClosedIncident {
            id: "0e".to_owned(),
            failing_since: at("2026-11-20T07:00:00Z"),
        })),
    }
}

/// A row of which as little as possible is said.
fn healthy() -> Row {
    Row { state: State::of(Status::new("CREATE_SUCCESSFUL")), epoch: 1, ..Row::default() }
}

fn transition(message: &str) -> Transition {
    Transition {
        account: "000000000001".parse().unwrap(),
        epoch: 7,
        kind: Kind::Failed,
        from: Some(State::of(Status::new("CREATE_SUCCESSFUL"))),
        to: Some(state(message)),
        failing_since: Some(at("2026-11-20T09:00:00Z")),
        observed_at: at("2026-11-20T10:00:00Z"),
        silenced: true,
        flapping: Some(4),
        damped: true,
        incident_id: Some("0f".to_owned()),
        baseline: true,
        notify: true,
    }
}

fn notice() -> Notice {
    let (event, observed_at) = (PackEvent::Baseline, at("2026-11-20T10:00:00Z"));
    Notice { event, epoch: 7, accounts: 10, created_again: false, observed_at, notify: true }
}

#[test]
fn what_is_packed_comes_back_as_it_was_whatever_aws_said() {
    let hostile =
        ["", "\n\r\n{\"Kind\":\"x\"}", "\"\\\u{0}\u{7f}\u{2028}\u{feff}", "😀 é ≠", &"m".repeat(100_000)];
    let ids = (1..).map(|n| format!("{n:012}").parse().unwrap());
    let all: Vec<(AccountId, Row)> = ids.zip(hostile.map(row)).collect();
    let all: Vec<_> = all.into_iter().chain([("999999999999".parse().unwrap(), healthy())]).collect();
    assert_eq!(read_rows(&rows(all.iter().map(|(account, row)| (*account, row)))), Ok(all));
    let records = hostile.map(|message| Record::Account(transition(message)));
    let records: Vec<Record> = records.into_iter().chain([Record::Pack(notice())]).collect();
    let lines: Vec<Vec<u8>> = records.iter().map(line).collect();
    assert_eq!(read_records(&zipped(&lines.concat())), Ok(records));
}

#[test]
fn what_is_damaged_is_an_error_and_nothing_is_nothing() {
    assert_eq!((read_rows(&zipped(b"")), read_records(&zipped(b"\n"))), (Ok(Vec::new()), Ok(Vec::new())));
    assert!(read_rows(b"").is_err() && read_records(b"{}").is_err());
    let data = rows([("000000000001".parse().unwrap(), &row("m"))]);
    let (cut, _) = data.split_at(data.len() - 9);
    assert!(read_rows(cut).is_err(), "half of the accounts would count as gone");
    assert!(read_records(&data).is_err(), "a row is no record");
}

/// What people learn from a message they find in the table under the same name.
#[test]
fn the_fields_are_named_as_in_the_messages() {
    let schema: Value = from_str(include_str!("../../../docs/notification.schema.json")).unwrap();
    let own = |item: Value, of: &[&str]| -> Vec<String> {
        let is_own = |name: &&String| of.iter().all(|of| schema["$defs"][of]["properties"][*name].is_null());
        item.as_object().unwrap().keys().filter(is_own).cloned().collect()
    };
    let transition = to_value(transition("m")).unwrap();
    assert_eq!(own(transition["To"].clone(), &["state"]), ["Reminder", "Silenced", "Stuck"]);
    assert_eq!(own(transition, &["transition"]), ["Notify"], "which is the store's own");
    assert_eq!(own(to_value(notice()).unwrap(), &["packEvent", "event"]), ["Notify"]);
    let row = to_value(row("m")).unwrap();
    assert_eq!(own(row, &["transition"]), ["Incident", "PendingResolution", "State", "Turns"]);
    // Accounts are by far the most of it: what is healthy is said in as few words as possible.
    let healthy = unzipped(&rows([("000000000001".parse().unwrap(), &healthy())])).unwrap();
    let said = "[\"000000000001\",{\"State\":{\"Status\":\"CREATE_SUCCESSFUL\"},\"Sequence\":1}]\n";
    assert_eq!(String::from_utf8(healthy).unwrap(), said);
}
