//! Runs without HTTP: statuses that a test sets, a store in memory, and messages that it reads.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use crate::harness::parts::Parts;
use jiff::{SignedDuration, Timestamp};
use packwatch::model::{DetailedStatus, PackName, Region, Status, Target};
use packwatch::notify::Notification;
use packwatch::notify::message::{Alert, Event};
use packwatch::ports::{
    Filters, Machines, Page, PageRequest, PublishError, Publisher, SnapshotStore, SourceError, StatusSource,
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

/// Statuses of one moment, with AWS Config's filters and pages.
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
        filters: &Filters,
        page: &PageRequest,
    ) -> Result<Page<DetailedStatus>, SourceError> {
        let rows = self.0.get(target).ok_or_else(|| SourceError::Gone("gone".to_owned()))?;
        let from: usize = page.token.as_deref().map_or(0, |token| token.parse().unwrap());
        let size = usize::from(page.limit.filter(|limit| *limit > 0).unwrap_or(100));
        let asked = rows.iter().filter(|row| {
            filters.account.is_none_or(|account| account == row.account)
                && filters.status.as_ref().is_none_or(|status| *status == row.status)
        });
        let mut items: Vec<DetailedStatus> = asked.skip(from).take(size + 1).cloned().collect();
        let next_token = (items.len() > size).then(|| (from + size).to_string());
        items.truncate(size);
        Ok(Page { items, next_token })
    }
}

/// SNS: takes every message, or none.
#[derive(Default)]
pub(crate) struct Inbox {
    pub(crate) digests: RefCell<Vec<Alert>>,
    pub(crate) events: RefCell<Vec<Value>>,
    pub(crate) is_down: Cell<bool>,
}

impl Publisher for Inbox {
    async fn alert(&self, alert: &Alert) -> Result<(), PublishError> {
        if self.is_down.get() {
            return Err(PublishError::Unavailable("down".to_owned()));
        }
        self.digests.borrow_mut().push(alert.clone());
        Ok(())
    }

    fn machines(&self) -> Machines {
        Machines::Listen
    }

    async fn events(&self, events: &[Event]) -> Result<Vec<(usize, PublishError)>, PublishError> {
        if self.is_down.get() {
            return Err(PublishError::Unavailable("down".to_owned()));
        }
        let documents = events.iter().map(|event| serde_json::from_str(&event.message).unwrap());
        self.events.borrow_mut().extend(documents);
        Ok(Vec::new())
    }
}

/// The pack of a stage.
pub(crate) const PACK: &str = "Security-Baseline";

/// One pack, and a clock that only the test moves.
pub(crate) struct Stage<S = MemoryStore> {
    pub(crate) store: S,
    pub(crate) inbox: Inbox,
    pub(crate) now: Timestamp,
    settings: Settings,
    states: BTreeMap<u64, State>,
    /// Other packs, with the account that they are in.
    elsewhere: BTreeMap<Target, (u64, State)>,
}

impl Stage {
    pub(crate) fn new(settings: &[(&str, &str)]) -> Self {
        Self::on(MemoryStore::default(), settings)
    }
}

impl<S: SnapshotStore> Stage<S> {
    pub(crate) fn on(store: S, settings: &[(&str, &str)]) -> Self {
        let lookup = |name: &str| {
            let set = settings.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).to_owned());
            let absent = match name {
                "PACKWATCH_REGIONS" => Some("eu-west-1"),
                "PACKWATCH_NOTIFY" => Some("all"),
                "PACKWATCH_GROUP_INTERVAL" => Some("0"),
                _ => None,
            };
            set.or_else(|| absent.map(str::to_owned))
        };
        Self {
            store,
            inbox: Inbox::default(),
            now: at("2026-11-18T10:00:00Z"),
            settings: Reader::new(&lookup).settings(),
            states: BTreeMap::new(),
            elsewhere: BTreeMap::new(),
        }
    }

    /// From now on the account is so in another pack, and in nobody else is that.
    pub(crate) fn set_elsewhere(&mut self, pack: &str, n: u64, state: State) {
        self.elsewhere.insert(here(pack), (n, state));
    }

    /// From now on this setting has another value.
    pub(crate) fn edit_settings(&mut self, edit: impl FnOnce(&mut Settings)) {
        edit(&mut self.settings);
    }

    /// From now on the account is so.
    pub(crate) fn set(&mut self, n: u64, status: &str) {
        self.states.insert(n, super::samples::state(status, &self.now.to_string()));
    }

    /// From now on the account has failed, for this.
    pub(crate) fn fail(&mut self, n: u64, code: &str, message: &str) {
        self.fail_as(n, "UPDATE_FAILED", code, message);
    }

    pub(crate) fn fail_as(&mut self, n: u64, status: &str, code: &str, message: &str) {
        let state = super::samples::failed(code, message, &self.now.to_string());
        self.states.insert(n, State { status: Status::new(status), ..state });
    }

    /// From now on the account is not there.
    pub(crate) fn leave(&mut self, n: u64) {
        self.states.remove(&n);
    }

    pub(crate) fn pass(&mut self, minutes: i64) {
        self.now += SignedDuration::from_mins(minutes);
    }

    /// One run: how the pack's part of it ended.
    pub(crate) async fn run(&self) -> Outcome {
        self.run_for(&Request::default()).await
    }

    /// A run that looks after another pack.
    pub(crate) async fn dispatch_alone(&self) {
        self.run_for(&Request { packs: vec!["Another".parse().unwrap()], ..Request::default() }).await;
    }

    async fn run_for(&self, request: &Request) -> Outcome {
        let row = |(n, state): (&u64, &State)| DetailedStatus {
            account: account(*n),
            conformance_pack_name: "OrgConformsPack-x".to_owned(),
            status: state.status.clone(),
            error_code: state.error_code.clone(),
            error_message: state.error_message.clone(),
            last_update: state.last_update,
        };
        let elsewhere = self.elsewhere.iter().map(|(target, (n, state))| (target, vec![row((n, state))]));
        let here = (!self.states.is_empty()).then(|| (here(PACK), self.states.iter().map(row).collect()));
        let others = elsewhere.map(|(target, rows)| (target.clone(), rows));
        let source = Statuses(others.chain(here).collect());
        let outside = Parts { source: &source, store: &self.store, publisher: &self.inbox, now: self.now };
        let report = watch::run(&outside, &self.settings, request, &Budget::UNLIMITED).await;
        report.unwrap().targets.first().map_or(Outcome::Unchanged, |target| target.outcome)
    }

    /// The digests since the last look, and the kinds of the events.
    pub(crate) fn take(&self) -> (Vec<Notification>, Vec<String>) {
        let (digests, events) = self.take_whole();
        (digests, events.iter().map(|event| event["Kind"].as_str().unwrap().to_owned()).collect())
    }

    /// The digests and the events since the last look.
    pub(crate) fn take_whole(&self) -> (Vec<Notification>, Vec<Value>) {
        let digests = self.inbox.digests.take().into_iter().map(|alert| alert.notification);
        (digests.collect(), self.inbox.events.take())
    }
}
