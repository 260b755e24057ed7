//! What stands for AWS on a laptop: SQLite in a file for DynamoDB, recorded statuses for AWS Config, the
//! terminal for SNS.

mod sqlite;
mod statuses;
mod terminal;

pub use sqlite::SqliteStore;
pub use statuses::RecordedStatuses;
pub use terminal::Channel;
