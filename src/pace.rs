//! How fast one region's AWS Config is asked. Its throttle rates are not documented, and every pack that is
//! read backs off on its own in the SDK, so that eight packs find the limit eight times over. Here one pace is
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

/// Until the first answer at a pace, refusals halve the rate, to find the limit soon; from then on they take a
/// sixth, and each answer gives one part in 200 back. The test below finds 1.02 times the ideal time with at most
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
pub enum Rank {
    /// One of few calls: in the order in which they came.
    InOrder,
    /// A page of a read of everybody, after so many others. The read that is furthest goes on: of eight that share a low
    /// rate none would come to its end before the deadline, in no run.
    Furthest(Reverse<u64>),
}

impl Rank {
    /// That of a page of detailed statuses.
    pub fn of(filters: &Filters, page: &PageRequest) -> Self {
        if filters.is_empty() { Self::Furthest(Reverse(page.before)) } else { Self::InOrder }
    }
}

/// The pace at which a region is asked.
#[derive(Debug, Default)]
pub struct Pace {
    state: Mutex<State>,
    waiting: Mutex<Waiting>,
    /// That a call came, or no longer waits.
    changed: Notify,
}

/// The calls that wait, the next one first, as many turns as there are calls, and how many ever came.
#[derive(Debug, Default)]
struct Waiting {
    calls: BTreeSet<(Rank, u64)>,
    turns: BTreeSet<Turn>,
    came: u64,
}

/// A turn that was given when a call came. Whoever is first when it comes takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    at: Instant,
    given: Instant,
    number: u64,
}

/// A call's place among those that wait, until this is dropped.
struct Place<'a> {
    pace: &'a Pace,
    call: (Rank, u64),
}

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
    /// Whether a call was answered since the pace was last slowed down.
    answered: bool,
    /// The interval after the last refusal that followed an answer: near the limit. Refusals in a row say that there is
    /// none, or a storm.
    limit: Duration,
}

impl Pace {
    /// Makes a call when its turn comes, and again while it is throttled. The error is the last try's.
    pub async fn call<T, E>(
        &self,
        rank: Rank,
        send: impl AsyncFn() -> Result<T, E>,
        is_throttling: impl Fn(&E) -> bool,
    ) -> Result<T, E> {
        let mut attempt = 1;
        loop {
            let given = self.turn(rank).await;
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
    async fn turn(&self, rank: Rank) -> Instant {
        let place = self.place(rank);
        loop {
            // From here on nothing is missed.
            let changed = self.changed.notified();
            match place.next_turn() {
                None => changed.await,
                Some(turn) if turn.at > Instant::now() => drop(timeout_at(turn.at, changed).await),
                Some(turn) => {
                    place.take_turn();
                    return turn.given;
                }
            }
        }
    }

    fn place(&self, rank: Rank) -> Place<'_> {
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
        waiting.calls.insert((rank, number));
        waiting.turns.insert(Turn { at, given, number });
        self.changed.notify_waiters();
        Place { pace: self, call: (rank, number) }
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

impl Place<'_> {
    /// The next turn, if it is this call's.
    fn next_turn(&self) -> Option<Turn> {
        let waiting = self.pace.waiting();
        (waiting.calls.first() == Some(&self.call)).then(|| waiting.turns.first().copied()).flatten()
    }

    fn take_turn(&self) {
        let mut waiting = self.pace.waiting();
        waiting.calls.remove(&self.call);
        waiting.turns.pop_first();
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut waiting = self.pace.waiting();
        if waiting.calls.remove(&self.call) {
            // It was given up.
            waiting.turns.pop_last();
        }
        drop(waiting);
        self.pace.changed.notify_waiters();
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

    /// How long so many calls take eight readers of each of some instances that share a limit, as a multiple of the ideal
    /// time, and how many are refused.
    async fn share(rate: f64, instances: usize, calls: u32) -> (f64, u32) {
        let service = Service::new(rate);
        let paces: Vec<Pace> = (0..instances).map(|_| Pace::default()).collect();
        let left = Cell::new(calls);
        let started = Instant::now();
        let reader = async |pace: &Pace| {
            let call = async || {
                tokio::time::sleep(Duration::from_millis(40)).await;
                service.call().then_some(()).ok_or(())
            };
            while left.get() > 0 {
                left.set(left.get() - 1);
                pace.call(Rank::InOrder, call, |()| true).await.unwrap();
            }
        };
        let readers = paces.iter().flat_map(|pace| std::iter::repeat_n(pace, 8)).map(reader);
        futures_util::future::join_all(readers).await;
        let took = started.elapsed().as_secs_f64() / (f64::from(calls) / rate);
        println!(
            "{instances} instances at {rate}/s: {took:.3} of the ideal, {} refused",
            service.refused.get()
        );
        (took, service.refused.get())
    }

    #[tokio::test(start_paused = true)]
    async fn many_readers_find_one_limit_and_stay_near_it() {
        for rate in [2.0, 5.0, 10.0, 50.0] {
            let (took, refused) = share(rate, 1, 400).await;
            assert!(took <= 1.02, "{took} of the ideal at {rate}/s");
            assert!(refused <= 60, "{refused} refusals at {rate}/s");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn instances_that_do_not_know_each_other_share_a_limit() {
        for (rate, most) in [(5.0, 1.06), (10.0, 1.13), (50.0, 1.07)] {
            let (took, refused) = share(rate, 8, 2000).await;
            assert!(took <= most, "{took} of the ideal at {rate}/s");
            assert!(refused <= 700, "{refused} refusals at {rate}/s");
        }
    }

    /// How many of eight reads of 200 pages end within 280 s, at five calls a second, and how long a single call waits at
    /// most that comes every now and then.
    async fn ended(rank: fn(u64) -> Rank) -> (usize, Duration) {
        let (service, pace) = (Service::new(5.0), Pace::default());
        let call = async || {
            tokio::time::sleep(Duration::from_millis(40)).await;
            service.call().then_some(()).ok_or(())
        };
        let (ended, longest) = (Cell::new(0), Cell::new(Duration::ZERO));
        let read = async || {
            for page in 0..200 {
                pace.call(rank(page), call, |()| true).await.unwrap();
            }
            ended.set(ended.get() + 1);
        };
        let single = async {
            loop {
                tokio::time::sleep(Duration::from_secs(20)).await;
                let began = Instant::now();
                pace.turn(Rank::InOrder).await;
                longest.set(longest.get().max(began.elapsed()));
            }
        };
        let reads = futures_util::future::join_all((0..8).map(|_| read()));
        let _ = timeout_at(Instant::now() + Duration::from_secs(280), async { tokio::join!(reads, single) })
            .await;
        (ended.get(), longest.get())
    }

    #[tokio::test(start_paused = true)]
    async fn of_reads_that_cannot_all_end_the_one_that_is_furthest_does() {
        let (sharing, _) = ended(|_| Rank::InOrder).await;
        assert_eq!(sharing, 0, "none ends where all share");
        let (ended, longest) = ended(|before| Rank::Furthest(Reverse(before))).await;
        assert!(ended >= 6, "{ended} end");
        assert!(longest <= Duration::from_secs(1), "a single call waits for {longest:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_is_given_up_keeps_nobody_waiting() {
        let pace = Pace::default();
        pace.throttled(Instant::now());
        let began = Instant::now();
        let given_up = timeout_at(began + Duration::from_millis(20), pace.turn(Rank::InOrder));
        let next = pace.turn(Rank::Furthest(Reverse(0)));
        let (given_up, _) = tokio::join!(given_up, next);
        assert!(given_up.is_err());
        assert_eq!(began.elapsed(), Duration::from_millis(50));
    }

    /// Calls one after the other, and how long it took from the end of a storm until they came every 20 ms: the storm
    /// refuses everything for 20 s, after so many calls that were answered.
    async fn recovery(rate: f64, calls_before: u32) -> f64 {
        let (service, pace) = (Service::new(rate), Pace::default());
        let call = async || {
            tokio::time::sleep(Duration::from_millis(10)).await;
            service.call().then_some(()).ok_or(())
        };
        for _ in 0..calls_before {
            pace.call(Rank::InOrder, call, |()| true).await.unwrap();
        }
        let ended = Instant::now() + Duration::from_secs(20);
        let stormy = async || {
            if Instant::now() < ended { Err(()) } else { call().await }
        };
        loop {
            let before = Instant::now();
            pace.call(Rank::InOrder, stormy, |()| true).await.unwrap();
            let is_over = before.elapsed() <= Duration::from_millis(20) || ended.elapsed().as_secs() > 100;
            if before > ended && is_over {
                return (Instant::now() - ended).as_secs_f64();
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_storm_is_forgotten_within_tens_of_seconds() {
        for (rate, calls_before) in [(1000.0, 0), (1000.0, 500), (60.0, 0), (60.0, 2000)] {
            let took = recovery(rate, calls_before).await;
            println!("{rate}/s, {calls_before} calls before: {took:.0} s");
            assert!(took <= 50.0, "{took} s at {rate}/s after {calls_before} calls");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn only_what_is_throttled_is_tried_again_and_not_for_ever() {
        // How often a call is made that would succeed at last.
        let tries = async |is_throttling| {
            let tries = Cell::new(0);
            let send = async || {
                tries.set(tries.get() + 1);
                if tries.get() > 2 * ATTEMPTS { Ok(()) } else { Err(tries.get()) }
            };
            (Pace::default().call(Rank::InOrder, send, |_| is_throttling).await, tries.get())
        };
        assert_eq!(tries(false).await, (Err(1), 1));
        assert_eq!(tries(true).await, (Err(ATTEMPTS), ATTEMPTS));
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_refusal_nobody_asks_for_an_interval() {
        let pace = Pace::default();
        for interval in [50, 100, 200] {
            pace.throttled(Instant::now());
            let refused = Instant::now();
            pace.turn(Rank::InOrder).await;
            assert_eq!(refused.elapsed(), Duration::from_millis(interval));
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_does_not_throttle_is_not_waited_for() {
        let pace = Pace::default();
        let started = Instant::now();
        for _ in 0..1000 {
            pace.turn(Rank::InOrder).await;
            pace.answered();
        }
        assert_eq!(started.elapsed(), Duration::ZERO);
        pace.throttled(Instant::now());
        for _ in 0..400 {
            pace.turn(Rank::InOrder).await;
            pace.answered();
        }
        assert_eq!(pace.state().interval, Duration::ZERO, "one refusal is forgotten");
    }
}
