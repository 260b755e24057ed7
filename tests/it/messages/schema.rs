//! `docs/notification.schema.json`, against what is really sent.

use std::sync::LazyLock;

use jsonschema::Validator;
use packwatch::notify::message;
use serde_json::{Value, json};

use super::samples::{cases, failure, here, no_recorder};

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
        assert_notification(&json!(notification));
    }
    assert_notification(&serde_json::from_str(include_str!("../../../events/notification.json")).unwrap());
    let event = message::event(&here("Pack"), "born", &failure(1, no_recorder("2026-11-18T09:12:44Z")));
    assert_event(&serde_json::from_str(&event.message).unwrap());
}

#[test]
fn the_schema_refuses_what_is_wrong() {
    let (_, notification) = cases().remove(0);
    for (pointer, wrong) in [
        ("/Version", json!("2")),
        ("/Severity", json!("bad")),
        ("/Packs/0/Transitions/0/AccountId", json!("12")),
        ("/Packs/0/Transitions/0/Kind", json!("Exploded")),
        ("/Packs", json!([])),
    ] {
        let mut document = json!(notification);
        *document.pointer_mut(pointer).unwrap() = wrong;
        assert!(!NOTIFICATION.is_valid(&document), "{pointer}");
    }
}
