//! How soon people hear of what waits for them. Pure: what is urgent or a reminder is sent at once, news waits for more of
//! its kind, and what is routine never causes a digest.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::model::{AccountId, Kind, Target};
use crate::notify::hints::{self, ANY_FAILURE};
use crate::notify::render::shape;
use crate::settings::Settings;
use crate::state::head::Known;
use crate::state::log::Record;
use crate::state::silence::Silences;
use crate::state::{Health, Incident, State, Transition, id, keys};

/// Urgent digests within a `GROUP_INTERVAL`; what would be one more is news.
const MOST_URGENT: usize = 2;

/// People know a cause for at least so long, in seconds.
const KNOWN_FOR: i64 = 3600;

/// Causes and withheld incidents that are remembered. Beyond, people hear of some at once that could wait.
const MOST_KEPT: usize = 1000;

/// What waits for people over all targets, as far as it was judged.
pub(super) struct Urgency<'a> {
    known: Known,
    silences: &'a Silences,
    now: Timestamp,
    group_interval: i64,
    is_urgent: bool,
    /// Whether a failure is among it that people do not know, in whatever digest they hear of it.
    pub(super) is_new: bool,
    has_reminder: bool,
    oldest: Option<Timestamp>,
    causes: BTreeSet<String>,
}

/// What of a target's records people hear of.
#[derive(Debug, Default)]
pub(super) struct Judged {
    /// Whether any of it is more than routine.
    pub(super) tells: bool,
    /// What a silence keeps from them now.
    withheld: BTreeSet<(u64, AccountId)>,
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
}

impl<'a> Urgency<'a> {
    /// Nothing waits yet.
    pub(super) fn new(known: &Known, silences: &'a Silences, settings: &Settings, now: Timestamp) -> Self {
        Self {
            known: known.clone(),
            silences,
            now,
            group_interval: i64::try_from(settings.group_interval.as_secs()).unwrap_or(i64::MAX),
            is_urgent: false,
            is_new: false,
            has_reminder: false,
            oldest: None,
            causes: BTreeSet::new(),
        }
    }

    /// Judges a target's records, in their order.
    pub(super) fn judge<'r>(
        &mut self,
        target: &Target,
        history_id: &str,
        records: impl Iterator<Item = &'r Record>,
        judged: &mut Judged,
    ) {
        let silences = self.silences.of(target);
        for record in records.filter(|record| record.notifies()) {
            let transition = match record {
                Record::Pack(_) => {
                    self.is_urgent = true;
                    None
                }
                Record::Account(of) if self.withholds(target, history_id, &silences, of) => {
                    judged.withheld.insert((of.epoch, of.account));
                    continue;
                }
                Record::Account(of) => Some(of),
            };
            if transition.is_none_or(|of| self.tells(of)) {
                judged.tells = true;
                let at = record.observed_at();
                self.oldest = Some(self.oldest.map_or(at, |oldest| oldest.min(at)));
            }
        }
    }

    /// Whether a silence keeps a change from people that was recorded before it. An end goes with its begin.
    fn withholds(&mut self, target: &Target, history_id: &str, silences: &Silences, of: &Transition) -> bool {
        let partition = keys::partition(target);
        let at = of.observed_at.as_second();
        let count: usize = self.known.withheld.values().map(BTreeMap::len).sum();
        let withheld = self.known.withheld.entry(partition);
        let withheld = withheld.or_default();
        let known = of.incident_id.as_ref().filter(|id| withheld.contains_key(*id));
        if let Some(id) = known.filter(|_| ends(of)) {
            withheld.remove(id);
            return true;
        }
        if !ends(of) && of.flapping.is_none() && silences.silence(of.account, of.kind, self.now) {
            match &of.incident_id {
                Some(id) if known.is_some() || begins(target, history_id, of) => {
                    if known.is_none() && count >= MOST_KEPT {
                        return false;
                    }
                    withheld.insert(id.clone(), at);
                }
                _ => {}
            }
            return true;
        }
        if let Some(id) = known {
            // In full: the silence is over.
            withheld.remove(id);
        }
        false
    }

    /// Whether a change is more than routine; notes how soon people hear of it.
    fn tells(&mut self, of: &Transition) -> bool {
        let cause = of.to.as_ref().and_then(cause);
        let is_unhealthy = matches!(of.kind, Kind::Failed | Kind::Stuck | Kind::Unrecognised);
        let known_for = KNOWN_FOR.max(self.group_interval.saturating_mul(2));
        let since = self.now.as_second().saturating_sub(known_for);
        let is_known = |cause: &String| self.known.causes.get(cause).is_some_and(|heard| *heard >= since);
        let was_stuck = of.kind == Kind::Failed && of.from.as_ref().is_some_and(|from| from.stuck);
        let is_first = is_unhealthy && (was_stuck || cause.as_ref().is_some_and(|cause| !is_known(cause)));
        let has_failed = of.to.as_ref().is_some_and(|to| to.health() == Health::Failed);
        self.is_new |= has_failed && (is_first || of.kind == Kind::Settled);
        self.is_urgent |= is_first || of.flapping.is_some();
        self.has_reminder |= of.kind == Kind::Reminder;
        let tells = of.flapping.is_some()
            || !matches!(of.kind, Kind::FailedAgain | Kind::Succeeded | Kind::InProgress);
        self.causes.extend(cause.filter(|_| tells));
        tells
    }

    /// What people know when these targets are passed over: what a silence kept from them.
    pub(super) fn passed<'t>(&self, before: &Known, targets: impl Iterator<Item = &'t Target>) -> Known {
        let mut known = before.clone();
        for partition in targets.map(keys::partition) {
            match self.known.withheld.get(&partition).filter(|incidents| !incidents.is_empty()) {
                Some(incidents) => known.withheld.insert(partition, incidents.clone()),
                None => known.withheld.remove(&partition),
            };
        }
        known
    }

    /// Whether a digest is due, and as what.
    pub(super) fn due(&self) -> Option<Due> {
        let since = self.now.as_second().saturating_sub(self.group_interval);
        let sent = self.known.urgent.iter().filter(|sent| **sent > since).count();
        let is_old = self.oldest.is_some_and(|oldest| oldest.as_second() <= since);
        match self.is_urgent && sent < MOST_URGENT {
            true => Some(Due::Urgent),
            false => (self.has_reminder || is_old).then_some(Due::News),
        }
    }

    /// What people know when they have the digest.
    pub(super) fn known(self, due: Due) -> Known {
        let now = self.now.as_second();
        let known_for = KNOWN_FOR.max(self.group_interval.saturating_mul(2));
        let mut known = self.known;
        known.causes.retain(|_, heard| *heard >= now.saturating_sub(known_for));
        known.causes.extend(self.causes.into_iter().take(MOST_KEPT).map(|cause| (cause, now)));
        while known.causes.len() > MOST_KEPT {
            known.causes.pop_first();
        }
        known.urgent.retain(|sent| *sent > now.saturating_sub(self.group_interval));
        known.urgent.extend((due == Due::Urgent).then_some(now));
        known.withheld.retain(|_, incidents| !incidents.is_empty());
        known
    }
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
    let begun = Incident::begun(target, history_id, of.account, of.epoch);
    let was_silenced = of.from.as_ref().is_some_and(|from| from.silenced);
    of.incident_id.as_ref() == Some(&begun.id) || (was_silenced && of.kind != Kind::Reminder)
}

/// What is wrong with an account, for all packs and accounts of which the same is wrong.
fn cause(to: &State) -> Option<String> {
    let (code, message) = (to.error_code.as_deref(), to.error_message.as_deref());
    let hint = hints::failure(code, message);
    let says = match to.health() {
        Health::Failed if hint == &ANY_FAILURE => shape(message.unwrap_or_default()),
        Health::Failed => hint.means.to_owned(),
        Health::Stuck => "stuck".to_owned(),
        Health::Unrecognised => to.status.as_str().to_owned(),
        Health::InProgress | Health::Healthy | Health::Removed => return None,
    };
    Some(id::of(&[code.unwrap_or_default(), &says]).chars().take(12).collect())
}
