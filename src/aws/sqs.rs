//! SQS: the queue through which the targets of the schedule go.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use serde_json::json;

use super::connection::Connection;
use super::fault::Fault;
use super::partial::{Failed, missing};
use crate::model::Target;
use crate::ports::{PublishError, TargetQueue};
use crate::settings::QueueUrl;

/// A queue in the connection's region.
#[derive(Debug, Clone)]
pub struct SqsQueue {
    client: Client,
    url: String,
}

impl SqsQueue {
    /// The queue with this URL.
    pub fn new(connection: &Connection, url: &QueueUrl) -> Self {
        Self { client: Client::new(&connection.sdk), url: url.as_str().to_owned() }
    }
}

impl TargetQueue for SqsQueue {
    async fn send(&self, targets: &[Target]) -> Result<Vec<(usize, PublishError)>, PublishError> {
        let entries = targets.iter().enumerate().map(|(index, target)| entry(index, target));
        let entries = entries.collect::<Result<Vec<_>, _>>()?;
        let sent =
            self.client.send_message_batch().queue_url(&self.url).set_entries(Some(entries)).send().await;
        let sent = sent.map_err(|error| explain(&Fault::of("SendMessageBatch", &error), &self.url))?;
        let accepted = sent.successful().iter().map(|entry| Some(entry.id()));
        let failed = sent.failed().iter();
        let failed = failed.map(|f| Failed { id: f.id(), code: f.code(), message: f.message() });
        Ok(missing("SendMessageBatch", targets.len(), accepted, failed))
    }
}

/// A target as the request that names it.
fn entry(index: usize, target: &Target) -> Result<SendMessageBatchRequestEntry, PublishError> {
    let body = json!({
        "OrganizationConformancePackName": target.pack.as_str(),
        "Region": target.region.as_str(),
    });
    let entry = SendMessageBatchRequestEntry::builder().id(index.to_string()).message_body(body.to_string());
    entry.build().map_err(|error| PublishError::Refused(error.to_string()))
}

fn explain(fault: &Fault, queue: &str) -> PublishError {
    let message = format!("{} ({queue})", fault.message);
    match fault.code.as_str() {
        "QueueDoesNotExist" | "AWS.SimpleQueueService.NonExistentQueue" => PublishError::Denied(message),
        _ if fault.is_denied() => PublishError::Denied(message),
        _ => PublishError::Unavailable(message),
    }
}
