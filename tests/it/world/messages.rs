//! SNS topics, the messages they accepted, and what SNS does wrong.

use super::World;
use super::faults::Bucket;
use super::sns_subscriptions::Subscription;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// What SNS holds, and the faults in force.
#[derive(Default)]
pub struct Sns {
    pub topics: BTreeSet<String>,
    /// By topic.
    pub subscriptions: BTreeMap<String, Vec<Subscription>>,
    /// Any well-formed topic exists.
    pub any_topic: bool,
    pub messages: Vec<Message>,
    /// How many messages were ever accepted, from which their ids are made.
    pub accepted: u64,
    pub faults: VecDeque<(Option<String>, SnsFault)>,
    /// What every request to a topic meets, until it is healed.
    pub topic_faults: BTreeMap<String, SnsFault>,
    /// A text for which a message is refused as invalid.
    pub poison: Option<String>,
    pub latency: Duration,
    /// How many messages a second are taken, of all topics together; a batch counts its messages.
    pub limit: Option<Bucket>,
}

/// A message that SNS accepted.
#[derive(Debug, Clone)]
pub struct Message {
    pub topic_arn: String,
    pub message_id: String,
    /// Its id in the batch that brought it.
    pub batch_entry_id: Option<String>,
    pub subject: Option<String>,
    pub message: String,
    pub message_structure: Option<String>,
    pub attributes: BTreeMap<String, Attribute>,
}

/// A message attribute; the value of a Binary one is base64.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    pub data_type: String,
    pub value: String,
}

/// What happens to one request to SNS.
#[derive(Debug, Clone)]
pub enum SnsFault {
    /// Nothing is accepted, and the answer is this error.
    Error { status: u16, code: String, message: String },
    /// These entries of a batch, by position, fail inside an HTTP 200; the others are accepted.
    FailEntries { positions: Vec<usize>, code: String, sender_fault: bool },
    /// All is accepted, then the connection is closed without an answer.
    LoseReply,
    /// Nothing is accepted, and the connection is closed without an answer.
    DropBefore,
    /// Nothing is accepted, and there is no answer, ever.
    Hang,
}

impl Message {
    /// The text that a subscriber of `protocol` (`"email"`, `"https"`, …) gets.
    pub fn body_for(&self, protocol: &str) -> String {
        if self.message_structure.as_deref() != Some("json") {
            return self.message.clone();
        }
        let bodies: Map<String, Value> = serde_json::from_str(&self.message).unwrap_or_default();
        // Values that are not strings are as good as absent.
        let body = bodies.get(protocol).and_then(Value::as_str);
        body.or_else(|| bodies.get("default").and_then(Value::as_str)).unwrap_or_default().to_owned()
    }

    /// The body for `protocol`, read as JSON.
    pub fn json_for(&self, protocol: &str) -> Value {
        let body = self.body_for(protocol);
        serde_json::from_str(&body)
            .unwrap_or_else(|error| panic!("the {protocol} body is not JSON ({error}): {body}"))
    }

    /// The value of an attribute, if the message has it.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(|a| a.value.as_str())
    }

    /// As the control plane shows it.
    pub fn to_json(&self) -> Value {
        let attributes: Map<String, Value> = self
            .attributes
            .iter()
            .map(|(name, a)| (name.clone(), json!({"DataType": a.data_type, "StringValue": a.value})))
            .collect();
        json!({
            "TopicArn": self.topic_arn,
            "MessageId": self.message_id,
            "BatchEntryId": self.batch_entry_id,
            "Subject": self.subject,
            "Message": self.message,
            "MessageStructure": self.message_structure,
            "MessageAttributes": attributes,
        })
    }
}

impl World {
    /// Creates a topic.
    pub fn add_topic(&self, arn: &str) -> &Self {
        self.lock().sns.topics.insert(arn.to_owned());
        self
    }

    /// From now on every well-formed topic exists.
    pub fn accept_any_topic(&self) -> &Self {
        self.lock().sns.any_topic = true;
        self
    }

    /// Every message that SNS accepted, in order.
    pub fn messages(&self) -> Vec<Message> {
        self.lock().sns.messages.clone()
    }

    /// The messages that one topic accepted, in order.
    pub fn messages_to(&self, topic_arn: &str) -> Vec<Message> {
        let mut messages = self.messages();
        messages.retain(|m| m.topic_arn == topic_arn);
        messages
    }

    /// The messages so far, which the world then forgets.
    pub fn take_messages(&self) -> Vec<Message> {
        std::mem::take(&mut self.lock().sns.messages)
    }

    /// The next request to SNS of `operation` (none: of any) meets `fault`. Faults queue up; one that fails entries
    /// waits for a `PublishBatch`.
    pub fn sns_fault(&self, operation: Option<&str>, fault: SnsFault) -> &Self {
        let batch_only = matches!(fault, SnsFault::FailEntries { .. });
        let operation = if batch_only { Some("PublishBatch") } else { operation };
        self.lock().sns.faults.push_back((operation.map(str::to_owned), fault));
        self
    }

    /// SNS refuses the next `n` requests: the caller may not publish.
    pub fn refuse_next(&self, n: usize) -> &Self {
        self.sns_errors(
            n,
            403,
            "AuthorizationError",
            "User is not authorized to perform: SNS:Publish on resource",
        )
    }

    /// SNS throttles the next `n` requests.
    pub fn throttle_sns_next(&self, n: usize) -> &Self {
        self.sns_errors(n, 400, "Throttling", "Rate exceeded")
    }

    /// SNS fails the next `n` requests with an error of its own.
    pub fn break_sns_next(&self, n: usize) -> &Self {
        self.sns_errors(n, 500, "InternalError", "Internal error")
    }

    /// The next batch fails at these positions, inside an HTTP 200.
    pub fn fail_entries(&self, positions: &[usize], sender_fault: bool) -> &Self {
        let code = if sender_fault { "InvalidParameter" } else { "InternalError" };
        let (positions, code) = (positions.to_vec(), code.to_owned());
        self.sns_fault(None, SnsFault::FailEntries { positions, code, sender_fault })
    }

    /// Every request to a topic meets `fault`, until SNS is healed.
    pub fn topic_fault(&self, topic_arn: &str, fault: SnsFault) -> &Self {
        self.lock().sns.topic_faults.insert(topic_arn.to_owned(), fault);
        self
    }

    /// From now on nobody may publish to a topic.
    pub fn refuse_topic(&self, topic_arn: &str) -> &Self {
        let (code, message) = ("AuthorizationError".to_owned(), "User is not authorized".to_owned());
        self.topic_fault(topic_arn, SnsFault::Error { status: 403, code, message })
    }

    /// From now on a message with this text in it is refused as invalid.
    pub fn poison_sns(&self, text: &str) -> &Self {
        self.lock().sns.poison = Some(text.to_owned());
        self
    }

    /// SNS accepts what the next request brings, and the answer is lost.
    pub fn lose_reply_next(&self) -> &Self {
        self.sns_fault(None, SnsFault::LoseReply)
    }

    /// Every request to SNS takes so long.
    pub fn sns_latency(&self, latency: Duration) -> &Self {
        self.lock().sns.latency = latency;
        self
    }

    /// SNS takes so many messages a second, with a burst of one second; a batch counts its messages.
    pub fn limit_sns(&self, per_second: f64) -> &Self {
        self.lock().sns.limit = Some(Bucket::new(per_second));
        self
    }

    /// SNS does nothing wrong any more.
    pub fn heal_sns(&self) -> &Self {
        let mut state = self.lock();
        state.sns.faults.clear();
        state.sns.topic_faults.clear();
        state.sns.poison = None;
        state.sns.latency = Duration::ZERO;
        state.sns.limit = None;
        drop(state);
        self
    }

    fn sns_errors(&self, n: usize, status: u16, code: &str, message: &str) -> &Self {
        for _ in 0..n {
            let (code, message) = (code.to_owned(), message.to_owned());
            self.sns_fault(None, SnsFault::Error { status, code, message });
        }
        self
    }
}
