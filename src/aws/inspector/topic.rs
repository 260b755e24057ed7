//! SNS: a topic and who is subscribed.

use aws_sdk_sns::Client;
use aws_sdk_sns::config::{Builder, Region as SdkRegion};

use super::Inspector;
use crate::doctor::facts::{Answer, Subscription, Topic};
use crate::settings::TopicArn;

impl Inspector {
    /// A topic, in its region.
    pub async fn topic(&self, arn: &TopicArn) -> Topic {
        let region = SdkRegion::new(arn.region().to_owned());
        let client = Client::from_conf(Builder::from(self.sdk()).region(region).build());
        let (key, subscriptions) = tokio::join!(self.key(&client, arn), self.subscriptions(&client, arn));
        Topic { key, subscriptions }
    }

    async fn key(&self, client: &Client, arn: &TopicArn) -> Answer<Option<String>> {
        let asked = client.get_topic_attributes().topic_arn(arn.as_str()).send();
        let attributes = self.ask("sns:GetTopicAttributes", asked).await?.attributes.unwrap_or_default();
        Ok(attributes.get("KmsMasterKeyId").filter(|key| !key.is_empty()).cloned())
    }

    async fn subscriptions(&self, client: &Client, arn: &TopicArn) -> Answer<Vec<Subscription>> {
        let pages = client.list_subscriptions_by_topic().topic_arn(arn.as_str()).into_paginator();
        let subscriptions =
            self.ask("sns:ListSubscriptionsByTopic", pages.items().send().try_collect()).await?;
        let subscriptions = subscriptions.into_iter().map(|one| Subscription {
            protocol: one.protocol.unwrap_or_default(),
            endpoint: one.endpoint.unwrap_or_default(),
            // In place of its ARN stands "PendingConfirmation", or "Deleted" for three days.
            is_confirmed: one.subscription_arn.is_some_and(|arn| arn.starts_with("arn:")),
        });
        Ok(subscriptions.collect())
    }
}
