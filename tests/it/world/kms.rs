//! AWS KMS, as far as packwatch asks it: awsJson1.1, `GetKeyPolicy`.

use super::{ServiceError, State, World};
use serde_json::{Value, json};

/// What comes before the operation in `X-Amz-Target`.
pub const TARGET_PREFIX: &str = "TrentService.";

/// Answers one call: the body of an HTTP 200, or the error.
pub fn respond(state: &State, operation: &str, body: &[u8]) -> Result<Vec<u8>, ServiceError> {
    if operation != "GetKeyPolicy" {
        return Err(ServiceError::new(400, "UnknownOperationException", ""));
    }
    let denied = state.access.refusal("kms:GetKeyPolicy", 400, "AccessDeniedException");
    denied.map_or(Ok(()), Err)?;
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |name: &str| request.get(name).and_then(Value::as_str).unwrap_or_default();
    let key = text("KeyId");
    if text("PolicyName") != "default" {
        return Err(ServiceError::new(400, "NotFoundException", "No such policy exists"));
    }
    match state.key_policies.get(key) {
        Some(policy) => Ok(json!({"Policy": policy, "PolicyName": "default"}).to_string().into_bytes()),
        None => Err(ServiceError::new(400, "NotFoundException", format!("Key '{key}' does not exist"))),
    }
}

impl World {
    /// There is a key with this policy.
    pub fn add_key(&self, key: &str, policy: &Value) -> &Self {
        self.lock().key_policies.insert(key.to_owned(), policy.to_string());
        self
    }
}
