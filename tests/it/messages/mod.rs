//! The messages, as readers and machines get them: one snapshot for each form of each case, the schema,
//! and SNS's rules.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "what is not as expected fails the test"
)]

mod command;
mod hostile;
mod incident;
mod limits;
pub(crate) mod samples;
mod schema;
mod snapshots;
pub(crate) mod stage;
mod stories;
pub(crate) mod truth;
mod waiting;
mod when;
mod wording;
