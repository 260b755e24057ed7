//! What is kept of an account: its state, its row, and the changes between.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{AccountId, Kind, Phase, Severity, Status};

/// What a run holds of one account: AWS Config's row and the facts that follow from the time. This is
/// what is compared, stored and announced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The deployment's status.
    pub status: Status,
    /// AWS Config's code of what went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// AWS Config's words for it, carried but never compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    /// When AWS Config last updated the status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_update: Option<Timestamp>,
    /// In progress for longer than the threshold.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stuck: bool,
    /// How many reminders this failure has been due.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub reminder: u64,
    /// Ill, and covered by a silence.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub silenced: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// What of a [`State`] decides whether something changed.
pub type Key<'a> = (&'a Status, Option<&'a str>, Option<Timestamp>, bool, u64, bool);

impl State {
    /// A state of which nothing else is known.
    pub fn of(status: Status) -> Self {
        let (error_code, error_message, last_update) = (None, None, None);
        Self { status, error_code, error_message, last_update, stuck: false, reminder: 0, silenced: false }
    }

    /// The comparison key: status, error code, the time of the last update where it failed (a failure
    /// that was tried again and failed again is news; progress that moved on is not), stuck, reminder,
    /// silenced.
    pub fn key(&self) -> Key<'_> {
        let failed_at = self.last_update.filter(|_| self.status.phase() == Phase::Failed);
        (&self.status, self.error_code.as_deref(), failed_at, self.stuck, self.reminder, self.silenced)
    }

    /// Whether both are of one deployment's one outcome, whatever the time has made of it since.
    pub fn is_same_event(&self, other: &Self) -> bool {
        let (a, b) = (self.key(), other.key());
        (a.0, a.1, a.2) == (b.0, b.1, b.2)
    }
}

/// The last recorded state of one account, as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The state.
    #[serde(flatten)]
    pub state: State,
    /// Since when the account has not been well: the first failure after the last success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    /// When it changed within the last hour before its last change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub turns: Vec<Timestamp>,
    /// It changes too often to be told of each time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub flapping: bool,
    /// The epoch of the run that recorded it; 0 in rows of an older packwatch.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub epoch: u64,
    /// What the account is going through, from its first ill state to its next well one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<Incident>,
}

/// What an account goes through from the first ill state to the next well one. It began at the row's `failing_since`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// A hash of region, pack, the history's birth, account and the epoch that recorded its begin.
    pub id: String,
}

/// One recorded change of one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    /// The member account.
    pub account: AccountId,
    /// The epoch of the run that recorded it.
    pub epoch: u64,
    /// What it means.
    pub kind: Kind,
    /// What was recorded before; `None` when the account was not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<State>,
    /// What is the case now; `None` when the account has left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<State>,
    /// Since when the account fails, or had failed until now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    /// When packwatch read it.
    pub observed_at: Timestamp,
    /// A silence covers it: people are not told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub silenced: bool,
    /// The account begins to change too often: how many times it did within an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flapping: Option<u64>,
    /// The account goes on changing too often: people are not told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub damped: bool,
    /// The incident that it belongs to, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident_id: Option<String>,
    /// A baseline found it: it was so before anybody looked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub baseline: bool,
    /// Whether people are to be told, as judged when it was recorded; `None` in records of an older packwatch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<bool>,
    /// When the history forgets it: seconds since 1970, as DynamoDB's TTL takes them.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub expires_at: Timestamp,
}

impl Transition {
    /// How much it matters: of an account that settles or changes too often, by where it stands now.
    pub fn severity(&self) -> Severity {
        let fails = self.to.as_ref().is_some_and(|to| to.status.phase() == Phase::Failed);
        match self.kind {
            Kind::Settled if fails => Severity::Failure,
            kind if self.flapping.is_some() => kind.severity().min(Severity::Warning),
            kind => kind.severity(),
        }
    }
}
