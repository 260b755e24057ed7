//! What people are notified over several runs: silences and flapping.

use packwatch::local::Channel;
use packwatch::notify::Notification;
use packwatch::ports::SilenceStore;
use packwatch::state::silence::Silence;
use packwatch::watch::report::Outcome;

use super::samples::{account, at, here};
use super::stage::{PACK, Stage};

pub(super) fn silence(until: &str) -> Silence {
    Silence {
        id: "s".to_owned(),
        accounts: vec![account(1)],
        packs: Vec::new(),
        regions: Vec::new(),
        kinds: [].into(),
        until: at(until),
        reason: "is being closed".to_owned(),
        by: "someone".to_owned(),
    }
}

fn counts(digests: &[Notification]) -> Vec<String> {
    digests.iter().map(|digest| format!("{:?}", digest.counts)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_silenced_failure_is_recorded_and_reported_when_the_silence_ends() {
    let mut stage = Stage::new(&[("PACKWATCH_REMIND_EVERY", "never")]);
    for n in 1..=3 {
        stage.set(n, "CREATE_SUCCESSFUL");
    }
    stage.run().await;
    stage.store.silence(&silence("2026-11-18T12:00:00Z")).await.unwrap();
    assert_eq!(stage.run().await, Outcome::Unchanged, "a silence that nothing runs into changes nothing");
    stage.take();

    stage.pass(5);
    stage.set(1, "UPDATE_FAILED");
    assert_eq!(stage.run().await, Outcome::Changed);
    let (digests, events) = stage.take();
    assert_eq!((digests.len(), events), (0, vec!["Failed".to_owned()]), "machines hear of it");
    let logged: Vec<_> = stage
        .store
        .log_of(&here(PACK))
        .into_iter()
        .filter_map(|(_, record)| record.transition().cloned())
        .collect();
    assert!(logged.len() == 1 && logged[0].silenced, "{logged:?}");
    assert_eq!(stage.run().await, Outcome::Unchanged);

    stage.pass(5);
    stage.set(1, "UPDATE_IN_PROGRESS");
    stage.set(2, "UPDATE_FAILED");
    stage.run().await;
    let (digests, _) = stage.take();
    assert_eq!((digests[0].silenced, counts(&digests)), (1, vec![r#"{"Failed": 1}"#.to_owned()]));
    let email = Channel::Email.show(&digests[0]);
    assert_eq!(email.lines().last(), Some("Left out: 1 change silenced (packwatch silence list)."));

    stage.pass(5);
    stage.set(1, "UPDATE_FAILED");
    stage.run().await;
    assert_eq!(stage.take().0.len(), 0);

    stage.pass(105);
    assert_eq!(stage.run().await, Outcome::Changed, "the silence has ended, and nothing else has changed");
    let (digests, _) = stage.take();
    assert_eq!(counts(&digests), [r#"{"Failed": 1}"#]);
    assert!(Channel::Email.show(&digests[0]).contains("its silence has ended"));
    assert_eq!(stage.run().await, Outcome::Unchanged);
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_reported_in_the_meantime_is_how_an_account_came_to_its_last_state() {
    let mut stage = Stage::new(&[]);
    stage.set(1, "CREATE_SUCCESSFUL");
    stage.run().await;
    stage.take();

    stage.inbox.is_down.set(true);
    for status in ["UPDATE_FAILED", "UPDATE_IN_PROGRESS", "UPDATE_SUCCESSFUL"] {
        stage.pass(5);
        stage.set(1, status);
        stage.run().await;
    }
    stage.inbox.is_down.set(false);
    stage.run().await;
    let (digests, events) = stage.take();
    assert_eq!(events, ["Failed", "InProgress", "Recovered"]);
    assert_eq!(counts(&digests), [r#"{"CameAndWent": 1}"#], "people know nothing of it");
    let email = Channel::Email.show(&digests[0]);
    assert!(email.contains("    CREATE_SUCCESSFUL -> UPDATE_SUCCESSFUL\n"), "{email}");
    assert!(email.contains("    from 2026-11-18 10:05 UTC to 10:15 UTC (10 min)\n"), "{email}");
    assert!(email.contains("\n    before that: failed, in progress\n"), "{email}");
    assert!(Channel::Slack.show(&digests[0]).contains(", before that: failed, in progress"));
}

#[tokio::test(start_paused = true)]
async fn a_silence_that_is_removed_ends_and_one_that_begins_later_repeats_nothing() {
    let mut stage = Stage::new(&[]);
    stage.set(1, "CREATE_SUCCESSFUL");
    stage.run().await;
    stage.set(1, "UPDATE_FAILED");
    stage.run().await;
    stage.take();
    stage.store.silence(&silence("2026-12-01T00:00:00Z")).await.unwrap();
    // It failed before: the row learns of the silence, and nobody is notified anything.
    assert_eq!(stage.run().await, Outcome::Unchanged);
    assert_eq!(stage.take(), (Vec::new(), Vec::new()));
    assert_eq!(stage.run().await, Outcome::Unchanged);
    stage.pass(24 * 60);
    stage.run().await;
    let (digests, events) = stage.take();
    assert_eq!((digests.len(), events), (0, vec!["Reminder".to_owned()]), "reminders are silenced too");
    stage.store.unsilence("s").await.unwrap();
    stage.run().await;
    assert_eq!(counts(&stage.take().0), [r#"{"SilenceEnded": 1}"#], "people knew of it");
}

#[tokio::test(start_paused = true)]
async fn a_silence_is_of_the_moment_of_recording_wherever_the_run_ends() {
    let mut stage = Stage::new(&[]);
    stage.set(1, "CREATE_SUCCESSFUL");
    stage.set(2, "CREATE_SUCCESSFUL");
    stage.run().await;
    stage.take();
    stage.store.silence(&silence("2026-12-01T00:00:00Z")).await.unwrap();
    stage.set(1, "UPDATE_FAILED");
    stage.set(2, "UPDATE_FAILED");
    stage.inbox.is_down.set(true);
    assert_eq!(stage.run().await, Outcome::Incomplete);
    stage.inbox.is_down.set(false);
    stage.run().await;
    let (digests, events) = stage.take();
    assert_eq!((counts(&digests), digests[0].silenced), (vec![r#"{"Failed": 1}"#.to_owned()], 1));
    assert_eq!(events.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_account_that_flaps_is_reported_twice_and_logged_every_time() {
    let mut stage = Stage::new(&[("PACKWATCH_FLAP_LIMIT", "3"), ("PACKWATCH_REMIND_EVERY", "never")]);
    stage.set(1, "CREATE_SUCCESSFUL");
    stage.run().await;
    stage.take();
    let mut notified = Vec::new();
    let mut logged = 0;
    for step in 0..9 {
        stage.pass(5);
        stage.set(1, if step % 2 == 0 { "UPDATE_FAILED" } else { "UPDATE_SUCCESSFUL" });
        // Copies of a run, and runs that found nobody to take their messages, change nothing.
        stage.inbox.is_down.set(step == 5);
        stage.run().await;
        stage.inbox.is_down.set(false);
        stage.run().await;
        let (digests, events) = stage.take();
        notified.extend(counts(&digests));
        logged += events.len();
    }
    let begins = [r#"{"Failed": 1}"#, r#"{"Recovered": 1}"#, r#"{"Failed": 1}"#, r#"{"Flapping": 1}"#];
    assert_eq!((notified, logged), (begins.map(str::to_owned).to_vec(), 9));
    // Another account's news tells how many changes were left out.
    stage.pass(5);
    stage.set(1, "UPDATE_SUCCESSFUL");
    stage.set(2, "CREATE_FAILED");
    stage.run().await;
    let (digests, _) = stage.take();
    assert_eq!((counts(&digests), digests[0].damped), (vec![r#"{"Failed": 1}"#.to_owned()], 1));

    stage.pass(59);
    stage.run().await;
    assert_eq!(stage.take().0.len(), 0);
    stage.pass(1);
    stage.run().await;
    let (digests, events) = stage.take();
    assert_eq!(
        (counts(&digests), events),
        (vec![r#"{"Settled": 1}"#.to_owned()], vec!["Settled".to_owned()])
    );
    assert_eq!(stage.run().await, Outcome::Unchanged, "the fingerprint is back");
}

#[tokio::test(start_paused = true)]
async fn an_account_that_began_to_flap_in_silence_is_reported_when_the_silence_is_over() {
    let mut stage = Stage::new(&[("PACKWATCH_FLAP_LIMIT", "3"), ("PACKWATCH_REMIND_EVERY", "never")]);
    stage.set(1, "CREATE_SUCCESSFUL");
    stage.run().await;
    stage.take();
    stage.store.silence(&silence("2026-11-18T10:32:00Z")).await.unwrap();
    for step in 0..6 {
        stage.pass(5);
        stage.set(1, if step % 2 == 0 { "UPDATE_FAILED" } else { "UPDATE_SUCCESSFUL" });
        stage.run().await;
    }
    let (digests, events) = stage.take();
    assert_eq!((digests.len(), events.len()), (0, 6));
    // The silence ended while the account was healthy; as long as it flaps, it is never told again.
    stage.pass(5);
    stage.set(1, "UPDATE_FAILED");
    stage.run().await;
    assert_eq!(counts(&stage.take().0), [r#"{"Flapping": 1}"#]);
    stage.pass(5);
    stage.set(1, "UPDATE_SUCCESSFUL");
    stage.run().await;
    assert_eq!(stage.take().0.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn texts_that_differ_in_the_suffix_of_a_rule_are_one_cause() {
    let mut stage = Stage::new(&[]);
    (0..12).for_each(|n| stage.set(n, "CREATE_SUCCESSFUL"));
    stage.run().await;
    stage.take();
    stage.pass(5);
    for n in 0..12 {
        let rule = format!("s3-bucket-versioning-enabled-conformance-pack-88cd40y{n:02}");
        let text = format!(
            "Failed to put config rule '{rule}' because the account already contains 1000 config rules."
        );
        stage.fail(n, "MaxNumberOfConfigRulesExceededException", &text);
    }
    stage.run().await;
    let (digests, _) = stage.take();
    let email = Channel::Email.show(&digests[0]);
    assert!(email.contains("(an example: ids differ)") && !email.contains("of 12 messages"), "{email}");
}
