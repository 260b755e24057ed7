//! The recorded changes of several targets as one list, in the order of time. Each target's are read a page at a time,
//! so that a long history takes no more memory than a short one.
//!
//! Within a target the order is that of recording (epoch and account), and so is the time, as far as the clocks of
//! the machines that ran packwatch agree. Targets are merged by the time of what comes next in each.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use futures_util::future::try_join_all;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use crate::model::Target;
use crate::ports::{LogRequest, Order, SnapshotStore, StoreError};
use crate::state::head::{StoredMessage, Topic};
use crate::state::log::{LogPart, Position, Record};
use crate::state::packed;

/// Parts of one target's log that are read at once. Most have a few records, and DynamoDB ends a page at 1 MB; they are
/// decoded one after the other.
const PAGE: u32 = 400;

/// How wrong a clock may have been: reading stops only this far beyond the window.
const WRONG_CLOCK: SignedDuration = SignedDuration::from_hours(1);

/// From when and until when, both included; `None`: without an end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Window {
    /// Nothing that was observed before.
    pub since: Option<Timestamp>,
    /// Nothing that was observed after.
    pub until: Option<Timestamp>,
}

impl Window {
    fn holds(&self, time: Timestamp) -> bool {
        self.since.is_none_or(|since| since <= time) && self.until.is_none_or(|until| time <= until)
    }

    /// Whether nothing more of it can come after this time.
    fn is_behind(&self, time: Timestamp, order: Order) -> bool {
        match order {
            Order::Newest => {
                self.since.is_some_and(|since| time.saturating_add(WRONG_CLOCK).is_ok_and(|t| t < since))
            }
            Order::Oldest => {
                self.until.is_some_and(|until| until.saturating_add(WRONG_CLOCK).is_ok_and(|u| u < time))
            }
        }
    }
}

/// One record and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The target.
    pub target: Target,
    /// The id of its history, of which the record's id is made.
    pub history_id: String,
    /// The record.
    pub record: Record,
}

/// From where to where a digest covers the log of each of its targets.
pub type Covered = BTreeMap<Target, (Position, Position)>;

/// What a stored digest covers.
pub fn covered(message: &StoredMessage) -> Result<Covered, String> {
    #[derive(Deserialize)]
    struct Digest {
        begins: BTreeMap<Target, Position>,
        ends: BTreeMap<Target, Position>,
    }
    let text = packed::unzipped(&message.data)?;
    let Digest { begins, ends } = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
    Ok(begins
        .into_iter()
        .zip(ends.into_values())
        .map(|((target, begin), end)| (target, (begin, end)))
        .collect())
}

/// The records of some targets, one after the other.
#[derive(Debug)]
pub struct History<'a, S> {
    store: &'a S,
    order: Order,
    window: Window,
    logs: Vec<Log>,
}

/// How far one target has been read.
#[derive(Debug)]
struct Log {
    target: Target,
    history_id: String,
    /// The records of the part that is being read.
    records: VecDeque<Record>,
    parts: VecDeque<LogPart>,
    /// For the next page; `None`: that was all.
    next: Option<LogRequest>,
}

impl<'a, S: SnapshotStore> History<'a, S> {
    /// The records of these targets, each with its `history_id`.
    pub fn new(
        store: &'a S,
        targets: impl IntoIterator<Item = (Target, String)>,
        order: Order,
        window: Window,
    ) -> Self {
        let (after, until) = (Position::START, Position::END);
        let whole = LogRequest { after, until, order, limit: PAGE, token: None };
        let log = |(target, history_id)| {
            let next = Some(whole.clone());
            Log { target, history_id, records: VecDeque::new(), parts: VecDeque::new(), next }
        };
        Self { store, order, window, logs: targets.into_iter().map(log).collect() }
    }

    /// Only what a digest covers.
    #[must_use]
    pub fn within(mut self, covered: &Covered) -> Self {
        self.logs.retain_mut(|log| {
            let covered = covered.get(&log.target).zip(log.next.as_mut());
            covered.map(|(range, next)| (next.after, next.until) = *range).is_some()
        });
        self
    }

    /// The next one; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Entry>, StoreError> {
        let (store, order, window) = (self.store, self.order, self.window);
        loop {
            let dry = self.logs.iter_mut().filter(|log| log.records.is_empty());
            try_join_all(dry.map(|log| log.fill(store, order))).await?;
            self.logs.retain(|log| !log.records.is_empty());
            let next = self.logs.iter_mut().filter_map(|log| Some((log.records.front()?.observed_at(), log)));
            let first = match order {
                Order::Oldest => next.min_by(|(a, x), (b, y)| (a, &x.target).cmp(&(b, &y.target))),
                Order::Newest => next.max_by(|(a, x), (b, y)| (a, &x.target).cmp(&(b, &y.target))),
            };
            let Some((time, log)) = first else { return Ok(None) };
            if window.is_behind(time, order) {
                log.end();
            } else if let Some(record) = log.records.pop_front().filter(|_| window.holds(time)) {
                return Ok(Some(Entry {
                    target: log.target.clone(),
                    history_id: log.history_id.clone(),
                    record,
                }));
            }
        }
    }
}

impl Log {
    /// Reads on until there is something, or no more.
    async fn fill(&mut self, store: &impl SnapshotStore, order: Order) -> Result<(), StoreError> {
        while self.records.is_empty() {
            if let Some(part) = self.parts.pop_front() {
                let damaged =
                    |why| StoreError::Unavailable(format!("the log of {} is damaged: {why}", self.target));
                self.records = packed::read_records(&part.data).map_err(damaged)?.into();
                if order == Order::Newest {
                    self.records.make_contiguous().reverse();
                }
            } else if let Some(request) = self.next.take() {
                let page = store.log(&self.target, &request).await?;
                self.parts = page.items.into();
                self.next = page.next_token.map(|token| LogRequest { token: Some(token), ..request });
            } else {
                break;
            }
        }
        Ok(())
    }

    fn end(&mut self) {
        self.records.clear();
        self.parts.clear();
        self.next = None;
    }
}

/// Since when the oldest record is due that some topic has not had, over all targets: since it was observed, or, where
/// it may wait for more news for people, since that is over. `None` when nothing lags.
///
/// Costs a Query, and one item for each target that lags: ask only when a run says that something may lag.
pub async fn oldest_lag(
    store: &impl SnapshotStore,
    group_interval: Duration,
) -> Result<Option<Timestamp>, StoreError> {
    let heads = store.load().await?;
    let mut oldest = None;
    for (topic, waits) in [(Topic::Alerts, group_interval), (Topic::Events, Duration::ZERO)] {
        let observed_at = async |(target, _, after, until)| {
            let request = LogRequest { after, until, order: Order::Oldest, limit: 1, token: None };
            let page = store.log(target, &request).await?;
            Ok::<_, StoreError>(page.items.first().map(|part| part.observed_at))
        };
        let lagging = try_join_all(heads.lagging(topic).map(observed_at)).await?;
        let due = lagging.into_iter().flatten().filter_map(|at| at.checked_add(waits).ok());
        oldest = due.chain(oldest).min();
    }
    Ok(oldest)
}
