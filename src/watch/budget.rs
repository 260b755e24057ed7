//! The time a run has.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

/// When nothing new is started any more, so that what is recorded can still be announced.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    stop: Option<Instant>,
}

impl Budget {
    /// All the time in the world, as on a laptop.
    pub const UNLIMITED: Self = Self { stop: None };

    /// `left` until the run is killed, of which a fifth (at most 20 s) is the reserve for announcing.
    pub fn ending_in(left: Duration) -> Self {
        let reserve = (left / 5).min(Duration::from_secs(20));
        Self { stop: Some(Instant::now() + left.saturating_sub(reserve)) }
    }

    /// Whether nothing new is to be started.
    pub fn is_spent(&self) -> bool {
        self.stop.is_some_and(|stop| Instant::now() >= stop)
    }

    /// The earlier of `instant` and the end of the budget.
    pub fn cap(&self, instant: Instant) -> Instant {
        self.stop.map_or(instant, |stop| stop.min(instant))
    }

    /// The result of work without effects, or `None` when the budget ends before it does.
    pub async fn within<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        match self.stop {
            None => Some(work.await),
            Some(stop) if Instant::now() < stop => timeout_at(stop, work).await.ok(),
            Some(_) => None,
        }
    }
}
