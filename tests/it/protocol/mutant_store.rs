//! The store of a run, with what is broken that is one atomic write or read of it: below the gate.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use jiff::Timestamp;
use packwatch::model::Target;
use packwatch::ports::{LogRequest, Page, SnapshotStore, StoreError};
use packwatch::state::commit::{Commit, Snapshot};
use packwatch::state::head::{Cursors, Head, Heads, Hint, SharedSettings, StoredMessage, Topic};
use packwatch::state::log::{LogPart, Position};

use crate::protocol::memory::MemoryStore;
use crate::protocol::mutants::Mutant;

pub(crate) struct MutantStore {
    pub(crate) store: MemoryStore,
    pub(crate) mutant: Mutant,
    /// The time of day.
    now: Timestamp,
    /// The heads as this run loaded them last.
    loaded: RefCell<BTreeMap<Target, Head>>,
    /// This run has given a lease back.
    has_released: Cell<bool>,
}

impl MutantStore {
    pub(crate) fn new(store: MemoryStore, mutant: Mutant, now: Timestamp) -> Self {
        let (loaded, has_released) = Default::default();
        Self { store, mutant, now, loaded, has_released }
    }
}

impl SnapshotStore for MutantStore {
    async fn load(&self) -> Result<Heads, StoreError> {
        let mut heads = self.store.load().await?;
        self.loaded.replace(heads.known.clone());
        match self.mutant {
            Mutant::LeaseIgnored => (heads.alerts.lease, heads.events.lease) = (None, None),
            Mutant::DigestUnderWayIgnored => heads.alerts.message = None,
            Mutant::EndPassedOver => {
                heads.known.values_mut().for_each(|head| head.committed_at = Timestamp::UNIX_EPOCH);
            }
            Mutant::ReleasedWithoutLooking if self.has_released.get() => {
                let ends =
                    || heads.known.iter().map(|(target, head)| (target.clone(), head.log_end)).collect();
                (heads.alerts.positions, heads.events.positions) = (ends(), ends());
            }
            _ => {}
        }
        Ok(heads)
    }

    async fn snapshot(&self, target: &Target) -> Result<Snapshot, StoreError> {
        let mut snapshot = self.store.snapshot(target).await?;
        match self.mutant {
            Mutant::RebaseLeavesNothingOut => snapshot.rows.values_mut().for_each(|row| row.epoch = 0),
            Mutant::TornSnapshotTaken => {
                let sum = self.loaded.borrow().get(target).map_or(0, |head| head.chunk_epochs);
                snapshot.chunks = BTreeMap::from([(0, sum)]);
            }
            _ => {}
        }
        Ok(snapshot)
    }

    async fn commit(&self, target: &Target, commit: &Commit) -> Result<(), StoreError> {
        let mut commit = commit.clone();
        let before = self.store.heads().remove(target);
        match (self.mutant, before) {
            (Mutant::CommitWithoutCondition, Some(_)) => {
                self.store.edit_head(target, |head| {
                    head.epoch = commit.head.epoch - 1;
                    head.history_id.clone_from(&commit.head.history_id);
                });
            }
            (Mutant::FingerprintsKept, Some(before)) if before.fingerprint.is_some() => {
                commit.head.fingerprint = before.fingerprint;
                commit.head.active_fingerprint = before.active_fingerprint;
            }
            (Mutant::FullScanAtOfAnyCommit, _) => {
                commit.head.last_full_scan_at = Some(self.now.as_second());
            }
            _ => {}
        }
        self.store.commit(target, &commit).await
    }

    async fn hint(&self, target: &Target, hint: &Hint) -> Result<(), StoreError> {
        self.store.hint(target, hint).await
    }

    async fn put_settings(&self, settings: &SharedSettings) -> Result<(), StoreError> {
        self.store.put_settings(settings).await
    }

    async fn log(&self, target: &Target, request: &LogRequest) -> Result<Page<LogPart>, StoreError> {
        let mut page = self.store.log(target, request).await?;
        if self.mutant == Mutant::GapPassedOver {
            page.items.iter_mut().for_each(|part| part.previous = Position::START);
        }
        Ok(page)
    }

    async fn put_cursors(&self, topic: Topic, cursors: &Cursors) -> Result<(), StoreError> {
        let mut cursors = cursors.clone();
        let stored = self.store.cursors(topic);
        match self.mutant {
            Mutant::CursorsWithoutCondition => cursors.version = stored.version + 1,
            Mutant::CursorBeyondWhatWasSent => {
                let heads = self.store.heads();
                let moved =
                    cursors.positions.iter_mut().filter(|(target, to)| **to > stored.position(target));
                moved.for_each(|(target, to)| *to = heads[target].log_end);
            }
            Mutant::EventsBeginLate if topic == Topic::Events && stored.version == 0 => {
                let heads = self.store.heads().into_iter();
                cursors.positions = heads.map(|(target, head)| (target, head.log_end)).collect();
            }
            _ => {}
        }
        self.store.put_cursors(topic, &cursors).await?;
        self.has_released.set(self.has_released.get() || cursors.lease.is_none());
        Ok(())
    }

    async fn put_message(&self, message: &StoredMessage) -> Result<(), StoreError> {
        self.store.put_message(message).await
    }

    async fn message(&self, id: &str) -> Result<Option<StoredMessage>, StoreError> {
        self.store.message(id).await
    }
}
