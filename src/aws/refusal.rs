//! What DynamoDB refuses, and which of it is tried again.

use std::time::Duration;

use tokio::time::sleep;

use super::fault::Fault;
use crate::ports::StoreError;

/// How often a write is tried that met another transaction on the same item. The SDK does not.
const CONFLICT_ATTEMPTS: u32 = 6;

/// Whether a write met another transaction, and may be tried again.
pub(super) enum Refused {
    Conflict(StoreError),
    Final(StoreError),
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Final(error)
    }
}

/// Tries a write until it meets no other transaction.
pub(super) async fn persist<T>(mut write: impl AsyncFnMut() -> Result<T, Refused>) -> Result<T, StoreError> {
    let mut attempt = 1;
    loop {
        match write().await {
            Ok(done) => return Ok(done),
            Err(Refused::Conflict(_)) if attempt < CONFLICT_ATTEMPTS => {
                let longest = 50 * 2_u64.pow(attempt);
                sleep(Duration::from_millis(fastrand::u64(longest / 2..=longest))).await;
                attempt += 1;
            }
            Err(Refused::Conflict(error) | Refused::Final(error)) => return Err(error),
        }
    }
}

/// Why a write failed whose condition was not what failed.
pub(super) fn refused(fault: &Fault) -> Refused {
    match fault.code.as_str() {
        "TransactionConflictException" | "TransactionInProgressException" => {
            Refused::Conflict(explain(fault))
        }
        _ => Refused::Final(explain(fault)),
    }
}

pub(super) fn explain(fault: &Fault) -> StoreError {
    if fault.is_denied() {
        StoreError::Denied(fault.message.clone())
    } else {
        StoreError::Unavailable(fault.message.clone())
    }
}

pub(super) fn malformed(error: impl std::fmt::Display) -> StoreError {
    StoreError::Unavailable(error.to_string())
}
