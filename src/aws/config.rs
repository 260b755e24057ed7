//! AWS Config: the organization's conformance packs and their detailed statuses.

use std::collections::BTreeMap;

use aws_sdk_config::Client;
use aws_sdk_config::config::{Builder, Region as SdkRegion};
use aws_sdk_config::types::{
    OrganizationConformancePackDetailedStatus as SdkStatus, OrganizationResourceDetailedStatus,
    OrganizationResourceDetailedStatusFilters,
};
use aws_smithy_types::DateTime;
use jiff::{Timestamp, Unit};

use super::connection::Connection;
use super::fault::Fault;
use crate::model::{DetailedStatus, PackName, Region, Status, Target};
use crate::ports::{Filters, Page, PageRequest, SourceError, StatusSource};

/// What every refusal needs to say: AWS Config shows a pack only to the account that deployed it.
const WHO_SEES: &str = "AWS Config shows organization conformance packs only to the account that deployed \
    them (the management account or a delegated administrator), in the region where they are deployed; the \
    caller needs config:DescribeOrganizationConformancePacks and \
    config:GetOrganizationConformancePackDetailedStatus";

/// AWS Config in several regions.
#[derive(Debug, Clone)]
pub struct ConfigSource {
    clients: BTreeMap<Region, Client>,
}

impl ConfigSource {
    /// A client for each region.
    pub fn new(connection: &Connection, regions: &[Region]) -> Self {
        let client = |region: &Region| {
            let config = Builder::from(&connection.sdk).region(SdkRegion::new(region.to_string())).build();
            (region.clone(), Client::from_conf(config))
        };
        Self { clients: regions.iter().map(client).collect() }
    }

    fn client(&self, region: &Region) -> Result<&Client, SourceError> {
        let missing = || SourceError::Invalid(format!("{region} is not one of the regions that are watched"));
        self.clients.get(region).ok_or_else(missing)
    }
}

impl StatusSource for ConfigSource {
    async fn packs(&self, region: &Region, page: &PageRequest) -> Result<Page<PackName>, SourceError> {
        let call = self.client(region)?.describe_organization_conformance_packs();
        let call = call.set_limit(page.limit.map(i32::from)).set_next_token(page.token.clone());
        let output = call
            .send()
            .await
            .map_err(|error| explain(Fault::of("DescribeOrganizationConformancePacks", &error), region))?;
        let names = output.organization_conformance_packs().iter();
        let items = names.map(|pack| pack.organization_conformance_pack_name().parse());
        let items = items
            .collect::<Result<_, crate::model::Invalid>>()
            .map_err(|error| SourceError::Invalid(error.to_string()))?;
        Ok(Page { items, next_token: output.next_token.filter(|token| !token.is_empty()) })
    }

    async fn statuses(
        &self,
        target: &Target,
        filters: &Filters,
        page: &PageRequest,
    ) -> Result<Page<DetailedStatus>, SourceError> {
        let output = self
            .client(&target.region)?
            .get_organization_conformance_pack_detailed_status()
            .organization_conformance_pack_name(target.pack.as_str())
            .set_filters(sdk_filters(filters))
            .set_limit(page.limit.map(i32::from))
            .set_next_token(page.token.clone())
            .send()
            .await
            .map_err(|error| {
                explain(Fault::of("GetOrganizationConformancePackDetailedStatus", &error), &target.region)
            })?;
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
    let account =
        row.account_id.parse().map_err(|e: crate::model::Invalid| SourceError::Invalid(e.to_string()))?;
    Ok(DetailedStatus {
        account,
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
    let exact = Timestamp::new(time.secs(), i32::try_from(time.subsec_nanos()).ok()?).ok()?;
    exact.round(Unit::Millisecond).ok()
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
        _ if fault.is_denied() => SourceError::Denied(format!("{message}. {WHO_SEES}")),
        _ if fault.is_throttling() => SourceError::Throttled(message),
        _ => SourceError::Unavailable(message),
    }
}
