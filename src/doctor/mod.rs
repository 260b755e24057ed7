//! Whether a deployment can do its work: what was found, and how that is judged. Pure: nothing here knows AWS or the time
//! of day.

pub(crate) mod checks;
pub(crate) mod facts;
pub(crate) mod finding;
