//! What happened to a pack until it was deleted, or until now: each account once, by what is reported of it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use jiff::Timestamp;

use super::causes::{CauseId, Causes};
use crate::model::{Kind, Severity, Status};
use crate::notify::document::TransitionNotice;
use crate::notify::record::Log;
use crate::notify::topic::Topic;
use crate::state::log::Notice;
use crate::state::{State, Transition};

#[derive(Debug, Default)]
pub(super) struct Life {
    pub(super) deleted: Option<Notice>,
    pub(super) begun: Option<Notice>,
    /// When the first change was observed, and when the last one.
    pub(super) since: Option<Timestamp>,
    pub(super) until: Option<Timestamp>,
    pub(super) seen: HashMap<u64, Seen>,
    /// What the accounts with several changes went through before their last one, the latest first.
    earlier: HashMap<u64, Vec<Kind>>,
    /// Worst first, a cause together, then by account, so that the same accounts are named in every pack.
    named: BTreeMap<(Topic, u64), BTreeMap<u64, TransitionNotice>>,
    /// How many are named. It is asked after each change, and there may be a thousand causes.
    size: usize,
    /// The statuses that were met.
    pub(super) statuses: BTreeSet<Status>,
}

/// The section that names an account, its cause, and the account.
pub(super) type NameKey = (Topic, u64, u64);

/// What is known of each account.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) topic: Topic,
    pub(super) cause: CauseId,
    pub(super) severity: Severity,
    /// The end of an incident, if that is what is reported.
    end: Option<Topic>,
    /// What is no end and not routine is reported whatever happened before.
    last: Option<Box<Last>>,
}

/// As much of a last change as names it again if the account did not fit, and what happened before turns out to be worse.
/// What is routine, or an end, has a status without an error, or none.
#[derive(Debug)]
struct Last {
    kind: Kind,
    sequence: u64,
    observed_at: Timestamp,
    status: Option<Status>,
}

impl Seen {
    /// What is reported instead, now that it is known what happened before.
    fn instead(&self, before: Topic, is_end: bool, begins: impl FnOnce() -> bool) -> Option<Topic> {
        match (self.topic, self.end) {
            // Who was not notified of a failure must not hear of its retry alone, nor of its end as if they had been.
            (topic, _) if topic.is_routine() => Some(before).filter(|before| !before.is_routine()),
            // They may know of the incident before.
            (Topic::CameAndWent, end) => end.filter(|_| is_end),
            (_, end) => end.filter(|_| begins()).map(|_| Topic::CameAndWent),
        }
    }
}

impl Life {
    /// Takes a change before those that were taken, and what it is reported as.
    pub(super) fn add(
        &mut self,
        transition: &Transition,
        notice: TransitionNotice,
        log: Log<'_>,
        causes: &mut Causes,
    ) {
        self.observed(notice.observed_at);
        let account = notice.account_id.number();
        let topic = Topic::of(transition, notice.silence_ended);
        let is_end = matches!(topic, Topic::Recovered | Topic::Left) && notice.incident_id.is_some();
        let (severity, end) = (transition.severity(), is_end.then_some(topic));
        let Some(seen) = self.seen.get_mut(&account) else {
            let cause = causes.of(topic, notice.to.as_ref());
            self.statuses.extend(notice.to.as_ref().map(|to| to.status.clone()));
            let last = (is_end || topic.is_routine()).then(|| Box::new(Last::of(&notice)));
            self.seen.insert(account, Seen { topic, cause, severity, end, last });
            self.name(topic, cause, notice);
            return;
        };
        self.earlier.entry(account).or_default().push(notice.kind);
        let is_unhealthy = transition.to.as_ref().is_some_and(|to| to.health().is_unhealthy());
        let begins = || is_unhealthy && log.begins(transition);
        let of_cause = self.named.get_mut(&(seen.topic, seen.cause.cause));
        let Some(instead) = seen.instead(topic, is_end, begins) else {
            if let Some(last) = of_cause.and_then(|named| named.get_mut(&account)) {
                last.from = notice.from;
            }
            return;
        };
        let last = of_cause.and_then(|named| named.remove(&account));
        self.size -= usize::from(last.is_some());
        let Some(last) = last.or_else(|| Some(seen.last.as_ref()?.notice(&notice, log))) else { return };
        if seen.topic.is_routine() {
            (seen.severity, seen.end) = (severity, end);
        }
        let cause = causes.of(instead, notice.to.as_ref());
        (seen.topic, seen.cause) = (instead, cause);
        self.statuses.extend(notice.to.as_ref().map(|to| to.status.clone()));
        let notice = TransitionNotice {
            from: notice.from,
            failure: notice.to.filter(|_| is_unhealthy),
            flapping: notice.flapping,
            silence_ended: notice.silence_ended,
            baseline: notice.baseline,
            ..last
        };
        self.name(instead, cause, notice);
    }

    /// Takes the time of a record before those that were taken.
    pub(super) fn observed(&mut self, at: Timestamp) {
        self.since = Some(at);
        self.until = self.until.or(self.since);
    }

    /// Keeps the worst, and of each cause about as many as of the others.
    pub(super) fn name_no_more_than(&mut self, most: usize) {
        while self.size > most {
            let Some(topic) = self.named.keys().next_back().map(|(topic, _)| *topic) else { return };
            let largest = self.named.range_mut((topic, 0)..).max_by_key(|(_, named)| named.len());
            let Some((key, named)) = largest.map(|(key, named)| (*key, named)) else { return };
            self.size -= usize::from(named.pop_last().is_some());
            if named.is_empty() {
                self.named.remove(&key);
            }
        }
    }

    fn name(&mut self, topic: Topic, cause: CauseId, notice: TransitionNotice) {
        let notice = TransitionNotice { section: Some(topic), ..notice };
        let of_cause = self.named.entry((topic, cause.cause)).or_default();
        self.size += usize::from(of_cause.insert(notice.account_id.number(), notice).is_none());
    }

    /// The accounts that are named.
    pub(super) fn named(&self) -> impl Iterator<Item = NameKey> {
        let of_cause = self.named.iter();
        of_cause.flat_map(|((topic, cause), named)| named.keys().map(|account| (*topic, *cause, *account)))
    }

    /// Whether an account has a change that did not fit, of this section and cause.
    pub(super) fn leaves_out(&self, (topic, cause, account): NameKey) -> bool {
        let seen =
            self.seen.get(&account).is_some_and(|seen| (seen.topic, seen.cause.cause) == (topic, cause));
        seen && !self.named.get(&(topic, cause)).is_some_and(|named| named.contains_key(&account))
    }

    /// The accounts that are named here and nowhere `unnamed`: worst first, then by error code so that one cause stands
    /// together, then by account.
    pub(super) fn transitions(&self, unnamed: &HashSet<NameKey>) -> Vec<TransitionNotice> {
        let mut transitions = Vec::new();
        for ((topic, cause), named) in &self.named {
            let is_whole = |account: u64| !unnamed.contains(&(*topic, *cause, account));
            for (account, notice) in named.iter().filter(|(account, _)| is_whole(**account)) {
                let earlier = self.earlier.get(account).into_iter().flatten().rev().copied().collect();
                transitions.push(TransitionNotice { earlier, ..notice.clone() });
            }
        }
        transitions.sort_by_cached_key(|notice| {
            let code = notice.reported().and_then(|state| state.error_code.clone());
            (notice.section, code, notice.account_id)
        });
        transitions
    }

    /// The record of it that is reported, its end or its beginning, if any is; `None` when nothing is reported.
    pub(super) fn reported(&self) -> Option<Option<&Notice>> {
        let has_accounts = !self.seen.is_empty();
        let ended = self.deleted.as_ref().filter(|notice| notice.notify);
        let begun = self.begun.as_ref().filter(|notice| notice.notify || has_accounts);
        let record = ended.or(begun);
        (record.is_some() || has_accounts).then_some(record)
    }
}

impl Last {
    fn of(notice: &TransitionNotice) -> Self {
        let TransitionNotice { kind, sequence, observed_at, ref to, .. } = *notice;
        Self { kind, sequence, observed_at, status: to.as_ref().map(|to| to.status.clone()) }
    }

    /// The notice of it, with what is known of it from the change before.
    fn notice(&self, before: &TransitionNotice, log: Log<'_>) -> TransitionNotice {
        let Self { kind, sequence, observed_at, ref status } = *self;
        let id = log.id_of(sequence, &before.account_id.to_string());
        let to = status.clone().map(State::of);
        TransitionNotice { id, kind, sequence, observed_at, to, ..before.clone() }
    }
}
