//! Runs over one organization in which one account in a hundred is unhealthy: baseline, quiet, changed.

use crate::Size;
use crate::contestant::{ALERTS, CONCURRENCY, Contestant, EVENTS, REGION};
use crate::drained::drained;
use crate::events::{asked, scheduled_run};
use crate::harness::dynamo::Dynamo;
use crate::process::{Process, Used};
use crate::startup::median;
use crate::store::{self, Sent};
use crate::units::{self, Stored, Units};
use crate::world::World;
use crate::world::packs::account;
use crate::world::server::Served;
use std::time::Duration;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The first run: everything is new.
    Baseline,
    /// Nothing has changed.
    Quiet,
    /// Nothing has changed, and somebody wants to see every account.
    Whole,
    /// Another account in a hundred fails.
    Failed,
    /// One account in a hundred is healthy again.
    Recovered,
    /// Every account has changed.
    AllChanged,
    /// Nothing has changed, and AWS Config turns out to filter what it has cut into pages.
    Violated,
    /// The runs after that.
    Distrusted,
}

/// So many runs of a kind, with so many milliseconds of each Config call, reading so many packs at once.
pub(crate) struct Step(Kind, u64, usize, usize);

/// Steps, with baselines first.
pub(crate) type Plan = [Step];

pub(crate) const QUICK: &Plan = &[
    Step(Kind::Baseline, 0, 1, CONCURRENCY),
    Step(Kind::Quiet, 0, 3, CONCURRENCY),
    Step(Kind::Whole, 0, 3, CONCURRENCY),
    Step(Kind::Failed, 0, 2, CONCURRENCY),
    Step(Kind::Recovered, 0, 2, CONCURRENCY),
    Step(Kind::AllChanged, 0, 1, CONCURRENCY),
    Step(Kind::Quiet, 40, 3, CONCURRENCY),
];
pub(crate) const SMALL_PLAN: &Plan = &[
    Step(Kind::Baseline, 0, 3, CONCURRENCY),
    Step(Kind::Quiet, 0, 11, CONCURRENCY),
    Step(Kind::Whole, 0, 5, CONCURRENCY),
    Step(Kind::Failed, 0, 3, CONCURRENCY),
    Step(Kind::Recovered, 0, 3, CONCURRENCY),
    Step(Kind::AllChanged, 0, 3, CONCURRENCY),
    Step(Kind::Quiet, 40, 5, CONCURRENCY),
    Step(Kind::Whole, 40, 3, CONCURRENCY),
];
pub(crate) const LARGE_PLAN: &Plan = &[
    Step(Kind::Baseline, 0, 1, CONCURRENCY),
    Step(Kind::Quiet, 0, 3, CONCURRENCY),
    Step(Kind::Whole, 0, 3, CONCURRENCY),
    Step(Kind::Failed, 0, 3, CONCURRENCY),
    Step(Kind::Recovered, 0, 3, CONCURRENCY),
    Step(Kind::Quiet, 40, 1, CONCURRENCY),
    Step(Kind::Whole, 40, 1, CONCURRENCY),
    Step(Kind::Whole, 40, 1, 20),
    Step(Kind::Violated, 0, 1, CONCURRENCY),
    Step(Kind::Distrusted, 0, 1, CONCURRENCY),
    Step(Kind::AllChanged, 0, 1, CONCURRENCY),
];

/// The runs of one step.
pub(crate) struct Row {
    pub kind: Kind,
    pub latency: Duration,
    pub at_once: usize,
    pub runs: usize,
    /// packwatch's medians, then the peer's.
    pub measured: [Measured; 2],
    /// What the store alone takes for packwatch's transactions, where every account changed.
    pub store: Option<Duration>,
}

/// A contestant's medians and its highest peak, and the requests of its last run.
pub(crate) struct Measured {
    pub used: Used,
    pub config: usize,
    pub table: usize,
    pub sns: usize,
    pub units: Units,
}

/// What a run asked the model of AWS.
#[derive(Default)]
struct Calls {
    config: usize,
    sns: usize,
}

impl Calls {
    /// Counts the requests that have arrived, which the model then forgets.
    fn count(&mut self, world: &World) {
        for ((service, _), calls) in world.counts() {
            match service {
                "config" => self.config += calls,
                "sns" => self.sns += calls,
                _ => {}
            }
        }
        world.reset_requests().take_messages();
    }
}

struct Stage<'a> {
    contestants: &'a [Contestant; 2],
    world: World,
    dynamo: Dynamo,
    served: Served,
    packs: Vec<String>,
    accounts: usize,
    /// How many tables were made, of which each baseline needs a new one.
    tables: usize,
    /// How many accounts in a hundred are unhealthy.
    unhealthy: usize,
}

/// Carries out the plan, the contestants in turns.
pub(crate) async fn measure(contestants: &[Contestant; 2], (packs, accounts): Size, plan: &Plan) -> Vec<Row> {
    let mut stage = Stage::new(contestants, packs, accounts).await;
    let mut running: Option<([Process; 2], usize)> = None;
    let mut rows = Vec::new();
    for &Step(kind, latency, runs, at_once) in plan {
        let latency = Duration::from_millis(latency);
        stage.world.latency(latency);
        let mut samples: [Vec<Used>; 2] = Default::default();
        let mut stores = Vec::new();
        let mut measured = Vec::new();
        for run in 1..=runs {
            if kind == Kind::Baseline {
                stage.new_tables();
                stage.begin();
            }
            let (processes, _) = match running.take() {
                Some(same) if kind != Kind::Baseline && same.1 == at_once => running.insert(same),
                _ => running.insert((stage.start(at_once), at_once)),
            };
            stage.change(kind);
            for (index, process) in processes.iter_mut().enumerate() {
                stage.world.reset_requests().take_messages();
                stage.dynamo.reset_requests();
                let event = if kind == Kind::Whole { asked() } else { scheduled_run() };
                let (mut calls, mut sent) = (Calls::default(), Vec::new());
                let note = || {
                    calls.count(&stage.world);
                    sent.extend(Sent::take(&stage.dynamo));
                };
                let used = drained(process.invoke(event), note).await;
                let name = contestants[index].name;
                eprintln!("{packs} x {accounts} {kind:?} {latency:?} {name}: {used:?}");
                samples[index].push(used);
                if run == runs {
                    let table = stage.table(index);
                    measured.push(stage.measured(&samples[index], &calls, &sent, &table));
                }
                if kind == Kind::AllChanged && index == 0 {
                    stores.push(store::replay(&stage.dynamo, &sent).await);
                }
            }
        }
        let measured = measured.try_into().unwrap_or_else(|_| panic!("two contestants"));
        let store = (!stores.is_empty()).then(|| median(stores.into_iter()));
        rows.push(Row { kind, latency, at_once, runs, measured, store });
    }
    rows
}

impl<'a> Stage<'a> {
    async fn new(contestants: &'a [Contestant; 2], packs: usize, accounts: usize) -> Self {
        let world = World::new();
        world.add_topic(ALERTS).add_topic(EVENTS);
        let packs: Vec<String> = (0..packs).map(|n| format!("Pack-{n:02}")).collect();
        for pack in &packs {
            world.add_pack(REGION, pack, accounts);
        }
        let served = world.serve().await;
        Self { contestants, world, dynamo: Dynamo::start(), served, packs, accounts, tables: 0, unhealthy: 0 }
    }

    fn table(&self, contestant: usize) -> String {
        format!("{}-{}", self.contestants[contestant].name, self.tables)
    }

    fn new_tables(&mut self) {
        self.tables += 1;
        (0..2).for_each(|contestant| self.dynamo.create_table(&self.table(contestant)));
    }

    /// Both as new processes.
    fn start(&self, at_once: usize) -> [Process; 2] {
        std::array::from_fn(|contestant| {
            let (urls, table) = ((&self.served.url, &self.dynamo.url), self.table(contestant));
            let contestant = &self.contestants[contestant];
            Process::start(contestant, contestant.env(urls.0, urls.1, &table, at_once))
        })
    }

    /// Every account is healthy but one in a hundred.
    fn begin(&mut self) {
        self.set(1, 0, "CREATE_SUCCESSFUL");
        self.set(100, 0, "CREATE_FAILED");
        self.unhealthy = 1;
    }

    /// Both see the same changes, one after the other.
    fn change(&mut self, kind: Kind) {
        match kind {
            Kind::Baseline | Kind::Quiet | Kind::Whole | Kind::Distrusted => {}
            Kind::Failed => {
                self.set(100, self.unhealthy, "UPDATE_FAILED");
                self.unhealthy += 1;
            }
            Kind::Recovered => {
                self.unhealthy -= 1;
                self.set(100, self.unhealthy, "UPDATE_SUCCESSFUL");
            }
            Kind::AllChanged if self.unhealthy == 100 => {
                self.set(1, 0, "UPDATE_SUCCESSFUL");
                self.unhealthy = 0;
            }
            Kind::AllChanged => {
                self.set(1, 0, "UPDATE_FAILED");
                self.unhealthy = 100;
            }
            Kind::Violated => drop(self.world.filter_status_after_paging()),
        }
    }

    /// In every pack, the accounts from `first` on, one in `every`, get a status.
    fn set(&self, every: usize, first: usize, status: &str) {
        let accounts = (1 + first..=self.accounts).step_by(every).map(account);
        for (pack, account) in self.packs.iter().flat_map(|pack| accounts.clone().map(move |a| (pack, a))) {
            if status.ends_with("FAILED") {
                let message = "A role that AWS Config needs is missing in the account";
                self.world.fail(REGION, pack, &account, status, "InsufficientPermissions", message);
            } else {
                self.world.set_status(REGION, pack, &account, status);
            }
        }
    }

    /// The medians and the highest peak of the runs, with the requests of the last one.
    fn measured(&self, samples: &[Used], calls: &Calls, sent: &[Sent], table: &str) -> Measured {
        let mut items = Vec::new();
        self.dynamo.each(table, |item| items.push(Stored::of(&item)));
        Measured {
            used: Used {
                wall: median(samples.iter().map(|used| used.wall)),
                cpu: median(samples.iter().map(|used| used.cpu)),
                peak: samples.iter().map(|used| used.peak).fold(0.0, f64::max),
            },
            config: calls.config,
            table: sent.len(),
            sns: calls.sns,
            units: units::of(sent, &items),
        }
    }
}
