//! The rows, and what is said where none fits.
//!
//! To add a row: the code as AWS Config spells it (or a part of the message, in lower case, where codes
//! are too general), two short sentences, and the title and address of AWS's page. Say no more than that
//! page does, and mind the order: a message may fit several rows, and the first one counts.

/// A page of AWS's documentation.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// As the page is titled.
    pub title: &'static str,
    /// Its address.
    pub url: &'static str,
}

/// What is known of an error.
#[derive(Debug, PartialEq, Eq)]
pub struct Hint {
    /// The error codes that it is about.
    pub(super) codes: &'static [&'static str],
    /// Parts of error messages, in lower case, any of which tells that it is about this.
    pub(super) messages: &'static [&'static str],
    /// What it means.
    pub means: &'static str,
    /// What to do.
    pub todo: &'static str,
    /// Where AWS says so.
    pub source: &'static Source,
    /// Whether AWS Config itself tries again, for [`RETRIED`], in an account that is new.
    pub(super) retried: bool,
}

macro_rules! source {
    ($name:ident, $title:literal, $path:literal) => {
        pub(super) static $name: Source =
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
source!(
    SERVICE_LINKED_ROLES,
    "Using Service-Linked Roles for AWS Config",
    "config/latest/developerguide/using-service-linked-roles.html"
);
source!(
    SERVICE_LINKED_RULES,
    "Service-Linked AWS Config Rules",
    "config/latest/developerguide/service-linked-awsconfig-rules.html"
);
source!(LIMITS, "Service Limits for AWS Config", "config/latest/developerguide/configlimits.html");
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

/// The rows, of which the first that fits is taken.
pub(super) static HINTS: [Hint; 12] = [
    Hint {
        codes: &["UnableToAssumeServiceLinkedRoleException"],
        messages: &["unable to assume service-linked role", "unable to assume service linked role"],
        means: "AWS Config could not assume its service-linked role in the account. This was seen where AWS \
                Config had never been turned on, for example in management accounts.",
        todo: "Turn on AWS Config in that account and region, then deploy the pack again.",
        source: &SERVICE_LINKED_ROLES,
        retried: false,
    },
    Hint {
        codes: &[],
        messages: &["config:deleteconfigrule", "owns servicelinkedconfigrule"],
        means: "AWS Config could not delete one of the pack's rules in the account. Rules that an AWS service \
                owns cannot be deleted by others.",
        todo: "Find the rule in the message. aws configservice describe-config-rules shows which service created \
               it (CreatedBy). Turn the rule off in that service, or ask AWS Support.",
        source: &SERVICE_LINKED_RULES,
        retried: false,
    },
    Hint {
        codes: &[
            "NoAvailableConfigurationRecorder",
            "NoAvailableConfigurationRecorderException",
            "NoRunningConfigurationRecorderException",
            "NoSuchConfigurationRecorderException",
        ],
        messages: &["configuration recorder", "config recorder"],
        means: "AWS Config is not set up in this account and region: there is no configuration recorder.",
        todo: "Turn on AWS Config there: create a customer managed configuration recorder, and start it.",
        source: &ORGANIZATION,
        retried: true,
    },
    Hint {
        codes: &["InsufficientDeliveryPolicyException", "NoSuchBucketException"],
        messages: &["delivery bucket", "deliverys3bucket", "awsconfigconforms-"],
        means: "The pack cannot use its delivery bucket.",
        todo: "Check that the bucket exists, that its name starts with awsconfigconforms, and that its \
               policy lets AWSServiceRoleForConfigConforms of every member account write.",
        source: &ORGANIZATION,
        retried: false,
    },
    Hint {
        codes: &["InvalidRoleException"],
        messages: &["service-linked role", "service linked role", "createservicelinkedrole"],
        means: "The role with which AWS Config deploys packs is missing in the account, or cannot be created.",
        todo: "Create AWSServiceRoleForConfigConforms there: aws iam create-service-linked-role \
               --aws-service-name config-conforms.amazonaws.com. If that is denied, scan for a service \
               control policy.",
        source: &PUT_PACK,
        retried: false,
    },
    Hint {
        codes: &["MaxNumberOfConfigRulesExceededException"],
        messages: &["maximum number of config rules", "maximum number of rules"],
        means: "A quota of AWS Config rules is used up: 1,000 per account and region, including those of packs, \
                and 130 per pack.",
        todo: "Delete unused rules there, or put fewer rules into the pack. AWS does not raise these quotas.",
        source: &LIMITS,
        retried: false,
    },
    Hint {
        codes: &[
            "MaxNumberOfConformancePacksExceededException",
            "MaxNumberOfOrganizationConformancePacksExceededException",
        ],
        messages: &["limit of the number of conformance packs", "maximum number of conformance packs"],
        means: "A quota of conformance packs is used up: 50 per account and region, including the organization's \
                packs, and 50 per organization.",
        todo: "Delete a conformance pack that is no longer used. AWS does not raise these quotas.",
        source: &LIMITS,
        retried: false,
    },
    Hint {
        codes: &[
            "ConformancePackTemplateValidationException",
            "OrganizationConformancePackTemplateValidationException",
        ],
        messages: &["template validation", "template error", "invalid template"],
        means: "The pack's template, or a parameter of it, is not valid in this account and region.",
        todo: "Fix the template (a rule or remediation may not exist in this region), then deploy the pack \
               again.",
        source: &PUT_ORGANIZATION_PACK,
        retried: false,
    },
    Hint {
        codes: &["ResourceInUseException", "ConflictException", "ResourceConcurrentModificationException"],
        messages: &["is in progress", "remediation action"],
        means: "Another change to the pack was in progress in the account, or a remediation was running.",
        todo: "Wait until it has finished, then deploy the pack again.",
        source: &PUT_PACK,
        retried: false,
    },
    Hint {
        codes: &["AccountSuspendedException", "AWSAccountSuspended"],
        messages: &["suspended", "account is closed", "account has been closed"],
        means: "The account is suspended or closed: nothing can be deployed to it.",
        todo: "Exclude it from the pack (ExcludedAccounts), or from packwatch (PACKWATCH_EXCLUDE_ACCOUNTS); \
               a closed account leaves the organization after 90 days.",
        source: &CLOSED,
        retried: false,
    },
    Hint {
        codes: &["ThrottlingException", "LimitExceededException", "RequestLimitExceeded"],
        messages: &["rate exceeded", "throttl"],
        means: "AWS throttled the deployment: too many requests at once.",
        todo: "Deploy the pack again later, with fewer packs at the same time.",
        source: &PUT_ORGANIZATION_PACK,
        retried: false,
    },
    Hint {
        codes: &[
            "AccessDenied",
            "AccessDeniedException",
            "InsufficientPermissions",
            "InsufficientPermissionsException",
            "OrganizationAccessDeniedException",
        ],
        messages: &["access denied", "not authorized", "explicit deny"],
        means: "AWS Config lacks a permission that the pack needs.",
        todo: "Find the denied action in the message. Check that the template's bucket or document can be read \
               from the account, and look for a service control policy that denies the action.",
        source: &PUT_ORGANIZATION_PACK,
        retried: false,
    },
];

/// For what no row knows.
pub static ANY_FAILURE: Hint = Hint {
    codes: &[],
    messages: &[],
    means: "AWS Config could not deploy the pack to the account.",
    todo: "In that account, run aws configservice describe-conformance-pack-status. If it names a stack, the \
           stack's events in AWS CloudFormation show why.",
    source: &TROUBLESHOOTING,
    retried: false,
};

/// For a deployment that does not end.
pub static STUCK: Hint = Hint {
    codes: &[],
    messages: &[],
    means: "The deployment is taking longer than it should.",
    todo: "In that account, run aws configservice describe-conformance-pack-status. If it names a stack, the \
           stack's events in AWS CloudFormation show what it is waiting for.",
    source: &TROUBLESHOOTING,
    retried: false,
};

/// For an account that changes too often.
pub static FLAPPING: Hint = Hint {
    codes: &[],
    messages: &[],
    means: "The status changes back and forth. You are notified again when it has not changed for an hour; \
            packwatch history lists every change.",
    todo: "Look for two deployments of the pack that undo each other, or a remediation that runs again and \
           again.",
    source: &TROUBLESHOOTING,
    retried: false,
};

/// For a status that AWS did not document when this was written.
pub static UNRECOGNISED: Hint = Hint {
    codes: &[],
    messages: &[],
    means: "AWS Config reports a status that this version of packwatch does not know.",
    todo: "Look it up on AWS's page, and update packwatch.",
    source: &STATUSES,
    retried: false,
};

/// For a pack that is gone.
pub static PACK_DELETED: Hint = Hint {
    codes: &[],
    messages: &[],
    means: "The pack's rules and remediations are gone from these accounts, so they are no longer checked.",
    todo: "If this was a mistake, AWS CloudTrail's event DeleteOrganizationConformancePack shows who deleted \
           it. Deploy the pack again.",
    source: &DELETE_ORGANIZATION_PACK,
    retried: false,
};
