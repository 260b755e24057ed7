//! Whether what is published reaches anybody.

use std::collections::BTreeSet;

use super::finding::Finding;
use crate::doctor::facts::{Answer, Subscription, Unanswered};
use crate::model::text::counted;
use crate::settings::TopicArn;

/// Nobody subscribed to a topic for people means that nobody is notified.
pub(crate) fn topic(
    arn: &TopicArn,
    subscriptions: &Answer<Vec<Subscription>>,
    is_for_people: bool,
) -> Vec<Finding> {
    let arn = arn.as_str();
    let check = format!("topic {}", arn.rsplit(':').next().unwrap_or_default());
    let subscriptions = match subscriptions {
        Ok(subscriptions) => subscriptions,
        Err(Unanswered::Missing) => {
            let missing = Finding::failed(check, "the topic does not exist");
            return vec![missing.remedy(format!("Check its ARN: {arn}"))];
        }
        Err(why) => return vec![Finding::unanswered(check, why)],
    };
    let (confirmed, pending): (Vec<_>, Vec<_>) = subscriptions.iter().partition(|one| one.is_confirmed);
    let unconfirmed = |one: &Subscription| {
        let Subscription { protocol, endpoint, .. } = one;
        let message = format!("the subscription of {endpoint} ({protocol}) is not confirmed");
        let found = if confirmed.is_empty() && is_for_people {
            Finding::failed(&check, format!("{message}, and there is no other"))
        } else {
            Finding::warning(&check, message)
        };
        found.remedy(
            "Follow the link in the message from SNS. It is valid for two days; after that, subscribe again",
        )
    };
    if !pending.is_empty() {
        return pending.into_iter().map(unconfirmed).collect();
    }
    let protocols: BTreeSet<&str> = confirmed.iter().map(|one| one.protocol.as_str()).collect();
    let protocols = Vec::from_iter(protocols).join(", ");
    vec![match confirmed.len() as u64 {
        0 if is_for_people => {
            let nobody = Finding::failed(check, "no subscribers, so nobody is notified");
            nobody.remedy(format!(
                "Subscribe: aws sns subscribe --topic-arn {arn} --protocol email --notification-endpoint ADDRESS"
            ))
        }
        0 => Finding::ok(check, "no subscribers (optional)"),
        n => Finding::ok(check, format!("{} ({protocols})", counted(n, "confirmed subscription"))),
    }]
}
