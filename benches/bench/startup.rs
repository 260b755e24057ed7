//! From exec to the first request for work, and to the answer to the first event, over HTTPS as in AWS.

use crate::contestant::{ALERTS, CONCURRENCY, Contestant, EVENTS, REGION};
use crate::events::scheduled_run;
use crate::harness::dynamo::Dynamo;
use crate::process::Process;
use crate::tls::Tls;
use crate::world::World;
use std::time::Duration;

/// The medians of a contestant.
pub(crate) struct Started {
    pub first_poll: Duration,
    pub first_answer: Duration,
    pub runs: usize,
}

/// Starts both in turns, with a quiet run over one small pack as the first event.
pub(crate) async fn measure(contestants: &[Contestant; 2], runs: usize) -> [Started; 2] {
    let world = World::new();
    world.add_topic(ALERTS).add_topic(EVENTS).add_pack(REGION, "Security-Baseline", 3);
    let served = world.serve().await;
    let dynamo = Dynamo::start();
    let tls = Tls::new();
    let (_world_door, world_url) = tls.before(&served.url);
    let (_dynamo_door, dynamo_url) = tls.before(&dynamo.url);
    let mut samples: [Vec<(Duration, Duration)>; 2] = Default::default();
    contestants.iter().for_each(|contestant| dynamo.create_table(contestant.name));
    // The first round makes the baselines and fills the caches of the disk.
    for round in 0..=runs {
        for (contestant, samples) in contestants.iter().zip(&mut samples) {
            let mut env = contestant.env(&world_url, &dynamo_url, contestant.name, CONCURRENCY);
            env.extend(tls.env());
            let first = Process::start(contestant, env).first(scheduled_run()).await;
            if round > 0 {
                samples.push(first);
            }
        }
    }
    samples.map(|samples| Started {
        first_poll: median(samples.iter().map(|sample| sample.0)),
        first_answer: median(samples.iter().map(|sample| sample.1)),
        runs,
    })
}

/// The middle one.
pub(crate) fn median<T: PartialOrd>(samples: impl Iterator<Item = T>) -> T {
    let mut samples: Vec<T> = samples.collect();
    samples.sort_by(|a, b| a.partial_cmp(b).expect("numbers"));
    samples.swap_remove(samples.len() / 2)
}
