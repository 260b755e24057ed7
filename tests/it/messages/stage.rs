//! Runs without HTTP: statuses that a test sets, a store in memory, and messages that it reads.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::harness::parts::Parts;
use jiff::{SignedDuration, Timestamp};
use packwatch::model::{DetailedStatus, PackName, Region, Target};
use packwatch::notify::Notification;
use packwatch::notify::message::{Alert, Event};
use packwatch::ports::{
    Filters, Machines, Page, PageRequest, PublishError, Publisher, SourceError, StatusSource,
};
use packwatch::settings::{Reader, Settings};
use packwatch::state::State;
use packwatch::watch;
use packwatch::watch::budget::Budget;
use packwatch::watch::report::Outcome;
use packwatch::watch::request::Request;
use serde_json::Value;

use super::samples::{account, at, here};
use crate::protocol::memory::MemoryStore;

/// Statuses of one moment.
#[derive(Default)]
pub(crate) struct Statuses(pub(crate) BTreeMap<Target, Vec<DetailedStatus>>);

impl StatusSource for Statuses {
    async fn packs(&self, region: &Region, _: &PageRequest) -> Result<Page<PackName>, SourceError> {
        let here = self.0.keys().filter(|target| target.region == *region);
        Ok(Page { items: here.map(|target| target.pack.clone()).collect(), next_token: None })
    }

    async fn statuses(
        &self,
        target: &Target,
        _: &Filters,
        _: &PageRequest,
    ) -> Result<Page<DetailedStatus>, SourceError> {
        let rows = self.0.get(target).ok_or_else(|| SourceError::Gone("gone".to_owned()))?;
        Ok(Page { items: rows.clone(), next_token: None })
    }
}

/// Takes every message, unless it is told not to.
#[derive(Default)]
pub(crate) struct Inbox {
    pub(crate) digests: RefCell<Vec<Notification>>,
    pub(crate) events: RefCell<Vec<Value>>,
    pub(crate) is_down: RefCell<bool>,
}

impl Publisher for Inbox {
    async fn alert(&self, alert: &Alert) -> Result<(), PublishError> {
        if *self.is_down.borrow() {
            return Err(PublishError::Unavailable("down".to_owned()));
        }
        self.digests.borrow_mut().push(alert.notification.clone());
        Ok(())
    }

    fn machines(&self) -> Machines {
        Machines::Listen
    }

    async fn events(&self, events: &[Event]) -> Result<Vec<(usize, PublishError)>, PublishError> {
        if *self.is_down.borrow() {
            return Err(PublishError::Unavailable("down".to_owned()));
        }
        let documents = events.iter().map(|event| serde_json::from_str(&event.message).unwrap());
        self.events.borrow_mut().extend(documents);
        Ok(Vec::new())
    }
}

/// One pack, and a clock that only the test moves.
pub(crate) struct Stage {
    pub(crate) store: MemoryStore,
    pub(crate) inbox: Inbox,
    pub(crate) now: Timestamp,
    settings: Settings,
    states: BTreeMap<u64, State>,
}

impl Stage {
    pub(crate) fn new(settings: &[(&str, &str)]) -> Self {
        let lookup = |name: &str| {
            let set = settings.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).to_owned());
            set.or_else(|| (name == "PACKWATCH_REGIONS").then(|| "eu-west-1".to_owned()))
        };
        Self {
            store: MemoryStore::default(),
            inbox: Inbox::default(),
            now: at("2026-11-18T10:00:00Z"),
            settings: Reader::new(&lookup).settings(),
            states: BTreeMap::new(),
        }
    }

    /// From now on the account is so.
    pub(crate) fn set(&mut self, n: u64, status: &str) {
        self.states.insert(n, super::samples::state(status, &self.now.to_string()));
    }

    pub(crate) fn pass(&mut self, minutes: i64) {
        self.now += SignedDuration::from_mins(minutes);
    }

    /// One run: how the pack's part of it ended.
    pub(crate) async fn run(&self) -> Outcome {
        let row = |(n, state): (&u64, &State)| DetailedStatus {
            account: account(*n),
            conformance_pack_name: "OrgConformsPack-x".to_owned(),
            status: state.status.clone(),
            error_code: None,
            error_message: None,
            last_update: state.last_update,
        };
        let rows = self.states.iter().map(row).collect();
        let source = Statuses(BTreeMap::from([(here("Pack"), rows)]));
        let outside = Parts { source: &source, store: &self.store, publisher: &self.inbox, now: self.now };
        let report = watch::run(&outside, &self.settings, &Request::default(), &Budget::UNLIMITED).await;
        report.unwrap().answer.targets[0].outcome
    }

    /// The digests since the last look, and the kinds of the events.
    pub(crate) fn take(&self) -> (Vec<Notification>, Vec<String>) {
        let events = std::mem::take(&mut *self.inbox.events.borrow_mut());
        let kinds = events.iter().map(|event| event["Kind"].as_str().unwrap().to_owned()).collect();
        (std::mem::take(&mut *self.inbox.digests.borrow_mut()), kinds)
    }
}
