//! What is kept: the states of accounts, the heads of targets, silences, and under which keys.

mod account;
pub mod fingerprint;
pub mod heads;
pub mod id;
pub mod keys;
pub mod log;
pub mod silence;

pub use account::{Ended, Health, Incident, Key, Row, State, Told, Transition, severity};
