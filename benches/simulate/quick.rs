//! What quick looks see, and when: runs of at most five minutes, one every five minutes for each schedule.

use std::cell::Cell;
use std::num::NonZero;
use std::rc::Rc;
use std::sync::Mutex;
use std::time::Duration;

use tokio::task::{JoinSet, spawn_local};
use tokio::time::{Instant, sleep};

use crate::cloud::{Cloud, Split};
use crate::organization::{Deployment, Size, account};
use crate::{LARGE, in_virtual_time, minutes};

const EVERY: Duration = Duration::from_secs(300);
const TIMEOUT: Duration = Duration::from_secs(300);
const WHOLE_EVERY: &str = "1h";

/// What is not told after so long is told too late.
const PATIENCE: Duration = Duration::from_secs(8 * 3600);

/// How long after a tick began something changes: most quick looks of that run are over.
const INTO_A_TICK: Duration = Duration::from_secs(90);

/// An account that is well until something happens to it.
const WELL: usize = 7777;

/// Prints the tables, for one schedule or for several.
pub(crate) fn print(split: Split) {
    let Size { packs, accounts, regions, .. } = LARGE;
    println!(
        "Quick looks: {packs} packs × {accounts} accounts × {regions} regions, Timeout 300, a tick every 5 min\n"
    );
    println!(
        "| schedules | calls/s | not well | a failure everywhere told: min | one joins everywhere: min | one leaves: min | \
         oldest whole look: min | out of time, a tick | calls a tick |\n|---|---|---|---|---|---|---|---|---|"
    );
    let mut simulations: Vec<Simulation> = Vec::new();
    simulations.push(Box::new(move || in_virtual_time(every_target_changes_in_every_tick(split))));
    for percent in [1, 5, 20] {
        for rate in [10.0, 5.0, 3.0, 1.0] {
            simulations.push(Box::new(move || in_virtual_time(row(rate, percent, split))));
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

/// An organization that is watched for two hours, after which its whole looks have found their times.
struct Watched {
    cloud: Rc<Cloud>,
    ticks: Rc<Cell<u32>>,
    /// The schedules.
    _running: JoinSet<()>,
}

impl Watched {
    async fn new(size: Size, percent: usize, split: Split) -> Self {
        let cloud = Rc::new(Cloud::new(size, EVERY, TIMEOUT, WHOLE_EVERY));
        let failed = Deployment { status: "CREATE_FAILED", at: cloud.now() };
        cloud
            .organization
            .changed
            .borrow_mut()
            .extend((0..size.accounts).step_by(100 / percent).map(|n| (n, failed)));
        // How long a baseline takes is not the question here.
        cloud.organization.rate.set(1000.0);
        let ticks = Rc::new(Cell::new(0));
        let mut running = JoinSet::new();
        {
            let (cloud, ticks) = (cloud.clone(), ticks.clone());
            running.spawn_local(async move {
                loop {
                    ticks.set(ticks.get() + 1);
                    let cloud = cloud.clone();
                    spawn_local(async move { cloud.run(split).await });
                    sleep(EVERY).await;
                }
            });
        }
        let watched = Self { cloud, ticks, _running: running };
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
    async fn told(&self, n: usize, happens: impl FnOnce(&Cloud)) -> Option<f64> {
        let tick = self.ticks.get();
        self.until(|_| self.ticks.get() > tick).await;
        sleep(INTO_A_TICK).await;
        self.cloud.topics.told.borrow_mut().clear();
        happens(&self.cloud);
        let told = |cloud: &Cloud| cloud.topics.told.borrow().get(&account(n)).map_or(0, |told| told.len());
        self.until(|cloud| told(cloud) == cloud.organization.size.targets()).await
    }

    fn oldest_whole_look(&self) -> f64 {
        self.cloud.table.oldest_full_scan(self.cloud.now().as_second()) as f64 / 60.0
    }

    /// The oldest whole look of so many ticks, looked at every minute, in minutes.
    async fn oldest_within(&self, ticks: u32, mut at_tick: impl FnMut(u32)) -> f64 {
        let (first, mut oldest, mut last) = (self.ticks.get(), 0.0_f64, self.ticks.get());
        while self.ticks.get() < first + ticks {
            if self.ticks.get() > last {
                last = self.ticks.get();
                at_tick(last);
            }
            oldest = oldest.max(self.oldest_whole_look());
            sleep(Duration::from_secs(60)).await;
        }
        oldest
    }

    fn set(&self, n: usize, status: &'static str) {
        let deployment = Deployment { status, at: self.cloud.now() };
        self.cloud.organization.changed.borrow_mut().insert(n, deployment);
    }
}

async fn row(rate: f64, percent: usize, split: Split) -> String {
    let size = Size { rate, ..LARGE };
    let watched = Watched::new(size, percent, split).await;
    let cloud = &watched.cloud;
    let failed = watched.told(WELL, |_| watched.set(WELL, "UPDATE_FAILED")).await;
    let joined =
        watched.told(size.accounts, |cloud| cloud.organization.accounts.set(size.accounts + 1)).await;
    let left = watched.told(size.accounts, |cloud| cloud.organization.accounts.set(size.accounts)).await;
    let before = (watched.ticks.get(), cloud.deferred.get(), cloud.organization.calls.get());
    let oldest = watched.oldest_within(24, |_| ()).await;
    let ticks = f64::from(watched.ticks.get() - before.0);
    let deferred = (cloud.deferred.get() - before.1) as f64 / ticks;
    let calls = (cloud.organization.calls.get() - before.2) as f64 / ticks;
    let [failed, joined, left] = [failed, joined, left].map(said);
    let name = split.name();
    let told = format!("{failed} | {joined} | {left}");
    format!("| {name} | {rate} | {percent} % | {told} | {oldest:.0} | {deferred:.1} | {calls:.0} |")
}

fn said(minutes: Option<f64>) -> String {
    minutes.map_or_else(|| format!("> {}", PATIENCE.as_secs() / 60), |minutes| format!("{minutes:.1}"))
}

/// In every tick of a day, one account fails in every target, and the one that failed before is well again.
async fn every_target_changes_in_every_tick(split: Split) -> String {
    let watched = Watched::new(Size { regions: 1, ..LARGE }, 1, split).await;
    let deferred = watched.cloud.deferred.get();
    let change = |tick: u32| {
        let n = 1000 + 100 * (tick as usize % 80) + 50;
        watched.set(n - 100, "UPDATE_SUCCESSFUL");
        watched.set(n, "UPDATE_FAILED");
    };
    let oldest = watched.oldest_within(288, change).await;
    let deferred = watched.cloud.deferred.get() - deferred;
    format!(
        "\nEvery target of one region changes in each of 288 ticks, {}, {} calls/s, 1 % not well: oldest whole look {oldest:.0} min, \
         deferred {deferred}, failed {}",
        split.name(),
        LARGE.rate,
        watched.cloud.failed.get()
    )
}

/// One pack of 10,000 accounts alone: all are in progress for 30 minutes.
pub(crate) async fn a_redeployment() -> String {
    let watched = Watched::new(Size { packs: 1, regions: 1, ..LARGE }, 1, Split::One).await;
    let organization = &watched.cloud.organization;
    let calls = organization.calls.get();
    let quiet = watched.oldest_within(288, |_| ()).await;
    let quiet_calls = organization.calls.get() - calls;
    let begin = watched.ticks.get();
    let calls = organization.calls.get();
    (0..LARGE.accounts).for_each(|n| watched.set(n, "UPDATE_IN_PROGRESS"));
    let end = |tick: u32| {
        if tick == begin + 6 {
            let ended = |n: usize| if n.is_multiple_of(100) { "UPDATE_FAILED" } else { "UPDATE_SUCCESSFUL" };
            (0..LARGE.accounts).for_each(|n| watched.set(n, ended(n)));
        }
    };
    let oldest = watched.oldest_within(288, end).await;
    format!(
        "\nOne pack of {} accounts: {quiet_calls} calls in 24 quiet hours (oldest whole look {quiet:.0} min); with a \
         redeployment of 30 min {} (oldest {oldest:.0} min); whole looks only: {}",
        LARGE.accounts,
        organization.calls.get() - calls,
        288 * (1 + LARGE.accounts / 100)
    )
}
