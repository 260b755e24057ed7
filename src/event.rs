//! The events that the function takes: each says scan now, and what.

use serde::Deserialize;
use serde_json::Value;

use crate::model::text::{bounded, plain};
use crate::model::{PackName, Region, Status};
use crate::ports::Filters;
use crate::watch::request::Request;
use crate::watch::scan::paginate::PaginationConfig;

/// Longest error, in bytes: it quotes what was wrong, which may be long, and which a terminal or a log would act on.
const LONGEST_ERROR: usize = 1000;

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
        return request(event);
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

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct RequestEvent {
    organization_conformance_pack_name: Option<PackName>,
    region: Option<Region>,
    filters: Option<Filters>,
    pagination_config: Option<PaginationConfig>,
    #[serde(default)]
    dry_run: bool,
}

/// What a person or a program writes itself.
fn request(event: &Value) -> Result<Request, EventError> {
    let invalid = |error: String| EventError::Request(bounded(plain(&error), LONGEST_ERROR));
    let event = RequestEvent::deserialize(event).map_err(|error| invalid(error.to_string()))?;
    let pack = event.organization_conformance_pack_name;
    let filters = event.filters.unwrap_or_default();
    if let Some(status) = filters.status.as_ref().filter(|s| !Status::DOCUMENTED.contains(&s.as_str())) {
        let known = Status::DOCUMENTED.join(", ");
        return Err(invalid(format!("Filters.Status {:?} is not one of {known}", plain(status.as_str()))));
    }
    let pagination = event.pagination_config.unwrap_or_default();
    if pack.is_none() && pagination.is_cut() {
        let why = "PaginationConfig's MaxItems and StartingToken need an OrganizationConformancePackName";
        return Err(invalid(why.to_owned()));
    }
    Ok(Request {
        packs: pack.into_iter().collect(),
        region: event.region,
        filters,
        pagination,
        dry_run: event.dry_run,
        ..Request::default()
    })
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

    #[test]
    fn a_request_is_taken_whole() {
        let asked = |event| request(&event).unwrap();
        let whole = asked(json!({"OrganizationConformancePackName": "P", "Region": "eu-west-1",
            "Filters": {"AccountId": "111122223333", "Status": "CREATE_FAILED"},
            "PaginationConfig": {"MaxItems": 1, "PageSize": 100, "StartingToken": "t"}, "DryRun": true}));
        assert!(whole.is_partial() && whole.dry_run);
        assert_eq!(whole.pagination.page_size, Some(100));
        let page_size_only = asked(json!({"PaginationConfig": {"PageSize": 5}}));
        assert!(!page_size_only.is_partial());
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (event, named) in [
            (json!({"Filters": {"Account": "1"}}), "`Account`"),
            (json!({"Filters": {"AccountId": "12"}}), "12 digits"),
            (json!({"Filters": {"Status": "BROKEN"}}), "BROKEN"),
            (json!({"PaginationConfig": {"PageSize": 0}}), "from 1 to 100"),
            (json!({"PaginationConfig": {"MaxItems": 1}}), "OrganizationConformancePackName"),
        ] {
            let error = request(&event).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }
}
