//! The board on the terminal, as CSV and JSON, and the frame and the data of its page. What a browser makes of the page
//! is in scripts/board_in_chromium.py.

use jiff::{SignedDuration, Timestamp};
use packwatch::local::SqliteStore;
use packwatch::model::Status;
use packwatch::ports::SnapshotStore;
use packwatch::state::commit::{Change, Closing, Commit, Snapshot};
use packwatch::state::head::{Hint, SharedSettings};
use packwatch::state::log::{LogPart, PackEvent, Position};
use packwatch::state::{Row, State};
use serde_json::{Value, json};

use crate::commands::cli::{Desk, stderr, stdout};
use crate::harness::aws_env;
use crate::harness::commits::{commit, commit_of};
use crate::harness::dynamo::Dynamo;
use crate::stores::contract::{change, closing, dynamo_store, target};
use crate::world::World;
use crate::world::packs::account;

fn row(n: u64, status: &str) -> Value {
    json!({"AccountId": format!("{n:012}"), "ConformancePackName": "x", "Status": status,
        "LastUpdateTime": "2026-11-16T09:00:00+00:00"})
}

fn failed(n: u64, code: &str, message: &str) -> Value {
    let mut row = row(n, "UPDATE_FAILED");
    row["ErrorCode"] = json!(code);
    row["ErrorMessage"] = json!(message);
    row["LastUpdateTime"] = json!(format!("2026-11-16T09:0{n}:00+00:00"));
    row
}

fn statuses(rows: &[Value]) -> String {
    json!({"OrganizationConformancePackDetailedStatuses": rows}).to_string()
}

/// Two packs of four accounts, of which some are unhealthy.
fn desk() -> Desk {
    let desk = Desk::new();
    let security = [
        failed(1, "NoAvailableConfigurationRecorderException", "There is no\nrecorder \u{202E}</script>"),
        row(2, "CREATE_IN_PROGRESS"),
        row(3, "CREATE_SUCCESSFUL"),
        row(4, "UPDATE_SUCCESSFUL"),
    ];
    let cost = [row(1, "UPDATE_SUCCESSFUL"), failed(2, "=cmd|' /C calc'!A0", "no"), row(3, "RETIRED")];
    for (pack, rows) in [("Security", &security[..]), ("Cost", &cost[..])] {
        let file = desk.write(&format!("{pack}.json"), &statuses(rows));
        let run = desk.run(&file, &["--now", "2026-11-16T12:00:00Z"]);
        assert_eq!(run.status.code(), Some(2), "{run:?}");
    }
    desk.write(
        "accounts.json",
        &json!({"Accounts": [{"Id": "000000000001", "Name": "payments\u{202E}-prod"}]}).to_string(),
    );
    desk
}

fn board(desk: &Desk, more: &[&str]) -> std::process::Output {
    let store = desk.store().display().to_string();
    let names: &[&str] = if more.contains(&"--accounts") { &[] } else { &["--accounts", "accounts.json"] };
    desk.packwatch(&[&["board", "--store", &store], names, more].concat())
}

#[test]
fn the_terminal_shows_packs_by_statuses_and_who_is_unhealthy() {
    let desk = desk();
    let shown = stdout(&board(&desk, &[]));
    let shown: Vec<&str> = shown.lines().filter(|line| !line.starts_with('─')).map(str::trim_end).collect();
    insta::assert_snapshot!(shown.join("\n"), @r"
    Unhealthy: 4 of 7 deployments in 3 of 4 accounts, 2 packs

    Region     Pack      Accounts  Failed  Unrecognised  Stuck  In progress  Healthy  Read in full (UTC)  Compared (UTC)    Changed (UTC)
    eu-west-1  Cost             3       1             1      0            0        1  2026-11-16 12:00    2026-11-16 12:00  2026-11-16 12:00
    eu-west-1  Security         4       1             0      1            0        2  2026-11-16 12:00    2026-11-16 12:00  2026-11-16 12:00

    Region     Pack      Account       Name           Status              Notes  Retries  Since (UTC)       Message
    =cmd|' /C calc'!A0: 1 deployment in 1 account
      AWS Config could not deploy the pack to the account. In that account, run aws configservice describe-conformance-pack-status. If it names a stack, the stack's events in AWS CloudFormation show why.
    eu-west-1  Cost      000000000002                 UPDATE_FAILED                    0  2026-11-16 09:02  no

    NoAvailableConfigurationRecorderException: 1 deployment in 1 account
      AWS Config is not set up in this account and region: there is no configuration recorder. Turn on AWS Config there: create a customer managed configuration recorder, and start it. AWS Config tries again by itself for 7 hours after an account was added; later, deploy the pack again.
    eu-west-1  Security  000000000001  payments-prod  UPDATE_FAILED                    0  2026-11-16 09:01  There is no recorder </script>

    RETIRED: 1 deployment in 1 account
      AWS Config reports a status that this version of packwatch does not know. Look it up on AWS's page, and update packwatch.
    eu-west-1  Cost      000000000003                 RETIRED                          0  2026-11-16 09:00

    Stuck in progress: 1 deployment in 1 account
      The deployment is taking longer than it should. In that account, run aws configservice describe-conformance-pack-status. If it names a stack, the stack's events in AWS CloudFormation show what it is waiting for.
    eu-west-1  Security  000000000002                 CREATE_IN_PROGRESS  stuck        0  2026-11-16 09:00
    ");
    let cut = stdout(&board(&desk, &["--limit", "0"]));
    assert!(cut.contains("… and 1 more deployment") && cut.contains("--failing --output csv"), "{cut}");
    let one = stdout(&board(&desk, &["--pack", "Sec*"]));
    assert!(one.contains("Security") && !one.contains("Cost"), "{one}");
}

/// In each form: since when the account is unhealthy, and how often AWS Config has tried again.
#[test]
fn every_form_says_how_long_it_is_so_and_how_often_it_was_tried_again() {
    let desk = Desk::new();
    desk.write("accounts.json", r#"{"Accounts": []}"#);
    for (hour, n) in [(8, 1), (9, 1), (10, 2), (11, 3)] {
        let rows = [if hour == 8 { row(1, "CREATE_SUCCESSFUL") } else { failed(n, "C", "m") }];
        let rows = rows.map(|mut row| {
            row["AccountId"] = json!("000000000001");
            row
        });
        let file = desk.write("Pack.json", &statuses(&rows));
        desk.run(&file, &["--now", &format!("2026-11-16T{hour:02}:00:00Z")]);
    }
    let json = stdout(&board(&desk, &["--output", "json"]));
    let json: Value = serde_json::from_str(json.trim()).unwrap();
    assert_eq!((&json["FailingSince"], &json["TriedAgain"]), (&json!("2026-11-16T09:01:00Z"), &json!(2)));
    let table = stdout(&board(&desk, &[]));
    assert!(table.contains("UPDATE_FAILED               2  2026-11-16 09:01  m"), "{table}");
    let page = stdout(&board(&desk, &["--output", "html"]));
    assert_eq!(data(&page)["packs"][0]["again"], json!([2]), "board_in_chromium.py has what is made of it");
}

/// A pack of this many healthy accounts, which was read in full so many hours ago, and long before that changed.
async fn pack_read(store: &SqliteStore, name: &str, accounts: u64, hours: i64) {
    let (snapshot, ago) = (Snapshot::default(), |hours| Timestamp::now() - SignedDuration::from_hours(hours));
    let mut commit = commit_of(None, &snapshot, vec![change(1, 1)], closing(PackEvent::Baseline, 1));
    commit.head.committed_at = ago(100);
    commit.head.last_full_scan_at = Some(ago(hours).as_second());
    commit.head.accounts = [(Status::new("CREATE_SUCCESSFUL"), accounts)].into();
    store.commit(&target(name), &commit).await.unwrap();
}

/// A dead packwatch does not look healthy: it is said at the top, in each form.
#[tokio::test]
async fn what_is_out_of_date_is_said_at_the_top() {
    let desk = Desk::new();
    desk.write("accounts.json", r#"{"Accounts": []}"#);
    let store = SqliteStore::open(&desk.store()).unwrap();
    pack_read(&store, "Large", 2_000, 4).await;
    pack_read(&store, "Small", 10, 90).await;
    let shown = |form: &str| board(&desk, &["--output", form]);
    let is_loud =
        || stdout(&shown("table")).starts_with("OUT OF DATE: there are packs that were last compared at ");
    assert!(!is_loud(), "nobody knows when the next run is to be");
    store.put_settings(&SharedSettings::new()).await.unwrap();
    assert!(is_loud(), "by the default of an hour: {}", stdout(&shown("table")));
    for form in ["csv", "json"] {
        let output = shown(form);
        assert!(
            stderr(&output).contains("warning: OUT OF DATE") && !stdout(&output).contains("OUT"),
            "{output:?}"
        );
    }
    let page = data(&stdout(&shown("html")));
    assert!(page["late"].as_str().unwrap().starts_with("OUT OF DATE"), "{page}");
    let hours = |field: &str| page["packs"][0][field].as_i64().unwrap() / 3600;
    assert_eq!(["full", "compared", "changed"].map(hours), [4, 4, 100]);

    // As the function has it.
    let every =
        |every: &str| SharedSettings::from([("PACKWATCH_FULL_SCAN_EVERY".to_owned(), every.to_owned())]);
    store.put_settings(&every("2h")).await.unwrap();
    assert!(!is_loud());
    store.put_settings(&every("1h")).await.unwrap();
    assert!(is_loud());
    // A quiet full scan leaves its time.
    store.hint(&target("Large"), &Hint::FullScanAt(Timestamp::now().as_second())).await.unwrap();
    assert!(!is_loud());
    assert_eq!(data(&stdout(&shown("html")))["late"], Value::Null);
}

/// The page has what happened to the packs, those that are gone, too.
#[tokio::test]
async fn the_page_has_the_packs_that_came_and_went() {
    let desk = desk();
    let store = SqliteStore::open(&desk.store()).unwrap();
    for (name, event, epoch) in [("Gone", PackEvent::Baseline, 1), ("Gone", PackEvent::PackDeleted, 2)] {
        commit(&store, &target(name), Vec::new(), closing(event, epoch)).await.unwrap();
    }
    let page = data(&stdout(&board(&desk, &["--output", "html"])));
    let mut events: Vec<String> = page["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| format!("{} {}", e[2].as_str().unwrap(), e[3].as_str().unwrap()))
        .collect();
    events.sort();
    let wanted = [
        "Cost first seen with 3",
        "Gone deleted with 3",
        "Gone first seen with 3",
        "Security first seen with 4",
    ];
    assert_eq!(events, wanted.map(|text| format!("{} accounts", text)));
    assert_eq!(page["packs"].as_array().unwrap().len(), 2);
}

/// 50 packs in 10,000 accounts, with more small changes than the page shows.
#[tokio::test]
async fn the_largest_board_takes_two_hundred_requests() {
    const PACKS: u64 = 50;
    let dynamo = Dynamo::with_table("packwatch");
    let store = dynamo_store(&dynamo).await;
    let healthy = |n| {
        let row = Row { state: State::of(Status::new("CREATE_SUCCESSFUL")), ..Row::default() };
        Change { row: Some(row), transition: None, ..change(n, 1) }
    };
    let rows = (1..=10_000).map(|n| if n % 100 == 0 { change(n, 1) } else { healthy(n) }).collect();
    let first = commit_of(None, &Snapshot::default(), rows, closing(PackEvent::Baseline, 1));
    let one_part =
        commit_of(Some(&first.head), &Snapshot::default(), vec![change(1, 2)], Closing::default()).parts;
    for pack in 0..PACKS {
        let target = target(&format!("P{pack:02}"));
        store.commit(&target, &first).await.unwrap();
        let mut head = first.head.clone();
        for _ in 0..5 {
            head.epoch += 1;
            let parts = (1..=90).map(|part| {
                let position = Position { epoch: head.epoch, part };
                let previous = std::mem::replace(&mut head.log_end, position);
                LogPart { position, previous, ..one_part[0].clone() }
            });
            let parts = parts.collect();
            let commit = Commit { head: head.clone(), chunks: Vec::new(), parts };
            store.commit(&target, &commit).await.unwrap();
        }
    }
    dynamo.reset_requests();
    let desk = Desk::new();
    desk.write("accounts.json", r#"{"Accounts": []}"#);
    let args = ["board", "--table", "packwatch", "--accounts", "accounts.json", "--output", "html"];
    let mut command = desk.command(&args);
    let output = command.envs(aws_env("eu-west-1", "http://127.0.0.1:9", &dynamo.url)).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let page = data(&stdout(&output));
    let length = |name: &str| page[name].as_array().unwrap().len();
    assert_eq!((length("accounts"), length("moves") / 7 + length("events")), (10_000, 20_000));
    // The heads, each snapshot, the newest parts of each log, and more of those that the page shows.
    let requests = dynamo.counts();
    assert!(requests["Query"] <= 200 && requests.len() == 1, "{requests:?}");
}

/// Neither of these is "all healthy".
#[test]
fn a_board_of_nothing_or_of_a_part_says_so() {
    let desk = desk();
    let said = |args: &[&str], wanted: &[&str]| {
        let output = board(&desk, args);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {output:?}");
        assert!(!stdout(&output).contains("All healthy"), "{output:?}");
        for part in wanted {
            assert!(stderr(&output).contains(part), "{part}: {}", stderr(&output));
        }
        stdout(&output)
    };
    for form in ["table", "csv", "json", "html"] {
        let shown = said(
            &["--output", form, "--pack", "Securty"],
            &["no recorded pack fits \"Securty\"", "Did you mean \"Security\"?"],
        );
        assert_eq!(shown, "");
        said(
            &["--output", form, "--pack-region", "us-east-1"],
            &["no pack is recorded in us-east-1, but in eu-west-1"],
        );
    }
    let database = rusqlite::Connection::open(desk.store()).unwrap();
    database.execute("UPDATE items SET body = '{}' WHERE sk LIKE 'head#%#Cost'", []).unwrap();
    let shown = said(&[], &["an item of Cost in eu-west-1 is damaged"]);
    assert!(shown.contains("Security"), "{shown}");
    let history = desk.packwatch(&["history", "--store", &desk.store().display().to_string()]);
    assert!(history.status.code() == Some(1) && stderr(&history).contains("is damaged"), "{history:?}");
    // A store in which nobody has recorded anything.
    let empty = Desk::new();
    drop(SqliteStore::open(&empty.store()).unwrap());
    let nothing = board(&empty, &["--accounts", &desk.path("accounts.json").display().to_string()]);
    assert_eq!((nothing.status.code(), stdout(&nothing).as_str()), (Some(1), ""), "{nothing:?}");
    let wanted = format!("nothing is recorded in {}", empty.store().display());
    assert!(stderr(&nothing).contains(&wanted), "{nothing:?}");
}

#[test]
fn csv_has_every_account_and_no_formulas() {
    let desk = desk();
    // The ids of incidents are of a random history.
    let csv = stdout(&board(&desk, &["--output", "csv"]));
    let (rows, ids): (Vec<_>, Vec<_>) = csv.lines().map(|line| line.rsplit_once(',').unwrap()).unzip();
    assert_eq!(ids.iter().map(|id| id.len()).collect::<Vec<_>>(), [10, 0, 32, 32, 32, 32, 0, 0]);
    insta::assert_snapshot!(rows.join("\n"), @r"
    Region,OrganizationConformancePackName,AccountId,AccountName,Status,Notes,TriedAgain,FailingSince,LastUpdateTime,ErrorCode,ErrorMessage
    eu-west-1,Cost,000000000001,payments-prod,UPDATE_SUCCESSFUL,,,,2026-11-16T09:00:00Z,,
    eu-west-1,Cost,000000000002,,UPDATE_FAILED,,0,2026-11-16T09:02:00Z,2026-11-16T09:02:00Z,'=cmd|' /C calc'!A0,no
    eu-west-1,Cost,000000000003,,RETIRED,,0,2026-11-16T09:00:00Z,2026-11-16T09:00:00Z,,
    eu-west-1,Security,000000000001,payments-prod,UPDATE_FAILED,,0,2026-11-16T09:01:00Z,2026-11-16T09:01:00Z,NoAvailableConfigurationRecorderException,There is no recorder </script>
    eu-west-1,Security,000000000002,,CREATE_IN_PROGRESS,stuck,0,2026-11-16T09:00:00Z,2026-11-16T09:00:00Z,,
    eu-west-1,Security,000000000003,,CREATE_SUCCESSFUL,,,,2026-11-16T09:00:00Z,,
    eu-west-1,Security,000000000004,,UPDATE_SUCCESSFUL,,,,2026-11-16T09:00:00Z,,
    ");
    let failing = stdout(&board(&desk, &["--output", "csv", "--failing"]));
    assert_eq!(failing.lines().count(), 1 + 4, "{failing}");
}

#[test]
fn json_has_one_document_a_line() {
    let desk = desk();
    let output = stdout(&board(&desk, &["--output", "json", "--failing", "--pack", "Security"]));
    let documents: Vec<Value> = output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let first = json!({
        "Region": "eu-west-1", "OrganizationConformancePackName": "Security", "AccountId": "000000000001",
        "AccountName": "payments-prod", "Status": "UPDATE_FAILED",
        "ErrorCode": "NoAvailableConfigurationRecorderException", "ErrorMessage": "There is no recorder </script>",
        "LastUpdateTime": "2026-11-16T09:01:00Z", "FailingSince": "2026-11-16T09:01:00Z",
        "TriedAgain": 0, "IncidentId": documents[0]["IncidentId"],
    });
    assert_eq!(documents[0], first);
    assert_eq!(documents[0]["IncidentId"].as_str().unwrap().len(), 32);
    assert_eq!((documents.len(), &documents[1]["Notes"]), (2, &json!(["stuck"])));
}

/// The page's data, as the page reads it.
fn data(page: &str) -> Value {
    let start = r#"<script type="application/json" id="data">"#;
    let (_, rest) = page.split_once(start).unwrap();
    serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

#[test]
fn the_page_holds_its_data_and_nothing_breaks_out_of_it() {
    let desk = desk();
    let page = stdout(&board(&desk, &["--output", "html"]));
    let data = data(&page);
    assert_eq!(data["accounts"], json!(["000000000001", "000000000002", "000000000003", "000000000004"]));
    assert_eq!(data["names"][0], "payments-prod");
    assert_eq!(data["from"], json!(["--store", desk.store()]), "for the commands that the page shows");
    assert_eq!(data["messages"], json!(["no", "There is no recorder </script>"]));
    // Cost comes first: of the accounts 1, 2 and 3 each has a class of its own, and 4 is not in it.
    assert_eq!(data["packs"][0]["cells"], json!([1, 1, 2, 1, 3, 1]));
    assert_eq!(data["packs"][1]["unhealthy"].as_array().unwrap().len(), 2 * 4);
    assert_eq!(data["hints"][1]["title"], "OrganizationConformancePackDetailedStatus");
    // The only elements are those of the frame.
    assert_eq!(page.matches("</script>").count(), 2);
    assert!(
        !page.contains("http-equiv=\"Content-Security-Policy\" content=\"\"") && !page.contains("unsafe")
    );
    assert_eq!(page.matches("'sha256-").count(), 2);
}

/// A damaged row leaves no page, rather than a part of one.
#[test]
fn a_page_is_printed_whole_or_not_at_all() {
    let desk = desk();
    let page = stdout(&board(&desk, &["--output", "html"]));
    assert!(page.starts_with("<!") && page.trim_end().ends_with("</html>"), "{page}");
    let database = rusqlite::Connection::open(desk.store()).unwrap();
    database.execute("UPDATE items SET body = '{}' WHERE sk LIKE 'snapshot#%'", []).unwrap();
    let damaged = board(&desk, &["--output", "html"]);
    assert_eq!((damaged.status.code(), stdout(&damaged).as_str()), (Some(1), ""), "{damaged:?}");
}

#[tokio::test]
async fn a_table_is_read_and_its_organization_is_asked_for_names() {
    let world = World::new();
    let topic = "arn:aws:sns:eu-west-1:999999999999:alerts";
    world.add_topic(topic).add_pack("eu-west-1", "Security", 3);
    world.fail("eu-west-1", "Security", &account(2), "UPDATE_FAILED", "C", "m");
    world.name_account(&account(2), "payments-prod", "ACTIVE");
    let served = world.serve().await;
    let dynamo = Dynamo::with_table("packwatch");
    let desk = Desk::new();
    let command = |args: &[&str]| {
        let mut command = desk.command(args);
        command.envs(aws_env("eu-west-1", &served.url, &dynamo.url));
        command
    };
    let packwatch = |args: &[&str]| command(args).output().unwrap();
    assert_eq!(packwatch(&["run", "--table", "packwatch", "--topic", topic]).status.code(), Some(2));
    let shown = packwatch(&["board", "--table", "packwatch"]);
    assert!(stdout(&shown).contains("Unhealthy: 1 of 3 deployments in 1 of 3 accounts, 1 pack"), "{shown:?}");
    assert!(stdout(&shown).contains("payments-prod"), "{shown:?}");
    desk.write("accounts.json", r#"{"Accounts": []}"#);
    let nameless = packwatch(&["board", "--table", "packwatch", "--accounts", "accounts.json"]);
    assert!(!stdout(&nameless).contains("payments-prod"), "{nameless:?}");
    let mut board = command(&["board", "--table", "packwatch"]);
    let nameless = board.env("PACKWATCH_ACCOUNT_NAMES", "off").output().unwrap();
    assert!(nameless.status.success() && !stdout(&nameless).contains("payments-prod"), "{nameless:?}");
}
