//! The protocol, and the six ways to break it that the design names, each built as a port that does the wrong thing.
//! The same search goes over all seven.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use packwatch::model::{AccountId, DetailedStatus, PackName, Region, Target};
use packwatch::notify::message::{Alert, Event};
use packwatch::notify::transition_id;
use packwatch::ports::{
    Filters, Page, PageRequest, PublishError, Publisher, SnapshotStore, SourceError, StatusSource, StoreError,
};
use packwatch::state::heads::{Change, Claim, Commit, Heads};
use packwatch::state::{Row, Transition};
use serde_json::Value;

use crate::protocol::direct::{Direct, target};
use crate::protocol::gated::Gated;
use crate::protocol::memory::MemoryStore;
use crate::protocol::scenario::A;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mutant {
    /// None: the protocol as it is.
    Sound,
    WritesNotFenced,
    FingerprintKeptAtTheClaim,
    OnlyOwnTransitionsAnnounced,
    CommitBeforeAnnounce,
    ClaimWithoutCondition,
    ObserveBeforeLoad,
}

/// The store, with the mutants that are one atomic write or read of it: below the gate.
pub(crate) struct MutantStore {
    pub(crate) store: MemoryStore,
    pub(crate) mutant: Mutant,
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
        self.store.load().await
    }

    async fn claim(&self, target: &Target, claim: &Claim) -> Result<(), StoreError> {
        let before = self.store.heads().remove(target);
        if let (Mutant::ClaimWithoutCondition, Some(_)) = (self.mutant, &before) {
            self.store.edit_head(target, |head| {
                head.epoch = claim.epoch();
                head.fingerprint = None;
            });
            return Ok(());
        }
        self.store.claim(target, claim).await?;
        if self.mutant == Mutant::FingerprintKeptAtTheClaim {
            let kept = before.and_then(|head| head.fingerprint);
            self.store.edit_head(target, |head| head.fingerprint = kept);
        }
        Ok(())
    }

    async fn rows(&self, target: &Target) -> Result<BTreeMap<AccountId, Row>, StoreError> {
        self.store.rows(target).await
    }

    async fn record(&self, target: &Target, epoch: u64, changes: &[Change]) -> Result<(), StoreError> {
        self.store.record(target, self.fence(target, epoch), changes).await
    }

    async fn transitions(&self, target: &Target, after: u64) -> Result<Vec<Transition>, StoreError> {
        let mut found = self.store.transitions(target, after).await?;
        if self.mutant == Mutant::OnlyOwnTransitionsAnnounced {
            let own = self.store.heads().get(target).map_or(0, |head| head.epoch);
            found.retain(|transition| transition.epoch == own);
        }
        Ok(found)
    }

    async fn commit(&self, target: &Target, commit: &Commit) -> Result<(), StoreError> {
        let commit = Commit { epoch: self.fence(target, commit.epoch), ..commit.clone() };
        self.store.commit(target, &commit).await
    }
}

/// What a run published and had better not: transitions that its own loaded head said were announced.
pub(crate) type Repeated = Rc<RefCell<Vec<String>>>;

/// All ports of one run, with the mutants that change the order of effects: above the gate.
pub(crate) struct Protocol {
    pub(crate) mutant: Mutant,
    pub(crate) store: Gated<MutantStore>,
    pub(crate) outside: Gated<Direct>,
    pub(crate) repeated: Repeated,
    settled: RefCell<(BTreeSet<String>, BTreeSet<String>)>,
    early: RefCell<Option<Result<Page<DetailedStatus>, SourceError>>>,
    late: RefCell<(Vec<Alert>, Vec<Vec<Event>>)>,
}

impl Protocol {
    pub(crate) fn new(store: Gated<MutantStore>, outside: Gated<Direct>, repeated: Repeated) -> Self {
        let mutant = store.port.mutant;
        Self {
            mutant,
            store,
            outside,
            repeated,
            settled: RefCell::default(),
            early: RefCell::default(),
            late: RefCell::default(),
        }
    }

    fn remember(&self, heads: &Heads) {
        for (target, head) in &heads.known {
            for t in self.store.port.store.log_of(target) {
                let id = transition_id(target, &head.born, t.epoch, t.account);
                let mut settled = self.settled.borrow_mut();
                if t.epoch <= head.announced {
                    settled.0.insert(id.clone());
                }
                if t.epoch <= head.events_announced {
                    settled.1.insert(id);
                }
            }
        }
    }

    fn notice(&self, settled: &BTreeSet<String>, id: &str) {
        if settled.contains(id) {
            self.repeated
                .borrow_mut()
                .push(format!("{id} was published by a run that knew it was announced"));
        }
    }
}

impl StatusSource for Protocol {
    async fn packs(&self, region: &Region, page: &PageRequest) -> Result<Page<PackName>, SourceError> {
        self.outside.packs(region, page).await
    }

    async fn statuses(
        &self,
        target: &Target,
        filters: &Filters,
        page: &PageRequest,
    ) -> Result<Page<DetailedStatus>, SourceError> {
        let early = self.early.borrow_mut().take();
        match early {
            Some(page) => page,
            None => self.outside.statuses(target, filters, page).await,
        }
    }
}

impl SnapshotStore for Protocol {
    async fn load(&self) -> Result<Heads, StoreError> {
        if self.mutant == Mutant::ObserveBeforeLoad {
            let seen = self.outside.statuses(&target(A), &Filters::default(), &PageRequest::default()).await;
            self.early.replace(Some(seen));
        }
        let heads = self.store.load().await?;
        self.remember(&heads);
        Ok(heads)
    }

    async fn claim(&self, target: &Target, claim: &Claim) -> Result<(), StoreError> {
        self.store.claim(target, claim).await
    }

    async fn rows(&self, target: &Target) -> Result<BTreeMap<AccountId, Row>, StoreError> {
        self.store.rows(target).await
    }

    async fn record(&self, target: &Target, epoch: u64, changes: &[Change]) -> Result<(), StoreError> {
        self.store.record(target, epoch, changes).await
    }

    async fn transitions(&self, target: &Target, after: u64) -> Result<Vec<Transition>, StoreError> {
        self.store.transitions(target, after).await
    }

    async fn commit(&self, target: &Target, commit: &Commit) -> Result<(), StoreError> {
        self.store.commit(target, commit).await?;
        let (alerts, events) = self.late.take();
        for alert in alerts {
            let _too_late_to_say = self.outside.alert(&alert).await;
        }
        for batch in events {
            let _too_late_to_say = self.outside.events(&batch).await;
        }
        Ok(())
    }
}

impl Publisher for Protocol {
    async fn alert(&self, alert: &Alert) -> Result<(), PublishError> {
        let notices = alert.notification.packs.iter().flat_map(|pack| &pack.transitions);
        notices.for_each(|notice| self.notice(&self.settled.borrow().0, &notice.id));
        if self.mutant == Mutant::CommitBeforeAnnounce {
            self.late.borrow_mut().0.push(alert.clone());
            return Ok(());
        }
        self.outside.alert(alert).await
    }

    fn has_events(&self) -> bool {
        self.outside.has_events()
    }

    async fn events(&self, events: &[Event]) -> Result<Vec<(usize, PublishError)>, PublishError> {
        for event in events {
            let document: Value = serde_json::from_str(&event.message).unwrap();
            self.notice(&self.settled.borrow().1, document["Id"].as_str().unwrap());
        }
        if self.mutant == Mutant::CommitBeforeAnnounce {
            self.late.borrow_mut().1.push(events.to_vec());
            return Ok(Vec::new());
        }
        self.outside.events(events).await
    }
}
