//! The table is restored to an earlier moment, as the runbook says: what is reported from then on is never taken for a copy of
//! something else.

use std::collections::{BTreeMap, BTreeSet};

use packwatch::state::head::Head;

use crate::protocol::direct::{EVENTS, REGION, target};
use crate::protocol::gate::Gate;
use crate::protocol::mutants::Mutant;
use crate::protocol::promise::lags;
use crate::protocol::scenario::{A, Stage};
use crate::world::packs::account;

/// What each id of an event says, after a restore.
async fn contents(mutant: Mutant) -> BTreeMap<String, BTreeSet<String>> {
    let mut stage = Stage::new(Gate::new([]));
    stage.heal().await;
    let copy = stage.store.fork();
    let fail = |code: &str| {
        stage.truth.change(|world| {
            world.fail(REGION, A, &account(1), "UPDATE_FAILED", code, "it broke");
        });
    };
    fail("Code");
    stage.heal().await;
    fail("Other");
    stage.store = copy;
    stage.store.edit_head(&target(A), |head: &mut Head| {
        if mutant == Mutant::Sound {
            head.epoch += 1_000_000;
        }
        (head.fingerprint, head.active_fingerprint) = (None, None);
    });
    stage.heal().await;
    assert_eq!(lags(&stage.store), Vec::<String>::new());
    let mut contents: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for message in stage.truth.world.messages_to(EVENTS) {
        let event = message.json_for("default");
        contents.entry(event["Id"].to_string()).or_default().insert(event["To"].to_string());
    }
    contents
}

#[tokio::test(start_paused = true)]
async fn after_a_restore_no_id_comes_with_another_content() {
    assert!(contents(Mutant::Sound).await.values().all(|contents| contents.len() == 1));
}

#[tokio::test(start_paused = true)]
async fn epochs_that_begin_again_after_a_restore_are_caught() {
    assert!(contents(Mutant::EpochsNotRaised).await.values().any(|contents| contents.len() > 1));
}
