//! The integration tests, in one binary: linking is most of their build.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test's helper that cannot do its work fails the test"
)]

mod cli;
mod contract;
mod harness;
mod lambda;
mod memory;
mod messages;
mod statuses;
mod world;
