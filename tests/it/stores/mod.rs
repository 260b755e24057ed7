//! What is kept: one contract for the three stores (the model, SQLite, DynamoDB over HTTP), DynamoDB's limits, and rows that older
//! versions wrote.
//!
//! To add a rule: a function in `contract`, and its name in the macro's list there, which makes three tests of it. A
//! change of an item's form: a new file in `tests/golden`, beside the old ones, and its reader's test in `golden`.

mod agreement;
pub(crate) mod contract;
mod expiry;
mod faults;
mod first_reader;
mod golden;
mod limits;
