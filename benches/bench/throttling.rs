//! A run over every account against an AWS Config that takes only so many calls a second.

use crate::contestant::{ALERTS, CONCURRENCY, Contestant, EVENTS, REGION};
use crate::events::asked;
use crate::harness::dynamo::Dynamo;
use crate::process::Process;
use crate::world::World;
use futures_util::future::join_all;
use std::time::Duration;

/// Calls a second, packs, and accounts of each pack.
const CASES: [(u32, usize, usize); 3] = [(2, 8, 600), (5, 8, 600), (10, 8, 1_200)];
const LATENCY: Duration = Duration::from_millis(40);
const PAGE: usize = 100;

/// A contestant's run at a rate.
pub(crate) struct Throttled {
    pub name: &'static str,
    /// Calls a second.
    pub rate: u32,
    /// The list, and every page.
    pub needed: usize,
    pub made: usize,
    pub wall: Duration,
    pub failed: bool,
}

impl Throttled {
    /// How many times the time that the rate alone asks for it took.
    pub(crate) fn beyond_ideal(&self) -> f64 {
        self.wall.as_secs_f64() * f64::from(self.rate) / self.needed as f64
    }
}

/// Every rate and contestant at once, each in a world of its own: they wait more than they compute.
pub(crate) async fn measure(contestants: &[Contestant; 2]) -> Vec<Throttled> {
    let runs = CASES.iter().flat_map(|case| contestants.iter().map(move |contestant| run(contestant, *case)));
    join_all(runs).await
}

async fn run(contestant: &Contestant, (rate, packs, accounts): (u32, usize, usize)) -> Throttled {
    let (world, dynamo) = (World::new(), Dynamo::with_table("throttled"));
    world.add_topic(ALERTS).add_topic(EVENTS);
    for n in 0..packs {
        world.add_pack(REGION, &format!("Pack-{n}"), accounts);
    }
    let served = world.serve().await;
    let env = contestant.env(&served.url, &dynamo.url, "throttled", CONCURRENCY);
    let mut process = Process::start(contestant, env);
    process.invoke(asked()).await;
    world.latency(LATENCY).throttle(REGION, rate.into()).reset_requests();
    let (used, outcome) = process.try_invoke(asked()).await;
    let made = world.requests().iter().filter(|request| request.service == "config").count();
    Throttled {
        name: contestant.name,
        rate,
        needed: 1 + packs * accounts.div_ceil(PAGE),
        made,
        wall: used.wall,
        failed: outcome.is_err(),
    }
}
