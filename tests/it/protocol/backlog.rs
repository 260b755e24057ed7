//! A run that does not get through all that people are lagging tells them what it has read, and each further run the rest.

use std::time::Duration;

use packwatch::state::head::Topic;

use crate::protocol::direct::{ALERTS, REGION, settings};
use crate::protocol::gate::{Gate, Kind, Outcome};
use crate::protocol::scenario::Stage;
use crate::world::packs::account;

const PACKS: usize = 60;

#[tokio::test(start_paused = true)]
async fn what_lags_for_longer_than_a_run_is_reported_part_by_part() {
    let mut stage = Stage::new(Gate::new([]));
    stage.settings = settings(&[("PACKWATCH_CONCURRENCY", "64")]);
    let pack = |n: usize| format!("Pack-{n:02}");
    stage.truth.change(|world| {
        for n in 0..PACKS {
            world.add_pack(REGION, &pack(n), 1);
        }
    });
    stage.heal().await;
    stage.gate.topics.borrow_mut().insert(Kind::Alert, Outcome::Refused);
    stage.truth.change(|world| {
        for n in 0..PACKS {
            world.fail(REGION, &pack(n), &account(1), "UPDATE_FAILED", "Code", "it broke");
        }
    });
    stage.scheduled_run().await.expect("nobody dies").expect("it runs");
    stage.gate.topics.borrow_mut().clear();
    // Else the digest that is under way would be sent as it is.
    stage.store.edit_cursors(Topic::Alerts, |cursors| cursors.message = None);

    // Each effect takes a second: what lags takes one for each pack, longer than the run has.
    let before = stage.truth.world.messages_to(ALERTS).len();
    stage.gate.delay.set(Duration::from_secs(1));
    let request = packwatch::watch::request::Request { scheduled: true, ..Default::default() };
    stage.run(&request, Some(Duration::from_secs(PACKS as u64))).await;
    let notified: Vec<usize> = stage.truth.world.messages_to(ALERTS)[before..]
        .iter()
        .map(|message| message.json_for("default")["Packs"].as_array().unwrap().len())
        .collect();
    assert_eq!(notified.len(), 1, "{notified:?}");
    assert!((PACKS / 2..PACKS).contains(&notified[0]), "{notified:?}");
    assert_eq!(stage.verdict().await, Vec::<String>::new());
}
