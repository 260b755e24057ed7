//! All schedules of overlapping runs: a scheduler lets one run at a time pass its next effect, and in between the
//! world changes, a run dies, or a reply is lost. The real pipeline, over the store's model, on one thread.
//!
//! Two schedules that leave the outside and every run's past alike go on alike: the search follows one of them, and
//! counts both.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use packwatch::budget::Budget;
use packwatch::clock::FixedClock;
use packwatch::event::Request;
use packwatch::ports::Ports;
use packwatch::watch;

use crate::direct::{Direct, REGION, settings};
use crate::gate::{Gate, Gated, Granted};
use crate::memory::MemoryStore;
use crate::mutants::{Mutant, MutantStore, Protocol, Repeated};
use crate::promise::{Truth, broken};
use crate::scenario::A;
use crate::spaces;
use crate::world::World;
use crate::world::packs::account;

/// What is to be scheduled.
#[derive(Clone, Copy)]
struct Space {
    mutant: Mutant,
    runs: usize,
    changes: &'static [fn(&World)],
    /// How many runs may die, or have a reply lost.
    faults: usize,
    replies: bool,
    /// How often a run that could go on may be left for another.
    switches: usize,
    /// Whether there is a baseline before.
    baseline: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    Step(usize),
    LoseReply(usize),
    Crash(usize),
    Change,
}

struct Run {
    gate: Rc<Gate>,
    future: Option<Pin<Box<dyn Future<Output = ()>>>>,
    polls: u64,
    crashed: bool,
}

/// One world with its runs, somewhere in a schedule.
struct Sim {
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

const FAIL: fn(&World) = |world| {
    world.fail(REGION, A, &account(1), "UPDATE_FAILED", "Code", "it broke");
};
/// As it was before: the fingerprint is the first one again.
const BACK: fn(&World) = |world| {
    world.set_status(REGION, A, &account(1), "CREATE_SUCCESSFUL");
};
const MOVE: fn(&World) = |world| {
    world.leave(REGION, A, &account(2)).join(REGION, A, &account(3), "CREATE_SUCCESSFUL");
};

impl Sim {
    fn new(space: Space) -> Self {
        let (truth, store) = (Truth::new(&[(A, 2)]), MemoryStore::default());
        let mut sim = Self {
            space,
            truth,
            store,
            repeated: Repeated::default(),
            runs: Vec::new(),
            changed: 0,
            faults: 0,
            switches: 0,
            last: None,
        };
        if space.baseline {
            sim.clean_run();
        }
        sim.runs = (0..space.runs).map(|n| sim.start(Gate::stepped(), n)).collect();
        sim
    }

    fn start(&self, gate: Rc<Gate>, n: usize) -> Run {
        let store = MutantStore { store: self.store.clone(), mutant: self.space.mutant };
        let store = Gated { gate: gate.clone(), port: store };
        let outside = Gated { gate: gate.clone(), port: Direct(self.truth.world.clone()) };
        let protocol = Protocol::new(store, outside, self.repeated.clone());
        let future = async move {
            let clock = FixedClock("2023-11-14T23:00:00Z".parse().unwrap());
            let ports = Ports {
                source: &protocol,
                store: &protocol,
                publisher: &protocol,
                clock: &clock,
                names: &None::<packwatch::aws::Organizations>,
            };
            let settings = settings(&[("PACKWATCH_GROUP_WAIT", "0s")]);
            let request = Request { packs: vec![A.parse().unwrap()], ..Request::default() };
            let _however_it_ended = watch::run(&ports, &settings, &request, &Budget::UNLIMITED).await;
        };
        let future = Box::pin(tokio::task::unconstrained(future));
        let mut run = Run { gate, future: Some(future), polls: 1000 * n as u64, crashed: false };
        run.poll();
        run
    }

    fn clean_run(&self) {
        let run = self.start(Gate::new([]), 9);
        assert!(run.future.is_none(), "nothing holds a clean run");
    }

    fn choices(&self) -> Vec<Choice> {
        let mut choices = Vec::new();
        for (n, run) in self.runs.iter().enumerate().filter(|(_, run)| run.future.is_some()) {
            // The runs are alike: who comes first is called the first.
            if run.gate.count() == 0 && n > 0 && self.runs[n - 1].gate.count() == 0 {
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
        }
        if self.changed < self.space.changes.len() {
            choices.push(Choice::Change);
        }
        choices
    }

    fn apply(&mut self, choice: Choice) {
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
            Choice::Step(n) | Choice::LoseReply(n) => {
                let left = self.last.filter(|last| *last != n && self.runs[*last].future.is_some());
                self.switches += usize::from(left.is_some());
                self.last = Some(n);
                let lost = matches!(choice, Choice::LoseReply(_));
                self.faults += usize::from(lost);
                let granted = if lost { Granted::ReplyLost } else { Granted::Pass };
                self.runs[n].gate.steps.as_ref().unwrap().grant(granted);
                self.runs[n].poll();
            }
        }
    }

    /// All that decides how it goes on.
    fn signature(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.changed, self.faults, self.store.digest(), self.repeated.borrow().len()).hash(&mut hasher);
        if self.space.switches < usize::MAX {
            (self.switches, self.last).hash(&mut hasher);
        }
        for message in &self.truth.world.lock().sns.messages {
            (&message.topic_arn, &message.message).hash(&mut hasher);
        }
        for run in &self.runs {
            let past = run.gate.steps.as_ref().map(|steps| steps.past.get());
            (run.future.is_some(), run.crashed, past).hash(&mut hasher);
        }
        hasher.finish()
    }

    fn verdict(self) -> Vec<String> {
        self.clean_run();
        let mut broken = broken(&self.truth, &self.store, true);
        broken.extend(self.repeated.take());
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
        for _ in 0..4 {
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

/// A search over one space.
struct Search {
    space: Space,
    known: HashMap<u64, u128>,
    broken: Vec<(Vec<Choice>, Vec<String>)>,
    /// Whether one broken promise is enough.
    impatient: bool,
}

impl Search {
    fn over(space: Space) -> (u128, Self) {
        let impatient = space.mutant != Mutant::Sound;
        let mut search = Self { space, known: HashMap::new(), broken: Vec::new(), impatient };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let runtime = runtime.unwrap();
        let _context = runtime.enter();
        let schedules = search.follow(&mut Vec::new(), Some(Sim::new(space)));
        (schedules, search)
    }

    /// How many schedules begin like this; each is judged.
    fn follow(&mut self, past: &mut Vec<Choice>, sim: Option<Sim>) -> u128 {
        let sim = sim.unwrap_or_else(|| {
            let mut sim = Sim::new(self.space);
            past.iter().for_each(|choice| sim.apply(*choice));
            sim
        });
        let key = sim.signature();
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        let choices = sim.choices();
        let mut schedules = 0;
        if choices.is_empty() {
            schedules = 1;
            let broken = sim.verdict();
            if !broken.is_empty() {
                self.broken.push((past.clone(), broken));
            }
        } else {
            let mut first = Some(sim);
            for choice in choices {
                if self.impatient && !self.broken.is_empty() {
                    break;
                }
                if let Some(sim) = &mut first {
                    sim.apply(choice);
                }
                past.push(choice);
                schedules += self.follow(past, first.take());
                past.pop();
            }
        }
        self.known.insert(key, schedules);
        schedules
    }
}

const TWO: Space = Space {
    mutant: Mutant::Sound,
    runs: 2,
    changes: &[FAIL],
    faults: 0,
    replies: false,
    switches: usize::MAX,
    baseline: true,
};

fn assert_sound(name: &str, space: Space, schedules: u128, states: usize) {
    let started = std::time::Instant::now();
    let (found, search) = Search::over(space);
    println!("{name}: {found} schedules, {} states, {:?}", search.known.len(), started.elapsed());
    assert!(search.broken.is_empty(), "{} broken: {:?}", search.broken.len(), search.broken.first());
    assert_eq!((found, search.known.len()), (schedules, states), "of {name}");
    spaces::tell(&format!("schedules of {name}"), usize::try_from(found).unwrap());
    spaces::tell(&format!("distinct states of {name}"), states);
}

#[test]
fn two_runs_and_a_change() {
    assert_sound("two runs, a change", TWO, 1_683, 152);
}

#[test]
fn two_runs_two_changes_and_a_fault() {
    let space = Space { changes: &[FAIL, BACK], faults: 1, replies: true, ..TWO };
    assert_sound("two runs, two changes, a crash or a lost reply", space, 274_417, 1_970);
}

#[test]
fn two_first_runs_a_change_and_a_fault() {
    let space = Space { changes: &[MOVE], faults: 1, replies: true, baseline: false, ..TWO };
    assert_sound("two first runs, a change, a crash or a lost reply", space, 40_568, 1_977);
}

#[test]
fn three_runs_and_a_change() {
    let space = Space { runs: 3, changes: &[FAIL], ..TWO };
    assert_sound("three runs, a change", space, 13_660_803, 2_418);
}

#[test]
fn three_runs_with_one_switch_two_changes_and_a_crash() {
    let space = Space { runs: 3, changes: &[FAIL, BACK], faults: 1, switches: 1, ..TWO };
    assert_sound("three runs, one switch, two changes, a crash", space, 13_225, 7_223);
}

#[test]
#[ignore = "takes minutes: `make soak`"]
fn three_runs_with_three_switches_a_change_and_a_crash() {
    let space = Space { runs: 3, changes: &[FAIL], faults: 1, switches: 3, ..TWO };
    let (schedules, search) = Search::over(space);
    assert!(search.broken.is_empty(), "{} broken: {:?}", search.broken.len(), search.broken.first());
    println!("three runs, three switches, a change, a crash: {schedules} schedules");
}

/// The first schedule that shows what is wrong with a mutant.
fn caught(mutant: Mutant, space: Space) {
    let (_, search) = Search::over(Space { mutant, ..space });
    let (schedule, broken) = search.broken.first().expect("the search must find what this mutant breaks");
    println!("{mutant:?}, after {} states: {schedule:?}: {broken:?}", search.known.len());
}

const THREE: Space = Space { runs: 3, changes: &[FAIL, BACK], faults: 1, ..TWO };

#[test]
fn writes_that_are_not_fenced_are_caught() {
    caught(Mutant::WritesNotFenced, THREE);
}

#[test]
fn a_fingerprint_kept_at_the_claim_is_caught() {
    caught(Mutant::FingerprintKeptAtTheClaim, Space { runs: 2, ..THREE });
}

#[test]
fn announcing_only_own_transitions_is_caught() {
    caught(Mutant::OnlyOwnTransitionsAnnounced, THREE);
}

#[test]
fn a_commit_before_the_announcement_is_caught() {
    caught(Mutant::CommitBeforeAnnounce, THREE);
}

#[test]
fn a_claim_without_its_condition_is_caught() {
    caught(Mutant::ClaimWithoutCondition, THREE);
}

#[test]
fn observing_before_loading_is_caught() {
    caught(Mutant::ObserveBeforeLoad, THREE);
}
