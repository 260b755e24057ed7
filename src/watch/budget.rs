//! The time a run has.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

/// Longest that a topic's answer is waited for.
const LONGEST_PUBLISH: Duration = Duration::from_secs(10);

/// When nothing new is scanned any more, so that what is recorded can still be dispatched; and when nothing more is
/// published, so that what was accepted can still be stored.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    scanning: Option<Instant>,
    folding: Option<Instant>,
    dispatching: Option<Instant>,
    storing: Option<Instant>,
}

impl Budget {
    /// All the time in the world, as on a laptop.
    pub const UNLIMITED: Self = Self { scanning: None, folding: None, dispatching: None, storing: None };

    /// `left` until the run is killed: the last fifth of it (at most 20 s) is for dispatching, and the last twentieth
    /// (at most 2 s) for storing how far that got.
    pub fn ending_in(left: Duration) -> Self {
        let now = Instant::now();
        let before = |reserve: Duration| now + left.saturating_sub(reserve);
        let scanning = before((left / 5).min(Duration::from_secs(20)));
        let dispatching = before((left / 20).min(Duration::from_secs(2)));
        Self {
            scanning: Some(scanning),
            folding: Some(scanning + (dispatching - scanning) / 2),
            dispatching: Some(dispatching),
            storing: Some(before((left / 50).min(Duration::from_millis(500)))),
        }
    }

    /// How long there is to scan, and to record.
    pub fn left(&self) -> Duration {
        self.scanning.map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()))
    }

    /// The result of work without effects, or `None` when the time for scanning ends before it does.
    pub async fn within<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        until(self.scanning, work).await
    }

    /// The result of work without effects, or `None` when it would leave too little time to publish what comes of it.
    pub async fn within_folding<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        until(self.folding, work).await
    }

    /// The result of work without effects, or `None` when the time for dispatching ends before it does.
    pub async fn within_dispatching<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        until(self.dispatching, work).await
    }

    /// The result of storing what was sent, or `None` when the run would be killed before.
    pub async fn within_storing<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        until(self.storing, work).await
    }

    /// How long a topic's answer may be waited for now; `None` when nothing more is to be published.
    pub fn for_publish(&self) -> Option<Duration> {
        let Some(end) = self.dispatching else { return Some(LONGEST_PUBLISH) };
        let left = end.checked_duration_since(Instant::now())?;
        (!left.is_zero()).then_some(left.min(LONGEST_PUBLISH))
    }
}

async fn until<T>(end: Option<Instant>, work: impl Future<Output = T>) -> Option<T> {
    match end {
        None => Some(work.await),
        Some(end) if Instant::now() < end => timeout_at(end, work).await.ok(),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::{advance, sleep};

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn scanning_ends_first_and_dispatching_before_the_run_is_killed() {
        for (left, scanning, dispatching) in [(10.0, 8.0, 9.5), (100.0, 80.0, 98.0), (900.0, 880.0, 898.0)] {
            let [left, scanning, dispatching] = [left, scanning, dispatching].map(Duration::from_secs_f64);
            let budget = Budget::ending_in(left);
            assert_eq!(budget.left(), scanning);
            assert_eq!(budget.for_publish(), Some(dispatching.min(10 * SECOND)));
            advance(scanning - SECOND).await;
            assert_eq!(budget.left(), SECOND);
            assert_eq!(budget.within(sleep(SECOND / 2)).await, Some(()));
            assert_eq!(budget.within(sleep(SECOND)).await, None, "scanning ends before");
            assert_eq!(budget.left(), Duration::ZERO);
            assert_eq!(budget.within(async {}).await, None, "nothing is begun any more");
            assert_eq!(budget.within_folding(async {}).await, Some(()));
            assert_eq!(budget.within_dispatching(async {}).await, Some(()));
            assert_eq!(budget.for_publish(), Some(dispatching - scanning).map(|left| left.min(10 * SECOND)));
            assert_eq!(budget.within_folding(sleep(left)).await, None);
            let half = (dispatching - scanning) / 2;
            assert_eq!(budget.for_publish(), Some(half.min(10 * SECOND)), "there is time to publish");
            assert_eq!(budget.within_dispatching(sleep(left)).await, None);
            assert_eq!(budget.within_dispatching(async {}).await, None);
            assert_eq!(budget.for_publish(), None);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_laptop_has_all_the_time_in_the_world_but_no_topic_has() {
        let budget = Budget::UNLIMITED;
        assert_eq!(budget.left(), Duration::MAX);
        assert_eq!(budget.within(sleep(86_400 * SECOND)).await, Some(()));
        assert_eq!(budget.for_publish(), Some(10 * SECOND));
    }
}
