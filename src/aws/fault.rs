//! What an SDK error means, in one place for all services.

use std::error::Error;
use std::fmt::Debug;

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::reach::root;

/// A failed call.
#[derive(Debug)]
pub(super) struct Fault {
    /// The service's error code; empty when the service did not answer.
    pub(super) code: String,
    /// What to tell.
    pub(super) message: String,
}

impl Fault {
    pub(super) fn of<E, R>(operation: &str, error: &SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
        R: Debug,
    {
        match error.as_service_error() {
            Some(service) => {
                let code = service.code().unwrap_or("UnknownError").to_owned();
                let message = service.message().unwrap_or("no message");
                let fault = Self { message: format!("{operation}: {code}: {message}"), code };
                let hint = if fault.is_of_credentials() { format!(". {LOG_IN}") } else { String::new() };
                Self { message: fault.message + &hint, code: fault.code }
            }
            None => {
                // An SdkError's own text is only "dispatch failure"; the cause is further in.
                let cause = root(error);
                let cause = cause.trim_end_matches('.');
                let no_credentials = DisplayErrorContext(error).to_string().contains("credentials");
                let code = if no_credentials { NO_CREDENTIALS } else { "" };
                let message = if no_credentials {
                    format!("{operation}: no AWS credentials: {cause}. {LOG_IN}")
                } else {
                    format!("{operation}: {cause}")
                };
                Self { code: code.to_owned(), message }
            }
        }
    }

    pub(super) fn is_throttling(&self) -> bool {
        matches!(
            self.code.as_str(),
            "Throttling"
                | "ThrottlingException"
                | "ThrottledException"
                | "RequestThrottled"
                | "RequestThrottledException"
                | "TooManyRequestsException"
                | "RequestLimitExceeded"
                | "ProvisionedThroughputExceededException"
                | "LimitExceededException"
        )
    }

    /// Whether the credentials are at fault, and not what they may do.
    pub(super) fn is_of_credentials(&self) -> bool {
        matches!(
            self.code.as_str(),
            NO_CREDENTIALS
                | "ExpiredToken"
                | "ExpiredTokenException"
                | "IncompleteSignature"
                | "InvalidClientTokenId"
                | "InvalidSignatureException"
                | "MissingAuthenticationToken"
                | "MissingAuthenticationTokenException"
                | "SignatureDoesNotMatch"
                | "UnrecognizedClientException"
        )
    }

    /// Whether only a person can fix it: permissions, credentials, what does not exist.
    pub(super) fn is_denied(&self) -> bool {
        self.is_of_credentials()
            || matches!(
                self.code.as_str(),
                "AccessDenied"
                    | "AccessDeniedException"
                    | "AuthorizationError"
                    | "AuthorizationErrorException"
                    | "KMSAccessDenied"
                    | "KMSAccessDeniedException"
                    | "NotFound"
                    | "NotFoundException"
                    | "OrganizationAccessDeniedException"
                    | "ResourceNotFoundException"
            )
    }
}

/// What to do about credentials.
const LOG_IN: &str =
    "Set AWS_PROFILE, run `aws sso login`, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";

const NO_CREDENTIALS: &str = "NoCredentials";
