//! The pages of AWS's documentation that say what the hints say.

/// A page of AWS's documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// As the page is titled.
    pub title: &'static str,
    /// Its address.
    pub url: &'static str,
}

macro_rules! page {
    ($title:literal, $path:literal) => {
        Source { title: $title, url: concat!("https://docs.aws.amazon.com/", $path, ".html") }
    };
}

/// A page of AWS Config's API reference.
macro_rules! api {
    ($name:literal) => {
        Source {
            title: $name,
            url: concat!("https://docs.aws.amazon.com/config/latest/APIReference/API_", $name, ".html"),
        }
    };
}

pub(super) const ORGANIZATION: Source = page!(
    "Managing Conformance Packs for AWS Config Across all Accounts in Your Organization",
    "config/latest/developerguide/conformance-pack-organization-apis"
);
pub(super) const TROUBLESHOOTING: Source = page!(
    "Troubleshooting for Conformance Packs for AWS Config",
    "config/latest/developerguide/troubleshooting-conformance-pack"
);
pub(super) const PUT_PACK: Source = api!("PutConformancePack");
pub(super) const PUT_ORGANIZATION_PACK: Source = api!("PutOrganizationConformancePack");
pub(super) const PUT_RULE: Source = api!("PutConfigRule");
pub(super) const DELETE_RULE: Source = api!("DeleteConfigRule");
pub(super) const SERVICE_LINKED_ROLES: Source = page!(
    "Using Service-Linked Roles for AWS Config",
    "config/latest/developerguide/using-service-linked-roles"
);
pub(super) const ROLE_PERMISSIONS: Source = page!(
    "Permissions for the IAM Role Assigned to AWS Config",
    "config/latest/developerguide/iamrole-permissions"
);
pub(super) const DENIED: Source =
    page!("Troubleshoot access denied error messages", "IAM/latest/UserGuide/troubleshoot_access-denied");
pub(super) const REGIONS: Source = page!(
    "List of AWS Config Managed Rules by Region Availability",
    "config/latest/developerguide/managing-rules-by-region-availability"
);
pub(super) const LIMITS: Source =
    page!("Service Limits for AWS Config", "config/latest/developerguide/configlimits");
pub(super) const STACK_LIMITS: Source =
    page!("Understand CloudFormation quotas", "AWSCloudFormation/latest/UserGuide/cloudformation-limits");
pub(super) const CLOSED: Source = page!(
    "Closing a member account in an organization with AWS Organizations",
    "organizations/latest/userguide/orgs_manage_accounts_close"
);
pub(super) const DELETE_ORGANIZATION_PACK: Source = api!("DeleteOrganizationConformancePack");
pub(super) const STATUSES: Source = api!("OrganizationConformancePackDetailedStatus");
