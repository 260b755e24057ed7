use super::*;
use crate::model::Status;
use crate::notify::Topic;
use crate::state::Notified;
use crate::state::head::{Counts, counts};

const A: &str = "111122223333";
#[derive(Clone, Copy)]
struct Stamp {
    epoch: u64,
    observed_at: Timestamp,
    flap_limit: Option<u32>,
}

/// At 2026-11-20T14:00:00Z.
const STAMP: Stamp = Stamp { epoch: 7, observed_at: Timestamp::constant(1_795_183_200, 0), flap_limit: None };

fn settings(notify: &str) -> Settings {
    let lookup = |name: &str| match name {
        "PACKWATCH_REGIONS" => Some("eu-west-1".to_owned()),
        "PACKWATCH_NOTIFY" => Some(notify.to_owned()),
        _ => None,
    };
    crate::settings::Reader::new(&lookup).settings()
}

fn target() -> Target {
    Target { region: "eu-west-1".parse().unwrap(), pack: "P".parse().unwrap() }
}

/// A comparison of the pack P, where nothing is silenced.
fn changes(
    rows: &BTreeMap<AccountId, Row>,
    observed: &Observation,
    excluded: &BTreeSet<AccountId>,
    stamp: Stamp,
    baseline: bool,
) -> Vec<Change> {
    let settings = Settings { excluded: excluded.clone(), flap_limit: stamp.flap_limit, ..settings("all") };
    let comparison = Comparison {
        target: &target(),
        history_id: "b",
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
    Observation { states, whole, absent: BTreeSet::new() }
}

fn apply(rows: &mut BTreeMap<AccountId, Row>, changes: &[Change]) {
    for change in changes {
        match &change.row {
            Some(row) => rows.insert(change.account, row.clone()),
            None => rows.remove(&change.account),
        };
    }
}

/// What happens to the one account, scan by scan, a minute apart.
struct Story {
    settings: Settings,
    silences: Silences,
    rows: BTreeMap<AccountId, Row>,
    now: Timestamp,
    epoch: u64,
    records: Vec<Transition>,
}

impl Story {
    fn new(notify: &str) -> Self {
        Self {
            settings: settings(notify),
            silences: Silences::default(),
            rows: BTreeMap::new(),
            now: "2026-11-20T10:00:00Z".parse().unwrap(),
            epoch: 0,
            records: Vec::new(),
        }
    }

    fn compare(&mut self, observed: &Observation, baseline: bool, gone: bool) -> String {
        self.epoch += 1;
        self.now += jiff::SignedDuration::from_mins(1);
        let comparison = Comparison {
            target: &target(),
            history_id: "b",
            epoch: self.epoch,
            rows: &self.rows,
            observed,
            observed_at: self.now,
            baseline,
            settings: &self.settings,
            silences: &self.silences,
        };
        let changes = if gone { comparison.gone() } else { comparison.changes() };
        apply(&mut self.rows, &changes);
        let record = changes.into_iter().find_map(|change| change.transition);
        let notified = record.as_ref().map_or("-".to_owned(), |record| match record.notify {
            true => record.kind.to_string(),
            false => format!("({})", record.kind),
        });
        self.records.extend(record.map(|record| *record));
        notified
    }

    /// The kind, in brackets where people are not notified; `-` where nothing is recorded.
    fn scan(&mut self, state: Option<State>) -> String {
        let states: Vec<_> = state.into_iter().map(|state| (A, state)).collect();
        self.compare(&observed(&states, true), false, false)
    }

    fn scans(&mut self, states: impl IntoIterator<Item = State>) -> Vec<String> {
        states.into_iter().map(|state| self.scan(Some(state))).collect()
    }

    fn baseline(&mut self, state: State) -> String {
        self.compare(&observed(&[(A, state)], true), true, false)
    }

    fn gone(&mut self) -> String {
        self.compare(&Observation::default(), false, true)
    }

    /// How many incidents the records are of, and that each begins once and has one begin.
    fn incidents(&self) -> usize {
        let of = self.records.iter().filter_map(|r| Some((r.incident_id.clone()?, r.failing_since.unwrap())));
        let known: BTreeMap<_, _> = of.clone().collect();
        assert!(of.clone().all(|(id, since)| known[&id] == since), "{:?}", self.records);
        known.len()
    }
}

/// The kinds that an account goes through when everything is reported.
fn story(steps: &[Option<State>]) -> Vec<String> {
    let mut story = Story::new("all");
    steps.iter().map(|step| story.scan(step.clone())).collect()
}

const UNHEALTHY_AND_HEALTHY_AGAIN: &str = "failed,recovered,stuck";

fn failed(hour: u32) -> State {
    failed_with("A", hour)
}

fn failed_with(code: &str, hour: u32) -> State {
    let state = State { error_code: Some(code.to_owned()), ..state("UPDATE_FAILED") };
    at(state, &format!("2026-11-20T{hour:02}:00:00Z"))
}

fn silenced(state: State) -> State {
    State { silenced: true, ..state }
}

fn in_progress(hour: u32) -> State {
    at(state("UPDATE_IN_PROGRESS"), &format!("2026-11-20T{hour:02}:00:00Z"))
}

fn healthy() -> State {
    state("UPDATE_SUCCESSFUL")
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
fn an_account_that_joins_unhealthy_is_reported_as_what_it_is() {
    assert_eq!(story(&[Some(state("CREATE_FAILED"))]), ["Failed"]);
    assert_eq!(story(&[Some(state("ROLLBACK_PENDING"))]), ["Unrecognised"]);
    let mut story = Story::new(UNHEALTHY_AND_HEALTHY_AGAIN);
    assert_eq!(story.scan(Some(stuck(in_progress(6)))), "Stuck");
}

#[test]
fn stuck_that_moves_on_and_succeeds_has_recovered() {
    let mut story = Story::new("all");
    let steps = [in_progress(6), stuck(in_progress(6)), stuck(in_progress(6)), in_progress(9), healthy()];
    assert_eq!(story.scans(steps), ["Joined", "Stuck", "-", "InProgress", "Recovered"]);
    assert_eq!(story.incidents(), 1);
    assert_eq!(story.records[1].failing_since, in_progress(6).last_update, "it was stuck from its begin on");
}

#[test]
fn an_unknown_status_that_ends_has_recovered() {
    let steps = [Some(healthy()), Some(state("ROLLBACK_PENDING")), Some(healthy())];
    assert_eq!(story(&steps), ["Joined", "Unrecognised", "Recovered"]);
}

#[test]
fn the_same_failure_tried_again_has_failed_again_and_another_one_is_news() {
    let mut story = Story::new("all");
    let steps = [failed(6), failed(7), in_progress(8), failed(9), failed_with("B", 9), failed(10), healthy()];
    let kinds = ["Failed", "FailedAgain", "InProgress", "FailedAgain", "Failed", "Failed", "Recovered"];
    assert_eq!(story.scans(steps), kinds);
    assert_eq!(story.incidents(), 1);
    assert!(story.records.iter().all(|record| record.failing_since == failed(6).last_update));
}

#[test]
fn a_row_counts_how_often_it_was_tried_again() {
    let mut story = Story::new("all");
    story.scans([failed(6), failed(7), in_progress(8), failed(9), failed_with("B", 9), failed_with("B", 10)]);
    let row = story.rows.values().next().unwrap();
    assert_eq!(row.incident.as_ref().unwrap().tried_again, 3);
}

#[test]
fn a_failure_whose_pack_is_removed_has_left_and_then_nothing_is_there() {
    let mut story = Story::new("all");
    assert_eq!(story.scans([failed(6), state("DELETE_SUCCESSFUL")]), ["Failed", "Left"]);
    assert_eq!(story.incidents(), 1);
    assert!(story.records[1].incident_id.is_some() && story.records[1].to.is_none());
    assert_eq!(story.rows, BTreeMap::new());
    assert_eq!(story.scans([state("DELETE_SUCCESSFUL")]), ["-"]);
    assert_eq!(story.scan(None), "-");
}

#[test]
fn whoever_was_notified_of_an_incident_is_notified_of_its_end_and_nobody_else() {
    for (notify, kinds) in [
        (UNHEALTHY_AND_HEALTHY_AGAIN, ["Failed", "Left"]),
        ("failed,left", ["Failed", "Left"]),
        ("failed", ["Failed", "(Left)"]),
        ("recovered", ["(Failed)", "(Left)"]),
        ("joined,left", ["(Failed)", "Left"]),
    ] {
        let mut story = Story::new(notify);
        let notified = [story.scan(Some(failed(6))), story.scan(None)];
        assert_eq!(notified.each_ref().map(String::as_str), kinds, "{notify}");
    }
    let mut story = Story::new("recovered");
    assert_eq!(story.scans([failed(6), healthy()]), ["(Failed)", "(Recovered)"]);
}

#[test]
fn a_baseline_records_what_is_unhealthy_and_nothing_else() {
    for (notify, state, kind) in [
        (UNHEALTHY_AND_HEALTHY_AGAIN, failed(6), "Failed"),
        (UNHEALTHY_AND_HEALTHY_AGAIN, stuck(in_progress(6)), "Stuck"),
        ("baseline", stuck(in_progress(6)), "Stuck"),
        ("recovered", failed(6), "(Failed)"),
        ("baseline", state("ROLLBACK_PENDING"), "Unrecognised"),
        ("all", silenced(failed(6)), "(Failed)"),
        ("all", in_progress(6), "-"),
        ("all", healthy(), "-"),
        ("all", state("DELETE_SUCCESSFUL"), "-"),
    ] {
        let mut story = Story::new(notify);
        assert_eq!(story.baseline(state.clone()), kind, "{notify} {state:?}");
        assert_eq!(story.rows.len(), usize::from(state.health() != Health::Removed));
        assert!(story.records.iter().all(|record| record.baseline && record.incident_id.is_some()));
    }
    let mut story = Story::new("all");
    let notified = [story.baseline(failed(6)), story.baseline(failed(7)), story.baseline(healthy())];
    assert_eq!(notified, ["Failed", "FailedAgain", "Recovered"], "it goes on: the ordinary table counts");
    assert!(story.records.iter().all(|record| record.baseline));
}

#[test]
fn an_account_that_a_baseline_found_unhealthy_recovers_by_the_same_id() {
    let mut story = Story::new(UNHEALTHY_AND_HEALTHY_AGAIN);
    story.baseline(stuck(in_progress(6)));
    assert_eq!(story.scans([in_progress(9), healthy()]), ["(InProgress)", "Recovered"]);
    assert_eq!(story.incidents(), 1);
}

#[test]
fn what_a_silence_hid_is_reported_in_full_when_it_comes_again_after_the_silence() {
    let mut story = Story::new("all");
    let steps = [healthy(), silenced(failed(6)), in_progress(7), failed(8)];
    assert_eq!(story.scans(steps), ["Joined", "(Failed)", "InProgress", "Failed"]);
}

#[test]
fn the_end_of_a_silence_tells_in_full_what_nobody_knows_and_reminds_of_what_they_know() {
    let mut story = Story::new("all");
    assert_eq!(story.scans([silenced(failed(6)), failed(6)]), ["(Failed)", "Failed"]);
    let mut story = Story::new("all");
    assert_eq!(story.scans([failed(6), silenced(failed(6)), failed(6)]), ["Failed", "-", "Reminder"]);
    let record = story.records.last().unwrap();
    let notice = crate::notify::transition_notice(&target(), "b", record);
    assert!(notice.silence_ended && record.severity() == crate::model::Severity::Warning);
    assert_eq!(Topic::of(record, notice.silence_ended), Topic::SilenceEnded);
    let running = stuck(in_progress(6));
    let mut story = Story::new("stuck");
    let steps = [silenced(running.clone()), running.clone(), silenced(running.clone()), running];
    assert_eq!(story.scans(steps), ["(Stuck)", "Stuck", "-", "Reminder"], "who hears of stuck hears this");
}

#[test]
fn what_begins_and_ends_under_a_silence_is_published_as_events_alone() {
    let mut story = Story::new("all");
    assert_eq!(story.scans([silenced(failed(6)), healthy()]), ["(Failed)", "(Recovered)"]);
    let mut story = Story::new("all");
    let steps = [silenced(failed(6)), in_progress(7), healthy()];
    assert_eq!(story.scans(steps), ["(Failed)", "InProgress", "(Recovered)"], "progress is not unhealthy");
}

fn everything() -> Silences {
    Silences(vec![crate::state::silence::Silence {
        id: "s".to_owned(),
        accounts: Vec::new(),
        packs: Vec::new(),
        regions: Vec::new(),
        kinds: BTreeSet::new(),
        until: Timestamp::MAX,
        reason: "r".to_owned(),
        by: "b".to_owned(),
    }])
}

#[test]
fn a_silence_hides_no_end_of_what_people_were_notified_of() {
    for end in [Some(healthy()), None] {
        let mut story = Story::new("all");
        story.scans([failed(6)]);
        story.silences = everything();
        assert_eq!(story.scan(Some(silenced(failed_with("B", 7)))), "(Failed)");
        let kind = story.scan(end);
        assert!(["Recovered", "Left"].contains(&kind.as_str()), "{kind}");
        assert!(!story.records.last().unwrap().silenced);
    }
    let mut story = Story::new("all");
    story.scans([healthy()]);
    story.silences = everything();
    assert_eq!(story.scan(None), "(Left)");
}

#[test]
fn an_account_that_is_excluded_or_goes_with_its_pack_ends_its_incident() {
    for (notify, first, end) in [
        ("all", failed(6), "Left"),
        (UNHEALTHY_AND_HEALTHY_AGAIN, stuck(in_progress(6)), "Left"),
        ("left", failed(6), "(Left)"),
        ("all", silenced(failed(6)), "(Left)"),
        ("all", healthy(), "-"),
        ("all", in_progress(6), "-"),
    ] {
        let mut story = Story::new(notify);
        story.scan(Some(first.clone()));
        let mut excluded = Story::new(notify);
        excluded.scan(Some(first.clone()));
        excluded.settings.excluded = BTreeSet::from([A.parse().unwrap()]);
        assert_eq!(
            (story.gone(), excluded.scan(None)),
            (end.to_owned(), end.to_owned()),
            "{notify} {first:?}"
        );
        assert_eq!((story.rows.len(), excluded.rows.len()), (0, 0));
    }
}

#[test]
fn a_pack_that_is_deleted_on_purpose_reaches_people_as_one_message() {
    const B: &str = "444455556666";
    let [deleting, deleted] = ["DELETE_IN_PROGRESS", "DELETE_SUCCESSFUL"].map(state);
    let notified = |before: &[(&str, State)], after: &[(&str, State)]| {
        let mut rows = BTreeMap::new();
        let first = changes(&rows, &observed(before, true), &BTreeSet::new(), STAMP, false);
        apply(&mut rows, &first);
        let then = changes(&rows, &observed(after, true), &BTreeSet::new(), STAMP, false);
        let notified = |change: Change| change.transition.is_some_and(|record| record.notify);
        then.into_iter().map(notified).collect::<Vec<_>>()
    };
    let both = |a: &State, b: &State| [(A, a.clone()), (B, b.clone())];
    assert_eq!(notified(&both(&healthy(), &healthy()), &both(&deleting, &deleting)), [false, false]);
    assert_eq!(notified(&both(&healthy(), &healthy()), &both(&deleting, &deleted)), [false, false]);
    assert_eq!(notified(&both(&deleting, &deleting), &[(A, deleting.clone())]), [false]);
    assert_eq!(notified(&both(&deleting, &deleting), &[]), [false, false]);
    assert_eq!(
        notified(&both(&failed(6), &healthy()), &both(&deleted, &deleting)),
        [true, false],
        "it ends an incident"
    );
    assert_eq!(notified(&both(&healthy(), &healthy()), &both(&deleting, &healthy())), [true], "one of two");
    assert_eq!(
        notified(&both(&healthy(), &healthy()), &[]),
        [true, true],
        "nobody has seen that it is being deleted"
    );
}

#[test]
fn a_pack_is_being_deleted_where_everybody_who_stays_is() {
    let [a, b] = [A, "444455556666"].map(|id| id.parse::<AccountId>().unwrap());
    let deleting = state("DELETE_IN_PROGRESS");
    let rows = BTreeMap::from([a, b].map(|account| (account, Row::of(healthy()))));
    let one = BTreeSet::from([b]);
    for (seen, whole, absent, excluded, notified) in [
        (vec![a, b], false, false, false, false),
        (vec![a], true, false, false, false),
        (vec![a], false, true, false, false),
        (vec![a], false, false, true, false),
        // Nobody knows of the other.
        (vec![a], false, false, false, true),
    ] {
        let states = seen.iter().map(|account| (*account, deleting.clone())).collect();
        let absent = if absent { one.clone() } else { BTreeSet::new() };
        let excluded = if excluded { one.clone() } else { BTreeSet::new() };
        let observed = Observation { states, whole, absent };
        let changes = changes(&rows, &observed, &excluded, STAMP, false);
        let are_notified = changes.iter().filter_map(|change| Some(change.transition.as_ref()?.notify));
        assert!(are_notified.clone().all(|is| is == notified), "{observed:?} {excluded:?}");
        assert!(are_notified.count() > 0);
    }
}

#[test]
fn a_record_is_kept_for_as_long_as_the_history_and_never_less_than_two_weeks() {
    let day = Duration::from_secs(24 * 60 * 60);
    for (history, kept) in [(1, 14), (14, 14), (90, 90)] {
        let settings = Settings { history: history * day, ..settings("all") };
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(expires_at(&settings, now), now + kept * day);
    }
}

/// The state with the period of the day that has this number.
fn on(day: u64, state: State) -> State {
    reminded(state, (20_777 + day) * 86_400)
}

#[test]
fn reminders_count_from_the_begin_of_the_incident_and_come_before_what_only_machines_need() {
    let mut story = Story::new("all");
    // 2026-11-20 is day 20777.
    let steps = [
        on(0, failed(6)),
        on(0, failed(9)),
        on(1, failed(10)),
        on(1, failed(11)),
        on(2, in_progress(12)),
        on(2, in_progress(12)),
        on(3, in_progress(12)),
        on(3, stuck(in_progress(12))),
        on(4, stuck(in_progress(12))),
        on(5, failed_with("B", 13)),
        healthy(),
    ];
    let kinds = [
        "Failed",
        "FailedAgain",
        "Reminder",
        "FailedAgain",
        "Reminder",
        "-",
        "Reminder",
        "Stuck",
        "Reminder",
        "Failed",
        "Recovered",
    ];
    assert_eq!(story.scans(steps), kinds);
    assert_eq!(story.incidents(), 1);
}

#[test]
fn who_hears_of_failures_alone_is_not_reminded_of_them() {
    let mut story = Story::new("failed");
    assert_eq!(story.scans([on(0, failed(6)), on(1, failed(6))]), ["Failed", "(Reminder)"]);
}

#[test]
fn a_row_follows_the_period_with_or_without_a_record() {
    let mut story = Story::new("all");
    assert_eq!(
        story.scans([on(0, in_progress(6)), on(1, in_progress(6))]),
        ["Joined", "-"],
        "it is in no incident"
    );
    let row = story.rows.values().next().unwrap();
    assert_eq!(row.state.key(), on(1, in_progress(6)).key());
    let mut story = Story::new("all");
    story.now = STAMP.observed_at;
    let late = at(failed(6), "2026-11-20T13:00:00Z");
    assert_eq!(
        story.scans([on(0, late.clone()), on(1, late.clone()), on(2, late)]),
        ["Failed", "-", "Reminder"]
    );
}

#[test]
fn clocks_that_differ_neither_remind_twice_nor_free_what_is_stuck() {
    let mut story = Story::new("all");
    let [today, tomorrow] = [0, 1].map(|day| on(day, failed(6)));
    assert_eq!(
        story.scans([today.clone(), tomorrow.clone(), today, tomorrow, failed(6)]),
        ["Failed", "Reminder", "-", "-", "-"],
        "the last: reminders were switched off"
    );
    assert!(story.rows.values().all(|row| row.state.reminder == 0), "or no fingerprint would ever be equal");
    let mut story = Story::new("all");
    assert_eq!(
        story.scans([stuck(in_progress(6)), in_progress(6), in_progress(7)]),
        ["Stuck", "-", "InProgress"]
    );
    let mut story = Story::new("all");
    story.scan(Some(stuck(in_progress(6))));
    story.silences = everything();
    assert_eq!(story.scan(Some(in_progress(6))), "-");
    assert!(story.rows.values().all(|row| row.state.silenced), "it is stuck, and covered");
}

#[test]
fn a_clock_that_was_far_ahead_silences_no_reminder() {
    let mut story = Story::new("all");
    let days = [365, 0, 1, 2].map(|day| on(day, failed(6)));
    assert_eq!(story.scans(days), ["Failed", "-", "Reminder", "Reminder"]);
}

#[test]
fn stuck_again_in_one_incident_is_for_machines() {
    let mut story = Story::new("all");
    let steps = [
        stuck(in_progress(6)),
        in_progress(9),
        stuck(in_progress(9)),
        state("NEW"),
        in_progress(10),
        state("NEW"),
    ];
    let kinds = ["Stuck", "InProgress", "(Stuck)", "Unrecognised", "InProgress", "(Unrecognised)"];
    assert_eq!(story.scans(steps), kinds);
}

#[test]
fn what_flaps_is_damped_but_stuck_is_reported_and_settling_ends_what_was_reported() {
    let mut story = Story::new("all");
    story.settings.flap_limit = Some(3);
    let steps = [healthy(), failed(6), healthy(), failed(7), healthy(), stuck(in_progress(8)), healthy()];
    let kinds = ["Joined", "Failed", "Recovered", "Failed", "Recovered", "Stuck", "(Recovered)"];
    assert_eq!(story.scans(steps), kinds);
    let stuck_id = story.records[5].incident_id.clone();
    story.now += jiff::SignedDuration::from_hours(1);
    story.silences = everything();
    assert_eq!(story.scans([healthy()]), ["Settled"], "no silence hides the end");
    let settled = story.records.last().unwrap();
    assert_eq!((settled.severity(), &settled.incident_id), (crate::model::Severity::Resolved, &stuck_id));
    assert!(story.rows.values().all(|row| row.pending_resolution.is_none() && !row.flapping));
}

#[test]
fn an_account_that_leaves_while_it_flaps_ends_what_was_reported() {
    let mut story = Story::new(UNHEALTHY_AND_HEALTHY_AGAIN);
    story.settings.flap_limit = Some(3);
    story.scans([healthy(), failed(6), healthy(), failed(7), healthy(), failed(8), healthy()]);
    let ids: Vec<_> = story.records.iter().map(|record| (record.notify, &record.incident_id)).collect();
    assert_eq!(ids.len(), 7);
    assert_eq!(story.scan(None), "(Left)", "the last that was reported had ended");

    let mut story = Story::new(UNHEALTHY_AND_HEALTHY_AGAIN);
    story.settings.flap_limit = Some(2);
    story.scans([healthy(), failed(6), healthy(), failed(7), healthy()]);
    assert!(story.records[4].damped && story.rows.values().all(|row| row.pending_resolution.is_some()));
    let notified = story.records[3].incident_id.clone();
    assert_eq!(story.scan(None), "Left");
    assert_eq!(story.records.last().unwrap().incident_id, notified);
}

#[test]
fn no_end_is_left_pending_once_people_hear_how_it_is_or_do_not_want_to() {
    let mut story = Story::new(UNHEALTHY_AND_HEALTHY_AGAIN);
    story.settings.flap_limit = Some(2);
    story.scans([healthy(), failed(6), healthy(), failed(7), healthy()]);
    assert!(story.rows.values().all(|row| row.pending_resolution.is_some()));
    assert_eq!(story.scan(Some(stuck(in_progress(8)))), "Stuck");
    assert!(
        story.rows.values().all(|row| row.pending_resolution.is_none()),
        "they know that it is unhealthy"
    );

    let mut story = Story::new("failed,left");
    assert_eq!(story.scans([failed(6), healthy()]), ["Failed", "(Recovered)"]);
    assert_eq!((story.scan(None).as_str(), story.incidents()), ("Left", 1));
    assert_eq!(story.records.last().unwrap().incident_id, None, "that one is over");
}

/// A pager opens on Stuck, and ignores that an account settles in progress.
#[test]
fn settling_hides_no_deployment_that_becomes_stuck() {
    let mut story = Story::new("all");
    story.settings.flap_limit = Some(3);
    story.scans([healthy(), failed(6), healthy(), failed(7), healthy()]);
    assert_eq!(story.scans([failed(8), in_progress(9)]), ["(Failed)", "(InProgress)"]);
    story.now += jiff::SignedDuration::from_hours(1);
    assert_eq!(story.scans([stuck(in_progress(9)), stuck(in_progress(9))]), ["Stuck", "Settled"]);
    assert!(story.rows.values().all(|row| !row.flapping));
}

#[test]
fn settled_is_as_severe_as_where_the_account_stands() {
    use crate::model::Severity;
    for (state, severity) in [
        (failed(6), Severity::Failure),
        (stuck(in_progress(6)), Severity::Warning),
        (self::state("NEW"), Severity::Warning),
        (in_progress(6), Severity::Info),
        (healthy(), Severity::Resolved),
    ] {
        let mut story = Story::new("all");
        story.scan(Some(state.clone()));
        story.rows.values_mut().for_each(|row| row.flapping = true);
        story.settings.flap_limit = Some(3);
        assert_eq!(story.scan(Some(state.clone())), "Settled");
        let record = story.records.last().unwrap();
        assert_eq!(record.severity(), severity, "{state:?}");
    }
}

#[test]
fn progress_and_retries_within_an_incident_are_no_turns() {
    let mut story = Story::new("all");
    story.settings.flap_limit = Some(2);
    let kinds =
        story.scans([failed(6), in_progress(7), failed(8), in_progress(9), failed(10), in_progress(11)]);
    assert!(kinds.iter().all(|kind| !kind.starts_with('(')), "{kinds:?}");
    assert!(story.rows.values().all(|row| row.turns.is_empty()));
}

/// A clock that is an hour ahead would put off the first reminder, and make "since" a time to come.
#[test]
fn a_time_in_the_future_counts_as_the_time_of_the_observation() {
    let since = |last_update: &str| {
        let mut story = Story::new("all");
        story.scan(Some(at(state("CREATE_FAILED"), last_update)));
        let now = story.now;
        (story.rows.into_values().next().unwrap(), now)
    };
    let (row, now) = since("2026-11-20T11:30:00Z");
    assert_eq!(
        (row.failing_since, row.state.last_update),
        (Some(now), Some("2026-11-20T11:30:00Z".parse().unwrap()))
    );
    let (row, _) = since("2026-11-20T10:01:30Z");
    assert_eq!(row.failing_since, row.state.last_update, "clocks differ by less than a minute");
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

/// Who is not notified that it begins would be notified of no failure for as long as the account flaps.
#[test]
fn flapping_begins_only_where_it_is_reported() {
    let turns = vec![STAMP.observed_at; 3];
    let row = Row { turns, ..Row::of(state("CREATE_SUCCESSFUL")) };
    let rows = BTreeMap::from([(A.parse().unwrap(), row)]);
    let failed = observed(&[(A, state("UPDATE_FAILED"))], true);
    let stamp = Stamp { flap_limit: Some(3), ..STAMP };
    let one = |baseline| changes(&rows, &failed, &BTreeSet::new(), stamp, baseline).remove(0);
    let is_flapping = |change: &Change| change.row.as_ref().unwrap().flapping;

    let notified = one(false);
    assert!(is_flapping(&notified) && notified.transition.as_ref().unwrap().flapping == Some(4));
    assert!(is_flapping(&one(true)), "a baseline that goes on tells it, too");
    let covered = observed(&[(A, State { silenced: true, ..state("UPDATE_FAILED") })], true);
    let notified = changes(&rows, &covered, &BTreeSet::new(), stamp, false).remove(0);
    let transition = notified.transition.as_ref().unwrap();
    assert!(transition.silenced && transition.flapping.is_none() && !is_flapping(&notified));
    assert_eq!(notified.row.as_ref().unwrap().turns.len(), 4, "the next change is one too many");
}

#[test]
fn accounts_are_counted_by_their_status() {
    let states = [state("CREATE_SUCCESSFUL"), state("CREATE_FAILED"), state("CREATE_SUCCESSFUL")];
    let expected = [(Status::new("CREATE_SUCCESSFUL"), 2), (Status::new("CREATE_FAILED"), 1)];
    assert_eq!(counts(states.iter()), Counts::from(expected));
}

/// An incident of which people know that this state is so.
fn known(state: &State) -> Incident {
    let notified = Some(Notified::default().and(state, 0));
    Incident { notified, ..Incident::begun(&target(), "b", A.parse().unwrap(), 1) }
}

#[test]
fn what_is_as_it_was_means_nothing() {
    let state = reminded(state("CREATE_FAILED"), 3);
    let incident = known(&state);
    let before = Before { state: &state, incident: Some(&incident) };
    let nothing = kind::Meaning { kind: None, incident: Effect::GoesOn };
    assert_eq!(kind::meaning(Some(before), Some(&state), false, false), nothing);
}

/// While an account flaps people are not notified of each change; of a silence's end and of its settling they are.
#[test]
fn damping_ends_with_a_silence_and_when_the_account_settles() {
    let silenced = |silenced| State { silenced, ..state("CREATE_FAILED") };
    let damped = |from: State, to: State, flapping| {
        let turns = vec![STAMP.observed_at];
        let incident = from.health().is_unhealthy().then(|| known(&from));
        let row = Row { turns, flapping, incident, ..Row::of(from) };
        let rows = BTreeMap::from([(A.parse().unwrap(), row)]);
        let stamp = Stamp { flap_limit: Some(3), ..STAMP };
        let changes = changes(&rows, &observed(&[(A, to)], true), &BTreeSet::new(), stamp, false);
        changes[0].transition.as_ref().unwrap().damped
    };
    let healthy = || state("CREATE_SUCCESSFUL");
    assert!(damped(healthy(), silenced(false), true));
    assert!(!damped(healthy(), silenced(false), false), "it does not flap");
    assert!(!damped(silenced(true), silenced(false), true), "nobody knows of the failure yet");
    assert!(damped(silenced(true), State { error_code: Some("B".to_owned()), ..silenced(true) }, true));

    let row = Row { flapping: true, ..Row::of(healthy()) };
    let rows = BTreeMap::from([(A.parse().unwrap(), row)]);
    let settled = changes(&rows, &observed(&[(A, healthy())], true), &BTreeSet::new(), STAMP, false);
    let transition = settled[0].transition.as_ref().unwrap();
    assert!(transition.kind == Kind::Settled && !transition.damped);
    assert!(!settled[0].row.as_ref().unwrap().flapping);
}
