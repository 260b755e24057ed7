//! packwatch beside a careful boto3 Lambda: both as processes under the same runtime API, against the same model of
//! AWS Config and SNS and the same DynamoDB, in turns. Prints the tables of `docs/performance.md`.
//!
//! ```text
//! make bench              everything (about a quarter of an hour)
//! make bench RECORD=1     the same, and writes the tables into docs/performance.md
//! make bench PART=large   one of its parts: start, small, large, throttling, dispatching
//! make bench QUICK=1      few runs of the small organization, and of dispatching (two minutes)
//! ```
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a benchmark that cannot do its work ends"
)]
// The modules' own tests run elsewhere; what only they import is unused here.
#![allow(unused_imports, reason = "the imports of tests that are not compiled")]

mod contestant;
mod dispatching;
mod drained;
mod events;
mod page;
mod process;
mod runs;
mod startup;
mod store;
mod tables;
mod targets;
mod throttling;
mod tls;
mod units;

#[path = "../../tests/it/harness/mod.rs"]
mod harness;
#[path = "../../tests/it/world/mod.rs"]
mod world;

/// So many packs, in so many accounts each.
pub(crate) type Size = (usize, usize);

pub(crate) const SMALL: Size = (5, 2_000);
pub(crate) const LARGE: Size = (20, 10_000);

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let (quick, record) = (is_set("QUICK"), is_set("RECORD"));
    let part = std::env::var("PART").unwrap_or_default();
    let wants = |name| part.is_empty() || part == name;
    let contestants = contestant::both();
    let mut page = page::Page::default();
    page.add(&tables::machine());

    let mut measured = targets::Measured::default();
    if wants("start") {
        let starts = startup::measure(&contestants, if quick { 5 } else { 25 }).await;
        page.add(&tables::startup(&starts, &contestants[0]));
        measured.starts = Some(starts);
    }
    if wants("small") {
        let plan = if quick { runs::QUICK } else { runs::SMALL_PLAN };
        measured.small = runs::measure(&contestants, SMALL, plan).await;
        page.add(&tables::runs(SMALL, &measured.small));
    }
    if wants("large") && !quick {
        measured.large = runs::measure(&contestants, LARGE, runs::LARGE_PLAN).await;
        page.add(&tables::runs(LARGE, &measured.large));
    }
    if wants("throttling") && !quick {
        measured.throttled = throttling::measure(&contestants).await;
        page.add(&tables::throttling(&measured.throttled));
    }
    if wants("dispatching") {
        let cases = if quick { dispatching::QUICK } else { dispatching::ALL };
        measured.dispatched = dispatching::measure(&contestants[0], cases).await;
        page.add(&tables::dispatching(&measured.dispatched));
    }
    page.add(&targets::table(&measured, &contestants[0]));
    if record {
        assert!(part.is_empty() && !quick, "only everything is recorded");
        page.record();
    }
}
