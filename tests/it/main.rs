//! The integration tests, in one binary: linking is most of their build.

mod contract;
mod harness;
mod lambda;
mod memory;
mod world;
