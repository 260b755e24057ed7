//! AWS Config misbehaves: nothing wrong is concluded from it.

use std::time::Duration;

use serde_json::json;

use super::stage::{PACK, REGION, Stage, outcomes, scheduled};
use crate::world::packs::account;

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
    assert_eq!(stage.digests().len(), 1, "the other region's baseline was dispatched");
}

#[tokio::test]
async fn an_account_that_a_page_skipped_has_not_left() {
    let stage = Stage::new().await;
    stage.world.add_pack(REGION, PACK, 5);
    stage.run().await;
    stage.forget();
    stage.world.hide_account(REGION, PACK, &account(2), 1);
    stage.run().await;
    assert_eq!(stage.world.messages().len(), 0);
}

#[tokio::test]
async fn a_pack_that_is_only_not_listed_is_not_gone() {
    let stage = Stage::new().await;
    stage.world.add_pack(REGION, PACK, 5);
    stage.run().await;
    stage.forget();
    stage.world.unlist_pack(REGION, PACK, true);
    assert_eq!(outcomes(&stage.run().await), ["Unchanged"]);
}

#[tokio::test]
async fn a_config_that_never_answers_does_not_take_the_reserve() {
    let stage = Stage::new().await;
    stage.world.add_pack(REGION, PACK, 2);
    stage.run().await;
    stage.world.latency(Duration::from_secs(600));
    let answer = stage.lambda.invoke(json!({}), Duration::from_secs(4)).await.unwrap();
    assert_eq!(outcomes(&answer), ["Deferred"]);
}

#[tokio::test]
async fn an_expired_token_starts_the_pack_again_and_not_for_ever() {
    let stage = Stage::new().await;
    stage.world.add_pack(REGION, PACK, 250);
    stage.world.expire_tokens_after_pages(1, 2);
    assert_eq!(outcomes(&stage.run().await), ["Baseline"]);
    stage.world.expire_tokens_after_pages(1, 100);
    let error = stage.invoke(json!({})).await.unwrap_err();
    assert!(error["errorMessage"].as_str().unwrap().contains("token was refused"), "{error}");
}

#[tokio::test]
async fn tokens_that_cycle_end_the_read_and_infer_nothing() {
    let stage = Stage::new().await;
    stage.world.add_pack(REGION, PACK, 250);
    stage.run().await;
    stage.forget();
    stage.world.cycle_tokens();
    let error = stage.invoke(json!({})).await.unwrap_err();
    assert!(error["errorMessage"].as_str().unwrap().contains("returned before"), "{error}");
    assert_eq!(stage.world.messages().len(), 0);
}

#[tokio::test]
async fn throttling_is_backed_off_from() {
    let stage = Stage::new().await;
    for n in 0..8 {
        stage.world.add_pack(REGION, &format!("Pack-{n}"), 600);
    }
    stage.world.throttle(REGION, 10.0);
    let answer = stage.run().await;
    assert!(outcomes(&answer).iter().all(|outcome| *outcome == "Baseline"), "{answer}");
    let calls = stage.world.count("config", "GetOrganizationConformancePackDetailedStatus");
    // The eight that are under way at the first refusal are refused together; after that few are, more of them on a busy
    // machine.
    assert!(calls <= 2 * 48, "{calls} calls for 48 pages");
}

/// A run has time for about half of the pages of eight packs. Where all shared it, none would come to its end, in any run.
#[tokio::test]
async fn of_packs_that_do_not_fit_into_a_run_some_are_read_to_their_ends() {
    let stage = Stage::new().await;
    for n in 0..8 {
        stage.world.add_pack(REGION, &format!("Pack-{n}"), 1_500);
    }
    stage.world.throttle(REGION, 10.0);
    let answer = stage.lambda.invoke(scheduled(), Duration::from_secs(8)).await;
    let answer = answer.expect("what found no time is deferred");
    let read = outcomes(&answer).iter().filter(|outcome| **outcome == "Baseline").count();
    assert!((2..8).contains(&read), "{answer}");
}
