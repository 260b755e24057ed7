//! What is reported: the notification, what an error code means, the messages, and their form for each channel.

mod cause;
mod digest;
mod document;
pub mod fold;
pub mod hints;
pub mod message;
pub mod render;
mod shape;
mod topic;

pub use cause::cause_id;
pub use digest::digest;
pub use document::{
    Cause, HistoryPlace, NoticeType, Notification, PackNotice, SectionNotice, StateNotice, TransitionNotice,
};
pub use fold::{Fold, record_id, transition_notice};
pub use topic::Topic;
