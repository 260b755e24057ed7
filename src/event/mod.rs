//! The events that the function takes: each says look now, and at what.

mod records;
pub mod reply;

use serde::Deserialize;
use serde_json::Value;

use crate::model::text::{bounded, plain};
use crate::model::{AccountId, PackName, Region, Status};
use crate::ports::Filters;
use crate::watch::paginate::{PaginationConfig, PaginationError};
use crate::watch::request::Request;
pub use records::Record;

/// Longest error about a request, in bytes.
const LONGEST_ERROR: usize = 1000;

/// What the function is asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// The schedule's: look at everything.
    Tick,
    /// Look at what a person, a program or AWS CloudTrail names, and answer.
    Request(Request),
    /// Look at the targets that waited in the queue.
    Records(Vec<Record>),
}

/// Why an event was not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// Neither a request nor an event that packwatch knows.
    #[error(
        "{0}. packwatch takes a scheduled event, AWS CloudTrail's PutOrganizationConformancePack and DeleteOrganizationConformancePack, records of an SQS queue, or a request such as {{}} or {{\"OrganizationConformancePackName\": \"…\"}}"
    )]
    Unknown(String),
    /// A request with something wrong in it.
    #[error("the request is not valid: {0}")]
    Request(String),
    /// A request with an impossible pagination.
    #[error("the request is not valid: {0}")]
    Pagination(#[from] PaginationError),
}

/// Understands an event.
pub fn parse(event: &Value) -> Result<Trigger, EventError> {
    let Some(fields) = event.as_object() else {
        return Err(EventError::Unknown(format!("the event is not a JSON object: {}", excerpt(event))));
    };
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    match (text("source"), text("detail-type")) {
        // The Scheduler's `detail` is the string "{}", the rule's an object: neither says anything.
        (Some("aws.events" | "aws.scheduler"), Some("Scheduled Event")) => Ok(Trigger::Tick),
        (Some("aws.config"), Some("AWS API Call via CloudTrail")) => cloudtrail(event).map(Trigger::Request),
        (None, None) if fields.contains_key("Records") => records::parse(event).map(Trigger::Records),
        (None, None) if !fields.contains_key("source") && !fields.contains_key("detail-type") => {
            request(event).map(Trigger::Request)
        }
        _ => Err(EventError::Unknown(format!(
            "the event's source is {} and its detail-type {}",
            excerpt(event.get("source").unwrap_or(&Value::Null)),
            excerpt(event.get("detail-type").unwrap_or(&Value::Null)),
        ))),
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

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct RequestEvent {
    organization_conformance_pack_name: Option<PackName>,
    region: Option<Region>,
    filters: Option<FiltersEvent>,
    pagination_config: Option<PaginationConfigEvent>,
    #[serde(default)]
    dry_run: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct FiltersEvent {
    account_id: Option<AccountId>,
    status: Option<Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct PaginationConfigEvent {
    max_items: Option<u64>,
    page_size: Option<u64>,
    starting_token: Option<String>,
}

fn request(event: &Value) -> Result<Request, EventError> {
    let invalid = |error: serde_json::Error| EventError::Request(quoted(&error.to_string()));
    let event = RequestEvent::deserialize(event).map_err(invalid)?;
    let filters = event
        .filters
        .map(|filters| Filters { account: filters.account_id, status: filters.status })
        .unwrap_or_default();
    if let Some(status) = filters.status.as_ref().filter(|s| !Status::DOCUMENTED.contains(&s.as_str())) {
        let known = Status::DOCUMENTED.join(", ");
        return Err(EventError::Request(format!(
            "Filters.Status {:?} is not one of {known}",
            plain(status.as_str())
        )));
    }
    let pagination = match event.pagination_config {
        None => PaginationConfig::default(),
        Some(config) => PaginationConfig {
            max_items: config.max_items,
            page_size: config.page_size.map(PaginationConfig::page_size).transpose()?,
            starting_token: config.starting_token,
        },
    };
    let pack = event.organization_conformance_pack_name;
    if pack.is_none() && pagination.is_cut() {
        let why = "PaginationConfig's MaxItems and StartingToken need an OrganizationConformancePackName";
        return Err(EventError::Request(why.to_owned()));
    }
    Ok(Request {
        packs: pack.into_iter().collect(),
        region: event.region,
        targets: None,
        filters,
        pagination,
        dry_run: event.dry_run,
        tentative: false,
    })
}

/// An error that quotes what was wrong, which may be long, and which a terminal or a log would act on.
fn quoted(error: &str) -> String {
    bounded(plain(error), LONGEST_ERROR)
}

/// As much of a value as a person needs to know it again.
fn excerpt(value: &Value) -> String {
    bounded(plain(&value.to_string()), 200)
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
    fn both_schedules_mean_look_at_everything() {
        for (source, detail) in [("aws.events", json!({})), ("aws.scheduler", json!("{}"))] {
            let event = json!({"version": "0", "source": source, "detail-type": "Scheduled Event",
                "region": "eu-west-1", "resources": [], "detail": detail});
            assert_eq!(parse(&event), Ok(Trigger::Tick));
        }
        assert_eq!(parse(&json!({})), Ok(Trigger::Request(Request::default())));
    }

    #[test]
    fn cloudtrail_names_the_pack_and_the_region() {
        let event = json!({"source": "aws.config", "detail-type": "AWS API Call via CloudTrail", "detail": {
            "eventName": "PutOrganizationConformancePack", "awsRegion": "us-east-1",
            "requestParameters": {"organizationConformancePackName": "Security-Baseline"}}});
        let request = asked(&event);
        assert_eq!(request.packs[0].as_str(), "Security-Baseline");
        assert_eq!(request.region.unwrap().as_str(), "us-east-1");
        assert!(request.tentative);
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
        assert!(error(json!({"Filter": {}})).contains("`Filter`"));
        assert!(error(json!({"Filters": {"Account": "1"}})).contains("`Account`"));
        assert!(error(json!({"OrganizationConformancePackName": "9-lives"})).contains("9-lives"));
        assert!(error(json!({"Filters": {"AccountId": "12"}})).contains("12 digits"));
        assert!(error(json!({"Filters": {"Status": "BROKEN"}})).contains("BROKEN"));
        assert!(error(json!({"DryRun": "yes"})).contains("yes"));
        assert!(error(json!({"PaginationConfig": {"PageSize": 0}})).contains("from 1 to 100"));
        assert!(
            error(json!({"PaginationConfig": {"MaxItems": 1}})).contains("OrganizationConformancePackName")
        );
        assert!(error(json!([1])).contains("[1]"));
        assert!(error(json!({"source": "aws.s3", "detail-type": "x"})).contains("aws.s3"));
        let other = json!({"source": "aws.config", "detail-type": "AWS API Call via CloudTrail",
            "detail": {"eventName": "PutConfigRule"}});
        assert!(error(other).contains("PutConfigRule"));
    }
}
