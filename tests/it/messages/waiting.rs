//! What waits for people, when something else happens in the meantime.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::SignedDuration;
use packwatch::history::oldest_lag;
use packwatch::model::Kind;
use packwatch::ports::SilenceStore;
use packwatch::state::head::{Cursors, Topic};
use packwatch::state::silence::Silence;

use super::samples::{account, failed, here, state};
use super::stage::Stage;
use super::stories::silence;
use super::when::{poll, polls, watched};

fn withheld(stage: &Stage) -> usize {
    stage.store.cursors(Topic::Alerts).known.withheld.values().map(BTreeMap::len).sum()
}

/// An account whose failure waits for more.
async fn with_one_waiting() -> Stage {
    let mut stage = watched(9).await;
    stage.fail(2, "A", "a");
    assert_eq!(polls(&mut stage, 5).await.len(), 1);
    stage.fail(1, "A", "a");
    assert_eq!(polls(&mut stage, 5).await, [""; 0]);
    stage
}

/// One whose failure a silence keeps from people, which began while it waited.
async fn with_one_withheld() -> Stage {
    let mut stage = with_one_waiting().await;
    stage.store.silence(&silence("2026-11-20T13:00:00Z")).await.unwrap();
    assert_eq!(polls(&mut stage, 10).await, [""; 0]);
    assert_eq!(withheld(&stage), 1);
    stage
}

#[tokio::test(start_paused = true)]
async fn what_is_over_is_withheld_no_longer() {
    for how in ["recovers", "leaves", "is excluded", "is deleted"] {
        let mut stage = with_one_withheld().await;
        match how {
            "recovers" => stage.set(1, "UPDATE_SUCCESSFUL"),
            "leaves" => stage.leave(1),
            "is excluded" => stage.edit_settings(|settings| settings.excluded = BTreeSet::from([account(1)])),
            _ => (1..=9).for_each(|n| stage.leave(n)),
        }
        let said = polls(&mut stage, 10).await;
        assert_eq!(said.is_empty(), how != "is deleted", "{how}: {said:?}");
        assert_eq!(withheld(&stage), 0, "{how}");
    }
}

/// A scan that did not know of it yet records that it was tried again.
#[tokio::test(start_paused = true)]
async fn what_is_tried_again_stays_withheld_until_people_hear_of_it() {
    let mut stage = with_one_waiting().await;
    stage.store.silence(&silence("2026-11-20T13:00:00Z")).await.unwrap();
    stage.dispatch_alone().await;
    assert_eq!(withheld(&stage), 1);
    stage.store.unsilence("s").await.unwrap();
    stage.pass(5);
    stage.fail(1, "A", "a");
    let other = Some(Cursors::lease_of("another", stage.now.as_second()));
    let known = stage.store.edit_cursors(Topic::Alerts, |cursors| {
        cursors.lease = other;
        std::mem::take(&mut cursors.known)
    });
    stage.run().await;
    assert_eq!(stage.take().1.last().map(String::as_str), Some("FailedAgain"));
    stage.store.edit_cursors(Topic::Alerts, |cursors| (cursors.lease, cursors.known) = (None, known));
    stage.dispatch_alone().await;
    assert_eq!(stage.take().0.len(), 0);
    let said = polls(&mut stage, 65).await;
    assert_eq!(said.len(), 1, "in full: {said:?}");
}

/// A run whose clock is far ahead has sent a digest, and recorded what waits.
#[tokio::test(start_paused = true)]
async fn a_clock_that_is_ahead_silences_nothing() {
    let ahead = SignedDuration::from_hours(24 * 365);
    let mut stage = watched(9).await;
    stage.now += ahead;
    for (n, code) in [(1, "A"), (2, "B")] {
        stage.fail(n, code, "a");
        assert_eq!(poll(&stage).await.len(), 1);
        stage.pass(5);
    }
    stage.now -= ahead;
    stage.fail(3, "A", "a");
    assert_eq!(polls(&mut stage, 5).await, [r#"Failure {"Failed": 1}"#], "people heard of A in a year");

    stage.now += ahead;
    stage.fail(4, "A", "a");
    assert_eq!(polls(&mut stage, 0).await, [""; 0]);
    stage.run().await;
    stage.now -= ahead;
    assert_eq!(polls(&mut stage, 40).await.len(), 1, "it waits since in a year");
    let reminders = polls(&mut stage, 3 * 24 * 60).await;
    assert_eq!(reminders.last().map(String::as_str), Some(r#"Warning {"Reminder": 4}"#), "{reminders:?}");
}

/// One account joined them all, and waits for more.
#[tokio::test(start_paused = true)]
async fn what_is_urgent_is_found_behind_a_hundred_packs_with_news() {
    let mut stage = watched(2).await;
    let pack = |n: u64| format!("A-{n:03}");
    stage.edit_settings(|settings| settings.notify = "failed,recovered".parse().unwrap());
    (1..=150)
        .for_each(|n| stage.set_elsewhere(&pack(n), 3, state("CREATE_SUCCESSFUL", "2026-11-18T10:00:00Z")));
    stage.run().await;
    stage.fail(1, "A", "a");
    assert_eq!(polls(&mut stage, 5).await, [r#"Failure {"Failed": 1}"#]);
    let now = stage.now.to_string();
    (1..=150).for_each(|n| {
        let failed = failed("A", "a", &now);
        stage.set_elsewhere(&pack(n), 3, failed);
    });
    assert_eq!(polls(&mut stage, 5).await, [""; 0], "more of a known cause");
    stage.fail(2, "B", "b");
    let said = polls(&mut stage, 5).await;
    assert_eq!(said.first().map(String::as_str), Some(r#"Failure {"Failed": 100}"#), "{said:?}");
    let said = polls(&mut stage, 40).await;
    assert_eq!(said, [r#"Warning {"Failed": 51}"#]);
}

/// One of them is urgent, and the digest does not read so far.
#[tokio::test(start_paused = true)]
async fn what_is_urgent_is_found_behind_two_hundred_parts() {
    let mut stage = watched(9).await;
    stage.edit_settings(|settings| settings.group_interval = Duration::from_secs(86400));
    stage.fail(1, "A", "a");
    assert_eq!(polls(&mut stage, 5).await.len(), 1);
    let mut said = Vec::new();
    stage.store.edit_cursors(Topic::Alerts, |cursors| cursors.known.urgent.clear());
    for n in 0..210 {
        if n % 2 == 0 {
            stage.leave(9)
        } else {
            stage.set(9, "CREATE_SUCCESSFUL")
        }
        stage.pass(5);
        stage.run().await;
        said.extend(stage.take().0);
    }
    assert_eq!(said.len(), 1, "so much is not kept waiting");
    stage.fail(2, "B", "b");
    let said = polls(&mut stage, 5).await;
    assert!(said.iter().any(|said| said.contains("Failed")), "{said:?}");
}

/// A digest covers two hundred parts: the cursor goes as far, and the next one has the rest.
#[tokio::test(start_paused = true)]
async fn a_cursor_goes_no_further_than_what_was_dispatched() {
    let mut stage = watched(1).await;
    let outage = stage.inbox.is_down.replace(true);
    for n in 2..=211 {
        stage.set(n, "CREATE_SUCCESSFUL");
        stage.run().await;
    }
    stage.inbox.is_down.replace(outage);
    assert_eq!(polls(&mut stage, 60).await, [r#"Info {"Joined": 200}"#, r#"Info {"Joined": 10}"#]);
}

#[tokio::test(start_paused = true)]
async fn what_is_urgent_is_found_behind_two_hundred_parts_of_routine() {
    let mut stage = watched(9).await;
    stage.edit_settings(|settings| settings.notify = "failed,left".parse().unwrap());
    let elsewhere = |status| state(status, "2026-11-18T10:00:00Z");
    for n in 0..210 {
        let other = Some(Cursors::lease_of("another", stage.now.as_second()));
        stage.store.edit_cursors(Topic::Alerts, |cursors| cursors.lease = other);
        let status = if n % 2 == 0 { "UPDATE_SUCCESSFUL" } else { "UPDATE_IN_PROGRESS" };
        stage.set_elsewhere("A-1", 3, elsewhere(status));
        stage.run().await;
    }
    stage.set_elsewhere("A-1", 3, failed("A", "a", "2026-11-18T11:00:00Z"));
    stage.leave(9);
    assert_eq!(polls(&mut stage, 5).await, [r#"Failure {"Failed": 1, "Left": 1}"#]);
}

/// Nobody knows what its log says behind that part.
#[tokio::test(start_paused = true)]
async fn a_damaged_part_of_one_pack_makes_nothing_urgent_in_another() {
    let mut stage = watched(9).await;
    stage.edit_settings(|settings| settings.notify = "failed,recovered,left".parse().unwrap());
    stage.set_elsewhere("A-1", 3, state("CREATE_SUCCESSFUL", "2026-11-18T10:00:00Z"));
    stage.run().await;
    let outage = stage.inbox.is_down.replace(true);
    stage.set_elsewhere("A-1", 3, failed("A", "a", "2026-11-18T11:00:00Z"));
    stage.run().await;
    stage.set_elsewhere("A-1", 3, failed("B", "b", "2026-11-18T11:00:10Z"));
    stage.run().await;
    stage.inbox.is_down.replace(outage);
    stage.store.damage_last_part(&here("A-1"));
    stage.run().await;
    assert_eq!(stage.take().1, ["Baseline", "Failed"], "machines get what is before it, once");
    stage.leave(9);
    assert_eq!(polls(&mut stage, 5).await, [""; 0], "that it left is news");
    stage.fail(1, "A", "a");
    let said = polls(&mut stage, 5).await;
    assert_eq!(said, [r#"Failure {"Failed": 1, "Left": 1}"#], "nobody knows A");
}

/// A silence about what is stuck is about whatever is said of it.
#[tokio::test(start_paused = true)]
async fn a_silence_of_one_kind_keeps_all_of_it_from_people() {
    let mut stage = watched(9).await;
    stage.set(1, "UPDATE_IN_PROGRESS");
    assert_eq!(polls(&mut stage, 130).await, [r#"Warning {"Stuck": 1}"#]);
    stage.pass(19 * 60);
    let outage = stage.inbox.is_down.replace(true);
    polls(&mut stage, 120).await;
    stage.inbox.is_down.replace(outage);
    let kinds = [Kind::Stuck].into();
    stage.store.silence(&Silence { kinds, ..silence("2026-11-20T13:00:00Z") }).await.unwrap();
    stage.dispatch_alone().await;
    let said: Vec<_> = stage.take().0.iter().map(|digest| digest.counts.clone()).collect();
    assert!(said.is_empty(), "a reminder: {said:?}");
}

/// Two messages at once are enough, but not for a day.
#[tokio::test(start_paused = true)]
async fn the_third_cause_of_a_day_is_told_at_once_however_long_news_waits() {
    let mut stage = watched(9).await;
    stage.edit_settings(|settings| settings.group_interval = Duration::from_secs(86400));
    for (n, code) in [(1, "A"), (2, "B"), (3, "C")] {
        stage.fail(n, code, "it broke");
        assert_eq!(polls(&mut stage, 65).await, [r#"Failure {"Failed": 1}"#], "{code}");
    }
}

/// News that may wait is no reason for an alarm, an event is.
#[tokio::test(start_paused = true)]
async fn what_waits_for_more_lags_only_when_that_is_over() {
    let mut stage = watched(9).await;
    stage.leave(9);
    let at = stage.now;
    assert_eq!(polls(&mut stage, 0).await, [""; 0]);
    stage.run().await;
    let interval = Duration::from_secs(1800);
    assert_eq!(oldest_lag(&stage.store, interval).await.unwrap(), Some(at + interval));
    stage.store.edit_cursors(Topic::Events, |cursors| cursors.positions.clear());
    let baseline = at - SignedDuration::from_hours(1);
    assert_eq!(oldest_lag(&stage.store, interval).await.unwrap(), Some(baseline));
}
