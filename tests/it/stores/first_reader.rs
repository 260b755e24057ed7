//! How packwatch 0.1 read its store, copied from it and never changed since: what is written today is read by it, or refused
//! with the reason. A laptop or a rollback may have it for years.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Its `SCHEMA`.
const SCHEMA: u64 = 1;

#[derive(Debug, PartialEq, Deserialize)]
pub(crate) struct Head {
    pub(crate) born: String,
    pub(crate) epoch: u64,
    pub(crate) announced: u64,
    pub(crate) events_announced: u64,
    #[serde(default)]
    pub(crate) fingerprint: Option<String>,
    #[serde(default)]
    pub(crate) deleted: bool,
    #[serde(default)]
    pub(crate) accounts: BTreeMap<String, u64>,
    #[serde(default)]
    pub(crate) committed_at: Option<Timestamp>,
}

impl Head {
    pub(crate) fn is_baseline(&self) -> bool {
        self.announced == 0 || self.deleted
    }

    pub(crate) fn announced_everywhere(&self) -> u64 {
        self.announced.min(self.events_announced)
    }

    pub(crate) fn owes(&self) -> bool {
        self.epoch > self.announced_everywhere()
    }
}

#[derive(Debug, PartialEq, Deserialize)]
pub(crate) struct State {
    pub(crate) status: String,
    #[serde(default)]
    pub(crate) error_code: Option<String>,
    #[serde(default)]
    pub(crate) error_message: Option<String>,
    #[serde(default)]
    pub(crate) last_update: Option<Timestamp>,
    #[serde(default)]
    pub(crate) stuck: bool,
    #[serde(default)]
    pub(crate) reminder: u64,
    #[serde(default)]
    pub(crate) silenced: bool,
}

#[derive(Debug, PartialEq, Deserialize)]
pub(crate) struct Row {
    #[serde(flatten)]
    pub(crate) state: State,
    #[serde(default)]
    pub(crate) failing_since: Option<Timestamp>,
    #[serde(default)]
    pub(crate) turns: Vec<Timestamp>,
    #[serde(default)]
    pub(crate) flapping: bool,
}

#[derive(Debug, PartialEq, Deserialize)]
pub(crate) enum Kind {
    Failed,
    Unrecognised,
    Stuck,
    Reminder,
    Settled,
    Recovered,
    Joined,
    Left,
    Succeeded,
    InProgress,
}

#[derive(Debug, PartialEq, Deserialize)]
pub(crate) struct Transition {
    pub(crate) account: String,
    pub(crate) epoch: u64,
    pub(crate) kind: Kind,
    #[serde(default)]
    pub(crate) from: Option<State>,
    #[serde(default)]
    pub(crate) to: Option<State>,
    #[serde(default)]
    pub(crate) failing_since: Option<Timestamp>,
    pub(crate) observed_at: Timestamp,
    #[serde(default)]
    pub(crate) silenced: bool,
    #[serde(default)]
    pub(crate) flapping: Option<u64>,
    #[serde(default)]
    pub(crate) damped: bool,
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub(crate) expires_at: Timestamp,
}

#[derive(Debug, Deserialize)]
struct Stored<T> {
    #[expect(dead_code, reason = "an item without it was damaged")]
    schema: u32,
    #[serde(flatten)]
    item: T,
}

/// The items of a store by `pk` and `sk`.
pub(crate) struct FirstReader(pub(crate) BTreeMap<(String, String), Value>);

impl FirstReader {
    fn decode<T: DeserializeOwned>(document: &Value) -> Result<T, String> {
        match document.get("schema").and_then(Value::as_u64) {
            Some(schema) if schema > SCHEMA => Err(format!("schema {schema}, written by a newer packwatch")),
            _ => {
                let stored = serde_json::from_value::<Stored<T>>(document.clone());
                Ok(stored.map_err(|error| format!("an item of the store is damaged: {error}"))?.item)
            }
        }
    }

    /// `BETWEEN` in the partition of a pack, both ends included.
    fn range(&self, pack: &str, from: &str, to: &str) -> impl Iterator<Item = (&str, &Value)> + use<'_> {
        let pk = format!("eu-west-1#{pack}");
        let range = (pk.clone(), from.to_owned())..=(pk, to.to_owned());
        self.0.range(range).map(|((_, sk), document)| (sk.as_str(), document))
    }

    /// `load`, of one pack: an unreadable head closed it.
    pub(crate) fn head(&self, pack: &str) -> Result<Head, String> {
        Self::decode(&self.0[&("watch".to_owned(), format!("head#eu-west-1#{pack}"))])
    }

    pub(crate) fn rows(&self, pack: &str) -> Result<BTreeMap<String, Row>, String> {
        let rows = self.range(pack, "account#", "account#~");
        rows.map(|(sk, document)| Ok((sk["account#".len()..].to_owned(), Self::decode(document)?))).collect()
    }

    /// What was owed to a topic, and with 0 the history.
    pub(crate) fn transitions(&self, pack: &str, after: u64) -> Result<Vec<Transition>, String> {
        let from = format!("transition#{:020}#", after.saturating_add(1));
        let found = self.range(pack, &from, "transition#~");
        found.map(|(_, document)| Self::decode(document)).collect()
    }
}
