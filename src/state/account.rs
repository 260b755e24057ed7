//! What is kept of an account: its state, its row, and the changes between.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::id;
use crate::model::{AccountId, Kind, Phase, Severity, Status, Target};

/// What a run holds of one account: AWS Config's row and the facts that follow from the time. This is
/// what is compared, stored and dispatched.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
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
    #[serde(default, rename = "LastUpdateTime", skip_serializing_if = "Option::is_none")]
    pub last_update: Option<Timestamp>,
    /// In progress for longer than the threshold.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stuck: bool,
    /// Of what is active, the begin of the period between two reminders, in seconds since 1970; 0 without
    /// reminders.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub reminder: u64,
    /// Unhealthy, and covered by a silence.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub silenced: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// How an account stands in a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// Unhealthy: the deployment failed.
    Failed,
    /// Unhealthy: in progress for longer than the threshold.
    Stuck,
    /// Unhealthy: in a status that AWS did not document when this was written.
    Unrecognised,
    /// In progress and not stuck.
    InProgress,
    /// Created or updated.
    Healthy,
    /// Deleted: the pack is no longer in that account, which counts as not there.
    Removed,
}

impl Health {
    /// Whether somebody should look at it.
    pub fn is_unhealthy(self) -> bool {
        matches!(self, Self::Failed | Self::Stuck | Self::Unrecognised)
    }
}

/// What of a [`State`] decides whether something changed.
pub(super) type Key<'a> = (&'a Status, Option<&'a str>, Option<Timestamp>, bool, u64, bool);

impl State {
    /// A state of which nothing else is known.
    pub fn of(status: Status) -> Self {
        Self { status, ..Self::default() }
    }

    /// How the account stands.
    pub fn health(&self) -> Health {
        match self.status.phase() {
            Phase::Failed => Health::Failed,
            Phase::Unrecognised => Health::Unrecognised,
            Phase::InProgress if self.stuck => Health::Stuck,
            Phase::InProgress => Health::InProgress,
            Phase::Successful if self.status.is_deletion() => Health::Removed,
            Phase::Successful => Health::Healthy,
        }
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

/// The row of each account. Boxed, since they are read in no order of the accounts: a tree moves what it holds.
pub type Rows = BTreeMap<AccountId, Box<Row>>;

/// The last recorded state of one account, and what led to it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Row {
    /// The state.
    pub state: State,
    /// Since when the account has been in an incident: when its incident began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    /// When it changed within the last hour before its last change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub turns: Vec<Timestamp>,
    /// It changes too often to be reported each time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub flapping: bool,
    /// The epoch of the commit that recorded it.
    #[serde(rename = "Sequence")]
    pub epoch: u64,
    /// What the account is going through, from its first unhealthy state to its next healthy one. Boxed, as the next one,
    /// since hardly any row has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<Box<Incident>>,
    /// An incident that is over, of which people were notified, but not yet of its end, since the account
    /// changes too often.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending_resolution: Option<Box<ClosedIncident>>,
}

/// What an account goes through from the first unhealthy state to the next healthy one. It began at the row's
/// `failing_since`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Incident {
    /// A hash of region, pack, the history's id, account and the epoch that recorded its begin.
    pub id: String,
    /// What people were notified of; `None`: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notified: Option<Notified>,
    /// How often the deployment was tried again.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub tried_again: u64,
}

/// What people were notified of in an incident.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Notified {
    /// That it was stuck.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stuck: bool,
    /// The last failure, or the last status that nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// The error code of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// When that was, in seconds since 1970. What was tried again is only counted, and does not postpone a reminder.
    #[serde(default)]
    pub at: i64,
}

impl Notified {
    /// Adds what a message says of a state.
    #[must_use]
    pub fn and(self, state: &State, at: i64) -> Self {
        match state.health() {
            Health::Failed | Health::Unrecognised => {
                let (status, error_code) = (Some(state.status.clone()), state.error_code.clone());
                Self { status, error_code, at, ..self }
            }
            Health::Stuck => Self { stuck: true, at, ..self },
            Health::InProgress | Health::Healthy | Health::Removed => Self { at, ..self },
        }
    }

    /// Whether a state is no news to those who were notified of this.
    pub fn covers(&self, state: &State) -> bool {
        let known = self.status.as_ref();
        match state.health() {
            // A deployment that fails as an update, too, is the same failure.
            Health::Failed => {
                let is_same = |status: &Status| {
                    status.phase() == Phase::Failed && status.is_deletion() == state.status.is_deletion()
                };
                known.is_some_and(is_same) && self.error_code == state.error_code
            }
            Health::Unrecognised => known == Some(&state.status),
            Health::Stuck => self.stuck,
            Health::InProgress | Health::Healthy | Health::Removed => false,
        }
    }
}

impl Incident {
    /// An incident that this epoch records.
    pub fn begun(target: &Target, history_id: &str, account: AccountId, epoch: u64) -> Self {
        let (account, epoch) = (account.to_string(), epoch.to_string());
        let id = id::of(&[target.region.as_str(), target.pack.as_str(), history_id, &account, &epoch]);
        Self { id, notified: None, tried_again: 0 }
    }

    /// Whether people know that a state is so.
    pub fn is_known(&self, state: &State) -> bool {
        self.notified.as_ref().is_some_and(|notified| notified.covers(state))
    }
}

/// An incident that is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ClosedIncident {
    /// Its id.
    pub id: String,
    /// When it began.
    pub failing_since: Timestamp,
}

/// One recorded change of one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Transition {
    /// The member account.
    #[serde(rename = "AccountId")]
    pub account: AccountId,
    /// The epoch of the commit that recorded it.
    #[serde(rename = "Sequence")]
    pub epoch: u64,
    /// What it means.
    pub kind: Kind,
    /// What was recorded before; `None` when the account was not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<State>,
    /// What is the case now; `None` when the account has left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<State>,
    /// Since when the account is unhealthy, or had not been until now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    /// When packwatch read it.
    pub observed_at: Timestamp,
    /// A silence covers it: people are not notified.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub silenced: bool,
    /// The account begins to change too often: how many times it did within an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flapping: Option<u64>,
    /// The account goes on changing too often: people are not notified.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub damped: bool,
    /// The incident that it belongs to, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident_id: Option<String>,
    /// A baseline found it: it was so before the first scan.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub baseline: bool,
    /// Whether people are to be notified, as judged when it was recorded.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub notify: bool,
}

impl Transition {
    /// Whether it is the first one of its incident.
    pub fn begins_incident(&self, target: &Target, history_id: &str) -> bool {
        let begun = Incident::begun(target, history_id, self.account, self.epoch);
        self.incident_id.as_ref() == Some(&begun.id)
    }

    /// How much it matters.
    pub fn severity(&self) -> Severity {
        let phase = self.to.as_ref().map(|to| to.status.phase());
        severity(self.kind, phase, self.incident_id.is_some(), self.flapping.is_some())
    }
}

/// How much a change matters: of an account that settles, as much as where it stands now; of one that begins to change
/// too often, a warning at least.
pub fn severity(kind: Kind, now: Option<Phase>, is_in_incident: bool, flaps: bool) -> Severity {
    match (kind, now) {
        (Kind::Settled, Some(Phase::Failed)) => Severity::Failure,
        (Kind::Settled, Some(Phase::Unrecognised)) => Severity::Warning,
        (Kind::Settled, Some(Phase::InProgress)) if is_in_incident => Severity::Warning,
        (Kind::Settled, Some(Phase::InProgress)) => Severity::Info,
        (kind, _) if flaps => kind.severity().min(Severity::Warning),
        (kind, _) => kind.severity(),
    }
}

#[cfg(test)]
mod tests;
