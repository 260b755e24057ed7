//! Whether a topic takes what is published, and from whom.

use super::finding::Finding;
use super::policy::{Policy, Who, account_of};
use crate::doctor::facts::{Answer, Attributes, Readers, Unanswered};
use crate::settings::TopicArn;

const ALARMS: &str = "cloudwatch.amazonaws.com";
const PUBLISH: &str = "sns:Publish";
const SUBSCRIBE: &str = "sns:Subscribe";
/// What whoever publishes to an encrypted topic needs of its key.
const OF_KEY: [&str; 2] = ["kms:GenerateDataKey", "kms:Decrypt"];

/// What is wrong with who may publish and subscribe, by the topic's own policy. `role` is the function's.
pub(super) fn policy(
    check: &str,
    arn: &TopicArn,
    policy: &Policy,
    readers: Readers,
    role: Option<&str>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(role) = role {
        let who = Who::role(role);
        let owner = account_of(arn.as_str());
        if let Some(statement) = policy.denies(PUBLISH, &who) {
            let message = format!("its policy denies {PUBLISH} to the function (statement {statement})");
            findings.push(Finding::failed(check, message).remedy("Take this out of the topic's policy"));
        } else if owner != account_of(role) && !policy.may_allow(PUBLISH, &who) {
            let message =
                format!("it is another account's, {owner}, and its policy does not let the function publish");
            findings.push(Finding::failed(check, message).remedy(format!("Allow {PUBLISH} to {role} there")));
        }
        if readers == Readers::People && !policy.may_allow(PUBLISH, &Who::service(ALARMS)) {
            let message = "its policy does not let CloudWatch's alarms publish to it";
            let remedy =
                format!("Allow {PUBLISH} to {ALARMS}, as template.yaml does, unless alarms go elsewhere");
            findings.push(Finding::warning(check, message).remedy(remedy));
        }
    }
    for (action, may) in [(PUBLISH, "publish to it"), (SUBSCRIBE, "subscribe to it and read everything")] {
        if policy.is_open(action) {
            let message = format!("anybody on AWS may {may}");
            let remedy = format!("Give the statement on {action} a condition, such as aws:PrincipalOrgID");
            findings.push(Finding::warning(check, message).remedy(remedy));
        }
    }
    findings
}

/// What is wrong with the key that encrypts the topic.
pub(super) fn key(
    check: &str,
    key: &str,
    policy: Option<&Answer<Policy>>,
    readers: Readers,
    role: Option<&str>,
) -> Vec<Finding> {
    // Its key policy cannot be changed, and it does not let CloudWatch in.
    if key.ends_with("alias/aws/sns") {
        let message = "encrypted with alias/aws/sns, with which CloudWatch alarms cannot publish to it";
        return vec![Finding::warning(check, message).remedy("Use a key of your own, as template.yaml does")];
    }
    let policy = match policy {
        None => return Vec::new(),
        Some(Ok(policy)) => policy,
        // A key of another account is never shown.
        Some(Err(why @ Unanswered::Denied { .. })) => return vec![Finding::unanswered(check, why, "")],
        Some(Err(why)) => {
            let finding = Finding::unanswered(
                check,
                why,
                &format!("there is no key {key}, so nothing can be published"),
            );
            return vec![
                finding.remedy("See docs/runbook.md: the topics' key is disabled or will be deleted"),
            ];
        }
    };
    let mut findings = Vec::new();
    let Some(role) = role else { return findings };
    let (function, alarms) = (Who::role(role), Who::service(ALARMS));
    if OF_KEY.iter().any(|action| !policy.may_allow(action, &function)) {
        let message = "its key's policy lets neither the function nor its account use the key";
        findings.push(
            Finding::failed(check, message).remedy(format!("Allow {} to {role} there", OF_KEY.join(" and "))),
        );
    }
    if readers == Readers::People && OF_KEY.iter().any(|action| !policy.may_allow(action, &alarms)) {
        let message = "its key's policy does not let CloudWatch's alarms publish to it";
        let remedy = format!("Allow {} to {ALARMS} there, unless alarms go elsewhere", OF_KEY.join(" and "));
        findings.push(Finding::warning(check, message).remedy(remedy));
    }
    findings
}

/// Who else may subscribe, for the line that says that all is well.
pub(super) fn subscribers(attributes: &Attributes) -> String {
    let organizations = attributes.policy.iter().flat_map(|policy| policy.organizations(SUBSCRIBE));
    organizations.map(|id| format!("; organization {id} may subscribe")).collect()
}
