//! What the records of a log are reported as, with the same ids in every copy, whoever sends it.

use super::document::{TransitionNotice, for_readers, status_for_readers};
use crate::model::{Kind, Target};
use crate::state::log::Record;
use crate::state::{Transition, id};

/// Whose log it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Log<'a> {
    pub(super) target: &'a Target,
    pub(super) history_id: &'a str,
}

/// A record's id: the same in every copy, whoever sends it.
pub fn record_id(target: &Target, history_id: &str, record: &Record) -> String {
    let log = Log { target, history_id };
    match record {
        Record::Account(transition) => log.id_of(transition.epoch, &transition.account.to_string()),
        Record::Pack(notice) => log.id_of(notice.epoch, notice.event.as_str()),
    }
}

impl Log<'_> {
    /// The id of what an epoch records about an account or the pack.
    pub(super) fn id_of(self, epoch: u64, about: &str) -> String {
        let Target { region, pack } = self.target;
        id::of(&[region.as_str(), pack.as_str(), self.history_id, &epoch.to_string(), about])
    }

    /// Whether a change began its incident. What a baseline finds began before.
    pub(super) fn begins(self, transition: &Transition) -> bool {
        !transition.baseline && transition.begins_incident(self.target, self.history_id)
    }

    /// What a transition is reported as.
    pub(super) fn notice(self, transition: &Transition) -> TransitionNotice {
        TransitionNotice {
            id: self.id_of(transition.epoch, &transition.account.to_string()),
            kind: transition.kind,
            account_id: transition.account,
            account_name: None,
            account_state: None,
            section: None,
            earlier: Vec::new(),
            from: transition.from.as_ref().map(status_for_readers),
            to: transition.to.as_ref().map(for_readers),
            failure: None,
            observed_at: transition.observed_at,
            sequence: transition.epoch,
            incident_id: transition.incident_id.clone(),
            failing_since: transition.failing_since,
            baseline: transition.baseline,
            silenced: transition.silenced,
            silence_ended: has_ended(transition),
            flapping: transition.flapping,
            damped: transition.damped,
        }
    }
}

/// Whether it is reported because a silence no longer covers what was so before.
fn has_ended(transition: &Transition) -> bool {
    match (&transition.from, &transition.to) {
        (Some(from), Some(to)) => {
            let is_still_so = transition.kind == Kind::Reminder || from.is_same_event(to);
            from.silenced && !to.silenced && to.health().is_unhealthy() && is_still_so
        }
        _ => false,
    }
}
