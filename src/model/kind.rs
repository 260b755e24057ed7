//! What a change means, and how much it matters.

use serde::{Deserialize, Serialize};
use strum::{Display, IntoStaticStr, VariantArray};

/// What a change means to the people who are notified.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    Display,
    IntoStaticStr,
    VariantArray,
)]
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
    pub const ALL: &[Self] = Self::VARIANTS;

    /// The name as the JSON documents spell it.
    pub fn as_str(self) -> &'static str {
        self.into()
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

/// How much a message matters, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
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
        self.into()
    }
}
