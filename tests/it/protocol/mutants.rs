//! The protocol, and ways to break it, each built as a port that does the wrong thing. The same search goes over all of
//! them.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use packwatch::model::{AccountId, DetailedStatus, PackName, Region, Target};
use packwatch::notify::message::{Alert, Event};
use packwatch::notify::record_id;
use packwatch::ports::{
    Filters, LogRequest, Machines, Page, PageRequest, PublishError, Publisher, SnapshotStore, SourceError,
    StatusSource, StoreError,
};
use packwatch::state::Row;
use packwatch::state::heads::{Advance, Change, Claim, Closing, Finish, Head, Heads, Mark, Note};
use packwatch::state::log::Record;
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
    OnlyOwnRecordsAnnounced,
    MarkMovedBeforeTheAnnouncement,
    ClaimWithoutCondition,
    ObserveBeforeLoad,
    MarksAsLoaded,
    BaselineByMark,
    MarkSetBack,
    NoticeNotWithItsBaseline,
}

/// The store, with the mutants that are one atomic write or read of it: below the gate.
pub(crate) struct MutantStore {
    pub(crate) store: MemoryStore,
    pub(crate) mutant: Mutant,
    /// The heads as this run loaded them.
    pub(crate) loaded: RefCell<BTreeMap<Target, Head>>,
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
        let heads = self.store.load().await?;
        if self.loaded.borrow().is_empty() {
            self.loaded.replace(heads.known.clone());
        }
        Ok(heads)
    }

    async fn claim(&self, target: &Target, claim: &Claim) -> Result<Head, StoreError> {
        let before = self.store.heads().remove(target);
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
                let Head { announced, events_announced, people, machines, life, deleted, .. } = loaded;
                head = Head { announced, events_announced, people, machines, life, deleted, ..head };
            }
            (Mutant::BaselineByMark, _) if head.announced == 0 => head.life = None,
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
        self.store.advance(target, &Advance { epoch, ..advance.clone() }).await
    }

    async fn finish(&self, target: &Target, finish: &Finish) -> Result<(), StoreError> {
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

/// What a run published and had better not: transitions that its own loaded head said were announced.
pub(crate) type Repeated = Rc<RefCell<Vec<String>>>;

/// All ports of one run, with the mutants that change the order of effects: above the gate.
pub(crate) struct Protocol {
    pub(crate) mutant: Mutant,
    pub(crate) store: Gated<MutantStore>,
    pub(crate) outside: Gated<Direct>,
    pub(crate) repeated: Repeated,
    settled: RefCell<(BTreeSet<String>, BTreeSet<String>)>,
    has_loaded: Cell<bool>,
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
            has_loaded: Cell::default(),
            early: RefCell::default(),
            late: RefCell::default(),
        }
    }

    fn remember(&self, heads: &Heads) {
        let is_first = !self.has_loaded.replace(true);
        for (target, head) in &heads.known {
            for record in self.store.port.store.log_of(target) {
                let id = record_id(target, &head.born, &record);
                let mut settled = self.settled.borrow_mut();
                if record.position() <= head.people_mark() {
                    settled.0.insert(id.clone());
                }
                // Machines' mark is taken from the claim: what people's announcer reads later is not known to machines'.
                if is_first && record.position() <= head.machines_mark() {
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

    async fn claim(&self, target: &Target, claim: &Claim) -> Result<Head, StoreError> {
        self.store.claim(target, claim).await
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
        self.store.record(target, epoch, changes, closing).await
    }

    async fn log(&self, target: &Target, request: &LogRequest) -> Result<Page<Record>, StoreError> {
        self.store.log(target, request).await
    }

    async fn advance(&self, target: &Target, advance: &Advance) -> Result<(), StoreError> {
        self.store.advance(target, advance).await?;
        let (alerts, events) = match advance.mark {
            Mark::People => (std::mem::take(&mut self.late.borrow_mut().0), Vec::new()),
            Mark::Machines => (Vec::new(), std::mem::take(&mut self.late.borrow_mut().1)),
        };
        for alert in alerts {
            let _too_late_to_say = self.outside.alert(&alert).await;
        }
        for batch in events {
            let _too_late_to_say = self.outside.events(&batch).await;
        }
        Ok(())
    }

    async fn finish(&self, target: &Target, finish: &Finish) -> Result<(), StoreError> {
        self.store.finish(target, finish).await
    }

    async fn listen(&self, target: &Target, listens: bool) -> Result<(), StoreError> {
        self.store.listen(target, listens).await
    }

    async fn remember(&self, target: &Target, note: &Note) -> Result<(), StoreError> {
        self.store.remember(target, note).await
    }
}

impl Publisher for Protocol {
    async fn alert(&self, alert: &Alert) -> Result<(), PublishError> {
        let notices = alert.notification.packs.iter().flat_map(|pack| &pack.transitions);
        notices.for_each(|notice| self.notice(&self.settled.borrow().0, &notice.id));
        if self.mutant == Mutant::MarkMovedBeforeTheAnnouncement {
            self.late.borrow_mut().0.push(alert.clone());
            return Ok(());
        }
        self.outside.alert(alert).await
    }

    fn machines(&self) -> Machines {
        self.outside.machines()
    }

    async fn events(&self, events: &[Event]) -> Result<Vec<(usize, PublishError)>, PublishError> {
        for event in events {
            let document: Value = serde_json::from_str(&event.message).unwrap();
            self.notice(&self.settled.borrow().1, document["Id"].as_str().unwrap());
        }
        if self.mutant == Mutant::MarkMovedBeforeTheAnnouncement {
            self.late.borrow_mut().1.push(events.to_vec());
            return Ok(Vec::new());
        }
        self.outside.events(events).await
    }
}
