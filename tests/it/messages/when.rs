//! When people hear of what: one message for a cause, one for what else came in the meantime.

use packwatch::notify::Notification;
use packwatch::ports::SilenceStore;

use super::stage::Stage;
use super::stories::silence;

/// As by default.
const GROUPED: [(&str, &str); 3] = [
    ("PACKWATCH_GROUP_INTERVAL", "30m"),
    ("PACKWATCH_NOTIFY", "failed,recovered,joined,left,stuck,reminder,baseline,pack-deleted"),
    ("PACKWATCH_REMIND_EVERY", "24h"),
];

/// A pack that was created in so many accounts, of which people heard an hour ago, at 10:00.
pub(super) async fn watched(accounts: u64) -> Stage {
    let mut stage = Stage::new(&GROUPED);
    (1..=accounts).for_each(|n| stage.set(n, "CREATE_SUCCESSFUL"));
    stage.run().await;
    assert_eq!(stage.take().0.len(), 1, "the baseline is told at once");
    stage.pass(60);
    stage
}

/// Polls every five minutes, and what each said.
pub(super) async fn polls(stage: &mut Stage, minutes: i64) -> Vec<String> {
    let mut said = Vec::new();
    for _ in 0..minutes / 5 {
        stage.pass(5);
        said.extend(poll(stage).await);
    }
    said
}

pub(super) async fn poll(stage: &Stage) -> Vec<String> {
    stage.run().await;
    let line = |digest: &Notification| format!("{:?} {:?}", digest.severity, digest.counts);
    stage.take().0.iter().map(line).collect()
}

#[tokio::test(start_paused = true)]
async fn a_rollout_that_succeeds_is_no_message() {
    let mut stage = watched(140).await;
    let mut said = Vec::new();
    for n in 1..=140 {
        stage.set(n, "UPDATE_IN_PROGRESS");
        if n > 10 {
            stage.set(n - 10, "UPDATE_SUCCESSFUL");
        }
        said.extend(if n % 7 == 0 { polls(&mut stage, 5).await } else { Vec::new() });
    }
    (131..=140).for_each(|n| stage.set(n, "UPDATE_SUCCESSFUL"));
    said.extend(polls(&mut stage, 60).await);
    assert_eq!(said, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_bad_update_is_told_once_at_once_and_then_in_groups() {
    let mut stage = watched(60).await;
    let mut said = Vec::new();
    for poll in 0..10 {
        (1..=6).for_each(|n| stage.fail(poll * 6 + n, "Code", "it broke"));
        said.extend(polls(&mut stage, 5).await);
    }
    said.extend(polls(&mut stage, 40).await);
    let failed = |severity, n| format!(r#"{severity} {{"Failed": {n}}}"#);
    assert_eq!(said, [failed("Failure", 6), failed("Warning", 42), failed("Warning", 12)]);

    let mut said = Vec::new();
    for poll in 0..10 {
        (1..=6).for_each(|n| stage.set(poll * 6 + n, "UPDATE_SUCCESSFUL"));
        said.extend(polls(&mut stage, 5).await);
    }
    said.extend(polls(&mut stage, 40).await);
    assert_eq!(said, [r#"Resolved {"Recovered": 42}"#, r#"Resolved {"Recovered": 18}"#]);
}

#[tokio::test(start_paused = true)]
async fn another_cause_is_told_at_once_with_what_waits_but_the_third_waits_too() {
    let mut stage = watched(9).await;
    stage.fail(1, "A", "a");
    assert_eq!(polls(&mut stage, 5).await, [r#"Failure {"Failed": 1}"#]);
    stage.fail(2, "A", "a");
    stage.leave(9);
    assert_eq!(polls(&mut stage, 5).await, [""; 0]);
    stage.fail(3, "B", "b");
    assert_eq!(
        polls(&mut stage, 5).await,
        [r#"Failure {"Failed": 2, "Left": 1}"#],
        "all that waits goes along"
    );
    stage.fail(4, "C", "c");
    assert_eq!(polls(&mut stage, 15).await, [""; 0], "two within half an hour are enough");
    assert_eq!(
        polls(&mut stage, 5).await,
        [r#"Failure {"Failed": 1}"#],
        "nobody knows it, whenever it is told"
    );
}

/// Whoever is paged for failures is paged for what nobody knows, and not for what is sent together with it.
#[tokio::test(start_paused = true)]
async fn more_of_a_known_cause_is_no_failure_beside_something_new() {
    let mut stage = watched(9).await;
    stage.fail(1, "A", "a");
    assert_eq!(polls(&mut stage, 5).await, [r#"Failure {"Failed": 1}"#]);
    stage.fail(2, "A", "a");
    stage.set(3, "UPDATE_PAUSED");
    assert_eq!(polls(&mut stage, 5).await, [r#"Warning {"Failed": 1, "Unrecognised": 1}"#]);
}

/// People know a cause for an hour: who failed of it later may have failed anew.
#[tokio::test(start_paused = true)]
async fn a_cause_is_news_again_after_an_hour() {
    let mut stage = watched(9).await;
    stage.fail(1, "A", "a");
    assert_eq!(polls(&mut stage, 5).await.len(), 1);
    polls(&mut stage, 65).await;
    stage.fail(2, "A", "a");
    assert_eq!(polls(&mut stage, 5).await, [r#"Failure {"Failed": 1}"#]);
}

#[tokio::test(start_paused = true)]
async fn what_was_stuck_and_fails_is_told_at_once() {
    let mut stage = watched(9).await;
    stage.set(1, "UPDATE_IN_PROGRESS");
    assert_eq!(polls(&mut stage, 130).await, [r#"Warning {"Stuck": 1}"#]);
    stage.fail(2, "A", "a");
    assert_eq!(polls(&mut stage, 35).await.len(), 1);
    stage.fail(1, "A", "a");
    assert_eq!(polls(&mut stage, 5).await, [r#"Failure {"Failed": 1}"#], "though the cause is known");
}

#[tokio::test(start_paused = true)]
async fn a_silence_keeps_what_waits_from_people_until_it_ends() {
    for recovers in [true, false] {
        let mut stage = watched(9).await;
        stage.fail(2, "A", "a");
        assert_eq!(polls(&mut stage, 5).await.len(), 1);
        stage.fail(1, "A", "a");
        assert_eq!(polls(&mut stage, 10).await, [""; 0], "it waits for more");
        stage.store.silence(&silence("2026-11-18T13:00:00Z")).await.unwrap();
        assert_eq!(polls(&mut stage, 60).await, [""; 0]);
        if recovers {
            stage.set(1, "UPDATE_SUCCESSFUL");
            assert_eq!(polls(&mut stage, 120).await, [""; 0], "nobody hears of an end who heard of no begin");
        } else {
            let said = polls(&mut stage, 120).await;
            assert_eq!(said, [r#"Failure {"Failed": 1}"#], "in full");
            stage.set(1, "UPDATE_SUCCESSFUL");
            assert_eq!(polls(&mut stage, 60).await, [r#"Resolved {"Recovered": 1}"#]);
        }
    }
}

/// The silence came and went between two scans: no row knows of it.
#[tokio::test(start_paused = true)]
async fn what_a_short_silence_kept_from_people_is_reported_in_full() {
    let mut stage = watched(9).await;
    stage.fail(2, "A", "a");
    stage.fail(1, "B", "b");
    let outage = stage.inbox.is_down.replace(true);
    assert_eq!(polls(&mut stage, 5).await, [""; 0]);
    stage.inbox.is_down.replace(outage);
    stage.store.silence(&silence("2026-11-18T11:10:00Z")).await.unwrap();
    stage.pass(4);
    stage.dispatch_alone().await;
    assert_eq!(poll(&stage).await, [r#"Failure {"Failed": 1}"#], "of the other account");
    assert_eq!(polls(&mut stage, 5).await, [r#"Failure {"Failed": 1}"#]);
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_the_update_after_one_of_the_creation_is_still_the_same() {
    let mut stage = watched(9).await;
    stage.fail_as(1, "CREATE_FAILED", "A", "a");
    assert_eq!(polls(&mut stage, 5).await.len(), 1);
    stage.fail_as(1, "UPDATE_FAILED", "A", "a");
    assert_eq!(polls(&mut stage, 60).await, [""; 0]);
    stage.fail_as(1, "UPDATE_FAILED", "B", "b");
    assert_eq!(polls(&mut stage, 5).await, [r#"Failure {"Failed": 1}"#]);
    stage.fail_as(1, "DELETE_FAILED", "B", "b");
    assert_eq!(polls(&mut stage, 35).await, [r#"Warning {"Failed": 1}"#], "it is another thing to be rid of");
}

#[tokio::test(start_paused = true)]
async fn reminders_come_in_the_morning_and_not_right_after_the_news() {
    let mut stage = watched(9).await;
    stage.pass(21 * 60);
    stage.fail(1, "A", "a");
    assert_eq!(polls(&mut stage, 5).await, [r#"Failure {"Failed": 1}"#], "at 08:05");
    assert_eq!(polls(&mut stage, 60).await, [""; 0], "at nine they know it since an hour");
    assert_eq!(polls(&mut stage, 23 * 60 + 50).await, [""; 0]);
    assert_eq!(polls(&mut stage, 5).await, [r#"Warning {"Reminder": 1}"#], "at 09:00");
    assert_eq!(polls(&mut stage, 23 * 60 + 55).await, [""; 0]);
    assert_eq!(polls(&mut stage, 5).await, [r#"Warning {"Reminder": 1}"#]);
}
