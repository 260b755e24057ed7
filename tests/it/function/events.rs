//! What is handed in: the sample events, bad input, settings that are not valid.

use serde_json::{Value, json};

use super::stage::{PACK, REGION, Stage, outcomes};

#[tokio::test]
async fn every_sample_event_is_taken() {
    let stage = Stage::new().await;
    stage.world.add_pack(REGION, PACK, 3);
    stage.world.add_pack(REGION, "Operational-Best-Practices-for-CIS", 3);
    stage.run().await;
    let events = [
        include_str!("../../../events/scheduled.json"),
        include_str!("../../../events/scheduler.json"),
        include_str!("../../../events/cloudtrail-put.json"),
        include_str!("../../../events/cloudtrail-delete.json"),
        include_str!("../../../events/request.json"),
        include_str!("../../../events/request-filtered.json"),
        include_str!("../../../events/request-cut.json"),
        include_str!("../../../events/request-dry-run.json"),
    ];
    for event in events {
        let answer = stage.invoke(serde_json::from_str(event).unwrap()).await;
        let answer = answer.unwrap_or_else(|error| panic!("{error} for {event}"));
        assert!(!outcomes(&answer).is_empty(), "{answer} for {event}");
    }
}

#[tokio::test]
async fn a_new_pack_reported_by_cloudtrail_before_it_is_visible_is_no_failure() {
    let stage = Stage::new().await;
    let event: Value = serde_json::from_str(include_str!("../../../events/cloudtrail-put.json")).unwrap();
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
    stage.run().await;
    let before = stage.dynamo.dump("packwatch");
    let cut = json!({"OrganizationConformancePackName": "Other", "PaginationConfig": {"MaxItems": 100}});
    let foreign = stage.invoke(cut).await.unwrap()["NextToken"].clone();
    let bad = [
        (json!({"Pack": PACK}), "unknown field `Pack`"),
        (json!({"DryRun": "yes"}), "expected a boolean"),
        (json!({"OrganizationConformancePackName": "9_lives"}), "9_lives"),
        (json!({"Region": "eu-west-9"}), "PACKWATCH_REGIONS"),
        (json!({"Regions": [REGION]}), "unknown field `Regions`"),
        (json!({"source": "aws.s3", "detail-type": "Object Created"}), "aws.s3"),
        (
            json!({"source": "aws.scheduler", "detail-type": "Scheduled Event", "DryRun": true}),
            "DryRun has no meaning in an event of \"aws.scheduler\"",
        ),
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
async fn settings_faults_are_reported_at_once_in_every_answer() {
    let settings =
        [("PACKWATCH_NOTIFY", "explosions"), ("PACKWATCH_CONCURRENCY", "0"), ("PACKWATCH_REGIONS", "Mars")];
    let stage = Stage::with(&settings).await;
    let error = stage.invoke(json!({})).await.unwrap_err();
    let message = error["errorMessage"].as_str().unwrap();
    for (name, _) in settings {
        assert!(message.contains(name), "{message}");
    }
}

#[test]
fn outside_lambda_the_function_says_what_it_is() {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_bootstrap"));
    let output = command.env_clear().output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("packwatch run"), "{output:?}");
}
