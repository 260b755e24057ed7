//! The main job, for real: the built function under a runtime API, with AWS Config, DynamoDB and SNS over
//! HTTP. Events go in at one end, messages come out at the other.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::aws_env;
use crate::harness::dynamo::{Dynamo, Fault};
use crate::harness::lambda::Lambda;
use crate::world::World;
use crate::world::packs::account;
use crate::world::server::Served;

pub(crate) const REGION: &str = "eu-west-1";
pub(crate) const PACK: &str = "Security-Baseline";
pub(crate) const ALERTS: &str = "arn:aws:sns:eu-west-1:999999999999:alerts";
pub(crate) const EVENTS: &str = "arn:aws:sns:eu-west-1:999999999999:events";
const TIMEOUT: Duration = Duration::from_secs(60);

/// The whole outside, and the function in it.
pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) dynamo: Dynamo,
    pub(crate) lambda: Lambda,
    _served: Served,
}

impl Stage {
    async fn new() -> Self {
        Self::with(&[]).await
    }

    pub(crate) async fn with(settings: &[(&str, &str)]) -> Self {
        let world = World::new();
        world.add_topic(ALERTS).add_topic(EVENTS);
        let served = world.serve().await;
        let dynamo = Dynamo::with_table("packwatch");
        let mut lambda =
            Lambda::new(env!("CARGO_BIN_EXE_bootstrap"), REGION, aws_env(REGION, &served.url, &dynamo.url))
                .env("PACKWATCH_TABLE", "packwatch")
                .env("PACKWATCH_ALERTS_TOPIC_ARN", ALERTS)
                .env("PACKWATCH_EVENTS_TOPIC_ARN", EVENTS);
        for (name, value) in settings {
            lambda = lambda.env(name, value);
        }
        Self { world, dynamo, lambda, _served: served }
    }

    pub(crate) async fn invoke(&self, event: Value) -> Result<Value, Value> {
        self.lambda.invoke(event, TIMEOUT).await
    }

    pub(crate) async fn tick(&self) -> Value {
        let scheduled: Value = serde_json::from_str(include_str!("../../events/scheduled.json")).unwrap();
        let answer = self.invoke(scheduled).await;
        answer.unwrap_or_else(|error| panic!("{error}\n{}", self.lambda.logs().join("\n")))
    }

    /// The digests since the last look, as the documents under `default`.
    pub(crate) fn digests(&self) -> Vec<Value> {
        let messages = self.world.messages_to(ALERTS);
        messages.iter().map(|message| message.json_for("default")).collect()
    }

    pub(crate) fn forget(&self) {
        self.world.take_messages();
        self.world.reset_requests();
        self.dynamo.reset_requests();
    }
}

/// The outcome of each target of an answer.
pub(crate) fn outcomes(answer: &Value) -> Vec<&str> {
    answer["Targets"].as_array().unwrap().iter().map(|target| target["Outcome"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn from_a_schedule_to_a_message() {
    let stage = Stage::new().await;
    let world = &stage.world;
    world.add_pack(REGION, PACK, 250);

    // The first look is a baseline: one summary, and not 250 messages.
    let answer = stage.tick().await;
    assert_eq!(outcomes(&answer), ["Baseline"]);
    assert_eq!(
        (&answer["Accounts"], &answer["Transitions"], &answer["Notifications"]),
        (&json!(250), &json!(0), &json!(1))
    );
    assert_eq!(answer["Targets"][0]["Pages"], 3);
    let digests = stage.digests();
    assert_eq!(digests.len(), 1);
    assert_eq!(digests[0]["Packs"][0]["Type"], "Baseline");
    assert_eq!(digests[0]["Packs"][0]["Accounts"], 250);
    assert_eq!(world.messages_to(EVENTS).len(), 0);

    // A quiet run costs one Query and nothing else.
    stage.forget();
    let answer = stage.tick().await;
    assert_eq!(outcomes(&answer), ["Unchanged"]);
    assert_eq!(stage.dynamo.counts().into_iter().collect::<Vec<_>>(), [("Query".to_owned(), 1)]);
    assert_eq!(world.messages().len(), 0);

    // Five different changes are one digest and five events.
    stage.forget();
    world.set_status(REGION, PACK, &account(1), "UPDATE_IN_PROGRESS");
    world.fail(REGION, PACK, &account(2), "UPDATE_FAILED", "SomeCode", "it broke");
    world.set_status(REGION, PACK, &account(3), "UPDATE_SUCCESSFUL");
    world.join(REGION, PACK, &account(251), "CREATE_SUCCESSFUL");
    world.leave(REGION, PACK, &account(250));
    let answer = stage.tick().await;
    assert_eq!(outcomes(&answer), ["Changed"]);
    assert_eq!((&answer["Transitions"], &answer["Notifications"]), (&json!(5), &json!(1)));
    let digests = stage.digests();
    assert_eq!(digests.len(), 1);
    let expected = json!({"Failed": 1, "InProgress": 1, "Joined": 1, "Left": 1, "Succeeded": 1});
    assert_eq!(digests[0]["Counts"], expected);
    assert_eq!(digests[0]["Severity"], "failure");
    let events = world.messages_to(EVENTS);
    let kinds: BTreeSet<&str> = events.iter().filter_map(|event| event.attribute("Kind")).collect();
    assert_eq!(kinds, BTreeSet::from(["Failed", "InProgress", "Joined", "Left", "Succeeded"]));
    assert_eq!(events.len(), 5);
    let failed = events.iter().find(|event| event.attribute("Kind") == Some("Failed")).unwrap();
    assert_eq!(failed.attribute("AccountId"), Some(account(2).as_str()));
    assert_eq!(failed.attribute("Status"), Some("UPDATE_FAILED"));
    let told: BTreeSet<_> =
        digests[0]["Packs"][0]["Transitions"].as_array().unwrap().iter().map(|t| t["Id"].as_str()).collect();
    let documents: Vec<Value> = events.iter().map(|e| serde_json::from_str(&e.message).unwrap()).collect();
    assert_eq!(
        told,
        documents.iter().map(|document| document["Id"].as_str()).collect(),
        "one id in every copy"
    );

    // A failure that is mended is told as a recovery.
    stage.forget();
    world.set_status(REGION, PACK, &account(2), "UPDATE_SUCCESSFUL");
    stage.tick().await;
    assert_eq!(stage.digests()[0]["Counts"], json!({"Recovered": 1}));

    // A filtered and a cut request find what a full run knows already, and stay quiet.
    stage.forget();
    let filtered = json!({"OrganizationConformancePackName": PACK, "Filters": {"AccountId": account(2)}});
    assert_eq!(outcomes(&stage.invoke(filtered).await.unwrap()), ["Unchanged"]);
    let cut = json!({"OrganizationConformancePackName": PACK, "PaginationConfig": {"MaxItems": 1}});
    let answer = stage.invoke(cut).await.unwrap();
    assert_eq!(outcomes(&answer), ["Unchanged"]);
    let token = answer["NextToken"].as_str().unwrap();
    let resumed = json!({"OrganizationConformancePackName": PACK,
        "PaginationConfig": {"MaxItems": 1000, "StartingToken": token}});
    let answer = stage.invoke(resumed).await.unwrap();
    assert_eq!((&answer["Accounts"], answer.get("NextToken")), (&json!(249), None));
    assert_eq!(world.messages().len(), 0);
    assert_eq!(stage.dynamo.count("UpdateItem"), 0, "nothing was claimed");

    // Gone is told once.
    stage.forget();
    world.delete_pack(REGION, PACK);
    assert_eq!(outcomes(&stage.tick().await), ["Deleted"]);
    assert_eq!(stage.digests()[0]["Packs"][0]["Type"], "PackDeleted");
    assert_eq!(stage.tick().await["Targets"], json!([]));
    assert_eq!(stage.digests().len(), 1);

    // And comes back as a new baseline.
    stage.forget();
    world.add_pack(REGION, PACK, 3);
    assert_eq!(outcomes(&stage.tick().await), ["Baseline"]);
    assert_eq!(stage.digests()[0]["Packs"][0]["Accounts"], 3);
}

#[tokio::test]
async fn a_filtered_request_tells_what_it_finds_and_the_next_run_looks_at_everything() {
    let stage = Stage::new().await;
    stage.world.add_pack(REGION, PACK, 3);
    let filtered = json!({"OrganizationConformancePackName": PACK, "Filters": {"AccountId": account(1)}});
    let answer = stage.invoke(filtered.clone()).await.unwrap();
    assert_eq!(outcomes(&answer), ["Deferred"], "there is no baseline to compare with: {answer}");
    stage.tick().await;
    stage.forget();

    stage.world.fail(REGION, PACK, &account(1), "UPDATE_FAILED", "C", "m");
    stage.world.fail(REGION, PACK, &account(2), "UPDATE_FAILED", "C", "m");
    assert_eq!(outcomes(&stage.invoke(filtered).await.unwrap()), ["Changed"]);
    assert_eq!(stage.digests()[0]["Counts"], json!({"Failed": 1}), "nobody left, and one was not looked at");
    assert_eq!(outcomes(&stage.tick().await), ["Changed"]);
    assert_eq!(stage.digests().len(), 2);
}

#[tokio::test]
async fn a_dry_run_changes_nothing() {
    let stage = Stage::new().await;
    stage.world.add_pack(REGION, PACK, 3);
    stage.tick().await;
    stage.forget();
    let before = stage.dynamo.dump("packwatch");
    stage.world.fail(REGION, PACK, &account(1), "UPDATE_FAILED", "C", "m");
    let answer = stage.invoke(json!({"DryRun": true})).await.unwrap();
    assert_eq!((outcomes(&answer), &answer["Transitions"]), (vec!["Changed"], &json!(1)));
    assert_eq!(stage.dynamo.dump("packwatch"), before);
    assert_eq!(stage.world.messages().len(), 0);
}

#[tokio::test]
async fn every_sample_event_is_taken() {
    let stage = Stage::new().await;
    stage.world.add_pack(REGION, PACK, 3);
    stage.world.add_pack(REGION, "Operational-Best-Practices-for-CIS", 3);
    stage.tick().await;
    let events = [
        include_str!("../../events/scheduled.json"),
        include_str!("../../events/scheduler.json"),
        include_str!("../../events/cloudtrail-put.json"),
        include_str!("../../events/cloudtrail-delete.json"),
        include_str!("../../events/request.json"),
        include_str!("../../events/request-filtered.json"),
        include_str!("../../events/request-cut.json"),
        include_str!("../../events/request-dry-run.json"),
    ];
    for event in events {
        let answer = stage.invoke(serde_json::from_str(event).unwrap()).await;
        let answer = answer.unwrap_or_else(|error| panic!("{error} for {event}"));
        assert!(!outcomes(&answer).is_empty(), "{answer} for {event}");
    }
}

#[tokio::test]
async fn a_new_pack_told_by_cloudtrail_before_it_is_visible_is_no_failure() {
    let stage = Stage::new().await;
    let event: Value = serde_json::from_str(include_str!("../../events/cloudtrail-put.json")).unwrap();
    assert_eq!(outcomes(&stage.invoke(event).await.unwrap()), ["Deferred"]);
    let named = json!({"OrganizationConformancePackName": "Misspelt"});
    let error = stage.invoke(named).await.unwrap_err();
    let message = error["errorMessage"].as_str().unwrap();
    assert!(message.contains("Misspelt") && message.contains("delegated administrator"), "{message}");
}

#[tokio::test]
async fn bad_input_gets_one_clear_error_and_touches_nothing() {
    let stage = Stage::new().await;
    stage.world.add_pack(REGION, PACK, 3);
    stage.world.add_pack(REGION, "Other", 250);
    stage.tick().await;
    let before = stage.dynamo.dump("packwatch");
    let cut = json!({"OrganizationConformancePackName": "Other", "PaginationConfig": {"MaxItems": 100}});
    let foreign = stage.invoke(cut).await.unwrap()["NextToken"].clone();
    let bad = [
        (json!({"Pack": PACK}), "unknown field `Pack`"),
        (json!({"DryRun": "yes"}), "expected a boolean"),
        (json!({"OrganizationConformancePackName": "9_lives"}), "9_lives"),
        (json!({"Region": "eu-west-9"}), "PACKWATCH_REGIONS"),
        (json!({"source": "aws.s3", "detail-type": "Object Created"}), "aws.s3"),
        (
            json!({"OrganizationConformancePackName": PACK, "PaginationConfig": {"StartingToken": foreign}}),
            "token was refused",
        ),
    ];
    for (event, wanted) in bad {
        let error = stage.invoke(event.clone()).await.unwrap_err();
        let message = error["errorMessage"].as_str().unwrap();
        assert!(message.contains(wanted), "{message:?} for {event}");
    }
    assert_eq!(stage.dynamo.dump("packwatch"), before);
}

#[tokio::test]
async fn settings_faults_are_told_at_once_in_every_answer() {
    let settings =
        [("PACKWATCH_NOTIFY", "explosions"), ("PACKWATCH_CONCURRENCY", "0"), ("PACKWATCH_REGIONS", "Mars")];
    let stage = Stage::with(&settings).await;
    let error = stage.invoke(json!({})).await.unwrap_err();
    let message = error["errorMessage"].as_str().unwrap();
    for (name, _) in settings {
        assert!(message.contains(name), "{message}");
    }
}

#[tokio::test]
async fn a_denied_region_fails_the_invocation_after_the_others_were_finished() {
    let stage = Stage::with(&[("PACKWATCH_REGIONS", "eu-west-1,us-east-1")]).await;
    stage.world.add_pack(REGION, PACK, 3);
    stage.world.deny("us-east-1");
    let error = stage.invoke(json!({})).await.unwrap_err();
    let message = error["errorMessage"].as_str().unwrap();
    assert!(
        message.contains("us-east-1: Denied") && message.contains("delegated administrator"),
        "{message}"
    );
    assert_eq!(stage.digests().len(), 1, "the other region's baseline was announced");
}

#[tokio::test]
async fn fifty_packs_are_one_digest() {
    let stage = Stage::new().await;
    for n in 0..50 {
        stage.world.add_pack(REGION, &format!("Pack-{n}"), 2);
    }
    stage.tick().await;
    assert_eq!(stage.digests().len(), 1);
    stage.forget();
    for n in 0..50 {
        stage.world.join(REGION, &format!("Pack-{n}"), &account(3), "CREATE_IN_PROGRESS");
    }
    stage.tick().await;
    let digests = stage.digests();
    assert_eq!(digests.len(), 1);
    assert_eq!(digests[0]["Counts"], json!({"Joined": 50}));
    assert_eq!(stage.world.messages_to(EVENTS).len(), 50);
}

#[tokio::test]
async fn entries_refused_inside_an_answer_of_success_are_sent_again_and_alone() {
    let stage = Stage::new().await;
    stage.world.add_pack(REGION, PACK, 12);
    stage.tick().await;
    stage.forget();
    for n in 1..=12 {
        stage.world.fail(REGION, PACK, &account(n), "UPDATE_FAILED", "C", "m");
    }
    stage.world.fail_entries(&[0, 3], false);
    assert_eq!(outcomes(&stage.tick().await), ["Changed"]);
    let mut told: Vec<String> = stage
        .world
        .messages_to(EVENTS)
        .iter()
        .filter_map(|m| m.attribute("AccountId").map(str::to_owned))
        .collect();
    told.sort();
    assert_eq!(told, (1..=12).map(account).collect::<Vec<_>>(), "each once");
}

#[tokio::test]
async fn a_topic_that_refuses_neither_silences_nor_repeats_the_other() {
    let stage = Stage::new().await;
    stage.world.add_pack(REGION, PACK, 3);
    stage.tick().await;
    stage.forget();
    stage.world.fail(REGION, PACK, &account(1), "UPDATE_FAILED", "C", "m");
    for _ in 0..2 {
        stage.world.fail_entries(&[0], true);
        let error = stage.invoke(json!({})).await.unwrap_err();
        assert!(error["errorMessage"].as_str().unwrap().contains("events topic"), "{error}");
    }
    assert_eq!((stage.digests().len(), stage.world.messages_to(EVENTS).len()), (1, 0));
    // It is mended, and the event is still owed; nobody is told twice.
    assert_eq!(outcomes(&stage.tick().await), ["Changed"]);
    assert_eq!((stage.digests().len(), stage.world.messages_to(EVENTS).len()), (1, 1));
    assert_eq!(outcomes(&stage.tick().await), ["Unchanged"]);
}

#[tokio::test]
async fn what_a_dead_run_recorded_is_announced_by_the_next() {
    let stage = Stage::new().await;
    stage.world.add_pack(REGION, PACK, 3);
    stage.tick().await;
    stage.forget();
    stage.world.fail(REGION, PACK, &account(1), "UPDATE_FAILED", "C", "m");
    stage.world.break_sns_next(1000);
    let error = stage.invoke(json!({})).await.unwrap_err();
    assert!(error["errorMessage"].as_str().unwrap().contains("not announced"), "{error}");
    stage.world.heal_sns();
    // The account has recovered meanwhile: both transitions are told.
    stage.world.set_status(REGION, PACK, &account(1), "UPDATE_SUCCESSFUL");
    assert_eq!(outcomes(&stage.tick().await), ["Changed"]);
    assert_eq!(stage.digests()[0]["Counts"], json!({"Failed": 1, "Recovered": 1}));
}

#[tokio::test]
async fn a_pack_that_is_gone_before_anybody_was_told_of_it_goes_without_a_word() {
    let stage = Stage::new().await;
    stage.world.add_pack(REGION, PACK, 3);
    stage.world.break_sns_next(1000);
    stage.invoke(json!({})).await.unwrap_err();
    stage.world.heal_sns();
    stage.world.delete_pack(REGION, PACK);
    assert_eq!(outcomes(&stage.tick().await), ["Deleted"]);
    assert_eq!(stage.tick().await["Targets"], json!([]));
    assert_eq!(stage.world.messages().len(), 0);
}

#[tokio::test]
async fn an_account_that_a_page_skipped_has_not_left() {
    let stage = Stage::new().await;
    stage.world.add_pack(REGION, PACK, 5);
    stage.tick().await;
    stage.forget();
    stage.world.hide_account(REGION, PACK, &account(2), 1);
    stage.tick().await;
    assert_eq!(stage.world.messages().len(), 0);
}

#[tokio::test]
async fn a_pack_that_is_only_not_listed_is_not_gone() {
    let stage = Stage::new().await;
    stage.world.add_pack(REGION, PACK, 5);
    stage.tick().await;
    stage.forget();
    stage.world.unlist_pack(REGION, PACK, true);
    assert_eq!(outcomes(&stage.tick().await), ["Unchanged"]);
}

#[tokio::test]
async fn a_deadline_defers_what_was_not_begun_and_announces_what_was_recorded() {
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
    let told = digests.iter().map(|digest| digest["Packs"].as_array().unwrap().len()).sum::<usize>();
    assert_eq!(told, done.len(), "what was recorded is announced");
}

#[tokio::test]
async fn a_config_that_never_answers_does_not_take_the_reserve() {
    let stage = Stage::new().await;
    stage.world.add_pack(REGION, PACK, 2);
    stage.tick().await;
    stage.world.latency(Duration::from_secs(600));
    let answer = stage.lambda.invoke(json!({}), Duration::from_secs(4)).await.unwrap();
    assert_eq!(outcomes(&answer), ["Deferred"]);
}

#[tokio::test]
async fn a_throttled_table_is_waited_for() {
    let stage = Stage::new().await;
    stage.world.add_pack(REGION, PACK, 2);
    stage.dynamo.fault("*", Fault::Throttle, 2);
    assert_eq!(outcomes(&stage.tick().await), ["Baseline"]);
}

#[tokio::test]
async fn an_expired_token_starts_the_pack_again_and_not_for_ever() {
    let stage = Stage::new().await;
    stage.world.add_pack(REGION, PACK, 250);
    stage.world.expire_tokens_after_pages(1, 2);
    assert_eq!(outcomes(&stage.tick().await), ["Baseline"]);
    stage.world.expire_tokens_after_pages(1, 100);
    let error = stage.invoke(json!({})).await.unwrap_err();
    assert!(error["errorMessage"].as_str().unwrap().contains("token was refused"), "{error}");
}

#[tokio::test]
async fn tokens_that_cycle_end_the_read_and_infer_nothing() {
    let stage = Stage::new().await;
    stage.world.add_pack(REGION, PACK, 250);
    stage.tick().await;
    stage.forget();
    stage.world.cycle_tokens();
    let error = stage.invoke(json!({})).await.unwrap_err();
    assert!(error["errorMessage"].as_str().unwrap().contains("returned before"), "{error}");
    assert_eq!(stage.world.messages().len(), 0);
}

#[tokio::test]
async fn logs_are_json_with_run_region_and_pack() {
    let stage = Stage::new().await;
    stage.world.add_pack(REGION, PACK, 2);
    stage.tick().await;
    // The lines come through a pipe, beside the answer.
    let mut lines = Vec::new();
    for _ in 0..200 {
        lines = stage.lambda.json_logs();
        if lines.iter().any(|line| line["pack"] == PACK) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let logs = stage.lambda.logs();
    let line = lines.iter().find(|line| line["pack"] == PACK).unwrap_or_else(|| panic!("{logs:?}"));
    assert_eq!(
        (&line["region"], &line["outcome"], &line["level"]),
        (&json!(REGION), &json!("Baseline"), &json!("INFO"))
    );
    assert!(line["run"].is_string() && line["span"]["requestId"].is_string(), "{line}");
}

#[tokio::test]
async fn every_body_and_attribute_is_there() {
    let stage = Stage::new().await;
    stage.world.add_pack(REGION, PACK, 2);
    stage.tick().await;
    stage.forget();
    stage.world.fail(REGION, PACK, &account(1), "UPDATE_FAILED", "C<!here>", "`<@U1>` \u{202E}\u{7} & broke");
    stage.tick().await;
    let message = &stage.world.messages_to(ALERTS)[0];
    assert!(message.body_for("email").contains("UPDATE_FAILED"));
    assert!(message.body_for("sms").len() <= 140);
    let slack = message.json_for("https");
    assert_eq!((&slack["version"], &slack["source"]), (&json!("1.0"), &json!("custom")));
    let description = slack["content"]["description"].as_str().unwrap();
    assert!(description.contains("&lt;!here&gt;") && description.contains("'&lt;@U1&gt;'"), "{description}");
    for name in ["Severity", "Kinds", "Statuses", "Regions", "OrganizationConformancePackNames"] {
        assert!(message.attribute(name).is_some(), "{name}");
    }
    assert_eq!(message.attribute("Kinds"), Some(r#"["Failed"]"#));
    assert_eq!(message.attribute("Severity"), Some("failure"));
}

#[test]
fn outside_lambda_the_function_says_what_it_is() {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_bootstrap"));
    let output = command.env_clear().output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("packwatch run"), "{output:?}");
}

#[tokio::test]
async fn throttling_is_backed_off_from_and_not_multiplied() {
    let stage = Stage::new().await;
    for n in 0..8 {
        stage.world.add_pack(REGION, &format!("Pack-{n}"), 600);
    }
    stage.world.throttle(REGION, 10.0);
    let answer = stage.tick().await;
    assert!(outcomes(&answer).iter().all(|outcome| *outcome == "Baseline"), "{answer}");
    let calls = stage.world.count("config", "GetOrganizationConformancePackDetailedStatus");
    // The eight that are under way at the first refusal are refused together; after that few are.
    assert!(calls <= 48 + 24, "{calls} calls for 48 pages");
}

#[tokio::test]
async fn the_accounts_that_are_shown_have_names_and_a_quiet_run_asks_for_none() {
    let stage = Stage::new().await;
    let world = &stage.world;
    world.add_pack(REGION, PACK, 40);
    world.name_account(&account(1), "payments-prod", "ACTIVE");
    world.name_account(&account(2), "legacy\u{202E}\u{7}", "SUSPENDED");
    stage.tick().await;
    stage.tick().await;
    assert_eq!(world.count("organizations", "DescribeAccount"), 0, "nobody was shown");
    stage.forget();
    for n in 1..=30 {
        world.fail(REGION, PACK, &account(n), "UPDATE_FAILED", "C", "m");
    }
    stage.tick().await;
    let email = world.messages_to(ALERTS)[0].body_for("email");
    assert!(email.contains(&format!("{} payments-prod\n", account(1))), "{email}");
    assert!(email.contains(&format!("{} legacy (suspended)\n", account(2))), "{email}");
    assert_eq!(world.count("organizations", "DescribeAccount"), 10, "the ten that are shown");
    let document = &stage.digests()[0]["Packs"][0]["Transitions"][1];
    assert_eq!(
        (&document["AccountName"], &document["AccountState"]),
        (&json!("legacy"), &json!("SUSPENDED"))
    );
    stage.forget();
    world.set_status(REGION, PACK, &account(1), "UPDATE_SUCCESSFUL");
    stage.tick().await;
    assert!(world.messages_to(ALERTS)[0].body_for("email").contains("payments-prod"));
    assert_eq!(world.count("organizations", "DescribeAccount"), 0, "kept while warm");
}

#[tokio::test]
async fn names_that_are_denied_cost_one_warning_and_no_message() {
    let stage = Stage::new().await;
    stage.world.add_pack(REGION, PACK, 3).deny_organizations();
    stage.tick().await;
    for n in 1..=3 {
        stage.world.fail(REGION, PACK, &account(n), "UPDATE_FAILED", "C", "m");
        assert_eq!(outcomes(&stage.tick().await), ["Changed"]);
    }
    assert_eq!(stage.digests().len(), 4);
    let warnings = stage.lambda.logs().iter().filter(|line| line.contains("without their names")).count();
    assert_eq!(warnings, 1);
}

#[tokio::test]
async fn names_that_do_not_come_hold_no_message_up_for_long() {
    let stage = Stage::with(&[("PACKWATCH_GROUP_WAIT", "0s")]).await;
    stage.world.add_pack(REGION, PACK, 3).hang_organizations();
    stage.tick().await;
    stage.world.fail(REGION, PACK, &account(1), "UPDATE_FAILED", "C", "m");
    let begun = std::time::Instant::now();
    assert_eq!(outcomes(&stage.tick().await), ["Changed"]);
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    assert_eq!(stage.digests().len(), 2);
    // Nor do they take the time that is kept for announcing.
    stage.world.fail(REGION, PACK, &account(2), "UPDATE_FAILED", "C", "m");
    let answer = stage.lambda.invoke(json!({}), Duration::from_secs(4)).await.unwrap();
    assert_eq!((outcomes(&answer), stage.digests().len()), (vec!["Changed"], 3));
}

#[tokio::test]
async fn names_can_be_switched_off() {
    let stage = Stage::with(&[("PACKWATCH_ACCOUNT_NAMES", "off")]).await;
    stage.world.add_pack(REGION, PACK, 3);
    stage.tick().await;
    stage.world.fail(REGION, PACK, &account(1), "UPDATE_FAILED", "C", "m");
    stage.tick().await;
    assert_eq!(stage.world.count("organizations", "DescribeAccount"), 0);
}
