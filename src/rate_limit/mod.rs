//! How fast one region's AWS Config is asked. Its throttle rates are not documented, and every pack that is
//! read backs off on its own in the SDK, so that eight packs find the limit eight times over. Here one rate limiter is
//! shared: each refusal slows all of them down, each answer speeds all up a little.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use crate::ports::{Filters, PageRequest};

/// Where slowing down begins, and where it ends: a limit of one call in four seconds is an outage.
const FIRST_INTERVAL: Duration = Duration::from_millis(50);
const LONGEST_INTERVAL: Duration = Duration::from_secs(4);
/// From here down an interval is no longer worth waiting for.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(10);

/// Until the first answer at a rate, refusals halve the rate, to find the limit soon; from then on they take a
/// sixth, and each answer gives one part in 200 back. The tests find 1.02 times the ideal time with at most
/// one call in seven refused; steeper values (1.5, or 0.99) are slower or refused more often.
const SEARCH: f64 = 2.0;
const SLOW_DOWN: f64 = 1.2;
const SPEED_UP: f64 = 0.995;

/// A storm that refuses everything says nothing about the limit. After it, each answer gives a tenth back, until calls
/// come as fast as when the limit was met last, or are refused again. From one call in four seconds, that takes 40 s; at
/// one part in 200 it took 13 minutes. (0.85 takes 28 s, and is refused a third more often when it searches a limit.)
const RECOVER: f64 = 0.9;

/// How often a throttled call is tried. Several instances that share a limit refuse each other for longer than one
/// would be: with 12, the simulation of eight instances (`make simulate`) had calls that were refused each time.
const ATTEMPTS: u32 = 60;

/// Which of the calls that wait goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// One of few calls: in the order in which they came.
    InOrder,
    /// A page of a read of everybody, after so many others. The read that is furthest goes on: of eight that share a low
    /// rate none would come to its end before the deadline, in no run.
    Furthest(Reverse<u64>),
}

impl Priority {
    /// That of a page of detailed statuses.
    pub fn of(filters: &Filters, page: &PageRequest) -> Self {
        if filters.is_empty() { Self::Furthest(Reverse(page.before)) } else { Self::InOrder }
    }
}

/// How fast a region is asked.
#[derive(Debug, Default)]
pub struct RateLimiter {
    state: Mutex<State>,
    waiting: Mutex<Waiting>,
    /// That a call came, or no longer waits.
    changed: Notify,
}

/// The calls that wait, the next one first, as many slots as there are calls, and how many ever came.
#[derive(Debug, Default)]
struct Waiting {
    calls: BTreeSet<(Priority, u64)>,
    slots: BTreeSet<Slot>,
    came: u64,
}

/// A slot that was given when a call came. Whoever is first when it comes takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Slot {
    at: Instant,
    given: Instant,
    number: u64,
}

/// A call that waits, until this is dropped.
struct Waiter<'a> {
    limiter: &'a RateLimiter,
    call: (Priority, u64),
}

#[derive(Debug, Default)]
struct State {
    /// Between two calls; zero: as fast as they come.
    interval: Duration,
    /// When the next call may start.
    next: Option<Instant>,
    /// When the rate was last slowed down: a refusal of a slot given before then says nothing new.
    slowed: Option<Instant>,
    /// Whether a call was answered since calls are limited.
    found: bool,
    /// Whether a call was answered since the rate was last slowed down.
    answered: bool,
    /// The interval after the last refusal that followed an answer: near the limit. Refusals in a row say that there is
    /// none, or a storm.
    limit: Duration,
}

impl RateLimiter {
    /// Makes a call when the rate limiter lets it, and again while it is throttled. The error is the last try's.
    pub async fn call<T, E>(
        &self,
        priority: Priority,
        send: impl AsyncFn() -> Result<T, E>,
        is_throttling: impl Fn(&E) -> bool,
    ) -> Result<T, E> {
        let mut attempt = 1;
        loop {
            let given = self.wait(priority).await;
            match send().await {
                Ok(answer) => {
                    self.answered();
                    return Ok(answer);
                }
                Err(error) if attempt < ATTEMPTS && is_throttling(&error) => self.throttled(given),
                Err(error) => return Err(error),
            }
            attempt += 1;
        }
    }

    /// Waits for this call's slot, and returns when it was given: at which rate the call is made.
    async fn wait(&self, priority: Priority) -> Instant {
        let waiter = self.enter(priority);
        loop {
            // From here on nothing is missed.
            let changed = self.changed.notified();
            match waiter.next_slot() {
                None => changed.await,
                Some(slot) if slot.at > Instant::now() => drop(timeout_at(slot.at, changed).await),
                Some(slot) => {
                    waiter.take_slot();
                    return slot.given;
                }
            }
        }
    }

    fn enter(&self, priority: Priority) -> Waiter<'_> {
        let given = Instant::now();
        let at = {
            let mut state = self.state();
            let at = state.next.map_or(given, |next| next.max(given));
            state.next = (!state.interval.is_zero()).then(|| at + state.interval);
            at
        };
        let mut waiting = self.waiting();
        let number = waiting.came;
        waiting.came += 1;
        waiting.calls.insert((priority, number));
        waiting.slots.insert(Slot { at, given, number });
        self.changed.notify_waiters();
        Waiter { limiter: self, call: (priority, number) }
    }

    /// A call was answered.
    fn answered(&self) {
        let mut state = self.state();
        let factor = if state.interval > state.limit { RECOVER } else { SPEED_UP };
        (state.found, state.answered) = (true, true);
        state.interval = state.interval.mul_f64(factor);
        if state.interval <= SHORTEST_INTERVAL {
            *state = State::default();
        }
    }

    /// A call, whose slot was given at `given`, was throttled.
    fn throttled(&self, given: Instant) {
        let mut state = self.state();
        if state.slowed.is_some_and(|slowed| given < slowed) {
            return;
        }
        let factor = if state.found { SLOW_DOWN } else { SEARCH };
        let interval = state.interval.mul_f64(factor).clamp(FIRST_INTERVAL, LONGEST_INTERVAL);
        let now = Instant::now();
        // Calls before the first refusal were not limited: what they found is no rate.
        let found = state.found && !state.interval.is_zero();
        // Never before a slot that was given already.
        let next = state.next.map_or(now + interval, |next| next.max(now + interval));
        let limit = if found && state.answered { interval } else { state.limit };
        *state = State { interval, next: Some(next), slowed: Some(now), found, answered: false, limit };
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiter<'_> {
    /// The next slot, if it is this call's.
    fn next_slot(&self) -> Option<Slot> {
        let waiting = self.limiter.waiting();
        (waiting.calls.first() == Some(&self.call)).then(|| waiting.slots.first().copied()).flatten()
    }

    fn take_slot(&self) {
        let mut waiting = self.limiter.waiting();
        waiting.calls.remove(&self.call);
        waiting.slots.pop_first();
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        let mut waiting = self.limiter.waiting();
        if waiting.calls.remove(&self.call) {
            // It was given up.
            waiting.slots.pop_last();
        }
        drop(waiting);
        self.limiter.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests;
