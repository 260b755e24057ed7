//! A digest, folded from the log: backwards, a page at a time, so that one huge target takes no more room than a small
//! one. What is kept is the counts, the worst that fit, a sum of ids, and sixteen bytes for each account that was seen.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

use super::document::{
    NoticeType, Notification, PackNotice, StateNotice, TransitionNotice, Whole, is_routine,
};
use crate::model::{AccountId, Kind, Severity, Target};
use crate::state::Transition;
use crate::state::id;
use crate::state::log::{Notice, PackEvent, Record};

/// Accounts of a digest's whole that are kept to be named. More do not fit into a message.
pub const MOST_NAMED: usize = 1000;

/// Statuses that are kept to be named; AWS Config has nine.
const MOST_STATUSES: usize = 100;

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
        earlier: Vec::new(),
        from: transition.from.as_ref().map(StateNotice::before),
        to: transition.to.as_ref().map(StateNotice::now),
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
    target: &'a Target,
    history_id: &'a str,
    accounts: u64,
    most: usize,
    observed_at: Option<Timestamp>,
    silenced: u64,
    damped: u64,
    ids: Ids,
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

/// What happened to a pack until it was deleted, or until now.
#[derive(Debug, Default)]
struct Life {
    deleted: Option<Notice>,
    begun: Option<Notice>,
    counts: BTreeMap<&'static str, u64>,
    /// The accounts, each with the routine kind as which it counts, if it does.
    seen: HashMap<u64, Option<Kind>>,
    worst: BTreeMap<SortKey, TransitionNotice>,
    sort_keys: BTreeMap<AccountId, SortKey>,
    omitted: u64,
    severity: Option<Severity>,
    statuses: BTreeSet<String>,
}

/// Worst first, then by error code so that one cause stands together, then by account.
type SortKey = (Kind, Option<String>, AccountId);

fn sort_key(notice: &TransitionNotice) -> SortKey {
    let code = notice.to.as_ref().and_then(|to| to.error_code.clone());
    (notice.notified_as(), code, notice.account_id)
}

impl<'a> Fold<'a> {
    /// Nothing yet of a target that has so many accounts; `most` of them are named.
    pub fn new(target: &'a Target, history_id: &'a str, accounts: u64, most: usize) -> Self {
        Self {
            target,
            history_id,
            accounts,
            most,
            observed_at: None,
            silenced: 0,
            damped: 0,
            ids: Ids::default(),
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
                    self.ids.add(&record_id(self.target, self.history_id, record));
                }
                // What stands before the end of a life belongs to it, and to no later one.
                if notice.event == PackEvent::PackDeleted {
                    self.lives.push(Life::default());
                }
                let Some(life) = self.lives.last_mut() else { return };
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
        let notice = transition_notice(self.target, self.history_id, transition);
        self.ids.add(&notice.id);
        let most = self.most;
        let Some(life) = self.lives.last_mut() else { return };
        let routine = Some(notice.kind).filter(|kind| notice.flapping.is_none() && is_routine(*kind));
        match life.seen.entry(transition.account.number()) {
            Entry::Vacant(entry) => {
                entry.insert(routine);
                life.tell(notice, most);
            }
            Entry::Occupied(mut entry) => {
                let counts_as = *entry.get();
                entry.insert(counts_as.and(routine).and(counts_as));
                life.tell_earlier(notice, counts_as.filter(|_| routine.is_none()), most);
            }
        }
    }

    /// Whether there is anything to tell people.
    pub fn notifies(&self) -> bool {
        self.lives.iter().any(|life| life.notice_type().is_some())
    }

    fn packs(&self) -> impl Iterator<Item = PackNotice> {
        self.lives.iter().filter_map(|life| {
            let kind = life.notice_type()?;
            let last = life.deleted.as_ref().or(life.begun.as_ref());
            // The record that is reported, which need not be the last one.
            let event = match kind {
                NoticeType::PackDeleted => life.deleted.as_ref(),
                NoticeType::Baseline => life.begun.as_ref(),
                NoticeType::Transitions => None,
            };
            Some(PackNotice {
                kind,
                id: event
                    .map(|notice| id_of(self.target, self.history_id, notice.epoch, notice.event.as_str())),
                region: self.target.region.clone(),
                organization_conformance_pack_name: self.target.pack.clone(),
                accounts: last.map_or(self.accounts, |notice| notice.accounts),
                transitions: life.worst.values().cloned().collect(),
                omitted: life.omitted,
                whole: Some(Whole {
                    failed: life.counts.get(Kind::Failed.as_str()).copied().unwrap_or_default(),
                    severity: life.severity,
                    statuses: life.statuses.clone(),
                }),
            })
        })
    }

    fn id(&self) -> String {
        let Ids { sum, count } = self.ids;
        let Target { region, pack } = self.target;
        id::of(&[region.as_str(), pack.as_str(), self.history_id, &sum.to_string(), &count.to_string()])
    }
}

impl Life {
    /// Counts an account, and names it.
    fn tell(&mut self, notice: TransitionNotice, most: usize) {
        *self.counts.entry(notice.counted_as()).or_default() += 1;
        let severity = notice.severity();
        self.severity = Some(self.severity.map_or(severity, |worst| worst.min(severity)));
        self.statuses.extend(
            notice.to.as_ref().map(|to| to.status.clone()).filter(|_| self.statuses.len() < MOST_STATUSES),
        );
        self.name(notice, most);
    }

    /// Names an account, unless so many are worse that it does not fit.
    fn name(&mut self, notice: TransitionNotice, most: usize) {
        let sort_key = sort_key(&notice);
        self.sort_keys.insert(notice.account_id, sort_key.clone());
        self.worst.insert(sort_key, notice);
        if self.worst.len() > most
            && let Some((_, last)) = self.worst.pop_last()
        {
            self.sort_keys.remove(&last.account_id);
            self.omitted += 1;
        }
    }

    /// Says of an account how it came to what is reported of it. Where that counts as a routine kind, and this is more, it is
    /// reported as this.
    fn tell_earlier(&mut self, notice: TransitionNotice, routine: Option<Kind>, most: usize) {
        if let Some(kind) = routine {
            self.counts.entry(kind.as_str()).and_modify(|count| *count -= 1);
            self.counts.retain(|_, count| *count > 0);
        }
        let sort_key = self.sort_keys.remove(&notice.account_id);
        match (sort_key.and_then(|sort_key| self.worst.remove(&sort_key)), routine) {
            (Some(notified), routine) => {
                let mut earlier = notified.earlier;
                earlier.insert(0, notice.kind);
                let notified = TransitionNotice { from: notice.from, earlier, ..notified };
                if routine.is_some() {
                    self.tell(notified, most);
                } else {
                    self.name(notified, most);
                }
            }
            // The last of it did not fit, and is no longer known.
            (None, Some(_)) => {
                self.omitted -= 1;
                self.tell(notice, most);
            }
            (None, None) => {}
        }
    }

    /// What is reported about it: its end, its beginning, or what happened in between.
    fn notice_type(&self) -> Option<NoticeType> {
        let notifies = |notice: &Option<Notice>| notice.as_ref().is_some_and(|notice| notice.notify);
        let has_accounts = !self.seen.is_empty();
        if notifies(&self.deleted) {
            Some(NoticeType::PackDeleted)
        } else if notifies(&self.begun) || (has_accounts && self.begun.is_some()) {
            Some(NoticeType::Baseline)
        } else {
            has_accounts.then_some(NoticeType::Transitions)
        }
    }
}

/// One digest of all that the folds have to tell, and the table in which it is kept; `None` when that is nothing.
pub fn digest(folds: &[&Fold<'_>], table: Option<&str>) -> Option<Notification> {
    let notified = || folds.iter().filter(|fold| fold.notifies());
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for life in notified().flat_map(|fold| &fold.lives) {
        for (counted_as, n) in &life.counts {
            *counts.entry((*counted_as).to_owned()).or_default() += n;
        }
        if let Some(kind) = life.notice_type().filter(|kind| *kind != NoticeType::Transitions) {
            *counts.entry(kind.as_str().to_owned()).or_default() += 1;
        }
    }
    let mut packs: Vec<PackNotice> = notified().flat_map(|fold| fold.packs()).collect();
    packs.sort_by_cached_key(|pack| {
        (pack.severity(), pack.organization_conformance_pack_name.clone(), pack.region.clone())
    });
    let severity = packs.iter().map(PackNotice::severity).min()?;
    let mut ids: Vec<String> = notified().map(|fold| fold.id()).collect();
    ids.sort();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    Some(Notification {
        version: "1".to_owned(),
        id: id::of(&ids),
        observed_at: folds.iter().filter_map(|fold| fold.observed_at).max()?,
        severity,
        counts,
        silenced: folds.iter().map(|fold| fold.silenced).sum(),
        damped: folds.iter().map(|fold| fold.damped).sum(),
        table: table.map(str::to_owned),
        packs,
    })
}

#[cfg(test)]
mod tests;
