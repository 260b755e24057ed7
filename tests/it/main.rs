//! The integration tests, in one binary: linking is most of their build.

mod contract;
mod crashes;
mod direct;
mod gate;
mod harness;
mod lambda;
mod interleavings;
mod memory;
mod mutants;
mod promise;
mod scenario;
mod soak;
mod spaces;
mod world;
