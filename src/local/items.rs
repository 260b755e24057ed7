//! Items of the store as the SQLite file has them: each a JSON document.

use serde::de::DeserializeOwned;
use serde_json::Value;
use tracing::warn;

use crate::model::{AccountId, Target};
use crate::ports::StoreError;
use crate::state::Row;
use crate::state::heads::{SCHEMA, newer_schema};
use crate::state::keys;
use crate::state::log::{Place, Record};
use crate::state::silence::Silence;

/// The document, unless a newer packwatch wrote it. Looked at before anything of the item is: its key, too, may be of
/// another form.
fn document(target: &Target, body: &str) -> Result<Value, StoreError> {
    let document: Value = serde_json::from_str(body)?;
    match newer(&document) {
        Some(schema) => Err(StoreError::Newer(newer_schema(target, schema))),
        None => Ok(document),
    }
}

fn newer(document: &Value) -> Option<u64> {
    document.get("schema")?.as_u64().filter(|schema| *schema > u64::from(SCHEMA))
}

/// The item in a document.
pub(super) fn decode<T: DeserializeOwned>(target: &Target, body: &str) -> Result<T, StoreError> {
    Ok(serde_json::from_value(document(target, body)?)?)
}

/// An account's row; `None` where the key is not one's.
pub(super) fn row(target: &Target, sk: &str, body: &str) -> Result<Option<(AccountId, Row)>, StoreError> {
    let document = document(target, body)?;
    keys::account_of(sk).map(|account| Ok((account, serde_json::from_value(document)?))).transpose()
}

/// A record of the log.
pub(super) fn record(target: &Target, sk: &str, body: &str) -> Result<Record, StoreError> {
    let document = document(target, body)?;
    match keys::position_of(sk).map(|position| position.place) {
        Some(Place::Account(_)) => Ok(Record::Account(serde_json::from_value(document)?)),
        Some(Place::Pack) => Ok(Record::Pack(serde_json::from_value(document)?)),
        Some(Place::End) | None => {
            Err(StoreError::Unavailable(format!("an item of {target} is damaged: its key is {sk}")))
        }
    }
}

/// A silence that cannot be read, or not whole, silences nothing.
pub(super) fn silence(sk: &str, body: &str) -> Option<Silence> {
    let document = serde_json::from_str(body);
    if let Some(schema) = document.as_ref().ok().and_then(newer) {
        warn!(sk, schema, "a silence of a newer packwatch");
        return None;
    }
    let silence = document.and_then(serde_json::from_value);
    silence.inspect_err(|error| warn!(sk, %error, "silence not understood")).ok()
}
