//! Compares what is recorded with what was observed. Pure: the whole judgement of what a change means
//! is here.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::model::{AccountId, Kind, Phase, Target};
use crate::settings::Settings;
use crate::state::heads::Change;
use crate::state::silence::Silences;
use crate::state::{Row, State, Transition};
use crate::watch::flap::{self, Flap};

/// What was observed of a target.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Observation {
    /// The effective state of each account that was read.
    pub states: BTreeMap<AccountId, State>,
    /// Whether every account was read: only then can one that is missing have left.
    pub whole: bool,
}

/// The rows as these changes, which are in the order of the accounts, will leave them.
pub fn after<'a>(rows: &'a BTreeMap<AccountId, Row>, changes: &'a [Change]) -> impl Iterator<Item = &'a Row> {
    let stays = |account| changes.binary_search_by_key(account, |change| change.account).is_err();
    let staying = rows.iter().filter(move |(account, _)| stays(*account)).map(|(_, row)| row);
    staying.chain(changes.iter().filter_map(|change| change.row.as_ref()))
}

/// The recorded accounts that were not observed, though every account was read. Each needs a confirming
/// read before it may count as having left.
pub fn missing(
    rows: &BTreeMap<AccountId, Row>,
    observed: &Observation,
    excluded: &BTreeSet<AccountId>,
) -> Vec<AccountId> {
    let unseen = |account: &&AccountId| !observed.states.contains_key(account) && !excluded.contains(account);
    if observed.whole { rows.keys().filter(unseen).copied().collect() } else { Vec::new() }
}

/// What is recorded beside what was observed, and by which rules they are compared.
#[derive(Debug, Clone, Copy)]
pub struct Comparison<'a> {
    /// What both are about.
    pub target: &'a Target,
    /// Its history's birth.
    pub born: &'a str,
    /// The epoch of the run's claim.
    pub epoch: u64,
    /// What is recorded.
    pub rows: &'a BTreeMap<AccountId, Row>,
    /// What was observed.
    pub observed: &'a Observation,
    /// When the statuses were read.
    pub observed_at: Timestamp,
    /// Whether the target is seen for the first time: nothing that is so already is a change.
    pub baseline: bool,
    /// Whom to leave out, what people want to be told, and how long the history is.
    pub settings: &'a Settings,
    /// What people do not want to be told for a while.
    pub silences: &'a Silences,
}

impl Comparison<'_> {
    /// What must be written so that the rows are what was observed, in the order of the accounts. In a
    /// baseline nothing is logged.
    pub fn changes(&self) -> Vec<Change> {
        let Self { rows, observed, settings, .. } = self;
        let mut changes = Vec::new();
        for (account, to) in &observed.states {
            let row = rows.get(account);
            let flap = flap::judge(row, to, self.observed_at, settings.flap_limit);
            if flap.settles || row.is_none_or(|row| row.state.key() != to.key()) {
                let kind = match self.baseline {
                    true => None,
                    false if flap.settles => Some(Kind::Settled),
                    false => kind(row, to),
                };
                changes.push(self.changed(*account, row, to, kind, flap));
            }
        }
        for account in settings.excluded.iter().filter(|account| rows.contains_key(account)) {
            changes.push(Change { account: *account, row: None, transition: None });
        }
        for account in missing(rows, observed, &settings.excluded) {
            changes.push(self.left(account, rows.get(&account)));
        }
        changes.sort_by_key(|change| change.account);
        changes.iter_mut().for_each(|change| self.silence(change));
        changes
    }

    fn changed(
        &self,
        account: AccountId,
        row: Option<&Row>,
        to: &State,
        kind: Option<Kind>,
        flap: Flap,
    ) -> Change {
        // The end of a silence is told even so: nobody knows of the failure yet.
        let silence_ended = row.is_some_and(|row| row.state.silenced) && !to.silenced;
        let since = failing_since(row, to, self.observed_at);
        let transition = kind.map(|kind| Transition {
            account,
            epoch: self.epoch,
            kind,
            from: row.map(|row| row.state.clone()),
            to: Some(to.clone()),
            // A recovery tells since when the account had failed; its row no longer knows.
            failing_since: since.or_else(|| row.and_then(|row| row.failing_since)),
            observed_at: self.observed_at,
            silenced: false,
            flapping: flap.begins,
            damped: flap.goes_on && !silence_ended,
            incident_id: None,
            baseline: false,
            told: None,
            expires_at: self.expires_at(),
        });
        // Where nothing is told, nobody learns that it begins: the next change says so.
        let flapping = flap.goes_on || transition.as_ref().is_some_and(|t| t.flapping.is_some());
        let row = Row {
            state: to.clone(),
            failing_since: since,
            turns: flap.turns,
            flapping,
            epoch: self.epoch,
            incident: None,
        };
        Change { account, row: Some(row), transition: transition.map(Box::new) }
    }

    fn left(&self, account: AccountId, row: Option<&Row>) -> Change {
        let transition = row.filter(|_| !self.baseline).map(|row| Transition {
            account,
            epoch: self.epoch,
            kind: Kind::Left,
            from: Some(row.state.clone()),
            to: None,
            failing_since: row.failing_since,
            observed_at: self.observed_at,
            silenced: false,
            flapping: None,
            damped: false,
            incident_id: None,
            baseline: false,
            told: None,
            expires_at: self.expires_at(),
        });
        Change { account, row: None, transition: transition.map(Box::new) }
    }

    /// Keeps a change that a silence covers from people. Whoever is not told that an account begins to change too often
    /// must be told of its next change, so it does not begin here.
    fn silence(&self, change: &mut Change) {
        let Some(transition) = &mut change.transition else { return };
        let is_covered = transition.to.as_ref().is_some_and(|to| to.silenced);
        if !is_covered && !self.silences.silence(change.account, transition.kind, self.observed_at) {
            return;
        }
        transition.silenced = true;
        if transition.flapping.take().is_some()
            && let Some(row) = &mut change.row
        {
            row.flapping = false;
        }
    }

    fn expires_at(&self) -> Timestamp {
        self.observed_at.checked_add(self.settings.history).unwrap_or(Timestamp::MAX)
    }
}

/// Since when the account is not well: a failure starts it, only a success ends it, so that a failure
/// that is being tried again (in progress) is still the same one.
fn failing_since(row: Option<&Row>, to: &State, observed_at: Timestamp) -> Option<Timestamp> {
    let before = row.and_then(|row| row.failing_since);
    match to.status.phase() {
        Phase::Failed => before.or(to.last_update).or(Some(observed_at)),
        Phase::InProgress | Phase::Unrecognised => before,
        Phase::Successful => None,
    }
}

/// What the change from a row to a state means; `None` where only a threshold was moved or a silence
/// began.
fn kind(row: Option<&Row>, to: &State) -> Option<Kind> {
    let from = row.map(|row| &row.state);
    let same_event = from.is_some_and(|from| from.is_same_event(to));
    let silence_began =
        from.is_some_and(|from| same_event && !from.silenced && to.silenced && from.stuck == to.stuck);
    let silence_ended = from.is_some_and(|from| from.silenced) && !to.silenced;
    if silence_began {
        return None;
    }
    let was_ill = row.is_some_and(|row| row.failing_since.is_some() || row.state.stuck);
    match (to.status.phase(), from) {
        (Phase::Failed, Some(from)) if same_event && !silence_ended => {
            (to.reminder > from.reminder).then_some(Kind::Reminder)
        }
        (Phase::Failed, _) => Some(Kind::Failed),
        (Phase::Unrecognised, _) => Some(Kind::Unrecognised),
        (_, None) => Some(Kind::Joined),
        (Phase::InProgress, _) if to.stuck => Some(Kind::Stuck),
        (Phase::InProgress, Some(_)) => (!same_event).then_some(Kind::InProgress),
        (Phase::Successful, Some(_)) if was_ill => Some(Kind::Recovered),
        (Phase::Successful, Some(_)) => Some(Kind::Succeeded),
    }
}

#[cfg(test)]
mod tests;
