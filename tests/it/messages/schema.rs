//! `docs/notification.schema.json`, against what is really sent.

use std::sync::LazyLock;

use jsonschema::Validator;
use packwatch::model::Kind;
use packwatch::notify::message::{self, Form};
use packwatch::state::log::{PackEvent, Record};
use serde_json::{Value, json};

use super::samples::{cases, failure, here, no_recorder, notice};

static SCHEMA: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../../docs/notification.schema.json")).unwrap());
static NOTIFICATION: LazyLock<Validator> = LazyLock::new(|| jsonschema::validator_for(&SCHEMA).unwrap());
static EVENT: LazyLock<Validator> = LazyLock::new(|| {
    let mut schema = SCHEMA.clone();
    schema["$ref"] = json!("#/$defs/event");
    jsonschema::validator_for(&schema).unwrap()
});

/// Fails unless the document is what the schema says a digest is.
pub(crate) fn assert_notification(document: &Value) {
    assert_valid(&NOTIFICATION, document);
}

/// Fails unless the document is what the schema says an event is.
pub(crate) fn assert_event(document: &Value) {
    assert_valid(&EVENT, document);
}

fn assert_valid(schema: &Validator, document: &Value) {
    let errors: Vec<String> =
        schema.iter_errors(document).map(|e| format!("{e} at {}", e.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}\n{document:#}");
}

#[test]
fn every_case_is_what_the_schema_says() {
    for (_, notification) in cases() {
        for form in Form::ALL {
            assert_notification(&json!(message::alert(&notification, form).notification));
        }
    }
    assert_notification(&serde_json::from_str(include_str!("../../../events/notification.json")).unwrap());
    for record in records() {
        for form in Form::ALL {
            assert_event(&event(&record, form));
        }
    }
}

fn records() -> [Record; 3] {
    let account = Record::Account(failure(1, no_recorder("2026-11-18T09:12:44Z")));
    [account, notice(PackEvent::Baseline, 250), notice(PackEvent::PackDeleted, 250)]
}

fn event(record: &Record, form: Form) -> Value {
    serde_json::from_str(&message::event(&here("Pack"), "history_id", record, form).message).unwrap()
}

#[test]
fn the_schema_refuses_what_is_wrong() {
    let (_, mut notification) = cases().remove(0);
    notification.packs[0].transitions[0].earlier = vec![Kind::Failed];
    assert_notification(&json!(notification));
    for (pointer, wrong) in [
        ("/Version", json!("2")),
        ("/Severity", json!("bad")),
        ("/Packs/0/Transitions/0/AccountId", json!("12")),
        ("/Packs/0/Transitions/0/Kind", json!("Exploded")),
        ("/Packs/0/Transitions/0/Earlier", json!(["Baseline"])),
        ("/Packs/0/Type", json!("Failed")),
    ] {
        let mut document = json!(notification);
        *document.pointer_mut(pointer).unwrap() = wrong;
        assert!(!NOTIFICATION.is_valid(&document), "{pointer}");
    }
    let [account, baseline, _] = records().map(|record| event(&record, Form::Whole));
    for (event, missing) in [(&account, "AccountId"), (&account, "Sequence"), (&baseline, "Accounts")] {
        let mut event = event.clone();
        event.as_object_mut().unwrap().remove(missing).unwrap();
        assert!(!EVENT.is_valid(&event), "{missing}");
    }
}
