//! How fast one region's AWS Config is asked. Its throttle rates are not documented, and every pack that is
//! read backs off on its own in the SDK, so that eight packs find the limit eight times over. Here one pace is
//! shared: each refusal slows all of them down, each answer speeds all up a little.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Where slowing down begins, and where it ends: a limit of one call in four seconds is an outage.
const FIRST_INTERVAL: Duration = Duration::from_millis(50);
const LONGEST_INTERVAL: Duration = Duration::from_secs(4);
/// Below this an interval is no longer worth waiting for.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(10);

/// Until the first answer at a pace, refusals halve the rate, to find the limit soon; from then on they take a
/// sixth, and each answer gives one part in 200 back. The test below finds 1.02 times the ideal time with at most
/// one call in eight refused; steeper values (1.5, or 0.99) are slower or refused more often.
const SEARCH: f64 = 2.0;
const SLOW_DOWN: f64 = 1.2;
const SPEED_UP: f64 = 0.995;

/// How often a throttled call is tried. Several instances that share a limit refuse each other for longer than one
/// would be: with 12, the simulation of eight instances (`make simulate`) had calls that were refused each time.
const ATTEMPTS: u32 = 60;

/// The pace at which a region is asked.
#[derive(Debug, Default)]
pub struct Pace(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Between two calls; zero: as fast as they come.
    interval: Duration,
    /// When the next call may start.
    next: Option<Instant>,
    /// When the pace was last slowed down: a refusal of a turn given before then says nothing new.
    slowed: Option<Instant>,
    /// Whether a call was answered since calls are paced.
    found: bool,
}

impl Pace {
    /// Makes a call when its turn comes, and again while it is throttled. The error is the last try's.
    pub async fn call<T, E>(
        &self,
        send: impl AsyncFn() -> Result<T, E>,
        is_throttling: impl Fn(&E) -> bool,
    ) -> Result<T, E> {
        let mut attempt = 1;
        loop {
            let given = self.turn().await;
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

    /// Waits for this call's turn, and returns when it was given: at which pace the call is made.
    async fn turn(&self) -> Instant {
        let now = Instant::now();
        let turn = {
            let mut state = self.state();
            let turn = state.next.map_or(now, |next| next.max(now));
            state.next = (!state.interval.is_zero()).then(|| turn + state.interval);
            turn
        };
        sleep_until(turn).await;
        now
    }

    /// A call was answered.
    fn answered(&self) {
        let mut state = self.state();
        state.found = true;
        state.interval = state.interval.mul_f64(SPEED_UP);
        if state.interval < SHORTEST_INTERVAL {
            *state = State::default();
        }
    }

    /// A call, whose turn was given at `given`, was throttled.
    fn throttled(&self, given: Instant) {
        let mut state = self.state();
        if state.slowed.is_some_and(|slowed| given < slowed) {
            return;
        }
        let factor = if state.found { SLOW_DOWN } else { SEARCH };
        let interval = state.interval.mul_f64(factor).clamp(FIRST_INTERVAL, LONGEST_INTERVAL);
        let now = Instant::now();
        // Calls before the first refusal were not paced: what they found is no pace.
        let found = state.found && !state.interval.is_zero();
        // Never before a turn that was given already.
        let next = state.next.map_or(now + interval, |next| next.max(now + interval));
        *state = State { interval, next: Some(next), slowed: Some(now), found };
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// A service that takes `rate` calls a second, with a burst of one second, as AWS's do.
    struct Service {
        rate: f64,
        tokens: Cell<f64>,
        refilled: Cell<Instant>,
        refused: Cell<u32>,
    }

    impl Service {
        fn new(rate: f64) -> Self {
            let now = Instant::now();
            Self { rate, tokens: rate.into(), refilled: now.into(), refused: 0.into() }
        }

        fn call(&self) -> bool {
            let now = Instant::now();
            let earned = (now - self.refilled.get()).as_secs_f64() * self.rate;
            self.refilled.set(now);
            self.tokens.set((self.tokens.get() + earned).min(self.rate));
            let taken = self.tokens.get() >= 1.0;
            if taken {
                self.tokens.set(self.tokens.get() - 1.0)
            } else {
                self.refused.set(self.refused.get() + 1)
            }
            taken
        }
    }

    #[tokio::test(start_paused = true)]
    async fn many_readers_find_one_limit_and_stay_near_it() {
        for rate in [2.0, 5.0, 10.0, 50.0] {
            let (service, pace) = (Service::new(rate), Pace::default());
            let left = Cell::new(400_u32);
            let started = Instant::now();
            let reader = async || {
                let call = async || {
                    tokio::time::sleep(Duration::from_millis(40)).await;
                    service.call().then_some(()).ok_or(())
                };
                while left.get() > 0 {
                    left.set(left.get() - 1);
                    pace.call(call, |()| true).await.unwrap();
                }
            };
            futures_util::future::join_all((0..8).map(|_| reader())).await;
            let ideal = 400.0 / rate;
            let took = started.elapsed().as_secs_f64();
            let refused = service.refused.get();
            println!("{rate}/s: {took:.0} s, ideal {ideal:.0} s, {refused} of 400 refused");
            assert!(took <= 1.15 * ideal, "{took} s at {rate}/s, ideal {ideal} s");
            assert!(refused <= 60, "{refused} refusals at {rate}/s");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_does_not_throttle_is_not_waited_for() {
        let pace = Pace::default();
        let started = Instant::now();
        for _ in 0..1000 {
            pace.turn().await;
            pace.answered();
        }
        assert_eq!(started.elapsed(), Duration::ZERO);
        pace.throttled(Instant::now());
        for _ in 0..400 {
            pace.turn().await;
            pace.answered();
        }
        assert_eq!(pace.state().interval, Duration::ZERO, "one refusal is forgotten");
    }
}
