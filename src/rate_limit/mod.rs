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

/// Where slowing down begins, and where it ends.
const FIRST_INTERVAL: Duration = Duration::from_millis(20);
const LONGEST_INTERVAL: Duration = Duration::from_secs(1);
/// From here down an interval is no longer worth waiting for.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(10);

/// What a refusal and an answer make of the interval. The tests find the ideal time with one call in eight refused, and
/// that a storm which refuses everything is forgotten within 50 s of its end. A milder step up (0.985) forgets it in 66 s,
/// a steeper one down (1.5) takes 5 % more time.
const SLOW_DOWN: f64 = 1.3;
const SPEED_UP: f64 = 0.98;

/// How often a throttled call is tried: for four minutes of a storm. A run's deadline comes first, so that a region that
/// throttles everything for minutes is left for the next run, and does not fail this one.
const ATTEMPTS: u32 = 240;

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
    /// That a call came, or no longer waits.
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    rate: Rate,
    /// The calls that wait, the next one first.
    waiting: BTreeSet<(Priority, u64)>,
    /// How many ever came.
    came: u64,
}

/// A call that waits, until this is dropped.
struct Waiter<'a> {
    limiter: &'a RateLimiter,
    call: (Priority, u64),
    came: Instant,
}

#[derive(Debug, Default)]
struct Rate {
    /// Between two calls; zero: as fast as they come.
    interval: Duration,
    /// When the next call may start.
    next: Option<Instant>,
    /// When the rate was last slowed down: a refusal of a call from before then says nothing new.
    slowed: Option<Instant>,
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
            let began = self.wait(priority).await;
            match send().await {
                Ok(answer) => {
                    self.state().rate.answered();
                    return Ok(answer);
                }
                Err(error) if attempt < ATTEMPTS && is_throttling(&error) => {
                    self.state().rate.throttled(began)
                }
                Err(error) => return Err(error),
            }
            attempt += 1;
        }
    }

    /// Waits until it is this call's turn, and returns when that is: at which rate the call is made.
    async fn wait(&self, priority: Priority) -> Instant {
        let waiter = self.enter(priority);
        loop {
            // From here on nothing is missed.
            let changed = self.changed.notified();
            let now = Instant::now();
            match waiter.turn(now) {
                None => changed.await,
                Some(turn) if turn > now => drop(timeout_at(turn, changed).await),
                Some(_) => return now,
            }
        }
    }

    fn enter(&self, priority: Priority) -> Waiter<'_> {
        let mut state = self.state();
        let call = (priority, state.came);
        state.came += 1;
        state.waiting.insert(call);
        self.changed.notify_waiters();
        Waiter { limiter: self, call, came: Instant::now() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rate {
    /// A call was answered.
    fn answered(&mut self) {
        self.interval = self.interval.mul_f64(SPEED_UP);
        if self.interval <= SHORTEST_INTERVAL {
            *self = Self::default();
        }
    }

    /// A call that began then was throttled.
    fn throttled(&mut self, began: Instant) {
        if self.slowed.is_some_and(|slowed| began < slowed) {
            return;
        }
        let (now, slower) = (Instant::now(), self.interval.mul_f64(SLOW_DOWN));
        let interval = slower.clamp(FIRST_INTERVAL, LONGEST_INTERVAL);
        *self = Self { interval, next: Some(now + interval), slowed: Some(now) };
    }
}

impl Waiter<'_> {
    /// When it is this call's turn, if it is the next one. It takes a turn that has come.
    fn turn(&self, now: Instant) -> Option<Instant> {
        let mut state = self.limiter.state();
        if state.waiting.first() != Some(&self.call) {
            return None;
        }
        let turn = state.rate.next.map_or(self.came, |next| next.max(self.came));
        if turn <= now {
            state.rate.next = (!state.rate.interval.is_zero()).then(|| turn + state.rate.interval);
            state.waiting.remove(&self.call);
        }
        Some(turn)
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.limiter.state().waiting.remove(&self.call);
        self.limiter.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests;
