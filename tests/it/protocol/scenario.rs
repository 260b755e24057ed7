//! The full history that the crash enumeration disturbs: a baseline, a change, a failure, a recovery, an account that
//! leaves, one that joins, a pack that is deleted and comes back, and another pack beside it.

use std::rc::Rc;
use std::time::Duration;

use crate::harness::parts::Parts;
use packwatch::settings::Settings;
use packwatch::watch::budget::Budget;
use packwatch::watch::report::Report;
use packwatch::watch::request::Request;
use packwatch::watch::{self, RunError};

use crate::protocol::direct::{Direct, REGION, settings};
use crate::protocol::gate::Gate;
use crate::protocol::gated::Gated;
use crate::protocol::journal::Names;
use crate::protocol::memory::MemoryStore;
use crate::protocol::promise::{ALL, broken, broken_after_a_run, claims_too_much};
use crate::protocol::truth::Truth;
use crate::world::World;
use crate::world::packs::account;

/// The two packs.
pub(crate) const A: &str = "Pack-A";
pub(crate) const B: &str = "Pack-B";

/// What happens between two runs, step by step.
pub(crate) const STEPS: [fn(&World); 5] = [
    |_| {},
    |world| {
        world.set_status(REGION, A, &account(1), "UPDATE_IN_PROGRESS");
        world.fail(REGION, B, &account(1), "UPDATE_FAILED", "Code", "it broke");
    },
    |world| {
        world.set_status(REGION, A, &account(1), "UPDATE_SUCCESSFUL");
        world.leave(REGION, A, &account(2));
        world.set_status(REGION, B, &account(1), "UPDATE_SUCCESSFUL");
    },
    |world| {
        world.join(REGION, A, &account(3), "CREATE_IN_PROGRESS");
        assert!(world.delete_pack(REGION, B));
    },
    |world| {
        world.add_pack(REGION, B, 2);
    },
];

const PATIENCE: Duration = Duration::from_secs(3600);

/// The outside of a history, and the gate before it.
pub(crate) struct Stage {
    pub(crate) truth: Rc<Truth>,
    pub(crate) store: MemoryStore,
    pub(crate) gate: Rc<Gate>,
    pub(crate) settings: Settings,
    /// What people want to be notified of, by these settings.
    pub(crate) notify: Names,
}

impl Stage {
    pub(crate) fn new(gate: Rc<Gate>) -> Self {
        let truth = Rc::new(Truth::new(&[(A, 2), (B, 1)]));
        let (store, settings) = (MemoryStore::default(), settings(&[]));
        Self { truth, store, gate, settings, notify: &ALL }
    }

    /// One run of the real pipeline, ended after so long wherever it is; `None` when it died.
    pub(crate) async fn run(
        &self,
        request: &Request,
        ends_in: Option<Duration>,
    ) -> Option<Result<Report, RunError>> {
        let port = Direct(self.truth.world.clone());
        let (gate, now) = (|| self.gate.clone(), port.now());
        let run = self.gate.journal.begin(&self.store, self.notify, now.as_second());
        self.gate.run.set(run);
        // The order of the targets is random: here always the same, and no two runs have one id.
        fastrand::seed(run as u64);
        let store = Gated { gate: gate(), port: self.store.clone() };
        let source = Gated { gate: gate(), port };
        let outside = Parts { source: &source, store: &store, publisher: &source, now };
        // Else tokio would let the run wait after so many steps of all runs together, and the order of effects would depend on it.
        let budget = ends_in.map_or(Budget::UNLIMITED, Budget::ending_in);
        let ended = tokio::task::unconstrained(watch::run(&outside, &self.settings, request, &budget));
        // Somebody gives up what hangs.
        let ended = tokio::time::timeout(ends_in.unwrap_or(PATIENCE), ended);
        let ended = self.gate.until_death(ended).await.and_then(Result::ok);
        self.gate.land();
        if ended.is_none() || ends_in.is_some() {
            self.gate.journal.dies(run);
        }
        ended
    }

    pub(crate) async fn scheduled_run(&self) -> Option<Result<Report, RunError>> {
        self.run(&Request { scheduled: true, ..Request::default() }, None).await
    }

    /// One run that nothing disturbs, which must finish everything.
    pub(crate) async fn heal(&self) {
        self.gate.heal();
        // The lease of a run that died is over by then.
        self.truth.change(|_| {});
        let report =
            self.scheduled_run().await.expect("nobody dies any more").expect("nothing fails any more");
        // All packs may be gone.
        let failure = report.failure().filter(|why| !why.contains("nothing to watch"));
        assert_eq!(failure, None);
    }

    /// What is wrong after a run that nothing disturbs, and after a full scan.
    pub(crate) async fn verdict(&self) -> Vec<String> {
        let notified = || self.gate.journal.notified.borrow();
        let mut wrong = claims_too_much(&self.truth, &self.store, &notified());
        self.heal().await;
        wrong.extend(broken_after_a_run(&self.truth, &self.store, &notified()));
        let report = self.run(&Request::default(), None).await.unwrap().unwrap();
        assert_eq!(report.failure(), None);
        wrong.extend(broken(&self.truth, &self.store, &notified()));
        wrong
    }
}
