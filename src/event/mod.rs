//! The events that the function takes: each says scan now, and what.

mod input;

use serde_json::Value;

use crate::model::text::{bounded, plain};
use crate::watch::request::Request;

/// Why an event was not understood, in words that no terminal or log acts on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// Neither a request nor an event that packwatch knows.
    #[error(
        "{0}. packwatch takes a scheduled event, AWS CloudTrail's events of packs and of accounts that join or leave, or a request such as {{}} or {{\"OrganizationConformancePackName\": \"…\"}}"
    )]
    Unknown(String),
    /// A request with something wrong in it.
    #[error("the request is not valid: {0}")]
    Request(String),
}

/// What only a request has.
const OURS: [&str; 5] =
    ["DryRun", "Filters", "OrganizationConformancePackName", "PaginationConfig", "Region"];

/// Understands an event: what is to be scanned, and who asks.
pub fn parse(event: &Value) -> Result<Request, EventError> {
    let Some(fields) = event.as_object() else {
        return Err(EventError::Unknown(format!("the event is not a JSON object: {}", excerpt(event))));
    };
    let has = |name: &str| fields.contains_key(name);
    if !has("source") && !has("detail-type") {
        return input::request(event);
    }
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let shown = |name: &str| excerpt(fields.get(name).unwrap_or(&Value::Null));
    // Who adds `DryRun` to an event of AWS's own expects that nothing is sent. What AWS adds to it one day is AWS's.
    if let Some(name) = OURS.into_iter().find(|name| has(name)) {
        return Err(EventError::Request(format!(
            "{name} has no meaning in an event of {}. Send it without the event's fields, as in {{\"DryRun\": true}}",
            shown("source"),
        )));
    }
    match (text("source"), text("detail-type")) {
        // The Scheduler's `detail` is the string "{}", the rule's an object: neither says anything.
        (Some("aws.events" | "aws.scheduler"), Some("Scheduled Event")) => {
            Ok(Request { scheduled: true, ..Request::default() })
        }
        (
            Some("aws.config" | "aws.organizations"),
            Some("AWS API Call via CloudTrail" | "AWS Service Event via CloudTrail"),
        ) => cloudtrail(event),
        _ => Err(EventError::Unknown(format!(
            "the event's source is {} and its detail-type {}",
            shown("source"),
            shown("detail-type")
        ))),
    }
}

fn cloudtrail(event: &Value) -> Result<Request, EventError> {
    let at = |pointer: &str| event.pointer(pointer).unwrap_or(&Value::Null);
    let unknown = |what: &str, value: &Value| {
        EventError::Unknown(format!("the AWS CloudTrail event's {what} is {}", excerpt(value)))
    };
    let name = at("/detail/eventName");
    match name.as_str() {
        // No pack is named, so everything is scanned.
        Some("AccountJoinedOrganization" | "AccountDepartedOrganization") => {
            return Ok(Request { scheduled: true, ..Request::default() });
        }
        Some("PutOrganizationConformancePack" | "DeleteOrganizationConformancePack") => {}
        _ => return Err(unknown("eventName", name)),
    }
    let pack = at("/detail/requestParameters/organizationConformancePackName");
    let parsed = pack.as_str().and_then(|text| text.parse().ok());
    let pack = parsed.ok_or_else(|| unknown("requestParameters.organizationConformancePackName", pack))?;
    let region = at("/detail/awsRegion");
    let parsed = region.as_str().and_then(|text| text.parse().ok());
    let region = parsed.ok_or_else(|| unknown("awsRegion", region))?;
    Ok(Request { packs: vec![pack], region: Some(region), tentative: true, ..Request::default() })
}

/// As much of a value as a person needs to know it again.
fn excerpt(value: &Value) -> String {
    bounded(plain(&value.to_string()), 200)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of_cloudtrail(source: &str, name: &str, region: &str) -> Value {
        json!({"source": source, "detail-type": "AWS API Call via CloudTrail", "detail": {
            "eventName": name, "awsRegion": region, "requestParameters": {"organizationConformancePackName": "P"}}})
    }

    #[test]
    fn what_only_a_request_has_is_refused_in_an_event() {
        // What AWS adds is AWS's.
        let scheduled = json!({"source": "aws.scheduler", "detail-type": "Scheduled Event", "detail": "{}",
            "replay-name": "again", "Replayed": true});
        let everything = Request { scheduled: true, ..Request::default() };
        let (packs, region) = (vec!["P".parse().unwrap()], Some("us-east-1".parse().unwrap()));
        let pack = Request { packs, region, tentative: true, ..Request::default() };
        for (event, wanted) in [
            (scheduled, &everything),
            (of_cloudtrail("aws.organizations", "AccountJoinedOrganization", "us-east-1"), &everything),
            (of_cloudtrail("aws.organizations", "AccountDepartedOrganization", "us-east-1"), &everything),
            (of_cloudtrail("aws.config", "PutOrganizationConformancePack", "us-east-1"), &pack),
            (of_cloudtrail("aws.config", "DeleteOrganizationConformancePack", "us-east-1"), &pack),
        ] {
            assert_eq!(parse(&event).as_ref(), Ok(wanted));
            for name in OURS {
                let mut extended = event.clone();
                extended[name] = json!(true);
                let error = parse(&extended).unwrap_err().to_string();
                assert!(error.contains(&format!("{name} has no meaning")), "{error}");
                assert!(error.contains("{\"DryRun\": true}"), "{error}");
            }
        }
    }

    #[test]
    fn what_is_unknown_is_quoted() {
        for (event, quoted) in [
            (json!([1]), "[1]"),
            (of_cloudtrail("aws.config", "PutConfigRule", "us-east-1"), "eventName is \"PutConfigRule\""),
            (
                of_cloudtrail("aws.config", "PutOrganizationConformancePack", "Frankfurt"),
                "awsRegion is \"Frankfurt\"",
            ),
        ] {
            let error = parse(&event).unwrap_err().to_string();
            assert!(error.contains(quoted), "{error}");
        }
    }
}
