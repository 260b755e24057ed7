//! The rows, and what is said where none fits.
//!
//! To add a row: the code as AWS Config spells it, or phrases of the message where codes are too general (in lower
//! case; `…` stands for anything within one word), two short sentences, and the title and address of AWS's page. Say
//! no more than that page does, mind the order (the first row that fits counts), and add a real text to `texts.tsv`.

use super::sources::*;

/// What is known of an error.
#[derive(Debug, PartialEq, Eq)]
pub struct Hint {
    /// Tells it from the others, in `texts.tsv` too.
    pub name: &'static str,
    /// The error codes that it is about.
    pub(super) codes: &'static [&'static str],
    /// Phrases of error messages, any of which tells that it is about this.
    pub(super) messages: &'static [&'static str],
    /// What it means.
    pub means: &'static str,
    /// What to do.
    pub todo: &'static str,
    /// Where AWS says so.
    pub source: Source,
    /// Whether AWS Config itself tries again, for [`RETRIED`](super::RETRIED), in an account that is new.
    pub(super) retried: bool,
}

/// What a row has unless it says otherwise.
const ROW: Hint = Hint {
    name: "",
    codes: &[],
    messages: &[],
    means: "",
    todo: "",
    source: TROUBLESHOOTING,
    retried: false,
};

/// The rows, of which the first that fits is taken: from what says most to what says least.
pub(super) static HINTS: [Hint; 21] = [
    Hint {
        name: "SERVICE_CONTROL_POLICY",
        messages: &["explicit deny in a service control policy", "no service control policy allows"],
        means: "A service control policy of the organization denies AWS Config an action in this account.",
        todo: "Find the action in the message. Allow it in the policy, or exclude the account from the \
               pack (ExcludedAccounts).",
        source: DENIED,
        ..ROW
    },
    Hint {
        name: "UNUSED",
        codes: &["UnableToAssumeServiceLinkedRoleException"],
        messages: &["unable to assume service-linked role"],
        means: "AWS Config could not assume its service-linked role in the account. This was seen where \
               AWS Config had never been turned on, for example in management accounts.",
        todo: "Turn on AWS Config in that account and region, then deploy the pack again.",
        source: SERVICE_LINKED_ROLES,
        ..ROW
    },
    Hint {
        name: "ROLE",
        messages: &["unable to assume role"],
        means: "AWS Config could not assume the IAM role that the message names.",
        todo: "Check that the role exists, and that its trust policy lets config.amazonaws.com assume it.",
        source: ROLE_PERMISSIONS,
        ..ROW
    },
    Hint {
        name: "DANGLING",
        messages: &["perform config:deleteconfigrule", "service owns servicelinkedconfigrule"],
        means: "AWS Config could not change or delete one of the pack's rules. AWS calls it a dangling \
               rule: the pack's stack was changed outside AWS Config.",
        todo: "Delete the pack's AWS CloudFormation stack in that account, then the pack. AWS Support \
               removes rules that remain: give it their ARNs.",
        source: TROUBLESHOOTING,
        ..ROW
    },
    Hint {
        name: "REMEDIATION",
        messages: &[
            "currently has a remediationconfiguration",
            "remediation action is associated with the rule",
        ],
        means: "AWS Config could not delete one of the pack's rules, because a remediation belongs to it.",
        todo: "In that account, delete it (aws configservice delete-remediation-configuration \
               --config-rule-name RULE), then try again.",
        source: DELETE_RULE,
        ..ROW
    },
    Hint {
        name: "STOPPED",
        codes: &["NoRunningConfigurationRecorderException"],
        messages: &["no configuration recorder running"],
        means: "The configuration recorder of AWS Config is stopped in this account and region.",
        todo: "Start it: aws configservice start-configuration-recorder --configuration-recorder-name \
               NAME.",
        source: ORGANIZATION,
        ..ROW
    },
    Hint {
        name: "RECORDER",
        codes: &[
            "NoAvailableConfigurationRecorder",
            "NoAvailableConfigurationRecorderException",
            "NoSuchConfigurationRecorderException",
        ],
        messages: &[
            "create a configuration recorder before",
            "configuration recorder is not available",
            "config recorder is not available",
            "no configuration recorder",
            "no customer managed configuration recorders",
            "configuration recorder that does not exist",
        ],
        means: "AWS Config is not set up in this account and region: there is no configuration recorder.",
        todo: "Turn on AWS Config there: create a customer managed configuration recorder, and start it.",
        source: ORGANIZATION,
        retried: true,
    },
    Hint {
        name: "LAMBDA",
        messages: &["lambda function … cannot be invoked", "lambda function cannot be invoked"],
        means: "AWS Config cannot invoke the AWS Lambda function of a custom rule in the pack.",
        todo: "Check that the function exists, and that its policy lets config.amazonaws.com invoke it for \
               this account (aws lambda add-permission).",
        source: PUT_RULE,
        ..ROW
    },
    Hint {
        name: "IDENTIFIER",
        messages: &["sourceidentifier … is invalid"],
        means: "A managed rule in the pack's template does not exist in this region, or its identifier is \
               misspelt.",
        todo: "Look up the identifier on AWS's page. Remove the rule for this region (Conditions), or \
               correct it.",
        source: REGIONS,
        ..ROW
    },
    Hint {
        name: "RESOURCES",
        messages: &[
            "number of resources provided in the template exceeds the allowed limit",
            "number of resources … is greater than maximum allowed",
        ],
        means: "The pack's template has more resources than AWS takes. A pack may have 130 rules.",
        todo: "Split the pack, or remove rules from it. AWS does not raise this quota.",
        source: LIMITS,
        ..ROW
    },
    Hint {
        name: "RULES",
        codes: &["MaxNumberOfConfigRulesExceededException"],
        messages: &[
            "already contains … config rules",
            "contains the maximum number of … rules",
            "maximum number of config rules",
        ],
        means: "A quota of AWS Config rules is used up: 1,000 per account and region, including those of \
               packs, and 130 per pack.",
        todo: "Delete unused rules there, or put fewer rules into the pack. AWS does not raise these \
               quotas.",
        source: LIMITS,
        ..ROW
    },
    Hint {
        name: "PACKS",
        codes: &[
            "MaxNumberOfConformancePacksExceededException",
            "MaxNumberOfOrganizationConformancePacksExceededException",
        ],
        messages: &[
            "limit of the number of conformance packs",
            "limit of the number of organization conformance packs",
        ],
        means: "A quota of conformance packs is used up: 50 per account and region, including the \
               organization's packs, and 50 per organization.",
        todo: "Delete a conformance pack that is no longer used. AWS does not raise these quotas.",
        source: LIMITS,
        ..ROW
    },
    Hint {
        name: "STACKS",
        messages: &["limit for stack has been exceeded", "limit for stacks has been exceeded"],
        means: "A quota of AWS CloudFormation stacks is used up in the account and region. Each pack is \
               deployed as a stack.",
        todo: "Delete stacks there that are no longer used, then deploy the pack again.",
        source: STACK_LIMITS,
        ..ROW
    },
    Hint {
        name: "BUCKET",
        codes: &["InsufficientDeliveryPolicyException", "NoSuchBucket", "NoSuchBucketException"],
        messages: &[
            "insufficient delivery policy to s3 bucket",
            "s3 bucket does not exist",
            "specified bucket does not exist",
            "arn:…:s3:::awsconfigconforms…",
            "s3 error access denied",
            "access denied service amazon s3",
            "valid s3 object to which you have access",
        ],
        means: "AWS Config cannot use the pack's Amazon S3 bucket.",
        todo: "Check that the bucket exists, that the delivery bucket's name starts with \
               awsconfigconforms, and that its policy lets AWSServiceRoleForConfigConforms of every member \
               account read and write.",
        source: ORGANIZATION,
        ..ROW
    },
    Hint {
        name: "SERVICE_LINKED_ROLE",
        messages: &[
            "perform iam:createservicelinkedrole",
            "call iam getrole action or create a service-linked role",
        ],
        means: "AWS Config could not create the service-linked role with which it deploys packs.",
        todo: "Create it in that account: aws iam create-service-linked-role --aws-service-name \
               config-conforms.amazonaws.com.",
        source: PUT_PACK,
        ..ROW
    },
    Hint {
        name: "SUSPENDED",
        messages: &[
            "account is suspended",
            "account … is suspended",
            "account has been suspended",
            "account is closed",
            "account has been closed",
        ],
        means: "The account is suspended or closed: nothing can be deployed to it.",
        todo: "Exclude it from the pack (ExcludedAccounts), or from packwatch \
               (PACKWATCH_EXCLUDE_ACCOUNTS); a closed account leaves the organization after 90 days.",
        source: CLOSED,
        ..ROW
    },
    Hint {
        name: "IN_PROGRESS",
        messages: &[
            "conformance pack creation update and deletion is in progress",
            "remediation action is in progress",
            "rule … is currently being deleted",
        ],
        means: "Another change to the pack, or a remediation of one of its rules, was in progress in the \
               account.",
        todo: "Wait until it has finished, then deploy the pack again.",
        source: PUT_PACK,
        ..ROW
    },
    Hint {
        name: "IN_USE",
        codes: &["ResourceInUseException"],
        means: "AWS Config was still changing the pack or one of its rules, or a remediation belongs to a \
               rule that it had to delete.",
        todo: "See the message. Wait until the change has finished, or delete the remediation; then deploy \
               the pack again.",
        source: PUT_PACK,
        ..ROW
    },
    Hint {
        name: "TEMPLATE",
        codes: &[
            "ConformancePackTemplateValidationException",
            "OrganizationConformancePackTemplateValidationException",
        ],
        messages: &[
            "property validation failure",
            "invalid remediationparametervalues",
            "maximum execution frequency for this rule is not allowed",
            "template error",
            "template format error",
            "template validation error",
        ],
        means: "The pack's template, or a parameter of it, is not valid in this account and region.",
        todo: "Fix what the message names, then deploy the pack again.",
        source: PUT_ORGANIZATION_PACK,
        ..ROW
    },
    Hint {
        name: "THROTTLED",
        codes: &["Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"],
        messages: &["rate exceeded"],
        means: "AWS throttled the deployment: too many requests at once.",
        todo: "Deploy the pack again later, with fewer packs at the same time.",
        source: PUT_ORGANIZATION_PACK,
        ..ROW
    },
    Hint {
        name: "PERMISSION",
        codes: &[
            "AccessDenied",
            "AccessDeniedException",
            "InsufficientPermissions",
            "InsufficientPermissionsException",
        ],
        messages: &[
            "not authorized to perform",
            "access denied",
            "permission to read amazon s3 bucket or call ssm:getdocument",
        ],
        means: "AWS Config lacks a permission that the pack needs.",
        todo: "Find the denied action in the message, and who was denied. The end of the message may name \
               the kind of policy that denies it.",
        source: DENIED,
        ..ROW
    },
];

/// For what no row knows.
pub static ANY_FAILURE: Hint = Hint {
    name: "ANY_FAILURE",
    means: "AWS Config could not deploy the pack to the account.",
    todo: "In that account, run aws configservice describe-conformance-pack-status. If it names a stack, \
           the stack's events in AWS CloudFormation show why.",
    source: TROUBLESHOOTING,
    ..ROW
};

/// For a deployment that does not end.
pub static STUCK: Hint = Hint {
    name: "STUCK",
    means: "The deployment is taking longer than it should.",
    todo: "In that account, run aws configservice describe-conformance-pack-status. If it names a stack, \
           the stack's events in AWS CloudFormation show what it is waiting for.",
    source: TROUBLESHOOTING,
    ..ROW
};

/// For an account that changes too often.
pub static FLAPPING: Hint = Hint {
    name: "FLAPPING",
    means: "The status changes back and forth. You are notified again when it has not changed for an hour; \
           packwatch history lists every change.",
    todo: "Look for two deployments of the pack that undo each other, or a remediation that runs again and \
           again.",
    source: TROUBLESHOOTING,
    ..ROW
};

/// For a status that AWS did not document when this was written.
pub static UNRECOGNISED: Hint = Hint {
    name: "UNRECOGNISED",
    means: "AWS Config reports a status that this version of packwatch does not know.",
    todo: "Look it up on AWS's page, and update packwatch.",
    source: STATUSES,
    ..ROW
};

/// For a pack that is gone.
pub static PACK_DELETED: Hint = Hint {
    name: "PACK_DELETED",
    means: "The pack's rules and remediations are gone from these accounts, so they are no longer checked.",
    todo: "If this was a mistake, AWS CloudTrail's event DeleteOrganizationConformancePack shows who \
           deleted it. Deploy the pack again.",
    source: DELETE_ORGANIZATION_PACK,
    ..ROW
};
