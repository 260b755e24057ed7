//! What DynamoDB refuses, and which of it is tried again.

use std::time::Duration;

use tokio::time::sleep;

use super::fault::Fault;
use super::items::{Item, number, text};
use crate::ports::StoreError;
use crate::state::heads::Claim;

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
pub(super) async fn persist(mut write: impl AsyncFnMut() -> Result<(), Refused>) -> Result<(), StoreError> {
    let mut attempt = 1;
    loop {
        match write().await {
            Ok(()) => return Ok(()),
            Err(Refused::Conflict(_)) if attempt < CONFLICT_ATTEMPTS => {
                let longest = 50 * 2_u64.pow(attempt);
                sleep(Duration::from_millis(fastrand::u64(longest / 2..=longest))).await;
                attempt += 1;
            }
            Err(Refused::Conflict(error) | Refused::Final(error)) => return Err(error),
        }
    }
}

/// A claim that was refused may have been refused by itself: applied, its reply lost, and sent again.
pub(super) fn own_claim(found: Option<&Item>, claim: &Claim) -> Result<(), Refused> {
    let ours = found.is_some_and(|head| {
        head.get("claimed_by") == Some(&text(&claim.run)) && head.get("epoch") == Some(&number(claim.epoch()))
    });
    if ours { Ok(()) } else { Err(Refused::Final(StoreError::Superseded)) }
}

pub(super) fn refused(fault: &Fault) -> Refused {
    match fault.code.as_str() {
        "ConditionalCheckFailedException" => Refused::Final(StoreError::Superseded),
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
