//! Items of the table as DynamoDB has them. A row in the console is readable: each field is an
//! attribute of its own.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::warn;

use crate::model::{AccountId, Target};
use crate::ports::StoreError;
use crate::state::Row;
use crate::state::heads::{Counts, SCHEMA, newer_schema};
use crate::state::keys;
use crate::state::log::{Place, Record};
use crate::state::silence::Silence;

pub(super) type Item = HashMap<String, AttributeValue>;

/// An item with its keys.
pub(super) fn encode(pk: String, sk: String, item: &impl Serialize) -> Result<Item, StoreError> {
    let encoded: Result<Item, _> = serde_dynamo::to_item(item);
    let mut item = encoded.map_err(|error| StoreError::Unavailable(error.to_string()))?;
    item.extend(key(pk, sk));
    Ok(item)
}

/// The item in the attributes, unless a newer packwatch wrote it.
pub(super) fn decode<T: DeserializeOwned>(target: &Target, item: Item) -> Result<T, StoreError> {
    refuse_newer(target, &item)?;
    serde_dynamo::from_item(item).map_err(|error| damaged(target, error))
}

/// An account's row; `None` where the key is not one's.
pub(super) fn row(target: &Target, item: Item) -> Result<Option<(AccountId, Row)>, StoreError> {
    // First of all: a newer packwatch may have other keys.
    refuse_newer(target, &item)?;
    let account = keys::account_of(sort_key(&item));
    account.map(|account| Ok((account, decode(target, item)?))).transpose()
}

/// A record of the log.
pub(super) fn record(target: &Target, item: Item) -> Result<Record, StoreError> {
    refuse_newer(target, &item)?;
    match keys::position_of(sort_key(&item)).map(|position| position.place) {
        Some(Place::Account(_)) => Ok(Record::Account(decode(target, item)?)),
        Some(Place::Pack) => Ok(Record::Pack(decode(target, item)?)),
        Some(Place::End) | None => Err(damaged(target, format!("its key is {}", sort_key(&item)))),
    }
}

fn refuse_newer(target: &Target, item: &Item) -> Result<(), StoreError> {
    newer(item).map_or(Ok(()), |schema| Err(StoreError::Newer(newer_schema(target, schema))))
}

fn newer(item: &Item) -> Option<u64> {
    item.get("schema")?.as_n().ok()?.parse().ok().filter(|schema| *schema > u64::from(SCHEMA))
}

fn damaged(target: &Target, why: impl std::fmt::Display) -> StoreError {
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

pub(super) fn number(n: u64) -> AttributeValue {
    AttributeValue::N(n.to_string())
}

pub(super) fn seconds(n: i64) -> AttributeValue {
    AttributeValue::N(n.to_string())
}

pub(super) fn counts(accounts: &Counts) -> AttributeValue {
    AttributeValue::M(accounts.iter().map(|(status, n)| (status.to_string(), number(*n))).collect())
}

pub(super) fn key(pk: impl Into<String>, sk: impl Into<String>) -> Item {
    Item::from([("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sk))])
}

/// The key of a target's head.
pub(super) fn head_key(target: &Target) -> Item {
    key(keys::WATCH, keys::head(target))
}
