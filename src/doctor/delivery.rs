//! Whether what is published reaches anybody.

use super::finding::Finding;
use crate::doctor::facts::{Subscription, Topic, Unanswered};
use crate::model::text::counted;
use crate::settings::TopicArn;

/// Whom a topic is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readers {
    /// Nobody subscribed means that nobody is told.
    People,
    /// May be nobody.
    Machines,
}

pub(crate) fn topic(arn: &TopicArn, topic: &Topic, readers: Readers) -> Vec<Finding> {
    let check = format!("topic {}", arn.as_str().rsplit(':').next().unwrap_or_default());
    let mut findings = Vec::new();
    match &topic.key {
        // Its key policy cannot be changed, and it does not let CloudWatch in.
        Ok(Some(key)) if key.ends_with("alias/aws/sns") => {
            let message = "encrypted with alias/aws/sns, so CloudWatch alarms cannot publish to it";
            findings.push(
                Finding::warning(&check, message).remedy("Use a customer managed key, as template.yaml does"),
            );
        }
        Ok(_) => {}
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
        let encrypted = if matches!(topic.key, Ok(Some(_))) { "encrypted" } else { "not encrypted" };
        let message = match topic.subscriptions.as_deref() {
            Ok([]) | Err(_) => format!("no subscribers (optional); {encrypted}"),
            Ok(confirmed) => {
                let n = counted(confirmed.len() as u64, "confirmed subscription");
                format!("{n} ({}); {encrypted}", protocols(confirmed))
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
            "Follow the link in the message from SNS. It is valid for 3 days; after that, subscribe again",
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
