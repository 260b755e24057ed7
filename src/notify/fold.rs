//! A digest, folded from the log: backwards, a page at a time, so that one huge target takes no more room than a small
//! one. What is kept is a hash of ids, the worst accounts that fit, and of each account that was seen a few numbers, from
//! which every count is made at the end.

mod causes;
pub(super) mod digest;
mod life;

use jiff::Timestamp;

use self::causes::Causes;
use self::life::Life;
use super::record::Log;
use crate::model::{Phase, Target};
use crate::state::Transition;
use crate::state::head::Counts;
use crate::state::id;
use crate::state::log::{Notice, PackEvent, Record};

/// Accounts of a digest's whole that are kept to be named. More do not fit into a message.
pub const MOST_NAMED: usize = 1000;

/// What of one target's log goes into a digest.
#[derive(Debug)]
pub struct Fold<'a> {
    log: Log<'a>,
    accounts: u64,
    failed: u64,
    in_progress: u64,
    most: usize,
    observed_at: Option<Timestamp>,
    silenced: u64,
    damped: u64,
    /// A hash of the ids of all that it tells.
    id: String,
    causes: Causes,
    /// The lives of the pack, the latest first.
    lives: Vec<Life>,
}

impl<'a> Fold<'a> {
    /// Nothing yet of a target that has so many accounts in each status; `most` accounts are named.
    pub fn new(target: &'a Target, history_id: &'a str, accounts: &Counts, most: usize) -> Self {
        let of = |phase| accounts.iter().filter(|(status, _)| status.phase() == phase).map(|(_, n)| n).sum();
        Self {
            log: Log { target, history_id },
            accounts: accounts.values().sum(),
            failed: of(Phase::Failed),
            in_progress: of(Phase::InProgress),
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
            Record::Account(transition) if transition.notify => self.add_account(transition),
            Record::Account(transition) => {
                self.silenced += u64::from(transition.silenced);
                self.damped += u64::from(transition.damped && !transition.silenced);
            }
            Record::Pack(notice) => self.add_pack(notice),
        }
    }

    fn add_pack(&mut self, notice: &Notice) {
        if notice.notify {
            self.add_id(&self.log.id_of(notice.epoch, notice.event.as_str()));
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

    fn add_account(&mut self, transition: &Transition) {
        let notice = self.log.notice(transition);
        self.add_id(&notice.id);
        let Some(life) = self.lives.last_mut() else { return };
        life.add(transition, notice, self.log, &mut self.causes);
        life.name_no_more_than(self.most);
    }

    fn add_id(&mut self, id: &str) {
        self.id = id::of(&[&self.id, id]);
    }

    /// Whether there is anything to tell people.
    pub fn notifies(&self) -> bool {
        self.lives.iter().any(|life| life.reported().is_some())
    }
}

#[cfg(test)]
mod tests;
