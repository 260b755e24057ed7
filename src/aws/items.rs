//! Items of the table as DynamoDB has them. A row in the console is readable: each field is an
//! attribute of its own.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::warn;

use crate::model::Target;
use crate::ports::StoreError;
use crate::state::heads::{SCHEMA, Stored, newer_schema};
use crate::state::silence::Silence;

pub(super) type Item = HashMap<String, AttributeValue>;

/// An item with its keys.
pub(super) fn encode(pk: String, sk: String, item: &impl Serialize) -> Result<Item, StoreError> {
    let encoded: Result<Item, _> = serde_dynamo::to_item(Stored::new(item));
    let mut item = encoded.map_err(|error| StoreError::Unavailable(error.to_string()))?;
    item.extend([("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sk))]);
    Ok(item)
}

/// The item in the attributes, unless a newer packwatch wrote it.
pub(super) fn decode<T: DeserializeOwned>(target: &Target, item: Item) -> Result<T, StoreError> {
    let schema = item.get("schema").and_then(|value| value.as_n().ok()).and_then(|n| n.parse::<u64>().ok());
    if let Some(schema) = schema.filter(|schema| *schema > u64::from(SCHEMA)) {
        return Err(StoreError::Newer(newer_schema(target, schema)));
    }
    let decoded: Result<Stored<T>, _> = serde_dynamo::from_item(item);
    let damaged = |error| StoreError::Unavailable(format!("an item of {target} is damaged: {error}"));
    Ok(decoded.map_err(damaged)?.item)
}

/// A silence that cannot be read silences nothing.
pub(super) fn silence(item: Item) -> Option<Silence> {
    let sk = sort_key(&item).to_owned();
    let decoded: Result<Stored<Silence>, _> = serde_dynamo::from_item(item);
    decoded.map(|stored| stored.item).inspect_err(|error| warn!(sk, %error, "silence not understood")).ok()
}

pub(super) fn sort_key(item: &Item) -> &str {
    item.get("sk").and_then(|value| value.as_s().ok()).map_or("", String::as_str)
}

pub(super) fn text(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

pub(super) fn number(n: u64) -> AttributeValue {
    AttributeValue::N(n.to_string())
}

pub(super) fn keys(pk: impl Into<String>, sk: impl Into<String>) -> Item {
    Item::from([("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sk))])
}
