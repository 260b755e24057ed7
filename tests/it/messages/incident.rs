//! One incident from its first failure to its end, in every form in which people and events are published. A second one
//! ends because its account leaves. To be read by a person when it changes; `docs/messages.md` shows it to users.

use std::collections::BTreeMap;

use insta::assert_snapshot;
use packwatch::local::{Channel, SqliteStore};
use packwatch::notify::Notification;
use serde_json::Value;

use super::samples::account;
use super::schema::{assert_event, assert_notification};
use super::stage::Stage;
use crate::commands::cli::Desk;

const FAILS: u64 = 1;
const LEAVES: u64 = 2;

/// What is reported in each form, one step of the story after the other.
#[derive(Default)]
struct Notified {
    forms: BTreeMap<&'static str, String>,
    incidents: BTreeMap<String, Vec<String>>,
    threads: Vec<Value>,
}

impl Notified {
    async fn scan(&mut self, stage: &Stage<SqliteStore>, what: &str) {
        stage.run().await;
        let (digests, events) = stage.take_whole();
        let title = format!("==== {}: {what}\n", stage.now.strftime("%Y-%m-%d %H:%M UTC"));
        let mut write = |form, text: &str| {
            let written = self.forms.entry(form).or_default();
            written.push_str(&format!("{title}{}\n\n", text.trim_end()));
        };
        // A retry causes no digest.
        let expected = usize::from(events.iter().all(|event| event["Kind"] != "FailedAgain"));
        assert_eq!((digests.len(), events.len()), (expected, 1), "{what}: {digests:?} {events:?}");
        let here = |mut digest: Notification| {
            digest.history.store = Some("store.sqlite".to_owned());
            digest
        };
        let digests: Vec<Notification> = digests.into_iter().map(here).collect();
        for digest in &digests {
            assert_notification(&serde_json::to_value(digest).unwrap());
            for (form, channel) in [
                ("email", Channel::Email),
                ("slack", Channel::Slack),
                ("sms", Channel::Sms),
                ("json", Channel::Json),
            ] {
                write(form, &channel.show(digest));
            }
            let slack: Value = serde_json::from_str(&Channel::Slack.show(digest)).unwrap();
            self.threads.push(slack["metadata"]["threadId"].clone());
        }
        for event in &events {
            assert_event(event);
            write("events", &serde_json::to_string_pretty(event).unwrap());
            let text = |field: &str| event[field].as_str().unwrap().to_owned();
            self.incidents.entry(text("IncidentId")).or_default().push(text("Kind"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_incident_is_reported_from_its_first_failure_to_its_end_in_every_form() {
    let desk = Desk::new();
    let store = SqliteStore::open(&desk.store()).unwrap();
    // The ids are those of this history.
    fastrand::seed(7);
    let mut stage = Stage::on(store, &[]);
    for n in 1..=4 {
        stage.set(n, "CREATE_SUCCESSFUL");
    }
    stage.run().await;
    stage.take();

    let recorder = ("NoAvailableConfigurationRecorderException", "There is no configuration recorder.");
    let denied = ("AccessDenied", "config:PutConfigRule: explicit deny in a service control policy");
    let mut notified = Notified::default();
    stage.pass(5);
    stage.fail(FAILS, recorder.0, recorder.1);
    notified.scan(&stage, "a deployment fails").await;
    stage.pass(120);
    stage.fail(FAILS, recorder.0, recorder.1);
    notified.scan(&stage, "it is tried again, and fails for the same reason").await;
    stage.pass(5);
    stage.fail(LEAVES, denied.0, denied.1);
    notified.scan(&stage, "another deployment fails").await;
    stage.pass(240);
    stage.leave(LEAVES);
    notified.scan(&stage, "that account leaves the organization, which ends its incident").await;
    stage.pass(20 * 60);
    notified.scan(&stage, "the first one is still failing: the daily reminder").await;
    stage.pass(60);
    stage.set(FAILS, "UPDATE_SUCCESSFUL");
    notified.scan(&stage, "it succeeds, which ends the incident").await;

    let mut kinds: Vec<Vec<&str>> =
        notified.incidents.values().map(|kinds| kinds.iter().map(String::as_str).collect()).collect();
    kinds.sort();
    assert_eq!(kinds, [vec!["Failed", "FailedAgain", "Reminder", "Recovered"], vec!["Failed", "Left"]]);
    let [a, b, c, d, e] = &notified.threads[..] else { panic!("{:?}", notified.threads) };
    assert!(a == d && d == e && b == c && a != b && !a.is_null(), "{:?}", notified.threads);

    let path = desk.store().display().to_string();
    for id in notified.incidents.keys() {
        let history = ["history", "--store", &path, "--order", "oldest", "--incident", id];
        let shown = desk.shown(120, &history);
        let of = if shown.contains(&account(FAILS).to_string()) { "first" } else { "second" };
        let line = format!("$ packwatch history --order oldest --incident {id}\n");
        notified.forms.insert(of, format!("{line}{shown}"));
    }
    let history = ["first", "second"].map(|of| notified.forms.remove(of).unwrap());
    notified.forms.insert("history", history.join("\n"));

    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    let _bound = settings.bind_to_scope();
    for (form, text) in notified.forms {
        assert_snapshot!(format!("incident_{form}"), text);
    }
}
