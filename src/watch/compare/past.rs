//! What the row of an account knows of its incident, and what becomes of that. Pure.

use jiff::Timestamp;

use crate::model::Kind;
use crate::state::{Ended, Health, Incident, State};
use crate::watch::compare::policy::{self, Telling};

/// What the row of an account knows.
pub(super) struct Past {
    pub(super) incident: Option<Incident>,
    pub(super) began: Timestamp,
    pub(super) unsaid_end: Option<Box<Ended>>,
}

impl Past {
    /// Whether a change of this kind, which leaves the account in no incident, ends what people were told of.
    pub(super) fn ends_told(&self, kind: Kind) -> bool {
        let was_told = self.incident.as_ref().is_some_and(|incident| incident.told.is_some());
        matches!(kind, Kind::Recovered | Kind::Left | Kind::Settled)
            && (was_told || self.unsaid_end.is_some())
    }

    /// The incident that a change of this kind ends, and when it began.
    pub(super) fn ends(&self, kind: Kind) -> Option<(String, Timestamp)> {
        let incident = self.incident.as_ref().map(|incident| (incident.id.clone(), self.began));
        let unsaid = || self.unsaid_end.as_ref().map(|ended| (ended.id.clone(), ended.failing_since));
        let says_so = matches!(kind, Kind::Left | Kind::Settled);
        incident.or_else(|| unsaid().filter(|_| says_so))
    }

    /// The end that people are to be told of when the account has settled.
    pub(super) fn unsaid_end(&self, is_over: bool, telling: Option<(Kind, Telling)>) -> Option<Box<Ended>> {
        let Some((kind, telling)) = telling else { return self.unsaid_end.clone() };
        let said = telling.told && (is_over || policy::says_ill(kind));
        let told = self.incident.as_ref().filter(|incident| incident.told.is_some());
        let ended = |of: &Incident| Box::new(Ended { id: of.id.clone(), failing_since: self.began });
        match told {
            _ if said => None,
            Some(incident) if is_over && telling.damped => Some(ended(incident)),
            _ => self.unsaid_end.clone(),
        }
    }
}

/// The incident, with what people are told of it now.
pub(super) fn heard(incident: Incident, to: &State, telling: Option<(Kind, Telling)>) -> Incident {
    let says_ill = telling.is_some_and(|(kind, telling)| telling.told && policy::says_ill(kind));
    let told = if says_ill { Some(incident.told.unwrap_or_default().and(to)) } else { incident.told };
    Incident { told, ..incident }
}

/// Whether an ill deployment was tried again: it moves on, or has failed anew.
pub(super) fn is_tried_again(from: &State, to: &State) -> bool {
    match (from.health(), to.health()) {
        (Health::Failed, Health::Failed) => from.last_update != to.last_update,
        (from, Health::Moving) => from.is_ill(),
        _ => false,
    }
}
