//! What a change means: the table of "Which kind is a change?" in `docs/messages.md`, as one pure function. Whether
//! people are notified is another question, and [`crate::watch::compare::policy`]'s.

use crate::model::Kind;
use crate::state::{Health, Row, State};

/// What a change means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    /// The kind under which it is recorded; `None` where there is nothing to record but the row.
    pub kind: Option<Kind>,
    /// What becomes of the account's incident.
    pub incident: Effect,
}

/// What becomes of an account's incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// There is none.
    None,
    /// One begins.
    Begins,
    /// It goes on.
    GoesOn,
    /// It ends.
    Ends,
}

/// The rows of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Was {
    NotThere,
    /// Healthy, or in progress without an incident.
    Fine,
    InIncident,
}

/// A cell of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cell {
    Nothing,
    Always(Kind),
    IfStatusIsNew(Kind),
    /// `Failed` where people do not know this failure, else `FailedAgain`.
    FailedOrFailedAgain,
}

/// The table.
#[rustfmt::skip]
fn cell(was: Was, is: Health) -> Cell {
    use Cell::{Always, FailedOrFailedAgain, IfStatusIsNew, Nothing};
    use Health::{Failed, Healthy, InProgress, Removed, Stuck, Unrecognised};
    use Was::{Fine, InIncident, NotThere};
    match (was, is) {
        (NotThere | Fine, Failed)       => Always(Kind::Failed),
        (NotThere | Fine, Stuck)        => Always(Kind::Stuck),
        (NotThere | Fine, Unrecognised) => Always(Kind::Unrecognised),

        (NotThere, InProgress)          => Always(Kind::Joined),
        (NotThere, Healthy)             => Always(Kind::Joined),
        (NotThere, Removed)             => Nothing,

        (Fine, InProgress)              => Always(Kind::InProgress),
        (Fine, Healthy)                 => Always(Kind::Succeeded),
        (Fine, Removed)                 => Always(Kind::Left),

        (InIncident, Failed)            => FailedOrFailedAgain,
        (InIncident, Stuck)             => Always(Kind::Stuck),
        (InIncident, Unrecognised)      => IfStatusIsNew(Kind::Unrecognised),
        (InIncident, InProgress)        => IfStatusIsNew(Kind::InProgress),
        (InIncident, Healthy)           => Always(Kind::Recovered),
        (InIncident, Removed)           => Always(Kind::Left),
    }
}

/// An incident lasts from the first unhealthy state to the next one that is healthy, or until the account is removed.
fn effect(was: Was, is: Health) -> Effect {
    match (was, is) {
        (Was::InIncident, Health::Healthy | Health::Removed) => Effect::Ends,
        (Was::InIncident, _) => Effect::GoesOn,
        (Was::NotThere | Was::Fine, is) if is.is_unhealthy() => Effect::Begins,
        (Was::NotThere | Was::Fine, _) => Effect::None,
    }
}

/// What it means that an account is now `to`; `None`: it is not there. `due`: a reminder of its incident is. In a
/// `baseline` nobody joins.
pub fn meaning(before: Option<&Row>, to: Option<&State>, due: bool, baseline: bool) -> Meaning {
    let is = to.map_or(Health::Removed, State::health);
    let was = match before {
        Some(before) if before.incident.is_some() => Was::InIncident,
        Some(_) => Was::Fine,
        None => Was::NotThere,
    };
    let kind = match (was, before, to) {
        (Was::NotThere, ..) if baseline && !is.is_unhealthy() => None,
        (Was::NotThere, ..) | (_, None, _) | (_, _, None) => always(cell(was, is)),
        (Was::Fine, Some(before), Some(to)) => always(cell(was, is)).filter(|_| !is_still(before, to)),
        (Was::InIncident, Some(before), Some(to)) => within_incident(before, to, due),
    };
    Meaning { kind, incident: effect(was, is) }
}

fn always(cell: Cell) -> Option<Kind> {
    if let Cell::Always(kind) = cell { Some(kind) } else { None }
}

/// What a change of an account means that was in an incident and is there. What people do not know comes first, then
/// that the incident goes on, then what only machines need.
fn within_incident(before: &Row, to: &State, due: bool) -> Option<Kind> {
    let is = to.health();
    let is_known = before.incident.as_ref().is_some_and(|incident| incident.is_known(to));
    // What the silence hid is reported in full; what people knew is only remembered.
    if before.state.silenced && !to.silenced && is.is_unhealthy() {
        return if is_known { Some(Kind::Reminder) } else { always(cell(Was::NotThere, is)) };
    }
    let is_new = to.status != before.state.status || to.stuck != before.state.stuck;
    let kind = match cell(Was::InIncident, is) {
        _ if is_still(before, to) => None,
        Cell::FailedOrFailedAgain if is_known => Some(Kind::FailedAgain),
        Cell::FailedOrFailedAgain => Some(Kind::Failed),
        Cell::IfStatusIsNew(kind) => is_new.then_some(kind),
        Cell::Always(kind) => Some(kind),
        Cell::Nothing => None,
    };
    let is_news = kind.is_some_and(|kind| kind == Kind::Recovered || (is.is_unhealthy() && !is_known));
    if due && !is_news { Some(Kind::Reminder) } else { kind }
}

/// Whether AWS Config says of the account what it said before.
fn is_still(before: &Row, to: &State) -> bool {
    before.state.is_same_event(to) && before.state.stuck == to.stuck
}
