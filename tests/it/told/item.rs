//! What was recorded, as far as it matters to people, and whether they hear of it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use packwatch::model::{AccountId, Kind, Target};
use packwatch::state::log::PackEvent;
use packwatch::state::silence::Silence;

use super::rules::{Rules, is_silenced};
use super::world::Row;
use crate::protocol::oracle::Is;

pub(crate) type Silences = BTreeMap<String, Silence>;

/// What people take for one and the same trouble.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// One of the world's.
    Failure(usize),
    Stuck,
    Unknown(String),
}

impl Cause {
    pub(crate) fn of(row: &Row, is: Is) -> Option<Self> {
        match is {
            Is::Failed => row.cause.map(Self::Failure),
            Is::Stuck => Some(Self::Stuck),
            Is::Unknown => Some(Self::Unknown(row.status.clone())),
            Is::Moving | Is::Well | Is::Gone => None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum What {
    Account(Kind),
    Pack(PackEvent, u64),
}

impl Default for What {
    fn default() -> Self {
        Self::Pack(PackEvent::Baseline, 0)
    }
}

/// Something that was recorded and that people may have to hear.
#[derive(Debug, Clone, Default)]
pub(crate) struct Item {
    pub(crate) at: Timestamp,
    /// `None`: the pack.
    pub(crate) account: Option<AccountId>,
    pub(crate) what: What,
    pub(crate) incident: Option<String>,
    pub(crate) status: Option<(String, Option<&'static str>)>,
    pub(crate) is_unhealthy: bool,
    /// It ends its incident.
    pub(crate) ends: bool,
    pub(crate) cause: Option<Cause>,
    pub(crate) flapping: bool,
    pub(crate) damped: bool,
    pub(crate) baseline: bool,
    pub(crate) silence_ended: bool,
    pub(crate) repeats: bool,
    pub(crate) was_removal: bool,
    pub(crate) was_stuck: bool,
    /// The whole pack is being deleted.
    pub(crate) unasked: bool,
    pub(crate) silenced_then: bool,
    pub(crate) notify_then: BTreeSet<String>,
}

impl Item {
    pub(crate) fn kind(&self) -> Option<Kind> {
        match self.what {
            What::Account(kind) => Some(kind),
            What::Pack(..) => None,
        }
    }

    pub(crate) fn is_routine(&self) -> bool {
        matches!(self.kind(), Some(Kind::FailedAgain | Kind::Succeeded | Kind::InProgress)) && !self.flapping
    }

    /// Whether a setting of `NOTIFY` wants it, the end of an incident aside.
    fn is_wanted(&self, notify: &BTreeSet<String>) -> bool {
        let wants = |word: &str| notify.contains("all") || notify.contains(word);
        let own = match self.what {
            What::Pack(PackEvent::Baseline, _) => wants("baseline"),
            What::Pack(PackEvent::PackDeleted, _) => wants("pack-deleted"),
            What::Account(Kind::Failed) => wants("failed"),
            What::Account(Kind::FailedAgain) => wants("failed") || wants("failed-again"),
            What::Account(Kind::Stuck) => wants("stuck"),
            What::Account(Kind::Unrecognised | Kind::Settled) => true,
            What::Account(Kind::Reminder) => {
                let status = self.status.as_ref().map(|(status, _)| status.as_str()).unwrap_or_default();
                let full = match status {
                    status if status.ends_with("_FAILED") => wants("failed"),
                    status if status.ends_with("_IN_PROGRESS") => wants("stuck"),
                    _ => true,
                };
                wants("reminder") || (self.silence_ended && full)
            }
            What::Account(Kind::Recovered) => wants("recovered"),
            What::Account(Kind::Left) => wants("left"),
            What::Account(Kind::InProgress) => wants("in-progress"),
            What::Account(Kind::Joined) => wants("joined"),
            What::Account(Kind::Succeeded) => wants("succeeded"),
        };
        own || self.flapping || (self.baseline && self.is_unhealthy && wants("baseline"))
    }
}

/// Whether people hear of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ear {
    Not,
    May,
    Must,
}

/// Whether people hear of it, judged now; `told` is whether they know, or will, of its incident.
pub(crate) fn ear(
    rules: &Rules,
    silences: &Silences,
    now: Timestamp,
    target: &Target,
    item: &Item,
    told: Ear,
) -> Ear {
    let wants = |notify: &BTreeSet<String>, word: &str| notify.contains("all") || notify.contains(word);
    let both = |is_wanted: &dyn Fn(&BTreeSet<String>) -> bool| match (
        is_wanted(&item.notify_then),
        is_wanted(&rules.notify),
    ) {
        (true, true) => Ear::Must,
        (false, true) => Ear::May,
        // It is judged when something is recorded.
        (true, false) => Ear::May,
        (false, false) => Ear::Not,
    };
    if item.damped || item.repeats {
        return Ear::Not;
    }
    let kind = item.kind();
    let end = if item.ends && kind != Some(Kind::Settled) {
        let wanted =
            both(&|notify| wants(notify, "recovered") || (kind == Some(Kind::Left) && wants(notify, "left")));
        wanted.min(told)
    } else {
        Ear::Not
    };
    if item.ends && kind == Some(Kind::Recovered) && !item.flapping {
        return end;
    }
    let mut own = both(&|notify| item.is_wanted(notify));
    if kind.is_some_and(|kind| is_silenced(silences, target, item.account, kind, now)) {
        // The end of what people know is exempt, and Settled may be such an end.
        own = if kind == Some(Kind::Settled) { Ear::May } else { Ear::Not };
    } else if item.silenced_then || item.is_routine() {
        own = own.min(Ear::May);
    }
    if kind == Some(Kind::Left) && item.unasked {
        own = if item.was_removal { Ear::Not } else { own.min(Ear::May) };
    }
    // A pack that is gone is one message, and the ends of what people know.
    own.max(end)
}
