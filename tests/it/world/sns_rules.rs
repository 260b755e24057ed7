//! The rules that SNS enforces before it accepts a message, with its own errors.
//!
//! Sources: the API reference of Publish and PublishBatch, the developer guide on message attributes, and answers of
//! the real service that public emulators recorded. One bad entry refuses a whole batch; the partial failures that a
//! batch can have come from inside SNS (see `SnsFault::FailEntries`).

use super::ServiceError;
use super::sns_form::{Draft, DraftAttribute};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use std::collections::HashSet;

/// For body and attributes together, of a message and of a batch.
pub const MAX_BYTES: usize = 262_144;
const MAX_ENTRIES: usize = 10;
const MAX_SUBJECT: usize = 100;

/// Checks the message of a `Publish` to `topic_arn`.
pub fn check(draft: &Draft, topic_arn: &str) -> Result<(), ServiceError> {
    check_content(draft, topic_arn)?;
    if size(draft) > MAX_BYTES {
        return Err(parameter("Message too long"));
    }
    Ok(())
}

/// Checks the entries of a `PublishBatch` to `topic_arn`.
pub fn check_batch(drafts: &[Draft], topic_arn: &str) -> Result<(), ServiceError> {
    if drafts.is_empty() {
        return Err(batch("EmptyBatchRequest", "The batch request doesn't contain any entries."));
    }
    if drafts.len() > MAX_ENTRIES {
        let message = "The batch request contains more entries than permissible.";
        return Err(batch("TooManyEntriesInBatchRequest", message));
    }
    let mut seen = HashSet::new();
    for id in drafts.iter().map(|d| d.batch_entry_id.as_deref().unwrap_or_default()) {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if id.is_empty() || id.len() > 80 || !id.chars().all(fits) {
            let message = "The Id of a batch entry in a batch request doesn't abide by the specification.";
            return Err(batch("InvalidBatchEntryId", message));
        }
        if !seen.insert(id) {
            let message = "Two or more batch entries in the request have the same Id.";
            return Err(batch("BatchEntryIdsNotDistinct", message));
        }
    }
    drafts.iter().try_for_each(|draft| check_content(draft, topic_arn))?;
    if drafts.iter().map(size).sum::<usize>() > MAX_BYTES {
        let message = "The length of all the messages put together is more than the limit.";
        return Err(batch("BatchRequestTooLong", message));
    }
    Ok(())
}

/// The bytes that count: the body, and name, type and value of each attribute.
pub fn size(draft: &Draft) -> usize {
    let attribute = |(name, a): &(String, DraftAttribute)| {
        let data_type = a.data_type.as_deref().unwrap_or_default();
        let value = if data_type.starts_with("Binary") {
            STANDARD.decode(a.value()).map_or(0, |bytes| bytes.len())
        } else {
            a.value().len()
        };
        name.len() + data_type.len() + value
    };
    draft.message.len() + draft.attributes.iter().map(attribute).sum::<usize>()
}

fn check_content(draft: &Draft, topic_arn: &str) -> Result<(), ServiceError> {
    if draft.message.is_empty() {
        return Err(parameter("Empty message"));
    }
    if topic_arn.ends_with(".fifo") && draft.message_group_id.is_none() {
        return Err(parameter("The MessageGroupId parameter is required for FIFO topics"));
    }
    draft.subject.as_deref().map_or(Ok(()), check_subject)?;
    check_structure(draft)?;
    let mut names = HashSet::new();
    for (name, attribute) in &draft.attributes {
        check_name(name)?;
        if !names.insert(name) {
            return Err(value(format!("Message (user) attribute name [{name}] already exists.")));
        }
        check_attribute(name, attribute)?;
    }
    Ok(())
}

/// ASCII, though a younger edition of the reference says UTF-8: the topic's e-mails must work by either.
fn check_subject(subject: &str) -> Result<(), ServiceError> {
    let printable = subject.chars().all(|c| c == ' ' || c.is_ascii_graphic());
    if printable && subject.len() <= MAX_SUBJECT && subject.starts_with(|c: char| c.is_ascii_graphic()) {
        return Ok(());
    }
    Err(parameter("Subject"))
}

fn check_structure(draft: &Draft) -> Result<(), ServiceError> {
    match draft.message_structure.as_deref() {
        None => Ok(()),
        Some("json") => {
            let bodies: Map<String, Value> = serde_json::from_str(&draft.message)
                .map_err(|_| parameter("Message Structure - JSON message body failed to parse"))?;
            // SNS ignores a key whose value is no string. Nobody means that, so here it is refused.
            if let Some((key, _)) = bodies.iter().find(|(key, value)| *key != "default" && !value.is_string())
            {
                return Err(parameter(&format!("Message Structure - the value of {key} is not a string")));
            }
            match bodies.get("default") {
                Some(Value::String(_)) => Ok(()),
                _ => Err(parameter("Message Structure - No default entry in JSON message body")),
            }
        }
        Some(_) => Err(parameter("Invalid message structure. Must be json")),
    }
}

fn check_name(name: &str) -> Result<(), ServiceError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let lower = name.to_ascii_lowercase();
    let fault = if name.is_empty() {
        "The request must contain non-empty message attribute names."
    } else if name.len() > 256 {
        "Length of message attribute name must be less than 256 bytes."
    } else if !name.chars().all(fits) {
        "Invalid non-alphanumeric character was found in the message attribute name. Can only include \
         alphanumeric characters, hyphens, underscores, or dots."
    } else if name.starts_with('.') || name.ends_with('.') || name.contains("..") {
        "Invalid message attribute name: dots can neither begin nor end it nor follow each other."
    } else if lower.starts_with("aws.") || lower.starts_with("amazon.") {
        "Invalid message attribute name: the prefixes AWS. and Amazon. are reserved."
    } else {
        return Ok(());
    };
    Err(value(fault))
}

fn check_attribute(name: &str, attribute: &DraftAttribute) -> Result<(), ServiceError> {
    let data_type = attribute.data_type.as_deref().unwrap_or_default();
    let (base, custom) = data_type.split_once('.').map_or((data_type, None), |(b, c)| (b, Some(c)));
    if !["String", "Number", "Binary"].contains(&base) || custom == Some("") {
        return Err(value(format!(
            "The message attribute '{name}' has an invalid message attribute type, the set of supported type \
             prefixes is Binary, Number, and String."
        )));
    }
    let (field, other) = match base {
        "Binary" => ("Binary", attribute.string_value.is_some()),
        _ => ("String", attribute.binary_value.is_some()),
    };
    if attribute.value().is_empty() {
        return Err(value(if other {
            format!("The message attribute '{name}' with type '{data_type}' must use field '{field}'.")
        } else {
            format!(
                "The message attribute '{name}' must contain non-empty message attribute value for message \
                 attribute type '{data_type}'."
            )
        }));
    }
    let valid = match (base, custom) {
        ("Number", _) => attribute.value().parse::<f64>().is_ok_and(f64::is_finite),
        ("Binary", _) => STANDARD.decode(attribute.value()).is_ok(),
        (_, Some("Array")) => is_array_of_scalars(attribute.value()),
        _ => true,
    };
    if valid {
        return Ok(());
    }
    Err(value(match base {
        "Number" => format!("Could not cast message attribute '{name}' value to number."),
        _ => format!("The message attribute '{name}' has an invalid value for type '{data_type}'."),
    }))
}

fn is_array_of_scalars(text: &str) -> bool {
    let values = serde_json::from_str::<Vec<Value>>(text);
    values.is_ok_and(|values| values.iter().all(|v| !v.is_array() && !v.is_object()))
}

fn parameter(reason: &str) -> ServiceError {
    ServiceError::new(400, "InvalidParameter", format!("Invalid parameter: {reason}"))
}

fn value(message: impl Into<String>) -> ServiceError {
    ServiceError::new(400, "ParameterValueInvalid", message)
}

fn batch(code: &str, message: &str) -> ServiceError {
    ServiceError::new(400, code, message)
}
