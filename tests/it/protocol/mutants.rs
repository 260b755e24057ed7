//! The protocol, and ways to break it, each built as a port that does the wrong thing. The same search goes over all of
//! them. Here are those that change the order of effects; [`crate::protocol::mutant_store`] has the others.

use std::cell::{Cell, RefCell};

use jiff::{SignedDuration, Timestamp};
use packwatch::aws::Organizations;
use packwatch::model::{AccountId, DetailedStatus, PackName, Region, Status, Target};
use packwatch::notify::message::{Alert, Event};
use packwatch::ports::{
    Filters, LogRequest, Machines, Outside, Page, PageRequest, PublishError, Publisher, SnapshotStore,
    SourceError, StatusSource, StoreError,
};
use packwatch::state::commit::{Commit, Snapshot};
use packwatch::state::head::{Cursors, Heads, Hint, SharedSettings, StoredMessage, Topic};
use packwatch::state::log::LogPart;

use crate::protocol::direct::{Direct, target};
use crate::protocol::gate::Kind;
use crate::protocol::gated::Gated;
use crate::protocol::mutant_store::MutantStore;
use crate::protocol::scenario::A;

/// What is broken, by the rule of the design that it breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mutant {
    /// Nothing: the protocol as it is.
    Sound,
    /// A commit has no condition.
    CommitWithoutCondition,
    /// What is observed is older than the head.
    ObserveBeforeLoad,
    /// Rule 1: a commit leaves the fingerprints that were there.
    FingerprintsKept,
    /// Rule 2: a rebase leaves nothing out.
    RebaseLeavesNothingOut,
    /// Rule 3: a snapshot that is not the head's is taken for it.
    TornSnapshotTaken,
    /// Rule 3: a part that is missing between two others is passed over.
    GapPassedOver,
    /// Rule 3: what is missing at the end is passed over.
    EndPassedOver,
    /// Rule 4: cursors are written whatever the version is.
    CursorsWithoutCondition,
    /// Rule 4: another run's lease is none.
    LeaseIgnored,
    /// Rule 4: whoever gives a lease back does not look again.
    ReleasedWithoutLooking,
    /// Rule 4: machines get what is recorded after the cursors are begun, and not all that is after the load.
    EventsBeginLate,
    /// Rules 4 and 9: cursors are moved before the message is published.
    CursorBeforePublish,
    /// Rule 7: a scan that did not see everybody says that it did.
    FullScanAtOfAnyCommit,
    /// Rule 8: a cursor moves to the end of the log by then, and not of what was dispatched.
    CursorBeyondWhatWasSent,
    /// Rule 9: a digest is sent that is not stored.
    SentBeforeStored,
    /// Rule 9: a digest under way is not sent before another.
    DigestUnderWayIgnored,
    /// Rule 12: after a restore the epochs begin again where the copy ends.
    EpochsNotRaised,
    /// Absence from a quick scan is taken for health, without asking.
    AbsenceTakenForRecovery,
}

/// All ports of one run, above the gate.
pub(crate) struct Protocol {
    mutant: Mutant,
    store: Gated<MutantStore>,
    outside: Gated<Direct>,
    has_loaded: Cell<bool>,
    early: RefCell<Option<Result<Page<DetailedStatus>, SourceError>>>,
    late: RefCell<(Vec<Alert>, Vec<Vec<Event>>)>,
    clock: Clock,
}

/// What a run takes for now.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Clock {
    /// Always the same, so that what differs in nothing else stays alike.
    Fixed(Timestamp),
    /// The world's, and so many seconds.
    World(i64),
}

impl Clock {
    pub(crate) fn now(self, world: &Direct) -> Timestamp {
        match self {
            Self::Fixed(now) => now,
            Self::World(ahead) => world.now() + SignedDuration::from_secs(ahead),
        }
    }
}

impl Protocol {
    pub(crate) fn new(store: Gated<MutantStore>, outside: Gated<Direct>, clock: Clock) -> Self {
        let mutant = store.port.mutant;
        let (has_loaded, early, late) = Default::default();
        Self { mutant, store, outside, has_loaded, early, late, clock }
    }

    /// What an account is taken for that was unhealthy and that no read shows, without asking for it.
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
        let now = self.clock.now(&self.outside.port);
        // What a run does next may depend on it.
        self.outside.gate.steps.iter().for_each(|steps| steps.remember(Kind::Load, &now));
        now
    }
}

impl SnapshotStore for Protocol {
    async fn load(&self) -> Result<Heads, StoreError> {
        if self.mutant == Mutant::ObserveBeforeLoad && !self.has_loaded.replace(true) {
            let seen = self.outside.statuses(&target(A), &Filters::default(), &PageRequest::default()).await;
            self.early.replace(Some(seen));
        }
        self.store.load().await
    }

    async fn snapshot(&self, target: &Target) -> Result<Snapshot, StoreError> {
        self.store.snapshot(target).await
    }

    async fn commit(&self, target: &Target, commit: &Commit) -> Result<(), StoreError> {
        self.store.commit(target, commit).await
    }

    async fn hint(&self, target: &Target, hint: &Hint) -> Result<(), StoreError> {
        self.store.hint(target, hint).await
    }

    async fn put_settings(&self, settings: &SharedSettings) -> Result<(), StoreError> {
        self.store.put_settings(settings).await
    }

    async fn log(&self, target: &Target, request: &LogRequest) -> Result<Page<LogPart>, StoreError> {
        self.store.log(target, request).await
    }

    async fn put_cursors(&self, topic: Topic, cursors: &Cursors) -> Result<(), StoreError> {
        self.store.put_cursors(topic, cursors).await?;
        let (alerts, events) = match topic {
            Topic::Alerts => (std::mem::take(&mut self.late.borrow_mut().0), Vec::new()),
            Topic::Events => (Vec::new(), std::mem::take(&mut self.late.borrow_mut().1)),
        };
        for alert in alerts {
            let _too_late_to_say = self.outside.alert(&alert).await;
        }
        for batch in events {
            let _too_late_to_say = self.outside.events(&batch).await;
        }
        Ok(())
    }

    async fn put_message(&self, message: &StoredMessage) -> Result<(), StoreError> {
        if self.mutant == Mutant::SentBeforeStored {
            return Ok(());
        }
        self.store.put_message(message).await
    }

    async fn message(&self, id: &str) -> Result<Option<StoredMessage>, StoreError> {
        self.store.message(id).await
    }
}

impl Publisher for Protocol {
    async fn alert(&self, alert: &Alert) -> Result<(), PublishError> {
        if self.mutant == Mutant::CursorBeforePublish {
            self.late.borrow_mut().0.push(alert.clone());
            return Ok(());
        }
        self.outside.alert(alert).await
    }

    fn machines(&self) -> Machines {
        self.outside.machines()
    }

    async fn events(&self, events: &[Event]) -> Result<Vec<(usize, PublishError)>, PublishError> {
        if self.mutant == Mutant::CursorBeforePublish {
            self.late.borrow_mut().1.push(events.to_vec());
            return Ok(Vec::new());
        }
        self.outside.events(events).await
    }
}
