//! What a command works with, as its flags choose it: AWS, or what stands for it on a laptop.

mod accounts;
#[cfg(feature = "aws")]
mod aws;
mod sink;
mod source;
mod store;

pub(super) use accounts::Names;
#[cfg(feature = "doctor")]
pub(super) use aws::inspector;
pub(super) use sink::Sink;
pub(super) use source::{Source, Watched};
pub(super) use store::{Store, StoreArgs};
