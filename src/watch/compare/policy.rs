//! Whether people are notified of a change. It is judged when the change is recorded, and the record keeps the answer,
//! so that a digest that is sent later says the same.
//!
//! Whoever heard about an incident hears how it ends, however that is. Nobody hears about the end of an incident that
//! they had not heard about.

use crate::model::Kind;
use crate::settings::Notify;
use crate::state::{Incident, State};
use crate::watch::compare::flap::Flap;
use crate::watch::compare::kind::unhealthy;

/// What decides.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// What the change means.
    pub kind: Kind,
    /// How the account is now; `None`: it is not there.
    pub to: Option<&'a State>,
    /// The incident that the change belongs to, with what people had heard about it.
    pub incident: Option<&'a Incident>,
    /// Whether people believe that the account is unhealthy, and from now on it is, or is not there.
    pub ends_notified: bool,
    /// What its turns make of the account.
    pub flap: &'a Flap,
    /// Whether a silence covers the change.
    pub covered: bool,
    /// Whether a silence covered this state before, and no longer does.
    pub silence_ended: bool,
    /// Whether it was to be expected: the whole pack is being deleted, or is gone, or the settings leave the account out.
    pub expected: bool,
    /// Whether a baseline found it.
    pub baseline: bool,
}

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotificationDecision {
    /// People are notified.
    pub notify: bool,
    /// A silence keeps it from them.
    pub silenced: bool,
    /// The account's flapping keeps it from them.
    pub damped: bool,
    /// They are notified that the account begins to flap: how many times it turned.
    pub flapping: Option<u64>,
}

/// Judges a change.
pub fn decide(facts: Facts<'_>, notify: &Notify) -> NotificationDecision {
    let Facts { kind, flap, covered, ends_notified, .. } = facts;
    // A silence hides no end of what people know about.
    let silenced = covered && !ends_notified;
    // Whoever is not notified that an account begins to flap must be notified of its next change, so it does not begin
    // here.
    let flapping = flap.begins.filter(|_| !covered);
    let damped = flap.goes_on && !facts.silence_ended && !matches!(kind, Kind::Stuck | Kind::Left);
    let is_notified = !silenced && !damped && (flapping.is_some() || is_wanted(facts, notify));
    NotificationDecision { notify: is_notified, silenced, damped, flapping }
}

fn is_wanted(facts: Facts<'_>, notify: &Notify) -> bool {
    let Facts { kind, to, ends_notified, .. } = facts;
    let is_known = || facts.incident.zip(to).is_some_and(|(incident, to)| incident.is_known(to));
    match kind {
        Kind::Recovered => ends_notified && notify.includes(kind),
        Kind::Left if ends_notified => notify.includes(kind) || notify.includes(Kind::Recovered),
        // A pack that is deleted on purpose is one message.
        Kind::Left | Kind::InProgress => !facts.expected && notify.includes(kind),
        Kind::Stuck | Kind::Unrecognised if is_known() => false,
        Kind::Reminder if facts.silence_ended => {
            notify.includes(kind) || to.and_then(unhealthy).is_some_and(|kind| notify.includes(kind))
        }
        _ => {
            notify.includes(kind)
                || (facts.baseline && to.and_then(unhealthy).is_some() && notify.includes_baseline())
        }
    }
}

/// Whether a message of this kind, about an account in an incident, says that the account is unhealthy.
pub fn says_unhealthy(kind: Kind) -> bool {
    use Kind::{Failed, FailedAgain, Reminder, Settled, Stuck, Unrecognised};
    matches!(kind, Failed | FailedAgain | Unrecognised | Stuck | Reminder | Settled)
}
