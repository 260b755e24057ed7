//! The command line's part of the messages, as a person types it.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use super::schema::assert_notification;

fn packwatch(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_packwatch"));
    command.current_dir(folder).env_clear().env("USER", "someone").args(arguments);
    command.output().unwrap()
}

fn text(output: &Output) -> String {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_ne!(output.status.code(), Some(1), "{out}{err}");
    out.into_owned()
}

/// Records so many accounts in a file named after the pack.
fn record(folder: &Path, accounts: u64, status: &str) {
    let rows = (1..=accounts).map(|n| {
        json!({"AccountId": format!("{n:012}"), "ConformancePackName": "OrgConformsPack-x", "Status": status,
            "LastUpdateTime": "2026-11-18T09:00:00Z"})
    });
    let document = json!({"OrganizationConformancePackDetailedStatuses": rows.collect::<Vec<_>>()});
    std::fs::write(folder.join("Security-Baseline.json"), document.to_string()).unwrap();
}

const RUN: [&str; 7] =
    ["run", "--statuses", "Security-Baseline.json", "--region", "eu-west-1", "--store", "s.sqlite"];

#[test]
fn ten_thousand_failures_are_one_message_and_all_of_them_are_in_the_history() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    record(folder, 10_000, "CREATE_SUCCESSFUL");
    packwatch(folder, &RUN);
    record(folder, 10_000, "UPDATE_FAILED");
    let notified = text(&packwatch(folder, &RUN));
    assert_eq!(notified.matches("Subject: ").count(), 1);
    assert!(
        notified.starts_with("Subject: [packwatch] 10,000 accounts failed: Security-Baseline (eu-west-1)"),
        "{notified}"
    );
    let history =
        text(&packwatch(folder, &["history", "--store", "s.sqlite", "--kind", "failed", "--output", "json"]));
    assert_eq!(history.lines().count(), 10_000);
}

#[test]
fn what_a_dry_run_prints_can_be_previewed_in_every_form() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    record(folder, 3, "CREATE_SUCCESSFUL");
    packwatch(folder, &RUN);
    record(folder, 3, "UPDATE_FAILED");
    let dry: Vec<&str> = RUN.into_iter().chain(["--dry-run", "--output", "json"]).collect();
    let document = text(&packwatch(folder, &dry));
    assert_notification(&serde_json::from_str(&document).unwrap());
    std::fs::write(folder.join("n.json"), &document).unwrap();
    let preview = |channel| text(&packwatch(folder, &["preview", "--channel", channel, "n.json"]));
    assert!(preview("email").contains("3 accounts failed"));
    assert!(preview("slack").contains("client-markdown") && preview("sms").len() <= 141);
    assert_eq!(
        serde_json::from_str::<Value>(&preview("json")).unwrap(),
        serde_json::from_str::<Value>(&document).unwrap()
    );
}

#[test]
fn a_silence_is_added_listed_obeyed_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    record(folder, 2, "CREATE_SUCCESSFUL");
    packwatch(folder, &RUN);
    let nothing =
        packwatch(folder, &["silence", "add", "--until", "7d", "--reason", "r", "--store", "s.sqlite"]);
    assert!(String::from_utf8_lossy(&nothing.stderr).contains("--account"), "{nothing:?}");
    let add = [
        "silence",
        "add",
        "--pack",
        "Security-*",
        "--until",
        "7d",
        "--reason",
        "a move",
        "--store",
        "s.sqlite",
    ];
    let id = text(&packwatch(folder, &add));
    let id = id.trim();
    let list = || text(&packwatch(folder, &["silence", "list", "--store", "s.sqlite", "--output", "json"]));
    let listed: Value = serde_json::from_str(&list()).unwrap();
    assert_eq!(
        (&listed["Id"], &listed["By"], &listed["Reason"]),
        (&json!(id), &json!("someone"), &json!("a move"))
    );
    record(folder, 2, "UPDATE_FAILED");
    assert_eq!(text(&packwatch(folder, &RUN)), "");
    assert!(text(&packwatch(folder, &["history", "--store", "s.sqlite"])).contains("silenced"));
    text(&packwatch(folder, &["silence", "remove", id, "--store", "s.sqlite"]));
    assert_eq!(list(), "");
    let notified = text(&packwatch(folder, &RUN));
    assert!(
        notified.contains("2 accounts failed") && notified.contains("its silence has ended"),
        "{notified}"
    );
    let twice = packwatch(folder, &["silence", "remove", id, "--store", "s.sqlite"]);
    assert_eq!(twice.status.code(), Some(1));
}
