//! How a target ended.

use serde::Serialize;

/// How a target ended. Of two scans of one target, the one that matters more to whoever reads a report is the later
/// here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Outcome {
    /// As before.
    Unchanged,
    /// Changed, recorded and dispatched.
    Changed,
    /// Watched from now on.
    Baseline,
    /// Gone, recorded and dispatched.
    Deleted,
    /// Left for the next run.
    Deferred,
    /// Another run is newer.
    Superseded,
    /// Not finished; the next run does it again.
    Incomplete,
    /// Not allowed.
    Denied,
}

impl Outcome {
    /// Each of them.
    pub const ALL: [Self; 8] = [
        Self::Unchanged,
        Self::Changed,
        Self::Baseline,
        Self::Deleted,
        Self::Deferred,
        Self::Superseded,
        Self::Incomplete,
        Self::Denied,
    ];

    /// The name as the answer spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unchanged => "Unchanged",
            Self::Changed => "Changed",
            Self::Baseline => "Baseline",
            Self::Deleted => "Deleted",
            Self::Deferred => "Deferred",
            Self::Superseded => "Superseded",
            Self::Incomplete => "Incomplete",
            Self::Denied => "Denied",
        }
    }

    /// Whether the target was finished.
    pub fn is_done(self) -> bool {
        matches!(self, Self::Baseline | Self::Unchanged | Self::Changed | Self::Deleted)
    }

    /// Whether the run must count as failed.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Incomplete | Self::Denied)
    }
}
