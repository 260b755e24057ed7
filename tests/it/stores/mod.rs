//! Every snapshot store does what the port says; and what only one of them can do.

mod agreement;
pub(crate) mod contract;
mod expiry;
mod faults;
mod limits;
mod unreadable;
mod zcat;
