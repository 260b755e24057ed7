//! AWS STS and AWS Organizations: whose credentials these are, who may deploy organization conformance packs, and what time
//! it is there.

use std::sync::{Arc, OnceLock};

use aws_sdk_organizations::Client as OrganizationsClient;
use aws_sdk_sts::Client as StsClient;
use aws_sdk_sts::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_sts::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_sts::error::BoxError;
use jiff::Timestamp;
use jiff::fmt::rfc2822;

use super::Inspector;
use crate::doctor::facts::{Answer, Caller, Clocks, Organization};

impl Inspector {
    /// Whose credentials these are, and both clocks if STS answered at all: it does so to a signature that it takes
    /// for outdated, too.
    pub async fn caller(&self) -> (Answer<Caller>, Option<Clocks>) {
        if let Err(why) = &self.credentials {
            return (Err(why.clone()), None);
        }
        let date = Date::default();
        let call = StsClient::new(self.sdk()).get_caller_identity().customize().interceptor(date.clone());
        let caller = self.ask("sts:GetCallerIdentity", call.send()).await.map(|output| Caller {
            account: output.account.unwrap_or_default(),
            arn: output.arn.unwrap_or_default(),
        });
        (caller, date.0.get().copied())
    }

    /// The organization of the caller's account.
    pub async fn organization(&self) -> Organization {
        let client = OrganizationsClient::new(self.sdk());
        let delegates = async |principal: &str| -> Answer<Vec<String>> {
            let pages = client.list_delegated_administrators().service_principal(principal).into_paginator();
            let accounts = pages.items().send().try_collect();
            let accounts = self.ask("organizations:ListDelegatedAdministrators", accounts).await?;
            Ok(accounts.into_iter().filter_map(|account| account.id).collect())
        };
        let (described, for_packs, for_data) = tokio::join!(
            self.ask("organizations:DescribeOrganization", client.describe_organization().send()),
            delegates("config-multiaccountsetup.amazonaws.com"),
            delegates("config.amazonaws.com"),
        );
        let management =
            |organization: aws_sdk_organizations::types::Organization| organization.master_account_id;
        let management = described.map(|output| output.organization.and_then(management).unwrap_or_default());
        Organization { management, for_packs, for_data }
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
