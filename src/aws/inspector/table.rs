//! DynamoDB: the table's settings, what is in it, and what lags.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{PointInTimeRecoveryStatus, TimeToLiveStatus};

use super::{Inspector, within};
use crate::aws::DynamoStore;
use crate::doctor::facts::{Answer, Table, Unanswered};
use crate::history::oldest_lag;
use crate::ports::{SnapshotStore, StoreError};

impl Inspector {
    /// The table in the connection's region; news for people may wait for more of it for the group interval.
    pub(crate) async fn table(&self, name: &str, group_interval: Duration) -> Table {
        let client = Client::new(self.sdk());
        let store = DynamoStore::new(&self.connection, name);
        let (expiry, recovery, heads, oldest_lag) = tokio::join!(
            self.expiry(&client, name),
            self.recovery(&client, name),
            within(self.timeout, async { store.load().await.map_err(unread) }),
            within(self.timeout, async { oldest_lag(&store, group_interval).await.map_err(unread) }),
        );
        Table { expiry, recovery, heads, oldest_lag }
    }

    async fn expiry(&self, client: &Client, name: &str) -> Answer<bool> {
        let described = client.describe_time_to_live().table_name(name).send();
        let described = self.ask("dynamodb:DescribeTimeToLive", described).await?.time_to_live_description;
        Ok(described.is_some_and(|ttl| {
            let is_on = matches!(
                ttl.time_to_live_status(),
                Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)
            );
            is_on && ttl.attribute_name() == Some("expires_at")
        }))
    }

    async fn recovery(&self, client: &Client, name: &str) -> Answer<bool> {
        let described = client.describe_continuous_backups().table_name(name).send();
        let described = self.ask("dynamodb:DescribeContinuousBackups", described).await?;
        let backups = described.continuous_backups_description;
        let recovery = backups.and_then(|backups| backups.point_in_time_recovery_description);
        let status = recovery.and_then(|recovery| recovery.point_in_time_recovery_status);
        Ok(status == Some(PointInTimeRecoveryStatus::Enabled))
    }
}

fn unread(error: StoreError) -> Unanswered {
    match error {
        StoreError::Denied(why) => Unanswered::Denied { action: "dynamodb:Query", why },
        other => Unanswered::Refused { code: String::new(), why: other.to_string() },
    }
}
