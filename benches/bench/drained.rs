//! What the models of AWS note during a run, taken from them while it lasts: all of it would need more room than the rest
//! of the bench.

use std::time::Duration;

const EVERY: Duration = Duration::from_millis(100);

/// Carries out a run, and takes what was noted, again and again and once more at its end.
pub(crate) async fn drained<T>(run: impl Future<Output = T>, mut take: impl FnMut()) -> T {
    let mut run = std::pin::pin!(run);
    loop {
        let ended = tokio::time::timeout(EVERY, &mut run).await;
        take();
        if let Ok(ended) = ended {
            return ended;
        }
    }
}
