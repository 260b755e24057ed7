//! The accounts' names, from AWS Organizations.

use std::time::Duration;

use serde_json::json;

use super::stage::{ALERTS, PACK, REGION, Stage, outcomes};
use crate::world::packs::account;

#[tokio::test]
async fn the_accounts_that_are_shown_have_names_and_a_quiet_run_asks_for_none() {
    let stage = Stage::new().await;
    let world = &stage.world;
    world.add_pack(REGION, PACK, 40);
    world.name_account(&account(1), "payments-prod", "ACTIVE");
    world.name_account(&account(2), "legacy\u{202E}\u{7}", "SUSPENDED");
    stage.run().await;
    stage.run().await;
    assert_eq!(world.count("organizations", "DescribeAccount"), 0, "nobody was shown");
    stage.forget();
    for n in 1..=30 {
        world.fail(REGION, PACK, &account(n), "UPDATE_FAILED", "C", "m");
    }
    stage.run().await;
    let email = world.messages_to(ALERTS)[0].body_for("email");
    assert!(email.contains(&format!("{} payments-prod\n", account(1))), "{email}");
    assert!(email.contains(&format!("{} legacy (suspended)\n", account(2))), "{email}");
    assert_eq!(world.count("organizations", "DescribeAccount"), 30, "all that the mail lists");
    let document = &stage.digests()[0]["Packs"][0]["Transitions"][1];
    assert_eq!(
        (&document["AccountName"], &document["AccountState"]),
        (&json!("legacy"), &json!("SUSPENDED"))
    );
    stage.forget();
    world.set_status(REGION, PACK, &account(1), "UPDATE_SUCCESSFUL");
    stage.run().await;
    assert!(world.messages_to(ALERTS)[0].body_for("email").contains("payments-prod"));
    assert_eq!(world.count("organizations", "DescribeAccount"), 0, "kept while warm");
}

#[tokio::test]
async fn names_that_are_denied_cost_one_warning_and_no_message() {
    let stage = Stage::new().await;
    stage.world.add_pack(REGION, PACK, 3).deny_organizations();
    stage.run().await;
    for n in 1..=3 {
        stage.world.fail(REGION, PACK, &account(n), "UPDATE_FAILED", "C", "m");
        assert_eq!(outcomes(&stage.run().await), ["Changed"]);
    }
    assert_eq!(stage.digests().len(), 4);
    let warnings = stage.lambda.logs().iter().filter(|line| line.contains("without their names")).count();
    assert_eq!(warnings, 1);
}

#[tokio::test]
async fn names_that_do_not_come_hold_no_message_up_for_long() {
    let stage = Stage::new().await;
    stage.world.add_pack(REGION, PACK, 3).hang_organizations();
    stage.run().await;
    stage.world.fail(REGION, PACK, &account(1), "UPDATE_FAILED", "C", "m");
    let begun = std::time::Instant::now();
    assert_eq!(outcomes(&stage.run().await), ["Changed"]);
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    assert_eq!(stage.digests().len(), 2);
    // Nor do they take the time that is kept for dispatching.
    stage.world.fail(REGION, PACK, &account(2), "UPDATE_FAILED", "C", "m");
    let answer = stage.lambda.invoke(json!({}), Duration::from_secs(4)).await.unwrap();
    assert_eq!((outcomes(&answer), stage.digests().len()), (vec!["Changed"], 3));
}

#[tokio::test]
async fn names_can_be_switched_off() {
    let stage = Stage::with(&[("PACKWATCH_ACCOUNT_NAMES", "off")]).await;
    stage.world.add_pack(REGION, PACK, 3);
    stage.run().await;
    stage.world.fail(REGION, PACK, &account(1), "UPDATE_FAILED", "C", "m");
    stage.run().await;
    assert_eq!(stage.world.count("organizations", "DescribeAccount"), 0);
}
