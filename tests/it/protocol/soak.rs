//! The built function, killed at random moments while everything around it fails at random; then one clean run, and
//! the promise is judged on what SNS accepted. Two functions share one table, so that runs overlap for real.
//!
//! `PACKWATCH_SOAK_HISTORIES` says how many histories (else as many as a short time allows), `PACKWATCH_SOAK_SEED`
//! the first one's seed; each failure tells its own.

use std::time::{Duration, Instant};

use fastrand::Rng;
use futures_util::{StreamExt, stream};
use packwatch::aws::DynamoStore;
use packwatch::ports::SnapshotStore;
use packwatch::state::head::{Cursors, Topic};
use serde_json::json;

use crate::harness::aws_env;
use crate::harness::dynamo::{Dynamo, Fault};
use crate::harness::lambda::Lambda;
use crate::protocol::direct::{ALERTS, EVENTS, REGION};
use crate::protocol::journal::Notified;
use crate::protocol::memory::MemoryStore;
use crate::protocol::promise::broken;
use crate::protocol::scenario::{A, B};
use crate::protocol::spaces;
use crate::protocol::truth::Truth;
use crate::stores::contract::connection;
use crate::world::World;
use crate::world::faults::NextFault;
use crate::world::messages::SnsFault;
use crate::world::packs::account;

const TIME_BOX: Duration = Duration::from_secs(10);
const ROUNDS: usize = 5;
const ACCOUNTS: usize = 12;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{variable}: a number")))
}

#[tokio::test]
async fn killed_and_faulted_histories_keep_every_chain() {
    let wanted = number("PACKWATCH_SOAK_HISTORIES");
    let first = number("PACKWATCH_SOAK_SEED").unwrap_or_else(|| fastrand::u64(..1 << 40));
    let (started, mut done) = (Instant::now(), 0);
    let more = |n: &u64| wanted.map_or(*n < 4 || started.elapsed() < TIME_BOX, |wanted| *n < wanted);
    let judge = async |n: u64| (first + n, history(first + n).await);
    // Most of a history is waiting.
    let mut histories = stream::iter((0..).take_while(more)).map(judge).buffer_unordered(4).boxed_local();
    while let Some((seed, broken)) = histories.next().await {
        assert!(broken.is_empty(), "PACKWATCH_SOAK_SEED={seed}: {broken:#?}");
        done += 1;
    }
    spaces::tell("killed and faulted histories of the real function", done);
}

async fn history(seed: u64) -> Vec<String> {
    let mut random = Rng::with_seed(seed);
    let truth = Truth::new(&[(A, ACCOUNTS), (B, 2)]);
    let served = truth.world.serve().await;
    let dynamo = Dynamo::with_table("packwatch");
    let function = || {
        Lambda::new(env!("CARGO_BIN_EXE_bootstrap"), REGION, aws_env(REGION, &served.url, &dynamo.url))
            .env("PACKWATCH_TABLE", "packwatch")
            .env("PACKWATCH_ALERTS_TOPIC_ARN", ALERTS)
            .env("PACKWATCH_EVENTS_TOPIC_ARN", EVENTS)
            .env("PACKWATCH_REMIND_EVERY", "never")
            .env("PACKWATCH_NOTIFY", "all")
            .env("PACKWATCH_GROUP_INTERVAL", "0")
    };
    let store = DynamoStore::new(&connection(&dynamo.engine_url).await, "packwatch");
    // The chains begin at a baseline that is known.
    let one = function();
    if let Err(error) = one.invoke(json!({}), Duration::from_secs(30)).await {
        return vec![format!("the first run failed: {error}")];
    }
    let baseline = MemoryStore::copy(&store, &MemoryStore::default()).await;
    drop(one);

    let attempts = random.u32(1..=2).to_string();
    let functions = [(); 2].map(|()| function().env("AWS_MAX_ATTEMPTS", &attempts));
    for _ in 0..ROUNDS {
        truth.change(|world| change(world, &mut random));
        disturb(&truth.world, &dynamo, &mut random);
        let alone = random.bool();
        let (mut a, mut b) = (random.fork(), random.fork());
        tokio::join!(run(&functions[0], &mut a), async {
            if !alone {
                run(&functions[1], &mut b).await;
            }
        });
        later(&store).await;
    }
    drop(functions);
    truth.world.heal_config().heal_sns();
    dynamo.heal();
    // What the dead had sent may still arrive.
    tokio::time::sleep(Duration::from_millis(150)).await;
    later(&store).await;
    let clean = function().invoke(json!({}), Duration::from_secs(30)).await;
    if let Err(error) = clean {
        return vec![format!("the clean run failed: {error}")];
    }
    let copy = MemoryStore::copy(&store, &baseline).await;
    let notified = Notified::of_messages(&truth.world, &store).await;
    broken(&truth, &copy, &notified)
}

/// Some minutes later: the leases of who was killed are over.
async fn later(store: &DynamoStore) {
    let heads = store.load().await.unwrap();
    for (topic, cursors) in [(Topic::Alerts, heads.alerts), (Topic::Events, heads.events)] {
        if cursors.lease.is_some() {
            // Unless its owner is there to give it back.
            let _ = store.put_cursors(topic, &Cursors { lease: None, ..cursors.next() }).await;
        }
    }
}

/// One invocation, which may be killed while it is under way.
async fn run(function: &Lambda, random: &mut Rng) {
    let invoked = function.invoke(json!({}), Duration::from_secs(3));
    if random.u8(..10) < 6 {
        let moment = Duration::from_micros(random.u64(..200_000));
        if tokio::time::timeout(moment, invoked).await.is_err() {
            function.kill();
        }
    } else {
        let _however_it_ended = invoked.await;
    }
}

/// A few changes at once.
fn change(world: &World, random: &mut Rng) {
    for _ in 0..random.usize(1..=6) {
        let pack = if random.bool() { A } else { B };
        let account = account(random.usize(1..=ACCOUNTS + 2));
        let there = world.rows(REGION, pack).contains_key(&account);
        match (there, random.u8(..4)) {
            (false, _) => drop(world.join(REGION, pack, &account, "CREATE_SUCCESSFUL").clone()),
            (true, 0) => drop(world.leave(REGION, pack, &account).clone()),
            (true, 1) => drop(world.set_status(REGION, pack, &account, "UPDATE_SUCCESSFUL").clone()),
            (true, _) => {
                drop(world.fail(REGION, pack, &account, "UPDATE_FAILED", "Code", "it broke").clone())
            }
        }
    }
}

/// A few faults, each for one request that may come.
fn disturb(world: &World, dynamo: &Dynamo, random: &mut Rng) {
    for _ in 0..random.usize(..=4) {
        let fault = match random.u8(..8) {
            0 => Fault::Throttle,
            1 => Fault::InternalError,
            2 => Fault::Conflict,
            3 | 4 => Fault::LoseReply,
            5 => Fault::DropBefore,
            6 => Fault::AccountThrottle,
            _ => Fault::Delay(Duration::from_millis(random.u64(..100))),
        };
        let of = ["*", "UpdateItem", "TransactWriteItems", "Query"][random.usize(..4)];
        dynamo.fault_after(of, random.usize(..4), fault, 1);
    }
    for _ in 0..random.usize(..=2) {
        match random.u8(..7) {
            0 => world.lose_reply_next(),
            1 => world.break_sns_next(1),
            2 => world.throttle_sns_next(1),
            3 => world.refuse_next(1),
            4 => world.fail_entries(&[random.usize(..3)], random.bool()),
            5 => world.sns_fault(None, SnsFault::Hang),
            _ => world.sns_fault(None, SnsFault::DropBefore),
        };
    }
    match random.u8(..5) {
        0 => drop(world.throttle_next(REGION, 1).clone()),
        1 => drop(world.next_faults(REGION, NextFault::Drop, 1).clone()),
        2 => drop(world.page_cap(random.usize(1..6)).clone()),
        _ => {}
    }
}
