//! What a change means, and how much it matters.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a change means to the people who are notified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// Failed.
    Failed,
    /// A status that AWS did not document when this was written.
    Unrecognised,
    /// In progress for longer than the threshold.
    Stuck,
    /// Still unhealthy at a reminder's time, or when a silence ended over what people knew.
    Reminder,
    /// Has not changed for an hour after having changed too often.
    Settled,
    /// Well again.
    Recovered,
    /// A new account.
    Joined,
    /// An account that is no longer there.
    Left,
    /// Tried again, with the failure that people know.
    FailedAgain,
    /// A deployment succeeded.
    Succeeded,
    /// A deployment started.
    InProgress,
}

impl Kind {
    /// Every kind, worst first.
    pub const ALL: [Self; 11] = [
        Self::Failed,
        Self::Unrecognised,
        Self::Stuck,
        Self::Reminder,
        Self::Settled,
        Self::Recovered,
        Self::Joined,
        Self::Left,
        Self::FailedAgain,
        Self::Succeeded,
        Self::InProgress,
    ];

    /// The name as the JSON documents spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "Failed",
            Self::Unrecognised => "Unrecognised",
            Self::Stuck => "Stuck",
            Self::Reminder => "Reminder",
            Self::Settled => "Settled",
            Self::Recovered => "Recovered",
            Self::Joined => "Joined",
            Self::Left => "Left",
            Self::FailedAgain => "FailedAgain",
            Self::Succeeded => "Succeeded",
            Self::InProgress => "InProgress",
        }
    }

    /// How much it matters.
    pub fn severity(self) -> Severity {
        match self {
            Self::Failed => Severity::Failure,
            Self::Unrecognised | Self::Stuck | Self::Reminder => Severity::Warning,
            Self::Recovered | Self::Settled => Severity::Resolved,
            Self::Joined | Self::Left | Self::FailedAgain | Self::Succeeded | Self::InProgress => {
                Severity::Info
            }
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How much a message matters, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// An account failed.
    Failure,
    /// Somebody should look at it.
    Warning,
    /// Something recovered.
    Resolved,
    /// For the record.
    Info,
}

impl Severity {
    /// The name as the attributes and documents spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failure => "failure",
            Self::Warning => "warning",
            Self::Resolved => "resolved",
            Self::Info => "info",
        }
    }
}
