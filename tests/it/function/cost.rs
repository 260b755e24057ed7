//! The requests that `docs/cost.md` puts prices on, counted over HTTP.

use serde_json::json;

use super::stage::{PACK, REGION, Stage, outcomes};
use crate::docs::text;
use crate::world::packs::account;

/// The packs of the page's table.
const PACKS: usize = 20;

/// The numbers of a row of the page's table, one for each size.
fn row(page: &str, title: &str) -> Vec<usize> {
    let line = page.lines().find(|line| line.starts_with(&format!("| {title} |")));
    let line = line.unwrap_or_else(|| panic!("docs/cost.md has no row {title:?}"));
    line.split('|').skip(2).filter_map(|cell| cell.trim().replace(',', "").parse().ok()).collect()
}

/// A pack of each size, of which one account in a hundred has failed.
#[tokio::test]
async fn the_cost_page_counts_the_requests_that_are_made() {
    let page = text("docs/cost.md");
    let (mut calls, mut full, mut quiet, mut changed) = (vec![], vec![], vec![], vec![]);
    for accounts in row(&page, "Accounts") {
        let stage = Stage::new().await;
        stage.world.add_pack(REGION, PACK, accounts);
        for n in 1..=accounts / 100 {
            stage.world.fail(REGION, PACK, &account(n), "UPDATE_FAILED", "C", "m");
        }
        assert_eq!(outcomes(&stage.run().await), ["Baseline"]);

        stage.forget();
        assert_eq!(outcomes(&stage.run().await), ["Unchanged"]);
        // The list of packs is one call, however many there are.
        calls.push(1 + PACKS * stage.world.count("config", "GetOrganizationConformancePackDetailedStatus"));
        quiet.push(stage.dynamo.requests().len());

        stage.forget();
        assert_eq!(outcomes(&stage.invoke(json!({})).await.unwrap()), ["Unchanged"]);
        full.push(1 + PACKS * stage.world.count("config", "GetOrganizationConformancePackDetailedStatus"));
        // The fingerprints are equal: no row is read. A large pack's head is loaded anew, and gets the time of the scan.
        let requests = stage.dynamo.counts();
        assert!(requests.values().sum::<usize>() <= if accounts > 1_000 { 2 } else { 1 }, "{requests:?}");

        stage.world.fail(REGION, PACK, &account(accounts), "UPDATE_FAILED", "C", "m");
        stage.forget();
        assert_eq!(outcomes(&stage.run().await), ["Changed"]);
        changed.push(stage.dynamo.requests().len());
    }
    assert_eq!(calls, row(&page, "AWS Config calls in a run"));
    assert_eq!(full, row(&page, "AWS Config calls, if all packs get a full scan"));
    assert_eq!(quiet, row(&page, "DynamoDB requests in a run, nothing changed"));
    assert_eq!(changed, row(&page, "DynamoDB requests in a run, one account changed"));
    assert_eq!(calls.len(), 3);
}
