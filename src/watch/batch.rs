//! Entries in tens, as SNS's `PublishBatch` and SQS's `SendMessageBatch` take them.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio::time::sleep;

use crate::ports::PublishError;

/// Entries of one batch, and how many batches are under way at once.
const BATCH: usize = 10;
const BATCHES_AT_ONCE: usize = 8;

/// How often the refused entries of an otherwise accepted batch are tried.
const ENTRY_ATTEMPTS: u32 = 4;

/// Sends every entry; `call` takes up to ten and returns, for each that was not accepted, its index and why.
/// Returns what was not accepted in the end.
pub async fn send<T: Clone>(
    entries: &[T],
    call: impl AsyncFn(&[T]) -> Result<Vec<(usize, PublishError)>, PublishError>,
) -> Vec<(T, PublishError)> {
    let call = &call;
    stream::iter(entries.chunks(BATCH))
        .map(|batch| send_batch(batch, call))
        .buffer_unordered(BATCHES_AT_ONCE)
        .flat_map(stream::iter)
        .collect()
        .await
}

/// Sends a batch; the entries that the service could not take inside an answer of success are tried again alone.
async fn send_batch<T: Clone>(
    batch: &[T],
    call: &impl AsyncFn(&[T]) -> Result<Vec<(usize, PublishError)>, PublishError>,
) -> Vec<(T, PublishError)> {
    let mut left = batch.to_vec();
    let mut refused = Vec::new();
    for attempt in 1..=ENTRY_ATTEMPTS {
        let entries = match call(&left).await {
            Ok(entries) => entries,
            // The call as a whole was tried often enough below.
            Err(error) => {
                refused.extend(left.into_iter().map(|entry| (entry, error.clone())));
                break;
            }
        };
        let entries =
            entries.into_iter().filter_map(|(index, error)| Some((left.get(index)?.clone(), error)));
        let passing = |(_, error): &(T, PublishError)| matches!(error, PublishError::Unavailable(_));
        let (again, never): (Vec<_>, Vec<_>) = entries.partition(passing);
        refused.extend(never);
        if again.is_empty() || attempt == ENTRY_ATTEMPTS {
            refused.extend(again);
            break;
        }
        left = again.into_iter().map(|(entry, _)| entry).collect();
        sleep(Duration::from_millis(100) * 2_u32.pow(attempt)).await;
    }
    refused
}
