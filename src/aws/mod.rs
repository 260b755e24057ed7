//! AWS behind the ports. Nothing outside this folder knows the SDK.

mod config;
mod connection;
#[cfg(feature = "doctor")]
mod doctor;
mod dynamodb;
mod fault;
mod items;
pub mod lambda;
mod metrics;
mod organizations;
mod refusal;
mod sns;
mod sqs;
mod throttling;
mod transaction;

pub use config::ConfigSource;
pub use connection::Connection;
#[cfg(feature = "doctor")]
pub use doctor::Inspector;
pub use dynamodb::DynamoStore;
pub use organizations::Organizations;
pub use sns::SnsPublisher;
pub use sqs::SqsQueue;
