//! The real pipeline over an organization of two million rows, in virtual time. Prints tables of `docs/performance.md`:
//! what quick scans see of it, and when ("Quick scans, simulated"); and full scans at everything ("More than one run can
//! hold").
//!
//! ```text
//! make simulate                everything
//! make simulate PART=quick     quick scans; PART=redeployment: of one pack; PART=whole: full scans only
//! ```
//!
//! Simulated are AWS Config (pages made when asked for, 150 ms a call, a limit of calls a second for each region), the
//! table, the topics, the schedule and Lambda. Real are the run, its rate limiter and its time limit.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a simulation that cannot go on ends"
)]

mod cloud;
mod organization;
mod quick;
mod store;

use std::rc::Rc;
use std::time::Duration;

use cloud::Cloud;
use organization::{Size, account};
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{Instant, sleep};

const LARGE: Size = Size { packs: 50, accounts: 10_000, regions: 4, rate: 5.0 };
/// A simulation that goes on for longer than so many scheduled runs has failed.
const MOST_RUNS: u32 = 40;

/// What came of one simulation.
struct Outcome {
    /// From the first scheduled run until every target has its baseline, in scheduled runs and minutes.
    baseline: (u32, f64),
    /// From the scheduled run after a new account joined everywhere until all of that is reported.
    change: (u32, f64),
    /// Messages to people about that account.
    digests: u64,
}

fn main() {
    let part = std::env::var("PART").unwrap_or_default();
    let wants = |name| part.is_empty() || part == name;
    if wants("quick") {
        quick::print();
    }
    if wants("redeployment") {
        println!("{}", in_virtual_time(quick::a_redeployment()));
    }
    if wants("whole") {
        whole();
    }
}

/// Every scan is a whole one.
fn whole() {
    println!("{} packs × {} accounts × {} regions at {} calls/s per region\n", 50, 10_000, 4, 5);
    println!(
        "| every | baseline: scheduled runs, min | change told: scheduled runs, min | digests | runs | longest run, min | deferred \
         | failed | calls | refused |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for every in [30, 15, 5] {
        row(LARGE, minutes(every));
    }
    println!("\nEvery 15 minutes, by size\n");
    for packs in [30, 40, 44] {
        print!("{packs} packs: ");
        row(Size { packs, ..LARGE }, minutes(15));
    }
}

fn minutes(n: u64) -> Duration {
    Duration::from_secs(60 * n)
}

fn in_virtual_time<T>(simulation: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    LocalSet::new().block_on(&runtime.expect("a runtime"), simulation)
}

/// Simulates, checks that nothing was lost, and prints a row.
fn row(size: Size, every: Duration) {
    let (cloud, outcome) = in_virtual_time(simulate(size, every));
    let notified = cloud.topics.notified.borrow();
    let notified = &notified[&account(size.accounts)];
    assert_eq!(notified.len(), size.targets(), "the new account was told of in every target");
    assert!(notified.values().all(|copies| *copies == 1), "and once");
    let organization = &cloud.organization;
    println!(
        "| {} min | {}, {:.1} | {}, {:.1} | {} | {} | {:.1} | {} | {} | {} | {} |",
        every.as_secs() / 60,
        outcome.baseline.0,
        outcome.baseline.1,
        outcome.change.0,
        outcome.change.1,
        outcome.digests,
        cloud.runs.get(),
        cloud.longest.get().as_secs_f64() / 60.0,
        cloud.deferred.get(),
        cloud.failed.get(),
        organization.calls.get(),
        organization.refused.get(),
    );
}

async fn simulate(size: Size, every: Duration) -> (Rc<Cloud>, Outcome) {
    let cloud = Rc::new(Cloud::new(size, every, cloud::LONGEST, "always"));
    let scheduled_run = || {
        let cloud = cloud.clone();
        spawn_local(async move { cloud.run().await });
    };
    let baseline = until(every, &scheduled_run, || cloud.table.watched() == size.targets()).await;
    // The last run dispatches, and commits what it deferred.
    settle(&cloud).await;
    let digests = cloud.topics.digests.get();
    cloud.organization.accounts.set(size.accounts + 1);
    let change = until(every, &scheduled_run, || cloud.table.unfinished(size.accounts + 1) == 0).await;
    settle(&cloud).await;
    let digests = cloud.topics.digests.get() - digests;
    (cloud, Outcome { baseline, change, digests })
}

/// Scheduled runs until `is_done`, and returns after how many scheduled runs and minutes that was.
async fn until(every: Duration, scheduled_run: &impl Fn(), is_done: impl Fn() -> bool) -> (u32, f64) {
    let started = Instant::now();
    for scheduled_runs in 1..=MOST_RUNS {
        scheduled_run();
        let next = Instant::now() + every;
        while Instant::now() < next {
            sleep(Duration::from_secs(1)).await;
            if is_done() {
                return (scheduled_runs, started.elapsed().as_secs_f64() / 60.0);
            }
        }
    }
    panic!("not done after {MOST_RUNS} scheduled runs");
}

/// Waits until every run has ended, whatever it was doing.
async fn settle(cloud: &Cloud) {
    sleep(cloud::LONGEST + cloud.every).await;
}
