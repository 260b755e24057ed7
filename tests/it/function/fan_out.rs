//! More than one run can hold: the schedule's targets through a queue, for real. The built function sends them to SQS
//! and takes them from there as Lambda would deliver them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use crate::function::quick_looks::looks;
use crate::function::stage::{ALERTS, EVENTS, PACK, REGION, Stage, outcomes, scheduled};
use crate::world::ServiceError;
use crate::world::faults::NextFault;
use crate::world::packs::account;
use crate::world::queues::QueueFault;

const QUEUE: &str = "https://sqs.eu-west-1.amazonaws.com/999999999999/targets";
const ELSEWHERE: &str = "us-east-1";
const MOST_RECEIVES: u64 = 2;
const REGIONS: (&str, &str) = ("PACKWATCH_REGIONS", "eu-west-1,us-east-1");

async fn stage(more: &[(&str, &str)]) -> Stage {
    let settings: Vec<(&str, &str)> = [("PACKWATCH_QUEUE_URL", QUEUE), ("PACKWATCH_QUEUE_MAX_AGE", "5m")]
        .iter()
        .chain(more)
        .copied()
        .collect();
    let stage = Stage::with(&settings).await;
    stage.world.add_queue(QUEUE, MOST_RECEIVES);
    stage
}

/// With a pack that gets quick looks.
async fn large() -> Stage {
    let stage = stage(&[]).await;
    stage.world.add_pack(REGION, "Large", 1300);
    stage.tick().await;
    stage.drain().await;
    stage
}

impl Stage {
    /// Gives the function the next batch, and Lambda's mapping its answer; the ids that come back.
    async fn take(&self, most: usize) -> Option<BTreeSet<String>> {
        let event = self.world.deliver(QUEUE, most)?;
        let answer = self.invoke(event).await;
        Some(self.world.settle(QUEUE, &answer))
    }

    /// The log, once it holds so many lines with this text: they come through a pipe, beside the answers.
    async fn logs_with(&self, text: &str, lines: usize) -> String {
        for _ in 0..500 {
            let logs = self.lambda.logs();
            if logs.iter().filter(|line| line.contains(text)).count() >= lines {
                return logs.join("\n");
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{text:?} is not in {lines} lines of the log:\n{}", self.lambda.logs().join("\n"));
    }

    /// Gives the function every batch until none waits; nothing may come back.
    async fn drain(&self) {
        while let Some(failed) = self.take(10).await {
            assert_eq!(failed, BTreeSet::new(), "{}", self.lambda.logs().join("\n"));
        }
    }
}

fn message(region: &str, pack: &str) -> String {
    json!({"OrganizationConformancePackName": pack, "Region": region}).to_string()
}

/// What was told, without what differs from one history to the next: ids, and when it was seen. The digests' packs, and
/// the events, each sorted.
fn told(stage: &Stage) -> (BTreeSet<String>, Vec<String>) {
    fn strip(value: &mut Value) {
        if let Some(fields) = value.as_object_mut() {
            fields.retain(|name, _| !["Id", "IncidentId", "ObservedAt"].contains(&name.as_str()));
            fields.values_mut().for_each(strip);
        }
        value.as_array_mut().into_iter().flatten().for_each(strip);
    }
    let text = |mut value: Value| {
        strip(&mut value);
        value.to_string()
    };
    let digests = stage.digests().into_iter();
    let packs = digests.flat_map(|digest| digest["Packs"].as_array().unwrap().clone()).map(text).collect();
    let events = stage.world.messages_to(EVENTS).into_iter();
    let mut events: Vec<String> =
        events.map(|event| text(serde_json::from_str(&event.message).unwrap())).collect();
    events.sort();
    (packs, events)
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
async fn a_queued_pack_that_is_listed_and_for_a_moment_not_found_is_not_told_as_deleted() {
    let stage = stage(&[]).await;
    stage.world.add_pack(REGION, PACK, 3);
    stage.tick().await;
    stage.drain().await;
    stage.forget();
    stage.tick().await;
    let code = "NoSuchOrganizationConformancePackException";
    let not_found = ServiceError::new(400, code, "It does not exist.");
    stage.world.next_faults(REGION, NextFault::Error(not_found), 1);
    stage.drain().await;
    stage.tick().await;
    stage.drain().await;
    assert_eq!(told(&stage), Default::default());
}

#[tokio::test]
async fn the_queue_brings_what_one_run_would_have_brought() {
    let (queued, alone) = (stage(&[REGIONS]).await, Stage::with(&[REGIONS]).await);
    for stage in [&queued, &alone] {
        let world = &stage.world;
        world.set_clock(1_790_000_000.0);
        for n in 1..=12 {
            world.add_pack(REGION, &format!("Pack-{n}"), 120).add_pack(ELSEWHERE, &format!("Pack-{n}"), 3);
        }
    }
    let answer = queued.tick().await;
    assert_eq!(outcomes(&answer), ["Queued"; 24]);
    assert_eq!((&answer["Accounts"], &answer["Notifications"]), (&json!(0), &json!(0)));
    assert_eq!(queued.world.count("sqs", "SendMessageBatch"), 4, "twelve of each region, in tens");
    assert_eq!(queued.world.count("config", "GetOrganizationConformancePackDetailedStatus"), 0);
    let bodies: BTreeSet<String> =
        queued.world.waiting(QUEUE).into_iter().map(|message| message.body).collect();
    assert!(bodies.len() == 24 && bodies.contains(&message(ELSEWHERE, "Pack-7")), "{bodies:?}");
    queued.drain().await;
    assert_eq!(queued.digests().len(), 3, "one for each batch");
    alone.tick().await;
    assert_eq!(told(&queued), told(&alone));

    for stage in [&queued, &alone] {
        stage.forget();
        let world = &stage.world;
        world.set_clock(1_790_000_300.0);
        world.delete_pack(REGION, "Pack-1");
        world.leave(ELSEWHERE, "Pack-2", &account(3));
        for n in 2..=12 {
            world.fail(REGION, &format!("Pack-{n}"), &account(7), "UPDATE_FAILED", "C", "m");
            world.join(REGION, &format!("Pack-{n}"), &account(999), "CREATE_SUCCESSFUL");
        }
        stage.tick().await;
    }
    queued.drain().await;
    let (packs, events) = told(&queued);
    assert_eq!((packs.len(), events.len()), (13, 24), "an event for the pack that is gone, too");
    assert_eq!((packs, events), told(&alone));
    assert_eq!(chains(&queued), chains(&alone));

    queued.forget();
    queued.tick().await;
    queued.drain().await;
    assert_eq!(queued.world.messages().len(), 0, "nothing has changed");
}

#[tokio::test]
async fn the_sender_looks_quickly_and_queues_four_whole_looks_the_longest_due_and_one_at_random() {
    let stage = stage(&[]).await;
    let packs: Vec<String> = (1..=6).map(|n| format!("Large-{n}")).collect();
    for pack in &packs {
        stage.world.add_pack(REGION, pack, 1300);
    }
    assert_eq!(outcomes(&stage.tick().await), ["Queued"; 6], "a baseline");
    stage.drain().await;
    for (pack, n) in packs.iter().zip(1..) {
        stage.seen_whole(pack, Duration::from_secs(3600 + 60 * n));
    }
    stage.forget();
    stage.world.fail(REGION, "Large-1", &account(7), "UPDATE_FAILED", "C", "m");
    stage.world.leave(REGION, "Large-6", &account(8));
    let answer = stage.tick().await;
    assert_eq!(looks(&answer), ["Quick"; 6]);
    assert_eq!((outcomes(&answer)[0], &outcomes(&answer)[1..]), ("Changed", &["Unchanged"; 5][..]));
    assert_eq!(stage.world.messages_to(EVENTS).len(), 1, "what is not well waits for no queue");
    let waiting: BTreeSet<String> =
        stage.world.waiting(QUEUE).into_iter().map(|message| message.body).collect();
    let of = |n: usize| message(REGION, &format!("Large-{n}"));
    assert!(waiting.len() == 4 && [4, 5, 6].iter().all(|n| waiting.contains(&of(*n))), "{waiting:?}");
    assert!(!waiting.contains(&of(1)), "the sender still announces it");
    stage.drain().await;
    assert_eq!(stage.world.messages_to(EVENTS).len(), 2);
    stage.tick().await;
    assert_eq!(stage.world.waiting(QUEUE).len(), 2, "those that were not seen whole yet");
}

#[tokio::test]
async fn where_quick_looks_find_no_time_no_whole_one_is_queued_and_the_run_does_not_fail() {
    let stage = large().await;
    stage.seen_whole("Large", Duration::from_secs(3660));
    stage.world.throttle(REGION, 1.0);
    let answer = stage.lambda.invoke(scheduled(), Duration::from_secs(4)).await.unwrap();
    assert_eq!((outcomes(&answer), looks(&answer)), (vec!["Deferred"], vec!["Quick"]));
    assert_eq!(stage.world.waiting(QUEUE).len(), 0);
    stage.world.throttle(REGION, 1000.0);
    stage.tick().await;
    assert_eq!(stage.world.waiting(QUEUE).len(), 1);
}

#[tokio::test]
async fn a_queued_whole_look_that_finds_no_time_does_not_come_back() {
    let stage = large().await;
    stage.world.enqueue(QUEUE, &message(REGION, "Large"));
    stage.world.latency(Duration::from_secs(1));
    let answer = stage.lambda.invoke(stage.world.deliver(QUEUE, 10).unwrap(), Duration::from_secs(4)).await;
    assert_eq!(stage.world.settle(QUEUE, &answer), BTreeSet::new(), "{answer:?}");
    let calls = stage.world.count("config", "GetOrganizationConformancePackDetailedStatus");
    assert!((14..26).contains(&calls), "it was begun and not finished: {calls}");
}

#[tokio::test]
async fn a_queue_that_refuses_fails_the_sender_though_its_quick_looks_are_done() {
    let stage = large().await;
    // Late: it is queued though the sender has claimed it.
    stage.seen_whole("Large", Duration::from_secs(3 * 3600 + 60));
    stage.forget();
    stage.world.fail(REGION, "Large", &account(7), "UPDATE_FAILED", "C", "m");
    let denied =
        ServiceError::new(400, "AccessDeniedException", "not authorized to perform: sqs:sendmessage");
    stage.world.queue_faults([QueueFault::Error(denied)]);
    let error =
        stage.invoke(json!({"source": "aws.scheduler", "detail-type": "Scheduled Event"})).await.unwrap_err();
    let error = error["errorMessage"].as_str().unwrap();
    assert!(error.contains("Large in eu-west-1: Denied: not sent to the queue"), "{error}");
    assert_eq!(stage.world.messages_to(EVENTS).len(), 1);
}

#[tokio::test]
async fn exactly_the_messages_whose_target_was_not_finished_come_back_and_then_are_dead_letters() {
    let stage = stage(&[REGIONS]).await;
    stage.world.add_pack(REGION, PACK, 3).add_pack(ELSEWHERE, PACK, 3);
    stage.world.enqueue(QUEUE, &message(REGION, PACK)).enqueue(QUEUE, &message(ELSEWHERE, PACK));
    stage.world.enqueue(QUEUE, "look!").enqueue(QUEUE, &message(REGION, "Gone-since"));
    let ids: Vec<String> = stage.world.waiting(QUEUE).into_iter().map(|message| message.id).collect();
    stage.world.deny(ELSEWHERE);
    let back = BTreeSet::from([ids[1].clone(), ids[2].clone()]);
    assert_eq!(stage.take(10).await, Some(back.clone()));
    assert_eq!(stage.digests().len(), 1, "the others' baseline is told");
    let logs = stage.logs_with("delegated administrator", 1).await;
    assert!(logs.contains(&format!("the queue's message {}", ids[2])) && logs.contains("look!"), "{logs}");

    // What is mended goes through; what cannot be mended is kept for a person.
    stage.world.allow(ELSEWHERE);
    assert_eq!(stage.take(10).await, Some(BTreeSet::from([ids[2].clone()])));
    assert_eq!(stage.digests().len(), 2);
    let dead: Vec<String> = stage.world.dead_letters(QUEUE).into_iter().map(|message| message.body).collect();
    assert_eq!(dead, ["look!"]);
    assert_eq!(stage.take(10).await, None);
}

#[tokio::test]
async fn entries_that_sqs_refuses_inside_an_answer_of_success_are_sent_again_and_then_told() {
    let stage = stage(&[("PACKWATCH_PACKS", "Pack-*")]).await;
    for n in 1..=4 {
        stage.world.add_pack(REGION, &format!("Pack-{n}"), 1);
    }
    stage.world.queue_faults([QueueFault::FailEntries { positions: vec![0, 3], sender_fault: false }]);
    assert_eq!(outcomes(&stage.tick().await), ["Queued"; 4]);
    assert_eq!(stage.world.waiting(QUEUE).len(), 4, "each once");

    stage.world.queue_faults([QueueFault::FailEntries { positions: vec![1], sender_fault: true }]);
    let error =
        stage.invoke(json!({"source": "aws.scheduler", "detail-type": "Scheduled Event"})).await.unwrap_err();
    let error = error["errorMessage"].as_str().unwrap();
    assert!(error.contains("1 of 4 targets") && error.contains("InvalidMessageContents"), "{error}");
    assert_eq!(stage.world.waiting(QUEUE).len(), 7);

    let denied =
        ServiceError::new(400, "AccessDeniedException", "not authorized to perform: sqs:sendmessage");
    stage.world.queue_faults([QueueFault::Error(denied)]);
    let error =
        stage.invoke(json!({"source": "aws.scheduler", "detail-type": "Scheduled Event"})).await.unwrap_err();
    let error = error["errorMessage"].as_str().unwrap();
    assert!(error.contains("4 of 4 targets") && error.contains("Denied: not sent to the queue"), "{error}");
}

#[tokio::test]
async fn a_sender_that_dies_halfway_loses_nothing_and_what_comes_twice_is_told_once() {
    let stage = stage(&[]).await;
    for n in 1..=25 {
        stage.world.add_pack(REGION, &format!("Pack-{n}"), 2);
    }
    stage.world.queue_faults([QueueFault::None, QueueFault::LoseReply, QueueFault::Hang]);
    let invoking = stage.lambda.invoke(scheduled(), Duration::from_secs(60));
    let dying = async {
        while stage.world.count("sqs", "SendMessageBatch") < 3 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        stage.lambda.kill();
    };
    let (died, ()) = tokio::join!(invoking, dying);
    died.unwrap_err();
    let sent = stage.world.waiting(QUEUE);
    let targets: BTreeSet<&String> = sent.iter().map(|message| &message.body).collect();
    assert!((1..25).contains(&targets.len()), "{} were sent", targets.len());

    assert_eq!(outcomes(&stage.tick().await), ["Queued"; 25]);
    assert_eq!(stage.world.waiting(QUEUE).len(), sent.len() + 25);
    stage.drain().await;
    let packs: Vec<Value> =
        stage.digests().iter().flat_map(|digest| digest["Packs"].as_array().unwrap().clone()).collect();
    assert_eq!(packs.len(), 25, "each baseline once");
}

#[tokio::test]
async fn a_batch_that_is_delivered_twice_tells_nobody_twice() {
    let stage = stage(&[]).await;
    stage.world.add_pack(REGION, PACK, 3);
    stage.tick().await;
    let event = stage.world.deliver(QUEUE, 10).unwrap();
    for _ in 0..2 {
        assert_eq!(stage.invoke(event.clone()).await.unwrap(), json!({"batchItemFailures": []}));
    }
    // Both copies in one batch are one look.
    let mut both = event.clone();
    both["Records"].as_array_mut().unwrap().push(event["Records"][0].clone());
    both["Records"][1]["messageId"] = json!("another");
    stage.world.reset_requests();
    assert_eq!(stage.invoke(both).await.unwrap(), json!({"batchItemFailures": []}));
    assert_eq!(stage.world.count("config", "GetOrganizationConformancePackDetailedStatus"), 1);
    assert_eq!(stage.world.messages_to(ALERTS).len(), 1);
}

#[tokio::test]
async fn what_waited_until_the_next_tick_is_dropped_and_looked_at_with_that() {
    let stage = stage(&[]).await;
    stage.world.add_pack(REGION, PACK, 3).add_pack(REGION, "Other", 3);
    stage.tick().await;
    stage.world.wait_in_queue(QUEUE, Duration::from_secs(301));
    stage.tick().await;
    assert_eq!(stage.world.waiting(QUEUE).len(), 4);
    assert_eq!(stage.take(2).await, Some(BTreeSet::new()));
    assert_eq!(stage.world.count("config", "GetOrganizationConformancePackDetailedStatus"), 0);
    assert_eq!(stage.dynamo.count("PutItem"), 0);
    stage.drain().await;
    assert_eq!(stage.world.count("config", "GetOrganizationConformancePackDetailedStatus"), 2);
    stage.logs_with("waited until the next tick", 2).await;
}

#[tokio::test]
async fn what_the_time_did_not_suffice_for_comes_back() {
    let stage = stage(&[("PACKWATCH_CONCURRENCY", "1"), ("PACKWATCH_GROUP_WAIT", "0s")]).await;
    for n in 1..=6 {
        stage.world.add_pack(REGION, &format!("Pack-{n}"), 2);
    }
    stage.tick().await;
    stage.world.latency(Duration::from_millis(700));
    let event = stage.world.deliver(QUEUE, 10).unwrap();
    let answer = stage.lambda.invoke(event, Duration::from_secs(4)).await;
    let left = stage.world.settle(QUEUE, &answer).len();
    assert!(answer.is_ok() && (1..6).contains(&left), "{answer:?}");
    stage.world.latency(Duration::ZERO);
    stage.drain().await;
    let packs = stage.digests().iter().map(|digest| digest["Packs"].as_array().unwrap().len()).sum::<usize>();
    assert_eq!(packs, 6, "each once");
}

#[tokio::test]
async fn who_asks_is_answered_at_once_and_not_by_way_of_the_queue() {
    let stage = stage(&[]).await;
    stage.world.add_pack(REGION, PACK, 3).add_pack(REGION, "Operational-Best-Practices-for-CIS", 3);
    let put: Value = serde_json::from_str(include_str!("../../../events/cloudtrail-put.json")).unwrap();
    for event in [json!({"DryRun": true}), put, json!({"OrganizationConformancePackName": PACK}), json!({})] {
        let answer = stage.invoke(event).await.unwrap();
        assert!(
            outcomes(&answer).iter().all(|outcome| ["Baseline", "Unchanged"].contains(outcome)),
            "{answer}"
        );
    }
    assert_eq!(stage.world.count("sqs", "SendMessageBatch"), 0);
}

#[tokio::test]
async fn the_sample_of_the_queue_is_taken() {
    let stage = Stage::with(&[]).await;
    stage.world.add_pack(REGION, PACK, 3).add_pack(REGION, "Operational-Best-Practices-for-CIS", 3);
    let sample: Value = serde_json::from_str(include_str!("../../../events/sqs.json")).unwrap();
    assert_eq!(stage.invoke(sample).await.unwrap(), json!({"batchItemFailures": []}));
    assert_eq!(stage.digests()[0]["Packs"].as_array().unwrap().len(), 2);
}
