//! Very many changes at once: how long it takes, and in how many runs, until both topics have all of them. Only packwatch
//! is measured; what it is compared with is the time that SNS itself asks for.

use crate::contestant::{ALERTS, CONCURRENCY, Contestant, EVENTS, REGION};
use crate::drained::drained;
use crate::events::scheduled_run;
use crate::harness::dynamo::Dynamo;
use crate::process::{Process, Used};
use crate::world::World;
use crate::world::packs::account;
use futures_util::future::join_all;
use std::collections::HashMap;
use std::time::Duration;

/// A topic has no more under way at once than these messages: eight batches of ten.
const UNDER_WAY: usize = 80;

/// A case that needs more runs than these has failed.
const MOST_RUNS: usize = 12;

/// What SNS does to a publisher.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Topics {
    /// Every call takes so many milliseconds.
    Slow(u64),
    /// So many messages a second are taken.
    Limited(u32),
}

/// So many packs of so many accounts, all of which fail at once, dispatched in runs of at most so many seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    packs: usize,
    accounts: usize,
    pub topics: Topics,
    limit: u64,
}

const fn case(packs: usize, accounts: usize, topics: Topics, limit: u64) -> Case {
    Case { packs, accounts, topics, limit }
}

/// The last of the first is a tenth of the last of the second, which takes six minutes: changes and runs.
pub(crate) const QUICK: &[Case] =
    &[case(1, 10_000, Topics::Slow(0), 300), case(1, 10_000, Topics::Limited(300), 30)];
pub(crate) const ALL: &[Case] = &[
    case(1, 10_000, Topics::Slow(0), 300),
    case(1, 10_000, Topics::Slow(40), 300),
    case(10, 10_000, Topics::Slow(0), 300),
    case(10, 10_000, Topics::Slow(40), 300),
    case(25, 10_000, Topics::Slow(0), 300),
    case(10, 10_000, Topics::Limited(300), 300),
];

/// What came of a case.
pub(crate) struct Dispatched {
    pub case: Case,
    /// Until both topics had everything.
    pub runs: usize,
    pub killed: usize,
    /// Of all these runs, without the time between them.
    pub wall: Duration,
    pub cpu: Duration,
    /// In MB.
    pub peak: f64,
    pub copies: usize,
    pub digests: usize,
}

impl Case {
    pub(crate) fn changes(&self) -> usize {
        self.packs * self.accounts
    }

    pub(crate) fn limit(&self) -> Duration {
        Duration::from_secs(self.limit)
    }

    /// How long SNS alone takes for these messages.
    pub(crate) fn least(&self) -> Duration {
        match self.topics {
            Topics::Slow(latency) => {
                Duration::from_millis(latency).mul_f64(self.changes() as f64 / UNDER_WAY as f64)
            }
            Topics::Limited(rate) => Duration::from_secs_f64(self.changes() as f64 / f64::from(rate)),
        }
    }
}

/// The cases one after the other, beside those that wait for SNS's limit more than they compute; each in a world of its
/// own.
pub(crate) async fn measure(packwatch: &Contestant, cases: &[Case]) -> Vec<Dispatched> {
    let (slow, limited): (Vec<&Case>, Vec<&Case>) =
        cases.iter().partition(|case| matches!(case.topics, Topics::Slow(_)));
    let slow = async {
        let mut dispatched = Vec::new();
        for case in slow {
            dispatched.push(dispatch(packwatch, *case).await);
        }
        dispatched
    };
    let limited = join_all(limited.into_iter().map(|case| dispatch(packwatch, *case)));
    let (mut dispatched, limited) = tokio::join!(slow, limited);
    dispatched.extend(limited);
    dispatched
}

async fn dispatch(packwatch: &Contestant, case: Case) -> Dispatched {
    let (world, dynamo) = (World::new(), Dynamo::with_table("dispatching"));
    world.add_topic(ALERTS).add_topic(EVENTS);
    let packs: Vec<String> = (0..case.packs).map(|n| format!("Pack-{n:02}")).collect();
    for pack in &packs {
        world.add_pack(REGION, pack, case.accounts);
    }
    let served = world.serve().await;
    let start =
        || Process::start(packwatch, packwatch.env(&served.url, &dynamo.url, "dispatching", CONCURRENCY));
    start().invoke(scheduled_run()).await;
    world.reset_requests().take_messages();
    dynamo.reset_requests();

    for (pack, n) in packs.iter().flat_map(|pack| (1..=case.accounts).map(move |n| (pack, n))) {
        let message = "A role that AWS Config needs is missing in the account";
        world.fail(REGION, pack, &account(n), "UPDATE_FAILED", "InsufficientPermissions", message);
    }
    match case.topics {
        Topics::Slow(latency) => world.sns_latency(Duration::from_millis(latency)),
        Topics::Limited(rate) => world.limit_sns(rate.into()),
    };
    let mut arrived = Arrived::default();
    let mut dispatched = Dispatched {
        case,
        runs: 0,
        killed: 0,
        wall: Duration::ZERO,
        cpu: Duration::ZERO,
        peak: 0.0,
        copies: 0,
        digests: 0,
    };
    let mut process = start();
    loop {
        let before = arrived.messages();
        let run = process.invoke_within(scheduled_run(), case.limit());
        let (used, outcome) = drained(run, || arrived.count(&world, &dynamo)).await;
        eprintln!("{case:?}: {used:?}, {} events, {} digests", arrived.events.len(), arrived.digests);
        if outcome.is_some() && arrived.messages() == before {
            // Nobody lags anything any more: this run only found that out.
            break;
        }
        dispatched.add(used);
        if outcome.is_none() {
            dispatched.killed += 1;
            process = start();
        }
        assert!(dispatched.runs < MOST_RUNS, "not dispatched in {MOST_RUNS} runs");
    }
    assert_eq!(arrived.events.len(), case.changes(), "every change has arrived");
    dispatched.copies = arrived.events.values().map(|times| times - 1).sum();
    dispatched.digests = arrived.digests;
    dispatched
}

impl Dispatched {
    fn add(&mut self, used: Used) {
        self.runs += 1;
        self.wall += used.wall;
        self.cpu += used.cpu;
        self.peak = self.peak.max(used.peak);
    }
}

/// What the topics accepted.
#[derive(Default)]
struct Arrived {
    /// How often each event came, by its id.
    events: HashMap<String, usize>,
    digests: usize,
}

impl Arrived {
    fn messages(&self) -> usize {
        self.digests + self.events.values().sum::<usize>()
    }

    /// Counts what has arrived, which the models then forget.
    fn count(&mut self, world: &World, dynamo: &Dynamo) {
        for message in world.take_messages() {
            match message.topic_arn.as_str() {
                EVENTS => {
                    let id = message.json_for("default")["Id"].as_str().expect("an id").to_owned();
                    *self.events.entry(id).or_default() += 1;
                }
                _ => self.digests += 1,
            }
        }
        world.reset_requests();
        dynamo.reset_requests();
    }
}
