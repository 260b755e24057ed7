//! AWS STS: whose credentials these are, and what time it is there.

use std::sync::{Arc, OnceLock};

use aws_sdk_sts::Client;
use aws_sdk_sts::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_sts::config::{ConfigBag, Credentials, Intercept, ProvideCredentials, RuntimeComponents};
use aws_sdk_sts::error::BoxError;
use jiff::Timestamp;
use jiff::fmt::rfc2822;

use super::Inspector;
use crate::doctor::facts::{Answer, Caller, Clocks, Unanswered};

impl Inspector {
    /// Whose credentials these are, and both clocks if STS answered at all: it does so to a signature that it takes
    /// for outdated, too.
    pub async fn caller(&self) -> (Answer<Caller>, Option<Clocks>) {
        if let Err(why) = self.within(self.credentials()).await {
            return (Err(why), None);
        }
        let date = Date::default();
        let call = Client::new(self.sdk()).get_caller_identity().customize().interceptor(date.clone());
        let caller = self.ask("sts:GetCallerIdentity", call.send()).await.map(|output| Caller {
            account: output.account.unwrap_or_default(),
            arn: output.arn.unwrap_or_default(),
        });
        (caller, date.0.get().copied())
    }

    /// The credentials, looked up once.
    pub(super) async fn credentials(&self) -> Answer<Credentials> {
        let code = || "NoCredentials".to_owned();
        let none = || Unanswered::Refused { code: code(), message: "there are none".to_owned() };
        let provider = self.sdk().credentials_provider().ok_or_else(none)?;
        let found = self.credentials.get_or_try_init(async || {
            let refused = |error| Unanswered::Refused { code: code(), message: format!("{error}") };
            provider.provide_credentials().await.map_err(refused)
        });
        found.await.cloned()
    }
}

/// Reads the time from an answer, whatever it answers.
#[derive(Debug, Clone, Default)]
struct Date(Arc<OnceLock<Clocks>>);

impl Intercept for Date {
    fn name(&self) -> &'static str {
        "read the answer's date"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        if let Some(date) = date.and_then(|date| rfc2822::parse(date).ok()) {
            self.0.get_or_init(|| Clocks { here: Timestamp::now(), aws: date.timestamp() });
        }
        Ok(())
    }
}
