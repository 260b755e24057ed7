//! How a deployment stands, in AWS Config's words.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use super::ids::stored_as_text;

/// An `OrganizationResourceDetailedStatus`. AWS documents nine, which are borrowed here; any other text is kept verbatim.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Status(Cow<'static, str>);

/// How far a deployment is, whatever it deploys (a creation, an update or a deletion).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// `…_SUCCESSFUL`
    Successful,
    /// `…_IN_PROGRESS`
    InProgress,
    /// `…_FAILED`
    Failed,
    /// A status that AWS did not document when this was written.
    Unrecognised,
}

impl Status {
    /// The statuses that AWS documents, as it spells them.
    pub const DOCUMENTED: [&'static str; 9] = [
        "CREATE_SUCCESSFUL",
        "CREATE_IN_PROGRESS",
        "CREATE_FAILED",
        "UPDATE_SUCCESSFUL",
        "UPDATE_IN_PROGRESS",
        "UPDATE_FAILED",
        "DELETE_SUCCESSFUL",
        "DELETE_IN_PROGRESS",
        "DELETE_FAILED",
    ];

    /// A status as AWS Config sent it; bounded, since it is stored and shown.
    pub fn new(text: &str) -> Self {
        match Self::DOCUMENTED.iter().find(|known| **known == text) {
            Some(known) => Self(Cow::Borrowed(known)),
            None => Self(Cow::Owned(text.chars().take(64).collect())),
        }
    }

    /// The status as AWS Config spells it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether what is deployed is the pack's deletion.
    pub fn is_deletion(&self) -> bool {
        matches!(self.0, Cow::Borrowed(text) if text.starts_with("DELETE_"))
    }

    /// How far the deployment is.
    pub fn phase(&self) -> Phase {
        let Cow::Borrowed(text) = self.0 else { return Phase::Unrecognised };
        // `…_SUCCESSFUL`, `…_IN_PROGRESS` or `…_FAILED`: a run asks some million times.
        match text.as_bytes().last() {
            Some(b'L') => Phase::Successful,
            Some(b'S') => Phase::InProgress,
            _ => Phase::Failed,
        }
    }
}

/// As AWS Config sends it where it has none.
impl Default for Status {
    fn default() -> Self {
        Self::new("")
    }
}

impl FromStr for Status {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self::new(text))
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

stored_as_text!(Status);
