//! The fault gate: every effect of a run passes here, whatever port it goes through, and meets there what the plan
//! says. A run that dies is a future that never goes on and is dropped; nothing in packwatch knows of it.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::future::{pending, poll_fn};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use packwatch::ports::Machines;
use packwatch::state::head::Topic;
use tokio::sync::Notify;

use crate::protocol::journal::Journal;

/// What an effect meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Outcome {
    /// Not applied: the caller may not.
    Refused,
    /// The process ends before the effect.
    DiedBefore,
    /// The process ends after the effect, before it hears of it.
    DiedAfter,
    /// Applied, and the caller is reported that nobody answered.
    ReplyLost,
    /// Not applied, after every retry.
    Throttled,
    /// The caller is reported that nobody answered, and it is applied after another effect.
    Lands,
    /// The read sees only a part of the last commit.
    Torn,
    /// What this effect would publish is refused, now and for as long as the gate is not healed.
    Poison,
    /// Applied, and the answer comes after a minute.
    Late,
    /// Not applied, and nobody ever answers.
    Hung,
    /// Applied after some seconds.
    Slow,
}

const LATE: Duration = Duration::from_secs(60);
const SLOW: Duration = Duration::from_secs(4);

impl Outcome {
    pub(crate) const ALL: [Self; 9] = [
        Self::Refused,
        Self::DiedBefore,
        Self::DiedAfter,
        Self::ReplyLost,
        Self::Throttled,
        Self::Lands,
        Self::Torn,
        Self::Poison,
        Self::Late,
    ];

    /// What an effect of this kind can meet. Only a topic's answer is not waited for.
    pub(crate) fn of(kind: Kind) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |outcome| outcome.can_meet(kind))
    }

    pub(crate) fn can_meet(self, kind: Kind) -> bool {
        match self {
            Self::Poison | Self::Late => kind.publishes(),
            Self::Lands => matches!(kind, Kind::Commit | Kind::PutCursors(_)),
            Self::Torn => matches!(kind, Kind::Snapshot | Kind::Log),
            _ => true,
        }
    }
}

/// The kinds of effects, as the runs' logs name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    Packs,
    Statuses,
    Load,
    Snapshot,
    Commit,
    Hint,
    Log,
    PutCursors(Topic),
    PutMessage,
    Message,
    Alert,
    Events,
}

impl Kind {
    pub(crate) fn publishes(self) -> bool {
        matches!(self, Self::Alert | Self::Events)
    }

    /// Of which topic an effect is that decides whether a message comes again.
    fn topic(self) -> Option<Topic> {
        match self {
            Self::PutCursors(topic) => Some(topic),
            Self::Alert => Some(Topic::Alerts),
            Self::Events => Some(Topic::Events),
            _ => None,
        }
    }
}

/// One counter of effects over all runs of a history, and what each is to meet.
#[derive(Default)]
pub(crate) struct Gate {
    plan: RefCell<BTreeMap<usize, Outcome>>,
    /// Every effect so far, in order.
    pub(crate) log: RefCell<Vec<Kind>>,
    /// The planned outcomes that were met.
    pub(crate) fired: RefCell<Vec<(usize, Kind, Outcome)>>,
    pub(crate) poisoned: RefCell<BTreeSet<String>>,
    dead: Cell<bool>,
    /// How long each effect takes, for what a deadline does.
    pub(crate) delay: Cell<Duration>,
    death: Notify,
    /// What each publish on a topic meets for now.
    pub(crate) topics: RefCell<BTreeMap<Kind, Outcome>>,
    /// How many calls of a run SNS takes; beyond them it throttles.
    pub(crate) rate: Cell<Option<usize>>,
    /// How many publishes the run under way has made.
    publishes: Cell<usize>,
    /// Entries with AWS Config's own words are refused inside an answer of success.
    pub(crate) refuses_texts: Cell<bool>,
    /// Whether there is a topic for machines, where that is not the port's to say.
    pub(crate) machines: Cell<Option<Machines>>,
    /// What happens in the world right before an effect.
    pub(crate) between: RefCell<BTreeMap<usize, Change>>,
    /// What is still under way, though nobody waits for it any more.
    landing: RefCell<Vec<Change>>,
    pub(crate) journal: Rc<Journal>,
    /// Which run is under way, as the journal counts them.
    pub(crate) run: Cell<usize>,
    /// Where a scheduler lets one run at a time pass.
    pub(crate) steps: Option<Steps>,
}

/// Something that happens in the world, or to the store.
pub(crate) type Change = Box<dyn FnOnce()>;

/// A scheduler's hold on a run: the run says what it wants to do, and waits.
#[derive(Default)]
pub(crate) struct Steps {
    pub(crate) wanted: Cell<Option<Kind>>,
    granted: Cell<Option<Granted>>,
    wakers: RefCell<Vec<Waker>>,
    /// A hash of all that the run was told: with the same past it does the same next.
    pub(crate) past: Cell<u64>,
}

/// How a scheduler lets an effect pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Granted {
    Pass,
    Meets(Outcome),
}

impl Gate {
    pub(crate) fn new(plan: impl IntoIterator<Item = (usize, Outcome)>) -> Rc<Self> {
        Rc::new(Self { plan: RefCell::new(plan.into_iter().collect()), ..Self::default() })
    }

    /// The gate of one run beside others.
    pub(crate) fn of(journal: &Rc<Journal>, steps: Option<Steps>) -> Rc<Self> {
        Rc::new(Self { steps, journal: journal.clone(), ..Self::default() })
    }

    pub(crate) fn count(&self) -> usize {
        self.log.borrow().len()
    }

    /// What the effects from here on are to meet.
    pub(crate) fn plan(&self, faults: impl IntoIterator<Item = (usize, Outcome)>) {
        let now = self.count();
        *self.plan.borrow_mut() = faults.into_iter().map(|(after, outcome)| (now + after, outcome)).collect();
    }

    /// No fault from here on, and no poison.
    pub(crate) fn heal(&self) {
        self.land();
        self.delay.set(Duration::ZERO);
        self.plan.borrow_mut().clear();
        self.poisoned.borrow_mut().clear();
        self.topics.borrow_mut().clear();
        self.between.borrow_mut().clear();
        self.rate.set(None);
        self.refuses_texts.set(false);
        self.machines.set(None);
    }

    /// What was under way arrives.
    pub(crate) fn land(&self) {
        self.landing.take().into_iter().for_each(|land| land());
    }

    pub(crate) fn is_landing(&self) -> bool {
        !self.landing.borrow().is_empty()
    }

    /// What a topic makes of a call for now.
    fn trouble(&self, kind: Kind) -> Option<Outcome> {
        self.publishes.set(self.publishes.get() + usize::from(kind.publishes()));
        if kind.publishes() && self.rate.get().is_some_and(|rate| self.publishes.get() > rate) {
            return Some(Outcome::Throttled);
        }
        self.topics.borrow().get(&kind).copied()
    }

    /// The result of a run, unless it dies.
    pub(crate) async fn until_death<T>(&self, run: impl Future<Output = T>) -> Option<T> {
        self.dead.set(false);
        self.publishes.set(0);
        let mut run = pin!(run);
        loop {
            tokio::select! {
                biased;
                // A run that was ended from outside in the moment of its death has left this for the next one.
                () = self.death.notified() => if self.dead.get() { return None },
                done = &mut run => return Some(done),
            }
        }
    }

    async fn die(&self) -> ! {
        self.dead.set(true);
        self.death.notify_one();
        pending().await
    }

    /// A process that died does nothing at all any more, on none of its tasks.
    async fn unless_dead(&self) {
        if self.dead.get() {
            pending().await
        }
    }

    /// The one way through. `landing` is the effect once more, for when nobody waits for it.
    pub(crate) async fn pass<T: std::fmt::Debug, E: From<Fault> + std::fmt::Debug>(
        &self,
        kind: Kind,
        contents: &[String],
        effect: impl Future<Output = Result<T, E>>,
        landing: Option<Change>,
    ) -> Result<T, E> {
        self.unless_dead().await;
        let granted = match &self.steps {
            Some(steps) => steps.wait(kind).await,
            None => Granted::Pass,
        };
        if !self.delay.get().is_zero() {
            tokio::time::sleep(self.delay.get()).await;
            // Another task may have died while this one waited.
            self.unless_dead().await;
        }
        let index = self.count();
        if let Some(change) = self.between.borrow_mut().remove(&index) {
            change();
        }
        self.log.borrow_mut().push(kind);
        let late = self.landing.take();
        let planned = self.plan.borrow_mut().remove(&index).filter(|outcome| outcome.can_meet(kind));
        self.fired.borrow_mut().extend(planned.map(|outcome| (index, kind, outcome)));
        let planned = planned.or_else(|| self.trouble(kind));
        let planned = planned.or(match granted {
            Granted::Meets(outcome) => Some(outcome),
            Granted::Pass => None,
        });
        if planned == Some(Outcome::Poison) {
            self.poisoned.borrow_mut().extend(contents.iter().cloned());
        }
        let (run, topic) = (self.run.get(), kind.topic());
        topic.inspect(|topic| self.journal.begins(run, *topic));
        let result = if contents.iter().any(|content| self.poisoned.borrow().contains(content)) {
            Err(Fault::Refused.into())
        } else {
            self.meet(planned, effect, landing).await
        };
        if result.is_ok() {
            topic.inspect(|topic| self.journal.ends(run, *topic));
        }
        // A scheduler says itself when something lands.
        match &self.steps {
            Some(steps) => {
                self.landing.borrow_mut().extend(late);
                steps.remember(kind, &result);
            }
            None => late.into_iter().for_each(|land| land()),
        }
        result
    }

    async fn meet<T, E: From<Fault>>(
        &self,
        planned: Option<Outcome>,
        effect: impl Future<Output = Result<T, E>>,
        landing: Option<Change>,
    ) -> Result<T, E> {
        match planned {
            Some(Outcome::DiedBefore) => self.die().await,
            Some(Outcome::Refused) => Err(Fault::Denied.into()),
            Some(Outcome::Throttled) => Err(Fault::Throttled.into()),
            Some(Outcome::DiedAfter) => {
                let _applied = effect.await;
                self.die().await
            }
            Some(Outcome::Hung) => pending().await,
            Some(Outcome::Late) => {
                let result = effect.await;
                tokio::time::sleep(LATE).await;
                self.unless_dead().await;
                result
            }
            Some(Outcome::Slow) => {
                tokio::time::sleep(SLOW).await;
                self.unless_dead().await;
                effect.await
            }
            Some(Outcome::ReplyLost) => effect.await.and(Err(Fault::NoReply.into())),
            Some(Outcome::Lands) => {
                self.landing.borrow_mut().extend(landing);
                Err(Fault::NoReply.into())
            }
            Some(Outcome::Torn) => {
                self.journal.tear(self.run.get());
                effect.await
            }
            Some(Outcome::Poison) | None => effect.await,
        }
    }
}

impl Steps {
    async fn wait(&self, kind: Kind) -> Granted {
        poll_fn(|context| match self.granted.take() {
            Some(granted) => Poll::Ready(granted),
            None => {
                self.wanted.set(Some(kind));
                self.wakers.borrow_mut().push(context.waker().clone());
                Poll::Pending
            }
        })
        .await
    }

    /// Lets the effect pass that the run waits with.
    pub(crate) fn grant(&self, granted: Granted) {
        self.wanted.set(None);
        self.granted.set(Some(granted));
        self.wakers.take().into_iter().for_each(Waker::wake);
    }

    /// The run was told this.
    pub(crate) fn remember(&self, kind: Kind, result: &impl std::fmt::Debug) {
        let mut hasher = DefaultHasher::new();
        (self.past.get(), kind, format!("{result:?}")).hash(&mut hasher);
        self.past.set(hasher.finish());
    }
}

/// What a caller is reported; [`crate::protocol::gated`] says it in the words of each port.
pub(crate) enum Fault {
    Denied,
    Throttled,
    NoReply,
    Refused,
}
