//! SNS: the alerts topic for people, the events topic for machines.

use aws_sdk_sns::Client;
use aws_sdk_sns::config::{Builder, Region as SdkRegion};
use aws_sdk_sns::types::{MessageAttributeValue, PublishBatchRequestEntry};

use super::connection::Connection;
use super::fault::Fault;
use crate::notify::message::{Alert, Attribute, Event};
use crate::ports::{PublishError, Publisher};
use crate::settings::TopicArn;

/// A topic, with a client in its region.
#[derive(Debug, Clone)]
struct Topic {
    client: Client,
    arn: String,
}

impl Topic {
    fn new(connection: &Connection, arn: &TopicArn) -> Self {
        let config = Builder::from(&connection.sdk).region(SdkRegion::new(arn.region().to_owned())).build();
        Self { client: Client::from_conf(config), arn: arn.as_str().to_owned() }
    }
}

/// Publishes to SNS topics.
#[derive(Debug, Clone)]
pub struct SnsPublisher {
    alerts: Topic,
    events: Option<Topic>,
}

impl SnsPublisher {
    /// To these topics.
    pub fn new(connection: &Connection, alerts: &TopicArn, events: Option<&TopicArn>) -> Self {
        Self { alerts: Topic::new(connection, alerts), events: events.map(|arn| Topic::new(connection, arn)) }
    }
}

impl Publisher for SnsPublisher {
    async fn alert(&self, alert: &Alert) -> Result<(), PublishError> {
        let mut publish = self
            .alerts
            .client
            .publish()
            .topic_arn(&self.alerts.arn)
            .subject(&alert.subject)
            .message_structure("json")
            .message(&alert.message);
        for attribute in &alert.attributes {
            publish = publish.message_attributes(attribute.name, value(attribute)?);
        }
        let published = publish.send().await;
        published.map(drop).map_err(|error| explain(&Fault::of("Publish", &error), &self.alerts.arn))
    }

    fn has_events(&self) -> bool {
        self.events.is_some()
    }

    async fn events(&self, events: &[Event]) -> Result<Vec<(usize, PublishError)>, PublishError> {
        let Some(topic) = &self.events else { return Ok(Vec::new()) };
        let entries = events.iter().enumerate().map(|(index, event)| entry(index, event));
        let entries = entries.collect::<Result<Vec<_>, _>>()?;
        let published = topic
            .client
            .publish_batch()
            .topic_arn(&topic.arn)
            .set_publish_batch_request_entries(Some(entries))
            .send()
            .await
            .map_err(|error| explain(&Fault::of("PublishBatch", &error), &topic.arn))?;
        // Accepted is only what is listed as such, whatever the status of the whole answer.
        let accepted: Vec<&str> = published.successful().iter().filter_map(|entry| entry.id()).collect();
        let missing = (0..events.len()).filter(|index| !accepted.contains(&index.to_string().as_str()));
        let reason = |index: usize| {
            let failed = published.failed().iter().find(|failed| failed.id() == index.to_string());
            match failed {
                None => PublishError::Unavailable("PublishBatch: the entry is not in the answer".to_owned()),
                Some(failed) => {
                    let message = failed.message().unwrap_or_default();
                    let message = format!("PublishBatch: {}: {message}", failed.code());
                    if failed.sender_fault() {
                        PublishError::Refused(message)
                    } else {
                        PublishError::Unavailable(message)
                    }
                }
            }
        };
        Ok(missing.map(|index| (index, reason(index))).collect())
    }
}

fn entry(index: usize, event: &Event) -> Result<PublishBatchRequestEntry, PublishError> {
    let mut entry = PublishBatchRequestEntry::builder().id(index.to_string()).message(&event.message);
    for attribute in &event.attributes {
        entry = entry.message_attributes(attribute.name, value(attribute)?);
    }
    entry.build().map_err(|error| PublishError::Refused(error.to_string()))
}

fn value(attribute: &Attribute) -> Result<MessageAttributeValue, PublishError> {
    let value =
        MessageAttributeValue::builder().data_type(attribute.data_type).string_value(&attribute.value);
    value.build().map_err(|error| PublishError::Refused(error.to_string()))
}

fn explain(fault: &Fault, topic: &str) -> PublishError {
    let message = format!("{} ({topic})", fault.message);
    match fault.code.as_str() {
        "InvalidParameter" | "InvalidParameterValue" | "ValidationException" => {
            PublishError::Refused(message)
        }
        _ if fault.is_denied() => PublishError::Denied(message),
        _ => PublishError::Unavailable(message),
    }
}
