//! What is reported: the notification, what an error code means, the messages, and their form for each channel.

mod document;
pub mod fold;
pub mod hints;
pub mod message;
pub mod render;

pub use document::{NoticeType, Notification, PackNotice, StateNotice, TransitionNotice, Whole};
pub use fold::{Fold, digest, record_id, transition_id, transition_notice};
