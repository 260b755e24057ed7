//! AWS behind the ports. Nothing outside this folder knows the SDK.

mod config;
mod connection;
mod dynamodb;
mod fault;
#[cfg(feature = "doctor")]
mod inspector;
mod items;
mod organizations;
mod reach;
mod sns;

pub use config::ConfigSource;
pub use connection::{Connection, profile_region};
pub use dynamodb::DynamoStore;
#[cfg(feature = "doctor")]
pub(crate) use inspector::Inspector;
pub use organizations::Organizations;
pub use sns::SnsPublisher;
