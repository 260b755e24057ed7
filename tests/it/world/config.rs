//! AWS Config's side of the wire: awsJson1.1, two operations, the service's own validation.

use super::config_rules::{check_filters, check_names, limit, no_such_pack, required};
use super::faults::{NextFault, TokenShape, throttling};
use super::filters::{FilterFaults, Filters};
use super::packs::{Pack, Row};
use super::token::Cursor;
use super::{ServiceError, State};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Bound;

/// What comes before the operation in `X-Amz-Target`.
pub const TARGET_PREFIX: &str = "StarlingDoveService.";

/// What stands in the way of this call, if anything; uses up what applies to one call only.
pub fn obstacle(state: &mut State, region: &str) -> Option<NextFault> {
    let faults = &mut state.faults;
    if let Some(fault) = faults.next.get_mut(region).and_then(|queue| queue.pop_front()) {
        return Some(fault);
    }
    if faults.buckets.get_mut(region).is_some_and(|bucket| !bucket.take(1)) {
        return Some(NextFault::Error(throttling()));
    }
    faults.refused.get(region).cloned().map(NextFault::Error)
}

/// Answers one call: the body of an HTTP 200, or the error.
pub fn respond(
    state: &mut State,
    region: &str,
    operation: &str,
    body: &[u8],
) -> Result<Vec<u8>, ServiceError> {
    match operation {
        "DescribeOrganizationConformancePacks" => describe_packs(state, region, &parse(body)?),
        "GetOrganizationConformancePackDetailedStatus" => detailed_status(state, region, &parse(body)?),
        _ => Err(ServiceError::new(400, "UnknownOperationException", "")),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DescribeRequest {
    organization_conformance_pack_names: Option<Vec<String>>,
    limit: Option<i64>,
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct DescribeResponse<'a> {
    organization_conformance_packs: Vec<PackView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PackView<'a> {
    organization_conformance_pack_name: &'a str,
    organization_conformance_pack_arn: &'a str,
    #[serde(skip_serializing_if = "Option::is_none", rename = "DeliveryS3Bucket")]
    delivery_s3_bucket: Option<&'a str>,
    conformance_pack_input_parameters: [(); 0],
    excluded_accounts: &'a [String],
    last_update_time: f64,
}

impl<'a> PackView<'a> {
    fn new((name, pack): (&'a String, &'a Pack)) -> Self {
        Self {
            organization_conformance_pack_name: name,
            organization_conformance_pack_arn: &pack.arn,
            delivery_s3_bucket: pack.delivery_s3_bucket.as_deref(),
            conformance_pack_input_parameters: [],
            excluded_accounts: &pack.excluded_accounts,
            last_update_time: pack.last_update,
        }
    }
}

fn describe_packs(
    state: &mut State,
    region: &str,
    request: &DescribeRequest,
) -> Result<Vec<u8>, ServiceError> {
    let names = request.organization_conformance_pack_names.as_deref().unwrap_or_default();
    check_names(names)?;
    let limit = limit(request.limit)?;
    let empty = BTreeMap::new();
    if !names.is_empty() {
        // Limit and token are not applicable here, says the reference: every pack named is returned at once.
        let packs = state.regions.get(region).map_or(&empty, |r| &r.packs);
        let found = names.iter().map(|name| packs.get_key_value(name).ok_or_else(|| no_such_pack(name)));
        let found: Vec<_> = found.collect::<Result<_, _>>()?;
        let organization_conformance_packs = found.into_iter().map(PackView::new).collect();
        return Ok(json(&DescribeResponse { organization_conformance_packs, next_token: None }));
    }
    let token = request.next_token.as_deref();
    let cursor = open(state, token, format!("{region}|packs"), Vec::new())?;
    let packs = state.regions.get(region).map_or(&empty, |r| &r.packs);
    let (page, next_token) = page(state, packs, &cursor, token, limit, |_, pack| !pack.unlisted, |_, _| true);
    let organization_conformance_packs = page.into_iter().map(PackView::new).collect();
    Ok(json(&DescribeResponse { organization_conformance_packs, next_token }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StatusRequest {
    organization_conformance_pack_name: Option<String>,
    #[serde(default)]
    filters: Option<Filters>,
    limit: Option<i64>,
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct StatusResponse<'a> {
    organization_conformance_pack_detailed_statuses: Vec<RowView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct RowView<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    conformance_pack_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_update_time: Option<f64>,
}

impl<'a> RowView<'a> {
    fn new((account, row): (&'a String, &'a Row)) -> Self {
        let has = |member: &str| row.without.as_deref() != Some(member);
        Self {
            account_id: has("AccountId").then_some(account),
            conformance_pack_name: has("ConformancePackName").then_some(&row.conformance_pack_name),
            status: has("Status").then_some(&row.status),
            error_code: row.error_code.as_deref(),
            error_message: row.error_message.as_deref(),
            last_update_time: row.last_update,
        }
    }
}

fn detailed_status(
    state: &mut State,
    region: &str,
    request: &StatusRequest,
) -> Result<Vec<u8>, ServiceError> {
    let name = required(request.organization_conformance_pack_name.as_deref())?;
    let defaults = Filters::default();
    let filters = request.filters.as_ref().unwrap_or(&defaults);
    let further = &state.faults.filters.further_statuses;
    check_filters(filters.account_id.as_deref(), filters.status.as_deref(), further)?;
    if state.faults.filters.account_refused && filters.account_id.is_some() {
        return Err(ServiceError::new(400, "ValidationException", "the filter AccountId is not valid"));
    }
    let limit = limit(request.limit)?;
    let token = request.next_token.as_deref();
    state.pass_call();
    if state.faults.filters.denies(filters) {
        return Err(no_such_pack(name));
    }
    let pack = state.pack_mut(region, name).ok_or_else(|| no_such_pack(name))?;
    let hidden = if token.is_none() { hide(pack) } else { Vec::new() };
    let cursor = open(state, token, format!("{region}|{name}|{filters:?}"), hidden)?;
    let honoured = state.faults.filters.honoured(filters);
    let empty = BTreeMap::new();
    let rows = state.regions.get(region).and_then(|r| r.packs.get(name)).map_or(&empty, |p| &p.rows);
    let faults = &state.faults.filters;
    let early = |account: &String, row: &Row| {
        !cursor.hidden.contains(account) && faults.early(&honoured, account, row)
    };
    let late = |account: &String, row: &Row| FilterFaults::late(&honoured, account, row);
    let (page, next_token) = page(state, rows, &cursor, token, limit, early, late);
    let organization_conformance_pack_detailed_statuses = page.into_iter().map(RowView::new).collect();
    Ok(json(&StatusResponse { organization_conformance_pack_detailed_statuses, next_token }))
}

/// The accounts that the read which starts now does not show.
fn hide(pack: &mut Pack) -> Vec<String> {
    pack.hidden.retain(|_, reads| *reads > 0);
    pack.hidden.values_mut().for_each(|reads| *reads -= 1);
    pack.hidden.keys().cloned().collect()
}

fn open(
    state: &mut State,
    token: Option<&str>,
    scope: String,
    hidden: Vec<String>,
) -> Result<Cursor, ServiceError> {
    let now = state.age();
    match token {
        Some(text) => Cursor::open(text, &scope, &mut state.faults.tokens, now),
        None => Ok(Cursor::start(scope, hidden)),
    }
}

/// One page of the `rows` that are kept early, of which some are kept late, and the token of the next.
fn page<'a, V>(
    state: &State,
    rows: &'a BTreeMap<String, V>,
    cursor: &Cursor,
    token: Option<&str>,
    limit: usize,
    early: impl Fn(&String, &V) -> bool,
    late: impl Fn(&String, &V) -> bool,
) -> (Vec<(&'a String, &'a V)>, Option<String>) {
    let faults = &state.faults;
    let limit = faults.page_cap.map_or(limit, |cap| limit.min(cap));
    let rest = rows.range::<str, _>((Bound::Excluded(cursor.after.as_str()), Bound::Unbounded));
    let mut rest = rest.filter(|(key, row)| early(key, row));
    let mut page: Vec<_> = rest.by_ref().take(limit).collect();
    let after = page.last().map_or(cursor.after.clone(), |(key, _)| (*key).clone());
    let full = page.len() == limit;
    let wrong = token.is_some() && faults.tokens.shape != TokenShape::Honest;
    let more = rest.next().is_some() || wrong || (full && faults.trailing_token);
    let next = more.then(|| cursor.next(token, &after, faults.tokens.shape, state.age()));
    page.retain(|(key, row)| late(key, row));
    (page, next)
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ServiceError> {
    serde_json::from_slice(body)
        .map_err(|error| ServiceError::new(400, "SerializationException", error.to_string()))
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}
