//! The history of several packs as one list: its order, its windows, and the command that prints it.

use jiff::Timestamp;
use packwatch::history::{History, Window};
use packwatch::local::SqliteStore;
use packwatch::ports::Order;
use packwatch::state::commit::{Change, Closing};
use packwatch::state::log::Record;
use serde_json::Value;

use crate::commands::cli::{Desk, recorded, stderr, stdout};
use crate::harness::aws_env;
use crate::harness::commits::commit;
use crate::harness::dynamo::Dynamo;
use crate::stores::contract::{change, target};
use crate::world::World;
use crate::world::packs::account;

/// Pack `p` of three has a transition in each minute n with n % 3 = p, 600 of them.
async fn three_packs() -> SqliteStore {
    let store = SqliteStore::in_memory().unwrap();
    for pack in 0..3_u64 {
        let target = target(&format!("P{pack}"));
        for epoch in 1..=600 {
            let mut change = change(epoch, epoch);
            let transition = change.transition.as_mut().unwrap();
            transition.observed_at = minute(epoch * 3 + pack);
            commit(&store, &target, vec![Change { row: None, ..change }], Closing::default()).await.unwrap();
        }
    }
    store
}

fn minute(n: u64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + 60 * i64::try_from(n).unwrap()).unwrap()
}

async fn read(store: &SqliteStore, order: Order, window: Window) -> Vec<Record> {
    let targets = (0..3).map(|pack| (target(&format!("P{pack}")), "history".to_owned()));
    let mut history = History::new(store, targets, order, window);
    let mut found = Vec::new();
    while let Some(entry) = history.next().await.unwrap() {
        found.push(entry.record);
    }
    found
}

#[tokio::test]
async fn packs_are_merged_by_time_over_many_pages() {
    let store = three_packs().await;
    let times = |found: Vec<Record>| found.iter().map(Record::observed_at).collect::<Vec<_>>();
    let all: Vec<Timestamp> = (3..1803).map(minute).collect();
    assert_eq!(times(read(&store, Order::Oldest, Window::default()).await), all);
    let mut newest = times(read(&store, Order::Newest, Window::default()).await);
    newest.reverse();
    assert_eq!(newest, all);
    let window = Window { since: Some(minute(700)), until: Some(minute(1100)) };
    for order in [Order::Oldest, Order::Newest] {
        let mut found = times(read(&store, order, window).await);
        found.sort();
        assert_eq!(found, (700..=1100).map(minute).collect::<Vec<_>>(), "{order:?}");
    }
}

/// Two machines whose clocks differ by some minutes: nothing is left out for that.
#[tokio::test]
async fn a_clock_that_is_a_little_wrong_hides_nothing() {
    let store = SqliteStore::in_memory().unwrap();
    for (epoch, time) in [(1, 100), (2, 130), (3, 101), (4, 131)] {
        let mut change = change(1, epoch);
        change.transition.as_mut().unwrap().observed_at = minute(time);
        commit(&store, &target("P0"), vec![change], Closing::default()).await.unwrap();
    }
    let later = Window { since: Some(minute(120)), until: None };
    assert_eq!(read(&store, Order::Newest, later).await.len(), 2);
    let earlier = Window { since: None, until: Some(minute(120)) };
    assert_eq!(read(&store, Order::Oldest, earlier).await.len(), 2);
}

/// Three days of two packs, in the store of a desk.
fn three_days() -> Desk {
    let desk = Desk::new();
    let days = [
        ("2026-11-16T10:00:00Z", ["CREATE_SUCCESSFUL", "CREATE_SUCCESSFUL"]),
        ("2026-11-17T10:00:00Z", ["UPDATE_FAILED", "CREATE_SUCCESSFUL"]),
        ("2026-11-18T10:00:00Z", ["UPDATE_SUCCESSFUL", "=UPDATE"]),
    ];
    for (now, [one, two]) in days {
        for pack in ["Security", "Cost"] {
            let statuses = desk.write(&format!("{pack}.json"), &recorded(&[(1, one), (2, two)]));
            desk.run(&statuses, &["--now", now]);
        }
    }
    desk
}

fn history(desk: &Desk, more: &[&str]) -> std::process::Output {
    let store = desk.store().display().to_string();
    desk.packwatch(&[&["history", "--store", &store], more].concat())
}

/// Kind, pack and account of each printed document.
fn notified(output: &std::process::Output) -> Vec<String> {
    let documents = stdout(output);
    let documents = documents.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    documents
        .map(|d| {
            let account = d["AccountId"].as_str().map_or("-", |account| &account[11..]);
            format!("{} {} {account}", text(&d["Kind"]), text(&d["OrganizationConformancePackName"]))
        })
        .collect()
}

#[test]
fn filters_choose_and_the_newest_come_first() {
    let desk = three_days();
    let json = |more: &[&str]| notified(&history(&desk, &[&["--output", "json"], more].concat()));
    let all = [
        "Unrecognised Security 2",
        "Recovered Security 1",
        "Unrecognised Cost 2",
        "Recovered Cost 1",
        "Failed Security 1",
        "Failed Cost 1",
        "Baseline Security -",
        "Baseline Cost -",
    ];
    assert_eq!(json(&[]), all);
    let mut oldest = all;
    oldest.reverse();
    assert_eq!(json(&["--order", "oldest"]), oldest);
    assert_eq!(json(&["--pack", "Sec*", "--pack", "Other"]), [all[0], all[1], all[4], all[6]]);
    assert_eq!(json(&["--kind", "failed", "--kind", "unrecognised"]), [all[0], all[2], all[4], all[5]]);
    assert_eq!(json(&["--account", "000000000002", "--account", "000000000009"]), [all[0], all[2]]);
    assert_eq!(json(&["--since", "2026-11-18"]), all[..4]);
    assert_eq!(json(&["--until", "2026-11-18"]), all[4..]);
    let failed = json(&["--pack", "Security", "--kind", "InProgress", "--kind", "failed"]);
    assert_eq!(failed, [all[4]]);
}

#[test]
fn what_fits_nothing_is_named_with_what_was_meant() {
    let desk = three_days();
    let cases: [(&[&str], &[&str]); 7] = [
        (&["--pack", "Securty"], &["no recorded pack fits \"Securty\"", "Did you mean \"Security\"?"]),
        (&["--pack", "Operations"], &["no recorded pack fits \"Operations\""]),
        (&["--pack-region", "us-east-1"], &["no pack is recorded in us-east-1, but in eu-west-1"]),
        (&["--region", "us-east-1"], &["no pack is recorded in us-east-1"]),
        (&["--account", "000000000012"], &["no change that fits is recorded in 2 packs"]),
        (
            &["--since", "2026-11-17T10:00:01Z", "--until", "2026-11-18T09:00:00Z", "--kind", "stuck"],
            &["no change that fits is recorded in 2 packs"],
        ),
        (
            &["--since", "2026-11-18", "--until", "2026-11-17"],
            &["--until 2026-11-17T00:00:00Z is before --since"],
        ),
    ];
    for (args, wanted) in cases {
        for output in ["table", "json", "csv"] {
            let none = history(&desk, &[args, &["--output", output]].concat());
            assert_eq!(none.status.code(), Some(1), "{args:?}: {none:?}");
            assert!(notified_lines(&none) <= usize::from(output == "csv"), "{none:?}");
            for part in wanted {
                assert!(stderr(&none).contains(part), "{part}: {}", stderr(&none));
            }
        }
    }
    // One of two is there: the other is named, and no failure.
    let some = history(&desk, &["--pack", "Security", "--pack", "Csot", "--output", "json"]);
    assert_eq!((some.status.code(), notified(&some).len()), (Some(0), 4), "{some:?}");
    assert!(stderr(&some).contains("Did you mean \"Cost\"?"), "{some:?}");
}

fn notified_lines(output: &std::process::Output) -> usize {
    stdout(output).lines().count()
}

#[test]
fn an_incident_is_followed_from_its_begin_to_its_end() {
    let desk = three_days();
    let failed = history(&desk, &["--output", "json", "--kind", "failed", "--pack", "Cost"]);
    let failed: Value = serde_json::from_str(stdout(&failed).trim()).unwrap();
    let id = failed["IncidentId"].as_str().unwrap();
    let incident = history(&desk, &["--output", "json", "--order", "oldest", "--incident", id]);
    assert_eq!(notified(&incident), ["Failed Cost 1", "Recovered Cost 1"]);
    // As tables shorten it.
    for output in ["table", "json", "csv"] {
        let by = |id| stdout(&history(&desk, &["--output", output, "--order", "oldest", "--incident", id]));
        assert_eq!(by(&id[..8]), by(id));
    }
    let unknown = history(&desk, &["--output", "json", "--incident", "nobody's"]);
    assert_eq!((unknown.status.code(), notified_lines(&unknown)), (Some(1), 0));
    assert!(stderr(&unknown).contains("no change that fits is recorded in 2 packs"), "{unknown:?}");
}

#[test]
fn what_is_cut_says_so() {
    let desk = three_days();
    for (limit, is_cut) in [("7", true), ("8", false)] {
        let output = history(&desk, &["--output", "json", "--limit", limit]);
        assert_eq!((output.status.code(), notified(&output).len().to_string()), (Some(0), limit.to_owned()));
        assert_eq!(stderr(&output).contains("there are more"), is_cut, "{output:?}");
    }
}

#[test]
fn a_history_as_csv_has_no_formulas() {
    let desk = three_days();
    let csv = stdout(&history(&desk, &["--output", "csv", "--account", "000000000002", "--pack", "Cost"]));
    // Ids are of the random birth of a history.
    let mut parts = csv.trim_end().rsplitn(3, ',');
    for _ in ["Id", "IncidentId"] {
        assert_eq!(parts.next().unwrap().len(), 32, "{csv}");
    }
    let shown = parts.next().unwrap();
    insta::assert_snapshot!(shown, @r"
    ObservedAt,Region,OrganizationConformancePackName,AccountId,Kind,From,To,ErrorCode,ErrorMessage,LastUpdateTime,FailingSince,Notes,IncidentId,Id
    2026-11-18T10:00:00Z,eu-west-1,Cost,000000000002,Unrecognised,CREATE_SUCCESSFUL,'=UPDATE,,,,2026-11-18T10:00:00Z,
    ");
}

/// A reader who has seen enough is no failure, however much would still come.
#[tokio::test]
async fn a_closed_pipe_ends_it_quietly() {
    let desk = Desk::new();
    let store = SqliteStore::open(&desk.store()).unwrap();
    let changes: Vec<Change> = (0..3_000).map(|n| change(n, 1)).collect();
    commit(&store, &target("P"), changes, Closing::default()).await.unwrap();
    let path = desk.store().display().to_string();
    for output in ["json", "csv"] {
        let mut command = desk.command(&["history", "--store", &path, "--output", output]);
        let piped = std::process::Stdio::piped;
        let mut child = command.stdout(piped()).stderr(piped()).spawn().unwrap();
        drop(child.stdout.take());
        let ended = child.wait_with_output().unwrap();
        assert_eq!((ended.status.code(), stderr(&ended).as_str()), (Some(0), ""), "{output}");
    }
}

/// The `Id` of the digest that a run printed as JSON.
fn digest(run: &std::process::Output) -> String {
    let digest: Value = serde_json::from_str(&stdout(run)).unwrap();
    digest["Id"].as_str().unwrap().to_owned()
}

/// Of the logs, exactly the parts that a digest covers: what it names, what it only counts, and the packs themselves.
#[test]
fn a_message_is_followed_to_all_that_its_digest_covers() {
    let desk = Desk::new();
    let day = |now: &str, rows: &[(u64, &str)]| {
        let packs = ["Cost", "Security"].map(|pack| desk.write(&format!("{pack}.json"), &recorded(rows)));
        desk.run(&packs[0], &["--statuses", &packs[1], "--now", now, "--output", "json"])
    };
    let first = day("2026-11-16T10:00:00Z", &[(1, "CREATE_SUCCESSFUL"), (2, "CREATE_FAILED")]);
    let second = day("2026-11-16T11:00:00Z", &[(1, "UPDATE_FAILED"), (2, "CREATE_IN_PROGRESS")]);
    day("2026-11-16T12:00:00Z", &[(1, "UPDATE_SUCCESSFUL"), (2, "CREATE_IN_PROGRESS")]);

    let json = ["--output", "json", "--order", "oldest", "--message"];
    let of = |id: &str| notified(&history(&desk, &[&json[..], &[id]].concat()));
    assert_eq!(
        of(&digest(&first)),
        ["Failed Cost 2", "Baseline Cost -", "Failed Security 2", "Baseline Security -"]
    );
    let id = digest(&second);
    let all = ["Failed Cost 1", "InProgress Cost 2", "Failed Security 1", "InProgress Security 2"];
    assert_eq!(of(&id), all);
    let filtered =
        history(&desk, &["--output", "json", "--message", &id, "--pack", "C*", "--kind", "failed"]);
    assert_eq!(notified(&filtered), all[..1]);
    for (output, lines) in [("csv", 1 + 4), ("table", 2 + 4)] {
        let shown = history(&desk, &["--message", &id, "--output", output]);
        assert_eq!(notified_lines(&shown), lines, "{shown:?}");
    }
    let unknown = history(&desk, &["--message", "0123", "--output", "json"]);
    assert_eq!((unknown.status.code(), notified_lines(&unknown)), (Some(1), 0));
    let wanted = format!("no message with the Id 0123 is kept in {}", desk.store().display());
    assert!(stderr(&unknown).contains(&wanted) && stderr(&unknown).contains("14 days"), "{unknown:?}");
}

/// Packs of a table, beside AWS.
struct Table {
    world: World,
    desk: Desk,
    env: Vec<(String, String)>,
    _dynamo: Dynamo,
}

const TOPIC: &str = "arn:aws:sns:eu-west-1:999999999999:alerts";

impl Table {
    async fn with_pack(pack: &str) -> (Self, impl Sized) {
        let world = World::new();
        world.add_topic(TOPIC).add_pack("eu-west-1", pack, 3);
        let (served, dynamo) = (world.serve().await, Dynamo::with_table("packwatch"));
        let env = aws_env("eu-west-1", &served.url, &dynamo.url);
        (Self { world, desk: Desk::new(), env, _dynamo: dynamo }, served)
    }

    fn packwatch(&self, args: &[&str]) -> std::process::Output {
        let args = [args, &["--table", "packwatch", "--region", "eu-west-1"]].concat();
        self.desk.command(&args).envs(self.env.iter().cloned()).output().unwrap()
    }

    fn run(&self) {
        let run = self.packwatch(&["run", "--topic", TOPIC]);
        assert_eq!(run.status.code(), Some(2), "{run:?}");
    }
}

#[tokio::test]
async fn a_message_of_a_table_is_followed_as_printed() {
    let (table, _served) = Table::with_pack("Security").await;
    table.run();
    table.world.take_messages();
    table.world.fail("eu-west-1", "Security", &account(2), "UPDATE_FAILED", "C", "m");
    table.run();
    let id = table.world.messages_to(TOPIC)[0].json_for("default")["Id"].as_str().unwrap().to_owned();
    let found = table.packwatch(&["history", "--message", &id, "--output", "json"]);
    assert_eq!(notified(&found), ["Failed Security 2"]);
    let unknown = table.packwatch(&["history", "--message", "0123"]);
    assert!(stderr(&unknown).contains("kept in the table packwatch"), "{unknown:?}");
}

/// First seen, deleted, created again: as told to people and machines.
#[tokio::test]
async fn packs_that_come_and_go_are_in_the_history() {
    let (table, _served) = Table::with_pack("Security").await;
    table.run();
    table.world.delete_pack("eu-west-1", "Security");
    table.run();
    table.world.add_pack("eu-west-1", "Security", 2);
    table.run();
    let history = |args: &[&str]| table.packwatch(&[&["history", "--order", "oldest"], args].concat());
    let all = ["Baseline Security -", "PackDeleted Security -", "Baseline Security -"];
    let json = history(&["--output", "json"]);
    assert_eq!(notified(&json), all);
    let documents: Vec<Value> =
        stdout(&json).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let facts = |d: &Value| (d["Accounts"].as_u64(), d["CreatedAgain"].as_bool());
    assert_eq!(
        documents.iter().map(facts).collect::<Vec<_>>(),
        [(Some(3), None), (Some(3), None), (Some(2), Some(true))]
    );
    let words = ["first seen with 3 accounts", "deleted with 3 accounts", "created again with 2 accounts"];
    for output in ["csv", "table"] {
        let shown = stdout(&history(&["--output", output]));
        let lines = shown.lines().skip(if output == "csv" { 1 } else { 2 });
        for (line, words) in lines.zip(words) {
            assert!(line.contains(words), "{line}");
        }
    }
    assert_eq!(notified(&history(&["--output", "json", "--kind", "pack-deleted"])), all[1..2]);
    assert_eq!(notified(&history(&["--output", "json", "--kind", "Baseline", "--limit", "1"])), all[..1]);
    let of_account = history(&["--output", "json", "--account", &account(1)]);
    assert_eq!((of_account.status.code(), stdout(&of_account).as_str()), (Some(1), ""), "{of_account:?}");
}
