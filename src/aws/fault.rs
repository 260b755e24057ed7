//! What an SDK error means, in one place for all services, and who tries a throttled call again.

use std::error::Error;
use std::fmt::Debug;

use aws_runtime::retries::classifiers::THROTTLING_ERRORS;
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::retries::classifiers::{
    ClassifyRetry, RetryAction, RetryClassifierPriority, RetryReason,
};
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::ErrorKind;

use super::reach::cause;
use crate::model::Region;
use crate::model::rejection::Rejection;

/// A failed call.
#[derive(Debug)]
pub(super) struct Fault {
    /// The service's error code; empty when the service did not answer.
    pub(super) code: String,
    /// What to tell.
    pub(super) message: String,
    /// Why AWS takes no call at all, if that is what failed.
    pub(super) rejection: Option<Rejection>,
}

impl Fault {
    pub(super) fn of(
        operation: &str,
        error: &SdkError<impl ProvideErrorMetadata + Error + 'static, impl Debug>,
    ) -> Self {
        Self::in_region(None, operation, error)
    }

    pub(super) fn in_region(
        region: Option<&Region>,
        operation: &str,
        error: &SdkError<impl ProvideErrorMetadata + Error + 'static, impl Debug>,
    ) -> Self {
        let (code, rejection, said) = match error.as_service_error() {
            Some(service) => {
                let code = service.code().unwrap_or("UnknownError");
                let message = service.message().unwrap_or("no message");
                (code, Rejection::of(code, message), format!("{code}: {message}"))
            }
            None => {
                // An SdkError's own text is only "dispatch failure"; the cause is further in.
                let why = error.source().map_or_else(|| error.to_string(), |error| cause(error).to_string());
                let no_credentials = DisplayErrorContext(error).to_string().contains("credentials");
                let rejection = no_credentials.then_some(Rejection::Credentials);
                ("", rejection, if no_credentials { format!("no AWS credentials: {why}") } else { why })
            }
        };
        let advice = rejection.map(|rejection| format!(". {}", advice(rejection, region)));
        let message = format!("{operation}: {}{}", said.trim_end_matches('.'), advice.unwrap_or_default());
        Self { code: code.to_owned(), message, rejection }
    }

    pub(super) fn is_throttling(&self) -> bool {
        THROTTLING_ERRORS.contains(&self.code.as_str())
    }

    /// Whether only a person can fix it: permissions, credentials, what does not exist.
    pub(super) fn is_denied(&self) -> bool {
        self.rejection.is_some()
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

/// What to do about what AWS said.
fn advice(rejection: Rejection, region: Option<&Region>) -> String {
    let name = region.map_or("NAME", Region::as_str);
    let region = region.map_or("the region", Region::as_str);
    let enable = format!(
        "{region} is not enabled in this account: `aws account enable-region --region-name {name}` enables it, and \
         --regions and PACKWATCH_REGIONS can leave it out"
    );
    match rejection {
        Rejection::Region => enable,
        Rejection::CredentialsOrRegion => format!("Either the credentials are wrong: {LOG_IN}. Or {enable}"),
        Rejection::Credentials => LOG_IN.to_owned(),
        Rejection::Clock => {
            "This machine's clock is off, and AWS takes no signature older or newer than five minutes. \
                             Set the clock, or turn on NTP"
                .to_owned()
        }
    }
}

/// Leaves throttled calls to the rate limiter that a region's readers share: in the SDK, each reader would find the limit
/// for itself. The SDK retries everything else.
#[derive(Debug)]
pub(super) struct LeaveThrottling;

impl ClassifyRetry for LeaveThrottling {
    fn classify_retry(&self, _: &InterceptorContext) -> RetryAction {
        RetryAction::NoActionIndicated
    }

    fn classify_retry_v2(&self, _: &InterceptorContext, previous: &RetryAction) -> RetryAction {
        match previous {
            RetryAction::RetryIndicated(RetryReason::RetryableError {
                kind: ErrorKind::ThrottlingError,
                ..
            }) => RetryAction::RetryForbidden,
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn priority(&self) -> RetryClassifierPriority {
        // After the SDK's own, whose verdict this one looks at.
        RetryClassifierPriority::run_after(RetryClassifierPriority::transient_error_classifier())
    }

    fn name(&self) -> &'static str {
        "leave throttling to the rate limiter"
    }
}
