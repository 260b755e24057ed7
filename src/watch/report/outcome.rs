//! How a target ended.

use serde::Serialize;

/// How a target ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Outcome {
    /// Watched from now on.
    Baseline,
    /// As before.
    Unchanged,
    /// Changed, recorded and dispatched.
    Changed,
    /// Gone, recorded and dispatched.
    Deleted,
    /// Not finished; the next run does it again.
    Incomplete,
    /// Not allowed.
    Denied,
    /// Left for the next run.
    Deferred,
    /// Another run is newer.
    Superseded,
}

impl Outcome {
    /// Each of them, in the order of the documents.
    pub const ALL: [Self; 8] = [
        Self::Baseline,
        Self::Unchanged,
        Self::Changed,
        Self::Deleted,
        Self::Incomplete,
        Self::Denied,
        Self::Deferred,
        Self::Superseded,
    ];

    /// The name as the answer spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Baseline => "Baseline",
            Self::Unchanged => "Unchanged",
            Self::Changed => "Changed",
            Self::Deleted => "Deleted",
            Self::Incomplete => "Incomplete",
            Self::Denied => "Denied",
            Self::Deferred => "Deferred",
            Self::Superseded => "Superseded",
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

    /// How much it matters to whoever reads a report: of two scans of one target, the higher one is reported.
    pub(super) fn weight(self) -> usize {
        let lightest_first = [
            Self::Unchanged,
            Self::Changed,
            Self::Baseline,
            Self::Deleted,
            Self::Deferred,
            Self::Superseded,
            Self::Incomplete,
            Self::Denied,
        ];
        lightest_first.iter().position(|outcome| *outcome == self).unwrap_or_default()
    }
}
