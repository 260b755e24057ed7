//! What happened to a pack until it was deleted, or until now: each account once, by what is reported of it.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

use super::causes::{CauseId, Causes};
use super::identity::Identity;
use crate::model::{Kind, Severity, Status};
use crate::notify::document::{StateNotice, TransitionNotice};
use crate::notify::topic::Topic;
use crate::state::Transition;
use crate::state::log::Notice;

/// Statuses that are kept to be named; AWS Config has nine.
pub(in crate::notify) const MOST_STATUSES: usize = 100;

#[derive(Debug, Default)]
pub(in crate::notify) struct Life {
    pub(in crate::notify) deleted: Option<Notice>,
    pub(in crate::notify) begun: Option<Notice>,
    /// When the first change was observed, and when the last one.
    pub(in crate::notify) since: Option<Timestamp>,
    pub(in crate::notify) until: Option<Timestamp>,
    pub(in crate::notify) seen: HashMap<u64, Seen>,
    pub(in crate::notify) named: BTreeMap<NameKey, TransitionNotice>,
    /// How many are named of each cause.
    sizes: BTreeMap<(Topic, u64), usize>,
    /// The statuses that were met, as far as they are few.
    pub(in crate::notify) statuses: BTreeSet<String>,
}

/// Worst first, a cause together, then by account, so that the same accounts are named in every pack.
pub(in crate::notify) type NameKey = (Topic, u64, u64);

/// What is known of each account.
#[derive(Debug, Clone, Copy)]
pub(in crate::notify) struct Seen {
    pub(in crate::notify) topic: Topic,
    pub(in crate::notify) cause: CauseId,
    pub(in crate::notify) severity: Severity,
    /// The end of an incident, if that is what is reported.
    end: Option<Topic>,
    /// Whether all of it happened in this digest, as far as is known.
    came: bool,
    kept: Kept,
}

/// What is kept of an account's last change.
#[derive(Debug, Clone, Copy)]
enum Kept {
    /// All of it: the account is named.
    Whole,
    /// As much as names it again if what happened before turns out to be worse: the account did not fit.
    Short {
        kind: Kind,
        sequence: u64,
        observed_at: Timestamp,
        status: Option<&'static str>,
    },
    Nothing,
}

impl Life {
    /// Takes a change before those that were taken.
    pub(in crate::notify) fn add(
        &mut self,
        mut notice: TransitionNotice,
        transition: &Transition,
        identity: &Identity<'_>,
        causes: &mut Causes,
    ) {
        self.observed(notice.observed_at);
        let topic = Topic::of(transition, notice.silence_ended);
        let is_end = matches!(topic, Topic::Recovered | Topic::Left) && notice.incident_id.is_some();
        let end = is_end.then_some(topic);
        let seen = match self.seen.entry(notice.account_id.number()) {
            Entry::Vacant(entry) => {
                let cause = causes.of(topic, notice.to.as_ref());
                let severity = transition.severity();
                entry.insert(Seen { topic, cause, severity, end, came: false, kept: Kept::Whole });
                self.met(notice.to.as_ref());
                notice.section = Some(topic);
                self.name(notice, cause.cause);
                return;
            }
            Entry::Occupied(entry) => entry.into_mut(),
        };
        let before = *seen;
        let is_unhealthy = transition.to.as_ref().is_some_and(|to| to.health().is_unhealthy());
        // Who was not notified of a failure must not hear of its retry alone, nor of its end as if they had been.
        if before.topic.is_routine() && !topic.is_routine() {
            *seen = Seen { topic, severity: transition.severity(), end, ..before };
        } else if before.end.is_some() && !before.came && is_unhealthy && identity.begins(transition) {
            *seen = Seen { topic: Topic::CameAndWent, came: true, ..before };
        } else if let (Some(last), true, true) = (before.end, before.came, is_end) {
            // They may know of the incident before.
            *seen = Seen { topic: last, came: false, ..before };
        }
        let is_reported = seen.topic != before.topic;
        if is_reported {
            seen.cause = causes.of(seen.topic, notice.to.as_ref());
        }
        seen.kept = match before.kept {
            Kept::Whole => Kept::Whole,
            Kept::Short { .. } if is_reported => Kept::Whole,
            Kept::Short { .. } | Kept::Nothing => Kept::Nothing,
        };
        let after = *seen;
        if is_reported {
            self.met(notice.to.as_ref());
        }
        if matches!(after.kept, Kept::Nothing) {
            return;
        }
        let key = (before.topic, before.cause.cause, notice.account_id.number());
        let Some(mut last) = self.unname(key).or_else(|| remembered(before.kept, &notice, identity)) else {
            return;
        };
        last.earlier.insert(0, notice.kind);
        last.from = notice.from;
        if is_reported {
            last.section = Some(after.topic);
            last.failure = notice.to.filter(|_| is_unhealthy);
            last.flapping = notice.flapping;
            last.silence_ended = notice.silence_ended;
            last.baseline = notice.baseline;
        }
        self.name(last, after.cause.cause);
    }

    /// Takes the time of a record before those that were taken.
    pub(in crate::notify) fn observed(&mut self, at: Timestamp) {
        self.since = Some(at);
        self.until = self.until.or(self.since);
    }

    /// Keeps the worst, and of each cause about as many as of the others.
    pub(in crate::notify) fn name_no_more_than(&mut self, most: usize) {
        while self.named.len() > most {
            let Some(topic) = self.sizes.keys().next_back().map(|(topic, _)| *topic) else { return };
            let of_topic = self.sizes.range((topic, 0)..);
            let Some((_, cause)) = of_topic.max_by_key(|(_, size)| **size).map(|(key, _)| *key) else {
                return;
            };
            let of_cause = (topic, cause, 0)..=(topic, cause, u64::MAX);
            let Some(key) = self.named.range(of_cause).next_back().map(|(key, _)| *key) else { return };
            let Some(notice) = self.unname(key) else { return };
            let Some(seen) = self.seen.get_mut(&notice.account_id.number()) else { return };
            let may_be_worse = seen.topic.is_routine() || seen.end.is_some();
            seen.kept =
                if may_be_worse && notice.earlier.is_empty() { short(&notice) } else { Kept::Nothing };
        }
    }

    fn met(&mut self, state: Option<&StateNotice>) {
        let is_new = |status: &String| self.statuses.len() < MOST_STATUSES && !self.statuses.contains(status);
        let new = state.map(|state| &state.status).filter(|status| is_new(status)).cloned();
        self.statuses.extend(new);
    }

    fn name(&mut self, notice: TransitionNotice, cause: u64) {
        let Some(topic) = notice.section else { return };
        self.resize((topic, cause), 1);
        self.named.insert((topic, cause, notice.account_id.number()), notice);
    }

    fn unname(&mut self, key: NameKey) -> Option<TransitionNotice> {
        let notice = self.named.remove(&key)?;
        self.resize((key.0, key.1), -1);
        Some(notice)
    }

    fn resize(&mut self, cause: (Topic, u64), by: isize) {
        let size = self.sizes.remove(&cause).unwrap_or_default().saturating_add_signed(by);
        if size > 0 {
            self.sizes.insert(cause, size);
        }
    }

    /// The record of it that is reported, its end or its beginning, if any is; `None` when nothing is reported.
    pub(in crate::notify) fn reported(&self) -> Option<Option<&Notice>> {
        let has_accounts = !self.seen.is_empty();
        let ended = self.deleted.as_ref().filter(|notice| notice.notify);
        let begun = self.begun.as_ref().filter(|notice| notice.notify || has_accounts);
        let record = ended.or(begun);
        (record.is_some() || has_accounts).then_some(record)
    }
}

/// What is kept of a last change that is not named. What is routine, or an end, has a status that AWS documents, or none.
fn short(notice: &TransitionNotice) -> Kept {
    let TransitionNotice { kind, sequence, observed_at, ref to, .. } = *notice;
    let status = |to: &StateNotice| Status::DOCUMENTED.into_iter().find(|status| *status == to.status);
    Kept::Short { kind, sequence, observed_at, status: to.as_ref().and_then(status) }
}

/// The notice of a last change, with what is known of it from the change before.
fn remembered(kept: Kept, before: &TransitionNotice, identity: &Identity<'_>) -> Option<TransitionNotice> {
    let Kept::Short { kind, sequence, observed_at, status } = kept else { return None };
    let to = status.map(|status| StateNotice { status: status.to_owned(), ..StateNotice::default() });
    let id = identity.transition_id(sequence, before.account_id);
    Some(TransitionNotice { id, kind, sequence, observed_at, to, from: None, ..before.clone() })
}
