//! The table: where it is, and who is asked. Its writes are in `head_writes` and `transaction`, its reads in `dynamodb`.

use aws_sdk_dynamodb::Client;

/// A table of DynamoDB.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub(super) client: Client,
    pub(super) name: String,
}
