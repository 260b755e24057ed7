//! The main job: from a schedule to a message, and what the answer and the log say of it.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::stage::{ALERTS, EVENTS, PACK, REGION, Stage, outcomes, scheduled};
use crate::world::packs::account;

#[tokio::test]
async fn from_a_schedule_to_a_message() {
    let stage = Stage::new().await;
    let world = &stage.world;
    world.add_pack(REGION, PACK, 250);

    // The first scan is a baseline: one summary, and not 250 messages.
    let answer = stage.run().await;
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
    let events = world.messages_to(EVENTS);
    assert_eq!(events.len(), 1, "machines hear of the pack, and of each account that is unhealthy");
    assert_eq!(events[0].json_for("default")["Kind"], "Baseline");
    assert_eq!(events[0].json_for("default")["Id"], digests[0]["Packs"][0]["Id"]);

    // A quiet run costs one Query and nothing else.
    stage.forget();
    let answer = stage.run().await;
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
    let answer = stage.run().await;
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
    let notified: BTreeSet<_> =
        digests[0]["Packs"][0]["Transitions"].as_array().unwrap().iter().map(|t| t["Id"].as_str()).collect();
    let documents: Vec<Value> = events.iter().map(|e| serde_json::from_str(&e.message).unwrap()).collect();
    assert_eq!(
        notified,
        documents.iter().map(|document| document["Id"].as_str()).collect(),
        "one id in every copy"
    );

    // A failure that is fixed is reported as a recovery.
    stage.forget();
    world.set_status(REGION, PACK, &account(2), "UPDATE_SUCCESSFUL");
    stage.run().await;
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

    // Gone is reported once.
    stage.forget();
    world.delete_pack(REGION, PACK);
    assert_eq!(outcomes(&stage.run().await), ["Deleted"]);
    assert_eq!(stage.digests()[0]["Packs"][0]["Type"], "PackDeleted");
    assert_eq!(stage.run().await["Targets"], json!([]));
    assert_eq!(stage.digests().len(), 1);

    // And comes back as a new baseline.
    stage.forget();
    world.add_pack(REGION, PACK, 3);
    assert_eq!(outcomes(&stage.run().await), ["Baseline"]);
    assert_eq!(stage.digests()[0]["Packs"][0]["Accounts"], 3);
}

#[tokio::test]
async fn a_filtered_request_tells_what_it_finds_and_the_next_run_scans_everything() {
    let stage = Stage::new().await;
    stage.world.add_pack(REGION, PACK, 3);
    let filtered = json!({"OrganizationConformancePackName": PACK, "Filters": {"AccountId": account(1)}});
    let answer = stage.invoke(filtered.clone()).await.unwrap();
    assert_eq!(outcomes(&answer), ["Deferred"], "there is no baseline to compare with: {answer}");
    stage.run().await;
    stage.forget();

    stage.world.fail(REGION, PACK, &account(1), "UPDATE_FAILED", "C", "m");
    stage.world.fail(REGION, PACK, &account(2), "UPDATE_FAILED", "C", "m");
    assert_eq!(outcomes(&stage.invoke(filtered).await.unwrap()), ["Changed"]);
    assert_eq!(stage.digests()[0]["Counts"], json!({"Failed": 1}), "nobody left, and one was not looked at");
    assert_eq!(outcomes(&stage.run().await), ["Changed"]);
    assert_eq!(stage.digests().len(), 2);
}

#[tokio::test]
async fn a_dry_run_changes_nothing() {
    let stage = Stage::new().await;
    stage.world.add_pack(REGION, PACK, 3);
    stage.run().await;
    stage.forget();
    let before = stage.dynamo.dump("packwatch");
    stage.world.fail(REGION, PACK, &account(1), "UPDATE_FAILED", "C", "m");
    let answer = stage.invoke(json!({"DryRun": true})).await.unwrap();
    assert_eq!((outcomes(&answer), &answer["Transitions"]), (vec!["Changed"], &json!(1)));
    assert_eq!(stage.dynamo.dump("packwatch"), before);
    assert_eq!(stage.world.messages().len(), 0);
}

#[tokio::test]
async fn fifty_packs_are_one_digest() {
    let stage = Stage::new().await;
    for n in 0..50 {
        stage.world.add_pack(REGION, &format!("Pack-{n}"), 2);
    }
    stage.run().await;
    assert_eq!(stage.digests().len(), 1);
    stage.forget();
    for n in 0..50 {
        stage.world.join(REGION, &format!("Pack-{n}"), &account(3), "CREATE_IN_PROGRESS");
    }
    stage.run().await;
    let digests = stage.digests();
    assert_eq!(digests.len(), 1);
    assert_eq!(digests[0]["Counts"], json!({"Joined": 50}));
    assert_eq!(stage.world.messages_to(EVENTS).len(), 50);
}

#[tokio::test]
async fn logs_are_json_with_run_region_and_pack() {
    let stage = Stage::new().await;
    stage.world.add_pack(REGION, PACK, 2);
    stage.run().await;
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
    stage.run().await;
    stage.forget();
    stage.world.fail(REGION, PACK, &account(1), "UPDATE_FAILED", "C<!here>", "`<@U1>` \u{202E}\u{7} & broke");
    stage.run().await;
    let message = &stage.world.messages_to(ALERTS)[0];
    let email = message.body_for("email");
    assert!(email.contains("UPDATE_FAILED"), "{email}");
    let command = format!(
        "packwatch history --table packwatch --region {REGION} --message {}",
        message.json_for("default")["Id"].as_str().unwrap()
    );
    assert!(email.contains(&format!("\nAll changes:\n{command}\n")), "{email}");
    assert!(message.body_for("sms").len() <= 140);
    let slack = message.json_for("https");
    assert_eq!((&slack["version"], &slack["source"]), (&json!("1.0"), &json!("custom")));
    let steps = slack["content"]["nextSteps"].as_array().unwrap();
    assert_eq!(steps.last(), Some(&json!(format!("All changes: `{command}`"))));
    let description = slack["content"]["description"].as_str().unwrap();
    assert!(description.contains("&lt;!here&gt;") && description.contains("'&lt;@U1&gt;'"), "{description}");
    for name in ["Severity", "Kinds", "Statuses", "Regions", "OrganizationConformancePackNames"] {
        assert!(message.attribute(name).is_some(), "{name}");
    }
    assert_eq!(message.attribute("Kinds"), Some(r#"["Failed"]"#));
    assert_eq!(message.attribute("Severity"), Some("failure"));
}

/// A watcher that watches nothing must not look like an organization in which all is healthy.
#[tokio::test]
async fn a_run_that_watches_nothing_fails_and_says_why() {
    let stage = Stage::with(&[("PACKWATCH_PACKS", "Securty-*")]).await;
    let error = stage.invoke(scheduled()).await.unwrap_err().to_string();
    assert!(error.contains("PACKWATCH_PACKS includes is visible in eu-west-1"), "{error}");
    stage.world.add_pack(REGION, PACK, 3);
    let error = stage.invoke(scheduled()).await.unwrap_err().to_string();
    assert!(error.contains("PACKWATCH_PACKS includes is visible in eu-west-1"), "{error}");

    let stage = Stage::new().await;
    stage.world.add_pack(REGION, PACK, 3);
    stage.run().await;
    assert!(stage.world.delete_pack(REGION, PACK));
    stage.run().await;
    let answer = stage.run().await;
    assert_eq!(outcomes(&answer), [""; 0], "it was told that the last pack is deleted");
}
