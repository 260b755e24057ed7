//! The events that the function takes: each says scan now, and what.

mod error;
mod part;
mod request;

use serde_json::Value;

use crate::watch::request::{Part, Request};
pub use error::EventError;
use error::excerpt;
use part::part;
use request::request;

/// What the function is asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// A schedule's: scan its part, which is everything unless it says otherwise.
    Scheduled(Part),
    /// Scan what a person, a program or AWS CloudTrail names, and answer.
    Request(Request),
}

/// Understands an event.
pub fn parse(event: &Value) -> Result<Trigger, EventError> {
    let Some(fields) = event.as_object() else {
        return Err(EventError::Unknown(format!("the event is not a JSON object: {}", excerpt(event))));
    };
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    if fields.contains_key("source") {
        refuse_ours(event)?;
    }
    match (text("source"), text("detail-type")) {
        // The Scheduler's `detail` is the string "{}", the rule's an object: neither says anything.
        (Some("aws.events" | "aws.scheduler"), Some("Scheduled Event")) => {
            Ok(Trigger::Scheduled(Part::default()))
        }
        (Some("aws.config"), Some("AWS API Call via CloudTrail")) => cloudtrail(event).map(Trigger::Request),
        (
            Some("aws.organizations"),
            Some("AWS Service Event via CloudTrail" | "AWS API Call via CloudTrail"),
        ) => account_changed(event),
        (None, None) if !fields.contains_key("source") && !fields.contains_key("detail-type") => {
            // A schedule with an input of its own sends that, and nothing else.
            match ["Regions", "Packs"].iter().any(|name| fields.contains_key(*name)) {
                true => part(event).map(Trigger::Scheduled),
                false => request(event).map(Trigger::Request),
            }
        }
        _ => Err(EventError::Unknown(format!(
            "the event's source is {} and its detail-type {}",
            excerpt(event.get("source").unwrap_or(&Value::Null)),
            excerpt(event.get("detail-type").unwrap_or(&Value::Null)),
        ))),
    }
}

/// What only a request or a schedule's part has.
const OURS: [&str; 7] = [
    "DryRun",
    "Filters",
    "OrganizationConformancePackName",
    "Packs",
    "PaginationConfig",
    "Region",
    "Regions",
];

/// Refuses what AWS's own events do not have: who adds `DryRun` to one expects that nothing is sent.
fn refuse_ours(event: &Value) -> Result<(), EventError> {
    match OURS.iter().find(|name| event.get(**name).is_some()) {
        Some(name) => Err(EventError::Request(format!(
            "{name} has no meaning in an event of {}. Send it without the event's fields, as in {{\"DryRun\": true}}",
            excerpt(event.get("source").unwrap_or(&Value::Null)),
        ))),
        None => Ok(()),
    }
}

/// An account joined or left: no pack is named, so everything is scanned.
fn account_changed(event: &Value) -> Result<Trigger, EventError> {
    let name = event.pointer("/detail/eventName").unwrap_or(&Value::Null);
    match name.as_str() {
        Some("AccountJoinedOrganization" | "AccountDepartedOrganization") => {
            Ok(Trigger::Scheduled(Part::default()))
        }
        _ => Err(EventError::Unknown(format!("the AWS CloudTrail event's eventName is {}", excerpt(name)))),
    }
}

fn cloudtrail(event: &Value) -> Result<Request, EventError> {
    let at = |pointer: &str| event.pointer(pointer).unwrap_or(&Value::Null);
    let unknown = |what: &str, value: &Value| {
        EventError::Unknown(format!("the AWS CloudTrail event's {what} is {}", excerpt(value)))
    };
    let name = at("/detail/eventName");
    if !matches!(name.as_str(), Some("PutOrganizationConformancePack" | "DeleteOrganizationConformancePack"))
    {
        return Err(unknown("eventName", name));
    }
    let pack = at("/detail/requestParameters/organizationConformancePackName");
    let parsed = pack.as_str().and_then(|text| text.parse().ok());
    let pack = parsed.ok_or_else(|| unknown("requestParameters.organizationConformancePackName", pack))?;
    let region = at("/detail/awsRegion");
    let parsed = region.as_str().and_then(|text| text.parse().ok());
    let region = parsed.ok_or_else(|| unknown("awsRegion", region))?;
    Ok(Request { packs: vec![pack], region: Some(region), tentative: true, ..Request::default() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn asked(event: &Value) -> Request {
        match parse(event) {
            Ok(Trigger::Request(request)) => request,
            other => panic!("{other:?}"),
        }
    }

    fn error(event: Value) -> String {
        parse(&event).unwrap_err().to_string()
    }

    #[test]
    fn what_only_a_request_has_is_refused_in_an_event() {
        let scheduled = json!({"source": "aws.scheduler", "detail-type": "Scheduled Event", "detail": "{}"});
        let joined = json!({"source": "aws.organizations", "detail-type": "AWS Service Event via CloudTrail",
            "detail": {"eventName": "AccountJoinedOrganization", "awsRegion": "us-east-1"}});
        let put = json!({"source": "aws.config", "detail-type": "AWS API Call via CloudTrail", "detail": {
            "eventName": "PutOrganizationConformancePack", "awsRegion": "us-east-1",
            "requestParameters": {"organizationConformancePackName": "P"}}});
        for event in [&scheduled, &joined, &put] {
            assert!(parse(event).is_ok());
            for (name, value) in
                [("DryRun", json!(true)), ("Packs", json!(["*"])), ("Region", json!("eu-west-1"))]
            {
                let mut extended = event.clone();
                extended[name] = value;
                let error = error(extended);
                assert!(
                    error.contains(&format!("{name} has no meaning")) && error.contains("{\"DryRun\": true}"),
                    "{error}"
                );
            }
        }
        let mut replayed = scheduled;
        replayed["replay-name"] = json!("again");
        assert!(parse(&replayed).is_ok(), "what AWS adds is AWS's");
    }

    #[test]
    fn an_account_that_joins_or_leaves_means_scan_everything() {
        let of = |name: &str| {
            json!({"source": "aws.organizations", "detail-type": "AWS Service Event via CloudTrail",
                "detail": {"eventName": name, "awsRegion": "us-east-1"}})
        };
        for name in ["AccountJoinedOrganization", "AccountDepartedOrganization"] {
            assert_eq!(parse(&of(name)), Ok(Trigger::Scheduled(Part::default())));
        }
        assert!(error(of("CreateAccountResult")).contains("eventName is \"CreateAccountResult\""));
    }

    #[test]
    fn a_request_is_taken_whole() {
        let request = asked(&json!({"OrganizationConformancePackName": "P", "Region": "eu-west-1",
            "Filters": {"AccountId": "111122223333", "Status": "CREATE_FAILED"},
            "PaginationConfig": {"MaxItems": 1, "PageSize": 100, "StartingToken": "t"}, "DryRun": true}));
        assert!(request.is_partial() && request.dry_run);
        assert_eq!(request.pagination.page_size, Some(100));
        let page_size_only = asked(&json!({"PaginationConfig": {"PageSize": 5}}));
        assert!(!page_size_only.is_partial());
    }

    #[test]
    fn what_is_wrong_is_quoted() {
        assert!(error(json!({"Filters": {"Account": "1"}})).contains("`Account`"));
        assert!(error(json!({"Filters": {"AccountId": "12"}})).contains("12 digits"));
        assert!(error(json!({"Filters": {"Status": "BROKEN"}})).contains("BROKEN"));
        assert!(error(json!({"PaginationConfig": {"PageSize": 0}})).contains("from 1 to 100"));
        assert!(
            error(json!({"PaginationConfig": {"MaxItems": 1}})).contains("OrganizationConformancePackName")
        );
        assert!(error(json!([1])).contains("[1]"));
        let other = json!({"source": "aws.config", "detail-type": "AWS API Call via CloudTrail",
            "detail": {"eventName": "PutConfigRule"}});
        assert!(error(other).contains("PutConfigRule"));
    }
}
