//! How many messages people get: of a rollout none, of a bad update three, of its repair two, of an account that joins
//! fifty packs one, of a quota two.

use jiff::{SignedDuration, Timestamp};
use packwatch::model::Target;

use super::story::{pack, seconds};
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

/// Every minute so many accounts, the first at once.
fn wave(
    world: &World,
    each: usize,
    of: impl Fn(u64, Timestamp) -> (Timestamp, Act),
    count: u64,
) -> Vec<(Timestamp, Act)> {
    (0..count).map(|n| of(n + 1, world.now + seconds(61 * (n / each as u64) as i64 + 7))).collect()
}

#[tokio::test(start_paused = true)]
async fn a_rollout_to_140_accounts_is_no_message() {
    let mut world = watched(1, 140).await;
    let target = pack(0);
    let begins = |n, at| (at, Act::Set(target.clone(), account(n), "UPDATE_IN_PROGRESS".to_owned(), None));
    let ends = |n, at| {
        (at + seconds(900), Act::Set(target.clone(), account(n), "UPDATE_SUCCESSFUL".to_owned(), None))
    };
    let story = [wave(&world, 1, begins, 140), wave(&world, 1, ends, 140)].concat();
    assert_eq!(told(&mut world, &story, 300).await, [""; 0]);
    world.assert_recorded();
}

#[tokio::test(start_paused = true)]
async fn a_bad_update_of_60_accounts_is_three_messages_and_its_repair_two() {
    let mut world = watched(1, 60).await;
    let target = pack(0);
    let fails = |n, at| (at, Act::Set(target.clone(), account(n), "UPDATE_FAILED".to_owned(), Some(0)));
    let story = wave(&world, 1, fails, 50).into_iter().chain(wave(&world, 5, fails, 60).split_off(50));
    let said = told(&mut world, &story.collect::<Vec<_>>(), 120).await;
    assert_eq!(said.len(), 3, "{said:#?}");
    let mended = |n, at| (at, Act::Set(target.clone(), account(n), "UPDATE_SUCCESSFUL".to_owned(), None));
    let story = wave(&world, 1, mended, 60);
    let said = told(&mut world, &story, 120).await;
    assert_eq!(said.len(), 2, "{said:#?}");
    world.assert_recorded();
}

#[tokio::test(start_paused = true)]
async fn an_account_that_joins_50_packs_is_one_message() {
    let mut world = watched(50, 5).await;
    let joins =
        |n, at| (at, Act::Put(pack(n as usize - 1), account(9), "CREATE_IN_PROGRESS".to_owned(), None));
    let created = |n, at| {
        (at + seconds(300), Act::Set(pack(n as usize - 1), account(9), "CREATE_SUCCESSFUL".to_owned(), None))
    };
    let story: Vec<_> = [joins, created].iter().flat_map(|_| Vec::<(Timestamp, Act)>::new()).collect();
    let story = [story, wave(&world, 3, joins, 50), wave(&world, 3, created, 50)].concat();
    let said = told(&mut world, &story, 180).await;
    assert_eq!(said, [r#"info {"Joined": 50}"#]);
    world.assert_recorded();
}

#[tokio::test(start_paused = true)]
async fn a_quota_of_one_account_in_30_packs_is_two_messages() {
    let mut world = watched(50, 5).await;
    let fails =
        |n, at| (at, Act::Set(pack(n as usize - 1), account(1), "UPDATE_FAILED".to_owned(), Some(QUOTA)));
    let story = wave(&world, 3, fails, 30);
    let said = told(&mut world, &story, 180).await;
    assert_eq!(said.len(), 2, "{said:#?}");
    let targets: Vec<Target> = (0..50).map(pack).collect();
    assert_eq!(targets.len(), 50);
    world.assert_recorded();
}
