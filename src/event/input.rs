//! What a person or a program writes itself: a request.

use serde::Deserialize;
use serde_json::Value;

use super::EventError;
use crate::model::text::{bounded, plain};
use crate::model::{PackName, Region, Status};
use crate::ports::Filters;
use crate::watch::request::Request;
use crate::watch::scan::paginate::PaginationConfig;

/// Longest error, in bytes: it quotes what was wrong, which may be long, and which a terminal or a log would act on.
const LONGEST_ERROR: usize = 1000;

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

pub(super) fn request(event: &Value) -> Result<Request, EventError> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

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
