//! Whether a deployment can do its work: what was found, and how that is judged. Pure: nothing here knows AWS or the time
//! of day.

mod access;
mod delivery;
pub mod facts;
pub(crate) mod finding;
mod judgement;
mod runs;
mod storage;
#[cfg(test)]
mod tests;

pub(crate) use judgement::{Deployment, Facts, judge};
