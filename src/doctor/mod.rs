//! Whether a deployment can do its work: what was found, and how that is judged. Pure: nothing here knows AWS or the time
//! of day.

pub(crate) mod access;
pub(crate) mod delivery;
pub mod facts;
pub(crate) mod finding;
pub(crate) mod runs;
pub(crate) mod storage;
#[cfg(test)]
mod tests;
