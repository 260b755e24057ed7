//! What is kept: one contract for the three stores (the model, SQLite, DynamoDB over HTTP), DynamoDB's limits, and what a newer
//! packwatch wrote.
//!
//! To add a rule: a function in `contract`, and its name in the macro's list there, which makes three tests of it.

mod agreement;
pub(crate) mod contract;
mod expiry;
mod faults;
mod limits;
