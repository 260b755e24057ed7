//! A request, as a person or a program writes it.

use serde::Deserialize;
use serde_json::Value;

use super::error::{EventError, quoted};
use crate::model::text::plain;
use crate::model::{AccountId, PackName, Region, Status};
use crate::ports::Filters;
use crate::watch::request::Request;
use crate::watch::scan::paginate::PaginationConfig;

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

pub(super) fn request(event: &Value) -> Result<Request, EventError> {
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
        filters,
        pagination,
        dry_run: event.dry_run,
        ..Request::default()
    })
}
