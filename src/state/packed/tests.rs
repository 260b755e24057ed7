use serde_json::{Value, from_str};

use super::*;

/// A row of which everything is said, and one of which as little as possible: accounts are by far the most of it.
const ROWS: &str = concat!(
    r#"["000000000001",{"State":{"Status":"UPDATE_FAILED","ErrorCode":"Code","ErrorMessage":"m","#,
    r#""LastUpdateTime":"2026-11-20T10:00:00.123456789Z","Stuck":true,"Reminder":18446744073709551615,"Silenced":true},"#,
    r#""FailingSince":"2026-11-20T09:00:00Z","Turns":["2026-11-20T08:00:00Z","2026-11-20T08:30:00Z"],"Flapping":true,"#,
    r#""Sequence":7,"Incident":{"Id":"0f","Notified":{"Stuck":true,"Status":"ODD","ErrorCode":"Other","At":7},"#,
    r#""TriedAgain":3},"PendingResolution":{"Id":"0e","FailingSince":"2026-11-20T07:00:00Z"}}]"#,
    "\n",
    r#"["000000000002",{"State":{"Status":"CREATE_SUCCESSFUL"},"Sequence":1}]"#,
    "\n",
);

/// The same of the records of accounts, and a pack's.
const RECORDS: &str = concat!(
    r#"{"AccountId":"000000000001","Sequence":7,"Kind":"Failed","From":{"Status":"CREATE_SUCCESSFUL"},"#,
    r#""To":{"Status":"UPDATE_FAILED","ErrorCode":"Code","ErrorMessage":"m","Stuck":true,"Reminder":7,"Silenced":true},"#,
    r#""FailingSince":"2026-11-20T09:00:00Z","ObservedAt":"2026-11-20T10:00:00Z","Silenced":true,"Flapping":4,"#,
    r#""Damped":true,"IncidentId":"0f","Baseline":true,"Notify":true}"#,
    "\n",
    r#"{"AccountId":"000000000001","Sequence":8,"Kind":"Left","ObservedAt":"2026-11-20T10:00:00Z"}"#,
    "\n",
    r#"{"Kind":"Baseline","Sequence":7,"Accounts":10,"CreatedAgain":true,"ObservedAt":"2026-11-20T10:00:00Z","Notify":true}"#,
    "\n",
);

fn unpacked_rows(data: &[u8]) -> Result<Rows, String> {
    let mut rows = Rows::new();
    read_rows(data, &mut rows).map(|()| rows)
}

fn all_rows(text: &str) -> Rows {
    unpacked_rows(&zipped(text.as_bytes())).unwrap()
}

fn packed_rows(all: &Rows) -> Vec<u8> {
    rows(all.iter().map(|(account, row)| (*account, &**row)))
}

#[test]
fn what_is_packed_comes_back_as_it_was_whatever_aws_said() {
    let mut all = all_rows(ROWS);
    assert_eq!(String::from_utf8(unzipped(&packed_rows(&all)).unwrap()).unwrap(), ROWS);
    for hostile in
        ["", "\n\r\n{\"Kind\":\"x\"}", "\"\\\u{0}\u{7f}\u{2028}\u{feff}", "😀 é ≠", &"m".repeat(100_000)]
    {
        all.first_entry().unwrap().get_mut().state.error_message = Some(hostile.to_owned());
        assert_eq!(unpacked_rows(&packed_rows(&all)), Ok(all.clone()));
    }
    let records = read_records(&zipped(RECORDS.as_bytes())).unwrap();
    assert_eq!(String::from_utf8(lines(&records)).unwrap(), RECORDS);
}

#[test]
fn what_is_damaged_is_an_error_and_nothing_is_nothing() {
    assert_eq!(
        (unpacked_rows(&zipped(b"")), read_records(&zipped(b"\n"))),
        (Ok(Rows::new()), Ok(Vec::new()))
    );
    assert!(unpacked_rows(b"").is_err() && read_records(b"{}").is_err());
    let data = zipped(ROWS.as_bytes());
    let (cut, _) = data.split_at(data.len() - 9);
    assert!(unpacked_rows(cut).is_err(), "half of the accounts would count as gone");
    assert!(read_records(&data).is_err(), "a row is no record");
}

/// What people learn from a message they find in the table under the same name.
#[test]
fn the_fields_are_named_as_in_the_messages() {
    let schema: Value = from_str(include_str!("../../../docs/notification.schema.json")).unwrap();
    let own = |item: &Value, of: &[&str]| -> Vec<String> {
        let is_own = |name: &&String| of.iter().all(|of| schema["$defs"][of]["properties"][*name].is_null());
        item.as_object().unwrap().keys().filter(is_own).cloned().collect()
    };
    let lines = |text: &str| -> Vec<Value> { text.lines().map(|line| from_str(line).unwrap()).collect() };
    let (row, records) = (&lines(ROWS)[0][1], lines(RECORDS));
    assert_eq!(own(&records[0], &["transition"]), ["Notify"], "which is the store's own");
    assert_eq!(own(&records[0]["To"], &["state"]), ["Reminder", "Silenced", "Stuck"]);
    assert_eq!(own(&records[2], &["packEvent", "event"]), ["Notify"]);
    assert_eq!(own(row, &["transition"]), ["Incident", "PendingResolution", "State", "Turns"]);
}
