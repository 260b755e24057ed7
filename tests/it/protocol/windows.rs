//! What a run that is killed while it tells machines costs: a window of messages, and not all of them.

use std::collections::BTreeMap;
use std::time::Duration;

use packwatch::watch;
use packwatch::watch::budget::Budget;
use packwatch::watch::request::Request;

use crate::protocol::direct::{Direct, EVENTS, REGION, settings};
use crate::protocol::gate::Gate;
use crate::protocol::gated::Gated;
use crate::protocol::memory::MemoryStore;
use crate::protocol::mutant_store::MutantStore;
use crate::protocol::mutants::{Mutant, Protocol, Repeated};
use crate::protocol::scenario::A;
use crate::protocol::truth::Truth;
use crate::world::packs::account;

const ACCOUNTS: usize = 700;
/// The run is killed when machines have so many of their events.
const KILLED_AT: usize = 600;
const WINDOW: usize = 300;

/// How many events come twice when the run dies that tells most of them.
async fn copies(mutant: Mutant) -> usize {
    let truth = Truth::new(&[(A, ACCOUNTS)]);
    let store = MemoryStore::default();
    let run = async || {
        let gate = Gate::new([]);
        gate.delay.set(Duration::from_millis(10));
        let source = Direct(truth.world.clone());
        let now = source.now();
        let (loaded, claimed) = Default::default();
        let store = MutantStore { store: store.clone(), mutant, now, loaded, claimed };
        let store = Gated { gate: gate.clone(), port: store };
        let outside = Gated { gate, port: source };
        let protocol = Protocol::new(store, outside, Repeated::default(), Some(now));
        let request = Request { scheduled: true, ..Request::default() };
        let report = watch::run(&protocol, &settings(&[]), &request, &Budget::UNLIMITED).await.unwrap();
        assert_eq!(report.answer.failure(), None);
    };
    let events = || truth.world.messages_to(EVENTS);
    run().await;
    let before = events().len();
    truth.change(|world| {
        for n in 1..=ACCOUNTS {
            world.set_status(REGION, A, &account(n), "UPDATE_FAILED");
        }
    });
    let has_enough = async {
        while events().len() < before + KILLED_AT {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! { () = has_enough => {}, () = run() => panic!("it was to be killed") }
    run().await;
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for event in events() {
        *times.entry(event.json_for("default")["Id"].to_string()).or_default() += 1;
    }
    assert_eq!(times.len(), before + ACCOUNTS, "machines have everything");
    times.values().map(|times| times - 1).sum()
}

#[tokio::test(start_paused = true)]
async fn a_run_without_windows_is_caught() {
    assert!((1..=WINDOW).contains(&copies(Mutant::Sound).await));
    assert!(copies(Mutant::NoWindow).await >= KILLED_AT);
}
