//! Stories against the promise: nobody misses a failed account, nothing wrong is reported, a run that is starved loses nothing.

use std::time::Duration;

use serde_json::{Value, json};

use super::quick_scans::scans;
use super::stage::{ALERTS, EVENTS, PACK, REGION, Stage, outcomes, scheduled};
use crate::harness::dynamo::Fault;
use crate::world::ServiceError;
use crate::world::faults::NextFault;
use crate::world::messages::SnsFault;
use crate::world::packs::account;

const LARGE: &str = "Large";
const ELSEWHERE: &str = "us-east-1";
const REGIONS: (&str, &str) = ("PACKWATCH_REGIONS", "eu-west-1,us-east-1");
const HOUR: Duration = Duration::from_secs(3600);

fn fail(stage: &Stage, region: &str, pack: &str, n: usize) {
    stage.world.fail(region, pack, &account(n), "UPDATE_FAILED", "C", "m");
}

/// One scheduled run that Lambda ends at its limit.
async fn run_within(stage: &Stage, limit: Duration) -> Result<Value, Value> {
    stage.lambda.invoke(scheduled(), limit).await
}

/// What machines were reported since the last look: pack, account, kind.
fn notified(stage: &Stage) -> Vec<String> {
    let events = stage.world.messages_to(EVENTS);
    let text = |event: &crate::world::messages::Message| {
        let document = event.json_for("default");
        let account = document["AccountId"].as_str().unwrap_or("-").to_owned();
        let pack = document["OrganizationConformancePackName"].as_str().unwrap_or("-").to_owned();
        format!("{pack} {account} {}", event.attribute("Kind").unwrap())
    };
    let mut notified: Vec<String> = events.iter().map(text).collect();
    notified.sort();
    notified
}

#[tokio::test]
async fn an_overdue_full_scan_that_finds_no_time_keeps_small_packs_from_nobody() {
    let stage = Stage::with(&[REGIONS]).await;
    stage.world.add_pack(REGION, LARGE, 2000).add_pack(ELSEWHERE, PACK, 3);
    stage.run().await;
    stage.forget();
    stage.seen_whole(LARGE, 4 * HOUR);
    fail(&stage, ELSEWHERE, PACK, 2);
    stage.world.latency(Duration::from_millis(400));
    for _ in 0..3 {
        let _however_it_ended = run_within(&stage, Duration::from_secs(6)).await;
    }
    assert_eq!(notified(&stage).len(), 1, "told within three scheduled runs");
}

#[tokio::test]
async fn a_region_that_hardly_answers_keeps_small_packs_of_another_from_nobody() {
    let stage = Stage::with(&[REGIONS]).await;
    stage.world.add_pack(REGION, PACK, 3);
    for n in 1..=4 {
        stage.world.add_pack(ELSEWHERE, &format!("{LARGE}-{n}"), 1300);
    }
    stage.run().await;
    stage.forget();
    fail(&stage, REGION, PACK, 2);
    stage.world.throttle(ELSEWHERE, 1.0);
    for _ in 0..3 {
        let _however_it_ended = run_within(&stage, Duration::from_secs(8)).await;
    }
    assert_eq!(notified(&stage).len(), 1, "told within three scheduled runs");
}

#[tokio::test]
async fn a_full_scan_that_never_fits_does_not_keep_the_others_of_its_region_waiting() {
    let stage = Stage::new().await;
    stage.world.add_pack(REGION, LARGE, 4000).add_pack(REGION, "Smaller", 1300);
    stage.run().await;
    stage.forget();
    stage.seen_whole(LARGE, 2 * HOUR);
    stage.seen_whole("Smaller", HOUR + Duration::from_secs(60));
    stage.world.leave(REGION, "Smaller", &account(900));
    // 40 pages take 12 seconds, 13 take 4.
    stage.world.latency(Duration::from_millis(300));
    for _ in 0..3 {
        let _however_it_ended = run_within(&stage, Duration::from_secs(10)).await;
    }
    assert_eq!(notified(&stage), [format!("Smaller {} Left", account(900))]);
}

#[tokio::test]
async fn a_topic_that_hangs_while_a_full_scan_is_due() {
    for topic in [ALERTS, EVENTS] {
        let stage = Stage::new().await;
        stage.world.add_pack(REGION, LARGE, 1300);
        stage.run().await;
        stage.forget();
        stage.seen_whole(LARGE, HOUR + Duration::from_secs(60));
        fail(&stage, REGION, LARGE, 7);
        stage.world.leave(REGION, LARGE, &account(900));
        stage.world.topic_fault(topic, SnsFault::Hang);
        let began = std::time::Instant::now();
        let _however = run_within(&stage, Duration::from_secs(15)).await;
        assert!(began.elapsed() < Duration::from_secs(15));
        stage.world.heal_sns();
        stage.run().await;
        assert_eq!(notified(&stage).len(), 2, "each once");
        let accounts: usize = stage
            .digests()
            .iter()
            .map(|digest| digest["Packs"][0]["Transitions"].as_array().unwrap().len())
            .sum();
        assert_eq!(accounts, 2, "each once: {:?}", stage.digests());
    }
}

#[tokio::test]
async fn a_clock_that_was_a_year_ahead_does_not_distrust_the_filters_for_a_year() {
    let stage = Stage::new().await;
    stage.world.add_pack(REGION, LARGE, 1300);
    stage.run().await;
    let mut head = stage.head(LARGE);
    let then = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    head["filters_distrusted_until"]["N"] = json!((then + 365 * 86400).to_string());
    stage.put(&head);
    assert_eq!(scans(&stage.run().await), ["Quick"]);
}

/// No write holds a run beyond its deadline, and one that is not answered is reported by the next run, once.
#[tokio::test]
async fn a_table_that_never_answers_a_write_does_not_hold_the_run() {
    for operation in ["TransactWriteItems", "UpdateItem", "PutItem"] {
        let stage = Stage::new().await;
        stage.world.add_pack(REGION, LARGE, 1300);
        stage.run().await;
        stage.forget();
        stage.seen_whole(LARGE, HOUR + Duration::from_secs(60));
        fail(&stage, REGION, LARGE, 7);
        stage.dynamo.fault(operation, Fault::Hang, 100);
        let began = std::time::Instant::now();
        let _however = run_within(&stage, Duration::from_secs(4)).await;
        assert!(
            began.elapsed() < Duration::from_millis(3990),
            "{operation} held the run: {:?}",
            began.elapsed()
        );
        stage.dynamo.heal();
        stage.run().await;
        assert_eq!(notified(&stage).len(), 1, "{operation}: {:?}", notified(&stage));
    }
}

#[tokio::test]
async fn a_late_pack_whose_full_scan_fails_is_still_reported_by_quick_ones() {
    let stage = Stage::new().await;
    stage.world.add_pack(REGION, LARGE, 1300);
    stage.run().await;
    stage.forget();
    // A healthy account's row lacks its status, so that its page cannot be read.
    stage.world.edit(REGION, LARGE, &account(900), |row, _| row.without = Some("AccountId".to_owned()));
    stage.seen_whole(LARGE, 2 * HOUR);
    fail(&stage, REGION, LARGE, 7);
    let _however = run_within(&stage, Duration::from_secs(60)).await;
    assert_eq!(notified(&stage).len(), 1, "not late yet");
    stage.seen_whole(LARGE, 4 * HOUR);
    fail(&stage, REGION, LARGE, 8);
    let _however = run_within(&stage, Duration::from_secs(60)).await;
    assert_eq!(notified(&stage).len(), 2);
}

#[tokio::test]
async fn a_region_that_does_not_list_its_packs_blinds_no_other() {
    let stage = Stage::with(&[REGIONS]).await;
    stage.world.add_pack(REGION, PACK, 3).add_pack(ELSEWHERE, PACK, 3);
    stage.run().await;
    stage.forget();
    fail(&stage, REGION, PACK, 2);
    stage.world.next_faults(ELSEWHERE, NextFault::Hang, 1000);
    for _ in 0..2 {
        let _however_it_ended = run_within(&stage, Duration::from_secs(8)).await;
    }
    assert_eq!(notified(&stage).len(), 1);
}

#[tokio::test]
async fn full_scans_that_are_due_follow_several_quick_ones_that_claimed() {
    let stage = Stage::new().await;
    let packs = [1, 2].map(|n| format!("{LARGE}-{n}"));
    for pack in &packs {
        stage.world.add_pack(REGION, pack, 1300);
    }
    stage.run().await;
    stage.forget();
    for pack in &packs {
        fail(&stage, REGION, pack, 7);
        stage.world.leave(REGION, pack, &account(900));
        stage.seen_whole(pack, HOUR + Duration::from_secs(60));
    }
    let answer = stage.run().await;
    assert_eq!((outcomes(&answer), scans(&answer)), (vec!["Changed"; 2], vec!["Full"; 2]));
    assert_eq!(notified(&stage).len(), 4);
}

#[tokio::test]
async fn a_refused_filter_by_account_keeps_no_change_from_anybody() {
    for accounts in [3, 1300] {
        let stage = Stage::new().await;
        stage.world.add_pack(REGION, PACK, accounts);
        fail(&stage, REGION, PACK, 2);
        stage.run().await;
        stage.forget();
        stage.world.refuse_account_filter();
        stage.world.leave(REGION, PACK, &account(3));
        stage.world.set_status(REGION, PACK, &account(2), "UPDATE_SUCCESSFUL");
        if accounts > 1200 {
            stage.seen_whole(PACK, 2 * HOUR);
        }
        let answer = run_within(&stage, Duration::from_secs(60)).await;
        assert_eq!(notified(&stage).len(), 2, "{answer:?}");
    }
}

#[tokio::test]
async fn a_pack_that_is_listed_and_for_a_moment_not_found_is_not_reported_as_deleted() {
    let stage = Stage::new().await;
    stage.world.add_pack(REGION, PACK, 3);
    stage.run().await;
    stage.forget();
    stage.world.latency(Duration::from_millis(200));
    let not_found = async {
        while stage.world.count("config", "DescribeOrganizationConformancePacks") < 1 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        let error =
            ServiceError::new(400, "NoSuchOrganizationConformancePackException", "It does not exist.");
        stage.world.next_faults(REGION, NextFault::Error(error), 1);
    };
    let (answer, ()) = tokio::join!(run_within(&stage, Duration::from_secs(60)), not_found);
    stage.run().await;
    assert_eq!(notified(&stage), [""; 0], "{answer:?}");
}

#[tokio::test]
async fn quick_scans_find_what_follows_from_the_time() {
    let stage = Stage::with(&[("PACKWATCH_STUCK_AFTER", "2s"), ("PACKWATCH_FLAP_LIMIT", "2")]).await;
    stage.world.add_pack(REGION, LARGE, 1300);
    stage.run().await;
    stage.world.set_status(REGION, LARGE, &account(1), "UPDATE_IN_PROGRESS");
    stage.run().await;
    stage.forget();
    tokio::time::sleep(Duration::from_millis(3100)).await;
    let answer = stage.run().await;
    assert_eq!(
        (notified(&stage), scans(&answer)),
        (vec![format!("{LARGE} {} Stuck", account(1))], vec!["Quick"])
    );
    for _ in 0..3 {
        fail(&stage, REGION, LARGE, 2);
        stage.run().await;
        stage.world.set_status(REGION, LARGE, &account(2), "UPDATE_SUCCESSFUL");
        stage.run().await;
    }
    stage.forget();
    stage.edit_row(LARGE, &account(2), |row| row["Turns"] = json!(["2020-01-01T00:00:00Z"]));
    let answer = stage.run().await;
    assert_eq!(
        (notified(&stage), scans(&answer)),
        (vec![format!("{LARGE} {} Settled", account(2))], vec!["Quick"])
    );
    stage.forget();
    let answer = stage.run().await;
    assert_eq!((notified(&stage).len(), outcomes(&answer)), (0, vec!["Unchanged"]));
}

#[tokio::test]
async fn a_pack_that_is_made_anew_while_it_is_read_whole() {
    for at in [0, 3, 9] {
        let stage = Stage::new().await;
        stage.world.add_pack(REGION, LARGE, 1300);
        fail(&stage, REGION, LARGE, 1);
        stage.run().await;
        stage.forget();
        stage.seen_whole(LARGE, HOUR + Duration::from_secs(60));
        stage.world.latency(Duration::from_millis(30));
        let anew = async {
            let is_whole = |r: &crate::world::log::Request| {
                r.operation.starts_with("Get") && r.body.get("Filters").is_none()
            };
            while stage.world.requests().iter().filter(|r| is_whole(r)).count() < at {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            stage.world.delete_pack(REGION, LARGE);
            stage.world.add_pack(REGION, LARGE, 1250);
            fail(&stage, REGION, LARGE, 2);
        };
        let (answer, ()) = tokio::join!(run_within(&stage, Duration::from_secs(60)), anew);
        stage.world.latency(Duration::ZERO);
        stage.run().await;
        stage.seen_whole(LARGE, HOUR + Duration::from_secs(60));
        stage.run().await;
        let notified = notified(&stage);
        let count = |kind: &str| notified.iter().filter(|notified| notified.ends_with(kind)).count();
        assert_eq!(
            (count("Recovered"), count("Failed"), count("Left")),
            (1, 1, 50),
            "{at}: {answer:?} {notified:?}"
        );
    }
}
