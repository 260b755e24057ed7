//! What a change is reported as: each story that a user saw told wrongly, on the built function. What people and machines
//! hear of a scan is one line: the digest's counts, then the kinds of the events.

use packwatch::ports::SilenceStore;
use packwatch::state::silence::Silence;
use serde_json::Value;

use super::stage::{ALERTS, EVENTS, PACK, REGION, Stage, outcomes};
use crate::stores::contract::dynamo_store;
use crate::world::packs::account;

const UNHEALTHY_AND_HEALTHY_AGAIN: (&str, &str) = ("PACKWATCH_NOTIFY", "failed,recovered,stuck");
const NO_REMINDERS: (&str, &str) = ("PACKWATCH_REMIND_EVERY", "never");

/// A pack in which one account, beside one that is always well, goes through a story.
struct Story {
    stage: Stage,
    account: String,
    incidents: Vec<Option<String>>,
}

impl Story {
    async fn of(settings: &[(&str, &str)]) -> Self {
        let stage = Stage::with(settings).await;
        stage.world.add_pack(REGION, PACK, 2);
        Self { stage, account: account(1), incidents: Vec::new() }
    }

    async fn after_a_baseline(settings: &[(&str, &str)]) -> Self {
        let mut story = Self::of(settings).await;
        story.scan().await;
        story
    }

    fn is(&self, status: &str) {
        self.stage.world.set_status(REGION, PACK, &self.account, status);
    }

    fn fails(&self) {
        self.stage.world.fail(REGION, PACK, &self.account, "UPDATE_FAILED", "C", "m");
    }

    fn is_stuck(&self) {
        self.is("UPDATE_IN_PROGRESS");
        let three_hours_ago =
            |row: &mut crate::world::packs::Row, now| row.last_update = Some(now - 10_800.0);
        self.stage.world.edit(REGION, PACK, &self.account, three_hours_ago);
    }

    async fn scan(&mut self) -> String {
        self.stage.forget();
        self.stage.run().await;
        let counts: Vec<String> =
            self.stage.digests().iter().map(|digest| digest["Counts"].to_string()).collect();
        let events: Vec<Value> =
            self.stage.world.messages_to(EVENTS).iter().map(|e| e.json_for("default")).collect();
        // A pack's own events are of no incident.
        let of_accounts = events.iter().filter(|event| event["AccountId"].is_string());
        self.incidents.extend(of_accounts.map(|event| event["IncidentId"].as_str().map(str::to_owned)));
        let kinds: Vec<&str> = events.iter().map(|event| event["Kind"].as_str().unwrap()).collect();
        format!("{} | {}", counts.join(" "), kinds.join(" ")).trim().to_owned()
    }

    fn an_hour_passes_for_reminders(&self) {
        self.stage.edit_row(PACK, &self.account, |row| {
            row["State"]["Reminder"] = (row["State"]["Reminder"].as_u64().unwrap() - 3600).into();
            // People were notified of it then, if they were.
            if let Some(at) = row["Incident"]["Notified"]["At"].as_i64() {
                row["Incident"]["Notified"]["At"] = (at - 7200).into();
            }
        });
    }

    fn an_hour_passes_for_flapping(&self) {
        self.stage.edit_row(PACK, &self.account, |row| row["Turns"] = serde_json::json!([]));
    }

    /// Everything that machines heard was of one incident.
    fn assert_one_incident(&self) {
        let first = self.incidents.first().cloned().flatten();
        assert!(first.is_some() && self.incidents.iter().all(|id| *id == first), "{:?}", self.incidents);
    }

    async fn silence(&self) {
        let silence = Silence {
            id: "s".to_owned(),
            accounts: vec![self.account.parse().unwrap()],
            packs: Vec::new(),
            regions: Vec::new(),
            kinds: [].into(),
            until: "2100-01-01T00:00:00Z".parse().unwrap(),
            reason: "r".to_owned(),
            by: "b".to_owned(),
        };
        dynamo_store(&self.stage.dynamo).await.silence(&silence).await.unwrap();
    }

    async fn unsilence(&self) {
        assert!(dynamo_store(&self.stage.dynamo).await.unsilence("s").await.unwrap());
    }
}

#[tokio::test]
async fn an_account_that_joins_and_is_stuck_is_reported_as_stuck() {
    let mut story = Story::after_a_baseline(&[UNHEALTHY_AND_HEALTHY_AGAIN]).await;
    story.account = account(3);
    story.stage.world.join(REGION, PACK, &story.account, "CREATE_IN_PROGRESS");
    story.is_stuck();
    assert_eq!(story.scan().await, r#"{"Stuck":1} | Stuck"#);
}

#[tokio::test]
async fn stuck_that_is_tried_again_and_succeeds_has_recovered() {
    let mut story = Story::after_a_baseline(&[]).await;
    story.is_stuck();
    assert_eq!(story.scan().await, r#"{"Stuck":1} | Stuck"#);
    story.is("UPDATE_IN_PROGRESS");
    assert_eq!(story.scan().await, "| InProgress");
    story.is("UPDATE_SUCCESSFUL");
    assert_eq!(story.scan().await, r#"{"Recovered":1} | Recovered"#);
    story.assert_one_incident();
}

#[tokio::test]
async fn an_unknown_status_that_ends_has_recovered() {
    let mut story = Story::after_a_baseline(&[]).await;
    story.is("ROLLBACK_PENDING");
    assert_eq!(story.scan().await, r#"{"Unrecognised":1} | Unrecognised"#);
    story.is("UPDATE_SUCCESSFUL");
    assert_eq!(story.scan().await, r#"{"Recovered":1} | Recovered"#);
    story.assert_one_incident();
}

#[tokio::test]
async fn the_same_failure_tried_again_has_failed_again() {
    let mut story = Story::after_a_baseline(&[NO_REMINDERS]).await;
    story.fails();
    assert_eq!(story.scan().await, r#"{"Failed":1} | Failed"#);
    let slack = story.stage.world.messages_to(ALERTS).remove(0).json_for("https");
    let id = story.incidents[0].as_deref().unwrap();
    assert_eq!(slack["metadata"]["threadId"], format!("packwatch#{id}"));
    for status in ["UPDATE_FAILED", "CREATE_FAILED"] {
        story.stage.world.fail(REGION, PACK, &story.account, status, "C", "m");
        assert_eq!(story.scan().await, "| FailedAgain");
    }
    story.assert_one_incident();
}

#[tokio::test]
async fn the_same_failure_after_progress_has_failed_again() {
    let mut story = Story::after_a_baseline(&[NO_REMINDERS]).await;
    story.fails();
    assert_eq!(story.scan().await, r#"{"Failed":1} | Failed"#);
    story.is("UPDATE_IN_PROGRESS");
    assert_eq!(story.scan().await, "| InProgress");
    story.fails();
    assert_eq!(story.scan().await, "| FailedAgain");
    story.assert_one_incident();
}

#[tokio::test]
async fn a_failure_whose_pack_is_removed_has_left_and_then_nothing_is_reported() {
    let mut story = Story::after_a_baseline(&[]).await;
    story.fails();
    story.scan().await;
    story.is("DELETE_SUCCESSFUL");
    assert_eq!(story.scan().await, r#"{"Left":1} | Left"#);
    story.assert_one_incident();
    story.stage.world.leave(REGION, PACK, &story.account);
    assert_eq!(story.scan().await, "|");
}

#[tokio::test]
async fn a_removed_account_leaves_once() {
    let mut story = Story::after_a_baseline(&[]).await;
    story.is("DELETE_SUCCESSFUL");
    assert_eq!(story.scan().await, r#"{"Left":1} | Left"#);
    assert_eq!(story.scan().await, "|", "it is still listed");
    story.stage.world.leave(REGION, PACK, &story.account);
    assert_eq!(story.scan().await, "|");
}

#[tokio::test]
async fn a_failure_that_leaves_is_reported_to_those_who_were_notified_of_it() {
    let mut story = Story::after_a_baseline(&[UNHEALTHY_AND_HEALTHY_AGAIN]).await;
    story.fails();
    assert_eq!(story.scan().await, r#"{"Failed":1} | Failed"#);
    story.stage.world.leave(REGION, PACK, &story.account);
    assert_eq!(story.scan().await, r#"{"Left":1} | Left"#);
    story.assert_one_incident();
    story.stage.world.leave(REGION, PACK, &account(2));
    assert_eq!(story.scan().await, "| Left", "it was healthy");
}

#[tokio::test]
async fn a_failure_under_a_silence_that_ends_while_it_is_tried_again_is_reported_in_full() {
    let mut story = Story::after_a_baseline(&[NO_REMINDERS]).await;
    story.silence().await;
    story.fails();
    assert_eq!(story.scan().await, "| Failed");
    story.is("UPDATE_IN_PROGRESS");
    assert_eq!(story.scan().await, "| InProgress");
    story.unsilence().await;
    assert_eq!(story.scan().await, "|");
    story.fails();
    assert_eq!(story.scan().await, r#"{"Failed":1} | Failed"#);
    story.assert_one_incident();
}

#[tokio::test]
async fn the_end_of_a_silence_over_what_people_know_is_a_warning() {
    let mut story = Story::after_a_baseline(&[]).await;
    story.fails();
    story.scan().await;
    story.silence().await;
    assert_eq!(story.scan().await, "|");
    story.unsilence().await;
    assert_eq!(story.scan().await, r#"{"SilenceEnded":1} | Reminder"#);
    let message = story.stage.world.messages_to(ALERTS).remove(0);
    assert_eq!(message.attribute("Severity"), Some("warning"));
    let email = message.body_for("email");
    assert!(email.starts_with("1 account unhealthy after a silence"), "{email}");
    story.assert_one_incident();
}

#[tokio::test]
async fn what_recovers_under_its_silence_is_published_as_events_alone() {
    let mut story = Story::after_a_baseline(&[]).await;
    story.silence().await;
    story.fails();
    assert_eq!(story.scan().await, "| Failed");
    story.is("UPDATE_SUCCESSFUL");
    assert_eq!(story.scan().await, "| Recovered");
    story.assert_one_incident();
}

#[tokio::test]
async fn a_silence_hides_no_end_of_what_people_were_notified_of() {
    let mut story = Story::after_a_baseline(&[]).await;
    story.fails();
    story.scan().await;
    story.silence().await;
    story.is("UPDATE_SUCCESSFUL");
    assert_eq!(story.scan().await, r#"{"Recovered":1} | Recovered"#);
}

#[tokio::test]
async fn a_failure_that_is_tried_again_and_again_is_counted_and_its_reminder_comes() {
    let mut story = Story::after_a_baseline(&[("PACKWATCH_REMIND_EVERY", "1h")]).await;
    let failed = async |story: &mut Story, hours: f64| {
        story.fails();
        let ago = |row: &mut crate::world::packs::Row, now| row.last_update = Some(now - hours * 3600.0);
        story.stage.world.edit(REGION, PACK, &story.account, ago);
        story.scan().await
    };
    assert_eq!(failed(&mut story, 3.0).await, r#"{"Failed":1} | Failed"#);
    assert_eq!(failed(&mut story, 2.0).await, "| FailedAgain");
    story.an_hour_passes_for_reminders();
    assert_eq!(failed(&mut story, 1.0).await, r#"{"Reminder":1} | Reminder"#, "before FailedAgain");
    story.assert_one_incident();
}

#[tokio::test]
async fn an_excluded_account_ends_its_incident() {
    let mut story = Story::after_a_baseline(&[]).await;
    story.fails();
    story.scan().await;
    let excluded = story.account.clone();
    story.stage.lambda = story.stage.lambda.env("PACKWATCH_EXCLUDE_ACCOUNTS", &excluded);
    story.stage.lambda.kill();
    assert_eq!(story.scan().await, r#"{"Left":1} | Left"#);
    story.assert_one_incident();
}

#[tokio::test]
async fn a_pack_that_is_being_deleted_tells_no_progress() {
    let mut story = Story::after_a_baseline(&[]).await;
    for n in [1, 2] {
        story.stage.world.set_status(REGION, PACK, &account(n), "DELETE_IN_PROGRESS");
    }
    assert_eq!(story.scan().await, "| InProgress InProgress");
    story.stage.world.leave(REGION, PACK, &account(1));
    assert_eq!(story.scan().await, "| Left");
    assert!(story.stage.world.delete_pack(REGION, PACK));
    assert_eq!(story.scan().await, r#"{"PackDeleted":1} | PackDeleted"#);
}

#[tokio::test]
async fn what_is_unhealthy_when_the_pack_is_first_seen_is_named_with_its_kind() {
    let mut story = Story::of(&[]).await;
    story.is_stuck();
    story.stage.world.join(REGION, PACK, &account(3), "ROLLBACK_PENDING");
    assert_eq!(
        story.scan().await,
        r#"{"Baseline":1,"Stuck":1,"Unrecognised":1} | Stuck Unrecognised Baseline"#
    );
    let pack = story.stage.digests()[0]["Packs"][0].clone();
    let kinds: Vec<_> = pack["Transitions"].as_array().unwrap().iter().map(|t| t["Kind"].clone()).collect();
    assert_eq!(
        (pack["Type"].as_str(), kinds),
        (Some("Baseline"), vec!["Unrecognised".into(), "Stuck".into()])
    );
    story.is("UPDATE_SUCCESSFUL");
    assert_eq!(story.scan().await, r#"{"Recovered":1} | Recovered"#);
    story.account = account(3);
    story.is("UPDATE_SUCCESSFUL");
    assert_eq!(story.scan().await, r#"{"Recovered":1} | Recovered"#);
    let stuck: Vec<_> = story.incidents.iter().filter(|id| **id == story.incidents[0]).collect();
    assert_eq!(stuck.len(), 2, "the baseline's incident is the one that ends: {:?}", story.incidents);
}

#[tokio::test]
async fn a_baseline_with_failures_is_reported_to_those_who_want_failures_alone() {
    let mut story = Story::of(&[UNHEALTHY_AND_HEALTHY_AGAIN]).await;
    story.fails();
    assert_eq!(story.scan().await, r#"{"Baseline":1,"Failed":1} | Failed Baseline"#);
    let mut healthy = Story::of(&[UNHEALTHY_AND_HEALTHY_AGAIN]).await;
    assert_eq!(healthy.scan().await, "| Baseline");
}

#[tokio::test]
async fn a_pack_that_is_deleted_ends_the_incidents_of_its_accounts() {
    let mut story = Story::after_a_baseline(&[]).await;
    story.fails();
    story.scan().await;
    assert!(story.stage.world.delete_pack(REGION, PACK));
    assert_eq!(story.scan().await, r#"{"Left":1,"PackDeleted":1} | Left PackDeleted"#);
    story.assert_one_incident();
}

#[tokio::test]
async fn stuck_is_reported_though_the_account_flaps() {
    let mut story = Story::after_a_baseline(&[("PACKWATCH_FLAP_LIMIT", "2")]).await;
    for (fails, notified) in [
        (true, r#"{"Failed":1} | Failed"#),
        (false, r#"{"Recovered":1} | Recovered"#),
        (true, r#"{"Flapping":1} | Failed"#),
        (false, "| Recovered"),
    ] {
        if fails {
            story.fails()
        } else {
            story.is("UPDATE_SUCCESSFUL")
        }
        assert_eq!(story.scan().await, notified);
    }
    story.is_stuck();
    assert_eq!(story.scan().await, r#"{"Stuck":1} | Stuck"#);
}

/// As severe as where the account stands: it is stuck, it failed, or it is healthy.
#[tokio::test]
async fn settled_is_as_severe_as_where_the_account_stands() {
    for (end, severity) in [("stuck", "warning"), ("failed", "failure"), ("healthy", "resolved")] {
        let mut story = Story::after_a_baseline(&[NO_REMINDERS, ("PACKWATCH_FLAP_LIMIT", "2")]).await;
        for _ in 0..2 {
            story.fails();
            story.scan().await;
            story.is("UPDATE_SUCCESSFUL");
            story.scan().await;
        }
        match end {
            "stuck" => story.is_stuck(),
            "failed" => story.fails(),
            _ => {}
        }
        story.scan().await;
        story.an_hour_passes_for_flapping();
        assert_eq!(story.scan().await, r#"{"Settled":1} | Settled"#, "{end}");
        let settled = &story.stage.world.messages_to(ALERTS)[0];
        assert_eq!(settled.attribute("Severity"), Some(severity), "{end}");
        assert_eq!(story.scan().await, "|", "{end}: it is over");
    }
}

#[tokio::test]
async fn what_is_stuck_or_in_an_unknown_status_is_reminded_of_too() {
    for is_stuck in [true, false] {
        let mut story = Story::after_a_baseline(&[("PACKWATCH_REMIND_EVERY", "1h")]).await;
        if is_stuck {
            story.is_stuck();
        } else {
            story.is("ROLLBACK_PENDING");
        }
        let ago = |row: &mut crate::world::packs::Row, now| row.last_update = Some(now - 10_800.0);
        story.stage.world.edit(REGION, PACK, &story.account, ago);
        let begun = story.scan().await;
        assert!(
            begun == r#"{"Stuck":1} | Stuck"# || begun == r#"{"Unrecognised":1} | Unrecognised"#,
            "{begun}"
        );
        story.an_hour_passes_for_reminders();
        assert_eq!(story.scan().await, r#"{"Reminder":1} | Reminder"#, "after {begun}");
        story.assert_one_incident();
    }
}

/// What Slack shows as one conversation: an incident, else a pack, and never several packs.
#[tokio::test]
async fn news_of_several_packs_has_no_thread() {
    let mut story = Story::of(&[]).await;
    story.stage.world.add_pack(REGION, "Cost", 2);
    let thread = |story: &Story| {
        let message = story.stage.world.messages_to(ALERTS).remove(0).json_for("https");
        message["metadata"]["threadId"].clone()
    };
    story.scan().await;
    assert_eq!(thread(&story), Value::Null);
    for n in [1, 2] {
        story.stage.world.fail(REGION, PACK, &account(n), "UPDATE_FAILED", "C", "m");
    }
    story.scan().await;
    let day = thread(&story)
        .as_str()
        .unwrap()
        .strip_prefix(&format!("packwatch#{REGION}#{PACK}#"))
        .map(str::to_owned);
    assert!(day.is_some_and(|day| day.parse::<jiff::civil::Date>().is_ok()), "{}", thread(&story));
    story.is("UPDATE_SUCCESSFUL");
    story.scan().await;
    let recovered = story.incidents.last().unwrap().as_deref().unwrap();
    assert_eq!(thread(&story), format!("packwatch#{recovered}"));
}

#[tokio::test]
async fn a_pack_that_aws_config_refuses_right_after_it_was_put_is_deferred_once() {
    let story = Story::of(&[]).await;
    story.stage.world.deny(REGION);
    let put: Value = serde_json::from_str(include_str!("../../../events/cloudtrail-put.json")).unwrap();
    assert_eq!(outcomes(&story.stage.invoke(put).await.unwrap()), ["Deferred"]);
    let failed = story.stage.invoke(serde_json::json!({})).await.unwrap_err();
    assert!(
        failed["errorMessage"].as_str().unwrap().contains("Denied"),
        "the next run is not let off: {failed}"
    );
}
