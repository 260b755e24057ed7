//! Lays a notification out for each channel. Nothing here decides what is told.

mod email;
mod slack;
mod sms;
mod words;

pub use email::{email, subject};
pub use slack::slack;
pub use sms::sms;
