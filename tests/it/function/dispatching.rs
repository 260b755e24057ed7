//! Topics and tables misbehave, runs end too soon: everybody is reported all the same.

use std::time::Duration;

use serde_json::json;

use super::stage::{ALERTS, EVENTS, PACK, REGION, Stage, outcomes};
use crate::harness::dynamo::Fault;
use crate::world::packs::account;

#[tokio::test]
async fn entries_refused_inside_an_answer_of_success_are_sent_again_and_alone() {
    let stage = Stage::new().await;
    stage.world.add_pack(REGION, PACK, 12);
    stage.run().await;
    stage.forget();
    for n in 1..=12 {
        stage.world.fail(REGION, PACK, &account(n), "UPDATE_FAILED", "C", "m");
    }
    stage.world.fail_entries(&[0, 3], false);
    assert_eq!(outcomes(&stage.run().await), ["Changed"]);
    let mut notified: Vec<String> = stage
        .world
        .messages_to(EVENTS)
        .iter()
        .filter_map(|m| m.attribute("AccountId").map(str::to_owned))
        .collect();
    notified.sort();
    assert_eq!(notified, (1..=12).map(account).collect::<Vec<_>>(), "each once");
}

#[tokio::test]
async fn a_topic_that_refuses_neither_silences_nor_repeats_the_other() {
    let stage = Stage::new().await;
    stage.world.add_pack(REGION, PACK, 3);
    stage.run().await;
    stage.forget();
    stage.world.fail(REGION, PACK, &account(1), "UPDATE_FAILED", "C", "m");
    stage.world.refuse_topic(EVENTS);
    for _ in 0..2 {
        let error = stage.invoke(json!({})).await.unwrap_err();
        assert!(error["errorMessage"].as_str().unwrap().contains("events topic"), "{error}");
    }
    assert_eq!((stage.digests().len(), stage.world.messages_to(EVENTS).len()), (1, 0));
    stage.world.heal_sns();
    // It is fixed, and the event still waits; nobody is notified twice.
    assert_eq!(outcomes(&stage.run().await), ["Unchanged"]);
    assert_eq!((stage.digests().len(), stage.world.messages_to(EVENTS).len()), (1, 1));
}

#[tokio::test]
async fn what_a_dead_run_recorded_is_dispatched_by_the_next() {
    let stage = Stage::new().await;
    stage.world.add_pack(REGION, PACK, 3);
    stage.run().await;
    stage.forget();
    stage.world.fail(REGION, PACK, &account(1), "UPDATE_FAILED", "C", "m");
    stage.world.refuse_topic(ALERTS).refuse_topic(EVENTS);
    let error = stage.invoke(json!({})).await.unwrap_err();
    assert!(error["errorMessage"].as_str().unwrap().contains("not dispatched"), "{error}");
    stage.world.heal_sns();
    // The account has recovered meanwhile: people see where it stands and how it came there, machines both records.
    stage.world.set_status(REGION, PACK, &account(1), "UPDATE_SUCCESSFUL");
    assert_eq!(outcomes(&stage.run().await), ["Changed"]);
    let digest = &stage.digests()[0];
    assert_eq!(digest["Counts"], json!({"CameAndWent": 1}), "people know nothing of it");
    assert_eq!(digest["Packs"][0]["Transitions"][0]["Earlier"], json!(["Failed"]));
    let events = stage.world.messages_to(EVENTS);
    let kinds: Vec<_> = events.iter().filter_map(|event| event.attribute("Kind")).collect();
    assert_eq!(kinds, ["Failed", "Recovered"]);
}

#[tokio::test]
async fn a_pack_that_is_gone_before_people_heard_of_it_is_reported_by_its_end_alone() {
    let stage = Stage::new().await;
    stage.world.add_pack(REGION, PACK, 3);
    stage.world.refuse_topic(ALERTS).refuse_topic(EVENTS);
    stage.invoke(json!({})).await.unwrap_err();
    stage.world.heal_sns();
    stage.world.delete_pack(REGION, PACK);
    assert_eq!(outcomes(&stage.run().await), ["Deleted"]);
    assert_eq!(stage.run().await["Targets"], json!([]));
    let digests = stage.digests();
    assert_eq!(digests.len(), 1);
    assert_eq!(digests[0]["Counts"], json!({"PackDeleted": 1}));
    let events = stage.world.messages_to(EVENTS);
    let kinds: Vec<_> = events.iter().filter_map(|event| event.attribute("Kind")).collect();
    assert_eq!(kinds, ["Baseline", "PackDeleted"], "machines get the whole log");
}

#[tokio::test]
async fn a_deadline_defers_what_was_not_begun_and_dispatches_what_was_recorded() {
    let stage = Stage::with(&[("PACKWATCH_CONCURRENCY", "1")]).await;
    for n in 0..12 {
        stage.world.add_pack(REGION, &format!("Pack-{n}"), 2);
    }
    stage.world.latency(Duration::from_millis(500));
    let answer = stage.lambda.invoke(json!({}), Duration::from_secs(5)).await.unwrap();
    let outcomes = outcomes(&answer);
    let (done, left): (Vec<&str>, Vec<&str>) = outcomes.iter().partition(|outcome| **outcome == "Baseline");
    assert!(!done.is_empty() && !left.is_empty(), "{outcomes:?}");
    assert!(left.iter().all(|outcome| *outcome == "Deferred"), "{outcomes:?}");
    // In one digest, or in two where a target was recorded just after the first was closed.
    let digests = stage.digests();
    let notified = digests.iter().map(|digest| digest["Packs"].as_array().unwrap().len()).sum::<usize>();
    assert_eq!(notified, done.len(), "what was recorded is dispatched");
}

#[tokio::test]
async fn a_throttled_table_is_waited_for() {
    let stage = Stage::new().await;
    stage.world.add_pack(REGION, PACK, 2);
    stage.dynamo.fault("*", Fault::Throttle, 2);
    assert_eq!(outcomes(&stage.run().await), ["Baseline"]);
}
