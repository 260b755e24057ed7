//! Items of the table as DynamoDB has them.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;

use crate::ports::StoreError;
use crate::state::item::{ReadItem, Stored};

pub(super) type Item = HashMap<String, AttributeValue>;

/// An item with its keys.
pub(super) fn encode(key: Item, item: &impl Serialize) -> Result<Item, StoreError> {
    let encoded: Result<Item, _> = serde_dynamo::to_item(Stored::new(item));
    let mut item = encoded.map_err(|error| StoreError::Unavailable(error.to_string()))?;
    item.extend(key);
    Ok(item)
}

/// An item with its keys and its zipped data.
pub(super) fn encode_data(key: Item, item: &impl Serialize, data: &[u8]) -> Result<Item, StoreError> {
    let mut item = encode(key, item)?;
    item.insert("data".to_owned(), AttributeValue::B(Blob::new(data)));
    Ok(item)
}

/// An item that was read, as both stores have it.
pub(super) fn read(mut item: Item) -> ReadItem {
    let sk = sort_key(&item).to_owned();
    let data = match item.remove("data") {
        Some(AttributeValue::B(data)) => data.into_inner(),
        _ => Vec::new(),
    };
    // What is no JSON holds nothing, and is damaged for whoever wants it.
    ReadItem { sk, attributes: serde_dynamo::from_item(item).unwrap_or_default(), data }
}

pub(super) fn sort_key(item: &Item) -> &str {
    item.get("sk").and_then(|value| value.as_s().ok()).map_or("", String::as_str)
}

pub(super) fn text(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

pub(super) fn number(n: impl std::fmt::Display) -> AttributeValue {
    AttributeValue::N(n.to_string())
}

pub(super) fn key(pk: impl Into<String>, sk: impl Into<String>) -> Item {
    Item::from([("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sk))])
}
