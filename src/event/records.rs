//! The records of an SQS queue. Each holds a request for one target, as [`crate::watch::fan_out`] sends them.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::error::{EventError, excerpt, quoted};
use super::request::request;
use crate::model::Target;
use crate::watch::request::Request;

/// One message of the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// `messageId`, by which Lambda is told that the message must come back.
    pub id: String,
    /// What it asks for, or what is wrong with it: that says nothing about its neighbours.
    pub target: Result<Target, EventError>,
    /// When it was sent.
    pub sent: Timestamp,
    /// How often it was received, this time included.
    pub received: u64,
}

/// As Lambda delivers them. Of all the fields these matter.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Delivered {
    message_id: String,
    body: String,
    attributes: Attributes,
}

/// SQS's attributes, which are strings.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attributes {
    sent_timestamp: String,
    approximate_receive_count: String,
}

pub(super) fn parse(event: &Value) -> Result<Vec<Record>, EventError> {
    let records = event.get("Records").and_then(Value::as_array);
    let records = records.ok_or_else(|| EventError::Unknown("the event's Records are no list".to_owned()))?;
    records.iter().enumerate().map(|(index, record)| read(index, record)).collect()
}

fn read(index: usize, record: &Value) -> Result<Record, EventError> {
    let wrong = |what: &str| EventError::Unknown(format!("Records[{index}] {}", quoted(what)));
    let source = record.get("eventSource").unwrap_or(&Value::Null);
    if source != "aws:sqs" {
        return Err(wrong(&format!("has the eventSource {}", excerpt(source))));
    }
    let delivered = Delivered::deserialize(record).map_err(|error| wrong(&format!("of SQS: {error}")))?;
    let sent =
        delivered.attributes.sent_timestamp.parse().ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    Ok(Record {
        target: target(&delivered.body),
        sent: sent.ok_or_else(|| wrong("of SQS has no SentTimestamp in milliseconds"))?,
        // What cannot be counted is not the first time.
        received: delivered.attributes.approximate_receive_count.parse().unwrap_or(u64::MAX),
        id: delivered.message_id,
    })
}

/// The target that a body names, and nothing else: nobody waits for the answer that the other fields are for.
fn target(body: &str) -> Result<Target, EventError> {
    let value: Value = serde_json::from_str(body).map_err(|error| {
        EventError::Request(format!("it is not JSON ({error}): {}", excerpt(&body.into())))
    })?;
    let Request { mut packs, region, filters, pagination, dry_run, .. } = request(&value)?;
    let only = "a queued request names an OrganizationConformancePackName and its Region, and nothing else";
    match (packs.pop(), region) {
        (Some(pack), Some(region)) if filters.is_empty() && pagination == Default::default() && !dry_run => {
            Ok(Target { region, pack })
        }
        _ => Err(EventError::Request(format!("{only}: {}", excerpt(&value)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(body: &str) -> Value {
        json!({"Records": [{"messageId": "m-1", "eventSource": "aws:sqs", "body": body,
            "attributes": {"SentTimestamp": "1795000000000", "ApproximateReceiveCount": "2"}}]})
    }

    #[test]
    fn a_record_is_one_target() {
        let records =
            parse(&event(r#"{"OrganizationConformancePackName": "P", "Region": "eu-west-1"}"#)).unwrap();
        let wanted = Record {
            id: "m-1".to_owned(),
            target: Ok(Target { region: "eu-west-1".parse().unwrap(), pack: "P".parse().unwrap() }),
            sent: Timestamp::from_second(1_795_000_000).unwrap(),
            received: 2,
        };
        assert_eq!(records, [wanted]);
    }

    #[test]
    fn what_is_wrong_with_one_body_is_quoted_and_spares_the_others() {
        for (body, quoted) in [
            ("look!", "look!"),
            (r#"{"Pack": "P"}"#, "`Pack`"),
            (r#"{"OrganizationConformancePackName": "P"}"#, "its Region"),
            (r#"{"Region": "eu-west-1"}"#, "its Region"),
            (
                r#"{"OrganizationConformancePackName": "P", "Region": "eu-west-1", "DryRun": true}"#,
                "nothing else",
            ),
            (
                r#"{"OrganizationConformancePackName": "P", "Region": "eu-west-1", "Filters": {"Status": "CREATE_FAILED"}}"#,
                "nothing else",
            ),
        ] {
            let records = parse(&event(body)).unwrap();
            let error = records[0].target.clone().unwrap_err().to_string();
            assert!(error.contains(quoted), "{error}");
        }
    }

    #[test]
    fn records_of_another_service_are_refused_by_number() {
        let error = parse(&json!({"Records": [{"eventSource": "aws:s3"}]})).unwrap_err().to_string();
        assert!(error.contains("Records[0]") && error.contains("aws:s3"), "{error}");
        let mut event = event("{}");
        event["Records"][0]["attributes"]["SentTimestamp"] = json!("yesterday");
        assert!(parse(&event).unwrap_err().to_string().contains("SentTimestamp"));
    }
}
