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

    /// Whether it takes a call that is under way for so many milliseconds.
    async fn call(&self, latency: u64) -> Result<(), ()> {
        tokio::time::sleep(Duration::from_millis(latency)).await;
        let now = Instant::now();
        let earned = (now - self.refilled.replace(now)).as_secs_f64() * self.rate;
        let tokens = (self.tokens.get() + earned).min(self.rate);
        let is_taken = tokens >= 1.0;
        self.tokens.set(if is_taken { tokens - 1.0 } else { tokens });
        self.refused.set(self.refused.get() + u32::from(!is_taken));
        is_taken.then_some(()).ok_or(())
    }
}

/// How long so many calls take eight readers of each of some instances that share a limit, as a multiple of the ideal
/// time, and how many are refused.
async fn share(rate: f64, instances: usize, calls: u32) -> (f64, u32) {
    let service = Service::new(rate);
    let limiters: Vec<RateLimiter> = (0..instances).map(|_| RateLimiter::default()).collect();
    let left = Cell::new(calls);
    let started = Instant::now();
    let reader = async |limiter: &RateLimiter| {
        while left.get() > 0 {
            left.set(left.get() - 1);
            limiter.call(Priority::InOrder, async || service.call(40).await, |()| true).await.unwrap();
        }
    };
    let readers = limiters.iter().flat_map(|limiter| std::iter::repeat_n(limiter, 8)).map(reader);
    futures_util::future::join_all(readers).await;
    let took = started.elapsed().as_secs_f64() / (f64::from(calls) / rate);
    println!("{instances} instances at {rate}/s: {took:.3} of the ideal, {} refused", service.refused.get());
    (took, service.refused.get())
}

#[tokio::test(start_paused = true)]
async fn many_readers_find_one_limit_and_instances_that_do_not_know_each_other_share_it() {
    for (instances, rate, calls, most, most_refused) in [
        (1, 2.0, 400, 1.02, 60),
        (1, 5.0, 400, 1.02, 60),
        (1, 10.0, 400, 1.02, 60),
        (1, 50.0, 400, 1.02, 60),
        (8, 5.0, 2000, 1.02, 1500),
        (8, 10.0, 2000, 1.02, 400),
        (8, 50.0, 2000, 1.15, 400),
    ] {
        let (took, refused) = share(rate, instances, calls).await;
        assert!(took <= most, "{took} of the ideal of {instances} at {rate}/s");
        assert!(refused <= most_refused, "{refused} refusals of {instances} at {rate}/s");
    }
}

/// How many of eight reads of 200 pages end within 280 s, at five calls a second, and how long a single call waits at
/// most that comes every now and then.
async fn ended(priority: fn(u64) -> Priority) -> (usize, Duration) {
    let (service, limiter) = (Service::new(5.0), RateLimiter::default());
    let (ended, longest) = (Cell::new(0), Cell::new(Duration::ZERO));
    let read = async || {
        for page in 0..200 {
            limiter.call(priority(page), async || service.call(40).await, |()| true).await.unwrap();
        }
        ended.set(ended.get() + 1);
    };
    let single = async {
        loop {
            tokio::time::sleep(Duration::from_secs(20)).await;
            let began = Instant::now();
            limiter.wait(Priority::InOrder).await;
            longest.set(longest.get().max(began.elapsed()));
        }
    };
    let reads = futures_util::future::join_all((0..8).map(|_| read()));
    let _ =
        timeout_at(Instant::now() + Duration::from_secs(280), async { tokio::join!(reads, single) }).await;
    (ended.get(), longest.get())
}

#[tokio::test(start_paused = true)]
async fn of_reads_that_cannot_all_end_the_one_that_is_furthest_does() {
    let (sharing, _) = ended(|_| Priority::InOrder).await;
    assert_eq!(sharing, 0, "none ends where all share");
    let (ended, longest) = ended(|before| Priority::Furthest(Reverse(before))).await;
    assert!(ended >= 6, "{ended} end");
    assert!(longest <= Duration::from_secs(1), "a single call waits for {longest:?}");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_given_up_keeps_nobody_waiting() {
    let limiter = RateLimiter::default();
    limiter.state().rate.throttled(Instant::now());
    let began = Instant::now();
    let given_up = timeout_at(began + Duration::from_millis(10), limiter.wait(Priority::InOrder));
    let next = limiter.wait(Priority::Furthest(Reverse(0)));
    let (given_up, _) = tokio::join!(given_up, next);
    assert!(given_up.is_err());
    assert_eq!(began.elapsed(), FIRST_INTERVAL);
}

/// Calls one after the other come every 20 ms again.
#[tokio::test(start_paused = true)]
async fn a_storm_that_refuses_everything_is_forgotten_within_50_s() {
    for rate in [60.0, 1000.0] {
        let (service, limiter) = (Service::new(rate), RateLimiter::default());
        let ends = Instant::now() + Duration::from_secs(20);
        let stormy = async || {
            if Instant::now() < ends { Err(()) } else { service.call(10).await }
        };
        let mut took = Duration::MAX;
        while took > Duration::from_millis(20) {
            let before = Instant::now();
            limiter.call(Priority::InOrder, stormy, |()| true).await.unwrap();
            took = before.elapsed();
        }
        assert!(ends.elapsed().as_secs() <= 50, "{:?} at {rate}/s", ends.elapsed());
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
        (RateLimiter::default().call(Priority::InOrder, send, |_| is_throttling).await, tries.get())
    };
    assert_eq!(tries(false).await, (Err(1), 1));
    assert_eq!(tries(true).await, (Err(ATTEMPTS), ATTEMPTS));
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_minutes_is_outlasted() {
    let limiter = RateLimiter::default();
    let ends = Instant::now() + Duration::from_secs(200);
    let stormy = async || {
        tokio::time::sleep(Duration::from_millis(40)).await;
        if Instant::now() < ends { Err(()) } else { Ok(()) }
    };
    assert_eq!(limiter.call(Priority::InOrder, stormy, |()| true).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_service_that_does_not_throttle_is_not_waited_for() {
    let limiter = RateLimiter::default();
    let started = Instant::now();
    for _ in 0..1000 {
        limiter.wait(Priority::InOrder).await;
        limiter.state().rate.answered();
    }
    assert_eq!(started.elapsed(), Duration::ZERO);
    limiter.state().rate.throttled(Instant::now());
    for _ in 0..400 {
        limiter.wait(Priority::InOrder).await;
        limiter.state().rate.answered();
    }
    assert_eq!(limiter.state().rate.interval, Duration::ZERO, "one refusal is forgotten");
}
