//! DynamoDB: the table's form, and what lags.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{KeySchemaElement, PointInTimeRecoveryStatus, TimeToLiveStatus};
use jiff::Timestamp;

use super::{Inspector, within};
use crate::aws::DynamoStore;
use crate::doctor::facts::{Answer, Table, Unanswered};
use crate::history::lagging_since;
use crate::model::Target;
use crate::ports::{SnapshotStore, StoreError};
use crate::state::head::{Heads, Topic};

impl Inspector {
    /// The table in the connection's region.
    pub async fn table(&self, name: &str) -> Table {
        let client = Client::new(self.sdk());
        let store = DynamoStore::new(&self.connection, name);
        let heads = async {
            let heads = within(self.timeout, async { store.load().await.map_err(unread) }).await;
            let lagging = match &heads {
                Ok(heads) => within(self.timeout, lagging(&store, heads)).await,
                Err(why) => Err(why.clone()),
            };
            (heads, lagging)
        };
        let (keys, expiry, recovery, (heads, lagging)) = tokio::join!(
            self.keys(&client, name),
            self.expiry(&client, name),
            self.recovery(&client, name),
            heads
        );
        Table { keys, expiry, recovery, heads, lagging }
    }

    async fn keys(&self, client: &Client, name: &str) -> Answer<String> {
        let described = client.describe_table().table_name(name).send();
        let table = self.ask("dynamodb:DescribeTable", described).await?.table.ok_or(Unanswered::Missing)?;
        let key = |key: &KeySchemaElement| {
            let name = key.attribute_name();
            let mut defined = table.attribute_definitions().iter();
            let defined = defined.find(|defined| defined.attribute_name() == name);
            format!("{name} ({})", defined.map_or("", |defined| defined.attribute_type().as_str()))
        };
        Ok(table.key_schema().iter().map(key).collect::<Vec<_>>().join(", "))
    }

    async fn expiry(&self, client: &Client, name: &str) -> Answer<Option<String>> {
        let described = client.describe_time_to_live().table_name(name).send();
        let described = self.ask("dynamodb:DescribeTimeToLive", described).await?.time_to_live_description;
        let is_on = |status: Option<&TimeToLiveStatus>| {
            matches!(status, Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling))
        };
        let on = described.filter(|description| is_on(description.time_to_live_status()));
        Ok(on.and_then(|description| description.attribute_name))
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

/// Since when each target waits that a topic lags behind.
async fn lagging(store: &DynamoStore, heads: &Heads) -> Answer<Vec<(Target, Option<Timestamp>)>> {
    let mut lagging: BTreeMap<Target, Option<Timestamp>> = BTreeMap::new();
    for topic in Topic::ALL {
        for (target, since) in lagging_since(store, heads, topic).await.map_err(unread)? {
            let oldest = lagging.entry(target.clone()).or_default();
            *oldest = since.into_iter().chain(*oldest).min();
        }
    }
    Ok(lagging.into_iter().collect())
}

fn unread(error: StoreError) -> Unanswered {
    match error {
        StoreError::Denied(why) => Unanswered::Denied { action: "dynamodb:Query", why },
        other => Unanswered::Silent(other.to_string()),
    }
}
