//! Entries in tens, as SNS's `PublishBatch` takes them.

use std::borrow::Cow;
use std::time::Duration;

use tokio::time::sleep;

use crate::ports::PublishError;

/// Entries of one batch.
pub const BATCH: usize = 10;

/// How many batches are under way at once.
pub const BATCHES_AT_ONCE: usize = 8;

/// How often the entries are tried that an otherwise accepted batch could not take.
const ENTRY_ATTEMPTS: u32 = 4;

/// Sends one batch; the entries that the service could not take inside an answer of success are tried again alone.
/// Returns those that were not accepted in the end, by their indices.
pub async fn settle<T: Clone>(
    batch: &[T],
    call: impl AsyncFn(&[T]) -> Result<Vec<(usize, PublishError)>, PublishError>,
) -> Result<Vec<(usize, PublishError)>, PublishError> {
    let (mut left, mut entries): (Vec<usize>, _) = ((0..batch.len()).collect(), Cow::Borrowed(batch));
    let mut refused = Vec::new();
    for attempt in 1..=ENTRY_ATTEMPTS {
        let answer = match call(&entries).await {
            Ok(answer) => answer,
            Err(error) if attempt == 1 => return Err(error),
            // What was accepted before stays so.
            Err(error) => (0..left.len()).map(|index| (index, error.clone())).collect(),
        };
        let mut again = Vec::new();
        for (index, error) in answer {
            let Some(index) = left.get(index).copied() else { continue };
            match error {
                PublishError::Unavailable(_) if attempt < ENTRY_ATTEMPTS => again.push(index),
                error => refused.push((index, error)),
            }
        }
        if again.is_empty() {
            break;
        }
        entries = again.iter().filter_map(|index| batch.get(*index)).cloned().collect();
        left = again;
        sleep(Duration::from_millis(100) * 2_u32.pow(attempt)).await;
    }
    Ok(refused)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use tokio::time::Instant;

    fn refused() -> PublishError {
        PublishError::Refused("never".to_owned())
    }

    fn unavailable() -> PublishError {
        PublishError::Unavailable("later".to_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn what_could_not_be_taken_is_tried_again_alone_and_what_was_refused_is_not() {
        let calls = RefCell::new(Vec::new());
        let call = async |entries: &[&'static str]| {
            calls.borrow_mut().push(entries.to_vec());
            let is_late = calls.borrow().len() == 3;
            let answer = entries.iter().enumerate().filter_map(|(index, entry)| match *entry {
                "refused" => Some((index, refused())),
                "late" if !is_late => Some((index, unavailable())),
                "never" => Some((index, unavailable())),
                _ => None,
            });
            Ok(answer.collect())
        };
        let begun = Instant::now();
        let left = settle(&["good", "refused", "late", "never"], call).await;
        assert_eq!(left, Ok(vec![(1, refused()), (3, unavailable())]));
        let calls = calls.into_inner();
        let again = ["late", "never"];
        assert_eq!(calls[1..], [again.to_vec(), again.to_vec(), vec!["never"]], "four attempts");
        assert_eq!(begun.elapsed(), Duration::from_millis(200 + 400 + 800), "twice as long each time");
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_fails_is_an_error_unless_something_was_accepted_before() {
        let denied = || PublishError::Denied("no".to_owned());
        assert_eq!(settle(&[1, 2], async |_: &[i32]| Err(denied())).await, Err(denied()));
        let later = async |entries: &[i32]| match entries {
            [1, 2] => Ok(vec![(1, unavailable())]),
            _ => Err(denied()),
        };
        assert_eq!(settle(&[1, 2], later).await, Ok(vec![(1, denied())]));
    }
}
