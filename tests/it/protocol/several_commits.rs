//! A baseline, and a deletion, that are too large for one transaction: each commit is whole in itself, and a run that dies
//! between two leaves nothing that the next one does not finish.

use packwatch::watch::request::Request;
use packwatch::{state::head::Topic, watch};

use crate::protocol::direct::{Direct, REGION, settings};
use crate::protocol::gate::{Gate, Kind, Outcome};
use crate::protocol::gated::Gated;
use crate::protocol::memory::MemoryStore;
use crate::protocol::mutant_store::MutantStore;
use crate::protocol::mutants::{Clock, Mutant, Protocol};
use crate::protocol::promise::{ALL, broken};
use crate::protocol::scenario::A;
use crate::protocol::truth::Truth;
use crate::world::packs::account;

const ACCOUNTS: usize = 2_500;

/// A text that no zip makes shorter.
fn noise(random: &mut fastrand::Rng) -> String {
    (0..1_000).map(|_| random.alphanumeric()).collect()
}

/// What is wrong after a baseline whose run dies at one of its commits, the next run, a deletion that dies, and another run.
async fn story(mutant: Mutant, dies_at: usize) -> (usize, Vec<String>) {
    let truth = Truth::new(&[(A, ACCOUNTS)]);
    let mut random = fastrand::Rng::with_seed(7);
    truth.change(|world| {
        for n in 1..=ACCOUNTS {
            world.fail(REGION, A, &account(n), "CREATE_FAILED", "Code", &noise(&mut random));
        }
    });
    let (store, gate) = (MemoryStore::default(), Gate::new([]));
    let run = async || {
        // The lease of the one before is over.
        truth.change(|_| {});
        let source = Direct(truth.world.clone());
        let now = source.now();
        gate.run.set(gate.journal.begin(&store, &ALL, now.as_second()));
        fastrand::seed(gate.run.get() as u64);
        let before = gate.count();
        let protocol = Protocol::new(
            Gated { gate: gate.clone(), port: MutantStore::new(store.clone(), mutant, now) },
            Gated { gate: gate.clone(), port: source },
            Clock::Fixed(now),
        );
        let request = Request { scheduled: true, ..Request::default() };
        let settings = settings(&[]);
        let ended = watch::run(&protocol, &settings, &request, &watch::budget::Budget::UNLIMITED);
        if gate.until_death(ended).await.is_none() {
            gate.journal.dies(gate.run.get());
        }
        gate.log.borrow()[before..].iter().filter(|kind| **kind == Kind::Commit).count()
    };
    let commits_at = |nth: usize| {
        // The scan of so many accounts has the same effects each time.
        let pages = ACCOUNTS.div_ceil(100);
        gate.plan([(pages + 3 + nth, Outcome::DiedAfter)]);
    };
    if dies_at > 0 {
        commits_at(dies_at - 1);
    }
    let mut commits = run().await;
    gate.plan([]);
    commits += run().await;
    truth.change(|world| assert!(world.delete_pack(REGION, A)));
    run().await;
    truth.change(|world| drop(world.add_pack(REGION, A, 2).clone()));
    run().await;
    let mut wrong = broken(&truth, &store, &gate.journal.notified.borrow());
    let head = store.heads().into_values().next().unwrap();
    for topic in Topic::ALL {
        let cursor = store.cursor(topic, &crate::protocol::direct::target(A));
        if cursor != head.log_end {
            wrong.push(format!("{topic:?} are at {cursor:?}, and the end is {:?}", head.log_end));
        }
    }
    (commits, wrong)
}

#[tokio::test(start_paused = true)]
async fn a_baseline_of_several_commits_is_finished_by_the_next_run() {
    let (commits, wrong) = story(Mutant::Sound, 0).await;
    assert_eq!((commits > 1, wrong), (true, Vec::new()));
    let (commits, wrong) = story(Mutant::Sound, 1).await;
    assert_eq!((commits > 1, wrong), (true, Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn a_baseline_that_is_complete_with_its_first_commit_is_caught() {
    let (_, wrong) = story(Mutant::BaselineInTheFirstCommit, 1).await;
    assert_ne!(wrong, Vec::<String>::new());
}
