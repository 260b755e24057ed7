//! The ids of what a log records: the same in every copy, whoever sends it.

use crate::model::{AccountId, Target};
use crate::state::Transition;
use crate::state::id;
use crate::state::log::Record;

/// A record's id: the same in every copy, whoever sends it.
pub fn record_id(target: &Target, history_id: &str, record: &Record) -> String {
    match record {
        Record::Account(transition) => {
            transition_id(target, history_id, transition.epoch, transition.account)
        }
        Record::Pack(notice) => id_of(target, history_id, notice.epoch, notice.event.as_str()),
    }
}

/// A transition's id.
pub(super) fn transition_id(target: &Target, history_id: &str, epoch: u64, account: AccountId) -> String {
    id_of(target, history_id, epoch, &account.to_string())
}

pub(in crate::notify) fn id_of(target: &Target, history_id: &str, epoch: u64, about: &str) -> String {
    id::of(&[target.region.as_str(), target.pack.as_str(), history_id, &epoch.to_string(), about])
}

/// Whose log it is.
#[derive(Debug, Clone, Copy)]
pub(in crate::notify) struct Identity<'a> {
    pub(in crate::notify) target: &'a Target,
    pub(in crate::notify) history_id: &'a str,
}

impl Identity<'_> {
    pub(super) fn transition_id(&self, epoch: u64, account: AccountId) -> String {
        transition_id(self.target, self.history_id, epoch, account)
    }

    /// Whether a change began its incident. What a baseline finds began before.
    pub(super) fn begins(&self, transition: &Transition) -> bool {
        !transition.baseline && transition.begins_incident(self.target, self.history_id)
    }
}
