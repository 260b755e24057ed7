//! Whether what is published reaches anybody.

use super::finding::Finding;
use super::publishing;
use crate::doctor::facts::{Attributes, Readers, Subscription, Topic, Unanswered};
use crate::model::text::counted;
use crate::settings::TopicArn;

/// `role` is the function's, where there is one.
pub(crate) fn topic(arn: &TopicArn, topic: &Topic, readers: Readers, role: Option<&str>) -> Vec<Finding> {
    let check = format!("topic {}", arn.as_str().rsplit(':').next().unwrap_or_default());
    let mut findings = Vec::new();
    match &topic.attributes {
        Ok(Attributes { key, policy }) => {
            let policy =
                policy.iter().flat_map(|policy| publishing::policy(&check, arn, policy, readers, role));
            findings.extend(policy);
            let key_policy = topic.key_policy.as_ref();
            findings
                .extend(key.iter().flat_map(|key| publishing::key(&check, key, key_policy, readers, role)));
        }
        Err(why) => {
            let finding = Finding::unanswered(&check, why, "the topic does not exist");
            // Every other question would come to the same.
            if !matches!(why, Unanswered::Denied { .. }) {
                return vec![finding.remedy(format!("Check its ARN: {}", arn.as_str()))];
            }
            findings.push(finding);
        }
    }
    match &topic.subscriptions {
        Ok(subscriptions) => findings.extend(subscribed(&check, arn, subscriptions, readers)),
        Err(why) => findings.push(Finding::unanswered(&check, why, "the topic does not exist")),
    }
    if findings.is_empty() {
        let attributes = topic.attributes.as_ref().ok();
        let is_encrypted = attributes.is_some_and(|attributes| attributes.key.is_some());
        let encrypted = if is_encrypted { "encrypted" } else { "not encrypted" };
        let others = attributes.map(publishing::subscribers).unwrap_or_default();
        let message = match topic.subscriptions.as_deref() {
            Ok([]) | Err(_) => format!("no subscribers (optional); {encrypted}{others}"),
            Ok(confirmed) => {
                let n = counted(confirmed.len() as u64, "confirmed subscription");
                format!("{n} ({}); {encrypted}{others}", protocols(confirmed))
            }
        };
        findings.push(Finding::ok(check, message));
    }
    findings
}

/// What is wrong with the subscriptions.
fn subscribed(check: &str, arn: &TopicArn, subscriptions: &[Subscription], readers: Readers) -> Vec<Finding> {
    let pending: Vec<&Subscription> = subscriptions.iter().filter(|one| !one.is_confirmed).collect();
    let silent = pending.len() == subscriptions.len() && readers == Readers::People;
    if subscriptions.is_empty() && silent {
        let subscribe = format!(
            "Subscribe: aws sns subscribe --topic-arn {} --protocol email --notification-endpoint ADDRESS",
            arn.as_str()
        );
        return vec![Finding::failed(check, "no subscribers, so nobody is notified").remedy(subscribe)];
    }
    let finding = |one: &&Subscription| {
        let Subscription { protocol, endpoint, .. } = one;
        let message = format!("the subscription of {endpoint} ({protocol}) is not confirmed");
        let found = if silent {
            Finding::failed(check, format!("{message}, and there is no other"))
        } else {
            Finding::warning(check, message)
        };
        found.remedy(
            "Follow the link in the message from SNS. It is valid for two days; after that, subscribe again",
        )
    };
    pending.iter().map(finding).collect()
}

fn protocols(subscriptions: &[Subscription]) -> String {
    let mut protocols: Vec<&str> = subscriptions.iter().map(|one| one.protocol.as_str()).collect();
    protocols.sort_unstable();
    protocols.dedup();
    protocols.join(", ")
}
