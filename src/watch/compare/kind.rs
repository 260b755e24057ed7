//! What a change means: the table of "Which kind is a change?" in `docs/messages.md`, as pure functions. Whether
//! people are notified is another question, and [`crate::watch::compare::policy`]'s.

use crate::model::Kind;
use crate::state::{Health, Row, State};

/// What it means that an account is now in this state; `None`: there is nothing to record but the row. `due`: a reminder
/// of its incident is. In a `baseline` nobody joins.
pub fn of(before: Option<&Row>, to: &State, due: bool, baseline: bool) -> Option<Kind> {
    match (before, to.health()) {
        (Some(before), _) if before.incident.is_some() => within_incident(before, to, due),
        (Some(before), _) if is_still(before, to) => None,
        (_, Health::Failed | Health::Stuck | Health::Unrecognised) => unhealthy(to),
        (None, Health::InProgress | Health::Healthy) => (!baseline).then_some(Kind::Joined),
        (None, Health::Removed) => None,
        (Some(_), Health::InProgress) => Some(Kind::InProgress),
        (Some(_), Health::Healthy) => Some(Kind::Succeeded),
        (Some(_), Health::Removed) => Some(Kind::Left),
    }
}

/// The kind under which an unhealthy state is first reported.
pub fn unhealthy(state: &State) -> Option<Kind> {
    match state.health() {
        Health::Failed => Some(Kind::Failed),
        Health::Stuck => Some(Kind::Stuck),
        Health::Unrecognised => Some(Kind::Unrecognised),
        Health::InProgress | Health::Healthy | Health::Removed => None,
    }
}

/// Whether an account is in an incident: from the first unhealthy state to the next one that is healthy.
pub fn is_in_incident(before: Option<&Row>, to: &State) -> bool {
    match to.health() {
        Health::InProgress => before.is_some_and(|before| before.incident.is_some()),
        health => health.is_unhealthy(),
    }
}

/// What a change of an account means that was in an incident. What people do not know comes first, then that the incident
/// goes on, then what only machines need.
fn within_incident(before: &Row, to: &State, due: bool) -> Option<Kind> {
    let is = to.health();
    let is_known = before.incident.as_ref().is_some_and(|incident| incident.is_known(to));
    // What the silence hid is reported in full; what people knew is only remembered.
    if before.state.silenced && !to.silenced && is.is_unhealthy() {
        return if is_known { Some(Kind::Reminder) } else { unhealthy(to) };
    }
    let is_new = to.status != before.state.status || to.stuck != before.state.stuck;
    let kind = match is {
        _ if is_still(before, to) => None,
        Health::Failed if is_known => Some(Kind::FailedAgain),
        Health::Failed => Some(Kind::Failed),
        Health::Stuck => Some(Kind::Stuck),
        Health::Unrecognised => is_new.then_some(Kind::Unrecognised),
        Health::InProgress => is_new.then_some(Kind::InProgress),
        Health::Healthy => Some(Kind::Recovered),
        Health::Removed => Some(Kind::Left),
    };
    let is_news = kind.is_some_and(|kind| kind == Kind::Recovered || (is.is_unhealthy() && !is_known));
    if due && !is_news { Some(Kind::Reminder) } else { kind }
}

/// Whether AWS Config says of the account what it said before.
fn is_still(before: &Row, to: &State) -> bool {
    before.state.is_same_event(to) && before.state.stuck == to.stuck
}
