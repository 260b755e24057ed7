//! The command line, as a person or a script uses it, on recorded statuses.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::aws_env;
use crate::harness::dynamo::Dynamo;
use crate::world::World;
use crate::world::packs::account;

/// A folder with a store, and packwatch in it.
pub(crate) struct Desk {
    folder: TempDir,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.path("store.sqlite")
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        std::fs::write(self.path(name), text).unwrap();
        self.path(name).display().to_string()
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_packwatch"));
        command.env_clear().env("HOME", self.folder.path()).current_dir(self.folder.path()).args(args);
        command
    }

    pub(crate) fn packwatch(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// A run over one recorded pack, in the store of the desk.
    pub(crate) fn run(&self, statuses: &str, more: &[&str]) -> Output {
        let store = self.store().display().to_string();
        let mut args = vec!["run", "--statuses", statuses, "--region", "eu-west-1", "--store", &store];
        args.extend(more);
        self.packwatch(&args)
    }
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

pub(crate) fn recorded(rows: &[(u64, &str)]) -> String {
    let row = |(n, status): &(u64, &str)| json!({"AccountId": format!("{n:012}"), "ConformancePackName": "OrgConformsPack-x", "Status": status});
    let rows: Vec<Value> = rows.iter().map(row).collect();
    json!({"OrganizationConformancePackDetailedStatuses": rows}).to_string()
}

#[test]
fn two_days_of_statuses_are_a_baseline_a_digest_and_silence() {
    let desk = Desk::new();
    let day_1 = desk.write("Security.json", &recorded(&[(1, "CREATE_SUCCESSFUL"), (2, "CREATE_SUCCESSFUL")]));
    let baseline = desk.run(&day_1, &[]);
    assert_eq!(baseline.status.code(), Some(2), "{baseline:?}");
    assert!(
        stdout(&baseline).starts_with("Subject: [packwatch] Now watching 1 pack: Security (eu-west-1)"),
        "{baseline:?}"
    );

    let day_2 = desk.write("Security.json", &recorded(&[(1, "UPDATE_FAILED"), (3, "CREATE_SUCCESSFUL")]));
    let digest = desk.run(&day_2, &["--output", "json"]);
    assert_eq!(digest.status.code(), Some(2));
    let document: Value = serde_json::from_str(&stdout(&digest)).unwrap();
    assert_eq!(document["Counts"], json!({"Failed": 1, "Joined": 1, "Left": 1}));

    // Who has the file needs no table.
    let path = desk.store().display().to_string();
    let command = format!("\npackwatch history --store {path} --message ");
    assert!(stdout(&baseline).contains(&command), "{baseline:?}");
    assert_eq!((&document["Table"], &document["Store"]), (&Value::Null, &json!(path)));

    let quiet = desk.run(&day_2, &[]);
    assert_eq!((quiet.status.code(), stdout(&quiet).as_str()), (Some(0), ""));
    assert!(stderr(&quiet).contains("0 changes; sent nothing"), "{quiet:?}");

    let store = desk.store().display().to_string();
    let history = desk.packwatch(&["history", "--store", &store, "--output", "json"]);
    let kinds: Vec<String> = stdout(&history)
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["Kind"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds, ["Joined", "Left", "Failed", "Baseline"]);
    let one = desk.packwatch(&["history", "--store", &store, "--account", "000000000001", "--output", "csv"]);
    assert_eq!(stdout(&one).lines().count(), 2);
    assert!(stdout(&desk.packwatch(&["history", "--store", &store])).contains("UPDATE_FAILED"));
}

#[test]
fn a_dry_run_writes_nothing_and_its_document_can_be_previewed() {
    let desk = Desk::new();
    let statuses = desk.write("Security.json", &recorded(&[(1, "CREATE_FAILED")]));
    let dry = desk.run(&statuses, &["--dry-run", "--output", "json"]);
    assert_eq!(dry.status.code(), Some(2));
    assert!(!desk.store().exists());
    desk.run(&statuses, &[]);
    let before = std::fs::read(desk.store()).unwrap();
    let changed = desk.write("Security.json", &recorded(&[(1, "CREATE_SUCCESSFUL")]));
    let dry = desk.run(&changed, &["--dry-run", "--output", "json"]);
    assert_eq!(std::fs::read(desk.store()).unwrap(), before);

    let document = desk.write("notification.json", &stdout(&dry));
    for (channel, wanted) in [("email", "recovered"), ("sms", "recovered"), ("slack", "client-markdown")] {
        let preview = desk.packwatch(&["preview", "--channel", channel, &document]);
        assert!(stdout(&preview).contains(wanted), "{channel}: {preview:?}");
    }
    let again = desk.packwatch(&["preview", "--channel", "json", &document]);
    assert_eq!(stdout(&again), stdout(&dry));
}

#[test]
fn a_pack_that_was_not_recorded_today_is_not_gone() {
    let desk = Desk::new();
    let one = desk.write("One.json", &recorded(&[(1, "CREATE_SUCCESSFUL")]));
    let two = desk.write("Two.json", &recorded(&[(1, "CREATE_SUCCESSFUL")]));
    desk.run(&one, &["--statuses", &two]);
    assert_eq!(desk.run(&two, &[]).status.code(), Some(0));
}

#[test]
fn statuses_come_through_a_pipe() {
    let desk = Desk::new();
    let store = desk.store().display().to_string();
    let args = ["run", "--statuses", "-", "--region", "eu-west-1", "--store", &store];
    let named = ["--organization-conformance-pack-name", "Security"];
    let mut child = desk
        .command(&[&args[..], &named].concat())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let text = recorded(&[(1, "CREATE_SUCCESSFUL")]);
    std::io::Write::write_all(child.stdin.as_mut().unwrap(), text.as_bytes()).unwrap();
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(2));
    let nameless = desk.packwatch(&args);
    assert!(stderr(&nameless).contains("Name it with --pack"), "{nameless:?}");
}

#[test]
fn bad_input_gets_one_clear_error_and_leaves_the_store_as_it_was() {
    let desk = Desk::new();
    let good = desk.write("Security.json", &recorded(&[(1, "CREATE_SUCCESSFUL")]));
    desk.run(&good, &[]);
    let before = std::fs::read(desk.store()).unwrap();
    let torn = desk
        .write("Torn.json", "{\"OrganizationConformancePackDetailedStatuses\": [\n  {\"AccountId\": 7}]}");
    let cut =
        desk.write("Cut.json", r#"{"OrganizationConformancePackDetailedStatuses": [], "NextToken": "x"}"#);
    let other = desk.write("Other.json", r#"{"Rows": []}"#);
    let missing = desk.path("Missing.json").display().to_string();
    let binary = desk.path("Binary.json");
    std::fs::write(&binary, [0xff, 0xfe, 0x00]).unwrap();
    let binary = binary.display().to_string();
    let settings = ["--stuck-after", "soon", "--exclude-accounts", "12", "--notify", "explosions"];
    let cases: [(&str, &[&str], &[&str]); 8] = [
        (&torn, &[], &["Torn.json", "line 2 column"]),
        (&cut, &[], &["Cut.json", "--max-items"]),
        (&other, &[], &["Other.json", "OrganizationConformancePackDetailedStatuses"]),
        (&missing, &[], &["Missing.json", "No such file"]),
        (&binary, &[], &["Binary.json", "UTF-8"]),
        (
            &good,
            &settings,
            &["3 settings", "PACKWATCH_STUCK_AFTER", "PACKWATCH_EXCLUDE_ACCOUNTS", "PACKWATCH_NOTIFY"],
        ),
        (&good, &["--organization-conformance-pack-name", "9_lives"], &["9_lives"]),
        (&good, &["--statuses", &good], &["given twice"]),
    ];
    for (statuses, more, wanted) in cases {
        let output = desk.run(statuses, more);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        for part in wanted {
            assert!(stderr(&output).contains(part), "{part} is missing in {}", stderr(&output));
        }
        assert_eq!(stderr(&output).matches("error:").count(), 1, "{}", stderr(&output));
    }
    assert_eq!(std::fs::read(desk.store()).unwrap(), before);
}

#[test]
fn a_store_that_is_none_is_named() {
    let desk = Desk::new();
    let statuses = desk.write("Security.json", &recorded(&[(1, "CREATE_SUCCESSFUL")]));
    std::fs::write(desk.store(), "not a database, and long enough to look at".repeat(40)).unwrap();
    let output = desk.run(&statuses, &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("store.sqlite"), "{output:?}");
    let nowhere = desk.path("nowhere.sqlite").display().to_string();
    let history = desk.packwatch(&["history", "--store", &nowhere]);
    assert!(
        stderr(&history).contains("Record something first: `packwatch run` with the same --store"),
        "{history:?}"
    );
    assert!(!Path::new(&nowhere).exists());
}

#[test]
fn help_has_examples_and_wrong_usage_ends_with_1() {
    let desk = Desk::new();
    for command in [&["--help"][..], &["run", "--help"], &["statuses", "--help"], &["history", "--help"]] {
        let help = desk.packwatch(command);
        assert_eq!(help.status.code(), Some(0));
        assert!(stdout(&help).contains("Examples:"), "{command:?}");
    }
    assert_eq!(desk.packwatch(&["rum"]).status.code(), Some(1), "2 means that changes were dispatched");
    assert!(stdout(&desk.packwatch(&["completions", "bash"])).contains("_packwatch"));
}

#[tokio::test]
async fn real_services_from_a_laptop() {
    let world = World::new();
    let topic = "arn:aws:sns:eu-west-1:999999999999:alerts";
    world.add_topic(topic).add_pack("eu-west-1", "Security", 3);
    let served = world.serve().await;
    let dynamo = Dynamo::with_table("packwatch");
    let desk = Desk::new();
    let run = |more: &[&str]| {
        let mut command = desk.command(&["run"]);
        command.envs(aws_env("eu-west-1", &served.url, &dynamo.url)).args(more).output().unwrap()
    };
    // The embedded store and the terminal, with AWS Config itself.
    let store = desk.store().display().to_string();
    let local = run(&["--store", &store]);
    assert_eq!(local.status.code(), Some(2), "{local:?}");
    // The table and the topic.
    assert_eq!(run(&["--table", "packwatch", "--topic", topic]).status.code(), Some(2));
    world.fail("eu-west-1", "Security", &account(2), "UPDATE_FAILED", "C", "m");
    assert_eq!(run(&["--table", "packwatch", "--topic", topic]).status.code(), Some(2));
    assert_eq!(run(&["--table", "packwatch", "--topic", topic]).status.code(), Some(0));
    assert_eq!(world.messages_to(topic).len(), 2);
    let history = desk.command(&["history", "--table", "packwatch", "--output", "json"]);
    let mut history = history;
    let history = history.envs(aws_env("eu-west-1", &served.url, &dynamo.url)).output().unwrap();
    assert!(stdout(&history).contains("UPDATE_FAILED"), "{history:?}");
    // Denied is a failure, and nothing is taken for empty.
    world.deny("eu-west-1");
    let denied = run(&["--store", &store]);
    assert_eq!(denied.status.code(), Some(1));
    assert!(stderr(&denied).contains("delegated administrator"), "{denied:?}");
}
