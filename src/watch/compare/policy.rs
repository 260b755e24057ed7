//! Whether people are notified of a change. It is judged when the change is recorded, and the record keeps the answer,
//! so that a digest that is sent later says the same.
//!
//! Whoever heard about an incident hears how it ends, however that is. Nobody hears about the end of an incident that
//! they had not heard about.

use crate::model::Kind;
use crate::settings::Notify;
use crate::state::{Incident, Transition};
use crate::watch::compare::flap::Flap;
use crate::watch::compare::kind::unhealthy;

/// What decides beside the change itself.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The incident that the change belongs to, with what people had heard about it.
    pub incident: Option<&'a Incident>,
    /// Whether people believe that the account is unhealthy, and from now on it is, or is not there.
    pub ends_notified: bool,
    /// What its turns make of the account.
    pub flap: &'a Flap,
    /// Whether a silence covers the change.
    pub covered: bool,
    /// Whether it was to be expected: the whole pack is being deleted, or is gone, or the settings leave the account out.
    pub expected: bool,
}

/// Judges a change: the same with whether people are notified, and with what keeps it from them.
pub fn judged(change: Transition, facts: Facts<'_>, notify: &Notify) -> Transition {
    let Facts { flap, covered, ends_notified, .. } = facts;
    // A silence hides no end of what people know about.
    let silenced = covered && !ends_notified;
    // Whoever is not notified that an account begins to flap must be notified of its next change, so it does not begin
    // here.
    let flapping = flap.begins.filter(|_| !covered);
    let damped =
        flap.goes_on && !is_silence_over(&change) && !matches!(change.kind, Kind::Stuck | Kind::Left);
    let is_notified = !silenced && !damped && (flapping.is_some() || is_wanted(&change, facts, notify));
    Transition { notify: is_notified, silenced, damped, flapping, ..change }
}

/// Whether a silence covered the account's state before, and no longer does.
fn is_silence_over(Transition { from, to, .. }: &Transition) -> bool {
    from.as_ref().is_some_and(|from| from.silenced)
        && to.as_ref().is_some_and(|to| !to.silenced && to.health().is_unhealthy())
}

fn is_wanted(change: &Transition, facts: Facts<'_>, notify: &Notify) -> bool {
    let (kind, to, ends_notified) = (change.kind, change.to.as_ref(), facts.ends_notified);
    let is_known = || facts.incident.zip(to).is_some_and(|(incident, to)| incident.is_known(to));
    match kind {
        Kind::Recovered => ends_notified && notify.includes(kind),
        Kind::Left if ends_notified => notify.includes(kind) || notify.includes(Kind::Recovered),
        // A pack that is deleted on purpose is one message.
        Kind::Left | Kind::InProgress => !facts.expected && notify.includes(kind),
        Kind::Stuck | Kind::Unrecognised if is_known() => false,
        Kind::Reminder if is_silence_over(change) => {
            notify.includes(kind) || to.and_then(unhealthy).is_some_and(|kind| notify.includes(kind))
        }
        _ => {
            notify.includes(kind)
                || (change.baseline && to.and_then(unhealthy).is_some() && notify.includes_baseline())
        }
    }
}

/// Whether a message of this kind, about an account in an incident, says that the account is unhealthy.
pub fn says_unhealthy(kind: Kind) -> bool {
    use Kind::{Failed, FailedAgain, Reminder, Settled, Stuck, Unrecognised};
    matches!(kind, Failed | FailedAgain | Unrecognised | Stuck | Reminder | Settled)
}
