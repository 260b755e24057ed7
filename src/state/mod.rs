//! What is stored: the snapshot and the log of each target, its head, the topics' cursors and the silences; under which
//! keys and in which form; and what one commit makes of it.

mod account;
pub mod commit;
pub mod fingerprint;
pub mod head;
pub mod id;
pub mod item;
pub mod keys;
pub mod log;
pub mod packed;
pub mod silence;

pub use account::{ClosedIncident, Health, Incident, Notified, Row, Rows, State, Transition, severity};
