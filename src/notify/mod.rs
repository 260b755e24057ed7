//! What is reported: the notification, what an error code means, the messages, and their form for each channel.

mod cause;
mod document;
pub mod fold;
pub mod hints;
pub mod message;
mod record;
pub mod render;
mod shape;
mod topic;

pub use cause::cause_id;
pub use document::{
    Cause, HistoryPlace, NoticeType, Notification, PackNotice, SectionNotice, TransitionNotice,
};
pub use fold::{Fold, digest::digest};
pub use record::record_id;
pub use topic::Topic;
