//! DynamoDB request units, estimated from the requests and the table after them: the engine of the bench does not
//! count them. "Read and write operations" in the DynamoDB Developer Guide has the rules.

use crate::store::Sent;
use serde_json::Value;
use std::collections::HashMap;

/// Request units of an on-demand table.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Units {
    pub read: f64,
    pub write: f64,
}

/// An item of the table: its key, and its size in bytes.
pub(crate) struct Stored {
    pk: String,
    sk: String,
    bytes: usize,
}

impl Stored {
    pub(crate) fn of(item: &Value) -> Self {
        Self { pk: string(&item["pk"]).to_owned(), sk: string(&item["sk"]).to_owned(), bytes: size(item) }
    }
}

/// The units of these requests, given the table's items after them.
pub(crate) fn of(requests: &[Sent], items: &[Stored]) -> Units {
    let sizes: HashMap<(&str, &str), usize> =
        items.iter().map(|item| ((item.pk.as_str(), item.sk.as_str()), item.bytes)).collect();
    let stored = |key: &Value| sizes.get(&(string(&key["pk"]), string(&key["sk"]))).copied().unwrap_or(1);
    let mut units = Units::default();
    for request in requests {
        let body = &request.body();
        match request.operation.as_str() {
            // Only the first page of a query, which stands for all of them.
            "Query" if body.get("ExclusiveStartKey").is_none_or(Value::is_null) => {
                let consistent = if body["ConsistentRead"] == true { 1.0 } else { 0.5 };
                let found: usize =
                    items.iter().filter(|item| matches(body, item)).map(|item| item.bytes).sum();
                units.read += (found.div_ceil(4096).max(1)) as f64 * consistent;
            }
            "PutItem" => units.write += kilobytes(size(&body["Item"])),
            "UpdateItem" => units.write += kilobytes(stored(&body["Key"])),
            "BatchWriteItem" => {
                let writes = body["RequestItems"].as_object().into_iter().flatten();
                let writes = writes.flat_map(|(_, writes)| writes.as_array().into_iter().flatten());
                units.write += writes.map(|write| kilobytes(size(&write["PutRequest"]["Item"]))).sum::<f64>();
            }
            "TransactWriteItems" => {
                let actions = body["TransactItems"].as_array().into_iter().flatten();
                let bytes = actions.map(|action| match action.get("Put") {
                    Some(put) => size(&put["Item"]),
                    None => stored(&action["ConditionCheck"]["Key"]),
                });
                // A transaction costs twice.
                units.write += bytes.map(|bytes| 2.0 * kilobytes(bytes)).sum::<f64>();
            }
            _ => {}
        }
    }
    units
}

fn kilobytes(bytes: usize) -> f64 {
    bytes.div_ceil(1024).max(1) as f64
}

/// Whether a query's key conditions hold: the partition's key, alone or with a prefix or a range of the sort key.
fn matches(query: &Value, item: &Stored) -> bool {
    let values = query["ExpressionAttributeValues"].as_object().into_iter().flatten();
    let (pk, mut others) = values.fold(("", Vec::new()), |(pk, mut others), (name, value)| {
        if name == ":pk" {
            return (string(value), others);
        }
        others.push(string(value));
        (pk, others)
    });
    others.sort_unstable();
    let sk = item.sk.as_str();
    pk == item.pk
        && match others.as_slice() {
            [] => true,
            [prefix] => sk.starts_with(prefix),
            [from, .., to] => (*from..=*to).contains(&sk),
        }
}

fn string(value: &Value) -> &str {
    value["S"].as_str().unwrap_or_default()
}

/// An item's size: its names and its values.
fn size(item: &Value) -> usize {
    item.as_object().into_iter().flatten().map(|(name, value)| name.len() + value_size(value)).sum()
}

fn value_size(value: &Value) -> usize {
    let Some((kind, value)) = value.as_object().and_then(|value| value.iter().next()) else { return 0 };
    match (kind.as_str(), value) {
        ("S", Value::String(text)) => text.len(),
        ("N", Value::String(number)) => number.len().div_ceil(2) + 1,
        ("M", map) => 3 + size(map) + map.as_object().map_or(0, serde_json::Map::len),
        ("L", Value::Array(list)) => 3 + list.iter().map(|value| 1 + value_size(value)).sum::<usize>(),
        _ => 1,
    }
}
