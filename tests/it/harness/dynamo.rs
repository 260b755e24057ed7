//! DynamoDB: a real engine inside the process, behind a front that counts requests and injects faults.

use super::dynamo_faults::{Front, router};
use crate::world::host::Host;
use dynoxide::Database;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

pub use super::dynamo_faults::{Fault, Request};

/// A DynamoDB of one's own, gone when dropped.
pub struct Dynamo {
    /// The endpoint, with the faults.
    pub url: String,
    /// The endpoint of the engine behind, without faults or counts.
    pub engine_url: String,
    database: Database,
    front: Arc<Mutex<Front>>,
    // Dropped in this order: the front first, which talks to the engine.
    _front_host: Host,
    _engine_host: Host,
}

impl Dynamo {
    /// Starts one without tables.
    pub fn start() -> Self {
        let database = Database::memory().expect("an empty database");
        let engine = database.clone();
        let engine_host = Host::run(Host::LOOPBACK, move |listener| {
            dynoxide::server::serve_with_shutdown(listener, engine, std::future::pending())
        });
        let engine_host = engine_host.expect("the engine listens");
        let front = Arc::new(Mutex::new(Front::default()));
        let front_host = Host::start(router(front.clone(), engine_host.url.clone()), Host::LOOPBACK)
            .expect("the front listens");
        Self {
            url: front_host.url.clone(),
            engine_url: engine_host.url.clone(),
            database,
            front,
            _front_host: front_host,
            _engine_host: engine_host,
        }
    }

    /// Starts one with packwatch's table.
    pub fn with_table(table: &str) -> Self {
        let dynamo = Self::start();
        dynamo.create_table(table);
        dynamo
    }

    /// Turns point-in-time recovery on or off, for all tables.
    pub fn recovery(&self, is_on: bool) -> &Self {
        self.front.lock().unwrap().recovery = is_on;
        self
    }

    /// Creates packwatch's table, as the template does.
    pub fn create_table(&self, table: &str) {
        self.recovery(true);
        let request = json!({
            "TableName": table,
            "AttributeDefinitions": [
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
            "KeySchema": [
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            "BillingMode": "PAY_PER_REQUEST",
        });
        self.database.create_table(serde_json::from_value(request).unwrap()).expect("a table");
        let expiry = json!({
            "TableName": table,
            "TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": true},
        });
        self.database.update_time_to_live(serde_json::from_value(expiry).unwrap()).expect("time to live");
    }

    /// Every item of a table in DynamoDB's JSON, ordered by key: two dumps are equal if nothing was written.
    pub fn dump(&self, table: &str) -> Vec<Value> {
        let mut items = BTreeMap::new();
        self.each(table, |item| {
            let key = |name: &str| item[name]["S"].as_str().unwrap_or_default().to_owned();
            items.insert((key("pk"), key("sk")), item);
        });
        items.into_values().collect()
    }

    /// Takes every item of a table, in DynamoDB's JSON.
    pub fn each(&self, table: &str, mut take: impl FnMut(Value)) {
        let mut start = Value::Null;
        loop {
            let mut request = json!({"TableName": table, "ConsistentRead": true});
            if !start.is_null() {
                request["ExclusiveStartKey"] = start;
            }
            let page = self.database.scan(serde_json::from_value(request).unwrap()).expect("a page");
            let mut page = serde_json::to_value(page).unwrap();
            page["Items"].as_array_mut().into_iter().flatten().for_each(|item| take(item.take()));
            start = page["LastEvaluatedKey"].take();
            if start.is_null() {
                return;
            }
        }
    }

    /// The engine, for what no test needs twice.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// The next `n` requests of `operation` (`"*"`: of any) meet `fault`. Rules apply in the order they were made.
    pub fn fault(&self, operation: &str, fault: Fault, n: usize) -> &Self {
        self.fault_after(operation, 0, fault, n)
    }

    /// Lets `skip` requests of `operation` pass, then the next `n` meet `fault`.
    pub fn fault_after(&self, operation: &str, skip: usize, fault: Fault, n: usize) -> &Self {
        self.front.lock().unwrap().add(operation, skip, fault, n);
        self
    }

    /// Forgets the faults that were not met.
    pub fn heal(&self) -> &Self {
        self.front.lock().unwrap().rules.clear();
        self
    }

    /// Every request since the start or the last reset, in the order of arrival.
    pub fn requests(&self) -> Vec<Request> {
        self.front.lock().unwrap().requests.clone()
    }

    /// The requests so far, which the front then forgets.
    pub fn take_requests(&self) -> Vec<Request> {
        std::mem::take(&mut self.front.lock().unwrap().requests)
    }

    /// How many requests there were of each operation.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for request in &self.front.lock().unwrap().requests {
            *counts.entry(request.operation.clone()).or_default() += 1;
        }
        counts
    }

    /// How many requests there were of one operation.
    pub fn count(&self, operation: &str) -> usize {
        self.counts().get(operation).copied().unwrap_or_default()
    }

    /// Forgets the requests so far.
    pub fn reset_requests(&self) -> &Self {
        self.front.lock().unwrap().requests.clear();
        self
    }
}
