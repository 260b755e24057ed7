//! The integration tests, in one binary: linking is most of their build.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "what a test's helper cannot do fails the test; the sizes of the searched spaces are printed"
)]

mod board;
mod cli;
mod contract;
mod cost;
mod crashes;
mod direct;
mod docs;
mod doctor;
mod fan_out;
mod gate;
mod gated;
mod golden;
mod harness;
mod history;
mod hostile;
mod interleavings;
mod lambda;
mod limits;
mod memory;
mod messages;
mod model;
mod mutants;
mod promise;
mod scenario;
mod schedules;
mod soak;
mod spaces;
mod statuses;
mod telemetry;
mod world;
