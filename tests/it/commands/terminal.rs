//! What a person sees: a pseudo-terminal of 80 and of 120 columns. `script` (bsdutils, on every Debian) is the terminal.

use std::process::Output;

use serde_json::{Value, json};

use crate::commands::cli::{Desk, recorded, stderr, stdout};
use crate::harness::aws_env;
use crate::harness::dynamo::Dynamo;
use crate::harness::dynamo_faults::Fault;
use crate::world::World;
use crate::world::packs::account;

impl Desk {
    /// packwatch on a terminal of so many columns; both streams are on it.
    fn on_terminal(&self, columns: u32, args: &[&str], variables: &[(String, String)]) -> Output {
        let quoted = |arg: &&str| format!("'{}'", arg.replace('\'', r"'\''"));
        let words = std::iter::once(&env!("CARGO_BIN_EXE_packwatch")).chain(args).map(quoted);
        let line = words.collect::<Vec<_>>().join(" ");
        let mut command = std::process::Command::new("script");
        command.args(["--quiet", "--return", "--flush", "--command", &line, "/dev/null"]);
        command
            .env_clear()
            .env("HOME", self.path(""))
            .env("PATH", "/usr/bin:/bin")
            .current_dir(self.path(""));
        command.env("COLUMNS", columns.to_string()).env("NO_COLOR", "1").env("TERM", "xterm");
        command.envs(variables.iter().cloned()).stdin(std::process::Stdio::null()).output().unwrap()
    }

    pub(crate) fn shown(&self, columns: u32, args: &[&str]) -> String {
        let output = self.on_terminal(columns, args, &[]);
        let text = String::from_utf8(output.stdout).unwrap().replace("\r\n", "\n");
        for line in text.lines() {
            assert!(line.chars().count() <= columns as usize, "{columns} columns: {line:?}");
        }
        text
    }
}

fn row(n: usize, status: &str, code: &str, message: &str) -> Value {
    let mut row = json!({"AccountId": account(n), "ConformancePackName": "OrgConformsPack-x-1a2b3c4d",
        "Status": status, "LastUpdateTime": format!("2026-11-16T09:{:02}:00+00:00", n % 60)});
    if !code.is_empty() {
        row["ErrorCode"] = json!(code);
        row["ErrorMessage"] = json!(message);
    }
    row
}

const RECORDER: &str = "NoAvailableConfigurationRecorderException";
const MESSAGE: &str =
    "Unable to create the conformance pack: there is no configuration recorder in the account.";

/// Three packs of 40 accounts on two days, the second of which goes wrong.
fn desk() -> Desk {
    let desk = Desk::new();
    let names =
        ["Operational-Best-Practices-for-NIST-800-53-rev-5", "Operational-Best-Practices-for-PCI", "Cost"];
    let good = (1..=40).map(|n| row(n, "CREATE_SUCCESSFUL", "", "")).collect::<Vec<_>>();
    for (day, now) in ["2026-11-16T08:00:00Z", "2026-11-16T12:00:00Z"].into_iter().enumerate() {
        for name in names {
            let mut rows = good.clone();
            if day == 1 && name != "Cost" {
                for n in 1..=7 {
                    rows[n - 1] = row(n, "UPDATE_FAILED", RECORDER, MESSAGE);
                }
                rows[8] = row(9, "UPDATE_IN_PROGRESS", "", "");
                rows[9] =
                    row(10, "UPDATE_FAILED", "AccessDenied", "Not allowed to perform config:PutConfigRule");
            }
            let document = json!({"OrganizationConformancePackDetailedStatuses": rows}).to_string();
            let file = desk.write(&format!("{name}.json"), &document);
            let run = desk.run(&file, &["--now", now]);
            assert!(matches!(run.status.code(), Some(0 | 2)), "{run:?}");
        }
    }
    desk
}

#[test]
fn the_board_fits_80_and_120_columns() {
    let desk = desk();
    let store = desk.store().display().to_string();
    let board = ["board", "--store", &store, "--limit", "6"];
    let shown = |columns| desk.shown(columns, &board);
    insta::assert_snapshot!(shown(80), @r"
    Unhealthy: 18 of 120 deployments in 9 of 40 accounts, 3 packs

    All: Region eu-west-1; Accounts 40

    Pack                                    Failed  Stuck  Healthy  Compared (UTC)
    ────────────────────────────────────────────────────────────────────────────────
    Cost                                         0      0       40  2026-11-16 08:00
    Operational-Best-Pr…-NIST-800-53-rev-5       8      1       31  2026-11-16 12:00
    Operational-Best-Practices-for-PCI           8      1       31  2026-11-16 12:00
    Left out: Read in full (UTC), Changed (UTC). `| less -S` shows them

    All: Region eu-west-1

    Pack                   Account       Status              Notes  Since (UTC)
    ────────────────────────────────────────────────────────────────────────────────
    NoAvailableConfigurationRecorderException: 14 deployments in 7 accounts
      AWS Config is not set up in this account and region: there is no configuration
      recorder. Turn on AWS Config there: create a customer managed configuration
      recorder, and start it. AWS Config tries again by itself for 7 hours after an
      account was added; later, deploy the pack again.
    Operationa…0-53-rev-5  100000000007  UPDATE_FAILED              2026-11-16 09:07
    Operationa…es-for-PCI  100000000007  UPDATE_FAILED              2026-11-16 09:07
    Operationa…0-53-rev-5  100000000006  UPDATE_FAILED              2026-11-16 09:06
    Operationa…es-for-PCI  100000000006  UPDATE_FAILED              2026-11-16 09:06
    Operationa…0-53-rev-5  100000000005  UPDATE_FAILED              2026-11-16 09:05
    Operationa…es-for-PCI  100000000005  UPDATE_FAILED              2026-11-16 09:05
    … and 8 more deployments

    AccessDenied: 2 deployments in 1 account
      AWS Config lacks a permission that the pack needs. Find the denied action in
      the message, and who was denied. The end of the message may name the kind of
      policy that denies it.
    Operationa…0-53-rev-5  100000000010  UPDATE_FAILED              2026-11-16 09:10
    Operationa…es-for-PCI  100000000010  UPDATE_FAILED              2026-11-16 09:10

    Stuck in progress: 2 deployments in 1 account
      The deployment is taking longer than it should. In that account, run aws
      configservice describe-conformance-pack-status. If it names a stack, the
      stack's events in AWS CloudFormation show what it is waiting for.
    Operationa…0-53-rev-5  100000000009  UPDATE_IN_PROGRESS  stuck  2026-11-16 09:09
    Operationa…es-for-PCI  100000000009  UPDATE_IN_PROGRESS  stuck  2026-11-16 09:09
    Left out: Message. `| less -S` shows them

    --limit N shows more, and --failing --output csv all of them
    ");
    insta::assert_snapshot!(shown(120), @r"
    Unhealthy: 18 of 120 deployments in 9 of 40 accounts, 3 packs

    All: Region eu-west-1; Accounts 40

    Pack                                      Failed  Stuck  Healthy  Read in full (UTC)  Compared (UTC)    Changed (UTC)
    ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
    Cost                                           0      0       40  2026-11-16 08:00    2026-11-16 08:00  2026-11-16 08:00
    Operational-Best-Pra…r-NIST-800-53-rev-5       8      1       31  2026-11-16 12:00    2026-11-16 12:00  2026-11-16 12:00
    Operational-Best-Practices-for-PCI             8      1       31  2026-11-16 12:00    2026-11-16 12:00  2026-11-16 12:00

    All: Region eu-west-1

    Pack                            Account       Status              Notes  Since (UTC)       Message
    ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
    NoAvailableConfigurationRecorderException: 14 deployments in 7 accounts
      AWS Config is not set up in this account and region: there is no configuration recorder. Turn on AWS Config there:
      create a customer managed configuration recorder, and start it. AWS Config tries again by itself for 7 hours after an
      account was added; later, deploy the pack again.
    Operational-Bes…T-800-53-rev-5  100000000007  UPDATE_FAILED              2026-11-16 09:07  Unable to crea…n the account.
    Operational-Bes…ctices-for-PCI  100000000007  UPDATE_FAILED              2026-11-16 09:07  Unable to crea…n the account.
    Operational-Bes…T-800-53-rev-5  100000000006  UPDATE_FAILED              2026-11-16 09:06  Unable to crea…n the account.
    Operational-Bes…ctices-for-PCI  100000000006  UPDATE_FAILED              2026-11-16 09:06  Unable to crea…n the account.
    Operational-Bes…T-800-53-rev-5  100000000005  UPDATE_FAILED              2026-11-16 09:05  Unable to crea…n the account.
    Operational-Bes…ctices-for-PCI  100000000005  UPDATE_FAILED              2026-11-16 09:05  Unable to crea…n the account.
    … and 8 more deployments

    AccessDenied: 2 deployments in 1 account
      AWS Config lacks a permission that the pack needs. Find the denied action in the message, and who was denied. The end
      of the message may name the kind of policy that denies it.
    Operational-Bes…T-800-53-rev-5  100000000010  UPDATE_FAILED              2026-11-16 09:10  Not allowed to…:PutConfigRule
    Operational-Bes…ctices-for-PCI  100000000010  UPDATE_FAILED              2026-11-16 09:10  Not allowed to…:PutConfigRule

    Stuck in progress: 2 deployments in 1 account
      The deployment is taking longer than it should. In that account, run aws configservice
      describe-conformance-pack-status. If it names a stack, the stack's events in AWS CloudFormation show what it is
      waiting for.
    Operational-Bes…T-800-53-rev-5  100000000009  UPDATE_IN_PROGRESS  stuck  2026-11-16 09:09
    Operational-Bes…ctices-for-PCI  100000000009  UPDATE_IN_PROGRESS  stuck  2026-11-16 09:09

    --limit N shows more, and --failing --output csv all of them
    ");
}

#[test]
fn the_history_fits_80_and_120_columns() {
    let desk = desk();
    let store = desk.store().display().to_string();
    let history = ["history", "--store", &store, "--limit", "4"];
    insta::assert_snapshot!(tidy(&desk.shown(80, &history)), @r"
    All: Observed (UTC) 2026-11-16 12:00; Region eu-west-1; Pack
         Operational-Best-Practices-for-PCI; From CREATE_SUCCESSFUL

    Account       Kind    To                  Error               Message
    ────────────────────────────────────────────────────────────────────────────────
    100000000010  Failed  UPDATE_FAILED       AccessDenied        Not allow…nfigRule
    100000000009  Stuck   UPDATE_IN_PROGRESS
    100000000007  Failed  UPDATE_FAILED       NoAvailab…xception  Unable to…account.
    100000000006  Failed  UPDATE_FAILED       NoAvailab…xception  Unable to…account.
    Left out: Incident. `| less -S` shows them
    Truncated after 4 changes: there are more. Raise --limit
    ");
    insta::assert_snapshot!(tidy(&desk.shown(120, &history)), @r"
    All: Observed (UTC) 2026-11-16 12:00; Region eu-west-1; Pack Operational-Best-Practices-for-PCI; From CREATE_SUCCESSFUL

    Account       Kind    To                  Error                              Message                            Incident
    ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
    100000000010  Failed  UPDATE_FAILED       AccessDenied                       Not allowed to p…ig:PutConfigRule  00000000
    100000000009  Stuck   UPDATE_IN_PROGRESS                                                                        00000000
    100000000007  Failed  UPDATE_FAILED       NoAvailableConfi…ecorderException  Unable to create… in the account.  00000000
    100000000006  Failed  UPDATE_FAILED       NoAvailableConfi…ecorderException  Unable to create… in the account.  00000000
    Truncated after 4 changes: there are more. Raise --limit
    ");
}

/// Ids are of the random birth of a history.
fn tidy(text: &str) -> String {
    let is_id = |word: &str| word.len() == 8 && word.chars().all(|c| c.is_ascii_hexdigit());
    let word = |word: &str| {
        if is_id(word.trim_end()) { word.replace(char::is_alphanumeric, "0") } else { word.to_owned() }
    };
    text.split_inclusive([' ', '\n']).map(word).collect()
}

#[tokio::test]
async fn statuses_fit_80_and_120_columns() {
    let world = World::new();
    world.set_clock(1_795_007_564.125).add_pack("eu-west-1", "Security", 4);
    world.fail("eu-west-1", "Security", &account(2), "CREATE_FAILED", RECORDER, MESSAGE);
    let served = world.serve().await;
    let desk = Desk::new();
    let statuses = ["statuses", "--pack", "Security", "--output", "table"];
    let environment = aws_env("eu-west-1", &served.url, "http://127.0.0.1:9");
    let shown = |columns| {
        let output = desk.on_terminal(columns, &statuses, &environment);
        String::from_utf8(output.stdout).unwrap().replace("\r\n", "\n")
    };
    insta::assert_snapshot!(shown(80), @r"
    All: Pack in the account OrgConformsPack-Security-7b4dc21c; Updated (UTC)
         2026-11-18 13:12

    Account       Status             Error                    Message
    ────────────────────────────────────────────────────────────────────────────────
    100000000001  CREATE_SUCCESSFUL
    100000000002  CREATE_FAILED      NoAvailable…erException  Unable to c…e account.
    100000000003  CREATE_SUCCESSFUL
    100000000004  CREATE_SUCCESSFUL
    ");
    insta::assert_snapshot!(shown(120), @r"
    All: Pack in the account OrgConformsPack-Security-7b4dc21c; Updated (UTC) 2026-11-18 13:12

    Account       Status             Error                                      Message
    ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
    100000000001  CREATE_SUCCESSFUL
    100000000002  CREATE_FAILED      NoAvailableConfigurationRecorderException  Unable to create the c…order in the account.
    100000000003  CREATE_SUCCESSFUL
    100000000004  CREATE_SUCCESSFUL
    ");
}

#[test]
fn silences_fit_80_and_120_columns() {
    let desk = desk();
    let store = desk.store().display().to_string();
    let long = "is being closed by the end of the quarter, ask the team in the channel #platform";
    for (until, reason) in [("2096-12-01", "CHG-1042"), ("2096-12-24", long)] {
        let add = ["silence", "add", "--store", &store, "--until", until, "--by", "ada", "--reason", reason];
        let accounts = [account(1), account(2)];
        let accounts = accounts.iter().flat_map(|account| ["--account", account]);
        let pack = ["--pack", "Operational-Best-Practices-for-*"];
        let args: Vec<&str> = add.into_iter().chain(pack).chain(accounts).collect();
        assert!(desk.packwatch(&args).status.success());
    }
    let list = ["silence", "list", "--store", &store];
    let shown = |columns| desk.shown(columns, &list).lines().map(hidden).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(shown(80), @r"
    All: Accounts 100000000001, 100000000002; Packs
         Operational-Best-Practices-for-*; By ada

    Id        Until (UTC)       Reason
    ────────────────────────────────────────────────────────────────────────────────
    xxxxxxxx  2096-12-01 00:00  CHG-1042
    xxxxxxxx  2096-12-24 00:00  is being closed by the end… in the channel #platform
    ");
    insta::assert_snapshot!(shown(120), @r"
    All: Accounts 100000000001, 100000000002; Packs Operational-Best-Practices-for-*; By ada

    Id        Until (UTC)       Reason
    ────────────────────────────────────────────────────────────────────────────────────────────────────────────
    xxxxxxxx  2096-12-01 00:00  CHG-1042
    xxxxxxxx  2096-12-24 00:00  is being closed by the end of the quarter, ask the team in the channel #platform
    ");
}

/// A random id, which a line begins with, as xs.
fn hidden(line: &str) -> String {
    match line.split_at_checked(8) {
        Some((id, rest)) if id.chars().all(|c| c.is_ascii_hexdigit()) => format!("xxxxxxxx{rest}"),
        _ => line.to_owned(),
    }
}

#[test]
fn piped_tables_hold_everything() {
    let desk = desk();
    let store = desk.store().display().to_string();
    let board = ["board", "--store", &store];
    let piped = stdout(&desk.packwatch(&board));
    assert!(piped.contains("Operational-Best-Practices-for-NIST-800-53-rev-5"), "{piped}");
    assert!(
        piped.contains(MESSAGE) && piped.contains("Unrecognised") && piped.contains("eu-west-1"),
        "{piped}"
    );
}

/// Nothing for what is quick, and a line for what is not.
#[tokio::test]
async fn who_waits_for_more_than_a_second_sees_how_far_it_is() {
    let world = World::new();
    world.add_pack("eu-west-1", "Security", 150);
    let served = world.serve().await;
    let desk = Desk::new();
    let statuses = ["statuses", "--pack", "Security", "--output", "csv"];
    let environment = aws_env("eu-west-1", &served.url, "http://127.0.0.1:9");
    let quick = desk.on_terminal(80, &statuses, &environment);
    assert!(!String::from_utf8_lossy(&quick.stdout).contains("read"), "{quick:?}");
    world.latency(std::time::Duration::from_millis(900));
    let slow = desk.on_terminal(80, &statuses, &environment);
    assert!(String::from_utf8_lossy(&slow.stdout).contains("1 page read"), "{slow:?}");
    let mut command = desk.command(&statuses);
    let piped = command.envs(environment).output().unwrap();
    assert_eq!(stderr(&piped), "");
}

#[tokio::test]
async fn every_command_that_waits_says_what_for() {
    let world = World::new();
    world.add_pack("eu-west-1", "Security", 2).latency(std::time::Duration::from_millis(1600));
    let served = world.serve().await;
    let dynamo = Dynamo::with_table("packwatch");
    dynamo.fault("Query", Fault::Delay(std::time::Duration::from_millis(1600)), 100);
    let environment = aws_env("eu-west-1", &served.url, &dynamo.url);
    let (table, recorded) = (["--table", "packwatch"], "reading what was recorded");
    let silence = ["--pack", "S", "--until", "1d", "--reason", "r"];
    let commands: [(&[&str], &[&str], &str); 6] = [
        (&["run", "--dry-run"], &table, "reading the packs"),
        (&["board"], &table, recorded),
        (&["history"], &table, recorded),
        (&["silence", "list"], &table, "reading the silences"),
        (&["silence", "add"], &[&table[..], &silence].concat(), "looking at what it covers"),
        (&["doctor", "--timeout", "3s"], &["--function", "packwatch"], "asking AWS"),
    ];
    std::thread::scope(|scope| {
        for (command, more, wanted) in commands {
            let environment = &environment;
            scope.spawn(move || {
                let shown = Desk::new().on_terminal(80, &[command, more].concat(), environment);
                assert!(String::from_utf8_lossy(&shown.stdout).contains(wanted), "{command:?}: {shown:?}");
            });
        }
    });
}

#[test]
fn a_summary_counts_packs_deployments_and_changes() {
    let desk = Desk::new();
    let rows: Vec<(u64, &str)> = (1..=1500).map(|n| (n, "CREATE_SUCCESSFUL")).collect();
    let one = desk.write("One.json", &recorded(&rows));
    let two = desk.write("Two.json", &recorded(&rows));
    let dry = desk.run(&one, &["--statuses", &two, "--dry-run"]);
    let wanted = "2 packs: 3,000 deployments; 0 changes; would send 1 message";
    assert_eq!(stderr(&dry).trim_end(), wanted);
    let first = desk.run(&one, &["--statuses", &two]);
    assert!(stderr(&first).trim_end().ends_with("0 changes; sent 1 message"), "{first:?}");
    let second = desk.run(&one, &["--statuses", &two, "--dry-run"]);
    assert!(stderr(&second).trim_end().ends_with("0 changes; would send nothing"), "{second:?}");
}
