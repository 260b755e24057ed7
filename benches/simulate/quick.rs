//! What quick scans see, and when: runs of at most five minutes, one every five minutes.

use std::cell::Cell;
use std::num::NonZero;
use std::rc::Rc;
use std::sync::Mutex;
use std::time::Duration;

use tokio::task::{JoinSet, spawn_local};
use tokio::time::{Instant, sleep};

use crate::cloud::Cloud;
use crate::organization::{Deployment, Size, account};
use crate::{LARGE, in_virtual_time, minutes};

const EVERY: Duration = Duration::from_secs(300);
const TIMEOUT: Duration = Duration::from_secs(300);
const FULL_SCAN_EVERY: &str = "1h";

/// What is not told after so long is reported too late.
const PATIENCE: Duration = Duration::from_secs(8 * 3600);

/// How long after a scheduled run began something changes: most quick scans of that run are over.
const INTO_A_RUN: Duration = Duration::from_secs(90);

/// An account that is healthy until something happens to it.
const HEALTHY: usize = 7777;

/// Prints the tables.
pub(crate) fn print() {
    let Size { packs, accounts, regions, .. } = LARGE;
    println!(
        "Quick scans: {packs} packs × {accounts} accounts × {regions} regions, Timeout 300, a scheduled run every 5 min\n"
    );
    println!(
        "| calls/s | unhealthy | a failure everywhere told: min | one joins everywhere: min | one leaves: min | \
         oldest full scan: min | out of time, a scheduled_run | calls a scheduled_run |\n|---|---|---|---|---|---|---|---|"
    );
    let mut simulations: Vec<Simulation> = Vec::new();
    simulations.push(Box::new(move || in_virtual_time(every_target_changes_in_every_run())));
    for percent in [1, 5, 20] {
        for rate in [10.0, 5.0, 3.0, 1.0] {
            simulations.push(Box::new(move || in_virtual_time(row(rate, percent))));
        }
    }
    side_by_side(simulations);
}

type Simulation = Box<dyn FnOnce() -> String + Send>;

/// Carries out simulations on all processors, and prints what each says.
fn side_by_side(simulations: Vec<Simulation>) {
    let next = Mutex::new(simulations.into_iter());
    let simulate = || {
        loop {
            let simulation = next.lock().expect("no simulation has failed").next();
            let Some(simulation) = simulation else { return };
            println!("{}", simulation());
        }
    };
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    std::thread::scope(|scope| (0..processors).for_each(|_| drop(scope.spawn(simulate))));
}

/// An organization that is watched for two hours, after which its full scans have found their times.
struct Watched {
    cloud: Rc<Cloud>,
    scheduled_runs: Rc<Cell<u32>>,
    /// The schedule.
    _running: JoinSet<()>,
}

impl Watched {
    async fn new(size: Size, percent: usize) -> Self {
        let cloud = Rc::new(Cloud::new(size, EVERY, TIMEOUT, FULL_SCAN_EVERY));
        let failed = Deployment { status: "CREATE_FAILED", at: cloud.now() };
        cloud
            .organization
            .changed
            .borrow_mut()
            .extend((0..size.accounts).step_by(100 / percent).map(|n| (n, failed)));
        // How long a baseline takes is not the question here.
        cloud.organization.rate.set(1000.0);
        let scheduled_runs = Rc::new(Cell::new(0));
        let mut running = JoinSet::new();
        {
            let (cloud, scheduled_runs) = (cloud.clone(), scheduled_runs.clone());
            running.spawn_local(async move {
                loop {
                    scheduled_runs.set(scheduled_runs.get() + 1);
                    let cloud = cloud.clone();
                    spawn_local(async move { cloud.run().await });
                    sleep(EVERY).await;
                }
            });
        }
        let watched = Self { cloud, scheduled_runs, _running: running };
        watched.until(|cloud| cloud.table.watched() == size.targets()).await.expect("a baseline");
        watched.cloud.organization.rate.set(size.rate);
        sleep(minutes(120)).await;
        watched
    }

    /// Minutes until it is so; `None` after the patience.
    async fn until(&self, is_so: impl Fn(&Cloud) -> bool) -> Option<f64> {
        let began = Instant::now();
        while !is_so(&self.cloud) {
            if began.elapsed() > PATIENCE {
                return None;
            }
            sleep(Duration::from_secs(1)).await;
        }
        Some(began.elapsed().as_secs_f64() / 60.0)
    }

    /// Lets something happen while a run is under way, and says after how many minutes all targets' events told of it.
    async fn notified(&self, n: usize, happens: impl FnOnce(&Cloud)) -> Option<f64> {
        let scheduled_run = self.scheduled_runs.get();
        self.until(|_| self.scheduled_runs.get() > scheduled_run).await;
        sleep(INTO_A_RUN).await;
        self.cloud.topics.notified.borrow_mut().clear();
        happens(&self.cloud);
        let notified = |cloud: &Cloud| {
            cloud.topics.notified.borrow().get(&account(n)).map_or(0, |notified| notified.len())
        };
        self.until(|cloud| notified(cloud) == cloud.organization.size.targets()).await
    }

    fn oldest_full_scan(&self) -> f64 {
        self.cloud.table.oldest_full_scan(self.cloud.now().as_second()) as f64 / 60.0
    }

    /// The oldest full scan of so many scheduled runs, looked at every minute, in minutes.
    async fn oldest_within(&self, scheduled_runs: u32, mut at_run: impl FnMut(u32)) -> f64 {
        let (first, mut oldest, mut last) = (self.scheduled_runs.get(), 0.0_f64, self.scheduled_runs.get());
        while self.scheduled_runs.get() < first + scheduled_runs {
            if self.scheduled_runs.get() > last {
                last = self.scheduled_runs.get();
                at_run(last);
            }
            oldest = oldest.max(self.oldest_full_scan());
            sleep(Duration::from_secs(60)).await;
        }
        oldest
    }

    fn set(&self, n: usize, status: &'static str) {
        let deployment = Deployment { status, at: self.cloud.now() };
        self.cloud.organization.changed.borrow_mut().insert(n, deployment);
    }
}

async fn row(rate: f64, percent: usize) -> String {
    let size = Size { rate, ..LARGE };
    let watched = Watched::new(size, percent).await;
    let cloud = &watched.cloud;
    let failed = watched.notified(HEALTHY, |_| watched.set(HEALTHY, "UPDATE_FAILED")).await;
    let joined =
        watched.notified(size.accounts, |cloud| cloud.organization.accounts.set(size.accounts + 1)).await;
    let left = watched.notified(size.accounts, |cloud| cloud.organization.accounts.set(size.accounts)).await;
    let before = (watched.scheduled_runs.get(), cloud.deferred.get(), cloud.organization.calls.get());
    let oldest = watched.oldest_within(24, |_| ()).await;
    let scheduled_runs = f64::from(watched.scheduled_runs.get() - before.0);
    let deferred = (cloud.deferred.get() - before.1) as f64 / scheduled_runs;
    let calls = (cloud.organization.calls.get() - before.2) as f64 / scheduled_runs;
    let [failed, joined, left] = [failed, joined, left].map(said);
    let notified = format!("{failed} | {joined} | {left}");
    format!("| {rate} | {percent} % | {notified} | {oldest:.0} | {deferred:.1} | {calls:.0} |")
}

fn said(minutes: Option<f64>) -> String {
    minutes.map_or_else(|| format!("> {}", PATIENCE.as_secs() / 60), |minutes| format!("{minutes:.1}"))
}

/// In every run of a day, one account fails in every target, and the one that failed before is healthy again.
async fn every_target_changes_in_every_run() -> String {
    let watched = Watched::new(Size { regions: 1, ..LARGE }, 1).await;
    let deferred = watched.cloud.deferred.get();
    let change = |scheduled_run: u32| {
        let n = 1000 + 100 * (scheduled_run as usize % 80) + 50;
        watched.set(n - 100, "UPDATE_SUCCESSFUL");
        watched.set(n, "UPDATE_FAILED");
    };
    let oldest = watched.oldest_within(288, change).await;
    let deferred = watched.cloud.deferred.get() - deferred;
    format!(
        "\nEvery target of one region changes in each of 288 scheduled runs, {} calls/s, 1 % unhealthy: oldest full scan {oldest:.0} min, \
         deferred {deferred}, failed {}",
        LARGE.rate,
        watched.cloud.failed.get()
    )
}

/// One pack of 10,000 accounts alone: all are in progress for 30 minutes.
pub(crate) async fn a_redeployment() -> String {
    let watched = Watched::new(Size { packs: 1, regions: 1, ..LARGE }, 1).await;
    let organization = &watched.cloud.organization;
    let calls = organization.calls.get();
    let quiet = watched.oldest_within(288, |_| ()).await;
    let quiet_calls = organization.calls.get() - calls;
    let begin = watched.scheduled_runs.get();
    let calls = organization.calls.get();
    (0..LARGE.accounts).for_each(|n| watched.set(n, "UPDATE_IN_PROGRESS"));
    let end = |scheduled_run: u32| {
        if scheduled_run == begin + 6 {
            let ended = |n: usize| if n.is_multiple_of(100) { "UPDATE_FAILED" } else { "UPDATE_SUCCESSFUL" };
            (0..LARGE.accounts).for_each(|n| watched.set(n, ended(n)));
        }
    };
    let oldest = watched.oldest_within(288, end).await;
    format!(
        "\nOne pack of {} accounts: {quiet_calls} calls in 24 quiet hours (oldest full scan {quiet:.0} min); with a \
         redeployment of 30 min {} (oldest {oldest:.0} min); full scans only: {}",
        LARGE.accounts,
        organization.calls.get() - calls,
        288 * (1 + LARGE.accounts / 100)
    )
}
