//! The integration tests, in one binary: linking is most of their build.

mod cli;
mod contract;
mod harness;
mod lambda;
mod memory;
mod statuses;
mod world;
