//! One world with overlapping runs, somewhere in a schedule: a scheduler lets one run at a time pass its next effect,
//! and in between the world changes, a run dies, or an effect meets something. The real pipeline, over the store's model,
//! on one thread.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::pin::Pin;
use std::rc::Rc;

use jiff::{SignedDuration, Timestamp};
use packwatch::ports::Machines;
use packwatch::state::head::Head;
use packwatch::watch;
use packwatch::watch::budget::Budget;
use packwatch::watch::request::Request;
use tokio::runtime::Runtime;

use crate::protocol::direct::{Direct, settings, target};
use crate::protocol::gate::{Gate, Granted, Kind, Outcome, Steps};
use crate::protocol::gated::Gated;
use crate::protocol::journal::{Journal, Notified};
use crate::protocol::memory::MemoryStore;
use crate::protocol::mutant_store::MutantStore;
use crate::protocol::mutants::{Clock, Mutant, Protocol};
use crate::protocol::promise::{ALL, broken, broken_after_a_run, claims_too_much, lags};
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
    /// How many runs may die, or effects meet one of `meets`.
    pub(crate) faults: usize,
    pub(crate) meets: &'static [Outcome],
    /// How often a run that could go on may be left for another.
    pub(crate) switches: usize,
    /// Whether there is a baseline before.
    pub(crate) baseline: bool,
    /// Who runs, in this order; the last one all further runs.
    pub(crate) runners: &'static [Runner],
    /// Whether the pack is large: the schedule makes quick scans.
    pub(crate) large: bool,
    /// Whether a full scan is due.
    pub(crate) due: bool,
    /// Seconds that each run's clock is ahead of the world's, which goes on by minutes with each change. Without them, the
    /// time stands still.
    pub(crate) clocks: &'static [i64],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Runner {
    /// A person asks for the pack, which is scanned in full.
    Person,
    /// A schedule.
    Schedule,
    /// A schedule of a function that has no topic for machines.
    Deaf,
    /// A person who asks for this pack.
    Of(&'static str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    Step(usize),
    Meet(usize, Outcome),
    Crash(usize),
    /// What was under way, and nobody waited for any more, arrives.
    Land(usize),
    Change,
}

struct Run {
    gate: Rc<Gate>,
    future: Option<Pin<Box<dyn Future<Output = ()>>>>,
    polls: u64,
    crashed: bool,
}

/// One world with its runs, somewhere in a schedule.
pub(crate) struct Sim {
    space: Space,
    runtime: Rc<Runtime>,
    truth: Truth,
    store: MemoryStore,
    journal: Rc<Journal>,
    runs: Vec<Run>,
    changed: usize,
    faults: usize,
    switches: usize,
    last: Option<usize>,
}

/// With what every schedule of a space begins.
pub(crate) struct Begin {
    runtime: Rc<Runtime>,
    store: MemoryStore,
    messages: Vec<Message>,
    notified: Notified,
}

impl Begin {
    pub(crate) fn of(space: Space) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let store = if space.large { MemoryStore::of_large_packs() } else { MemoryStore::default() };
        let (messages, notified) = Default::default();
        // Sound until then.
        let sound = Space { mutant: Mutant::Sound, ..space };
        let sim = Sim::new(sound, &Self { runtime: Rc::new(runtime.unwrap()), store, messages, notified });
        if space.baseline {
            sim.clean_run(Runner::Schedule, SignedDuration::ZERO);
        }
        if space.large {
            let seen_whole_at = if space.due { sim.time() - 2 * 3600 } else { sim.time() };
            sim.store.edit_head(&target(A), |head| head.last_full_scan_at = Some(seen_whole_at));
        }
        let notified = sim.journal.notified.take();
        Self { messages: sim.truth.world.messages(), notified, store: sim.store, runtime: sim.runtime }
    }
}

impl Sim {
    pub(crate) fn new(space: Space, begin: &Begin) -> Self {
        let truth = Truth::new(&[(A, 2)]);
        truth.world.lock().sns.messages.clone_from(&begin.messages);
        if let Some(before) = space.before.filter(|_| !begin.messages.is_empty() || !space.baseline) {
            truth.change(before);
        }
        let store = begin.store.fork();
        let mut sim = Self {
            space,
            runtime: begin.runtime.clone(),
            truth,
            journal: Journal::of(&store, begin.notified.clone()),
            store,
            runs: Vec::new(),
            changed: 0,
            faults: 0,
            switches: 0,
            last: None,
        };
        sim.runs = (0..space.runs)
            .map(|n| sim.start(Some(Steps::default()), n, sim.runner(n), sim.clock(n)))
            .collect();
        sim
    }

    fn runner(&self, n: usize) -> Runner {
        let runners = self.space.runners;
        runners.get(n).or(runners.last()).copied().unwrap_or(Runner::Person)
    }

    fn clock(&self, n: usize) -> Clock {
        let fixed: Timestamp = "2023-11-14T23:00:00Z".parse().unwrap();
        self.space.clocks.get(n).map_or(Clock::Fixed(fixed), |ahead| Clock::World(*ahead))
    }

    fn now(&self, clock: Clock) -> Timestamp {
        clock.now(&Direct(self.truth.world.clone()))
    }

    /// The world's time, in seconds.
    pub(crate) fn time(&self) -> i64 {
        self.truth.world.lock().now() as i64
    }

    pub(crate) fn head(&self) -> Head {
        self.store.heads().remove(&target(A)).unwrap()
    }

    fn start(&self, steps: Option<Steps>, n: usize, runner: Runner, clock: Clock) -> Run {
        let gate = Gate::of(&self.journal, steps);
        let now = self.now(clock);
        gate.machines.set((runner == Runner::Deaf).then_some(Machines::Nobody));
        gate.run.set(self.journal.begin(&self.store, &ALL, now.as_second()));
        let store = MutantStore::new(self.store.clone(), self.space.mutant, now);
        let store = Gated { gate: gate.clone(), port: store };
        let outside = Gated { gate: gate.clone(), port: Direct(self.truth.world.clone()) };
        let protocol = Protocol::new(store, outside, clock);
        let future = async move {
            let named = |pack: &str| Request { packs: vec![pack.parse().unwrap()], ..Request::default() };
            let request = match runner {
                Runner::Person => named(A),
                Runner::Of(pack) => named(pack),
                Runner::Schedule | Runner::Deaf => Request { scheduled: true, ..Request::default() },
            };
            let _however_it_ended = watch::run(&protocol, &settings(&[]), &request, &Budget::UNLIMITED).await;
        };
        let future = Box::pin(tokio::task::unconstrained(future));
        let mut run = Run { gate, future: Some(future), polls: 1000 * (n as u64 + 1), crashed: false };
        run.poll(&self.runtime);
        run
    }

    /// A run that nothing holds, so much later, and its effects.
    fn clean_run(&self, runner: Runner, later: SignedDuration) -> Vec<Kind> {
        let clock = match self.clock(0) {
            Clock::Fixed(now) => Clock::Fixed(now + later),
            Clock::World(_) => {
                self.truth.change_after(later, |_| {});
                Clock::World(0)
            }
        };
        let sent = self.truth.world.messages().len();
        let run = self.start(None, 9 + sent, runner, clock);
        assert!(run.future.is_none(), "nothing holds a clean run");
        run.gate.log.take()
    }

    fn is_left(&self, n: usize) -> bool {
        self.last.is_some_and(|last| last != n && self.runs[last].future.is_some())
    }

    pub(crate) fn choices(&self) -> Vec<Choice> {
        let mut choices = Vec::new();
        let may_fail = self.faults < self.space.faults;
        for (n, run) in self.runs.iter().enumerate().filter(|(_, run)| run.future.is_some()) {
            // The runs are alike: who comes first is called the first.
            let is_alike = |before: usize| {
                self.runs[before].gate.count() == 0
                    && self.runner(before) == self.runner(n)
                    && self.space.clocks.get(before) == self.space.clocks.get(n)
            };
            if run.gate.count() == 0 && n.checked_sub(1).is_some_and(is_alike) {
                continue;
            }
            if self.is_left(n) && self.switches == self.space.switches {
                continue;
            }
            choices.push(Choice::Step(n));
            if may_fail && run.gate.count() > 0 {
                choices.push(Choice::Crash(n));
            }
            let wanted = run.wanted();
            let meets =
                self.space.meets.iter().filter(|meets| wanted.is_some_and(|kind| meets.can_meet(kind)));
            choices.extend(meets.filter(|_| may_fail).map(|meets| Choice::Meet(n, *meets)));
        }
        choices.extend((0..self.runs.len()).filter(|n| self.runs[*n].gate.is_landing()).map(Choice::Land));
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
                for (n, run) in self.runs.iter().enumerate() {
                    self.journal.now(run.gate.run.get(), self.now(self.clock(n)).as_second());
                }
            }
            Choice::Crash(n) => {
                self.faults += 1;
                self.runs[n].future = None;
                self.runs[n].crashed = true;
                self.journal.dies(self.runs[n].gate.run.get());
            }
            Choice::Land(n) => self.runs[n].gate.land(),
            Choice::Step(n) => self.step(n, Granted::Pass),
            Choice::Meet(n, outcome) => {
                self.faults += 1;
                self.step(n, Granted::Meets(outcome));
            }
        }
    }

    fn step(&mut self, n: usize, granted: Granted) {
        self.switches += usize::from(self.is_left(n));
        self.last = Some(n);
        self.runs[n].gate.steps.as_ref().unwrap().grant(granted);
        self.runs[n].poll(&self.runtime);
    }

    /// Lets a run go on until such an effect of it comes next.
    pub(crate) fn go_on_until(&mut self, n: usize, next: Kind) {
        while self.runs[n].wanted() != Some(next) {
            assert!(self.runs[n].future.is_some(), "it ended without {next:?}");
            self.apply(Choice::Step(n));
        }
    }

    /// All that decides how it goes on.
    pub(crate) fn signature(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.changed, self.faults, self.store.digest()).hash(&mut hasher);
        self.journal.notified.borrow().wrong.hash(&mut hasher);
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
            (run.future.is_some(), run.crashed, run.gate.is_landing(), past).hash(&mut hasher);
        }
        hasher.finish()
    }

    /// What is wrong in the end: first as it is, then after a run that nothing disturbs.
    pub(crate) fn verdict(self) -> Vec<String> {
        let notified = || self.journal.notified.borrow();
        let later = SignedDuration::from_mins(20);
        let mut before = Vec::new();
        if self.faults == 0 && !self.space.runners.contains(&Runner::Deaf) {
            // Whoever commits dispatches, or leaves it to the one who does.
            before.extend(lags(&self.store).into_iter().map(|lag| format!("after all runs {lag}")));
        }
        if self.space.large {
            before.extend(claims_too_much(&self.truth, &self.store, &notified()));
            self.clean_run(Runner::Schedule, later);
            before.extend(broken_after_a_run(&self.truth, &self.store, &notified()));
        }
        self.clean_run(Runner::Schedule, later);
        if self.space.large {
            self.clean_run(Runner::Person, later);
        }
        let mut broken = broken(&self.truth, &self.store, &notified());
        broken.extend(lags(&self.store));
        broken.extend(before);
        if self.space.large {
            let effects = self.clean_run(Runner::Schedule, later);
            // Where the filter is not relied on, it is a full scan again, and says when.
            let is_quiet =
                |kind: &Kind| matches!(kind, Kind::Packs | Kind::Load | Kind::Statuses | Kind::Hint);
            if !effects.iter().all(is_quiet) {
                broken.push(format!("no quiet run after a full scan: {effects:?}"));
            }
        }
        broken
    }
}

impl Run {
    fn wanted(&self) -> Option<Kind> {
        self.gate.steps.as_ref().and_then(|steps| steps.wanted.get())
    }

    /// Goes on to the next effect, or to the end. What waits for the time has it at once.
    fn poll(&mut self, runtime: &Runtime) {
        let Some(mut future) = self.future.take() else { return };
        // The same numbers after the same past, whatever the other runs drew.
        fastrand::seed(self.polls);
        self.polls += 1;
        let has_ended = runtime.block_on(async {
            // Set by the run alone, while it is polled.
            let wants = std::future::poll_fn(|_| match self.wanted() {
                Some(_) => std::task::Poll::Ready(()),
                None => std::task::Poll::Pending,
            });
            tokio::select! { biased; () = &mut future => true, () = wants => false }
        });
        self.future = (!has_ended).then_some(future);
    }
}
