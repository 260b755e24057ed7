//! A digest, folded from the log: backwards, a page at a time, so that one huge target takes no more room than a small
//! one. What is kept is a hash of ids, the worst accounts that fit, and of each account that was seen a few numbers, from
//! which every count is made at the end.

mod causes;
mod identity;
mod life;

use jiff::Timestamp;

pub(super) use self::causes::CauseId;
use self::causes::Causes;
pub use self::identity::record_id;
use self::identity::transition_id;
pub(super) use self::identity::{Identity, id_of};
pub(super) use self::life::{Life, NameKey};
use super::document::{StateNotice, TransitionNotice};
use crate::model::{Kind, Phase, Target};
use crate::state::Transition;
use crate::state::head::Counts;
use crate::state::id;
use crate::state::log::{PackEvent, Record};

/// Accounts of a digest's whole that are kept to be named. More do not fit into a message.
pub const MOST_NAMED: usize = 1000;

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

/// What of one target's log goes into a digest.
#[derive(Debug)]
pub struct Fold<'a> {
    pub(super) identity: Identity<'a>,
    pub(super) accounts: u64,
    pub(super) failed: u64,
    most: usize,
    pub(super) observed_at: Option<Timestamp>,
    pub(super) silenced: u64,
    pub(super) damped: u64,
    /// A hash of the ids of all that it tells.
    pub(super) id: String,
    pub(super) causes: Causes,
    /// The lives of the pack, the latest first.
    pub(super) lives: Vec<Life>,
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
            id: String::new(),
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
                    let id = record_id(self.identity.target, self.identity.history_id, record);
                    self.id = id::of(&[&self.id, &id]);
                }
                // What stands before the end of a life belongs to it, and to no later one.
                if notice.event == PackEvent::PackDeleted {
                    self.lives.push(Life::default());
                }
                let Some(life) = self.lives.last_mut() else { return };
                life.observed(notice.observed_at);
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
        self.id = id::of(&[&self.id, &notice.id]);
        let Some(life) = self.lives.last_mut() else { return };
        life.add(notice, transition, &self.identity, &mut self.causes);
        life.name_no_more_than(self.most);
    }

    /// Whether there is anything to tell people.
    pub fn notifies(&self) -> bool {
        self.lives.iter().any(|life| life.reported().is_some())
    }
}

#[cfg(test)]
mod tests;
