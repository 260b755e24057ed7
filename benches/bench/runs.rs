//! Whole runs over one organization: baseline, quiet, changed.

use crate::contestant::{ALERTS, Contestant, EVENTS, REGION};
use crate::harness::dynamo::Dynamo;
use crate::process::{Process, Used};
use crate::startup::median;
use crate::units::{self, Units};
use crate::world::World;
use crate::world::packs::account;
use crate::world::server::Served;
use serde_json::json;
use std::time::Duration;

/// What AWS Config takes for each call.
const LATENCY: Duration = Duration::from_millis(40);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The first run: everything is new.
    Baseline,
    /// Nothing has changed.
    Quiet,
    /// One account in a hundred has changed.
    Changed,
    /// Every account has changed.
    AllChanged,
}

/// Which runs, and how often: kind, milliseconds of each Config call (0 or 40), number of runs.
pub(crate) struct Plan(&'static [(Kind, bool, usize)]);

impl Plan {
    pub(crate) const QUICK: Self = Self(&[
        (Kind::Baseline, false, 1),
        (Kind::Quiet, false, 3),
        (Kind::Changed, false, 2),
        (Kind::Quiet, true, 3),
        (Kind::AllChanged, false, 1),
    ]);
    pub(crate) const SMALL: Self = Self(&[
        (Kind::Baseline, false, 2),
        (Kind::Quiet, false, 11),
        (Kind::Changed, false, 5),
        (Kind::AllChanged, false, 2),
        (Kind::Baseline, true, 2),
        (Kind::Quiet, true, 5),
        (Kind::Changed, true, 5),
    ]);
    pub(crate) const LARGE: Self = Self(&[
        (Kind::Baseline, false, 1),
        (Kind::Quiet, false, 3),
        (Kind::Changed, false, 1),
        (Kind::Quiet, true, 1),
        (Kind::Changed, true, 1),
    ]);
}

/// The runs of one kind.
pub(crate) struct Row {
    pub kind: Kind,
    pub latency: Duration,
    pub runs: usize,
    /// packwatch's medians, then the peer's.
    pub measured: [Measured; 2],
}

/// A contestant's medians, and the requests of its last run.
pub(crate) struct Measured {
    pub used: Used,
    pub config: usize,
    pub table: usize,
    pub sns: usize,
    pub units: Units,
}

struct Stage {
    world: World,
    dynamo: Dynamo,
    served: Served,
    packs: Vec<String>,
    accounts: usize,
    /// How many tables were made, of which each baseline needs a new one.
    tables: usize,
    /// What the statuses change to next.
    turn: usize,
}

/// Carries out the plan, the contestants in turns.
pub(crate) async fn measure(
    contestants: &[Contestant; 2],
    (packs, accounts): (usize, usize),
    plan: &Plan,
) -> Vec<Row> {
    let mut stage = Stage::new(packs, accounts).await;
    let mut running = None;
    let mut rows = Vec::new();
    for &(kind, slow, runs) in plan.0 {
        let latency = if slow { LATENCY } else { Duration::ZERO };
        stage.world.latency(latency);
        let mut samples: [Vec<Used>; 2] = Default::default();
        for _ in 0..runs {
            if kind == Kind::Baseline || running.is_none() {
                running = Some(stage.start(contestants));
            }
            stage.change(kind);
            for (index, (process, table)) in running.as_mut().unwrap().iter_mut().enumerate() {
                stage.world.reset_requests().take_messages();
                stage.dynamo.reset_requests();
                let used = process.invoke(json!({})).await;
                eprintln!("{packs} x {accounts} {kind:?} {latency:?} {}: {used:?}", contestants[index].name);
                samples[index].push(used);
                if samples[index].len() == runs {
                    let measured = stage.requests(&samples[index], table);
                    rows.push((kind, latency, runs, measured));
                }
            }
        }
    }
    pair(rows)
}

/// Each contestant's rows were pushed one after the other.
fn pair(rows: Vec<(Kind, Duration, usize, Measured)>) -> Vec<Row> {
    let mut rows = rows.into_iter();
    let mut paired = Vec::new();
    while let (Some((kind, latency, runs, ours)), Some((.., theirs))) = (rows.next(), rows.next()) {
        paired.push(Row { kind, latency, runs, measured: [ours, theirs] });
    }
    paired
}

impl Stage {
    async fn new(packs: usize, accounts: usize) -> Self {
        let world = World::new();
        world.add_topic(ALERTS).add_topic(EVENTS);
        let packs: Vec<String> = (0..packs).map(|n| format!("Pack-{n:02}")).collect();
        for pack in &packs {
            world.add_pack(REGION, pack, accounts);
        }
        let served = world.serve().await;
        Self { world, dynamo: Dynamo::start(), served, packs, accounts, tables: 0, turn: 0 }
    }

    /// Both as new processes on new tables.
    fn start(&mut self, contestants: &[Contestant; 2]) -> [(Process, String); 2] {
        self.tables += 1;
        contestants.each_ref().map(|contestant| {
            let table = format!("{}-{}", contestant.name, self.tables);
            self.dynamo.create_table(&table);
            let env = contestant.env(&self.served.url, &self.dynamo.url, &table);
            (Process::start(contestant, env), table)
        })
    }

    /// Both see the same changes, one after the other.
    fn change(&mut self, kind: Kind) {
        let every = match kind {
            Kind::Baseline | Kind::Quiet => return,
            Kind::Changed => 100,
            Kind::AllChanged => 1,
        };
        self.turn += 1;
        let status = if self.turn % 2 == 1 { "UPDATE_FAILED" } else { "UPDATE_SUCCESSFUL" };
        for pack in &self.packs {
            for account in (1..=self.accounts).step_by(every).map(account) {
                if self.turn % 2 == 1 {
                    let message = "A role that AWS Config needs is missing in the account";
                    self.world.fail(REGION, pack, &account, status, "InsufficientPermissions", message);
                } else {
                    self.world.set_status(REGION, pack, &account, status);
                }
            }
        }
    }

    /// The medians of the runs, with the requests of the last one.
    fn requests(&self, samples: &[Used], table: &str) -> Measured {
        let requests = self.dynamo.requests();
        let counts = self.world.counts();
        let of = |service| counts.iter().filter(|((s, _), _)| *s == service).map(|(_, n)| n).sum();
        Measured {
            used: Used {
                wall: median(samples.iter().map(|used| used.wall)),
                cpu: median(samples.iter().map(|used| used.cpu)),
                peak: median(samples.iter().map(|used| used.peak)),
            },
            config: of("config"),
            table: requests.len(),
            sns: of("sns"),
            units: units::of(&requests, &self.dynamo.dump(table)),
        }
    }
}
