//! Lambda and SNS around the real pipeline: runs of fifteen minutes at most, the schedules that start them, and a count
//! of what is published.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use jiff::Timestamp;
use packwatch::model::{AccountId, Target};
use packwatch::notify::message::{Alert, Event};
use packwatch::ports::{AccountName, AccountNames, Machines, Outside, PublishError, Publisher};
use packwatch::settings::{Reader as SettingsReader, Settings};
use packwatch::watch;
use packwatch::watch::budget::Budget;
use packwatch::watch::report::Outcome;
use packwatch::watch::request::Request;
use tokio::time::{Instant, sleep};

use crate::organization::{Organization, Reader, Size, regions};
use crate::store::Table;

/// The longest time limit of a function.
pub(crate) const LONGEST: Duration = Duration::from_secs(900);

/// An organization that is watched.
pub(crate) struct Cloud {
    pub(crate) organization: Rc<Organization>,
    pub(crate) table: Table,
    pub(crate) topics: Topics,
    pub(crate) every: Duration,
    timeout: Duration,
    settings: Settings,
    clock: VirtualClock,
    /// Instances that have nothing to do; each has found its pace.
    idle: RefCell<Vec<Reader>>,
    pub(crate) deferred: Cell<u64>,
    pub(crate) failed: Cell<u64>,
    pub(crate) runs: Cell<u64>,
    pub(crate) longest: Cell<Duration>,
}

impl Cloud {
    /// One that a function watches which may run for so long, and is to see everybody so often.
    pub(crate) fn new(size: Size, every: Duration, timeout: Duration, full_scan_every: &str) -> Self {
        let names = regions(size).iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let clock = VirtualClock(Instant::now());
        let lookup = |name: &str| match name {
            "PACKWATCH_REGIONS" => Some(names.clone()),
            "PACKWATCH_FULL_SCAN_EVERY" => Some(full_scan_every.to_owned()),
            "PACKWATCH_GROUP_INTERVAL" => Some("0".to_owned()),
            _ => None,
        };
        Self {
            organization: Rc::new(Organization::new(size)),
            table: Table::default(),
            topics: Topics::default(),
            every,
            timeout,
            settings: SettingsReader::new(&lookup).settings(),
            clock,
            idle: RefCell::default(),
            deferred: Cell::new(0),
            failed: Cell::new(0),
            runs: Cell::new(0),
            longest: Cell::new(Duration::ZERO),
        }
    }

    /// The time of day.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// One scheduled run.
    pub(crate) async fn run(&self) {
        let request = Request { scheduled: true, ..Request::default() };
        let reader = self.instance();
        let started = Instant::now();
        let outside = Around { cloud: self, reader: &reader };
        let budget = Budget::ending_in(self.timeout);
        let run = watch::run(&outside, &self.settings, &request, &budget);
        let report =
            tokio::time::timeout(self.timeout, Box::pin(run)).await.expect("no run is killed by Lambda");
        self.idle.borrow_mut().push(reader);
        self.runs.set(self.runs.get() + 1);
        self.longest.set(self.longest.get().max(started.elapsed()));
        let answer = report.expect("a run");
        let failed = answer.targets.iter().filter(|report| report.outcome.is_failure()).count() as u64;
        self.failed.set(self.failed.get() + failed);
        let deferred =
            answer.targets.iter().filter(|report| report.outcome == Outcome::Deferred).count() as u64;
        self.deferred.set(self.deferred.get() + deferred);
    }

    fn instance(&self) -> Reader {
        self.idle.borrow_mut().pop().unwrap_or_else(|| Reader::new(&self.organization))
    }
}

/// What a run meets: the cloud, through its own reader.
struct Around<'a> {
    cloud: &'a Cloud,
    reader: &'a Reader,
}

impl Outside for Around<'_> {
    type Source = Reader;
    type Store = Table;
    type Publisher = Topics;
    type Names = Nobody;

    fn source(&self) -> &Reader {
        self.reader
    }

    fn store(&self) -> &Table {
        &self.cloud.table
    }

    fn publisher(&self) -> &Topics {
        &self.cloud.topics
    }

    fn names(&self) -> &Nobody {
        &Nobody
    }

    fn now(&self) -> Timestamp {
        self.cloud.clock.now()
    }
}

/// The time of day at the simulation's pace.
#[derive(Clone, Copy)]
pub(crate) struct VirtualClock(Instant);

impl VirtualClock {
    fn now(&self) -> Timestamp {
        let began = Timestamp::from_second(1_800_000_000).expect("a time");
        began + self.0.elapsed()
    }
}

/// Both topics: what each accepted.
#[derive(Default)]
pub(crate) struct Topics {
    pub(crate) digests: Cell<u64>,
    /// How often each account's changes were reported, in each target.
    pub(crate) notified: RefCell<BTreeMap<AccountId, BTreeMap<Target, u64>>>,
}

impl Publisher for Topics {
    async fn alert(&self, _: &Alert) -> Result<(), PublishError> {
        sleep(Duration::from_millis(20)).await;
        self.digests.set(self.digests.get() + 1);
        Ok(())
    }

    fn machines(&self) -> Machines {
        Machines::Listen
    }

    async fn events(&self, events: &[Event]) -> Result<Vec<(usize, PublishError)>, PublishError> {
        sleep(Duration::from_millis(20)).await;
        for event in events {
            // The simulation's accounts change; that a pack is seen first is not what it counts.
            let value = |name| event.attributes.iter().find(|of| of.name == name).map(|of| of.value.as_str());
            let parsed = || {
                let pack = value("OrganizationConformancePackName")?.parse().ok()?;
                let target = Target { region: value("Region")?.parse().ok()?, pack };
                Some((value("AccountId")?.parse().ok()?, target))
            };
            if let Some((account, target)) = parsed() {
                let mut notified = self.notified.borrow_mut();
                *notified.entry(account).or_default().entry(target).or_default() += 1;
            }
        }
        Ok(Vec::new())
    }
}

/// Knows no names.
pub(crate) struct Nobody;

impl AccountNames for Nobody {
    async fn look_up(&self, _: &[AccountId]) {}

    fn known(&self, _: AccountId) -> Option<AccountName> {
        None
    }
}
