//! One world with overlapping runs, somewhere in a schedule: a scheduler lets one run at a time pass its next effect,
//! and in between the world changes, a run dies, or a reply is lost. The real pipeline, over the store's model, on one
//! thread.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use packwatch::state::log::Record;
use packwatch::watch;
use packwatch::watch::budget::Budget;
use packwatch::watch::request::Request;

use crate::protocol::direct::{Direct, settings, target};
use crate::protocol::gate::{Gate, Granted, Kind};
use crate::protocol::gated::Gated;
use crate::protocol::memory::MemoryStore;
use crate::protocol::mutant_store::MutantStore;
use crate::protocol::mutants::{Mutant, Protocol, Repeated};
use crate::protocol::promise::{ALL, broken, broken_after_a_tick, claims_too_much};
use crate::protocol::scenario::A;
use crate::protocol::truth::Truth;
use crate::world::World;
use crate::world::messages::Message;

/// What is to be scheduled.
#[derive(Clone, Copy)]
pub(crate) struct Space {
    pub(crate) mutant: Mutant,
    pub(crate) runs: usize,
    /// What happens after the baseline and before any run.
    pub(crate) before: Option<fn(&World)>,
    pub(crate) changes: &'static [fn(&World)],
    /// How many runs may die, or have a reply lost.
    pub(crate) faults: usize,
    pub(crate) replies: bool,
    /// Whether an effect may not be applied.
    pub(crate) refusals: bool,
    /// How often a run that could go on may be left for another.
    pub(crate) switches: usize,
    /// Whether there is a baseline before.
    pub(crate) baseline: bool,
    /// Who runs, in this order; the last one all further runs.
    pub(crate) runners: &'static [Runner],
    /// Whether the pack is large: the schedule looks quickly, and time goes on.
    pub(crate) large: bool,
    /// Whether everybody is due to be seen.
    pub(crate) due: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Runner {
    /// A person asks for the pack, and sees it whole.
    Person,
    /// A tick of the schedule.
    Schedule,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    Step(usize),
    LoseReply(usize),
    Refuse(usize),
    Crash(usize),
    Change,
}

struct Run {
    gate: Rc<Gate>,
    future: Option<Pin<Box<dyn Future<Output = ()>>>>,
    polls: u64,
    crashed: bool,
    /// Some effect of it was refused, or its reply was lost.
    disturbed: bool,
}

/// One world with its runs, somewhere in a schedule.
pub(crate) struct Sim {
    space: Space,
    truth: Truth,
    store: MemoryStore,
    repeated: Repeated,
    runs: Vec<Run>,
    changed: usize,
    faults: usize,
    switches: usize,
    last: Option<usize>,
}

/// With what every schedule of a space begins.
pub(crate) struct Begin {
    store: MemoryStore,
    messages: Vec<Message>,
}

impl Begin {
    pub(crate) fn of(space: Space) -> Self {
        let store = if space.large { MemoryStore::of_large_packs() } else { MemoryStore::default() };
        let sim = Sim::new(space, &Self { store, messages: Vec::new() });
        if space.baseline {
            sim.clean_run(if space.large { Runner::Schedule } else { Runner::Person });
        }
        if !space.due {
            let now = sim.truth.world.lock().now() as i64;
            sim.store.edit_head(&target(A), |head| head.whole_at = Some(now));
        }
        Self { messages: sim.truth.world.messages(), store: sim.store }
    }
}

impl Sim {
    pub(crate) fn new(space: Space, begin: &Begin) -> Self {
        let truth = Truth::new(&[(A, 2)]);
        truth.world.lock().sns.messages.clone_from(&begin.messages);
        if let Some(before) = space.before.filter(|_| !begin.messages.is_empty()) {
            truth.change(before);
        }
        let mut sim = Self {
            space,
            truth,
            store: begin.store.fork(),
            repeated: Repeated::default(),
            runs: Vec::new(),
            changed: 0,
            faults: 0,
            switches: 0,
            last: None,
        };
        sim.runs = (0..space.runs).map(|n| sim.start(Gate::stepped(), n, sim.runner(n))).collect();
        sim
    }

    fn runner(&self, n: usize) -> Runner {
        let runners = self.space.runners;
        runners.get(n).or(runners.last()).copied().unwrap_or(Runner::Person)
    }

    fn start(&self, gate: Rc<Gate>, n: usize, runner: Runner) -> Run {
        let fixed_now = (!self.space.large).then(|| "2023-11-14T23:00:00Z".parse().unwrap());
        let store = MutantStore {
            store: self.store.clone(),
            mutant: self.space.mutant,
            now: fixed_now.unwrap_or_else(|| Direct(self.truth.world.clone()).now()),
            loaded: Default::default(),
            claimed: Default::default(),
        };
        gate.journal.begin(&self.store, &ALL);
        let store = Gated { gate: gate.clone(), port: store };
        let outside = Gated { gate: gate.clone(), port: Direct(self.truth.world.clone()) };
        let protocol = Protocol::new(store, outside, self.repeated.clone(), fixed_now);
        let future = async move {
            let settings = settings(&[("PACKWATCH_GROUP_WAIT", "0s")]);
            let request = match runner {
                Runner::Schedule => Request { scheduled: true, ..Request::default() },
                Runner::Person => Request { packs: vec![A.parse().unwrap()], ..Request::default() },
            };
            let _however_it_ended = watch::run(&protocol, &settings, &request, &Budget::UNLIMITED).await;
        };
        let future = Box::pin(tokio::task::unconstrained(future));
        let mut run =
            Run { gate, future: Some(future), polls: 1000 * n as u64, crashed: false, disturbed: false };
        run.poll();
        run
    }

    /// A run that nothing holds, and its effects.
    fn clean_run(&self, runner: Runner) -> Vec<Kind> {
        let run = self.start(Gate::new([]), 9, runner);
        assert!(run.future.is_none(), "nothing holds a clean run");
        run.gate.log.take()
    }

    pub(crate) fn choices(&self) -> Vec<Choice> {
        let mut choices = Vec::new();
        for (n, run) in self.runs.iter().enumerate().filter(|(_, run)| run.future.is_some()) {
            // The runs are alike: who comes first is called the first.
            let is_alike =
                |before: usize| self.runs[before].gate.count() == 0 && self.runner(before) == self.runner(n);
            if run.gate.count() == 0 && n.checked_sub(1).is_some_and(is_alike) {
                continue;
            }
            let left = self.last.filter(|last| *last != n && self.runs[*last].future.is_some());
            if left.is_some() && self.switches == self.space.switches {
                continue;
            }
            choices.push(Choice::Step(n));
            if self.faults < self.space.faults && run.gate.count() > 0 {
                choices.push(Choice::Crash(n));
            }
            if self.faults < self.space.faults && self.space.replies {
                choices.push(Choice::LoseReply(n));
            }
            if self.faults < self.space.faults && self.space.refusals {
                choices.push(Choice::Refuse(n));
            }
        }
        if self.changed < self.space.changes.len() {
            choices.push(Choice::Change);
        }
        choices
    }

    pub(crate) fn apply(&mut self, choice: Choice) {
        match choice {
            Choice::Change => {
                self.truth.change(self.space.changes[self.changed]);
                self.changed += 1;
            }
            Choice::Crash(n) => {
                self.faults += 1;
                self.runs[n].future = None;
                self.runs[n].crashed = true;
            }
            Choice::Step(n) | Choice::LoseReply(n) | Choice::Refuse(n) => {
                let left = self.last.filter(|last| *last != n && self.runs[*last].future.is_some());
                self.switches += usize::from(left.is_some());
                self.last = Some(n);
                let granted = match choice {
                    Choice::LoseReply(_) => Granted::ReplyLost,
                    Choice::Refuse(_) => Granted::Throttled,
                    _ => Granted::Pass,
                };
                let is_disturbed = granted != Granted::Pass;
                self.faults += usize::from(is_disturbed);
                self.runs[n].disturbed |= is_disturbed;
                self.runs[n].gate.steps.as_ref().unwrap().grant(granted);
                self.runs[n].poll();
            }
        }
    }

    /// Lets a run go on until such an effect of it comes next.
    pub(crate) fn go_on_until(&mut self, n: usize, next: Kind) {
        let wanted = |sim: &Self| sim.runs[n].gate.steps.as_ref().and_then(|steps| steps.wanted.get());
        while wanted(self) != Some(next) {
            assert!(self.runs[n].future.is_some(), "it ended without {next:?}");
            self.apply(Choice::Step(n));
        }
    }

    /// All that decides how it goes on.
    pub(crate) fn signature(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.changed, self.faults, self.store.digest(), self.repeated.borrow().len()).hash(&mut hasher);
        if self.space.switches < usize::MAX {
            (self.switches, self.last).hash(&mut hasher);
        }
        let world = self.truth.world.lock();
        (world.faults.filters.lies, world.faults.filters.denials).hash(&mut hasher);
        for message in &world.sns.messages {
            (&message.topic_arn, &message.message).hash(&mut hasher);
        }
        for run in &self.runs {
            let past = run.gate.steps.as_ref().map(|steps| steps.past.get());
            (run.future.is_some(), run.crashed, past).hash(&mut hasher);
        }
        hasher.finish()
    }

    /// What runs recorded that nothing disturbed, and did not tell people of, though they may have been overtaken.
    fn untold(&self) -> Vec<String> {
        let heads = self.store.heads();
        let undisturbed = self.runs.iter().filter(|run| !run.crashed && !run.disturbed);
        let epochs = undisturbed.flat_map(|run| run.gate.journal.told.borrow().notify.clone().into_keys());
        let untold = epochs.filter(|(target, epoch)| {
            let mark = heads[target].people;
            let log = self.store.log_of(target);
            let mut own = log.iter().map(Record::position).filter(|position| position.epoch == *epoch);
            own.any(|position| position > mark)
        });
        untold
            .map(|(target, epoch)| format!("{target}: the run of epoch {epoch} told people nothing"))
            .collect()
    }

    /// What was told before a run claimed the target, and is told by it once more.
    fn told_again(&self) -> impl Iterator<Item = String> {
        self.runs.iter().flat_map(|run| run.gate.journal.told.borrow().again.clone())
    }

    pub(crate) fn verdict(self) -> Vec<String> {
        let mut before = self.untold();
        before.extend(self.told_again());
        if self.space.large {
            before.extend(claims_too_much(&self.truth, &self.store, None));
            self.clean_run(Runner::Schedule);
            before.extend(broken_after_a_tick(&self.truth, &self.store, None));
        }
        self.clean_run(Runner::Person);
        let mut broken = broken(&self.truth, &self.store, None);
        broken.extend(before);
        broken.extend(self.repeated.take());
        if self.space.large {
            let effects = self.clean_run(Runner::Schedule);
            // Where the filter is not relied on, it is a whole look again, and says when.
            let is_quiet =
                |kind: &Kind| matches!(kind, Kind::Packs | Kind::Load | Kind::Statuses | Kind::Remember);
            if !effects.iter().all(is_quiet) {
                broken.push(format!("no quiet tick after a whole look: {effects:?}"));
            }
        }
        broken
    }
}

impl Run {
    /// Goes on to the next effect, or to the end.
    fn poll(&mut self) {
        let Some(future) = &mut self.future else { return };
        // The same numbers after the same past, whatever the other runs drew.
        fastrand::seed(self.polls);
        self.polls += 1;
        let mut context = Context::from_waker(Waker::noop());
        // Its parts take turns: one may wait for what another does later in the same turn.
        for _ in 0..16 {
            match future.as_mut().poll(&mut context) {
                Poll::Ready(()) => return self.future = None,
                Poll::Pending
                    if self.gate.steps.as_ref().is_some_and(|steps| steps.wanted.get().is_some()) =>
                {
                    return;
                }
                Poll::Pending => {}
            }
        }
        panic!("the run waits for something else than the scheduler, after {:?}", self.gate.log.borrow());
    }
}
