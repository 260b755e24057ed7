//! A topic's attributes and who is subscribed.

use super::messages::Sns;
use super::sns::escape;
use super::{ServiceError, World};
use std::fmt::Write;

/// How many subscriptions a page holds.
const PAGE: usize = 100;

/// A subscription of a topic.
#[derive(Debug, Clone)]
pub struct Subscription {
    pub protocol: String,
    pub endpoint: String,
    pub is_confirmed: bool,
}

/// Answers `GetTopicAttributes` for a topic that exists.
pub fn attributes(sns: &Sns, arn: &str) -> String {
    let subscriptions = sns.subscriptions.get(arn).map_or(&[][..], Vec::as_slice);
    let confirmed = subscriptions.iter().filter(|one| one.is_confirmed).count();
    let attributes = [
        ("TopicArn", arn.to_owned()),
        ("SubscriptionsConfirmed", confirmed.to_string()),
        ("SubscriptionsPending", (subscriptions.len() - confirmed).to_string()),
    ];
    let entry = |(name, value): (&str, String)| {
        format!("<entry><key>{name}</key><value>{}</value></entry>", escape(&value))
    };
    format!("<Attributes>{}</Attributes>", attributes.into_iter().map(entry).collect::<String>())
}

/// Answers `ListSubscriptionsByTopic` for a topic that exists; the token is where the page begins.
pub fn list(sns: &Sns, arn: &str, token: Option<&str>) -> Result<String, ServiceError> {
    let start: usize = token.unwrap_or("0").parse().map_err(|_| {
        ServiceError::new(400, "InvalidParameter", "Invalid parameter: NextToken Reason: Unable to parse")
    })?;
    let subscriptions = sns.subscriptions.get(arn).map_or(&[][..], Vec::as_slice);
    let mut members = String::new();
    for (n, one) in subscriptions.iter().enumerate().skip(start).take(PAGE) {
        let own = if one.is_confirmed { format!("{arn}:{n:012}") } else { "PendingConfirmation".to_owned() };
        let (protocol, endpoint) = (escape(&one.protocol), escape(&one.endpoint));
        let _infallible = write!(
            members,
            "<member><TopicArn>{arn}</TopicArn><Protocol>{protocol}</Protocol><SubscriptionArn>{own}\
             </SubscriptionArn><Owner>999999999999</Owner><Endpoint>{endpoint}</Endpoint></member>"
        );
    }
    let next = start + PAGE;
    let more =
        if next < subscriptions.len() { format!("<NextToken>{next}</NextToken>") } else { String::new() };
    Ok(format!("<Subscriptions>{members}</Subscriptions>{more}"))
}

impl World {
    /// Somebody subscribes to a topic.
    pub fn subscribe(&self, topic: &str, protocol: &str, endpoint: &str, is_confirmed: bool) -> &Self {
        let (protocol, endpoint) = (protocol.to_owned(), endpoint.to_owned());
        let subscription = Subscription { protocol, endpoint, is_confirmed };
        self.lock().sns.subscriptions.entry(topic.to_owned()).or_default().push(subscription);
        self
    }
}
