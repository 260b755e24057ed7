//! Entries in tens, as SNS's `PublishBatch` and SQS's `SendMessageBatch` take them.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio::time::sleep;

use crate::ports::PublishError;

/// Entries of one batch.
pub const BATCH: usize = 10;

/// How many batches are under way at once.
pub const BATCHES_AT_ONCE: usize = 8;

/// How often the entries are tried that an otherwise accepted batch could not take.
const ENTRY_ATTEMPTS: u32 = 4;

/// Sends every entry; `call` takes up to ten and returns, for each that was not accepted, its index and why.
/// Returns what was not accepted in the end.
pub async fn send<T: Clone>(
    entries: &[T],
    call: impl AsyncFn(&[T]) -> Result<Vec<(usize, PublishError)>, PublishError>,
) -> Vec<(T, PublishError)> {
    let send = async |batch: &[T]| {
        let refused = match settle(batch, &call).await {
            Ok(refused) => refused,
            // The call as a whole was tried often enough below.
            Err(error) => (0..batch.len()).map(|index| (index, error.clone())).collect(),
        };
        let entry = |(index, error): (usize, PublishError)| Some((batch.get(index)?.clone(), error));
        refused.into_iter().filter_map(entry).collect::<Vec<_>>()
    };
    let batches = stream::iter(entries.chunks(BATCH)).map(send).buffer_unordered(BATCHES_AT_ONCE);
    batches.flat_map(stream::iter).collect().await
}

/// Sends one batch; the entries that the service could not take inside an answer of success are tried again alone.
/// Returns those that were not accepted in the end, by their indices.
pub async fn settle<T: Clone>(
    batch: &[T],
    call: impl AsyncFn(&[T]) -> Result<Vec<(usize, PublishError)>, PublishError>,
) -> Result<Vec<(usize, PublishError)>, PublishError> {
    let mut left: Vec<(usize, T)> = batch.iter().cloned().enumerate().collect();
    let mut refused = Vec::new();
    for attempt in 1..=ENTRY_ATTEMPTS {
        let entries: Vec<T> = left.iter().map(|(_, entry)| entry.clone()).collect();
        let answer = match call(&entries).await {
            Ok(answer) => answer,
            Err(error) if attempt == 1 => return Err(error),
            // What was accepted before stays so.
            Err(error) => (0..left.len()).map(|index| (index, error.clone())).collect(),
        };
        let of_batch = |(index, error): (usize, PublishError)| Some((left.get(index)?.clone(), error));
        let passing = |(_, error): &((usize, T), PublishError)| matches!(error, PublishError::Unavailable(_));
        let (again, never): (Vec<_>, Vec<_>) = answer.into_iter().filter_map(of_batch).partition(passing);
        refused.extend(never.into_iter().map(|((index, _), error)| (index, error)));
        if again.is_empty() || attempt == ENTRY_ATTEMPTS {
            refused.extend(again.into_iter().map(|((index, _), error)| (index, error)));
            break;
        }
        left = again.into_iter().map(|(entry, _)| entry).collect();
        sleep(Duration::from_millis(100) * 2_u32.pow(attempt)).await;
    }
    Ok(refused)
}
