//! The integration tests, in one binary: linking is most of their build.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "what a test's helper cannot do fails the test; the sizes of the searched spaces are printed"
)]

mod commands;
mod docs;
mod function;
mod harness;
mod layers;
mod messages;
mod protocol;
mod stores;
mod told;
mod words;
mod world;
