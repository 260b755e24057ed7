//! The pages of AWS's documentation that say what the hints say.

/// A page of AWS's documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// As the page is titled.
    pub title: &'static str,
    /// Its address.
    pub url: &'static str,
}

macro_rules! source {
    ($name:ident, $title:literal, $path:literal) => {
        pub(super) const $name: Source =
            Source { title: $title, url: concat!("https://docs.aws.amazon.com/", $path) };
    };
}

source!(
    ORGANIZATION,
    "Managing Conformance Packs for AWS Config Across all Accounts in Your Organization",
    "config/latest/developerguide/conformance-pack-organization-apis.html"
);
source!(
    TROUBLESHOOTING,
    "Troubleshooting for Conformance Packs for AWS Config",
    "config/latest/developerguide/troubleshooting-conformance-pack.html"
);
source!(PUT_PACK, "PutConformancePack", "config/latest/APIReference/API_PutConformancePack.html");
source!(
    PUT_ORGANIZATION_PACK,
    "PutOrganizationConformancePack",
    "config/latest/APIReference/API_PutOrganizationConformancePack.html"
);
source!(PUT_RULE, "PutConfigRule", "config/latest/APIReference/API_PutConfigRule.html");
source!(DELETE_RULE, "DeleteConfigRule", "config/latest/APIReference/API_DeleteConfigRule.html");
source!(
    SERVICE_LINKED_ROLES,
    "Using Service-Linked Roles for AWS Config",
    "config/latest/developerguide/using-service-linked-roles.html"
);
source!(
    ROLE_PERMISSIONS,
    "Permissions for the IAM Role Assigned to AWS Config",
    "config/latest/developerguide/iamrole-permissions.html"
);
source!(
    DENIED,
    "Troubleshoot access denied error messages",
    "IAM/latest/UserGuide/troubleshoot_access-denied.html"
);
source!(
    REGIONS,
    "List of AWS Config Managed Rules by Region Availability",
    "config/latest/developerguide/managing-rules-by-region-availability.html"
);
source!(LIMITS, "Service Limits for AWS Config", "config/latest/developerguide/configlimits.html");
source!(
    STACK_LIMITS,
    "Understand CloudFormation quotas",
    "AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"
);
source!(
    CLOSED,
    "Closing a member account in an organization with AWS Organizations",
    "organizations/latest/userguide/orgs_manage_accounts_close.html"
);
source!(
    DELETE_ORGANIZATION_PACK,
    "DeleteOrganizationConformancePack",
    "config/latest/APIReference/API_DeleteOrganizationConformancePack.html"
);
source!(
    STATUSES,
    "OrganizationConformancePackDetailedStatus",
    "config/latest/APIReference/API_OrganizationConformancePackDetailedStatus.html"
);
