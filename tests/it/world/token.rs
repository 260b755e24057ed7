//! Continuation tokens: opaque to the caller, bound to the request that they continue.

use super::ServiceError;
use super::faults::{TokenFaults, TokenShape};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Where a read continues. It follows the last row's key, so rows that come or go meanwhile do not shift it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cursor {
    /// What the token belongs to: region, operation, pack and filters.
    pub scope: String,
    /// The last key of the page before.
    pub after: String,
    /// How many pages were served.
    pub page: u32,
    /// Milliseconds since the world began.
    pub issued: u64,
    /// Accounts that this read does not show.
    pub hidden: Vec<String>,
    /// The token that led here, which a cycle needs.
    came_from: Option<String>,
}

impl Cursor {
    pub fn start(scope: String, hidden: Vec<String>) -> Self {
        Self { scope, after: String::new(), page: 0, issued: 0, hidden, came_from: None }
    }

    /// The token in `text`, if it belongs to `scope` and is not too old at `now`.
    pub fn open(
        text: &str,
        scope: &str,
        faults: &mut TokenFaults,
        now: Duration,
    ) -> Result<Self, ServiceError> {
        let cursor = decode(text).filter(|c| c.scope == scope).ok_or_else(invalid)?;
        let age = now.saturating_sub(Duration::from_millis(cursor.issued));
        let mut expired = faults.expired.contains(text) || faults.max_age.is_some_and(|max| age >= max);
        if let Some((pages, times)) = &mut faults.after_pages
            && !expired
            && cursor.page >= *pages
            && *times > 0
        {
            *times -= 1;
            expired = true;
        }
        if expired {
            faults.expired.insert(text.to_owned());
            return Err(invalid());
        }
        Ok(cursor)
    }

    /// The token of the page after the one that `request` (none: the first page) just got, which ended at `after`.
    pub fn next(&self, request: Option<&str>, after: &str, shape: TokenShape, now: Duration) -> String {
        match (shape, request, &self.came_from) {
            (TokenShape::Repeat, Some(same), _) => same.to_owned(),
            (TokenShape::Cycle, Some(_), Some(back)) => back.clone(),
            _ => encode(&Self {
                after: after.to_owned(),
                page: self.page + 1,
                issued: now.as_millis() as u64,
                came_from: request.filter(|_| shape == TokenShape::Cycle).map(str::to_owned),
                ..self.clone()
            }),
        }
    }
}

fn invalid() -> ServiceError {
    ServiceError::new(400, "InvalidNextTokenException", "The nextToken provided is invalid")
}

/// Reversed, so that a token is not itself base64 of JSON: a paginator's own resumption tokens are, and a service's
/// must never be taken for one.
fn encode(cursor: &Cursor) -> String {
    let mut bytes = serde_json::to_vec(cursor).unwrap_or_default();
    bytes.reverse();
    STANDARD.encode(bytes)
}

fn decode(text: &str) -> Option<Cursor> {
    let mut bytes = STANDARD.decode(text).ok()?;
    bytes.reverse();
    serde_json::from_slice(&bytes).ok()
}
