//! What `packwatch doctor` asks of AWS. Each question is bounded in time, and its answer may be that there is none.

mod call;
mod identity;
mod lambda;
mod organization;
mod schedules;
mod table;
mod topic;

use std::error::Error;
use std::fmt::Debug;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_config::Client as ConfigClient;
use aws_sdk_config::config::{Builder as ConfigBuilder, Credentials, Region as SdkRegion};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use tokio::sync::OnceCell;

use super::connection::Connection;
use super::fault::Fault;
use crate::doctor::facts::{Answer, Unanswered};
use crate::model::{PackName, Region};

/// A person waits: rather an answer that says what is wrong than one that came at the eighth try.
const ATTEMPTS: u32 = 3;
const LONGEST_BACKOFF: Duration = Duration::from_secs(1);

/// Asks AWS about a deployment.
#[derive(Debug)]
pub struct Inspector {
    connection: Connection,
    timeout: Duration,
    credentials: OnceCell<Credentials>,
}

impl Inspector {
    /// Asks in the connection's account and region, and waits for an answer no longer than `timeout`.
    pub fn new(connection: Connection, timeout: Duration) -> Self {
        let retries = RetryConfig::standard().with_max_attempts(ATTEMPTS).with_max_backoff(LONGEST_BACKOFF);
        let sdk = connection.sdk.into_builder().retry_config(retries).build();
        Self { connection: Connection { sdk }, timeout, credentials: OnceCell::new() }
    }

    /// The region in which is asked.
    pub fn region(&self) -> Option<Region> {
        self.sdk().region()?.as_ref().parse().ok()
    }

    fn sdk(&self) -> &SdkConfig {
        &self.connection.sdk
    }

    /// The packs that are visible in a region.
    pub async fn packs(&self, region: &Region) -> Answer<Vec<PackName>> {
        let config = ConfigBuilder::from(self.sdk()).region(SdkRegion::new(region.to_string())).build();
        let pages =
            ConfigClient::from_conf(config).describe_organization_conformance_packs().into_paginator();
        let packs = pages.items().send().try_collect();
        let packs = self.ask("config:DescribeOrganizationConformancePacks", packs).await?;
        Ok(packs.iter().filter_map(|pack| pack.organization_conformance_pack_name().parse().ok()).collect())
    }

    /// Waits for an answer of the SDK's. `action` is the IAM action that the question needs.
    async fn ask<T, E, R>(
        &self,
        action: &'static str,
        question: impl Future<Output = Result<T, SdkError<E, R>>>,
    ) -> Answer<T>
    where
        E: ProvideErrorMetadata + Error + 'static,
        R: Debug,
    {
        self.within(async { question.await.map_err(|error| unanswered(action, &error)) }).await
    }

    /// Waits for an answer, but not for ever.
    async fn within<T>(&self, question: impl Future<Output = Answer<T>>) -> Answer<T> {
        let late = |_| Unanswered::Silent(format!("no answer within {} s", self.timeout.as_secs_f64()));
        tokio::time::timeout(self.timeout, question).await.map_err(late)?
    }
}

fn unanswered<E, R>(action: &'static str, error: &SdkError<E, R>) -> Unanswered
where
    E: ProvideErrorMetadata + Error + 'static,
    R: Debug,
{
    match error.as_service_error() {
        Some(service) => {
            let code = service.code().unwrap_or("UnknownError");
            refused(action, code, service.message().unwrap_or("no message"))
        }
        None => {
            let operation = action.rsplit(':').next().unwrap_or_default();
            Unanswered::Silent(Fault::of(operation, error).message)
        }
    }
}

fn refused(action: &'static str, code: &str, message: &str) -> Unanswered {
    match code {
        "AccessDenied" | "AccessDeniedException" | "AuthorizationError" | "AuthorizationErrorException" => {
            Unanswered::Denied { action, why: message.to_owned() }
        }
        "NotFound" | "NotFoundException" | "ResourceNotFoundException" | "TableNotFoundException" => {
            Unanswered::Missing
        }
        _ => Unanswered::Refused { code: code.to_owned(), message: message.to_owned() },
    }
}
