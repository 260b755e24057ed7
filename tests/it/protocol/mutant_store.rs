//! The store of a run, with what is broken that is one atomic write or read of it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use jiff::Timestamp;
use packwatch::model::{AccountId, Target};
use packwatch::ports::{LogRequest, Page, SnapshotStore, StoreError};
use packwatch::state::Row;
use packwatch::state::heads::{Advance, Change, Claim, Closing, Finish, Head, Heads, Mark, Note};
use packwatch::state::log::{Position, Record};

use crate::protocol::memory::MemoryStore;
use crate::protocol::mutants::Mutant;

/// The store, with the mutants that are one atomic write or read of it: below the gate.
pub(crate) struct MutantStore {
    pub(crate) store: MemoryStore,
    pub(crate) mutant: Mutant,
    /// The time of day.
    pub(crate) now: Timestamp,
    /// The heads as this run loaded them.
    pub(crate) loaded: RefCell<BTreeMap<Target, Head>>,
    /// The epoch of this run's claim.
    pub(crate) claimed: Cell<u64>,
}

impl MutantStore {
    /// The epoch that satisfies the fence, whatever the run's is.
    fn fence(&self, target: &Target, epoch: u64) -> u64 {
        let unfenced = self.mutant == Mutant::WritesNotFenced;
        self.store.heads().get(target).filter(|_| unfenced).map_or(epoch, |head| head.epoch)
    }
}

impl SnapshotStore for MutantStore {
    async fn load(&self) -> Result<Heads, StoreError> {
        let mut heads = self.store.load().await?;
        let is_first = self.loaded.borrow().is_empty();
        if is_first {
            self.loaded.replace(heads.known.clone());
        }
        for head in heads.known.values_mut() {
            match self.mutant {
                Mutant::DroppedSinceClaimedAgain if head.epoch > self.claimed.get() && !is_first => {
                    head.people = Position::end_of(u64::MAX);
                }
                Mutant::ComparedWhereItOwes if is_first => {
                    (head.people, head.machines) =
                        (Position::end_of(head.epoch), Position::end_of(head.epoch));
                }
                _ => {}
            }
        }
        Ok(heads)
    }

    async fn claim(&self, target: &Target, claim: &Claim) -> Result<Head, StoreError> {
        let before = self.store.heads().remove(target);
        self.claimed.set(claim.epoch());
        if let (Mutant::ClaimWithoutCondition, Some(before)) = (self.mutant, &before) {
            let claimed = Head { epoch: claim.epoch(), fingerprint: None, ..before.clone() };
            self.store.edit_head(target, |head| *head = claimed.clone());
            return Ok(claimed);
        }
        let mut head = self.store.claim(target, claim).await?;
        let loaded = self.loaded.borrow().get(target).cloned();
        match (self.mutant, loaded) {
            (Mutant::FingerprintKeptAtTheClaim, _) => {
                let kept = before.and_then(|head| head.fingerprint);
                self.store.edit_head(target, |head| head.fingerprint = kept);
            }
            (Mutant::MarksAsLoaded, Some(loaded)) => {
                let Head { people, machines, life, deleted, .. } = loaded;
                head = Head { people, machines, life, deleted, ..head };
            }
            (Mutant::UnwellKeptAtTheClaim, _) => {
                let kept = before.and_then(|head| head.unwell);
                self.store.edit_head(target, |head| head.unwell = kept);
            }
            (Mutant::WholeAtOfAnIncompleteLook, _) => {
                self.store.edit_head(target, |head| head.whole_at = Some(self.now.as_second()));
            }
            (Mutant::BaselineByMark, _) if head.people == Position::START => head.life = None,
            _ => {}
        }
        Ok(head)
    }

    async fn rows(&self, target: &Target) -> Result<BTreeMap<AccountId, Row>, StoreError> {
        self.store.rows(target).await
    }

    async fn record(
        &self,
        target: &Target,
        epoch: u64,
        changes: &[Change],
        closing: Option<&Closing>,
    ) -> Result<(), StoreError> {
        if let (Mutant::NoticeNotWithItsBaseline, Some(Closing::Begun(accounts, _))) = (self.mutant, closing)
        {
            let counted = Closing::Counted(accounts.clone());
            self.store.record(target, epoch, changes, Some(&counted)).await?;
            self.store.edit_head(target, |head| head.life = Some(epoch));
            return Ok(());
        }
        self.store.record(target, self.fence(target, epoch), changes, closing).await
    }

    async fn log(&self, target: &Target, request: &LogRequest) -> Result<Page<Record>, StoreError> {
        let mut page = self.store.log(target, request).await?;
        if self.mutant == Mutant::OnlyOwnRecordsAnnounced {
            let own = self.store.heads().get(target).map_or(0, |head| head.epoch);
            page.items.retain(|record| record.position().epoch == own);
        }
        Ok(page)
    }

    async fn advance(&self, target: &Target, advance: &Advance) -> Result<(), StoreError> {
        if self.mutant == Mutant::MarkSetBack {
            self.store.set_mark(target, advance);
            return Ok(());
        }
        let epoch = self.fence(target, advance.epoch);
        let advance = Advance { epoch, ..advance.clone() };
        if self.mutant == Mutant::OneWriteForBothMarks {
            self.store.advance(target, &Advance { mark: Mark::People, ..advance.clone() }).await?;
            return self.store.advance(target, &Advance { mark: Mark::Machines, ..advance }).await;
        }
        self.store.advance(target, &advance).await
    }

    async fn finish(&self, target: &Target, finish: &Finish) -> Result<(), StoreError> {
        if self.mutant == Mutant::OneTopicIsEnough {
            self.store.edit_head(target, |head| {
                if head.epoch == finish.epoch {
                    head.fingerprint.clone_from(&finish.fingerprint);
                }
            });
            return Ok(());
        }
        let epoch = self.fence(target, finish.epoch);
        self.store.finish(target, &Finish { epoch, ..finish.clone() }).await
    }

    async fn listen(&self, target: &Target, listens: bool) -> Result<(), StoreError> {
        self.store.listen(target, listens).await
    }

    async fn remember(&self, target: &Target, note: &Note) -> Result<(), StoreError> {
        self.store.remember(target, note).await
    }
}
