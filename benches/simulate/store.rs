//! The table, in memory: the model that the tests use, where each request takes its time.

#[path = "../../tests/it/protocol/memory.rs"]
#[expect(dead_code, clippy::unwrap_used, reason = "the tests' model")]
mod memory;

use std::time::Duration;

use packwatch::model::Target;
use packwatch::ports::{LogRequest, Page, SnapshotStore, StoreError};
use packwatch::state::commit::{Commit, Snapshot};
use packwatch::state::head::{Cursors, Head, Heads, Hint, SharedSettings, StoredMessage, Topic};
use packwatch::state::log::LogPart;
use tokio::time::sleep;

use self::memory::MemoryStore;

/// How long DynamoDB takes for a request.
const LATENCY: Duration = Duration::from_millis(10);

#[derive(Default)]
pub(crate) struct Table(MemoryStore);

impl Table {
    /// How many targets have a complete baseline.
    pub(crate) fn watched(&self) -> usize {
        self.0.heads().values().filter(|head| head.baseline_epoch.is_some()).count()
    }

    /// How long ago, in seconds, the full scan was that is the longest ago.
    pub(crate) fn oldest_full_scan(&self, now: i64) -> i64 {
        let ages = self.0.heads().into_values().map(|head| now - head.last_full_scan_at.unwrap_or_default());
        ages.max().unwrap_or(0)
    }

    /// How many targets hold other than this many accounts.
    pub(crate) fn unfinished(&self, accounts: usize) -> usize {
        let is_open = |head: &&Head| head.account_count() != accounts as u64;
        self.0.heads().values().filter(is_open).count()
    }
}

impl SnapshotStore for Table {
    async fn load(&self) -> Result<Heads, StoreError> {
        sleep(LATENCY).await;
        self.0.load().await
    }

    async fn snapshot(&self, target: &Target) -> Result<Snapshot, StoreError> {
        sleep(LATENCY).await;
        self.0.snapshot(target).await
    }

    async fn commit(&self, target: &Target, commit: &Commit) -> Result<(), StoreError> {
        sleep(LATENCY).await;
        self.0.commit(target, commit).await
    }

    async fn hint(&self, target: &Target, hint: &Hint) -> Result<(), StoreError> {
        sleep(LATENCY).await;
        self.0.hint(target, hint).await
    }

    async fn put_settings(&self, settings: &SharedSettings) -> Result<(), StoreError> {
        sleep(LATENCY).await;
        self.0.put_settings(settings).await
    }

    async fn log(&self, target: &Target, request: &LogRequest) -> Result<Page<LogPart>, StoreError> {
        sleep(LATENCY).await;
        self.0.log(target, request).await
    }

    async fn put_cursors(&self, topic: Topic, cursors: &Cursors) -> Result<(), StoreError> {
        sleep(LATENCY).await;
        self.0.put_cursors(topic, cursors).await
    }

    async fn put_message(&self, message: &StoredMessage) -> Result<(), StoreError> {
        sleep(LATENCY).await;
        self.0.put_message(message).await
    }

    async fn message(&self, id: &str) -> Result<Option<StoredMessage>, StoreError> {
        sleep(LATENCY).await;
        self.0.message(id).await
    }
}
