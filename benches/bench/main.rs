//! packwatch beside a careful boto3 Lambda: both as processes under the same runtime API, against the same model of
//! AWS Config and SNS and the same DynamoDB, in turns. Prints the tables of `docs/performance.md`.
//!
//! ```text
//! make bench              everything (about five minutes)
//! make bench QUICK=1      few runs of the small organization
//! ```
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark that cannot do its work ends"
)]
// The modules' own tests run elsewhere; what only they import is unused here.
#![allow(unused_imports, reason = "the imports of tests that are not compiled")]

mod contestant;
mod process;
mod runs;
mod startup;
mod tables;
mod targets;
mod units;

#[path = "../../tests/it/harness/mod.rs"]
mod harness;
#[path = "../../tests/it/world/mod.rs"]
mod world;

use runs::Plan;

/// So many packs, in so many accounts each.
pub(crate) const SMALL: (usize, usize) = (5, 2_000);
pub(crate) const LARGE: (usize, usize) = (20, 10_000);

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let quick = std::env::var_os("QUICK").is_some_and(|quick| !quick.is_empty());
    let contestants = contestant::both();
    tables::machine();

    let starts = startup::measure(&contestants, if quick { 5 } else { 25 }).await;
    tables::startup(&starts, &contestants[0]);

    let plan = if quick { Plan::QUICK } else { Plan::SMALL };
    let small = runs::measure(&contestants, SMALL, &plan).await;
    tables::runs(SMALL, &small);
    let mut large = Vec::new();
    if !quick {
        large = runs::measure(&contestants, LARGE, &Plan::LARGE).await;
        tables::runs(LARGE, &large);
    }
    targets::print(&starts, &small, &large, &contestants[0]);
}
