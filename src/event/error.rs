//! Why an event was not understood, in words that no terminal or log acts on.

use serde_json::Value;

use crate::model::text::{bounded, plain};
use crate::watch::scan::paginate::PaginationError;

/// Longest error about a request, in bytes.
const LONGEST_ERROR: usize = 1000;

/// Why an event was not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// Neither a request nor an event that packwatch knows.
    #[error(
        "{0}. packwatch takes a scheduled event, AWS CloudTrail's events of packs and of accounts that join or leave, or a request such as {{}} or {{\"OrganizationConformancePackName\": \"…\"}}"
    )]
    Unknown(String),
    /// A request with something wrong in it.
    #[error("the request is not valid: {0}")]
    Request(String),
    /// A schedule's part with something wrong in it.
    #[error("the schedule's input is not valid: {0}")]
    Part(String),
    /// A request with an impossible pagination.
    #[error("the request is not valid: {0}")]
    Pagination(#[from] PaginationError),
}

/// An error that quotes what was wrong, which may be long, and which a terminal or a log would act on.
pub(super) fn quoted(error: &str) -> String {
    bounded(plain(error), LONGEST_ERROR)
}

/// As much of a value as a person needs to know it again.
pub(super) fn excerpt(value: &Value) -> String {
    bounded(plain(&value.to_string()), 200)
}
