//! How many messages people get: of a rollout none, of a bad update three, of its repair two, of an account that joins
//! fifty packs one, of a quota two.

use jiff::{SignedDuration, Timestamp};
use packwatch::model::Target;

use super::places::{pack, seconds};
use super::world::{Act, QUOTA, World};
use crate::messages::samples::account;

/// An hour after the baseline was told.
async fn watched(packs: usize, accounts: u64) -> World {
    let mut world = World::new();
    for n in 0..packs {
        world.pack(&pack(n), 1..=accounts);
    }
    world.poll().await;
    let until = world.now + SignedDuration::from_mins(60);
    world.go_on(&[], until).await;
    world.oracle.people.sent.clear();
    world
}

/// What happens, and which messages that was within so many minutes.
async fn told(world: &mut World, story: &[(Timestamp, Act)], minutes: i64) -> Vec<String> {
    let until = world.now + SignedDuration::from_mins(minutes);
    world.go_on(story, until).await;
    let sent = std::mem::take(&mut world.oracle.people.sent);
    sent.into_iter().map(|(_, said)| format!("{} {:?}", said.severity.as_str(), said.counts)).collect()
}

/// One account or pack after the other, each so many seconds later.
fn wave(world: &World, step: i64, count: u64, of: impl Fn(u64) -> Act) -> Vec<(Timestamp, Act)> {
    (0..count).map(|n| (world.now + seconds(step * n as i64 + 7), of(n + 1))).collect()
}

/// The same, later.
fn later(story: Vec<(Timestamp, Act)>, minutes: i64) -> Vec<(Timestamp, Act)> {
    story.into_iter().map(|(at, act)| (at + seconds(60 * minutes), act)).collect()
}

fn set(pack: Target, n: u64, status: &str, cause: Option<usize>) -> Act {
    Act::Set(pack, account(n), status.to_owned(), cause)
}

#[tokio::test(start_paused = true)]
async fn a_rollout_to_140_accounts_is_no_message() {
    let mut world = watched(1, 140).await;
    let begins = wave(&world, 61, 140, |n| set(pack(0), n, "UPDATE_IN_PROGRESS", None));
    let ends = later(wave(&world, 61, 140, |n| set(pack(0), n, "UPDATE_SUCCESSFUL", None)), 15);
    assert_eq!(told(&mut world, &[begins, ends].concat(), 300).await, [""; 0]);
    world.assert_recorded();
}

#[tokio::test(start_paused = true)]
async fn a_bad_update_of_60_accounts_in_50_minutes_is_three_messages_and_its_repair_two() {
    let mut world = watched(1, 60).await;
    let fails = wave(&world, 50, 60, |n| set(pack(0), n, "UPDATE_FAILED", Some(0)));
    let said = told(&mut world, &fails, 120).await;
    assert_eq!(said, [r#"failure {"Failed": 6}"#, r#"warning {"Failed": 42}"#, r#"warning {"Failed": 12}"#]);
    let mended = wave(&world, 50, 60, |n| set(pack(0), n, "UPDATE_SUCCESSFUL", None));
    let said = told(&mut world, &mended, 120).await;
    assert_eq!(said, [r#"resolved {"Recovered": 42}"#, r#"resolved {"Recovered": 18}"#]);
    world.assert_recorded();
}

#[tokio::test(start_paused = true)]
async fn an_account_that_joins_50_packs_within_20_minutes_is_one_message() {
    let mut world = watched(50, 5).await;
    let joins = wave(&world, 24, 50, |n| {
        Act::Put(pack(n as usize - 1), account(9), "CREATE_IN_PROGRESS".to_owned(), None)
    });
    let created = later(wave(&world, 24, 50, |n| set(pack(n as usize - 1), 9, "CREATE_SUCCESSFUL", None)), 5);
    let said = told(&mut world, &[joins, created].concat(), 180).await;
    assert_eq!(said, [r#"info {"Joined": 50}"#]);
    world.assert_recorded();
}

#[tokio::test(start_paused = true)]
async fn a_quota_of_one_account_in_30_packs_within_10_minutes_is_two_messages() {
    let mut world = watched(50, 5).await;
    let fails = wave(&world, 19, 30, |n| set(pack(n as usize - 1), 1, "UPDATE_FAILED", Some(QUOTA)));
    let said = told(&mut world, &fails, 180).await;
    assert_eq!(said, [r#"failure {"Failed": 16}"#, r#"warning {"Failed": 14}"#]);
    world.assert_recorded();
}
