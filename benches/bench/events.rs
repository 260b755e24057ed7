//! What the functions are invoked with.

use serde_json::{Value, json};

/// The schedule's event.
pub(crate) fn scheduled_run() -> Value {
    json!({"source": "aws.events", "detail-type": "Scheduled Event"})
}

/// What a person sends who wants to see everything.
pub(crate) fn asked() -> Value {
    json!({})
}
