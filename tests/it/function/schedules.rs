//! Several schedules share one table: each scans its part, and together they tell what one would have told.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use crate::function::stage::{EVENTS, REGION, Stage, TIMEOUT, outcomes};
use crate::harness::aws_env;
use crate::world::packs::account;

const ELSEWHERE: &str = "us-east-1";
const REGIONS: (&str, &str) = ("PACKWATCH_REGIONS", "eu-west-1,us-east-1");

/// The inputs of two schedules that share the work.
type Split = [Value; 2];

fn by_region() -> Split {
    [json!({"Regions": [REGION]}), json!({"Regions": [ELSEWHERE]})]
}

fn by_pack() -> Split {
    [json!({"Packs": ["Security-*"]}), json!({"Packs": ["!Security-*"]})]
}

impl Stage {
    /// Both schedules start the function in the same moment.
    async fn both(&self, [one, other]: Split) -> [Value; 2] {
        let beside = self.lambda.beside();
        let (one, other) = tokio::join!(self.invoke(one), beside.invoke(other, TIMEOUT));
        [one.unwrap(), other.unwrap()]
    }
}

/// The targets of an answer.
fn targets(answer: &Value) -> BTreeSet<String> {
    let text = |target: &Value, name: &str| target[name].as_str().unwrap().to_owned();
    let name = |target: &Value| {
        format!("{} {}", text(target, "Region"), text(target, "OrganizationConformancePackName"))
    };
    answer["Targets"].as_array().unwrap_or_else(|| panic!("{answer}")).iter().map(name).collect()
}

/// What was told, without what differs from one history to the next: ids, and when it was seen. The digests' packs, and
/// the events, each sorted.
fn notified(stage: &Stage) -> [Vec<String>; 2] {
    fn strip(value: &mut Value) {
        if let Some(fields) = value.as_object_mut() {
            fields.retain(|name, _| !["Id", "IncidentId", "ObservedAt"].contains(&name.as_str()));
            fields.values_mut().for_each(strip);
        }
        value.as_array_mut().into_iter().flatten().for_each(strip);
    }
    let sorted = |documents: Vec<Value>| {
        let text = |mut document: Value| {
            strip(&mut document);
            document.to_string()
        };
        let mut texts: Vec<String> = documents.into_iter().map(text).collect();
        texts.sort();
        texts
    };
    let packs = stage.digests().into_iter().flat_map(|digest| digest["Packs"].as_array().unwrap().clone());
    let events = stage.world.messages_to(EVENTS).into_iter();
    [packs.collect(), events.map(|event| serde_json::from_str(&event.message).unwrap()).collect()].map(sorted)
}

/// The transitions that the table holds, by target, with the status that each ends in.
fn chains(stage: &Stage) -> BTreeMap<String, Vec<String>> {
    let mut chains: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for item in stage.dynamo.dump("packwatch") {
        let text = |name: &str| item[name]["S"].as_str().unwrap_or_default().to_owned();
        if text("sk").starts_with("transition#") {
            let ends_in = &item["to"]["M"]["status"]["S"];
            chains.entry(text("pk")).or_default().push(format!("{} {ends_in}", text("sk")));
        }
    }
    chains
}

#[tokio::test]
async fn two_schedules_report_once_what_one_would_have_reported() {
    for split in [by_region(), by_pack()] {
        let (shared, alone) = (Stage::with(&[REGIONS]).await, Stage::with(&[REGIONS]).await);
        let packs = ["Security-1", "Security-2", "Operational-1", "Operational-2"];
        for stage in [&shared, &alone] {
            stage.world.set_clock(1_790_000_000.0);
            for pack in packs {
                stage.world.add_pack(REGION, pack, 120).add_pack(ELSEWHERE, pack, 3);
            }
        }
        let all = targets(&alone.run().await);
        let [one, other] = shared.both(split.clone()).await.map(|answer| targets(&answer));
        assert_eq!((one.len(), other.len(), all.len()), (4, 4, 8), "{split:?}");
        assert_eq!(&one | &other, all);
        assert_eq!(notified(&shared), notified(&alone), "{split:?}");
        assert!(shared.digests().len() <= 4, "a few: each tells what both have committed by then");

        for stage in [&shared, &alone] {
            stage.forget();
            let world = &stage.world;
            world.set_clock(1_790_000_300.0);
            world.delete_pack(REGION, packs[0]);
            world.leave(ELSEWHERE, packs[2], &account(3));
            for pack in &packs[1..] {
                world.fail(REGION, pack, &account(7), "UPDATE_FAILED", "C", "m");
                world.join(REGION, pack, &account(999), "CREATE_SUCCESSFUL");
            }
        }
        alone.run().await;
        shared.both(split.clone()).await;
        let [packs, events] = notified(&shared);
        assert_eq!((packs.len(), events.len()), (5, 8), "{split:?}");
        assert_eq!([packs, events], notified(&alone), "{split:?}");
        assert_eq!(chains(&shared), chains(&alone), "{split:?}");

        shared.forget();
        shared.both(split).await;
        assert_eq!(shared.world.messages().len(), 0, "nothing has changed");
    }
}

#[tokio::test]
async fn a_schedule_asks_aws_config_for_its_part_and_for_nothing_else() {
    let stage = Stage::with(&[REGIONS]).await;
    for pack in ["Security-1", "Operational-1"] {
        stage.world.add_pack(REGION, pack, 3).add_pack(ELSEWHERE, pack, 3);
    }
    let part = json!({"Regions": [ELSEWHERE], "Packs": ["Security-*"]});
    let answer = stage.invoke(part).await.unwrap();
    assert_eq!((outcomes(&answer), targets(&answer).len()), (vec!["Baseline"], 1));
    let requests = stage.world.requests();
    let asked = requests.iter().filter(|request| request.service == "config");
    let asked: Vec<_> = asked.map(|request| (request.region.as_str(), request.operation.as_str())).collect();
    assert_eq!(
        asked,
        [
            (ELSEWHERE, "DescribeOrganizationConformancePacks"),
            (ELSEWHERE, "GetOrganizationConformancePackDetailedStatus")
        ]
    );
}

#[tokio::test]
async fn a_schedule_with_a_part_scans_quickly() {
    let stage = Stage::new().await;
    stage.world.add_pack(REGION, "Large", 1300);
    stage.run().await;
    let answer = stage.invoke(json!({"Packs": ["Large"]})).await.unwrap();
    assert_eq!(answer["Targets"][0]["Scan"], "Quick");
}

#[tokio::test]
async fn what_nobody_watches_any_more_is_reported_by_one_of_two_schedules() {
    for split in [by_region(), by_pack()] {
        let mut stage = Stage::with(&[REGIONS]).await;
        for pack in ["Security-1", "Operational-1"] {
            stage.world.add_pack(REGION, pack, 3).add_pack(ELSEWHERE, pack, 3);
            stage.world.add_pack("eu-central-1", pack, 3);
        }
        stage.set("PACKWATCH_REGIONS", "eu-west-1,us-east-1,eu-central-1");
        stage.run().await;
        stage.forget();
        for region in [REGION, "eu-central-1"] {
            for pack in ["Security-1", "Operational-1"] {
                stage.world.fail(region, pack, &account(1), "UPDATE_FAILED", "C", "m");
            }
        }
        stage.world.refuse_topic(EVENTS);
        stage.invoke(json!({})).await.unwrap_err();
        stage.world.heal_sns();
        assert_eq!(stage.world.messages_to(EVENTS).len(), 0);
        stage.set("PACKWATCH_REGIONS", REGIONS.1);
        stage.set("PACKWATCH_PACKS", "!Operational-*,!Security-1,Security-*,Other");
        stage.world.add_pack(REGION, "Security-2", 1).add_pack(ELSEWHERE, "Other", 1);
        stage.world.add_pack(REGION, "Other", 1);
        stage.both(split.clone()).await;
        let events = stage.world.messages_to(EVENTS);
        let failed = events.iter().filter(|event| event.attribute("Kind") == Some("Failed")).count();
        assert_eq!(failed, 4, "{split:?}");
    }
}

#[tokio::test]
async fn the_oldest_full_scan_is_measured_over_all_parts() {
    let stage = Stage::new().await;
    stage.world.add_pack(REGION, "Mine", 3).add_pack(REGION, "Theirs", 1300);
    stage.run().await;
    stage.seen_whole("Theirs", Duration::from_secs(4 * 3600));
    stage.invoke(json!({"Packs": ["Mine"]})).await.unwrap();
    // The log comes through a pipe, a little behind the answer.
    for _ in 0..500 {
        let logs = stage.lambda.json_logs();
        if let Some(age) = logs.iter().find_map(|line| line["OldestFullScan"].as_u64()) {
            assert!(age >= 4 * 3600, "{age}");
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it was not measured:\n{}", stage.lambda.logs().join("\n"));
}

/// A person's run over the function's table records by the function's settings, and leaves sending to the function.
#[tokio::test]
async fn a_laptop_records_in_the_table_as_the_function_does_and_sends_nothing() {
    let excluded = account(3);
    let settings = [("PACKWATCH_EXCLUDE_ACCOUNTS", &*excluded), ("PACKWATCH_FULL_SCAN_EVERY", "15m")];
    let stage = Stage::with(&settings).await;
    stage.world.add_pack(REGION, "P", 3);
    stage.run().await;
    stage.forget();
    let packwatch = |flags: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_packwatch"));
        command
            .args(["run", "--table", "packwatch", "--regions", REGION, "--account-names", "off"])
            .args(flags);
        let urls = aws_env(REGION, &stage.served.url, &stage.dynamo.url);
        command.env_clear().envs(urls).output().unwrap()
    };
    stage.world.fail(REGION, "P", &account(1), "UPDATE_FAILED", "C", "m");
    stage.world.leave(REGION, "P", &account(3));
    let stored =
        stage.dynamo.dump("packwatch").into_iter().find(|item| item["sk"]["S"] == "settings").unwrap();
    assert_eq!(stored["settings"]["M"]["PACKWATCH_FULL_SCAN_EVERY"]["S"], "15m", "for the board");
    let refused = packwatch(&["--notify", "failed"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--own-settings"), "{refused:?}");
    let ran = packwatch(&[]);
    assert_eq!(ran.status.code(), Some(2), "{ran:?}");
    assert!(String::from_utf8_lossy(&ran.stderr).contains("the function's next run does"), "{ran:?}");
    assert_eq!(stage.world.messages().len(), 0);
    assert_eq!(outcomes(&stage.run().await), ["Unchanged"]);
    assert_eq!((stage.digests().len(), stage.world.messages_to(EVENTS).len()), (1, 1), "sent, once");
    assert_eq!(stage.digests()[0]["Counts"], json!({"Failed": 1}), "who is excluded there has not left");
}
