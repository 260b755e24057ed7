//! What the oracle of the integration tests does not know: it judges a hundred thousand stories of accounts by the
//! table of kinds, incidents, silences and reminders.

use super::*;
use crate::model::Status;
use crate::state::silence::Silence;

/// What happens to one account, scan by scan, a minute apart.
struct Story {
    settings: Settings,
    silences: Silences,
    rows: Rows,
    now: Timestamp,
    epoch: u64,
    records: Vec<Transition>,
}

impl Story {
    fn new(notify: &str) -> Self {
        let lookup = |name: &str| match name {
            "PACKWATCH_REGIONS" => Some("eu-west-1".to_owned()),
            "PACKWATCH_NOTIFY" => Some(notify.to_owned()),
            _ => None,
        };
        Self {
            settings: crate::settings::Reader::new(&lookup).settings(),
            silences: Silences::default(),
            rows: BTreeMap::new(),
            now: "2026-11-20T10:00:00Z".parse().unwrap(),
            epoch: 0,
            records: Vec::new(),
        }
    }

    fn with_flap_limit(limit: u32) -> Self {
        let mut story = Self::new("all");
        story.settings.flap_limit = Some(limit);
        story
    }

    /// The kind of each record, in brackets where people are not notified.
    fn compare(&mut self, observed: Observation) -> Vec<String> {
        self.epoch += 1;
        self.now += jiff::SignedDuration::from_mins(1);
        let comparison = Comparison {
            target: &Target { region: "eu-west-1".parse().unwrap(), pack: "P".parse().unwrap() },
            history_id: "b",
            epoch: self.epoch,
            rows: &self.rows,
            observed: &Observation { observed_at: self.now, ..observed },
            baseline: false,
            settings: &self.settings,
            silences: &self.silences,
        };
        let mut kinds = Vec::new();
        for Change { account, row, transition } in comparison.changes() {
            match row {
                Some(row) => self.rows.insert(account, Box::new(row)),
                None => self.rows.remove(&account),
            };
            let Some(record) = transition else { continue };
            kinds.push(if record.notify { record.kind.to_string() } else { format!("({})", record.kind) });
            self.records.push(*record);
        }
        kinds
    }

    /// The kind of the record; `-` where nothing is recorded.
    fn scan(&mut self, state: Option<State>) -> String {
        self.compare(observed([state])).pop().unwrap_or_else(|| "-".to_owned())
    }

    fn scans(&mut self, states: impl IntoIterator<Item = State>) -> Vec<String> {
        states.into_iter().map(|state| self.scan(Some(state))).collect()
    }

    fn row(&self) -> &Row {
        &self.rows[&account(1)]
    }

    fn incident_id(&self, record: usize) -> Option<&String> {
        self.records[record].incident_id.as_ref()
    }

    fn pass_an_hour(&mut self) {
        self.now += jiff::SignedDuration::from_hours(1);
    }
}

fn account(n: u64) -> AccountId {
    format!("{n:012}").parse().unwrap()
}

/// Accounts from the first on, all of which were read.
fn observed(states: impl IntoIterator<Item = Option<State>>) -> Observation {
    let states = (1..).zip(states).filter_map(|(n, state)| Some((account(n), state?)));
    Observation { states: states.collect(), extent: Extent::Everybody, ..Observation::default() }
}

fn state(status: &str) -> State {
    State::of(Status::new(status))
}

fn at(hour: u32, state: State) -> State {
    State { last_update: Some(format!("2026-11-20T{hour:02}:00:00Z").parse().unwrap()), ..state }
}

fn failed(hour: u32) -> State {
    failed_with("A", hour)
}

fn failed_with(code: &str, hour: u32) -> State {
    at(hour, State { error_code: Some(code.to_owned()), ..state("UPDATE_FAILED") })
}

fn in_progress(hour: u32) -> State {
    at(hour, state("UPDATE_IN_PROGRESS"))
}

fn stuck(hour: u32) -> State {
    State { stuck: true, ..in_progress(hour) }
}

fn healthy() -> State {
    state("UPDATE_SUCCESSFUL")
}

fn silenced(state: State) -> State {
    State { silenced: true, ..state }
}

/// The state with the period of the day that has this number, of which 2026-11-20 is the first.
fn on(day: u64, state: State) -> State {
    State { reminder: (20_777 + day) * 86_400, ..state }
}

fn everything() -> Silences {
    Silences(vec![Silence { until: Timestamp::MAX, ..Silence::default() }])
}

#[test]
fn a_row_counts_how_often_a_deployment_was_tried_again() {
    let mut story = Story::new("all");
    story.scans([failed(6), failed(7), in_progress(8), failed(9), failed_with("B", 9), failed_with("B", 10)]);
    assert_eq!(story.row().incident.as_ref().unwrap().tried_again, 3);
}

#[test]
fn an_end_is_reported_as_it_is_wanted_and_no_later_one_is_of_that_incident() {
    let mut story = Story::new("failed");
    assert_eq!([story.scan(Some(failed(6))), story.scan(None)], ["Failed", "(Left)"]);
    let mut story = Story::new("failed,left");
    assert_eq!(story.scans([failed(6), healthy()]), ["Failed", "(Recovered)"]);
    assert_eq!((story.scan(None).as_str(), story.incident_id(2)), ("Left", None));
}

#[test]
fn an_account_that_is_excluded_or_goes_with_its_pack_ends_its_incident() {
    for (notify, first, end) in [
        ("all", failed(6), "Left"),
        ("failed,recovered,stuck", stuck(6), "Left"),
        ("left", failed(6), "(Left)"),
        ("all", silenced(failed(6)), "(Left)"),
        ("all", healthy(), "-"),
        ("all", in_progress(6), "-"),
    ] {
        let mut story = Story::new(notify);
        story.scan(Some(first.clone()));
        let gone = story.compare(Observation { extent: Extent::Gone, ..Observation::default() });
        let gone = gone.last().map_or("-", String::as_str);
        let mut excluded = Story::new(notify);
        excluded.scan(Some(first.clone()));
        excluded.settings.excluded = BTreeSet::from([account(1)]);
        assert_eq!([gone, &excluded.scan(None)], [end; 2], "{notify} {first:?}");
        assert_eq!((story.rows.len(), excluded.rows.len()), (0, 0));
    }
}

#[test]
fn a_pack_that_is_deleted_on_purpose_reaches_people_as_one_message() {
    let [deleting, deleted] = ["DELETE_IN_PROGRESS", "DELETE_SUCCESSFUL"].map(|status| Some(state(status)));
    let well = Some(healthy());
    for (before, after, kinds) in [
        ([&well, &well], [&deleting, &deleting], ["(InProgress)", "(InProgress)"].as_slice()),
        ([&well, &well], [&deleting, &deleted], &["(InProgress)", "(Left)"]),
        ([&deleting, &deleting], [&deleting, &None], &["(Left)"]),
        ([&deleting, &deleting], [&None, &None], &["(Left)", "(Left)"]),
        // It ends an incident.
        ([&Some(failed(6)), &well], [&deleted, &deleting], &["Left", "(InProgress)"]),
        // One of two.
        ([&well, &well], [&deleting, &well], &["InProgress"]),
        // Nobody has seen that it is being deleted.
        ([&well, &well], [&None, &None], &["Left", "Left"]),
    ] {
        let mut story = Story::new("all");
        story.compare(observed(before.map(Clone::clone)));
        assert_eq!(story.compare(observed(after.map(Clone::clone))), kinds, "{before:?} {after:?}");
    }
}

#[test]
fn a_pack_is_being_deleted_where_everybody_who_stays_is() {
    let deleting = Some(state("DELETE_IN_PROGRESS"));
    let [nobody, other] = [BTreeSet::new(), BTreeSet::from([account(2)])];
    let progress = ["(InProgress)"].as_slice();
    for (seen, absent, excluded, kinds) in [
        (2, &nobody, &nobody, ["(InProgress)", "(InProgress)"].as_slice()),
        (1, &other, &nobody, &["(InProgress)", "(Left)"]),
        (1, &nobody, &other, progress),
        // Nobody knows of the other.
        (1, &nobody, &nobody, &["InProgress"]),
    ] {
        let mut story = Story::new("all");
        story.compare(observed([Some(healthy()), Some(healthy())]));
        story.settings.excluded = excluded.clone();
        let seen = observed(vec![deleting.clone(); seen]);
        let seen = Observation { extent: Extent::Active, absent: absent.clone(), ..seen };
        let kinds_now = story.compare(seen);
        assert_eq!(kinds_now, kinds, "{absent:?} {excluded:?}");
    }
}

#[test]
fn a_record_is_kept_for_as_long_as_the_history_and_never_less_than_two_weeks() {
    let day = Duration::from_secs(24 * 60 * 60);
    for (history, kept) in [(1, 14), (14, 14), (90, 90)] {
        let settings = Settings { history: history * day, ..Story::new("all").settings };
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(expires_at(&settings, now), now + kept * day);
    }
}

#[test]
fn clocks_that_differ_neither_remind_twice_nor_free_what_is_stuck() {
    let mut story = Story::new("all");
    let [today, tomorrow] = [0, 1].map(|day| on(day, failed(6)));
    let steps = [today.clone(), tomorrow.clone(), today, tomorrow, failed(6)];
    assert_eq!(story.scans(steps), ["Failed", "Reminder", "-", "-", "-"], "the last: no reminders any more");
    assert_eq!(story.row().state.reminder, 0, "or no fingerprint would ever be equal");
    let mut story = Story::new("all");
    story.scans([stuck(6)]);
    story.silences = everything();
    assert_eq!(story.scans([in_progress(6)]), ["-"]);
    assert!(story.row().state.silenced, "it is stuck, and covered");
    assert_eq!(story.scans([in_progress(7)]), ["(InProgress)"]);
}

#[test]
fn a_clock_that_was_far_ahead_silences_no_reminder() {
    let days = [365, 0, 1, 2].map(|day| on(day, failed(6)));
    assert_eq!(Story::new("all").scans(days), ["Failed", "-", "Reminder", "Reminder"]);
}

/// As when reminders come every day and no longer every hour. A row that kept its period would differ from every scan.
#[test]
fn a_period_that_has_begun_gives_way_to_one_of_other_settings() {
    let mut story = Story::new("all");
    let hour = u64::try_from(story.now.as_second()).unwrap() / 3600 * 3600;
    assert_eq!(story.scans([State { reminder: hour, ..failed(6) }, on(0, failed(6))]), ["Failed", "-"]);
    assert_eq!(story.row().state.reminder, 20_777 * 86_400);
}

/// A clock that is an hour ahead would put off the first reminder, and make "since" a time to come.
#[test]
fn a_time_in_the_future_counts_as_the_time_of_the_observation() {
    for (last_update, counts) in [("2026-11-20T11:30:00Z", false), ("2026-11-20T10:01:30Z", true)] {
        let last_update = Some(last_update.parse().unwrap());
        let mut story = Story::new("all");
        story.scan(Some(State { last_update, ..state("CREATE_FAILED") }));
        let since = if counts { last_update } else { Some(story.now) };
        assert_eq!((story.row().failing_since, story.row().state.last_update), (since, last_update));
    }
}

#[test]
fn what_flaps_is_damped_but_stuck_is_reported_and_settling_ends_what_was_reported() {
    let mut story = Story::with_flap_limit(3);
    let steps = [healthy(), failed(6), healthy(), failed(7), healthy(), stuck(8), healthy()];
    let kinds = ["Joined", "Failed", "Recovered", "Failed", "Recovered", "Stuck", "(Recovered)"];
    assert_eq!(story.scans(steps), kinds);
    story.pass_an_hour();
    story.silences = everything();
    assert_eq!(story.scans([healthy()]), ["Settled"], "no silence hides the end");
    assert_eq!(story.incident_id(7), story.incident_id(5));
    assert!(story.row().pending_resolution.is_none() && !story.row().flapping);
}

#[test]
fn an_account_that_leaves_while_it_flaps_ends_what_was_reported() {
    let mut story = Story::with_flap_limit(2);
    story.scans([healthy(), failed(6), healthy(), failed(7), healthy()]);
    assert!(story.records[4].damped && story.row().pending_resolution.is_some());
    let mut known = Story::with_flap_limit(2);
    known.rows.clone_from(&story.rows);
    assert_eq!((story.scan(None).as_str(), story.incident_id(5)), ("Left", story.incident_id(3)));
    assert_eq!(known.scans([stuck(8)]), ["Stuck"]);
    assert!(known.row().pending_resolution.is_none(), "people know that it is unhealthy");
}

/// A pager opens on Stuck, and ignores that an account settles in progress.
#[test]
fn settling_hides_no_deployment_that_becomes_stuck() {
    let mut story = Story::with_flap_limit(3);
    story.scans([healthy(), failed(6), healthy(), failed(7), healthy()]);
    assert_eq!(story.scans([failed(8), in_progress(9)]), ["(Failed)", "(InProgress)"]);
    story.pass_an_hour();
    assert_eq!(story.scans([stuck(9), stuck(9)]), ["Stuck", "Settled"]);
    assert!(!story.row().flapping);
}

#[test]
fn progress_and_retries_within_an_incident_are_no_turns() {
    let mut story = Story::with_flap_limit(2);
    story.scans([failed(6), in_progress(7), failed(8), in_progress(9), failed(10), in_progress(11)]);
    assert!(story.records.iter().all(|record| record.notify && record.flapping.is_none()));
    assert!(story.row().turns.is_empty());
}

/// While an account flaps people are not notified of each change, but of the end of a silence over what they do not
/// know.
#[test]
fn damping_ends_with_a_silence() {
    let mut story = Story::with_flap_limit(2);
    story.scans([healthy(), failed(6), healthy(), failed(7), healthy()]);
    assert_eq!(story.scans([silenced(failed(8)), failed(8)]), ["(Failed)", "Failed"]);
    assert!(story.row().flapping);
}
