//! Lambda, SQS and SNS around the real pipeline: runs of fifteen minutes at most, a queue with a visibility time-out, a
//! dead-letter queue and an event source mapping, and a count of what is published.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use jiff::Timestamp;
use packwatch::event::Record;
use packwatch::event::reply::Queued;
use packwatch::model::{AccountId, Target};
use packwatch::notify::message::{Alert, Event};
use packwatch::ports::AccountName;
use packwatch::ports::{AccountNames, Machines, Outside, PublishError, Publisher, TargetQueue};
use packwatch::settings::{Reader as SettingsReader, Settings};
use packwatch::state::log::Place;
use packwatch::watch;
use packwatch::watch::budget::Budget;
use packwatch::watch::report::Answer;
use packwatch::watch::request::Request;
use tokio::time::{Instant, sleep};

use crate::organization::{Organization, Reader, Size, regions};
use crate::store::Table;

/// The longest time limit of a function.
pub(crate) const LONGEST: Duration = Duration::from_secs(900);
/// As in template.yaml.
const VISIBILITY: Duration = Duration::from_secs(9000);
const WINDOW: Duration = Duration::from_secs(5);
const MOST_RECEIVES: u64 = 2;

/// How the targets get to the runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FanOut {
    pub(crate) concurrency: usize,
    pub(crate) batch: usize,
}

/// An organization that is watched.
pub(crate) struct Cloud {
    pub(crate) organization: Rc<Organization>,
    pub(crate) table: Table,
    pub(crate) topics: Topics,
    pub(crate) queue: Queue,
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
    pub(crate) fn new(size: Size, every: Duration, timeout: Duration, whole_every: &str) -> Self {
        let names = regions(size).iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let clock = VirtualClock(Instant::now());
        let lookup = |name: &str| match name {
            "PACKWATCH_REGIONS" => Some(names.clone()),
            "PACKWATCH_WHOLE_EVERY" => Some(whole_every.to_owned()),
            _ => None,
        };
        Self {
            organization: Rc::new(Organization::new(size)),
            table: Table::default(),
            topics: Topics::default(),
            queue: Queue::new(clock),
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

    /// The schedule's run without a queue.
    pub(crate) async fn run_alone(&self) {
        let everything = Request { scheduled: true, ..Request::default() };
        self.watch(&everything, None).await;
    }

    /// The time of day.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The schedule's run with a queue.
    pub(crate) async fn send(&self) {
        let everything = Request { scheduled: true, ..Request::default() };
        assert_eq!(self.watch(&everything, Some(&self.queue)).await.failure(), None);
    }

    /// What Lambda's event source mapping does, with one of its runs at a time.
    pub(crate) async fn take(&self, batch: usize) {
        loop {
            let Some(records) = self.queue.receive(batch) else {
                sleep(Duration::from_secs(1)).await;
                continue;
            };
            let all = records.clone();
            let queued = Queued::sort(records, Some(self.every), self.clock.now());
            self.queue.dropped.set(self.queue.dropped.get() + queued.outdated.len() as u64);
            let answer = match queued.request() {
                Some(request) => Some(self.watch(&request, None).await),
                None => None,
            };
            let back = queued.response(answer.as_ref()).batch_item_failures;
            let is_back = |record: &&Record| back.iter().any(|failed| failed.item_identifier == record.id);
            all.iter().filter(is_back).for_each(|record| self.queue.give_back(record));
        }
    }

    async fn watch(&self, request: &Request, queue: Option<&Queue>) -> Answer {
        let reader = self.instance();
        let started = Instant::now();
        let outside = Around { cloud: self, reader: &reader, queue };
        let budget = Budget::ending_in(self.timeout);
        let run = watch::run(&outside, &self.settings, request, &budget);
        let report =
            tokio::time::timeout(self.timeout, Box::pin(run)).await.expect("no run is killed by Lambda");
        self.idle.borrow_mut().push(reader);
        self.runs.set(self.runs.get() + 1);
        self.longest.set(self.longest.get().max(started.elapsed()));
        let answer = report.expect("a run").answer;
        let failed = answer.targets.iter().filter(|report| report.outcome.is_failure()).count() as u64;
        self.failed.set(self.failed.get() + failed);
        let deferred = answer.targets.iter().filter(|report| report.out_of_time).count() as u64;
        self.deferred.set(self.deferred.get() + deferred);
        answer
    }

    fn instance(&self) -> Reader {
        self.idle.borrow_mut().pop().unwrap_or_else(|| Reader::new(&self.organization))
    }
}

/// What a run meets: the cloud, through its own reader.
struct Around<'a> {
    cloud: &'a Cloud,
    reader: &'a Reader,
    queue: Option<&'a Queue>,
}

impl Outside for Around<'_> {
    type Source = Reader;
    type Store = Table;
    type Publisher = Topics;
    type Names = Nobody;
    type Queue = Queue;

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

    fn queue(&self) -> Option<&Queue> {
        self.queue
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

/// The queue of targets, and its dead letters.
pub(crate) struct Queue {
    clock: VirtualClock,
    messages: RefCell<VecDeque<Message>>,
    sent: Cell<u64>,
    pub(crate) peak: Cell<usize>,
    pub(crate) dropped: Cell<u64>,
    pub(crate) dead: Cell<u64>,
}

struct Message {
    record: Record,
    visible: Instant,
}

impl Queue {
    fn new(clock: VirtualClock) -> Self {
        let (peak, dropped) = (Cell::new(0), Cell::new(0));
        Self { clock, messages: RefCell::default(), sent: Cell::new(0), peak, dropped, dead: Cell::new(0) }
    }

    /// The next batch, once it is full or has waited for the window.
    fn receive(&self, most: usize) -> Option<Vec<Record>> {
        let mut messages = self.messages.borrow_mut();
        let now = Instant::now();
        let visible = messages.iter().filter(|message| message.visible <= now).count();
        let waited = messages.iter().any(|message| message.visible + WINDOW <= now);
        if visible < most && !waited {
            return None;
        }
        let (mut batch, mut rest) = (Vec::new(), VecDeque::new());
        for mut message in messages.drain(..) {
            if message.visible > now || batch.len() == most {
                rest.push_back(message);
                continue;
            }
            message.record.received += 1;
            batch.push(message.record);
        }
        *messages = rest;
        (!batch.is_empty()).then_some(batch)
    }

    fn give_back(&self, record: &Record) {
        if record.received >= MOST_RECEIVES {
            self.dead.set(self.dead.get() + 1);
            return;
        }
        let visible = Instant::now() + VISIBILITY;
        self.messages.borrow_mut().push_back(Message { record: record.clone(), visible });
    }
}

/// The queue, as its sender meets it.
impl TargetQueue for Queue {
    async fn send(&self, targets: &[Target]) -> Result<Vec<(usize, PublishError)>, PublishError> {
        sleep(Duration::from_millis(20)).await;
        let mut messages = self.messages.borrow_mut();
        for target in targets {
            self.sent.set(self.sent.get() + 1);
            let id = self.sent.get().to_string();
            let record = Record { id, target: Ok(target.clone()), sent: self.clock.now(), received: 0 };
            messages.push_back(Message { record, visible: Instant::now() });
        }
        self.peak.set(self.peak.get().max(messages.len()));
        Ok(Vec::new())
    }
}

/// Both topics: what each accepted.
#[derive(Default)]
pub(crate) struct Topics {
    pub(crate) digests: Cell<u64>,
    /// How often each account's changes were told, in each target.
    pub(crate) told: RefCell<BTreeMap<AccountId, BTreeMap<Target, u64>>>,
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
            if let Place::Account(account) = event.position.place {
                let mut told = self.told.borrow_mut();
                *told.entry(account).or_default().entry(event.target.clone()).or_default() += 1;
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
