//! What is told: the notification, what an error code means, the messages, and their form for each channel.

mod digest;
mod document;
pub mod hints;
pub mod message;
pub mod render;

pub use digest::{News, What, digest, transition_id, transition_notice};
pub use document::{NoticeType, Notification, PackNotice, StateNotice, TransitionNotice};
