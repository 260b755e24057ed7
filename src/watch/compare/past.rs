//! What the row of an account knows of its incident, and what becomes of that. Pure.

use jiff::Timestamp;

use crate::model::Kind;
use crate::state::{ClosedIncident, Health, Incident, State, Transition};
use crate::watch::compare::policy;

/// What the row of an account knows.
pub(super) struct Past<'a> {
    pub(super) incident: Option<&'a Incident>,
    pub(super) began: Timestamp,
    pub(super) pending_resolution: Option<&'a ClosedIncident>,
}

impl Past<'_> {
    /// Whether a change of this kind, which leaves the account in no incident, ends what people were notified of.
    pub(super) fn ends_notified(&self, kind: Kind) -> bool {
        let was_notified = self.incident.is_some_and(|incident| incident.notified.is_some());
        matches!(kind, Kind::Recovered | Kind::Left | Kind::Settled)
            && (was_notified || self.pending_resolution.is_some())
    }

    /// When people were last notified of its incident, or it began.
    pub(super) fn notified_at(&self) -> Timestamp {
        let notified = self.incident.and_then(|incident| incident.notified.as_ref());
        let at = notified.and_then(|notified| Timestamp::from_second(notified.at).ok());
        at.map_or(self.began, |at| at.max(self.began))
    }

    /// The incident that a change of this kind ends, and when it began.
    pub(super) fn ends(&self, kind: Kind) -> Option<(String, Timestamp)> {
        let pending = self.pending_resolution.filter(|_| matches!(kind, Kind::Left | Kind::Settled));
        match self.incident {
            Some(incident) => Some((incident.id.clone(), self.began)),
            None => pending.map(|ended| (ended.id.clone(), ended.failing_since)),
        }
    }

    /// The end that people are to be notified of when the account has settled.
    pub(super) fn pending_resolution(
        &self,
        is_over: bool,
        change: Option<&Transition>,
    ) -> Option<Box<ClosedIncident>> {
        let is_said = |change: &Transition| change.notify && (is_over || policy::says_unhealthy(change.kind));
        if change.is_some_and(is_said) {
            return None;
        }
        let notified = self.incident.filter(|incident| incident.notified.is_some());
        match notified.filter(|_| is_over && change.is_some_and(|change| change.damped)) {
            Some(Incident { id, .. }) => {
                Some(Box::new(ClosedIncident { id: id.clone(), failing_since: self.began }))
            }
            None => self.pending_resolution.cloned().map(Box::new),
        }
    }
}

/// The incident, with what people are notified of it now.
pub(super) fn with_notified(incident: Incident, to: &State, change: Option<&Transition>) -> Incident {
    let said = change.filter(|change| change.notify && policy::says_unhealthy(change.kind));
    let Some(Transition { kind, observed_at, .. }) = said else { return incident };
    let notified = incident.notified.unwrap_or_default();
    let at = if *kind == Kind::FailedAgain { notified.at } else { observed_at.as_second() };
    Incident { notified: Some(notified.and(to, at)), ..incident }
}

/// Whether an unhealthy deployment was tried again: it moves on, or has failed anew.
pub(super) fn is_tried_again(from: &State, to: &State) -> bool {
    match (from.health(), to.health()) {
        (Health::Failed, Health::Failed) => from.last_update != to.last_update,
        (from, Health::InProgress) => from.is_unhealthy(),
        _ => false,
    }
}
