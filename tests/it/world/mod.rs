//! One in-memory model of the outside world: AWS Config and Amazon SNS, as packwatch meets them.
//!
//! The tests, the example server and the benchmarks share it, so that there is one place that says what the
//! services do. [`World`] is a handle: clones see the same world. Its methods change the world or say what happened
//! in it, and [`World::serve`] puts it behind HTTP, where the real SDKs talk to it.
//!
//! - `packs`: organizations' conformance packs, their accounts and statuses;
//! - `faults`: what AWS Config does wrong, slowly or not at all; `filters`: how it filters;
//! - `messages`: topics, what SNS accepted, and what SNS does wrong;
//! - `organizations`: the names of accounts;
//! - `lambda`, `scheduler`: a function, and what starts it;
//! - `access`, `sts`: who calls, and what the caller may not do;
//! - `log`: every request that arrived; `recorder`: those of all tests, for botocore to check;
//! - `config`, `config_rules`, `token`: AWS Config's side of the wire;
//! - `sns`, `sns_form`, `sns_rules`, `sns_subscriptions`: that of SNS;
//! - `server`, `host`: HTTP.
//!
//! Nothing here knows packwatch: a model that shared code with what it tests would share its mistakes.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "shared by the tests, the example and the benchmarks, none of which uses all of it"
)]

pub mod access;
pub mod config;
pub mod config_rules;
pub mod faults;
pub mod filters;
pub mod host;
pub mod lambda;
pub mod log;
pub mod messages;
pub mod organizations;
pub mod packs;
pub mod recorder;
pub mod scheduler;
pub mod server;
pub mod sns;
pub mod sns_form;
pub mod sns_rules;
pub mod sns_subscriptions;
pub mod sts;
pub mod token;

#[cfg(test)]
mod config_tests;
#[cfg(test)]
mod sns_tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The organization's management account, which owns the packs and the topics.
pub const MANAGEMENT_ACCOUNT: &str = "999999999999";

/// A handle on the world; clones are the same world.
#[derive(Clone, Default)]
pub struct World {
    state: Arc<Mutex<State>>,
}

/// All that the world holds.
pub struct State {
    pub regions: BTreeMap<String, packs::Region>,
    pub faults: faults::ConfigFaults,
    pub sns: messages::Sns,
    pub organization: organizations::Organization,
    pub access: access::Access,
    pub functions: BTreeMap<String, lambda::Function>,
    pub schedules: BTreeMap<String, scheduler::Schedule>,
    pub log: log::Log,
    /// When the world began; token ages and the request log count from here.
    pub started: Instant,
    /// Stamped on changes instead of the system's clock, when set.
    pub fixed_now: Option<f64>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            regions: BTreeMap::new(),
            faults: faults::ConfigFaults::default(),
            sns: messages::Sns::default(),
            organization: organizations::Organization::default(),
            access: access::Access::default(),
            functions: BTreeMap::new(),
            schedules: BTreeMap::new(),
            log: log::Log::default(),
            started: Instant::now(),
            fixed_now: None,
        }
    }
}

impl State {
    /// Epoch seconds, in whole milliseconds as AWS Config reports them.
    pub fn now(&self) -> f64 {
        self.fixed_now.unwrap_or_else(system_now)
    }
}

/// Epoch seconds of the system's clock, in whole milliseconds.
pub fn system_now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (since.as_secs_f64() * 1000.0).floor() / 1000.0
}

impl State {
    /// How old the world is, by which tokens age.
    pub fn age(&self) -> Duration {
        if self.faults.tokens.ageless { Duration::ZERO } else { self.started.elapsed() }
    }
}

/// An error that a service answers with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceError {
    pub status: u16,
    pub code: String,
    pub message: String,
}

impl ServiceError {
    pub fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self { status, code: code.to_owned(), message: message.into() }
    }
}

impl World {
    /// An empty world: no pack, no topic, no fault.
    pub fn new() -> Self {
        Self::default()
    }

    /// Stamps `epoch_seconds` on every later change, until called again; without it the system's clock is used.
    pub fn set_clock(&self, epoch_seconds: f64) -> &Self {
        self.lock().fixed_now = Some(epoch_seconds);
        self
    }

    /// The state. A test that panicked while holding it has failed already: the others may go on.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
