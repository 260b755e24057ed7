//! Lays a notification out for each channel. Nothing here decides what is reported.

mod block;
mod email;
mod layout;
mod links;
mod slack;
mod sms;
mod words;

pub use email::{email, subject};
pub use layout::named_accounts;
pub use slack::slack;
pub use sms::sms;
#[cfg(feature = "doctor")]
pub(crate) use words::span;
