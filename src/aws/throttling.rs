//! Who waits when AWS Config throttles: the rate limiter that a region's readers share, and not the SDK, in which each
//! reader would find the limit for itself.

use aws_sdk_config::config::interceptors::InterceptorContext;
use aws_smithy_runtime_api::client::retries::classifiers::{
    ClassifyRetry, RetryAction, RetryClassifierPriority, RetryReason,
};
use aws_smithy_types::retry::ErrorKind;

/// Leaves throttled calls to the rate limiter: the SDK retries everything else.
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
