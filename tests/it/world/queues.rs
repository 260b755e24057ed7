//! Amazon SQS queues, as far as packwatch sends to them, and what Lambda's event source mapping does with what is in
//! them: it delivers batches, deletes what was handled, and brings back what was not.

use super::{ServiceError, World, system_now};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// What comes before the operation in `X-Amz-Target`.
pub const TARGET_PREFIX: &str = "AmazonSQS.";

/// SQS's limits of a batch: entries, and bytes of all bodies together.
const MOST_ENTRIES: usize = 10;
const LARGEST_BATCH: usize = 1024 * 1024;

/// The queues, and what SQS does wrong next.
#[derive(Default)]
pub struct Queues {
    pub queues: BTreeMap<String, Queue>,
    /// How many messages were ever accepted, from which their ids are made.
    pub accepted: u64,
    pub faults: VecDeque<QueueFault>,
}

/// A standard queue with a redrive policy.
#[derive(Default)]
pub struct Queue {
    pub waiting: Vec<Message>,
    pub in_flight: Vec<Message>,
    pub dead: Vec<Message>,
    /// `maxReceiveCount`
    pub most_receives: u64,
}

/// A message in a queue.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    pub id: String,
    pub body: String,
    /// Epoch seconds of the system's clock, which the function compares with.
    pub sent: f64,
    pub received: u64,
}

/// What happens to one request.
#[derive(Debug, Clone)]
pub enum QueueFault {
    /// The request passes.
    None,
    /// Nothing is accepted, and the answer is this error.
    Error(ServiceError),
    /// These entries, by position, fail inside an HTTP 200; the others are accepted.
    FailEntries { positions: Vec<usize>, sender_fault: bool },
    /// All is accepted, then the connection is closed without an answer.
    LoseReply,
    /// Nothing is accepted, and there is no answer, ever.
    Hang,
}

/// Answers one call: the body of an HTTP 200, or the error.
pub fn respond(
    queues: &mut Queues,
    operation: &str,
    request: &Value,
    fault: &QueueFault,
) -> Result<Value, ServiceError> {
    if let QueueFault::Error(error) = fault {
        return Err(error.clone());
    }
    if operation != "SendMessageBatch" {
        return Err(ServiceError::new(400, "InvalidAction", "The action is not valid for this endpoint."));
    }
    let url = request["QueueUrl"].as_str().unwrap_or_default();
    let Some(queue) = queues.queues.get_mut(url) else {
        let message = "The specified queue does not exist.";
        return Err(ServiceError::new(400, "com.amazonaws.sqs#QueueDoesNotExist", message));
    };
    let entries = request["Entries"].as_array().map(Vec::as_slice).unwrap_or_default();
    check(entries)?;
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for (position, entry) in entries.iter().enumerate() {
        match fault {
            QueueFault::FailEntries { positions, sender_fault } if positions.contains(&position) => {
                let code = if *sender_fault { "InvalidMessageContents" } else { "InternalError" };
                failed.push(json!({"Id": entry["Id"], "SenderFault": sender_fault, "Code": code,
                    "Message": "This entry failed."}));
            }
            _ => {
                queues.accepted += 1;
                let id = format!("00000000-0000-4000-a000-{:012}", queues.accepted);
                // No SDK of ours checks the digest.
                successful
                    .push(json!({"Id": entry["Id"], "MessageId": id, "MD5OfMessageBody": "0".repeat(32)}));
                let body = entry["MessageBody"].as_str().unwrap_or_default().to_owned();
                queue.waiting.push(Message { id, body, sent: system_now(), received: 0 });
            }
        }
    }
    Ok(json!({"Successful": successful, "Failed": failed}))
}

/// What SQS demands of a batch.
fn check(entries: &[Value]) -> Result<(), ServiceError> {
    let refuse = |code: &str, message: &str| {
        Err(ServiceError::new(400, &format!("com.amazonaws.sqs#{code}"), message))
    };
    let text = |entry: &Value, name: &str| entry[name].as_str().unwrap_or_default().to_owned();
    let ids: BTreeSet<String> = entries.iter().map(|entry| text(entry, "Id")).collect();
    let is_id = |id: &String| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        (1..=80).contains(&id.len()) && id.chars().all(allowed)
    };
    if entries.is_empty() {
        refuse(
            "EmptyBatchRequest",
            "There should be at least one SendMessageBatchRequestEntry in the request.",
        )
    } else if entries.len() > MOST_ENTRIES {
        refuse("TooManyEntriesInBatchRequest", "Maximum number of entries per request are 10.")
    } else if ids.len() < entries.len() {
        refuse("BatchEntryIdsNotDistinct", "Two or more batch entries have the same Id.")
    } else if !ids.iter().all(is_id) {
        refuse(
            "InvalidBatchEntryId",
            "A batch entry id can only contain alphanumeric characters, hyphens and underscores.",
        )
    } else if entries.iter().map(|entry| text(entry, "MessageBody").len()).sum::<usize>() > LARGEST_BATCH {
        refuse("BatchRequestTooLong", "Batch requests cannot be longer than 1048576 bytes.")
    } else if entries.iter().any(|entry| text(entry, "MessageBody").is_empty()) {
        refuse("MissingParameter", "The request must contain the parameter MessageBody.")
    } else {
        Ok(())
    }
}

impl World {
    /// Creates a queue, whose messages go to its dead-letter queue after so many receives.
    pub fn add_queue(&self, url: &str, most_receives: u64) -> &Self {
        let queue = Queue { most_receives, ..Queue::default() };
        self.lock().sqs.queues.insert(url.to_owned(), queue);
        self
    }

    /// The next requests to SQS meet these faults, one each.
    pub fn queue_faults(&self, faults: impl IntoIterator<Item = QueueFault>) -> &Self {
        self.lock().sqs.faults.extend(faults);
        self
    }

    /// Somebody puts a message into the queue.
    pub fn enqueue(&self, url: &str, body: &str) -> &Self {
        let mut state = self.lock();
        let entry = json!({"QueueUrl": url, "Entries": [{"Id": "0", "MessageBody": body}]});
        let sent = respond(&mut state.sqs, "SendMessageBatch", &entry, &QueueFault::None);
        sent.unwrap_or_else(|error| panic!("{error:?}"));
        drop(state);
        self
    }

    /// The messages that wait.
    pub fn waiting(&self, url: &str) -> Vec<Message> {
        self.queue(url, |queue| queue.waiting.clone())
    }

    /// The messages of the dead-letter queue.
    pub fn dead_letters(&self, url: &str) -> Vec<Message> {
        self.queue(url, |queue| queue.dead.clone())
    }

    /// Every message that waits has waited for so much longer.
    pub fn wait_in_queue(&self, url: &str, longer: Duration) -> &Self {
        self.queue(url, |queue| {
            queue.waiting.iter_mut().for_each(|message| message.sent -= longer.as_secs_f64())
        });
        self
    }

    /// The next messages, at most so many, as Lambda delivers them; `None` when none wait. What comes for the last
    /// time it may is delivered all the same, as by SQS.
    pub fn deliver(&self, url: &str, most: usize) -> Option<Value> {
        let batch = self.queue(url, |queue| {
            let count = queue.waiting.len().min(most);
            let mut batch: Vec<Message> = queue.waiting.drain(..count).collect();
            batch.iter_mut().for_each(|message| message.received += 1);
            queue.in_flight.extend(batch.clone());
            batch
        });
        let record = |message: &Message| {
            let sent = format!("{:.0}", message.sent * 1000.0);
            json!({
                "messageId": message.id,
                "receiptHandle": format!("receipt-of-{}", message.id),
                "body": message.body,
                "attributes": {
                    "ApproximateReceiveCount": message.received.to_string(),
                    "SentTimestamp": sent,
                    "SenderId": "AROAIOSFODNN7EXAMPLE:packwatch",
                    "ApproximateFirstReceiveTimestamp": sent,
                },
                "messageAttributes": {},
                "md5OfBody": "0".repeat(32),
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:eu-west-1:999999999999:targets",
                "awsRegion": "eu-west-1",
            })
        };
        let records: Vec<Value> = batch.iter().map(record).collect();
        (!records.is_empty()).then(|| json!({"Records": records}))
    }

    /// What Lambda does with the function's answer to a batch, of which this returns the ids that failed: all of them
    /// when the answer is an error, is malformed, or names a message that was not in the batch. The visibility time-out
    /// of those is over at once.
    pub fn settle(&self, url: &str, answer: &Result<Value, Value>) -> BTreeSet<String> {
        self.queue(url, |queue| {
            let batch: BTreeSet<String> = queue.in_flight.iter().map(|message| message.id.clone()).collect();
            let failed = answer.as_ref().ok().and_then(failures).filter(|ids| ids.is_subset(&batch));
            let failed = failed.unwrap_or(batch);
            for message in queue.in_flight.drain(..).filter(|message| failed.contains(&message.id)) {
                let is_over = message.received >= queue.most_receives;
                if is_over { queue.dead.push(message) } else { queue.waiting.push(message) }
            }
            failed
        })
    }

    fn queue<T>(&self, url: &str, work: impl FnOnce(&mut Queue) -> T) -> T {
        work(self.lock().sqs.queues.get_mut(url).unwrap_or_else(|| panic!("no queue {url}")))
    }
}

/// The ids of `batchItemFailures`; `None` where Lambda would take the whole batch for failed.
fn failures(answer: &Value) -> Option<BTreeSet<String>> {
    let id =
        |failure: &Value| failure["itemIdentifier"].as_str().filter(|id| !id.is_empty()).map(str::to_owned);
    answer["batchItemFailures"].as_array()?.iter().map(id).collect()
}
