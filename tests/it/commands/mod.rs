//! The command line, as its users run it: the built `packwatch` as a process.
//!
//! One file for each command; `cli` is what all of them share. `statuses` is held against boto3, and `profiles`
//! against the AWS CLI.

mod board;
pub(crate) mod cli;
mod doctor;
mod history;
mod profiles;
mod silences;
mod statuses;
mod terminal;
mod unreachable;
mod vocabulary;
