//! Whether people are told of a change. It is judged when the change is recorded, and the record keeps the answer, so
//! that a digest that is sent later says the same.
//!
//! Whoever heard about an incident hears how it ends, however that is. Nobody hears about the end of an incident that
//! they had not heard about.

use crate::model::Kind;
use crate::settings::Notify;
use crate::state::{Health, Incident, State};
use crate::watch::compare::flap::Flap;

/// What decides.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// What the change means.
    pub kind: Kind,
    /// How the account is now; `None`: it is not there.
    pub to: Option<&'a State>,
    /// The incident that the change belongs to, with what people had heard about it.
    pub incident: Option<&'a Incident>,
    /// Whether people believe that the account is not well, and from now on it is, or is not there.
    pub ends_told: bool,
    /// What its turns make of the account.
    pub flap: &'a Flap,
    /// Whether a silence covers the change.
    pub covered: bool,
    /// Whether a silence covered this state before, and no longer does.
    pub silence_ended: bool,
    /// Whether the account was left out by the settings, or went with its whole pack.
    pub unasked: bool,
    /// Whether the whole pack is being deleted.
    pub deleting: bool,
    /// Whether a baseline found it.
    pub baseline: bool,
}

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Telling {
    /// People are told.
    pub told: bool,
    /// A silence keeps it from them.
    pub silenced: bool,
    /// The account's flapping keeps it from them.
    pub damped: bool,
    /// They are told that the account begins to flap: how many times it turned.
    pub flapping: Option<u64>,
}

/// Judges a change.
pub fn telling(facts: Facts<'_>, notify: &Notify) -> Telling {
    let Facts { kind, flap, covered, ends_told, .. } = facts;
    // A silence hides no end of what people know about.
    let silenced = covered && !ends_told;
    // Whoever is not told that an account begins to flap must be told of its next change, so it does not begin here.
    let flapping = flap.begins.filter(|_| !covered);
    let damped = flap.goes_on && !facts.silence_ended && !matches!(kind, Kind::Stuck | Kind::Left);
    let told = !silenced && !damped && (flapping.is_some() || is_wanted(facts, notify));
    Telling { told, silenced, damped, flapping }
}

fn is_wanted(facts: Facts<'_>, notify: &Notify) -> bool {
    let Facts { kind, to, ends_told, .. } = facts;
    let is_known = || facts.incident.zip(to).is_some_and(|(incident, to)| incident.is_known(to));
    match kind {
        Kind::Recovered => ends_told && notify.tells(kind),
        Kind::Left if ends_told => notify.tells(kind) || notify.tells(Kind::Recovered),
        // A pack that is deleted on purpose is one message.
        Kind::Left => !facts.deleting && !facts.unasked && notify.tells(kind),
        Kind::InProgress => !facts.deleting && notify.tells(kind),
        Kind::Stuck | Kind::Unrecognised if is_known() => false,
        Kind::Reminder if facts.silence_ended => {
            notify.tells(kind) || to.and_then(ill).is_some_and(|kind| notify.tells(kind))
        }
        _ => notify.tells(kind) || (facts.baseline && to.and_then(ill).is_some() && notify.tells_baseline()),
    }
}

/// The kind under which an ill state is first told.
fn ill(state: &State) -> Option<Kind> {
    match state.health() {
        Health::Failed => Some(Kind::Failed),
        Health::Stuck => Some(Kind::Stuck),
        Health::Unrecognised => Some(Kind::Unrecognised),
        Health::Moving | Health::Well | Health::Removed => None,
    }
}

/// Whether a message of this kind, about an account in an incident, says that the account is not well.
pub fn says_ill(kind: Kind) -> bool {
    match kind {
        Kind::Failed
        | Kind::FailedAgain
        | Kind::Unrecognised
        | Kind::Stuck
        | Kind::Reminder
        | Kind::Settled => true,
        Kind::Recovered | Kind::Joined | Kind::Left | Kind::Succeeded | Kind::InProgress => false,
    }
}
