//! The protocol, and ways to break it, each built as a port that does the wrong thing. The same search goes over all of
//! them.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use jiff::Timestamp;
use packwatch::aws::Organizations;
use packwatch::model::{AccountId, DetailedStatus, PackName, Region, Status, Target};
use packwatch::notify::message::{Alert, Event};
use packwatch::notify::record_id;
use packwatch::ports::{
    Filters, LogRequest, Machines, Outside, Page, PageRequest, PublishError, Publisher, SnapshotStore,
    SourceError, StatusSource, StoreError,
};
use packwatch::state::Row;
use packwatch::state::heads::{Advance, Change, Claim, Closing, Finish, Head, Heads, Mark, Note};
use packwatch::state::log::{Position, Record};
use serde_json::Value;

use crate::protocol::direct::{Direct, target};
use crate::protocol::gate::Kind;
use crate::protocol::gated::Gated;
use crate::protocol::mutant_store::MutantStore;
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
    BeyondAnUnknownRecord,
    OneWriteForBothMarks,
    OneTopicIsEnough,
    ConfirmationAfterTheClaim,
    NoticeNotLast,
    DroppedSinceClaimedAgain,
    NoWindow,
    UnwellKeptAtTheClaim,
    ComparedWhereItOwes,
    WholeAtOfAnIncompleteLook,
    AbsenceTakenForRecovery,
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
    /// A claim that was made too early.
    claim: RefCell<Option<Result<Head, StoreError>>>,
    /// Machines' topic failed, and that is taken for nothing.
    ignores_machines: Cell<bool>,
    /// The time of day where it does not go with the world's.
    fixed_now: Option<Timestamp>,
}

impl Protocol {
    pub(crate) fn new(
        store: Gated<MutantStore>,
        outside: Gated<Direct>,
        repeated: Repeated,
        fixed_now: Option<Timestamp>,
    ) -> Self {
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
            claim: RefCell::default(),
            ignores_machines: Cell::default(),
            fixed_now,
        }
    }

    fn remember(&self, heads: &Heads) {
        let is_first = !self.has_loaded.replace(true);
        for (target, head) in &heads.known {
            for record in self.store.port.store.log_of(target) {
                let id = record_id(target, &head.born, &record);
                let mut settled = self.settled.borrow_mut();
                if record.position() <= head.people {
                    settled.0.insert(id.clone());
                }
                // Machines' mark is taken from the claim: what people's announcer reads later is not known to machines'.
                if is_first && record.position() <= head.machines {
                    settled.1.insert(id);
                }
            }
        }
    }

    /// What an account is taken for that was not well and that no read shows, without asking for it.
    fn taken_for_recovered(&self, target: &Target, account: AccountId) -> Page<DetailedStatus> {
        let rows = self.outside.port.0.rows(target.region.as_str(), target.pack.as_str());
        let row = rows.get(&account.to_string());
        // The time is the right one: only the status was not asked for.
        let last_update =
            row.and_then(|row| row.last_update).map(|s| Timestamp::from_second(s as i64).unwrap());
        let status = row.map(|row| row.status.clone()).filter(|status| status.ends_with("SUCCESSFUL"));
        let status = Status::new(status.as_deref().unwrap_or("UPDATE_SUCCESSFUL"));
        let (conformance_pack_name, error_code, error_message) = (String::new(), None, None);
        let row =
            DetailedStatus { account, conformance_pack_name, status, error_code, error_message, last_update };
        Page { items: vec![row], next_token: None }
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
        if let Some(page) = self.early.borrow_mut().take() {
            return page;
        }
        if self.mutant == Mutant::ConfirmationAfterTheClaim && filters.account.is_some() {
            let loaded = self.store.port.loaded.borrow().get(target).cloned();
            if let Some(Head { epoch: seen, born, .. }) = loaded {
                let claim = Claim { seen, born, listens: None, run: "early".to_owned() };
                let claimed = self.store.claim(target, &claim).await;
                self.claim.replace(Some(claimed));
            }
        }
        if let (Mutant::AbsenceTakenForRecovery, Some(account)) = (self.mutant, filters.account) {
            return Ok(self.taken_for_recovered(target, account));
        }
        self.outside.statuses(target, filters, page).await
    }
}

impl Outside for Protocol {
    type Source = Self;
    type Store = Self;
    type Publisher = Self;
    type Names = Option<Organizations>;

    fn source(&self) -> &Self {
        self
    }

    fn store(&self) -> &Self {
        self
    }

    fn publisher(&self) -> &Self {
        self
    }

    fn names(&self) -> &Self::Names {
        &None
    }

    fn now(&self) -> Timestamp {
        self.fixed_now.unwrap_or_else(|| {
            let now = self.outside.port.now();
            // What a run does next may depend on it.
            self.outside.gate.steps.iter().for_each(|steps| steps.remember(Kind::Load, &now));
            now
        })
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
        match self.claim.take() {
            Some(claimed) => claimed,
            None => self.store.claim(target, claim).await,
        }
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
        if self.mutant == Mutant::NoticeNotLast && closing.is_some() {
            self.store.record(target, epoch, &[], closing).await?;
            return self.store.record(target, epoch, changes, None).await;
        }
        match self.store.record(target, epoch, changes, closing).await {
            Err(StoreError::Unavailable(_)) if self.mutant == Mutant::BeyondAnUnknownRecord => Ok(()),
            recorded => recorded,
        }
    }

    async fn log(&self, target: &Target, request: &LogRequest) -> Result<Page<Record>, StoreError> {
        self.store.log(target, request).await
    }

    async fn advance(&self, target: &Target, advance: &Advance) -> Result<(), StoreError> {
        let is_machines = advance.mark == Mark::Machines;
        let is_on_the_way = advance.to != Position::end_of(advance.epoch);
        let keeps_no_window = self.mutant == Mutant::NoWindow && is_on_the_way;
        if is_machines && (self.ignores_machines.get() || keeps_no_window) {
            return Ok(());
        }
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
        match self.outside.events(events).await {
            Err(_) if self.mutant == Mutant::OneTopicIsEnough => {
                self.ignores_machines.set(true);
                Ok(Vec::new())
            }
            sent => sent,
        }
    }
}
