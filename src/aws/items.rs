//! Items of the table as DynamoDB has them.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::warn;

use crate::model::Target;
use crate::ports::StoreError;
use crate::state::head::{Cursors, SCHEMA, SharedSettings, newer_schema};
use crate::state::silence::Silence;
use crate::state::stored::{SettingsItem, Stored};

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

/// The zipped data of an item, which is taken out of it.
pub(super) fn take_data(item: &mut Item) -> Vec<u8> {
    match item.remove("data") {
        Some(AttributeValue::B(data)) => data.into_inner(),
        _ => Vec::new(),
    }
}

/// The item in the attributes, unless a newer packwatch wrote it.
pub(super) fn decode<T: DeserializeOwned>(target: &Target, item: Item) -> Result<T, StoreError> {
    match newer(&item) {
        Some(schema) => Err(StoreError::Newer(newer_schema(target, schema))),
        None => serde_dynamo::from_item(item).map_err(|error| damaged(target, error)),
    }
}

/// A topic's cursors.
pub(super) fn cursors(item: Item) -> Result<Cursors, StoreError> {
    if let Some(schema) = newer(&item) {
        let why = format!("the cursors have schema {schema}, of a newer packwatch; this one knows {SCHEMA}");
        return Err(StoreError::Newer(why));
    }
    serde_dynamo::from_item(item)
        .map_err(|error| StoreError::Unavailable(format!("the cursors are damaged: {error}")))
}

/// The scheduled function's settings.
pub(super) fn settings(item: Item) -> Result<Option<SharedSettings>, StoreError> {
    let damaged = |error| StoreError::Unavailable(format!("the settings are damaged: {error}"));
    let item: SettingsItem = serde_dynamo::from_item(item).map_err(damaged)?;
    Ok(Some(item.settings))
}

fn newer(item: &Item) -> Option<u64> {
    item.get("schema")?.as_n().ok()?.parse().ok().filter(|schema| *schema > u64::from(SCHEMA))
}

pub(super) fn damaged(target: &Target, why: impl std::fmt::Display) -> StoreError {
    StoreError::Unavailable(format!("an item of {target} is damaged: {why}"))
}

/// A silence that cannot be read, or not whole, silences nothing.
pub(super) fn silence(item: Item) -> Option<Silence> {
    let sk = sort_key(&item).to_owned();
    if let Some(schema) = newer(&item) {
        warn!(sk, schema, "a silence of a newer packwatch");
        return None;
    }
    serde_dynamo::from_item(item).inspect_err(|error| warn!(sk, %error, "silence not understood")).ok()
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
