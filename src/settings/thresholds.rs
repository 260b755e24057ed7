//! From when on a state is not only what AWS Config says.

use std::time::Duration;

/// When a state in progress is stuck, and how often a failure is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// In progress for longer than this is stuck.
    pub stuck_after: Duration,
    /// How often a failure is repeated; `None`: never.
    pub remind_every: Option<Duration>,
}
