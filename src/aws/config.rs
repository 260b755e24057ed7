//! AWS Config: the organization's conformance packs and their detailed statuses.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_sdk_config::Client;
use aws_sdk_config::config::{Builder, Region as SdkRegion};
use aws_sdk_config::types::{
    OrganizationConformancePackDetailedStatus as SdkStatus, OrganizationResourceDetailedStatus,
    OrganizationResourceDetailedStatusFilters,
};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::DateTime;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use jiff::{Timestamp, Unit};

use super::connection::Connection;
use super::fault::{Fault, LeaveThrottling};
use crate::model::{DetailedStatus, Invalid, PackName, Region, Status, Target};
use crate::ports::{Filters, Page, PageRequest, SourceError, StatusSource};
use crate::rate_limit::{Priority, RateLimiter};

/// What every refusal needs to say: AWS Config shows a pack only to the account that deployed it.
const WHO_SEES: &str = "AWS Config shows organization conformance packs only to the account that deployed \
    them (the management account or a delegated administrator), in the region where they are deployed; the \
    caller needs config:DescribeOrganizationConformancePacks and \
    config:GetOrganizationConformancePackDetailedStatus";

/// AWS Config in several regions.
#[derive(Debug)]
pub struct ConfigSource {
    regions: BTreeMap<Region, Limited>,
}

/// One region's client and its rate limiter.
#[derive(Debug)]
struct Limited {
    client: Client,
    limiter: RateLimiter,
    throttled: AtomicU64,
}

impl ConfigSource {
    /// A client for each region.
    pub fn new(connection: &Connection, regions: &[Region]) -> Self {
        let limited = |region: &Region| {
            let config = Builder::from(&connection.sdk).region(SdkRegion::new(region.to_string()));
            let client = Client::from_conf(config.retry_classifier(LeaveThrottling).build());
            let (limiter, throttled) = (RateLimiter::default(), AtomicU64::default());
            (region.clone(), Limited { client, limiter, throttled })
        };
        Self { regions: regions.iter().map(limited).collect() }
    }

    /// How many calls were throttled since this was asked last, in each region where any was.
    pub fn take_throttles(&self) -> BTreeMap<Region, u64> {
        let taken = |(region, limited): (&Region, &Limited)| {
            (region.clone(), limited.throttled.swap(0, Ordering::Relaxed))
        };
        self.regions.iter().map(taken).filter(|(_, throttles)| *throttles > 0).collect()
    }

    /// Makes a call of a region when the rate limiter lets it, and again while it is throttled.
    async fn call<T, E: ProvideErrorMetadata + Error + 'static, R: Debug>(
        &self,
        region: &Region,
        operation: &str,
        priority: Priority,
        send: impl AsyncFn(&Client) -> Result<T, SdkError<E, R>>,
    ) -> Result<T, SourceError> {
        let missing = || SourceError::Invalid(format!("{region} is not one of the regions that are watched"));
        let Limited { client, limiter, throttled } = self.regions.get(region).ok_or_else(missing)?;
        let send = async || {
            let fault = |error| Fault::in_region(Some(region), operation, &error);
            send(client).await.map_err(fault).inspect_err(|fault| {
                throttled.fetch_add(u64::from(fault.is_throttling()), Ordering::Relaxed);
            })
        };
        limiter.call(priority, send, Fault::is_throttling).await.map_err(|fault| explain(fault, region))
    }
}

impl StatusSource for ConfigSource {
    async fn packs(&self, region: &Region, page: &PageRequest) -> Result<Page<PackName>, SourceError> {
        let list = async |client: &Client| {
            let call = client.describe_organization_conformance_packs();
            call.set_limit(page.limit.map(i32::from)).set_next_token(page.token.clone()).send().await
        };
        let output =
            self.call(region, "DescribeOrganizationConformancePacks", Priority::InOrder, list).await?;
        let packs = output.organization_conformance_packs().iter();
        let names = packs.map(|pack| pack.organization_conformance_pack_name().parse().map_err(invalid));
        let items = names.collect::<Result<_, _>>()?;
        Ok(Page { items, next_token: output.next_token.filter(|token| !token.is_empty()) })
    }

    async fn statuses(
        &self,
        target: &Target,
        filters: &Filters,
        page: &PageRequest,
    ) -> Result<Page<DetailedStatus>, SourceError> {
        let read = async |client: &Client| {
            client
                .get_organization_conformance_pack_detailed_status()
                .organization_conformance_pack_name(target.pack.as_str())
                .set_filters(sdk_filters(filters))
                .set_limit(page.limit.map(i32::from))
                .set_next_token(page.token.clone())
                .send()
                .await
        };
        let operation = "GetOrganizationConformancePackDetailedStatus";
        let output = self.call(&target.region, operation, Priority::of(filters, page), read).await?;
        let rows = output.organization_conformance_pack_detailed_statuses.unwrap_or_default();
        let items = rows.into_iter().map(detailed_status).collect::<Result<_, _>>()?;
        Ok(Page { items, next_token: output.next_token.filter(|token| !token.is_empty()) })
    }
}

fn sdk_filters(filters: &Filters) -> Option<OrganizationResourceDetailedStatusFilters> {
    let status = filters.status.as_ref().map(|s| OrganizationResourceDetailedStatus::from(s.as_str()));
    let account = filters.account.map(|account| account.to_string());
    let sdk = OrganizationResourceDetailedStatusFilters::builder().set_account_id(account).set_status(status);
    (!filters.is_empty()).then(|| sdk.build())
}

fn detailed_status(row: SdkStatus) -> Result<DetailedStatus, SourceError> {
    Ok(DetailedStatus {
        account: row.account_id.parse().map_err(invalid)?,
        conformance_pack_name: row.conformance_pack_name,
        status: Status::new(row.status.as_str()),
        error_code: row.error_code,
        error_message: row.error_message,
        last_update: row.last_update_time.and_then(timestamp),
    })
}

/// To the millisecond, as AWS Config has it: on the wire it is a decimal number of seconds, which no float
/// holds exactly. `None` for a time outside the years −9999 to 9999, which cannot be a status's.
fn timestamp(time: DateTime) -> Option<Timestamp> {
    let exact = Timestamp::new(time.secs(), time.subsec_nanos().try_into().ok()?).ok()?;
    exact.round(Unit::Millisecond).ok()
}

fn invalid(error: Invalid) -> SourceError {
    SourceError::Invalid(error.to_string())
}

fn explain(fault: Fault, region: &Region) -> SourceError {
    let message = format!("{} ({region})", fault.message);
    match fault.code.as_str() {
        "NoSuchOrganizationConformancePackException" => SourceError::Gone(format!("{message}. {WHO_SEES}")),
        "InvalidNextTokenException" => SourceError::TokenRefused(format!(
            "{message}. A token is good for the pack, the region and the filters that it was given for, and \
             not for long"
        )),
        "InvalidLimitException" | "ValidationException" => SourceError::Invalid(message),
        _ if fault.rejection.is_some() => SourceError::Denied(message),
        _ if fault.is_denied() => SourceError::Denied(format!("{message}. {WHO_SEES}")),
        _ if fault.is_throttling() => SourceError::Unavailable(format!("throttled: {message}")),
        _ => SourceError::Unavailable(message),
    }
}
