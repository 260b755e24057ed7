//! Whether what is published reaches anybody.

use super::finding::Finding;
use crate::doctor::facts::{Answer, Readers, Subscription, Unanswered};
use crate::model::text::counted;
use crate::settings::TopicArn;

pub(crate) fn topic(
    arn: &TopicArn,
    subscriptions: &Answer<Vec<Subscription>>,
    readers: Readers,
) -> Vec<Finding> {
    let check = format!("topic {}", arn.as_str().rsplit(':').next().unwrap_or_default());
    let subscriptions = match subscriptions {
        Ok(subscriptions) => subscriptions,
        Err(why) => {
            let finding = Finding::unanswered(&check, why, "the topic does not exist");
            let is_missing = matches!(why, Unanswered::Missing);
            let scan = || format!("Check its ARN: {}", arn.as_str());
            return vec![if is_missing { finding.remedy(scan()) } else { finding }];
        }
    };
    let findings = subscribed(&check, arn, subscriptions, readers);
    if !findings.is_empty() {
        return findings;
    }
    let message = match subscriptions.as_slice() {
        [] => "no subscribers (optional)".to_owned(),
        confirmed => {
            let n = counted(confirmed.len() as u64, "confirmed subscription");
            format!("{n} ({})", protocols(confirmed))
        }
    };
    vec![Finding::ok(check, message)]
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
