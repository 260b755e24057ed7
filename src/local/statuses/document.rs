//! What a recording may look like: the AWS CLI's document, or its rows alone (`--query`).

use jiff::{SignedDuration, Timestamp, Unit};
use serde::de::{Error, Unexpected};
use serde::{Deserialize, Deserializer};

use crate::model::text::{bounded, plain};
use crate::model::{AccountId, DetailedStatus, Status};

/// Longest description of what is wrong, in bytes: it quotes the document.
const LONGEST_ERROR: usize = 600;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    #[serde(rename = "OrganizationConformancePackDetailedStatuses")]
    rows: Vec<Row>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Row {
    account_id: AccountId,
    conformance_pack_name: String,
    status: Status,
    error_code: Option<String>,
    error_message: Option<String>,
    #[serde(default, deserialize_with = "time")]
    last_update_time: Option<Timestamp>,
}

/// The rows of a recording, in its order.
pub(super) fn rows(text: &str) -> Result<Vec<DetailedStatus>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("it is empty".to_owned());
    }
    let document = match text.starts_with('[') {
        true => serde_json::from_str(text).map(|rows| Document { rows, next_token: None }),
        false => serde_json::from_str(text),
    };
    let Document { rows, next_token } = document.map_err(|error| explain(text, &error))?;
    if next_token.is_some_and(|token| !token.is_empty()) {
        return Err(
            "it has a NextToken, so it is only a part. --no-paginate and --max-items cut so".to_owned()
        );
    }
    Ok(rows.into_iter().map(Row::status).collect())
}

impl Row {
    fn status(self) -> DetailedStatus {
        DetailedStatus {
            account: self.account_id,
            conformance_pack_name: self.conformance_pack_name,
            status: self.status,
            error_code: self.error_code,
            error_message: self.error_message,
            last_update: self.last_update_time,
        }
    }
}

/// What a text is that cannot be read: another --output, a page, what the AWS CLI says when it fails.
fn explain(text: &str, error: &serde_json::Error) -> String {
    let first_line = text.lines().next().unwrap_or_default();
    let error = match text.starts_with(['{', '[']) {
        true => error.to_string(),
        false => format!("it is not the JSON that was expected, but begins with {first_line}"),
    };
    bounded(plain(&error), LONGEST_ERROR)
}

/// A time as version 2 of the AWS CLI writes it, or as version 1 does: in seconds since 1970.
#[derive(Deserialize)]
#[serde(untagged)]
enum Time {
    Seconds(f64),
    Text(String),
}

/// A time that no status can have is none, as where AWS Config itself is read.
fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    match Option::deserialize(deserializer)? {
        None => Ok(None),
        Some(Time::Seconds(seconds)) => {
            let since_1970 = SignedDuration::try_from_secs_f64(seconds).ok();
            let time = since_1970.and_then(|duration| Timestamp::from_duration(duration).ok());
            Ok(time.and_then(|time| time.round(Unit::Millisecond).ok()))
        }
        Some(Time::Text(text)) => match text.parse() {
            Ok(time) => Ok(Some(time)),
            // The last days that Python has are none that a Timestamp has.
            Err(_) if text.starts_with("9999-12-3") => Ok(None),
            Err(_) => {
                let wanted = "a time with its zone, such as 2026-11-18T09:12:44.123000+00:00";
                Err(D::Error::invalid_value(Unexpected::Str(&text), &wanted))
            }
        },
    }
}
