//! The real pipeline over an organization of two million rows, in virtual time. Prints tables of `docs/performance.md`:
//! what quick looks see of it, and when ("Quick looks, simulated"); and whole looks at everything, by one run or by
//! several through a queue ("More than one run can hold").
//!
//! ```text
//! make simulate                everything
//! make simulate PART=quick     quick looks by one run; PART=fan-out: with the queue; PART=redeployment: of one pack;
//!                              PART=whole: whole looks only
//! ```
//!
//! Simulated are AWS Config (pages made when asked for, 150 ms a call, a limit of calls a second for each region), the
//! table, the topics, the queue and Lambda. Real are the run, its pace, its time limit, the sending to the queue and
//! what comes back from it.
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

use cloud::{Cloud, FanOut};
use organization::{Size, account};
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{Instant, sleep};

const LARGE: Size = Size { packs: 50, accounts: 10_000, regions: 4, rate: 5.0 };
/// As in template.yaml.
const EIGHT: FanOut = FanOut { concurrency: 8, batch: 5 };
/// A simulation that goes on for longer than so many ticks has failed.
const MOST_TICKS: u32 = 40;

/// What came of one simulation.
struct Outcome {
    /// From the first tick until every target has its baseline, in ticks and minutes.
    baseline: (u32, f64),
    /// From the tick after a new account joined everywhere until all of that is told.
    change: (u32, f64),
    /// Messages to people about that account.
    digests: u64,
}

fn main() {
    let part = std::env::var("PART").unwrap_or_default();
    let wants = |name| part.is_empty() || part == name;
    if wants("quick") {
        quick::print(None);
    }
    if wants("fan-out") {
        quick::print(Some(EIGHT));
    }
    if wants("redeployment") {
        println!("{}", in_virtual_time(quick::a_redeployment()));
    }
    if wants("whole") {
        whole();
    }
}

/// Every look is a whole one.
fn whole() {
    println!("{} packs × {} accounts × {} regions at {} calls/s per region\n", 50, 10_000, 4, 5);
    println!(
        "| how | every | baseline: ticks, min | change told: ticks, min | digests | runs | longest run, min | deferred \
         | failed | calls | refused | longest queue | dropped | dead letters |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|");
    for every in [30, 15, 5] {
        for how in [None, Some(EIGHT)] {
            row(LARGE, minutes(every), how);
        }
    }
    println!("\nBatches, every 30 minutes\n");
    for (concurrency, batch) in [(2, 10), (8, 10), (8, 20)] {
        row(LARGE, minutes(30), Some(FanOut { concurrency, batch }));
    }
    println!("\nOne run, every 15 minutes, by size\n");
    for packs in [30, 40, 44] {
        print!("{packs} packs: ");
        row(Size { packs, ..LARGE }, minutes(15), None);
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
fn row(size: Size, every: Duration, how: Option<FanOut>) {
    let (cloud, outcome) = in_virtual_time(simulate(size, every, how));
    let told = cloud.topics.told.borrow();
    let told = &told[&account(size.accounts)];
    assert_eq!(told.len(), size.targets(), "the new account was told of in every target");
    assert!(told.values().all(|copies| *copies == 1), "and once");
    let name = how.map_or("one run".to_owned(), |how| format!("{} runs × {}", how.concurrency, how.batch));
    let (organization, queue) = (&cloud.organization, &cloud.queue);
    println!(
        "| {name} | {} min | {}, {:.1} | {}, {:.1} | {} | {} | {:.1} | {} | {} | {} | {} | {} | {} | {} |",
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
        queue.peak.get(),
        queue.dropped.get(),
        queue.dead.get(),
    );
}

async fn simulate(size: Size, every: Duration, how: Option<FanOut>) -> (Rc<Cloud>, Outcome) {
    let cloud = Rc::new(Cloud::new(size, every, cloud::LONGEST, "always"));
    for _ in 0..how.map_or(0, |how| how.concurrency) {
        let (cloud, batch) = (cloud.clone(), how.map_or(1, |how| how.batch));
        spawn_local(async move { cloud.take(batch).await });
    }
    let tick = || {
        let cloud = cloud.clone();
        spawn_local(async move {
            match how {
                Some(_) => cloud.send().await,
                None => cloud.run_alone().await,
            }
        });
    };
    let baseline = until(every, &tick, || cloud.table.watched() == size.targets()).await;
    // The last run announces, and commits what it deferred.
    settle(&cloud).await;
    let digests = cloud.topics.digests.get();
    cloud.organization.accounts.set(size.accounts + 1);
    let change = until(every, &tick, || cloud.table.unfinished(size.accounts + 1) == 0).await;
    settle(&cloud).await;
    let digests = cloud.topics.digests.get() - digests;
    (cloud, Outcome { baseline, change, digests })
}

/// Ticks until `is_done`, and returns after how many ticks and minutes that was.
async fn until(every: Duration, tick: &impl Fn(), is_done: impl Fn() -> bool) -> (u32, f64) {
    let started = Instant::now();
    for ticks in 1..=MOST_TICKS {
        tick();
        let next = Instant::now() + every;
        while Instant::now() < next {
            sleep(Duration::from_secs(1)).await;
            if is_done() {
                return (ticks, started.elapsed().as_secs_f64() / 60.0);
            }
        }
    }
    panic!("not done after {MOST_TICKS} ticks");
}

/// Waits until every run has ended, whatever it was doing.
async fn settle(cloud: &Cloud) {
    sleep(cloud::LONGEST + cloud.every).await;
}
