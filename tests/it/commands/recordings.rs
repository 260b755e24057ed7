//! Recorded statuses as people have them: in PowerShell's encodings, cut, filtered, doubled, or not JSON at all.

use std::io::Write;
use std::process::{Output, Stdio};

use serde_json::{Value, json};

use crate::commands::cli::{Desk, recorded, stderr, stdout};

/// What to run instead.
const COMMAND: &str = "aws configservice get-organization-conformance-pack-detailed-status";

const LIST: &str = "OrganizationConformancePackDetailedStatuses";

fn rows() -> Vec<Value> {
    serde_json::from_str::<Value>(&recorded(&[(1, "CREATE_SUCCESSFUL"), (2, "CREATE_FAILED")])).unwrap()[LIST]
        .as_array()
        .unwrap()
        .clone()
}

fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(bytes).collect()
}

/// A run over one file with these bytes, in a new store.
fn run_over(bytes: &[u8]) -> Output {
    let desk = Desk::new();
    std::fs::write(desk.path("Security.json"), bytes).unwrap();
    desk.run("Security.json", &["--output", "json"])
}

fn counts(output: &Output) -> Value {
    assert_eq!(output.status.code(), Some(2), "{}", stderr(output));
    serde_json::from_str::<Value>(&stdout(output)).unwrap()["Counts"].clone()
}

#[test]
fn every_encoding_and_shape_that_is_whole_is_read() {
    let plain = json!({LIST: rows()}).to_string();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("a byte order mark", format!("\u{feff}{plain}").into_bytes()),
        ("UTF-16, little end first", utf16(&format!("\u{feff}{plain}\r\n"), u16::to_le_bytes)),
        ("UTF-16, big end first", utf16(&format!("\u{feff}{plain}"), u16::to_be_bytes)),
        ("--query: the rows alone", json!(rows()).to_string().into_bytes()),
    ];
    for (name, bytes) in cases {
        let output = run_over(&bytes);
        assert_eq!(output.status.code(), Some(2), "{name}: {}", stderr(&output));
        assert!(stderr(&output).contains("1 pack: 2 deployments;"), "{name}: {}", stderr(&output));
    }
}

#[test]
fn what_cannot_be_read_is_named_with_what_to_do() {
    let projected: Vec<Value> =
        rows().iter().map(|row| json!({"AccountId": row["AccountId"], "Status": row["Status"]})).collect();
    let whole = json!({LIST: rows()}).to_string();
    let cases: Vec<(&str, String, &[&str])> = vec![
        ("nothing", String::new(), &["it is empty", COMMAND]),
        ("white space", "\u{feff} \r\n".to_owned(), &["it is empty"]),
        ("null", "null".to_owned(), &["null", COMMAND]),
        (
            "cut",
            json!({LIST: rows(), "NextToken": "t"}).to_string(),
            &["--no-paginate", "--max-items", COMMAND],
        ),
        ("two packs", whole.clone() + &whole, &["trailing characters", COMMAND]),
        ("a projection", json!(projected).to_string(), &["ConformancePackName", COMMAND]),
        ("a list of lists", json!([["111122223331", "CREATE_FAILED"]]).to_string(), &["line 1", COMMAND]),
        ("another command", json!({"OrganizationConformancePackStatuses": []}).to_string(), &[LIST, COMMAND]),
        ("YAML", format!("{LIST}:\n- AccountId: '1'\n"), &[LIST, "--output json"]),
        ("text", format!("{}\t111122223331\tx\n", LIST.to_uppercase()), &["111122223331", "--output json"]),
        ("a table", "-------\n|  Get  |\n".to_owned(), &["-------", "--output json"]),
        (
            "an error",
            "\nAn error occurred (AccessDeniedException) when calling".to_owned(),
            &["but begins with An error occurred (AccessDeniedException)", COMMAND],
        ),
        ("a page", "<html><body>Sign in</body></html>".to_owned(), &["<html>", COMMAND]),
        ("a torn one", whole[..whole.len() - 9].to_owned(), &["EOF", COMMAND]),
        (
            "a time without a zone",
            whole.replace("\"Status\"", "\"LastUpdateTime\": \"2026-11-28T21:00:00\", \"Status\""),
            &["2026-11-28T21:00:00", "zone"],
        ),
    ];
    for (name, text, wanted) in cases {
        let output = run_over(text.as_bytes());
        let error = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{name}: {error}");
        assert!(error.contains("Security.json: "), "{name}: {error}");
        for part in wanted {
            assert!(error.contains(part), "{name}: {part:?} is missing in {error}");
        }
        assert!(error.len() < 1500 && !error.contains('\u{feff}'), "{name}: {error}");
    }
    let latin = run_over(b"{\"a\": \"na\xefve\"}");
    assert!(stderr(&latin).contains("UTF-8"), "{latin:?}");
}

#[test]
fn an_empty_stdin_is_refused() {
    let desk = Desk::new();
    let output = desk.run("-", &["--pack", "Security"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("stdin: it is empty"), "{output:?}");
}

#[test]
fn all_files_with_faults_are_reported_at_once() {
    let desk = Desk::new();
    let (empty, torn) = (desk.write("One.json", ""), desk.write("Two.json", "{"));
    let output = desk.run(&empty, &["--statuses", &torn, "--statuses", "Missing.json"]);
    for name in ["One.json", "Two.json", "Missing.json"] {
        assert!(stderr(&output).contains(name), "{output:?}");
    }
    assert_eq!(stderr(&output).matches("error:").count(), 1, "{output:?}");
}

/// 120 accounts, three of which fail.
fn organization() -> Vec<(u64, &'static str)> {
    (1..=120).map(|n| (n, if n <= 3 { "CREATE_FAILED" } else { "CREATE_SUCCESSFUL" })).collect()
}

/// The rows that a recording made with `--filters` has.
fn filtered(wanted: impl Fn(&(u64, &str)) -> bool) -> String {
    recorded(&organization().into_iter().filter(wanted).collect::<Vec<_>>())
}

#[test]
fn a_recording_made_with_filters_is_refused_or_compared_as_far_as_it_goes() {
    let desk = Desk::new();
    let whole = desk.write("Security.json", &recorded(&organization()));
    assert_eq!(desk.run(&whole, &[]).status.code(), Some(2));
    let before = std::fs::read(desk.store()).unwrap();
    for (name, text) in [
        ("failed ones", filtered(|(_, status)| *status == "CREATE_FAILED")),
        ("one account", filtered(|(n, _)| *n == 7)),
        ("healthy ones", filtered(|(_, status)| *status == "CREATE_SUCCESSFUL")),
        ("none", filtered(|_| false)),
    ] {
        let file = desk.write("Security.json", &text);
        let output = desk.run(&file, &[]);
        let error = stderr(&output);
        assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(1), ""), "{name}: {error}");
        assert!(error.contains("of 120 recorded accounts") && error.contains("--filters"), "{name}: {error}");
        assert!(error.contains("--partial") && error.contains("--whole"), "{name}: {error}");
        assert_eq!(std::fs::read(desk.store()).unwrap(), before, "{name}");
    }
    // With --partial, only what is there is compared.
    let some = recorded(&[(1, "CREATE_FAILED"), (4, "UPDATE_FAILED"), (999, "CREATE_SUCCESSFUL")]);
    let some = desk.write("Security.json", &some);
    let partial = desk.run(&some, &["--partial", "--output", "json"]);
    assert_eq!(counts(&partial), json!({"Failed": 1, "Joined": 1}));
    // Who knows better says so.
    let whole = desk.run(&some, &["--whole", "--output", "json"]);
    assert_eq!(counts(&whole), json!({"Left": 118}));
}

#[test]
fn a_few_accounts_that_left_need_no_flag() {
    let desk = Desk::new();
    let whole = desk.write("Security.json", &recorded(&organization()));
    desk.run(&whole, &[]);
    let fewer = desk.write("Security.json", &filtered(|(n, _)| *n != 3 && *n < 100));
    assert_eq!(counts(&desk.run(&fewer, &["--output", "json"])), json!({"Left": 22}));
    let excluded: Vec<String> = (4..=99).map(|n| format!("{n:012}")).collect();
    let watched = desk.write("Security.json", &filtered(|(n, _)| *n < 3));
    let output = desk.run(&watched, &["--exclude-accounts", &excluded.join(",")]);
    assert_ne!(output.status.code(), Some(1), "{output:?}");
}

#[test]
fn partial_statuses_cannot_begin_a_pack() {
    let desk = Desk::new();
    let file = desk.write("Security.json", &recorded(&[(1, "CREATE_FAILED")]));
    let output = desk.run(&file, &["--partial"]);
    assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(0), ""), "{output:?}");
    assert!(
        stderr(&output).contains("no baseline yet: a run that reads every account makes it"),
        "{output:?}"
    );
    let alone = desk.packwatch(&["run", "--partial"]);
    assert!(stderr(&alone).contains("--statuses"), "{alone:?}");
}

#[test]
fn of_an_account_that_is_there_twice_the_later_row_counts() {
    let row = |status: &str, time: &str| json!({"AccountId": "111122223331", "ConformancePackName": "x", "Status": status, "LastUpdateTime": time});
    let (earlier, later) = ("2026-11-28T21:00:00Z", "2026-11-28T21:30:00Z");
    let (good, bad) = (row("CREATE_SUCCESSFUL", earlier), row("CREATE_FAILED", later));
    for rows in [[&good, &bad], [&bad, &good]] {
        let desk = Desk::new();
        let file = desk.write("Security.json", &json!({LIST: rows}).to_string());
        assert!(stderr(&desk.run(&file, &[])).contains("1 deployment"));
        let board = desk.packwatch(&["board", "--store", "store.sqlite", "--output", "csv"]);
        assert!(stdout(&board).contains("CREATE_FAILED"), "{rows:?}: {board:?}");
        assert!(!stdout(&board).contains("CREATE_SUCCESSFUL"), "{rows:?}: {board:?}");
    }
    let same = run_over(json!({LIST: [bad, bad]}).to_string().as_bytes());
    assert_eq!(same.status.code(), Some(2), "{same:?}");
}

#[test]
fn a_time_out_of_range_is_dropped_alone() {
    let row = |time: &str| {
        format!(
            r#"{{"{LIST}": [{{"AccountId": "111122223331", "ConformancePackName": "x",
            "Status": "CREATE_FAILED", "LastUpdateTime": {time}}}]}}"#
        )
    };
    for (time, kept) in [
        ("-5", "1969-12-31T23:59:55Z"),
        ("-5.5", "1969-12-31T23:59:54.5Z"),
        ("1795007564125", ""),
        ("-1795007564125", ""),
        ("18446744073709551615", ""),
        ("99999999999999999999999", ""),
        ("1e300", ""),
        (r#""2026-11-28T21:00:00.123+00:00""#, "2026-11-28T21:00:00.123Z"),
        ("null", ""),
    ] {
        let desk = Desk::new();
        let file = desk.write("Security.json", &row(time));
        let output = desk.run(&file, &[]);
        assert_eq!(output.status.code(), Some(2), "{time}: {}", stderr(&output));
        let board = stdout(&desk.packwatch(&["board", "--store", "store.sqlite", "--output", "json"]));
        let board: Value = serde_json::from_str(&board).unwrap();
        assert_eq!(board["LastUpdateTime"].as_str().unwrap_or_default(), kept, "{time}");
    }
}

#[test]
fn previews_take_the_same_encodings() {
    let desk = Desk::new();
    let file = desk.write("Security.json", &recorded(&[(1, "CREATE_FAILED")]));
    let document = stdout(&desk.run(&file, &["--dry-run", "--output", "json"]));
    let mut child = desk
        .command(&["preview", "--channel", "sms", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&utf16(&format!("\u{feff}{document}"), u16::to_le_bytes)).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(stdout(&output).contains("now watching"), "{output:?}");
}
