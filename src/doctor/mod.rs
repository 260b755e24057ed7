//! Whether a deployment can do its work: what was found, and how that is judged. Pure: nothing here knows AWS or the time
//! of day.

mod access;
mod delivery;
pub mod facts;
mod filter;
pub(crate) mod finding;
mod judgement;
pub mod policy;
mod publishing;
mod runs;
mod storage;
#[cfg(test)]
mod tests;

pub(crate) use judgement::{Deployment, Facts, judge};
