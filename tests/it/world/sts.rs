//! AWS STS, as far as packwatch asks it: awsQuery, `GetCallerIdentity`.

use super::ServiceError;
use super::access::Access;

/// Answers one call: the body of an HTTP 200, or the error.
pub fn respond(access: &Access, operation: &str) -> Result<String, ServiceError> {
    if access.expired {
        let message = "The security token included in the request is expired";
        return Err(ServiceError::new(403, "ExpiredToken", message));
    }
    if operation != "GetCallerIdentity" {
        return Err(ServiceError::new(400, "InvalidAction", format!("Could not find operation {operation}")));
    }
    let account = &access.account;
    Ok(format!(
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
         <Arn>arn:aws:iam::{account}:user/reader</Arn><UserId>AIDAEXAMPLE</UserId><Account>{account}</Account>\
         </GetCallerIdentityResult><ResponseMetadata><RequestId>00000000-0000-4000-8000-000000000000</RequestId>\
         </ResponseMetadata></GetCallerIdentityResponse>"
    ))
}
