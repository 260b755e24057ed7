//! What the row of an account knows of its incident, and what becomes of that. Pure.

use jiff::Timestamp;

use crate::model::Kind;
use crate::state::{ClosedIncident, Health, Incident, State};
use crate::watch::compare::policy::{self, NotificationDecision};

/// What the row of an account knows.
pub(super) struct Past {
    pub(super) incident: Option<Incident>,
    pub(super) began: Timestamp,
    pub(super) pending_resolution: Option<Box<ClosedIncident>>,
}

impl Past {
    /// Whether a change of this kind, which leaves the account in no incident, ends what people were notified of.
    pub(super) fn ends_notified(&self, kind: Kind) -> bool {
        let was_notified = self.incident.as_ref().is_some_and(|incident| incident.notified.is_some());
        matches!(kind, Kind::Recovered | Kind::Left | Kind::Settled)
            && (was_notified || self.pending_resolution.is_some())
    }

    /// When people were last notified of its incident, or it began.
    pub(super) fn notified_at(&self) -> Timestamp {
        let notified = self.incident.as_ref().and_then(|incident| incident.notified.as_ref());
        let at = notified.and_then(|notified| Timestamp::from_second(notified.at).ok());
        at.map_or(self.began, |at| at.max(self.began))
    }

    /// The incident that a change of this kind ends, and when it began.
    pub(super) fn ends(&self, kind: Kind) -> Option<(String, Timestamp)> {
        let incident = self.incident.as_ref().map(|incident| (incident.id.clone(), self.began));
        let pending =
            || self.pending_resolution.as_ref().map(|ended| (ended.id.clone(), ended.failing_since));
        let says_so = matches!(kind, Kind::Left | Kind::Settled);
        incident.or_else(|| pending().filter(|_| says_so))
    }

    /// The end that people are to be notified of when the account has settled.
    pub(super) fn pending_resolution(
        &self,
        is_over: bool,
        decision: Option<(Kind, NotificationDecision)>,
    ) -> Option<Box<ClosedIncident>> {
        let Some((kind, decision)) = decision else { return self.pending_resolution.clone() };
        let said = decision.notify && (is_over || policy::says_unhealthy(kind));
        let notified = self.incident.as_ref().filter(|incident| incident.notified.is_some());
        let closed =
            |of: &Incident| Box::new(ClosedIncident { id: of.id.clone(), failing_since: self.began });
        match notified {
            _ if said => None,
            Some(incident) if is_over && decision.damped => Some(closed(incident)),
            _ => self.pending_resolution.clone(),
        }
    }
}

/// The incident, with what people are notified of it now.
pub(super) fn with_notified(
    incident: Incident,
    to: &State,
    decision: Option<(Kind, NotificationDecision)>,
    at: Timestamp,
) -> Incident {
    let said = decision.filter(|(kind, decision)| decision.notify && policy::says_unhealthy(*kind));
    let Some((kind, _)) = said else { return incident };
    let notified = incident.notified.unwrap_or_default();
    let at = if kind == Kind::FailedAgain { notified.at } else { at.as_second() };
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
