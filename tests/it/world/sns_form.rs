//! Requests to SNS, as the awsQuery form that carries them.

use super::messages::{Attribute, Message};
use serde_json::Value;
use std::collections::BTreeMap;

/// The fields of one request.
pub struct Form(BTreeMap<String, String>);

/// A message that somebody asks SNS to publish, before SNS has looked at it.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    pub batch_entry_id: Option<String>,
    pub subject: Option<String>,
    pub message: String,
    pub message_structure: Option<String>,
    pub message_group_id: Option<String>,
    pub attributes: Vec<(String, DraftAttribute)>,
}

/// An attribute, with whichever of the values were sent.
#[derive(Debug, Clone, Default)]
pub struct DraftAttribute {
    pub data_type: Option<String>,
    pub string_value: Option<String>,
    pub binary_value: Option<String>,
}

impl Form {
    pub fn parse(body: &[u8]) -> Self {
        Self(form_urlencoded::parse(body).into_owned().collect())
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The fields as a JSON object, for the log.
    pub fn to_json(&self) -> Value {
        self.0.iter().map(|(k, v)| (k.clone(), Value::from(v.as_str()))).collect()
    }

    /// The one message of a `Publish`.
    pub fn draft(&self) -> Draft {
        self.draft_at("")
    }

    /// The messages of a `PublishBatch`, in order.
    pub fn drafts(&self) -> Vec<Draft> {
        let prefixes = (1..).map(|n| format!("PublishBatchRequestEntries.member.{n}."));
        let present = prefixes.take_while(|prefix| {
            let next = self.0.range(prefix.clone()..).next();
            next.is_some_and(|(name, _)| name.starts_with(prefix.as_str()))
        });
        present.map(|prefix| self.draft_at(&prefix)).collect()
    }

    fn draft_at(&self, prefix: &str) -> Draft {
        let field = |name: &str| self.0.get(&format!("{prefix}{name}")).cloned();
        let entries = (1..).map(|n| format!("MessageAttributes.entry.{n}."));
        let attributes = entries.map_while(|entry| {
            let attribute = DraftAttribute {
                data_type: field(&format!("{entry}Value.DataType")),
                string_value: field(&format!("{entry}Value.StringValue")),
                binary_value: field(&format!("{entry}Value.BinaryValue")),
            };
            field(&format!("{entry}Name")).map(|name| (name, attribute))
        });
        Draft {
            batch_entry_id: field("Id"),
            subject: field("Subject"),
            message: field("Message").unwrap_or_default(),
            message_structure: field("MessageStructure"),
            message_group_id: field("MessageGroupId"),
            attributes: attributes.collect(),
        }
    }
}

impl DraftAttribute {
    /// The value that counts for the attribute's type.
    pub fn value(&self) -> &str {
        let binary = self.data_type.as_deref().is_some_and(|t| t.starts_with("Binary"));
        let value = if binary { &self.binary_value } else { &self.string_value };
        value.as_deref().unwrap_or_default()
    }
}

impl Draft {
    /// The message, once accepted under `message_id`.
    pub fn accept(self, topic_arn: &str, message_id: String) -> Message {
        let attributes = self.attributes.into_iter().map(|(name, attribute)| {
            let value = attribute.value().to_owned();
            (name, Attribute { data_type: attribute.data_type.unwrap_or_default(), value })
        });
        Message {
            topic_arn: topic_arn.to_owned(),
            message_id,
            batch_entry_id: self.batch_entry_id,
            subject: self.subject,
            message: self.message,
            message_structure: self.message_structure,
            attributes: attributes.collect(),
        }
    }
}
