//! What a run that is killed while it tells machines costs: the parts under way, and not all of the log.

use std::collections::BTreeMap;
use std::time::Duration;

use packwatch::state::head::Topic;
use packwatch::watch::request::Request;

use crate::protocol::direct::{EVENTS, REGION};
use crate::protocol::gate::Gate;
use crate::protocol::scenario::{A, Stage};
use crate::world::packs::account;

const ACCOUNTS: usize = 2_400;
/// The run is killed when machines have so many of their events.
const KILLED_AT: usize = 2_000;
/// About that many records are under way at once.
const WINDOW: usize = 900;

#[tokio::test(start_paused = true)]
async fn a_run_that_is_killed_repeats_what_it_had_under_way() {
    let stage = Stage::new(Gate::new([]));
    stage.truth.change(|world| {
        for n in 3..=ACCOUNTS {
            world.join(REGION, A, &account(n), "CREATE_SUCCESSFUL");
        }
    });
    stage.heal().await;
    let events = || stage.truth.world.messages_to(EVENTS);
    let before = events().len();
    stage.truth.change(|world| {
        for n in 1..=ACCOUNTS {
            world.set_status(REGION, A, &account(n), "UPDATE_FAILED");
        }
    });
    stage.gate.delay.set(Duration::from_millis(10));
    let has_enough = async {
        while events().len() < before + KILLED_AT {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let request = Request { scheduled: true, ..Request::default() };
    tokio::select! { () = has_enough => {}, _ = stage.run(&request, None) => panic!("it was to be killed") }
    stage.gate.journal.dies(stage.gate.run.get());
    assert_eq!(stage.verdict().await, Vec::<String>::new());
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for event in events() {
        *times.entry(event.json_for("default")["Id"].to_string()).or_default() += 1;
    }
    let copies: usize = times.values().map(|times| times - 1).sum();
    assert!((1..=WINDOW).contains(&copies), "{copies} copies");
}

/// What many packs have to tell in a few records each goes together, and the cursors move once.
#[tokio::test(start_paused = true)]
async fn many_small_logs_share_a_window() {
    let stage = Stage::new(Gate::new([]));
    let packs: Vec<String> = (1..=60).map(|n| format!("Pack-{n:02}")).collect();
    stage.truth.change(|world| {
        packs.iter().for_each(|pack| {
            world.add_pack(REGION, pack, 1);
        })
    });
    stage.heal().await;
    stage.truth.change(|world| {
        for pack in &packs {
            world.fail(REGION, pack, &account(1), "UPDATE_FAILED", "Code", "it broke");
        }
    });
    let version = || stage.store.cursors(Topic::Events).version;
    let (before, events) = (version(), stage.truth.world.messages_to(EVENTS).len());
    stage.scheduled_run().await.expect("nobody dies").expect("it runs");
    assert_eq!(stage.truth.world.messages_to(EVENTS).len(), events + packs.len());
    assert_eq!(version(), before + 2, "the lease, and the end of the window");
}
