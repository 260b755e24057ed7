//! Fourteen days at random.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use futures_util::FutureExt;
use jiff::SignedDuration;

use super::oracle::Tally;
use super::places::{PACKS, pack, seconds, size};
use super::story::{LENGTH, Story};
use super::world::World;
use crate::protocol::spaces::tell;

async fn two_weeks(seed: u64) -> Tally {
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
    // A day later nothing waits, and whoever was told of a begin was told of its end.
    let end = begin + seconds(LENGTH) + SignedDuration::from_hours(24);
    world.go_on(&acts, end).await;
    world.assert_recorded();
    let oracle = world.oracle;
    assert!(!oracle.is_waiting(), "something waits still");
    let forgotten: Vec<String> =
        oracle.people.told_incidents().difference(&oracle.open_incidents()).cloned().collect();
    assert_eq!(forgotten, [""; 0], "people believe that these go on");
    println!("seed {seed}, {:?}: {:?} of {episodes:?}", started.elapsed(), oracle.tally);
    oracle.tally
}

#[tokio::test(start_paused = true)]
async fn everybody_is_told_of_everything_in_time_and_once() {
    let tally = two_weeks(1).await;
    tell("told: what happens in two weeks", tally.acts);
    tell("told: what is recorded of it", tally.records);
    tell("told: what people are told of it", tally.entries);
    tell("told: in so many messages", tally.digests);
    tell("told: whose numbers agree", tally.numbers);
    // A story in which nothing happens would show nothing.
    assert!(tally.acts > 2000 && tally.entries > 1000 && tally.open < 100, "{tally:?}");
}

/// Other stories: `make simulate PART=told SEEDS=20 SEED=7`.
#[tokio::test(start_paused = true)]
#[ignore = "takes half a minute for each story: `make soak`"]
async fn everybody_is_told_in_other_weeks() {
    let number = |name: &str| std::env::var(name).ok()?.parse().ok();
    let first = number("PACKWATCH_SOAK_SEED").unwrap_or_else(|| fastrand::u64(2..1_000_000));
    let mut failed = Vec::new();
    for seed in first..first + number("PACKWATCH_TOLD_SEEDS").unwrap_or(5) {
        if AssertUnwindSafe(two_weeks(seed)).catch_unwind().await.is_err() {
            failed.push(seed);
        }
    }
    assert_eq!(failed, [0; 0], "the seeds of what went wrong");
}
