//! What `packwatch doctor` asks of AWS. Each question is bounded in time, and its answer may be that there is none.

mod call;
mod function;
mod table;

use std::error::Error;
use std::fmt::Debug;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_config::Client as ConfigClient;
use aws_sdk_config::config::Region as SdkRegion;
use aws_sdk_sns::Client as SnsClient;
use aws_sdk_sts::Client as StsClient;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::RetryConfig;

use super::connection::Connection;
use super::fault::Fault;
use crate::doctor::facts::{Answer, Subscription, Unanswered};
use crate::model::{PackName, Region};
use crate::settings::TopicArn;

/// A person waits: rather an answer that says what is wrong than one that came at the eighth try.
const ATTEMPTS: u32 = 3;
const LONGEST_BACKOFF: Duration = Duration::from_secs(1);

/// Asks AWS about a deployment.
#[derive(Debug)]
pub(crate) struct Inspector {
    connection: Connection,
    timeout: Duration,
}

impl Inspector {
    /// Asks in the connection's account and region, and waits for an answer no longer than `timeout`.
    pub(crate) fn new(connection: Connection, timeout: Duration) -> Self {
        let retries = RetryConfig::standard().with_max_attempts(ATTEMPTS).with_max_backoff(LONGEST_BACKOFF);
        let sdk = connection.sdk.into_builder().retry_config(retries).build();
        Self { connection: Connection { sdk }, timeout }
    }

    /// The region in which is asked.
    pub(crate) fn region(&self) -> Option<Region> {
        self.sdk().region()?.as_ref().parse().ok()
    }

    fn sdk(&self) -> &SdkConfig {
        &self.connection.sdk
    }

    fn in_region(&self, region: &str) -> SdkConfig {
        self.sdk().to_builder().region(SdkRegion::new(region.to_owned())).build()
    }

    /// The ARN of whoever has these credentials.
    pub(crate) async fn caller(&self) -> Answer<String> {
        let call = StsClient::new(self.sdk()).get_caller_identity().send();
        Ok(self.ask("sts:GetCallerIdentity", call).await?.arn.unwrap_or_default())
    }

    /// The packs that are visible in a region.
    pub(crate) async fn packs(&self, region: &Region) -> Answer<Vec<PackName>> {
        let client = ConfigClient::new(&self.in_region(region.as_str()));
        let packs = client.describe_organization_conformance_packs().into_paginator().items().send();
        let packs = self.ask("config:DescribeOrganizationConformancePacks", packs.try_collect()).await?;
        Ok(packs.iter().filter_map(|pack| pack.organization_conformance_pack_name().parse().ok()).collect())
    }

    /// The subscriptions of a topic, in its region.
    pub(crate) async fn subscriptions(&self, arn: &TopicArn) -> Answer<Vec<Subscription>> {
        let client = SnsClient::new(&self.in_region(arn.region()));
        let subscriptions =
            client.list_subscriptions_by_topic().topic_arn(arn.as_str()).into_paginator().items().send();
        let subscriptions = self.ask("sns:ListSubscriptionsByTopic", subscriptions.try_collect()).await?;
        let subscriptions = subscriptions.into_iter().map(|one| Subscription {
            protocol: one.protocol.unwrap_or_default(),
            endpoint: one.endpoint.unwrap_or_default(),
            // In place of its ARN stands "PendingConfirmation", or "Deleted" for some days.
            is_confirmed: one.subscription_arn.is_some_and(|arn| arn.starts_with("arn:")),
        });
        Ok(subscriptions.collect())
    }

    /// Waits for an answer. `action` is the IAM action that the question needs.
    async fn ask<T, E: ProvideErrorMetadata + Error + 'static, R: Debug>(
        &self,
        action: &'static str,
        question: impl Future<Output = Result<T, SdkError<E, R>>>,
    ) -> Answer<T> {
        within(self.timeout, async { question.await.map_err(|error| unanswered(action, &error)) }).await
    }
}

/// Waits for an answer, but not for ever.
async fn within<T>(timeout: Duration, question: impl Future<Output = Answer<T>>) -> Answer<T> {
    let late = |_| Unanswered::Silent(format!("no answer within {} s", timeout.as_secs_f64()));
    tokio::time::timeout(timeout, question).await.map_err(late)?
}

fn unanswered<E, R>(action: &'static str, error: &SdkError<E, R>) -> Unanswered
where
    E: ProvideErrorMetadata + Error + 'static,
    R: Debug,
{
    let operation = action.rsplit(':').next().unwrap_or_default();
    let Fault { code, message: why, rejection } = Fault::of(operation, error);
    match code.as_str() {
        "AccessDenied" | "AccessDeniedException" | "AuthorizationError" | "AuthorizationErrorException" => {
            Unanswered::Denied { action, why }
        }
        "NotFound" | "NotFoundException" | "ResourceNotFoundException" | "TableNotFoundException" => {
            Unanswered::Missing
        }
        "" if rejection.is_none() => Unanswered::Silent(why),
        _ => Unanswered::Refused { code, why },
    }
}
