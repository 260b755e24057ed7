//! The log of requests: what was asked of the world, in what order, and how many at once.

use super::World;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// One request that arrived, answered or not.
#[derive(Debug, Clone)]
pub struct Request {
    /// Such as `"config"` or `"sns"`.
    pub service: &'static str,
    /// Such as `"PublishBatch"`.
    pub operation: String,
    pub region: String,
    /// The body: for Config as sent, for SNS its form as a JSON object.
    pub body: Value,
    /// Since the world began.
    pub at: Duration,
}

/// The requests so far.
#[derive(Default)]
pub struct Log {
    pub requests: Vec<Request>,
    pub in_flight: usize,
    pub peak_in_flight: usize,
    /// The access key and the region that each request was signed with.
    pub signatures: Vec<(String, String)>,
}

impl World {
    /// Every request since the start or the last reset, in the order of arrival.
    pub fn requests(&self) -> Vec<Request> {
        self.lock().log.requests.clone()
    }

    /// How many requests there were of one operation.
    pub fn count(&self, service: &str, operation: &str) -> usize {
        let state = self.lock();
        state.log.requests.iter().filter(|r| r.service == service && r.operation == operation).count()
    }

    /// How many requests there were of each operation.
    pub fn counts(&self) -> BTreeMap<(&'static str, String), usize> {
        let mut counts = BTreeMap::new();
        for request in &self.lock().log.requests {
            *counts.entry((request.service, request.operation.clone())).or_default() += 1;
        }
        counts
    }

    /// The largest number of Config requests that were under way at once.
    pub fn peak_in_flight(&self) -> usize {
        self.lock().log.peak_in_flight
    }

    /// The access key and the region that each request was signed with, in the order of arrival.
    pub fn signatures(&self) -> Vec<(String, String)> {
        self.lock().log.signatures.clone()
    }

    /// Forgets the requests so far.
    pub fn reset_requests(&self) -> &Self {
        let mut state = self.lock();
        state.log.requests.clear();
        state.log.signatures.clear();
        state.log.peak_in_flight = state.log.in_flight;
        drop(state);
        self
    }

    pub fn record(&self, service: &'static str, operation: &str, region: &str, body: Value) {
        let mut state = self.lock();
        let at = state.started.elapsed();
        let (operation, region) = (operation.to_owned(), region.to_owned());
        state.log.requests.push(Request { service, operation, region, body, at });
    }
}

/// Counts a request as under way for as long as it lives, also when its connection goes away.
pub struct InFlight(World);

impl InFlight {
    pub fn enter(world: &World) -> Self {
        let mut state = world.lock();
        state.log.in_flight += 1;
        state.log.peak_in_flight = state.log.peak_in_flight.max(state.log.in_flight);
        drop(state);
        Self(world.clone())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.lock().log.in_flight -= 1;
    }
}

impl Request {
    /// As the control plane shows it.
    pub fn to_json(&self) -> Value {
        json!({
            "Service": self.service,
            "Operation": self.operation,
            "Region": self.region,
            "Body": self.body,
            "AtMillis": self.at.as_millis() as u64,
        })
    }
}
