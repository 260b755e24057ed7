//! Topics that are slow, hang, refuse or lose their answers: nobody else misses a message, and no run repeats itself
//! because it could not finish.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use super::stage::{ALERTS, EVENTS, PACK, REGION, Stage, outcomes};
use crate::world::messages::SnsFault;
use crate::world::packs::account;

/// How often each record came on the events topic.
fn events(stage: &Stage) -> BTreeMap<String, usize> {
    let mut times = BTreeMap::new();
    for event in stage.world.messages_to(EVENTS) {
        let id = event.json_for("default")["Id"].as_str().unwrap().to_owned();
        *times.entry(id).or_default() += 1;
    }
    times
}

fn fail_all(stage: &Stage, accounts: usize) {
    for n in 1..=accounts {
        stage.world.fail(REGION, PACK, &account(n), "UPDATE_FAILED", "Code", "it broke");
    }
}

#[tokio::test]
async fn a_slow_events_topic_gets_further_with_every_run_and_people_are_notified_once() {
    let stage = Stage::new().await;
    stage.world.add_pack(REGION, PACK, 1500);
    stage.run().await;
    stage.forget();
    fail_all(&stage, 1500);
    stage.world.sns_latency(Duration::from_millis(500));
    let mut runs = 0;
    // A run that ends by itself may have left the rest to the next one, for want of time.
    while events(&stage).len() < 1500 {
        let _however_it_ended = stage.lambda.invoke(json!({}), Duration::from_secs(10)).await;
        runs += 1;
        assert!(runs < 9, "{} of 1500 events after {runs} runs", events(&stage).len());
    }
    let events = events(&stage);
    assert_eq!(events.len(), 1500);
    let copies = events.values().map(|times| times - 1).sum::<usize>();
    assert!(copies <= 800 * runs, "{copies} copies after {runs} runs that did not finish");
    assert_eq!(stage.digests().len(), 1, "people were notified of in the first run");
}

#[tokio::test]
async fn an_events_topic_that_never_answers_costs_people_nothing() {
    let stage = Stage::new().await;
    stage.world.add_pack(REGION, PACK, 3);
    stage.run().await;
    stage.forget();
    fail_all(&stage, 1);
    stage.world.topic_fault(EVENTS, SnsFault::Hang);
    for _ in 0..2 {
        let began = std::time::Instant::now();
        let _however_it_ended = stage.lambda.invoke(json!({}), Duration::from_secs(12)).await;
        assert!(began.elapsed() < Duration::from_secs(12), "it ends by itself");
    }
    assert_eq!(stage.digests().len(), 1);
    stage.world.heal_sns();
    stage.run().await;
    assert_eq!((stage.digests().len(), events(&stage).len()), (1, 1));
    assert_eq!(outcomes(&stage.run().await), ["Unchanged"]);
}

#[tokio::test]
async fn an_alerts_topic_that_refuses_from_the_first_day_keeps_nothing_from_machines() {
    let stage = Stage::new().await;
    stage.world.refuse_topic(ALERTS);
    stage.world.add_pack(REGION, PACK, 3);
    stage.invoke(json!({})).await.unwrap_err();
    fail_all(&stage, 2);
    stage.invoke(json!({})).await.unwrap_err();
    let kinds = |stage: &Stage| -> Vec<String> {
        let events = stage.world.messages_to(EVENTS);
        events.iter().map(|event| event.attribute("Kind").unwrap().to_owned()).collect()
    };
    assert_eq!(kinds(&stage), ["Baseline", "Failed", "Failed"]);
    stage.world.heal_sns();
    stage.run().await;
    let digests = stage.digests();
    assert_eq!(digests.len(), 1);
    let pack = &digests[0]["Packs"][0];
    assert_eq!(pack["Type"], "Baseline", "the summary stands for what came with it");
    assert_eq!(pack["Transitions"].as_array().unwrap().len(), 2, "and shows the state then");
    assert_eq!(kinds(&stage).len(), 3, "machines get no copies of it");
    assert_eq!(outcomes(&stage.run().await), ["Unchanged"]);
}

/// As the runbook has it after a restore to a point in time.
#[tokio::test]
async fn a_million_epochs_without_a_record_are_one_step() {
    let stage = Stage::new().await;
    stage.world.add_pack(REGION, PACK, 3);
    stage.run().await;
    let mut head = stage.head(PACK);
    head["epoch"]["N"] = "1000001".into();
    head.as_object_mut().unwrap().retain(|name, _| !name.ends_with("fingerprint"));
    stage.put(&head);
    stage.forget();
    fail_all(&stage, 1);
    assert_eq!(outcomes(&stage.run().await), ["Changed"]);
    assert_eq!((stage.digests().len(), events(&stage).len()), (1, 1));
    let requests = stage.dynamo.take_requests().len();
    assert!(requests < 20, "{requests} requests");
}

#[tokio::test]
async fn a_copy_of_a_digest_with_a_baseline_or_a_deletion_has_the_same_id() {
    let stage = Stage::new().await;
    let ids = |stage: &Stage| -> BTreeSet<String> {
        stage.digests().iter().map(|digest| digest["Id"].as_str().unwrap().to_owned()).collect()
    };
    stage.world.add_pack(REGION, PACK, 3);
    for _ in 0..2 {
        // Accepted, but no answer ever came: it may not be sent again in this run, and must be in the next.
        stage.world.topic_fault(ALERTS, SnsFault::LoseReply);
        let _failed = stage.invoke(json!({})).await;
        stage.world.heal_sns();
        stage.run().await;
        assert!(stage.digests().len() >= 2, "a copy");
        assert_eq!(ids(&stage).len(), 1, "{:?}", stage.digests());
        stage.forget();
        stage.world.delete_pack(REGION, PACK);
    }
}

#[tokio::test]
async fn a_message_that_is_refused_for_its_text_goes_without_it_and_holds_nobody_up() {
    let stage = Stage::new().await;
    stage.world.add_pack(REGION, PACK, 30);
    stage.run().await;
    stage.forget();
    fail_all(&stage, 25);
    stage.world.fail(REGION, PACK, &account(7), "UPDATE_FAILED", "Code", "POISON");
    stage.world.poison_sns("POISON");
    stage.run().await;
    let times = events(&stage);
    assert_eq!((times.len(), times.values().max()), (25, Some(&1)), "all arrive, once");
    let arrived = stage.world.messages_to(EVENTS);
    let poisoned =
        arrived.iter().find(|event| event.attribute("AccountId") == Some(account(7).as_str())).unwrap();
    let document = poisoned.json_for("default");
    assert_eq!((&document["Kind"], &document["To"]["ErrorCode"]), (&json!("Failed"), &json!("Code")));
    assert_eq!(document["To"]["ErrorMessage"], Value::Null);
    // The digest steps down, too: people hear how many, and where to look.
    assert_eq!(stage.digests().len(), 1);
    assert_eq!(stage.digests()[0]["Counts"], json!({"Failed": 25}));
    assert_eq!(outcomes(&stage.run().await), ["Unchanged"], "nothing lags");
}

#[tokio::test]
async fn what_lags_of_a_pack_that_nobody_watches_any_more_is_dispatched() {
    let mut stage = Stage::new().await;
    stage.world.add_pack(REGION, PACK, 3).add_pack(REGION, "Other", 1);
    stage.run().await;
    stage.forget();
    fail_all(&stage, 1);
    stage.world.refuse_topic(ALERTS).topic_fault(EVENTS, SnsFault::DropBefore);
    stage.invoke(json!({})).await.unwrap_err();
    stage.world.heal_sns();
    stage.lambda = stage.lambda.env("PACKWATCH_PACKS", "Other");
    stage.lambda.kill();
    let answer = stage.run().await;
    assert_eq!(answer["Targets"].as_array().unwrap().len(), 1, "{answer}");
    assert_eq!((stage.digests().len(), events(&stage).len()), (1, 1));
    stage.run().await;
    assert_eq!((stage.digests().len(), events(&stage).len()), (1, 1), "once");
}

#[tokio::test]
async fn a_function_whose_events_topic_was_taken_away_says_what_it_passes_over() {
    let mut stage = Stage::new().await;
    stage.world.add_pack(REGION, PACK, 3);
    stage.run().await;
    stage.forget();
    fail_all(&stage, 2);
    stage.world.refuse_topic(EVENTS);
    stage.invoke(json!({})).await.unwrap_err();
    stage.world.heal_sns();
    stage.lambda = stage.lambda.env("PACKWATCH_EVENTS_TOPIC_ARN", "");
    stage.lambda.kill();
    stage.run().await;
    let logs = stage.lambda.logs();
    assert!(
        logs.iter().any(|line| line.contains("passed over") && line.contains("\"targets\":1")),
        "{logs:?}"
    );
    assert_eq!(outcomes(&stage.run().await), ["Unchanged"], "nothing lags any more");
    stage.lambda = stage.lambda.env("PACKWATCH_EVENTS_TOPIC_ARN", EVENTS);
    stage.lambda.kill();
    stage.run().await;
    assert_eq!(events(&stage).len(), 0, "what was passed over does not come back");
}

/// Who subscribes gets what is published from the confirmation on: the first summary waits for that.
#[tokio::test]
async fn people_who_have_not_confirmed_yet_miss_nothing() {
    let stage = Stage::new().await;
    stage.world.add_pack(REGION, PACK, 3).subscribe(ALERTS, "email", "governance@example.com", false);
    fail_all(&stage, 1);
    let answer = stage.run().await;
    assert_eq!(outcomes(&answer), ["Deferred"], "{answer}");
    assert_eq!((stage.digests().len(), events(&stage).len()), (0, 2), "machines get all");
    stage.world.subscribe(ALERTS, "https", "https://example.com/chat", true);
    stage.run().await;
    let digests = stage.digests();
    assert_eq!((digests.len(), &digests[0]["Counts"]), (1, &json!({"Baseline": 1, "Failed": 1})));
    stage.run().await;
    assert_eq!((stage.digests().len(), stage.world.count("sns", "GetTopicAttributes")), (1, 2));
}
