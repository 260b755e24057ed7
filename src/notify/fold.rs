//! A digest, folded from the log: backwards, a page at a time, so that one huge target takes no more room than a small
//! one. What is kept is a sum of ids, the worst accounts that fit, and of each account that was seen a few numbers, from
//! which every count is made at the end.

mod causes;
mod life;
mod merge;

use jiff::Timestamp;

use self::causes::Causes;
use self::life::Life;
pub use self::merge::digest;
use super::document::{StateNotice, TransitionNotice};
use crate::model::{AccountId, Kind, Phase, Target};
use crate::state::head::Counts;
use crate::state::id;
use crate::state::log::{PackEvent, Record};
use crate::state::{Incident, Transition};

/// Accounts of a digest's whole that are kept to be named. More do not fit into a message.
pub const MOST_NAMED: usize = 1000;

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
pub fn transition_id(target: &Target, history_id: &str, epoch: u64, account: AccountId) -> String {
    id_of(target, history_id, epoch, &account.to_string())
}

fn id_of(target: &Target, history_id: &str, epoch: u64, about: &str) -> String {
    id::of(&[target.region.as_str(), target.pack.as_str(), history_id, &epoch.to_string(), about])
}

/// What a transition is reported as.
pub fn transition_notice(target: &Target, history_id: &str, transition: &Transition) -> TransitionNotice {
    TransitionNotice {
        id: transition_id(target, history_id, transition.epoch, transition.account),
        kind: transition.kind,
        account_id: transition.account,
        account_name: None,
        account_state: None,
        section: None,
        earlier: Vec::new(),
        from: transition.from.as_ref().map(StateNotice::before),
        to: transition.to.as_ref().map(StateNotice::now),
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

/// Whose log it is.
#[derive(Debug, Clone, Copy)]
struct Identity<'a> {
    target: &'a Target,
    history_id: &'a str,
}

impl Identity<'_> {
    fn transition_id(&self, epoch: u64, account: AccountId) -> String {
        transition_id(self.target, self.history_id, epoch, account)
    }

    /// Whether a change began its incident. What a baseline finds began before.
    fn begins(&self, transition: &Transition) -> bool {
        let Transition { account, epoch, .. } = *transition;
        let begun = Incident::begun(self.target, self.history_id, account, epoch);
        !transition.baseline && transition.incident_id.as_ref() == Some(&begun.id)
    }
}

/// What of one target's log goes into a digest.
#[derive(Debug)]
pub struct Fold<'a> {
    identity: Identity<'a>,
    accounts: u64,
    failed: u64,
    most: usize,
    observed_at: Option<Timestamp>,
    silenced: u64,
    damped: u64,
    ids: Ids,
    causes: Causes,
    /// The lives of the pack, the latest first.
    lives: Vec<Life>,
}

/// A sum of ids, in whatever order they come.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Ids {
    sum: u128,
    count: u64,
}

impl Ids {
    fn add(&mut self, id: &str) {
        self.sum = self.sum.wrapping_add(u128::from_str_radix(id, 16).unwrap_or_default());
        self.count += 1;
    }
}

impl<'a> Fold<'a> {
    /// Nothing yet of a target that has so many accounts in each status; `most` accounts are named.
    pub fn new(target: &'a Target, history_id: &'a str, accounts: &Counts, most: usize) -> Self {
        let failed = accounts.iter().filter(|(status, _)| status.phase() == Phase::Failed);
        Self {
            identity: Identity { target, history_id },
            accounts: accounts.values().sum(),
            failed: failed.map(|(_, n)| n).sum(),
            most,
            observed_at: None,
            silenced: 0,
            damped: 0,
            ids: Ids::default(),
            causes: Causes::default(),
            lives: vec![Life::default()],
        }
    }

    /// Takes the record before those that were taken.
    pub fn add(&mut self, record: &Record) {
        self.observed_at = self.observed_at.max(Some(record.observed_at()));
        match record {
            Record::Account(transition) => self.add_account(transition),
            Record::Pack(notice) => {
                if notice.notify {
                    self.ids.add(&record_id(self.identity.target, self.identity.history_id, record));
                }
                // What stands before the end of a life belongs to it, and to no later one.
                if notice.event == PackEvent::PackDeleted {
                    self.lives.push(Life::default());
                }
                let Some(life) = self.lives.last_mut() else { return };
                life.since = Some(notice.observed_at);
                match notice.event {
                    PackEvent::PackDeleted => life.deleted = Some(notice.clone()),
                    PackEvent::Baseline => life.begun = Some(notice.clone()),
                }
            }
        }
    }

    fn add_account(&mut self, transition: &Transition) {
        if !transition.notify {
            self.silenced += u64::from(transition.silenced);
            self.damped += u64::from(transition.damped && !transition.silenced);
            return;
        }
        let Identity { target, history_id } = self.identity;
        let notice = transition_notice(target, history_id, transition);
        self.ids.add(&notice.id);
        let Some(life) = self.lives.last_mut() else { return };
        life.add(notice, transition, &self.identity, &mut self.causes);
        life.name_no_more_than(self.most);
    }

    /// Whether there is anything to tell people.
    pub fn notifies(&self) -> bool {
        self.lives.iter().any(|life| life.notice_type().is_some())
    }

    fn id(&self) -> String {
        let Ids { sum, count } = self.ids;
        let Identity { target: Target { region, pack }, history_id } = self.identity;
        id::of(&[region.as_str(), pack.as_str(), history_id, &sum.to_string(), &count.to_string()])
    }
}

#[cfg(test)]
mod tests;
