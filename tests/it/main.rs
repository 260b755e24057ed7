//! The integration tests, in one binary: linking is most of their build.

mod contract;
mod crashes;
mod direct;
mod gate;
mod harness;
mod lambda;
mod memory;
mod promise;
mod scenario;
mod spaces;
mod world;
