//! What happened to a pack until it was deleted, or until now: each account once, by what is reported of it.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

use super::causes::{CauseId, Causes};
use super::identity::Identity;
use crate::model::{Kind, Severity};
use crate::notify::document::{NoticeType, StateNotice, TransitionNotice};
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
    /// How many are named of each cause, and which has the most.
    sizes: BTreeMap<(Topic, u64), usize>,
    largest: BTreeSet<(Topic, usize, u64)>,
    /// What did not fit, and may be worse than it seems: what happened before is not known yet.
    evicted: HashMap<u64, Evicted>,
    pub(in crate::notify) statuses: Statuses,
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
    /// Its last change is still known.
    is_known: bool,
}

/// The last change of an account, as far as it is kept.
#[derive(Debug, Clone, Copy)]
struct Evicted {
    kind: Kind,
    sequence: u64,
    observed_at: Timestamp,
    status: Option<usize>,
}

/// The statuses that were met, as far as they are few.
#[derive(Debug, Default)]
pub(in crate::notify) struct Statuses(pub(in crate::notify) Vec<String>);

impl Statuses {
    fn find(&self, state: &StateNotice) -> Option<usize> {
        self.0.iter().position(|status| *status == state.status)
    }

    fn add(&mut self, state: Option<&StateNotice>) {
        let new = state.filter(|state| self.0.len() < MOST_STATUSES && self.find(state).is_none());
        self.0.extend(new.map(|state| state.status.clone()));
    }
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
                entry.insert(Seen { topic, cause, severity, end, came: false, is_known: true });
                self.statuses.add(notice.to.as_ref());
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
        if !before.is_known {
            return;
        }
        let key = (before.topic, before.cause.cause, notice.account_id.number());
        let evicted = self.evicted.remove(&notice.account_id.number());
        // Of what is not named any more, only the last change is known.
        if evicted.is_some() && !is_reported {
            seen.is_known = false;
            return;
        }
        let after = *seen;
        if is_reported {
            self.statuses.add(notice.to.as_ref());
        }
        let last = self.unname(key).or_else(|| Some(self.remembered(evicted?, &notice, identity)));
        let Some(mut last) = last else { return };
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
            let Some((topic, _, cause)) = self.largest.last().copied() else { return };
            let of_cause = (topic, cause, 0)..=(topic, cause, u64::MAX);
            let Some(key) = self.named.range(of_cause).next_back().map(|(key, _)| *key) else { return };
            let Some(notice) = self.unname(key) else { return };
            let Some(seen) = self.seen.get_mut(&notice.account_id.number()) else { return };
            let status = notice.to.as_ref().map(|to| self.statuses.find(to));
            let may_be_worse = seen.topic.is_routine() || seen.end.is_some();
            seen.is_known = may_be_worse && notice.earlier.is_empty() && status != Some(None);
            if seen.is_known {
                let TransitionNotice { kind, sequence, observed_at, .. } = notice;
                let evicted = Evicted { kind, sequence, observed_at, status: status.flatten() };
                self.evicted.insert(notice.account_id.number(), evicted);
            }
        }
    }

    /// The notice of a last change, with what is known of it from the change before.
    fn remembered(
        &self,
        evicted: Evicted,
        before: &TransitionNotice,
        identity: &Identity<'_>,
    ) -> TransitionNotice {
        let Evicted { kind, sequence, observed_at, status } = evicted;
        let status = status.and_then(|status| self.statuses.0.get(status)).cloned();
        let to = status.map(|status| StateNotice {
            status,
            error_code: None,
            error_message: None,
            last_update_time: None,
        });
        let id = identity.transition_id(sequence, before.account_id);
        TransitionNotice { id, kind, sequence, observed_at, to, from: None, ..before.clone() }
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

    fn resize(&mut self, (topic, cause): (Topic, u64), by: isize) {
        let size = self.sizes.remove(&(topic, cause)).unwrap_or_default();
        self.largest.remove(&(topic, size, cause));
        let size = size.saturating_add_signed(by);
        if size > 0 {
            self.sizes.insert((topic, cause), size);
            self.largest.insert((topic, size, cause));
        }
    }

    /// What is reported about it: its end, its beginning, or what happened in between.
    pub(in crate::notify) fn notice_type(&self) -> Option<NoticeType> {
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
