use super::*;
use crate::model::Status;
use crate::state::heads::{Counts, counts};

const A: &str = "111122223333";
#[derive(Clone, Copy)]
struct Stamp {
    epoch: u64,
    observed_at: Timestamp,
    flap_limit: Option<u32>,
}

const STAMP: Stamp = Stamp { epoch: 7, observed_at: Timestamp::UNIX_EPOCH, flap_limit: None };

/// A comparison of the pack P, where nothing is silenced.
fn changes(
    rows: &BTreeMap<AccountId, Row>,
    observed: &Observation,
    excluded: &BTreeSet<AccountId>,
    stamp: Stamp,
    baseline: bool,
) -> Vec<Change> {
    let lookup = |name: &str| (name == "PACKWATCH_REGIONS").then(|| "eu-west-1".to_owned());
    let settings = crate::settings::Reader::new(&lookup).settings();
    let settings = Settings { excluded: excluded.clone(), flap_limit: stamp.flap_limit, ..settings };
    let comparison = Comparison {
        target: &Target { region: "eu-west-1".parse().unwrap(), pack: "P".parse().unwrap() },
        born: "b",
        epoch: stamp.epoch,
        rows,
        observed,
        observed_at: stamp.observed_at,
        baseline,
        settings: &settings,
        silences: &Silences::default(),
    };
    comparison.changes()
}

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
    let both = observed(&[(A, state("CREATE_SUCCESSFUL")), ("444455556666", state("CREATE_FAILED"))], true);
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

#[test]
fn the_rows_afterwards_are_those_that_stay_and_those_that_changed() {
    let ids = ["111122223331", "111122223332", "111122223333", "111122223334"];
    let [good, bad] = ["CREATE_SUCCESSFUL", "CREATE_FAILED"].map(state);
    let row = |state: &State| Row {
        state: state.clone(),
        failing_since: None,
        turns: Vec::new(),
        flapping: false,
        epoch: 0,
        incident: None,
    };
    let mut rows: BTreeMap<AccountId, Row> =
        ids.iter().take(3).map(|id| (id.parse().unwrap(), row(&good))).collect();
    // The first stays, the second changes, the third leaves, the fourth joins.
    let now = observed(&[(ids[0], good.clone()), (ids[1], bad.clone()), (ids[3], bad.clone())], true);
    let changes = changes(&rows, &now, &BTreeSet::new(), STAMP, false);
    let mut foreseen: Vec<String> = after(&rows, &changes).map(|row| format!("{row:?}")).collect();
    apply(&mut rows, &changes);
    let mut applied: Vec<String> = rows.values().map(|row| format!("{row:?}")).collect();
    foreseen.sort();
    applied.sort();
    assert_eq!(foreseen, applied);
    assert_eq!(applied.len(), 3);
}

/// Who is not told that it begins would be told of no failure for as long as the account flaps.
#[test]
fn flapping_begins_only_where_it_is_told() {
    let turns = vec![Timestamp::UNIX_EPOCH; 3];
    let row = Row {
        state: state("CREATE_SUCCESSFUL"),
        failing_since: None,
        turns,
        flapping: false,
        epoch: 0,
        incident: None,
    };
    let rows = BTreeMap::from([(A.parse().unwrap(), row)]);
    let failed = observed(&[(A, state("UPDATE_FAILED"))], true);
    let stamp = Stamp { flap_limit: Some(3), ..STAMP };
    let one = |baseline| changes(&rows, &failed, &BTreeSet::new(), stamp, baseline).remove(0);
    let is_flapping = |change: &Change| change.row.as_ref().unwrap().flapping;

    let told = one(false);
    assert!(is_flapping(&told) && told.transition.as_ref().unwrap().flapping == Some(4));
    assert!(!is_flapping(&one(true)), "a baseline tells nothing of it");
    let covered = observed(&[(A, State { silenced: true, ..state("UPDATE_FAILED") })], true);
    let told = changes(&rows, &covered, &BTreeSet::new(), stamp, false).remove(0);
    let transition = told.transition.as_ref().unwrap();
    assert!(transition.silenced && transition.flapping.is_none() && !is_flapping(&told));
    assert_eq!(told.row.as_ref().unwrap().turns.len(), 4, "the next change is one too many");
}

#[test]
fn accounts_are_counted_by_their_status() {
    let states = [state("CREATE_SUCCESSFUL"), state("CREATE_FAILED"), state("CREATE_SUCCESSFUL")];
    let expected = [(Status::new("CREATE_SUCCESSFUL"), 2), (Status::new("CREATE_FAILED"), 1)];
    assert_eq!(counts(states.iter()), Counts::from(expected));
}

#[test]
fn what_is_as_it_was_means_nothing() {
    let state = reminded(state("CREATE_FAILED"), 3);
    let row = Row {
        state: state.clone(),
        failing_since: None,
        turns: Vec::new(),
        flapping: false,
        epoch: 0,
        incident: None,
    };
    assert_eq!(kind(Some(&row), &state), None);
}

/// While an account flaps people are not told of each change; of a silence's end and of its settling they are.
#[test]
fn damping_ends_with_a_silence_and_when_the_account_settles() {
    let silenced = |silenced| State { silenced, ..state("CREATE_FAILED") };
    let damped = |from: State, to: State, flapping| {
        let turns = vec![STAMP.observed_at];
        let row = Row { state: from, failing_since: None, turns, flapping, epoch: 0, incident: None };
        let rows = BTreeMap::from([(A.parse().unwrap(), row)]);
        let stamp = Stamp { flap_limit: Some(3), ..STAMP };
        let changes = changes(&rows, &observed(&[(A, to)], true), &BTreeSet::new(), stamp, false);
        changes[0].transition.as_ref().unwrap().damped
    };
    let well = || state("CREATE_SUCCESSFUL");
    assert!(damped(well(), silenced(false), true));
    assert!(!damped(well(), silenced(false), false), "it does not flap");
    assert!(!damped(silenced(true), silenced(false), true), "nobody knows of the failure yet");
    assert!(damped(silenced(true), State { reminder: 1, ..silenced(true) }, true));

    let row = Row {
        state: well(),
        failing_since: None,
        turns: Vec::new(),
        flapping: true,
        epoch: 0,
        incident: None,
    };
    let rows = BTreeMap::from([(A.parse().unwrap(), row)]);
    let settled = changes(&rows, &observed(&[(A, well())], true), &BTreeSet::new(), STAMP, false);
    let transition = settled[0].transition.as_ref().unwrap();
    assert!(transition.kind == Kind::Settled && !transition.damped);
    assert!(!settled[0].row.as_ref().unwrap().flapping);
}
