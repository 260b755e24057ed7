//! AWS Lambda's control plane, as far as packwatch asks it: restJson1, `GetFunctionConfiguration`.

use super::{ServiceError, State, World};
use serde_json::json;
use std::collections::BTreeMap;

/// A deployed function.
#[derive(Debug, Clone)]
pub struct Function {
    pub account: String,
    pub region: String,
    pub variables: BTreeMap<String, String>,
    /// The error code and the message where the caller may not use the key of the variables.
    pub undecrypted: Option<(String, String)>,
    pub state: String,
    pub last_update: String,
    pub timeout: u64,
}

/// Answers `GetFunctionConfiguration` for a name or an ARN.
pub fn respond(state: &State, region: &str, name: &str) -> Result<Vec<u8>, ServiceError> {
    let access = &state.access;
    let denied = access.refusal("lambda:GetFunctionConfiguration", 403, "AccessDeniedException");
    denied.map_or(Ok(()), Err)?;
    let short = name.rsplit(':').next().unwrap_or_default();
    let found = state.functions.get(short);
    // A function is where it was deployed.
    let found = found.filter(|found| found.region == region && found.account == access.account);
    let arn = format!("arn:aws:lambda:{region}:{}:function:{short}", access.account);
    let Some(Function { variables, undecrypted, state, last_update, timeout, .. }) = found else {
        return Err(ServiceError::new(
            404,
            "ResourceNotFoundException",
            format!("Function not found: {arn}"),
        ));
    };
    // The call itself succeeds.
    let environment = match undecrypted {
        Some((code, message)) => json!({"Error": {"ErrorCode": code, "Message": message}}),
        None => json!({"Variables": variables}),
    };
    let answer = json!({
        "FunctionName": short,
        "FunctionArn": arn,
        "Role": format!("arn:aws:iam::{}:role/{short}", access.account),
        "Runtime": "provided.al2023",
        "Handler": "bootstrap",
        "MemorySize": 512,
        "Timeout": timeout,
        "State": state,
        "StateReason": (state == "Failed").then_some("The image was deleted."),
        "LastUpdateStatus": last_update,
        "LoggingConfig": {"LogFormat": "JSON", "LogGroup": format!("/aws/lambda/{short}")},
        "Environment": environment,
    });
    Ok(answer.to_string().into_bytes())
}

impl World {
    /// Deploys a function with these variables, in the caller's account.
    pub fn deploy(&self, region: &str, name: &str, variables: &[(&str, &str)]) -> &Self {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let account = self.lock().access.account.clone();
        let function = Function {
            account,
            region: region.to_owned(),
            variables: variables.collect(),
            undecrypted: None,
            state: "Active".to_owned(),
            last_update: "Successful".to_owned(),
            timeout: 300,
        };
        self.lock().functions.insert(name.to_owned(), function);
        self
    }

    /// Changes anything of a function.
    pub fn edit_function(&self, name: &str, edit: impl FnOnce(&mut Function)) -> &Self {
        match self.lock().functions.get_mut(name) {
            Some(function) => edit(function),
            None => panic!("the world has no function {name}"),
        }
        self
    }
}
