//! How soon people hear of what waits for them. Pure: what is urgent or a reminder is sent at once, news waits for more
//! of its kind, and what is routine never causes a digest.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{BuildHasher, RandomState};

use jiff::Timestamp;

use super::Lag;
use crate::model::{AccountId, Kind, Target};
use crate::notify::{self, Topic};
use crate::settings::Settings;
use crate::state::head::Known;
use crate::state::log::Record;
use crate::state::silence::Silences;
use crate::state::{Health, State, Transition};
use crate::watch::compare::is_surely_after;

/// Urgent digests within a `GROUP_INTERVAL`, or an hour where that is longer; what would be one more is news.
const MOST_URGENT: usize = 2;

/// People know a cause for at least so long, in seconds.
const KNOWN_FOR: i64 = 3600;

/// Causes and withheld incidents that are remembered. Beyond, people hear of some at once that could wait.
const MOST_KEPT: usize = 1000;

/// What decides how soon people hear of a record.
pub(super) struct Urgency<'a> {
    known: Known,
    /// How many incidents are withheld.
    withheld: usize,
    silences: &'a Silences,
    now: Timestamp,
    /// What is older than this has waited long enough, in seconds since 1970.
    waits_since: i64,
    /// The causes of states by a hash of their texts: equal ones are analysed once.
    causes: HashMap<u64, Option<String>>,
    hasher: RandomState,
}

/// What of a target's records people hear of, and how soon.
#[derive(Debug, Default)]
pub(super) struct Judged {
    /// Whether any of it is more than routine.
    pub(super) tells: bool,
    is_urgent: bool,
    /// Whether some of it is a reminder or has waited long enough, or there is more than was judged.
    pub(super) is_due: bool,
    /// Whether a failure is among it that people do not know, in whatever digest they hear of it.
    pub(super) is_new: bool,
    causes: BTreeSet<String>,
    /// The records that a silence keeps from them now.
    withheld: BTreeSet<(u64, AccountId)>,
    /// The incidents of the target that one keeps from them, and until when.
    incidents: BTreeMap<String, i64>,
}

impl Judged {
    /// The record as it is dispatched.
    pub(super) fn dispatched(&self, record: Record) -> Record {
        match record {
            Record::Account(of) if self.withheld.contains(&(of.epoch, of.account)) => {
                Record::Account(Transition { notify: false, silenced: true, ..of })
            }
            other => other,
        }
    }

    /// The order in which targets go into digests that do not hold them all.
    pub(super) fn rank(&self) -> (bool, bool) {
        (!self.is_urgent, !self.is_due)
    }
}

impl<'a> Urgency<'a> {
    /// By what people know now.
    pub(super) fn new(known: &Known, silences: &'a Silences, settings: &Settings, now: Timestamp) -> Self {
        let group_interval = i64::try_from(settings.group_interval.as_secs()).unwrap_or(i64::MAX);
        let seconds = now.as_second();
        let waits_since = seconds.saturating_sub(group_interval);
        let known_since = seconds.saturating_sub(KNOWN_FOR.max(group_interval.saturating_mul(2)));
        let mut known = known.clone();
        known.causes.retain(|_, heard| *heard >= known_since && !is_ahead(*heard, now));
        let urgent_since = seconds.saturating_sub(group_interval.min(KNOWN_FOR));
        known.urgent.retain(|sent| *sent > urgent_since && !is_ahead(*sent, now));
        let withheld = known.withheld.values().map(BTreeMap::len).sum();
        let (causes, hasher) = Default::default();
        Self { known, withheld, silences, now, waits_since, causes, hasher }
    }

    /// Judges a target's records, in their order.
    pub(super) fn judge(
        &mut self,
        target: &Target,
        history_id: &str,
        parts: impl Iterator<Item = Result<Vec<Record>, Lag>>,
    ) -> Result<Judged, Lag> {
        let silences = self.silences.of(target);
        let incidents = self.known.withheld_of(target);
        let mut judged = Judged { incidents, ..Judged::default() };
        for part in parts {
            for record in part? {
                match record {
                    Record::Pack(notice) if notice.notify => {
                        (judged.is_urgent, judged.tells) = (true, true);
                        judged.is_due |= self.is_old(notice.observed_at);
                    }
                    Record::Account(of)
                        if self.withholds(target, history_id, &silences, &of, &mut judged) =>
                    {
                        judged.withheld.insert((of.epoch, of.account));
                    }
                    Record::Account(of) if of.notify && self.tells(&of, &mut judged) => {
                        judged.tells = true;
                        judged.is_due |= self.is_old(of.observed_at);
                    }
                    Record::Pack(_) | Record::Account(_) => {}
                }
            }
        }
        Ok(judged)
    }

    fn is_old(&self, observed_at: Timestamp) -> bool {
        let at = observed_at.as_second();
        at <= self.waits_since || is_ahead(at, self.now)
    }

    /// Whether a silence keeps a change from people that was recorded before it. An end goes with its begin.
    fn withholds(
        &mut self,
        target: &Target,
        history_id: &str,
        silences: &Silences,
        of: &Transition,
        judged: &mut Judged,
    ) -> bool {
        let withheld = &mut judged.incidents;
        let known = of.incident_id.as_ref().filter(|id| withheld.contains_key(*id));
        if let Some(id) = known.filter(|_| ends(of)) {
            withheld.remove(id);
            return of.notify;
        }
        let is_silenced = || {
            let covers = |to| silences.cover(of.account, to, self.now);
            silences.silence(of.account, of.kind, self.now) || of.to.as_ref().is_some_and(covers)
        };
        if !of.notify || ends(of) || of.flapping.is_some() || !is_silenced() {
            return false;
        }
        match &of.incident_id {
            Some(id) if known.is_some() || begins(target, history_id, of) => {
                self.withheld += usize::from(known.is_none());
                if known.is_none() && self.withheld > MOST_KEPT {
                    return false;
                }
                withheld.insert(id.clone(), of.observed_at.as_second());
            }
            _ => {}
        }
        true
    }

    fn cause(&mut self, state: &State) -> Option<String> {
        let State { status, error_code, error_message, stuck, .. } = state;
        let texts = self.hasher.hash_one((status, error_code, error_message, stuck));
        if self.causes.len() > MOST_KEPT {
            self.causes.clear();
        }
        self.causes.entry(texts).or_insert_with(|| notify::cause_id(state)).clone()
    }

    /// Whether a change is more than routine; notes how soon people hear of it.
    fn tells(&mut self, of: &Transition, judged: &mut Judged) -> bool {
        if Topic::of(of, false).is_routine() {
            return false;
        }
        let cause = of.to.as_ref().and_then(|to| self.cause(to));
        let is_unhealthy = matches!(of.kind, Kind::Failed | Kind::Stuck | Kind::Unrecognised);
        let is_known = |cause: &String| self.known.causes.contains_key(cause);
        let was_stuck = of.kind == Kind::Failed && of.from.as_ref().is_some_and(|from| from.stuck);
        let is_first = is_unhealthy && (was_stuck || cause.as_ref().is_some_and(|cause| !is_known(cause)));
        let has_failed = of.to.as_ref().is_some_and(|to| to.health() == Health::Failed);
        judged.is_new |= has_failed && (is_first || of.kind == Kind::Settled);
        judged.is_urgent |= is_first || of.flapping.is_some();
        judged.is_due |= of.kind == Kind::Reminder;
        judged.causes.extend(cause);
        // In full: the silence is over.
        of.incident_id.as_ref().and_then(|id| judged.incidents.remove(id));
        true
    }

    /// Whether a digest of these is due, and as what.
    pub(super) fn due<'j>(&self, mut judged: impl Iterator<Item = &'j Judged> + Clone) -> Option<Due> {
        match judged.clone().any(|one| one.is_urgent) && self.known.urgent.len() < MOST_URGENT {
            true => Some(Due::Urgent),
            false => judged.any(|one| one.is_due).then_some(Due::News),
        }
    }

    /// What people know when these targets are passed over: what a silence kept from them.
    pub(super) fn passed<'j>(
        before: &Known,
        targets: impl Iterator<Item = (&'j Target, &'j Judged)>,
    ) -> Known {
        let mut known = before.clone();
        for (target, judged) in targets {
            match judged.incidents.is_empty() {
                true => known.withheld.remove(target),
                false => known.withheld.insert(target.clone(), judged.incidents.clone()),
            };
        }
        known
    }

    /// What people know when they have the digest of these.
    pub(super) fn known<'j>(
        self,
        due: Due,
        targets: impl Iterator<Item = (&'j Target, &'j Judged)> + Clone,
    ) -> Known {
        let now = self.now.as_second();
        let mut known = Self::passed(&self.known, targets.clone());
        let causes = targets.flat_map(|(_, judged)| &judged.causes);
        known.causes.extend(causes.take(MOST_KEPT).map(|cause| (cause.clone(), now)));
        while known.causes.len() > MOST_KEPT {
            known.causes.pop_first();
        }
        known.urgent.extend((due == Due::Urgent).then_some(now));
        known
    }
}

/// Whether a time of another run is one of a wrong clock.
fn is_ahead(at: i64, now: Timestamp) -> bool {
    Timestamp::from_second(at).map_or(true, |at| is_surely_after(at, now))
}

/// As what a digest is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// People hear of it at once.
    Urgent,
    /// They waited long enough for it.
    News,
}

/// Whether a change ends an incident.
fn ends(of: &Transition) -> bool {
    let is_healthy = of.to.as_ref().is_none_or(|to| to.health() == Health::Healthy);
    of.incident_id.is_some() && is_healthy && matches!(of.kind, Kind::Recovered | Kind::Left | Kind::Settled)
}

/// Whether people hear of an incident for the first time by this change, for all that they know.
fn begins(target: &Target, history_id: &str, of: &Transition) -> bool {
    let was_silenced = of.from.as_ref().is_some_and(|from| from.silenced);
    of.begins_incident(target, history_id) || (was_silenced && of.kind != Kind::Reminder)
}
