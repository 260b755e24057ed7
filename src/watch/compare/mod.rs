//! Compares what is recorded with what was observed, account by account: which rows and records a scan leaves behind.
//! Pure. [`crate::watch::compare::kind`] knows what a change means, [`crate::watch::compare::policy`] whether people
//! are notified.

pub mod flap;
pub mod kind;
pub mod overdue;
mod past;
pub mod policy;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use crate::model::{AccountId, Kind, Target};
use crate::settings::Settings;
use crate::state::commit::Change;
use crate::state::silence::Silences;
use crate::state::{Health, Incident, Row, Rows, State, Transition};
use crate::watch::compare::flap::Flap;
use crate::watch::compare::past::{Past, is_tried_again, with_notified};
use crate::watch::compare::policy::Facts;

/// By how much the clock of AWS Config, or of another run, may be ahead.
const CLOCKS: Duration = Duration::from_secs(60);

/// Whether a time is after another, whatever the clocks.
pub fn is_surely_after(at: Timestamp, other: Timestamp) -> bool {
    other.saturating_add(CLOCKS).is_ok_and(|latest| at > latest)
}

/// How long a record is kept at least.
const LEAST_KEPT: Duration = Duration::from_secs(14 * 86400);

/// What was observed of a target.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Observation {
    /// Which accounts were read.
    pub extent: Extent,
    /// The effective state of each account that was read.
    pub states: BTreeMap<AccountId, State>,
    /// The accounts that were read twice, and of which neither row is later: they are asked for by their ids before
    /// anything is compared.
    pub unclear: BTreeSet<AccountId>,
    /// The accounts that were asked for one by one and are not there: they have left.
    pub absent: BTreeSet<AccountId>,
    /// When the reading began: what was read may be newer than this, never older.
    pub observed_at: Timestamp,
}

/// Which accounts were read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Extent {
    /// Those that a request asked for.
    #[default]
    Asked,
    /// Those that are active, in a quick scan.
    Active,
    /// All: one that is missing, and was asked for, has left.
    Everybody,
    /// The pack is gone.
    Gone,
}

impl Observation {
    /// Whether an account should have been read, and no state of it was.
    pub fn lacks(&self, account: &AccountId, settings: &Settings) -> bool {
        !self.states.contains_key(account) && !settings.excluded.contains(account)
    }

    /// Whether an account is not there of which no state was read.
    fn is_absent(&self, account: &AccountId) -> bool {
        self.extent == Extent::Everybody || self.absent.contains(account)
    }
}

/// When the history forgets what is recorded now. The log is the outbox of both topics, too: what lags outlives a topic
/// that refuses for two weeks, however short the history is.
pub fn expires_at(settings: &Settings, now: Timestamp) -> Timestamp {
    now.checked_add(settings.history.max(LEAST_KEPT)).unwrap_or(Timestamp::MAX)
}

/// What is recorded beside what was observed, and by which rules they are compared.
#[derive(Debug, Clone, Copy)]
pub struct Comparison<'a> {
    /// What both are about.
    pub target: &'a Target,
    /// The id of its history.
    pub history_id: &'a str,
    /// The epoch of the run's claim.
    pub epoch: u64,
    /// What is recorded.
    pub rows: &'a Rows,
    /// What was observed.
    pub observed: &'a Observation,
    /// Whether the target is seen for the first time, or that goes on: what is unhealthy is recorded as found, and
    /// nobody joins.
    pub baseline: bool,
    /// Whom to leave out, what people want to be notified of, and how long the history is.
    pub settings: &'a Settings,
    /// What people do not want to be notified of for a while.
    pub silences: &'a Silences,
}

impl Comparison<'_> {
    fn now(&self) -> Timestamp {
        self.observed.observed_at
    }

    /// What must be written so that the rows are what was observed, in the order of the accounts.
    pub fn changes(&self) -> Vec<Change> {
        let Self { rows, observed, settings, .. } = self;
        let deleting = self.is_being_deleted();
        let seen = observed.states.iter();
        let seen = seen.filter_map(|(account, to)| {
            self.change(*account, rows.get(account).map(Box::as_ref), to, deleting)
        });
        let unseen = rows.iter().filter_map(|(account, row)| {
            let unasked = observed.extent == Extent::Gone || settings.excluded.contains(account);
            let is_gone = unasked || observed.is_absent(account);
            let is_left = is_gone && !observed.states.contains_key(account);
            is_left.then(|| self.left(*account, row, deleting, unasked))
        });
        let mut changes: Vec<Change> = seen.chain(unseen).collect();
        changes.sort_by_key(|change| change.account);
        changes
    }

    /// What must be written for an account that was read.
    fn change(&self, account: AccountId, row: Option<&Row>, to: &State, deleting: bool) -> Option<Change> {
        if to.health() == Health::Removed {
            return row.map(|row| self.left(account, row, deleting, false));
        }
        let to = self.held(account, row, to);
        let past = self.past(row);
        let due = row.is_some_and(|row| self.is_due(row, &past, &to));
        let kind = kind::of(row, &to, due, self.baseline);
        let now = self.incident(account, row, &past, &to);
        let turns = past.incident.is_some() != now.is_some();
        let flap = flap::judge(row, turns, self.now(), self.settings.flap_limit);
        if !flap.settles && row.is_some_and(|row| row.state.key() == to.key()) {
            return None;
        }
        // Settling hides no stuck deployment: that waits for the next run.
        let settles = flap.settles && kind != Some(Kind::Stuck);
        let kind = if settles { Some(Kind::Settled) } else { kind };
        let transition = kind.map(|kind| {
            let facts = Facts {
                incident: now.as_ref().map(|(incident, _)| incident),
                ends_notified: now.is_none() && past.ends_notified(kind),
                flap: &flap,
                covered: to.silenced || self.silences.silence(account, kind, self.now()),
                expected: deleting,
            };
            let of = now.as_ref().map(|(incident, began)| (incident.id.clone(), *began));
            let of = of.or_else(|| past.ends(kind));
            Box::new(self.record(account, kind, row, Some(&to), of, facts))
        });
        let change = transition.as_deref();
        let pending_resolution = past.pending_resolution(now.is_none(), change);
        let (incident, began) =
            now.map(|(incident, began)| (with_notified(incident, &to, change), began)).unzip();
        let row = Row {
            flapping: flap.goes_on
                || flap.settles != settles
                || change.is_some_and(|change| change.flapping.is_some()),
            state: to,
            failing_since: began,
            turns: flap.turns,
            epoch: self.epoch,
            incident: incident.map(Box::new),
            pending_resolution,
        };
        Some(Change { account, row: Some(row), transition })
    }

    /// What must be written for an account that is no longer there. Of one that the settings leave out, or that went with
    /// its pack, machines and people hear that its incident is over, and else nothing.
    fn left(&self, account: AccountId, row: &Row, deleting: bool, unasked: bool) -> Change {
        let past = self.past(Some(row));
        let ends = past.ends(Kind::Left);
        let facts = Facts {
            incident: past.incident,
            ends_notified: past.ends_notified(Kind::Left),
            flap: &Flap::default(),
            covered: self.silences.silence(account, Kind::Left, self.now()),
            expected: deleting || unasked,
        };
        let is_logged = !unasked || ends.is_some();
        let transition =
            is_logged.then(|| Box::new(self.record(account, Kind::Left, Some(row), None, ends, facts)));
        Change { account, row: None, transition }
    }

    /// The record of a change, of an incident that goes on or ends.
    fn record(
        &self,
        account: AccountId,
        kind: Kind,
        row: Option<&Row>,
        to: Option<&State>,
        of: Option<(String, Timestamp)>,
        facts: Facts<'_>,
    ) -> Transition {
        let (incident_id, failing_since) = of.unzip();
        let change = Transition {
            account,
            epoch: self.epoch,
            kind,
            // Its message is known from the record before.
            from: row.map(|row| State { error_message: None, ..row.state.clone() }),
            to: to.cloned(),
            failing_since,
            observed_at: self.now(),
            silenced: false,
            flapping: None,
            damped: false,
            incident_id,
            baseline: self.baseline,
            notify: false,
        };
        policy::judged(change, facts, &self.settings.notify)
    }

    /// The incident in which the account is from now on, and when it began.
    fn incident(
        &self,
        account: AccountId,
        row: Option<&Row>,
        past: &Past<'_>,
        to: &State,
    ) -> Option<(Incident, Timestamp)> {
        if !kind::is_in_incident(row, to) {
            return None;
        }
        let Some((row, incident)) = row.zip(past.incident) else {
            let began = to.last_update.filter(|at| !is_surely_after(*at, self.now())).unwrap_or(self.now());
            return Some((Incident::begun(self.target, self.history_id, account, self.epoch), began));
        };
        let tried_again = incident.tried_again + u64::from(is_tried_again(&row.state, to));
        Some((Incident { tried_again, ..incident.clone() }, past.began))
    }

    fn past<'r>(&self, row: Option<&'r Row>) -> Past<'r> {
        Past {
            incident: row.and_then(|row| row.incident.as_deref()),
            began: row.and_then(|row| row.failing_since).unwrap_or(self.now()),
            pending_resolution: row.and_then(|row| row.pending_resolution.as_deref()),
        }
    }

    /// The state that counts. The clocks of two runs differ: what is stuck stays so while AWS Config says the same of
    /// it, and a period between two reminders does not come again. One that has begun is that of other settings, and one
    /// far ahead that of a wrong clock.
    fn held(&self, account: AccountId, row: Option<&Row>, to: &State) -> State {
        let mut held = to.clone();
        let Some(row) = row.map(|row| &row.state) else { return held };
        if row.stuck && !to.stuck && (&row.status, row.last_update) == (&to.status, to.last_update) {
            held.stuck = true;
            held.silenced = self.silences.cover(account, &held, self.now());
        }
        let every = self.settings.thresholds.remind_every.map_or(0, |every| every.as_secs());
        let now = u64::try_from(self.now().as_second()).unwrap_or(0);
        if to.reminder > 0 && row.reminder > now && row.reminder <= to.reminder.saturating_add(every) {
            held.reminder = row.reminder.max(to.reminder);
        }
        held
    }

    fn is_due(&self, row: &Row, past: &Past<'_>, to: &State) -> bool {
        let Some(every) = self.settings.thresholds.remind_every else { return false };
        if row.incident.is_none() {
            return false;
        }
        let notified = Some(past.notified_at()).filter(|at| !is_surely_after(*at, self.now()));
        overdue::is_due(to.reminder, row.state.reminder, notified, every)
    }

    /// Whether the whole pack is being deleted: every account that is left is in a DELETE status, and some account is
    /// seen in one.
    fn is_being_deleted(&self) -> bool {
        let Self { rows, observed, settings, .. } = self;
        let unread = rows.iter().filter(|(account, _)| observed.lacks(account, settings));
        let unread = unread.map(|(account, row)| (&row.state, observed.is_absent(account)));
        let mut all = observed.states.values().map(|state| (state, false)).chain(unread);
        let is_deletion = |state: &State| state.status.is_deletion();
        all.clone().all(|(state, is_gone)| is_gone || is_deletion(state))
            && all.any(|(state, _)| is_deletion(state))
    }
}

#[cfg(test)]
mod tests;
