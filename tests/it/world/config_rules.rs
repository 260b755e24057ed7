//! AWS Config's validation of requests, with the service's own errors.

use super::ServiceError;
use std::collections::BTreeSet;

const MAX_LIMIT: i64 = 100;
const MAX_NAMES: usize = 25;
const STATUSES: [&str; 9] = [
    "CREATE_SUCCESSFUL",
    "CREATE_IN_PROGRESS",
    "CREATE_FAILED",
    "DELETE_SUCCESSFUL",
    "DELETE_FAILED",
    "DELETE_IN_PROGRESS",
    "UPDATE_SUCCESSFUL",
    "UPDATE_IN_PROGRESS",
    "UPDATE_FAILED",
];

pub fn no_such_pack(name: &str) -> ServiceError {
    let message = format!("The organization conformance pack '{name}' does not exist.");
    ServiceError::new(400, "NoSuchOrganizationConformancePackException", message)
}

fn constraint(value: &str, member: &str, rule: &str) -> ServiceError {
    let message = format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: {rule}"
    );
    ServiceError::new(400, "ValidationException", message)
}

pub fn limit(limit: Option<i64>) -> Result<usize, ServiceError> {
    match limit {
        // "If you do not specify a number, AWS Config uses the default": zero counts as not specified.
        None | Some(0) => Ok(MAX_LIMIT as usize),
        Some(n) if (1..=MAX_LIMIT).contains(&n) => Ok(n as usize),
        Some(n) => {
            let message = format!("The limit {n} is outside the allowable range of 0 to {MAX_LIMIT}.");
            Err(ServiceError::new(400, "InvalidLimitException", message))
        }
    }
}

pub fn check_names(names: &[String]) -> Result<(), ServiceError> {
    let member = "organizationConformancePackNames";
    if names.len() > MAX_NAMES {
        let rule = "Member must have length less than or equal to 25";
        return Err(constraint(&format!("{names:?}"), member, rule));
    }
    names.iter().try_for_each(|name| check_name(name, member))
}

/// The name of the pack, which must be there and be a name.
pub fn required(name: Option<&str>) -> Result<&str, ServiceError> {
    let member = "organizationConformancePackName";
    let name = name.ok_or_else(|| constraint("null", member, "Member must not be null"))?;
    check_name(name, member).map(|()| name)
}

fn check_name(name: &str, member: &str) -> Result<(), ServiceError> {
    let rule = if name.is_empty() {
        "Member must have length greater than or equal to 1"
    } else if name.len() > 128 {
        "Member must have length less than or equal to 128"
    } else if !name.starts_with(|c: char| c.is_ascii_alphabetic())
        || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    {
        "Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*"
    } else {
        return Ok(());
    };
    Err(constraint(name, member, rule))
}

pub fn check_filters(
    account_id: Option<&str>,
    status: Option<&str>,
    further_statuses: &BTreeSet<String>,
) -> Result<(), ServiceError> {
    if let Some(id) = account_id
        && !(id.len() == 12 && id.chars().all(|c| c.is_ascii_digit()))
    {
        let rule = "Member must satisfy regular expression pattern: \\d{12}";
        return Err(constraint(id, "filters.accountId", rule));
    }
    if let Some(status) = status
        && !STATUSES.contains(&status)
        && !further_statuses.contains(status)
    {
        let rule = format!("Member must satisfy enum value set: [{}]", STATUSES.join(", "));
        return Err(constraint(status, "filters.status", &rule));
    }
    Ok(())
}
