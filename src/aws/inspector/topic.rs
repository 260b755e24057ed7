//! SNS: who is subscribed to a topic.

use aws_sdk_sns::Client;
use aws_sdk_sns::config::{Builder, Region as SdkRegion};

use super::Inspector;
use crate::doctor::facts::{Answer, Subscription};
use crate::settings::TopicArn;

impl Inspector {
    /// The subscriptions of a topic, in its region.
    pub async fn subscriptions(&self, arn: &TopicArn) -> Answer<Vec<Subscription>> {
        let region = SdkRegion::new(arn.region().to_owned());
        let client = Client::from_conf(Builder::from(self.sdk()).region(region).build());
        let pages = client.list_subscriptions_by_topic().topic_arn(arn.as_str()).into_paginator();
        let subscriptions =
            self.ask("sns:ListSubscriptionsByTopic", pages.items().send().try_collect()).await?;
        let subscriptions = subscriptions.into_iter().map(|one| Subscription {
            protocol: one.protocol.unwrap_or_default(),
            endpoint: one.endpoint.unwrap_or_default(),
            // In place of its ARN stands "PendingConfirmation", or "Deleted" for some days.
            is_confirmed: one.subscription_arn.is_some_and(|arn| arn.starts_with("arn:")),
        });
        Ok(subscriptions.collect())
    }
}
