//! The command line, as its users run it: the built `packwatch` as a process.
//!
//! One file for each command; `cli` is what all of them share. `statuses` is held against boto3, and `profiles`
//! against the AWS CLI.

mod answers;
mod board;
pub(crate) mod cli;
mod doctor;
mod history;
mod outputs;
mod profiles;
mod recordings;
mod silences;
mod statuses;
mod terminal;
mod times;
mod unreachable;
mod vocabulary;
