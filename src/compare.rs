//! Compares what is recorded with what was observed. Pure: the whole judgement of what a change means
//! is here.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::flap::{self, Flap};
use crate::model::{AccountId, Kind, Phase, Row, State, Transition};
use crate::snapshot::{Change, Counts};

/// What every change of one comparison shares.
#[derive(Debug, Clone, Copy)]
pub struct Stamp {
    /// The epoch of the run's claim.
    pub epoch: u64,
    /// When the statuses were read.
    pub observed_at: Timestamp,
    /// When the history forgets it.
    pub expires_at: Timestamp,
    /// More changes of one account within an hour are too many to be told of each.
    pub flap_limit: Option<u32>,
}

/// What was observed of a target.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Observation {
    /// The effective state of each account that was read.
    pub states: BTreeMap<AccountId, State>,
    /// Whether every account was read: only then can one that is missing have left.
    pub whole: bool,
}

/// How many accounts are in each status.
pub fn counts<'a>(states: impl Iterator<Item = &'a State>) -> Counts {
    let mut counts = Counts::new();
    for state in states {
        *counts.entry(state.status.clone()).or_default() += 1;
    }
    counts
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

/// What must be written so that the rows are what was observed, in the order of the accounts. In a
/// baseline nothing is logged.
pub fn changes(
    rows: &BTreeMap<AccountId, Row>,
    observed: &Observation,
    excluded: &BTreeSet<AccountId>,
    stamp: Stamp,
    baseline: bool,
) -> Vec<Change> {
    let mut changes = Vec::new();
    for (account, to) in &observed.states {
        let row = rows.get(account);
        let flap = flap::judge(row, to, stamp.observed_at, stamp.flap_limit);
        if flap.settles || row.is_none_or(|row| row.state.key() != to.key()) {
            let kind = match baseline {
                true => None,
                false if flap.settles => Some(Kind::Settled),
                false => kind(row, to),
            };
            changes.push(changed(*account, row, to, kind, flap, stamp));
        }
    }
    for account in excluded.iter().filter(|account| rows.contains_key(account)) {
        changes.push(Change { account: *account, row: None, transition: None });
    }
    for account in missing(rows, observed, excluded) {
        changes.push(left(account, rows.get(&account), stamp, baseline));
    }
    changes.sort_by_key(|change| change.account);
    changes
}

fn changed(
    account: AccountId,
    row: Option<&Row>,
    to: &State,
    kind: Option<Kind>,
    flap: Flap,
    stamp: Stamp,
) -> Change {
    // The end of a silence is told even so: nobody knows of the failure yet.
    let silence_ended = row.is_some_and(|row| row.state.silenced) && !to.silenced;
    let since = failing_since(row, to, stamp.observed_at);
    let transition = kind.map(|kind| Transition {
        account,
        epoch: stamp.epoch,
        kind,
        from: row.map(|row| row.state.clone()),
        to: Some(to.clone()),
        // A recovery tells since when the account had failed; its row no longer knows.
        failing_since: since.or_else(|| row.and_then(|row| row.failing_since)),
        observed_at: stamp.observed_at,
        silenced: false,
        flapping: flap.begins,
        damped: flap.goes_on && !silence_ended,
        expires_at: stamp.expires_at,
    });
    let flapping = flap.is_flapping();
    let row = Row { state: to.clone(), failing_since: since, turns: flap.turns, flapping };
    Change { account, row: Some(row), transition }
}

fn left(account: AccountId, row: Option<&Row>, stamp: Stamp, baseline: bool) -> Change {
    let transition = row.filter(|_| !baseline).map(|row| Transition {
        account,
        epoch: stamp.epoch,
        kind: Kind::Left,
        from: Some(row.state.clone()),
        to: None,
        failing_since: row.failing_since,
        observed_at: stamp.observed_at,
        silenced: false,
        flapping: None,
        damped: false,
        expires_at: stamp.expires_at,
    });
    Change { account, row: None, transition }
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
mod tests {
    use super::*;
    use crate::model::Status;

    const A: &str = "111122223333";
    const STAMP: Stamp = Stamp {
        epoch: 7,
        observed_at: Timestamp::UNIX_EPOCH,
        expires_at: Timestamp::UNIX_EPOCH,
        flap_limit: None,
    };

    fn state(status: &str) -> State {
        State {
            status: Status::new(status),
            error_code: None,
            error_message: None,
            last_update: None,
            stuck: false,
            reminder: 0,
            silenced: false,
        }
    }

    fn at(mut state: State, time: &str) -> State {
        state.last_update = Some(time.parse().unwrap());
        state
    }

    fn stuck(mut state: State) -> State {
        state.stuck = true;
        state
    }

    fn reminded(mut state: State, n: u64) -> State {
        state.reminder = n;
        state
    }

    fn observed(states: &[(&str, State)], whole: bool) -> Observation {
        let states = states.iter().map(|(id, state)| (id.parse().unwrap(), state.clone())).collect();
        Observation { states, whole }
    }

    fn apply(rows: &mut BTreeMap<AccountId, Row>, changes: &[Change]) {
        for change in changes {
            match &change.row {
                Some(row) => rows.insert(change.account, row.clone()),
                None => rows.remove(&change.account),
            };
        }
    }

    /// The kinds that an account goes through, one comparison a step; `-` where nothing is logged.
    fn story(steps: &[Option<State>]) -> Vec<String> {
        let mut rows = BTreeMap::new();
        let step = |state: &Option<State>| {
            let states: Vec<_> = state.iter().map(|state| (A, state.clone())).collect();
            let changes = changes(&rows, &observed(&states, true), &BTreeSet::new(), STAMP, false);
            apply(&mut rows, &changes);
            let kind = changes.first().and_then(|change| change.transition.as_ref()).map(|t| t.kind);
            kind.map_or("-".to_owned(), |kind| kind.to_string())
        };
        steps.iter().map(step).collect()
    }

    #[test]
    fn an_account_joins_fails_is_retried_recovers_and_leaves() {
        let steps = [
            Some(state("CREATE_IN_PROGRESS")),
            Some(state("CREATE_FAILED")),
            Some(state("CREATE_IN_PROGRESS")),
            Some(state("CREATE_SUCCESSFUL")),
            Some(state("UPDATE_SUCCESSFUL")),
            None,
        ];
        let kinds = ["Joined", "Failed", "InProgress", "Recovered", "Succeeded", "Left"];
        assert_eq!(story(&steps), kinds);
    }

    #[test]
    fn an_account_that_joins_failing_is_failed() {
        assert_eq!(story(&[Some(state("CREATE_FAILED"))]), ["Failed"]);
    }

    #[test]
    fn a_failure_that_fails_again_is_news_and_a_reminder_is_none() {
        let first = at(state("UPDATE_FAILED"), "2026-11-20T10:00:00Z");
        let again = at(state("UPDATE_FAILED"), "2026-11-20T11:00:00Z");
        let steps = [
            Some(first.clone()),
            Some(again.clone()),
            Some(reminded(again.clone(), 1)),
            Some(reminded(again.clone(), 1)),
            Some(again),
        ];
        let kinds = ["Failed", "Failed", "Reminder", "-", "-"];
        assert_eq!(story(&steps), kinds, "the last: reminders were switched off");
    }

    #[test]
    fn stuck_is_told_once_and_mended_by_success() {
        let running = state("UPDATE_IN_PROGRESS");
        let steps = [
            Some(running.clone()),
            Some(stuck(running.clone())),
            Some(stuck(running.clone())),
            Some(running),
            Some(stuck(state("DELETE_IN_PROGRESS"))),
            Some(state("UPDATE_SUCCESSFUL")),
        ];
        let kinds = ["Joined", "Stuck", "-", "-", "Stuck", "Recovered"];
        assert_eq!(story(&steps), kinds, "the fourth: the threshold was raised");
    }

    #[test]
    fn the_end_of_a_silence_is_told_while_it_is_ill_and_the_beginning_never() {
        let silenced = |state: State| State { silenced: true, ..state };
        let failed = at(state("CREATE_FAILED"), "2026-11-20T10:00:00Z");
        let running = stuck(state("UPDATE_IN_PROGRESS"));
        let steps = [
            Some(failed.clone()),
            Some(silenced(failed.clone())),
            Some(silenced(reminded(failed.clone(), 1))),
            Some(reminded(failed, 1)),
            Some(state("CREATE_SUCCESSFUL")),
            Some(silenced(running.clone())),
            Some(running.clone()),
            Some(silenced(running)),
        ];
        let kinds = ["Failed", "-", "Reminder", "Failed", "Recovered", "Stuck", "Stuck", "-"];
        assert_eq!(story(&steps), kinds);
    }

    #[test]
    fn an_undocumented_status_is_announced_as_such() {
        let steps = [Some(state("CREATE_SUCCESSFUL")), Some(state("ROLLBACK_PENDING"))];
        assert_eq!(story(&steps), ["Joined", "Unrecognised"]);
    }

    #[test]
    fn a_recovery_tells_since_when_it_had_failed() {
        let failed = at(state("CREATE_FAILED"), "2026-11-20T10:00:00Z");
        let retried = at(state("CREATE_IN_PROGRESS"), "2026-11-20T12:00:00Z");
        let mut rows = BTreeMap::new();
        let mut last = Vec::new();
        for state in [failed.clone(), retried, state("CREATE_SUCCESSFUL")] {
            last = changes(&rows, &observed(&[(A, state)], true), &BTreeSet::new(), STAMP, false);
            apply(&mut rows, &last);
        }
        let transition = last[0].transition.as_ref().unwrap();
        assert_eq!(transition.failing_since, failed.last_update);
        assert_eq!(last[0].row.as_ref().unwrap().failing_since, None);
    }

    #[test]
    fn a_read_of_some_accounts_never_infers_that_one_left() {
        let mut rows = BTreeMap::new();
        let both =
            observed(&[(A, state("CREATE_SUCCESSFUL")), ("444455556666", state("CREATE_FAILED"))], true);
        let first = changes(&rows, &both, &BTreeSet::new(), STAMP, false);
        apply(&mut rows, &first);
        let some = observed(&[(A, state("CREATE_SUCCESSFUL"))], false);
        assert_eq!(changes(&rows, &some, &BTreeSet::new(), STAMP, false), []);
        assert_eq!(missing(&rows, &some, &BTreeSet::new()), []);
    }

    #[test]
    fn an_excluded_account_goes_without_a_word_and_a_baseline_logs_nothing() {
        let mut rows = BTreeMap::new();
        let one = observed(&[(A, state("CREATE_FAILED"))], true);
        let baseline = changes(&rows, &one, &BTreeSet::new(), STAMP, true);
        assert!(baseline[0].row.is_some() && baseline[0].transition.is_none());
        apply(&mut rows, &baseline);
        let none = observed(&[], true);
        let excluded = BTreeSet::from([A.parse().unwrap()]);
        let dropped = changes(&rows, &none, &excluded, STAMP, false);
        assert_eq!(dropped, [Change { account: A.parse().unwrap(), row: None, transition: None }]);
    }
}
