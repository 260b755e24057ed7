//! SNS: a topic, its key's policy, and who is subscribed.

use aws_sdk_sns::Client;
use aws_sdk_sns::config::{Builder, Region as SdkRegion};
use futures_util::future::OptionFuture;
use serde_json::{Value, json};

use super::Inspector;
use super::call::{JSON_1_1, Request, Service};
use crate::doctor::facts::{Answer, Attributes, Subscription, Topic};
use crate::doctor::policy::Policy;
use crate::settings::TopicArn;

const KMS: Service = Service { id: "KMS", name: "kms" };

impl Inspector {
    /// A topic, in its region.
    pub async fn topic(&self, arn: &TopicArn) -> Topic {
        let region = SdkRegion::new(arn.region().to_owned());
        let client = Client::from_conf(Builder::from(self.sdk()).region(region).build());
        let described = async {
            let attributes = self.attributes(&client, arn).await;
            let key = attributes.as_ref().ok().and_then(|attributes| attributes.key.as_deref());
            // KMS shows the policy of a key, not of an alias, and calls without a client are made in one region.
            let shown = |key: &&str| !key.contains("alias/") && self.is_here(arn.region());
            let key_policy: OptionFuture<_> = key.filter(shown).map(|key| self.key_policy(key)).into();
            let key_policy = key_policy.await;
            (attributes, key_policy)
        };
        let ((attributes, key_policy), subscriptions) =
            tokio::join!(described, self.subscriptions(&client, arn));
        Topic { attributes, key_policy, subscriptions }
    }

    fn is_here(&self, region: &str) -> bool {
        self.sdk().region().is_some_and(|here| here.as_ref() == region)
    }

    async fn attributes(&self, client: &Client, arn: &TopicArn) -> Answer<Attributes> {
        let asked = client.get_topic_attributes().topic_arn(arn.as_str()).send();
        let attributes = self.ask("sns:GetTopicAttributes", asked).await?.attributes.unwrap_or_default();
        Ok(Attributes {
            key: attributes.get("KmsMasterKeyId").filter(|key| !key.is_empty()).cloned(),
            policy: attributes.get("Policy").and_then(|policy| Policy::parse(policy)),
        })
    }

    /// A key's only policy is named `default`.
    async fn key_policy(&self, key: &str) -> Answer<Policy> {
        let request = json!({"KeyId": key, "PolicyName": "default"});
        let request = Request::Json(JSON_1_1, "TrentService.GetKeyPolicy", request);
        let answer = self.within(self.call(&KMS, "kms:GetKeyPolicy", request)).await?;
        let policy = answer.get("Policy").and_then(Value::as_str);
        // What cannot be read forbids nothing.
        Ok(policy.and_then(Policy::parse).unwrap_or_default())
    }

    async fn subscriptions(&self, client: &Client, arn: &TopicArn) -> Answer<Vec<Subscription>> {
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
