//! AWS Organizations, as far as packwatch asks it: awsJson1.1, `DescribeAccount`.

use super::{MANAGEMENT_ACCOUNT, ServiceError, State, World};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What comes before the operation in `X-Amz-Target`.
pub const TARGET_PREFIX: &str = "AWSOrganizationsV20161128.";

/// The accounts that have names, and what is in the way of asking.
#[derive(Default)]
pub struct Organization {
    /// Name and state, by account id.
    pub accounts: BTreeMap<String, (String, String)>,
    pub refused: Option<ServiceError>,
    pub hangs: bool,
}

/// Answers one call: the body of an HTTP 200, or the error.
pub fn respond(state: &State, operation: &str, body: &[u8]) -> Result<Vec<u8>, ServiceError> {
    let organization = &state.organization;
    if let Some(refused) = &organization.refused {
        return Err(refused.clone());
    }
    let action = format!("organizations:{operation}");
    state.access.refusal(&action, 400, "AccessDeniedException").map_or(Ok(()), Err)?;
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    match operation {
        "DescribeAccount" => describe_account(organization, &request),
        _ => Err(ServiceError::new(400, "UnknownOperationException", "")),
    }
}

fn describe_account(organization: &Organization, request: &Value) -> Result<Vec<u8>, ServiceError> {
    let id = request.get("AccountId").and_then(Value::as_str).unwrap_or_default();
    let Some((name, state)) = organization.accounts.get(id) else {
        let message = "You specified an account that doesn't exist.";
        return Err(ServiceError::new(400, "AccountNotFoundException", message));
    };
    // `Status` is what `State` replaces; both are sent.
    let status = if state == "ACTIVE" { "ACTIVE" } else { "SUSPENDED" };
    let account = json!({
        "Id": id,
        "Arn": format!("arn:aws:organizations::{MANAGEMENT_ACCOUNT}:account/o-exampleorgid/{id}"),
        "Email": format!("{id}@example.com"),
        "Name": name,
        "Status": status,
        "State": state,
        "JoinedMethod": "CREATED",
        "JoinedTimestamp": 1_600_000_000.5,
    });
    Ok(json!({"Account": account}).to_string().into_bytes())
}

impl World {
    /// The organization knows the account by this name; `state` is such as `"ACTIVE"`.
    pub fn name_account(&self, account: &str, name: &str, state: &str) -> &Self {
        let named = (name.to_owned(), state.to_owned());
        self.lock().organization.accounts.insert(account.to_owned(), named);
        self
    }

    /// The caller may not ask AWS Organizations.
    pub fn deny_organizations(&self) -> &Self {
        let message = "You don't have permissions to access this resource.";
        self.lock().organization.refused = Some(ServiceError::new(400, "AccessDeniedException", message));
        self
    }

    /// AWS Organizations does not answer, ever.
    pub fn hang_organizations(&self) -> &Self {
        self.lock().organization.hangs = true;
        self
    }
}
