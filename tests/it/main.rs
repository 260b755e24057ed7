//! The integration tests, in one binary: linking is most of their build.

mod contract;
mod crashes;
mod direct;
mod docs;
mod gate;
mod golden;
mod harness;
mod hostile;
mod interleavings;
mod lambda;
mod limits;
mod memory;
mod mutants;
mod promise;
mod scenario;
mod soak;
mod spaces;
mod world;
