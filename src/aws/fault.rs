//! What an SDK error means, in one place for all services.

use std::error::Error;
use std::fmt::Debug;

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

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
                Self { message: format!("{operation}: {code}: {message}"), code }
            }
            None => {
                // An SdkError's own text is only "dispatch failure"; the cause is further in.
                let context = DisplayErrorContext(error).to_string();
                let cause = context.split(" (").next().unwrap_or_default().to_owned();
                let no_credentials = context.contains("credentials");
                let code = if no_credentials { NO_CREDENTIALS } else { "" };
                let hint = if no_credentials {
                    ". No AWS credentials were found, or they could not be loaded: set AWS_PROFILE, run \
                     `aws sso login`, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
                } else {
                    ""
                };
                Self { code: code.to_owned(), message: format!("{operation}: {cause}{hint}") }
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

    /// Whether only a person can mend it: permissions, credentials, what does not exist.
    pub(super) fn is_denied(&self) -> bool {
        matches!(
            self.code.as_str(),
            NO_CREDENTIALS
                | "AccessDenied"
                | "AccessDeniedException"
                | "AuthorizationError"
                | "AuthorizationErrorException"
                | "ExpiredToken"
                | "ExpiredTokenException"
                | "IncompleteSignature"
                | "InvalidClientTokenId"
                | "InvalidSignatureException"
                | "KMSAccessDenied"
                | "KMSAccessDeniedException"
                | "MissingAuthenticationToken"
                | "NotFound"
                | "NotFoundException"
                | "OrganizationAccessDeniedException"
                | "ResourceNotFoundException"
                | "SignatureDoesNotMatch"
                | "UnrecognizedClientException"
        )
    }
}

const NO_CREDENTIALS: &str = "NoCredentials";
