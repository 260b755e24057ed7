//! Fourteen days at random.

use std::time::Instant;

use futures_util::FutureExt;
use jiff::SignedDuration;

use super::story::{self, FLAPPING, LENGTH, PACKS, Story, pack, seconds, size};
use super::world::World;

async fn two_weeks(seed: u64) -> World {
    println!("seed {seed}");
    // The ids are those of this history.
    fastrand::seed(seed);
    let mut world = World::new();
    for n in 0..PACKS {
        world.pack(&pack(n), 1..=size(n));
    }
    world.poll().await;
    let begin = world.now;
    let (acts, episodes) = Story::draw(seed, begin);
    let started = Instant::now();
    world.go_on(&acts, begin + seconds(LENGTH)).await;
    // Two days later nothing waits, and whoever was told of a begin was told of its end.
    world.go_on(&[], begin + seconds(LENGTH) + SignedDuration::from_hours(24)).await;
    world.assert_recorded();
    let oracle = &world.oracle;
    let forgotten: Vec<String> =
        oracle.people.told_incidents().difference(&oracle.open_incidents()).cloned().collect();
    assert_eq!(forgotten, [""; 0], "people believe that these go on");
    println!("{:?}: {:?} of {episodes:?}", started.elapsed(), oracle.tally);
    let _ = (story::SMALL, FLAPPING);
    world
}

#[tokio::test(start_paused = true)]
async fn everybody_is_told_of_everything_in_time_and_once() {
    let first: u64 = std::env::var("TOLD_SEED").map_or(1, |seed| seed.parse().unwrap());
    let seeds: u64 = std::env::var("TOLD_SEEDS").map_or(1, |seeds| seeds.parse().unwrap());
    let mut failed = Vec::new();
    for seed in first..first + seeds {
        if std::panic::AssertUnwindSafe(two_weeks(seed)).catch_unwind().await.is_err() {
            failed.push(seed);
        }
    }
    assert_eq!(failed, [0; 0], "seeds");
}
