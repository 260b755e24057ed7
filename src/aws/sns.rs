//! SNS: the alerts topic for people, the events topic for machines.

use std::collections::HashMap;

use aws_sdk_sns::Client;
use aws_sdk_sns::config::{Builder, Region as SdkRegion};
use aws_sdk_sns::error::BuildError;
use aws_sdk_sns::operation::publish_batch::PublishBatchOutput;
use aws_sdk_sns::types::{MessageAttributeValue, PublishBatchRequestEntry};

use super::connection::Connection;
use super::fault::{Fault, LeaveThrottling};
use crate::notify::message::{Alert, Attribute, Event};
use crate::ports::{Machines, PublishError, Publisher};
use crate::rate_limit::{Priority, RateLimiter};
use crate::settings::TopicArn;

/// A topic, with a client in its region.
#[derive(Debug)]
struct Topic {
    client: Client,
    arn: String,
    limiter: RateLimiter,
}

impl Topic {
    fn new(connection: &Connection, arn: &TopicArn) -> Self {
        let region = SdkRegion::new(arn.region().to_owned());
        let config = Builder::from(&connection.sdk).region(region).retry_classifier(LeaveThrottling).build();
        let client = Client::from_conf(config);
        Self { client, arn: arn.as_str().to_owned(), limiter: RateLimiter::default() }
    }
}

/// Publishes to SNS topics.
#[derive(Debug)]
pub struct SnsPublisher {
    alerts: Topic,
    events: Option<Topic>,
    /// What a missing topic for machines means.
    otherwise: Machines,
}

impl SnsPublisher {
    /// To these topics. `otherwise`: what it means that there is none for machines.
    pub fn new(
        connection: &Connection,
        alerts: &TopicArn,
        events: Option<&TopicArn>,
        otherwise: Machines,
    ) -> Self {
        let alerts = Topic::new(connection, alerts);
        let events = events.map(|arn| Topic::new(connection, arn));
        Self { alerts, events, otherwise }
    }
}

impl Publisher for SnsPublisher {
    async fn awaits_confirmation(&self) -> bool {
        let Topic { client, arn, .. } = &self.alerts;
        // Whoever may not ask, or gets no answer, publishes.
        let Ok(topic) = client.get_topic_attributes().topic_arn(arn).send().await else { return false };
        let subscriptions = |name: &str| {
            let attributes = topic.attributes.as_ref()?;
            attributes.get(name)?.parse::<u64>().ok()
        };
        let confirmed = subscriptions("SubscriptionsConfirmed");
        confirmed == Some(0) && subscriptions("SubscriptionsPending") > Some(0)
    }

    async fn alert(&self, alert: &Alert) -> Result<(), PublishError> {
        let Topic { client, arn, limiter } = &self.alerts;
        let publish = async || {
            let message = client.publish().topic_arn(arn).subject(&alert.subject).message_structure("json");
            let message = message.message(&alert.message);
            let message = message.set_message_attributes(Some(attributes(&alert.attributes)?));
            message.send().await.map_err(|error| Fault::of("Publish", &error))
        };
        let published = limiter.call(Priority::InOrder, publish, Fault::is_throttling).await;
        published.map(drop).map_err(|fault| explain(&fault, arn))
    }

    fn machines(&self) -> Machines {
        if self.events.is_some() { Machines::Listen } else { self.otherwise }
    }

    async fn events(&self, events: &[Event]) -> Result<Vec<(usize, PublishError)>, PublishError> {
        let Some(topic) = &self.events else { return Ok(Vec::new()) };
        let publish = async || {
            let entries = events.iter().enumerate().map(|(index, event)| entry(index, event));
            let entries = entries.collect::<Result<Vec<_>, _>>()?;
            let batch = topic.client.publish_batch().topic_arn(&topic.arn);
            let published = batch.set_publish_batch_request_entries(Some(entries)).send().await;
            published.map_err(|error| Fault::of("PublishBatch", &error))
        };
        // SNS has a limit of messages a second. It is found once for all batches, and not by each for itself.
        let published = topic.limiter.call(Priority::InOrder, publish, Fault::is_throttling).await;
        let published = published.map_err(|fault| explain(&fault, &topic.arn))?;
        Ok(missing(events.len(), &published))
    }
}

/// The entries, named by their indices, that were not accepted, and why. Accepted is only what is listed as such, whatever
/// the status of the whole answer.
fn missing(count: usize, published: &PublishBatchOutput) -> Vec<(usize, PublishError)> {
    let reason = |id: &str| {
        let Some(failed) = published.failed().iter().find(|failed| failed.id() == id) else {
            return PublishError::Unavailable("PublishBatch: the entry is not in the answer".to_owned());
        };
        let code = failed.code();
        let message = format!("PublishBatch: {code}: {}", failed.message().unwrap_or_default());
        // Whose fault it is by `SenderFault` says nothing of the message: a missing permission is the sender's, too.
        if is_of_message(code) { PublishError::Refused(message) } else { PublishError::Unavailable(message) }
    };
    let is_accepted = |id: &str| published.successful().iter().any(|entry| entry.id() == Some(id));
    let ids = (0..count).map(|index| (index, index.to_string()));
    ids.filter(|(_, id)| !is_accepted(id)).map(|(index, id)| (index, reason(&id))).collect()
}

/// Whether a message was refused for what it is: the same message is refused again.
fn is_of_message(code: &str) -> bool {
    matches!(
        code,
        "InvalidParameter"
            | "InvalidParameterValue"
            | "InvalidParameterException"
            | "MessageTooLong"
            | "BatchRequestTooLong"
            | "ParameterValueInvalid"
            | "ValidationException"
            | "ValidationError"
    )
}

fn entry(index: usize, event: &Event) -> Result<PublishBatchRequestEntry, Fault> {
    let entry = PublishBatchRequestEntry::builder().id(index.to_string()).message(&event.message);
    entry.set_message_attributes(Some(attributes(&event.attributes)?)).build().map_err(incomplete)
}

fn attributes(all: &[Attribute]) -> Result<HashMap<String, MessageAttributeValue>, Fault> {
    let mut attributes = HashMap::with_capacity(all.len());
    for Attribute { name, data_type, value } in all {
        let value = MessageAttributeValue::builder().data_type(*data_type).string_value(value).build();
        attributes.insert((*name).to_owned(), value.map_err(incomplete)?);
    }
    Ok(attributes)
}

/// A request that lacks a field.
fn incomplete(error: BuildError) -> Fault {
    Fault { code: "InvalidParameter".to_owned(), message: error.to_string(), rejection: None }
}

fn explain(fault: &Fault, topic: &str) -> PublishError {
    let message = format!("{} ({topic})", fault.message);
    match fault.code.as_str() {
        code if is_of_message(code) => PublishError::Refused(message),
        _ if fault.is_denied() => PublishError::Denied(message),
        // The service has not answered.
        "" => PublishError::Unanswered(message),
        _ => PublishError::Unavailable(message),
    }
}
