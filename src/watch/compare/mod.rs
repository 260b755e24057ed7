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
use crate::state::{Health, Incident, Row, State, Transition};
use crate::watch::compare::flap::Flap;
use crate::watch::compare::kind::Effect;
use crate::watch::compare::past::{Past, is_tried_again, with_notified};
use crate::watch::compare::policy::{Facts, NotificationDecision};

/// By how much the clock of AWS Config, or of another run, may be ahead.
pub(in crate::watch) const CLOCKS: Duration = Duration::from_secs(60);

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
    pub rows: &'a BTreeMap<AccountId, Row>,
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
        let seen = seen.filter_map(|(account, to)| self.change(*account, rows.get(account), to, deleting));
        let unseen = rows.iter().filter(|(account, _)| !observed.states.contains_key(account));
        let unseen = unseen.filter_map(|(account, row)| {
            if observed.extent == Extent::Gone || settings.excluded.contains(account) {
                return Some(self.dropped(*account, row));
            }
            observed.is_absent(account).then(|| self.left(*account, row, deleting))
        });
        let mut changes: Vec<Change> = seen.chain(unseen).collect();
        changes.sort_by_key(|change| change.account);
        changes
    }

    /// What must be written for an account that was read.
    fn change(&self, account: AccountId, row: Option<&Row>, to: &State, deleting: bool) -> Option<Change> {
        if to.health() == Health::Removed {
            return row.map(|row| self.left(account, row, deleting));
        }
        let to = self.held(account, row, to);
        let past = self.past(row);
        let due = row.is_some_and(|row| self.is_due(row, &past, &to));
        let meaning = kind::meaning(row, Some(&to), due, self.baseline);
        let turns = matches!(meaning.incident, Effect::Begins | Effect::Ends);
        let flap = flap::judge(row, turns, self.now(), self.settings.flap_limit);
        if !flap.settles && row.is_some_and(|row| row.state.key() == to.key()) {
            return None;
        }
        // Settling hides no stuck deployment: that waits for the next run.
        let settles = flap.settles && meaning.kind != Some(Kind::Stuck);
        let kind = if settles { Some(Kind::Settled) } else { meaning.kind };
        let now = self.incident(account, row, &past, &to, meaning.incident);
        let decision = kind.map(|kind| {
            let facts = Facts {
                kind,
                to: Some(&to),
                incident: now.as_ref().map(|(incident, _)| incident),
                ends_notified: now.is_none() && past.ends_notified(kind),
                flap: &flap,
                covered: to.silenced || self.silences.silence(account, kind, self.now()),
                silence_ended: row.is_some_and(|row| row.state.silenced)
                    && !to.silenced
                    && to.health().is_unhealthy(),
                unasked: false,
                deleting,
                baseline: self.baseline,
            };
            (kind, policy::decide(facts, &self.settings.notify))
        });
        let transition = decision.map(|(kind, decision)| {
            let of = now.as_ref().map(|(incident, began)| (incident.id.clone(), *began));
            self.record(account, kind, row, Some(&to), of.or_else(|| past.ends(kind)), decision)
        });
        let pending_resolution = past.pending_resolution(now.is_none(), decision);
        let (incident, began) =
            now.map(|(incident, began)| (with_notified(incident, &to, decision, self.now()), began)).unzip();
        let row = Row {
            state: to,
            failing_since: began,
            flapping: flap.goes_on
                || flap.settles != settles
                || decision.is_some_and(|(_, decision)| decision.flapping.is_some()),
            turns: flap.turns,
            epoch: self.epoch,
            incident,
            pending_resolution,
        };
        Some(Change { account, row: Some(row), transition: transition.map(Box::new) })
    }

    /// What must be written for an account that is no longer there.
    fn left(&self, account: AccountId, row: &Row, deleting: bool) -> Change {
        let kind = kind::meaning(Some(row), None, false, self.baseline).kind;
        let transition = kind.map(|kind| self.departure(account, kind, row, deleting, false));
        Change { account, row: None, transition: transition.map(Box::new) }
    }

    /// What must be written for an account that the settings leave out, or that went with its pack: machines and people
    /// hear that its incident is over, and else nothing.
    fn dropped(&self, account: AccountId, row: &Row) -> Change {
        let has_an_end = self.past(Some(row)).ends(Kind::Left).is_some();
        let left = || Box::new(self.departure(account, Kind::Left, row, false, true));
        Change { account, row: None, transition: has_an_end.then(left) }
    }

    fn departure(
        &self,
        account: AccountId,
        kind: Kind,
        row: &Row,
        deleting: bool,
        unasked: bool,
    ) -> Transition {
        let past = self.past(Some(row));
        let facts = Facts {
            kind,
            to: None,
            incident: past.incident.as_ref(),
            ends_notified: past.ends_notified(kind),
            flap: &Flap::default(),
            covered: self.silences.silence(account, kind, self.now()),
            silence_ended: false,
            unasked,
            deleting,
            baseline: self.baseline,
        };
        let decision = policy::decide(facts, &self.settings.notify);
        self.record(account, kind, Some(row), None, past.ends(kind), decision)
    }

    fn record(
        &self,
        account: AccountId,
        kind: Kind,
        row: Option<&Row>,
        to: Option<&State>,
        of: Option<(String, Timestamp)>,
        decision: NotificationDecision,
    ) -> Transition {
        let (incident_id, failing_since) = of.unzip();
        Transition {
            account,
            epoch: self.epoch,
            kind,
            // Its message is known from the record before.
            from: row.map(|row| State { error_message: None, ..row.state.clone() }),
            to: to.cloned(),
            failing_since,
            observed_at: self.now(),
            silenced: decision.silenced,
            flapping: decision.flapping,
            damped: decision.damped,
            incident_id,
            baseline: self.baseline,
            notify: decision.notify,
        }
    }

    /// The incident in which the account is from now on, and when it began.
    fn incident(
        &self,
        account: AccountId,
        row: Option<&Row>,
        past: &Past,
        to: &State,
        effect: Effect,
    ) -> Option<(Incident, Timestamp)> {
        match effect {
            Effect::None | Effect::Ends => None,
            Effect::Begins => {
                let incident = Incident::begun(self.target, self.history_id, account, self.epoch);
                let began = to.last_update.filter(|at| self.is_past(*at));
                Some((incident, began.unwrap_or(self.now())))
            }
            Effect::GoesOn => {
                let again = row.is_some_and(|row| is_tried_again(&row.state, to));
                let incident = past.incident.clone()?;
                let tried_again = incident.tried_again + u64::from(again);
                Some((Incident { tried_again, ..incident }, past.began))
            }
        }
    }

    fn past(&self, row: Option<&Row>) -> Past {
        Past {
            incident: row.and_then(|row| row.incident.clone()),
            began: row.and_then(|row| row.failing_since).unwrap_or(self.now()),
            pending_resolution: row.and_then(|row| row.pending_resolution.clone()),
        }
    }

    /// The state that counts. The clocks of two runs differ: what is stuck stays so while AWS Config says the same of
    /// it, and a period between two reminders does not come again, unless it was one of a clock far ahead.
    fn held(&self, account: AccountId, row: Option<&Row>, to: &State) -> State {
        let mut held = to.clone();
        let Some(row) = row.map(|row| &row.state) else { return held };
        if row.stuck && !to.stuck && (&row.status, row.last_update) == (&to.status, to.last_update) {
            held.stuck = true;
            held.silenced = self.silences.cover(account, &held, self.now());
        }
        let every = self.settings.thresholds.remind_every.map_or(0, |every| every.as_secs());
        if to.reminder > 0 && row.reminder <= to.reminder.saturating_add(every) {
            held.reminder = row.reminder.max(to.reminder);
        }
        held
    }

    /// Whether a time has come. One that has not is of a clock that is ahead.
    fn is_past(&self, at: Timestamp) -> bool {
        at <= self.now().saturating_add(CLOCKS).unwrap_or(self.now())
    }

    fn is_due(&self, row: &Row, past: &Past, to: &State) -> bool {
        let Some(every) = self.settings.thresholds.remind_every else { return false };
        if row.incident.is_none() {
            return false;
        }
        let notified = Some(past.notified_at()).filter(|at| self.is_past(*at));
        overdue::is_due(to.reminder, row.state.reminder, notified, every)
    }

    /// Whether the whole pack is being deleted: every account that is left is in a DELETE status, and some account is
    /// seen in one.
    fn is_being_deleted(&self) -> bool {
        let Self { rows, observed, settings, .. } = self;
        let is_unread = |(account, _): &(&AccountId, &Row)| {
            !observed.states.contains_key(account) && !settings.excluded.contains(account)
        };
        let unread = rows.iter().filter(is_unread);
        let stays = |(account, _): &(&AccountId, &Row)| !observed.is_absent(account);
        let staying = unread.clone().filter(stays).map(|(_, row)| &row.state);
        let is_deletion = |state: &State| state.status.is_deletion();
        let mut left = observed.states.values().chain(staying);
        left.clone().all(is_deletion)
            && (left.next().is_some() || unread.map(|(_, row)| &row.state).any(is_deletion))
    }
}

#[cfg(test)]
mod tests;
