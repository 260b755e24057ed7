//! Quick scans: a scheduled run reads what is unhealthy, and everybody once an hour. How AWS Config filters is not documented, so
//! it is also tried with filters that do not hold what they promise.

use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use packwatch::state::packed;
use serde_json::{Value, json};

use super::stage::{EVENTS, REGION, Stage, outcomes};
use crate::harness::aws_env;
use crate::world::World;
use crate::world::packs::account;

const PACKS: [&str; 3] = ["Large-1", "Large-2", "Large-3"];
const ACCOUNTS: usize = 1500;
/// One in a hundred.
const ACTIVE: usize = ACCOUNTS / 100;
const LARGE: &str = PACKS[0];
const FULL_SCAN: usize = ACCOUNTS / 100;
const QUICK_SCAN: usize = 6;

/// Three packs in 1,500 accounts each, of which the first ones have failed, with their baselines.
async fn stage() -> Stage {
    stage_with(&[]).await
}

async fn stage_with(variables: &[(&str, &str)]) -> Stage {
    let stage = Stage::with(variables).await;
    for pack in PACKS {
        stage.world.add_pack(REGION, pack, ACCOUNTS);
        for n in 1..=ACTIVE {
            fail(&stage, pack, n);
        }
    }
    assert_eq!(outcomes(&stage.run().await), ["Baseline"; 3]);
    stage.forget();
    stage
}

fn fail(stage: &Stage, pack: &str, n: usize) {
    stage.world.fail(REGION, pack, &account(n), "UPDATE_FAILED", "C", "m");
}

/// How many calls asked for everybody, and how many for some.
fn calls(world: &World) -> (usize, usize) {
    let requests = world.requests().into_iter();
    let statuses = requests.filter(|r| r.operation == "GetOrganizationConformancePackDetailedStatus");
    let (some, all): (Vec<_>, Vec<_>) = statuses.partition(|request| {
        request.body.get("Filters").and_then(Value::as_object).is_some_and(|filters| !filters.is_empty())
    });
    (all.len(), some.len())
}

impl Stage {
    fn calls(&self) -> (usize, usize) {
        calls(&self.world)
    }

    fn table_requests(&self) -> Vec<(String, usize)> {
        self.dynamo.counts().into_iter().collect()
    }

    /// The next scheduled run, with what it told machines.
    async fn run_and_events(&self) -> (Value, Vec<String>) {
        self.forget();
        let answer = self.run().await;
        let kind = |event: &crate::world::messages::Message| event.attribute("Kind").map(str::to_owned);
        (answer, self.world.messages_to(EVENTS).iter().filter_map(kind).collect())
    }

    /// What the last of so many runs measured. The log comes through a pipe, a little behind the answer.
    async fn measured(&self, runs: usize) -> Value {
        for _ in 0..500 {
            let lines = self.lambda.json_logs().into_iter();
            let measured: Vec<_> = lines.filter(|line| line["message"] == "run measured").collect();
            if measured.len() == runs {
                return measured[runs - 1].clone();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("it was not measured:\n{}", self.lambda.logs().join("\n"));
    }

    /// Says in the head that everybody was last seen so long ago.
    pub(super) fn seen_whole(&self, pack: &str, ago: Duration) {
        let then = (SystemTime::now() - ago).duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let mut head = self.head(pack);
        head["last_full_scan_at"]["N"] = then.to_string().into();
        self.put(&head);
    }

    pub(super) fn put(&self, head: &Value) {
        let put = json!({"TableName": "packwatch", "Item": head});
        self.dynamo.database().put_item(serde_json::from_value(put).unwrap()).unwrap();
    }

    /// Changes an account's recorded row, as if an earlier commit had left it so, and takes the fingerprints from the head.
    pub(super) fn edit_row(&self, pack: &str, account: &str, edit: impl FnOnce(&mut Value)) {
        let of_pack = |item: &Value| {
            item["pk"]["S"] == format!("{REGION}#{pack}")
                && item["sk"]["S"].as_str().unwrap().starts_with("snapshot#")
        };
        let mut edit = Some(edit);
        for mut chunk in self.dynamo.dump("packwatch").into_iter().filter(of_pack) {
            let data = STANDARD.decode(chunk["data"]["B"].as_str().unwrap()).unwrap();
            let text = String::from_utf8(packed::unzipped(&data).unwrap()).unwrap();
            let mut rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            let Some(row) = rows.iter_mut().find(|row| row[0] == account) else { continue };
            edit.take().unwrap()(&mut row[1]);
            let lines: String = rows.iter().map(|row| format!("{row}\n")).collect();
            chunk["data"]["B"] = STANDARD.encode(packed::zipped(lines.as_bytes())).into();
            self.put(&chunk);
        }
        assert!(edit.is_none(), "{account} has a row");
        let mut head = self.head(pack);
        head.as_object_mut().unwrap().retain(|name, _| !name.ends_with("fingerprint"));
        self.put(&head);
    }

    pub(super) fn head(&self, pack: &str) -> Value {
        let is_head = |item: &Value| item["sk"]["S"] == format!("head#{REGION}#{pack}");
        self.dynamo.dump("packwatch").into_iter().find(is_head).unwrap()
    }
}

pub(super) fn scans(answer: &Value) -> Vec<&str> {
    answer["Targets"].as_array().unwrap().iter().filter_map(|target| target["Scan"].as_str()).collect()
}

#[tokio::test]
async fn a_quiet_scheduled_run_reads_only_what_is_unhealthy() {
    let stage = stage().await;
    let answer = stage.run().await;
    assert_eq!((outcomes(&answer), scans(&answer)), (vec!["Unchanged"; 3], vec!["Quick"; 3]));
    let target = &answer["Targets"][0];
    let numbers = (&target["Accounts"], &target["AccountsRead"], &target["Pages"]);
    assert_eq!(numbers, (&json!(ACCOUNTS), &json!(ACTIVE), &json!(QUICK_SCAN)));
    assert_eq!(stage.calls(), (0, 3 * QUICK_SCAN));
    assert_eq!(stage.table_requests(), [("Query".to_owned(), 1)]);
    assert_eq!(stage.world.messages().len(), 0);
}

#[tokio::test]
async fn what_becomes_and_ceases_to_be_unhealthy_is_reported_by_the_next_scheduled_run() {
    let stage = stage().await;
    fail(&stage, LARGE, 100);
    stage.world.join(REGION, LARGE, &account(2000), "CREATE_IN_PROGRESS");
    let (answer, mut kinds) = stage.run_and_events().await;
    kinds.sort();
    assert_eq!((kinds, outcomes(&answer)[0]), (vec!["Failed".into(), "Joined".into()], "Changed"));
    assert_eq!(answer["Targets"][0]["Accounts"], ACCOUNTS + 1);

    stage.world.set_status(REGION, LARGE, &account(100), "UPDATE_SUCCESSFUL");
    assert_eq!(stage.run_and_events().await.1, ["Recovered"]);

    stage.world.leave(REGION, LARGE, &account(1));
    let (answer, kinds) = stage.run_and_events().await;
    assert_eq!(kinds, ["Left"]);
    assert_eq!(scans(&answer), ["Quick"; 3]);
    assert_eq!(stage.calls(), (0, 3 * QUICK_SCAN + 1), "it was asked for");

    // Both scans find what the quick ones have left behind.
    let (answer, kinds) = stage.run_and_events().await;
    assert_eq!((outcomes(&answer), kinds), (vec!["Unchanged"; 3], vec![]));
    assert_eq!((stage.calls(), stage.table_requests()), ((0, 3 * QUICK_SCAN), vec![("Query".to_owned(), 1)]));
    stage.forget();
    let whole = stage.invoke(json!({})).await.unwrap();
    assert_eq!((outcomes(&whole), scans(&whole)), (vec!["Unchanged"; 3], vec!["Full"; 3]));
    assert_eq!(
        stage.dynamo.count("Query"),
        1,
        "its fingerprint is that of the rows: only heads are read, once"
    );
}

#[tokio::test]
async fn who_is_healthy_and_joins_or_leaves_is_reported_by_the_next_full_scan() {
    let stage = stage().await;
    stage.world.join(REGION, LARGE, &account(2000), "CREATE_SUCCESSFUL");
    stage.world.leave(REGION, LARGE, &account(900));
    assert_eq!(stage.run_and_events().await.1, [""; 0]);
    stage.seen_whole(LARGE, Duration::from_secs(3601));
    let (answer, mut kinds) = stage.run_and_events().await;
    kinds.sort();
    assert_eq!(
        (kinds, scans(&answer)),
        (vec!["Joined".into(), "Left".into()], vec!["Full", "Quick", "Quick"])
    );
    let (all, some) = stage.calls();
    // The one that left is confirmed.
    assert_eq!((all, some), (FULL_SCAN, 3 * QUICK_SCAN + 1), "quick scans come first");
    assert_eq!(answer["Targets"][0]["Pages"], FULL_SCAN + QUICK_SCAN + 1, "both scans, one report");
    let age = stage.measured(3).await["OldestFullScan"].as_u64().unwrap();
    assert!(age < 3600, "as it is after the run: {age}");
    stage.forget();
    assert_eq!(scans(&stage.run().await), ["Quick"; 3], "everybody was just seen");
}

#[tokio::test]
async fn a_full_scan_that_is_due_follows_though_the_quick_one_committed() {
    let stage = stage().await;
    PACKS.iter().for_each(|pack| stage.seen_whole(pack, Duration::from_secs(3601)));
    fail(&stage, LARGE, 100);
    stage.world.leave(REGION, LARGE, &account(900));
    let (answer, kinds) = stage.run_and_events().await;
    assert_eq!((kinds, scans(&answer)), (vec!["Failed".into(), "Left".into()], vec!["Full"; 3]), "{answer}");
}

#[tokio::test]
async fn a_target_that_changes_in_every_run_is_scanned_in_full_when_it_is_late() {
    let stage = stage().await;
    stage.seen_whole(LARGE, Duration::from_secs(3 * 3600 + 60));
    stage.world.leave(REGION, LARGE, &account(900));
    fail(&stage, LARGE, 100);
    let (answer, mut kinds) = stage.run_and_events().await;
    kinds.sort();
    assert_eq!(
        (kinds, scans(&answer)),
        (vec!["Failed".into(), "Left".into()], vec!["Full", "Quick", "Quick"])
    );
}

#[tokio::test]
async fn what_is_unhealthy_is_seen_though_an_overdue_full_scan_finds_no_time() {
    let stage = stage().await;
    stage.seen_whole(LARGE, Duration::from_secs(3 * 3600 + 60));
    fail(&stage, LARGE, 100);
    stage.world.latency(Duration::from_millis(600));
    let scheduled: Value = serde_json::from_str(include_str!("../../../events/scheduled.json")).unwrap();
    let answer = stage.lambda.invoke(scheduled, Duration::from_secs(9)).await.unwrap();
    assert_eq!(
        (outcomes(&answer), scans(&answer)),
        (vec!["Changed", "Unchanged", "Unchanged"], vec!["Quick"; 3])
    );
    let events = stage.world.messages_to(EVENTS);
    assert_eq!((events.len(), events[0].attribute("Kind")), (1, Some("Failed")));
    assert_eq!(stage.calls().0, 0, "what does not fit is not begun");
    let age = stage.measured(2).await["OldestFullScan"].as_u64().unwrap();
    assert!(age > 3 * 3600, "{age}");
}

#[tokio::test]
async fn a_full_scan_that_a_quick_one_became_is_not_made_again_because_it_is_due() {
    let stage = stage().await;
    stage.world.filter_after_paging();
    stage.seen_whole(LARGE, Duration::from_secs(3601));
    fail(&stage, LARGE, 100);
    let (answer, kinds) = stage.run_and_events().await;
    assert_eq!((kinds, scans(&answer)), (vec!["Failed".to_owned()], vec!["Full"; 3]));
    assert_eq!(stage.calls().0, 3 * FULL_SCAN);
}

#[tokio::test]
async fn a_filter_that_breaks_its_word_is_not_asked_again_in_that_run() {
    let stage = stage_with(&[("PACKWATCH_CONCURRENCY", "1")]).await;
    let asked = async || {
        let (answer, _) = stage.run_and_events().await;
        assert_eq!(scans(&answer), ["Full"; 3]);
        stage.calls().1
    };
    stage.world.filter_after_paging();
    // The three statuses in progress are read side by side.
    assert!((1..=3).contains(&asked().await));
    assert!((1..=3).contains(&asked().await), "the next run tries it anew");
}

/// A filter that leaves out what it should show delays a failure once, to the next full scan, and not for ever.
#[tokio::test]
async fn a_filter_that_hides_an_account_is_not_relied_on_for_a_day() {
    let stage = stage().await;
    stage.world.hide_from_status_filter(&account(100)).hide_from_status_filter(&account(200));
    let fail_long_ago = |n: usize| {
        fail(&stage, LARGE, n);
        stage.world.edit(REGION, LARGE, &account(n), |row, now| row.last_update = Some(now - 600.0));
    };
    fail_long_ago(100);
    assert_eq!(stage.run_and_events().await.1, [""; 0], "nobody can see it");
    stage.seen_whole(LARGE, Duration::from_secs(3601));
    assert_eq!(stage.run_and_events().await.1, ["Failed"], "the full scan that is due does");
    // Recorded as failed, it is asked for by its id. So the filter is found out, and whom else it hides.
    fail_long_ago(200);
    let (answer, kinds) = stage.run_and_events().await;
    assert_eq!((kinds, scans(&answer)), (vec!["Failed".to_owned()], vec!["Full", "Quick", "Quick"]));
    assert!(stage.head(LARGE)["filters_distrusted_until"].is_object());
    let (_, kinds) = stage.run_and_events().await;
    assert_eq!((kinds, stage.calls()), (vec![], (FULL_SCAN, 2 * QUICK_SCAN)), "no quick scan of it");
}

/// The full scan that the quick one asked for is the one that is overdue.
#[tokio::test]
async fn a_filter_that_hides_an_account_of_an_overdue_pack_is_not_relied_on_either() {
    let stage = stage().await;
    stage.world.hide_from_status_filter(&account(100));
    fail(&stage, LARGE, 100);
    stage.world.edit(REGION, LARGE, &account(100), |row, now| row.last_update = Some(now - 600.0));
    stage.seen_whole(LARGE, Duration::from_secs(3601));
    assert_eq!(stage.run_and_events().await.1, ["Failed"]);
    fail(&stage, LARGE, 200);
    stage.seen_whole(LARGE, Duration::from_secs(3 * 3600 + 60));
    stage.run_and_events().await;
    assert_eq!(stage.calls().0, FULL_SCAN, "read in full once");
    assert!(stage.head(LARGE)["filters_distrusted_until"].is_object());
}

#[tokio::test]
async fn without_what_a_quick_scan_compares_with_it_compares_with_the_rows() {
    let stage = stage().await;
    let mut head = stage.head(LARGE);
    // As the runbook leaves it behind after a restore.
    head.as_object_mut().unwrap().retain(|name, _| !name.ends_with("fingerprint"));
    stage.put(&head);
    let (answer, kinds) = stage.run_and_events().await;
    assert_eq!((outcomes(&answer), kinds), (vec!["Unchanged"; 3], vec![]));
    assert_eq!(stage.dynamo.count("TransactWriteItems"), 1, "an empty commit sets them");
    stage.run_and_events().await;
    assert_eq!(stage.table_requests(), [("Query".to_owned(), 1)]);
}

#[tokio::test]
async fn packwatch_run_decides_as_the_function_does_and_full_reads_everybody() {
    let world = World::new();
    world.add_pack(REGION, LARGE, ACCOUNTS);
    let served = world.serve().await;
    let folder = tempfile::tempdir().unwrap();
    let run = |flags: &[&str]| {
        world.reset_requests();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_packwatch"));
        command.arg("run").arg("--store").arg(folder.path().join("snapshots.sqlite")).args(flags);
        let output = command.env_clear().envs(aws_env(REGION, &served.url, &served.url)).output().unwrap();
        assert!(matches!(output.status.code(), Some(0 | 2)), "{output:?}");
        calls(&world)
    };
    let names = ["--account-names", "off"];
    assert_eq!(run(&names), (FULL_SCAN, 0), "a baseline");
    assert_eq!(run(&names), (0, QUICK_SCAN));
    assert_eq!(run(&[&names[..], &["--full"]].concat()), (FULL_SCAN, 0));
    assert_eq!(run(&[&names[..], &["--dry-run"]].concat()), (FULL_SCAN, 0), "a person asks");
    assert_eq!(run(&[&names[..], &["--pack", LARGE]].concat()), (FULL_SCAN, 0), "a person asks");
}
