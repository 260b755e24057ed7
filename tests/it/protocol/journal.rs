//! What the runs of a history sent and stored, message by message. A copy is excused by what went wrong between its first
//! acceptance and the cursors, or by a lease that was over; by nothing else.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use packwatch::model::{AccountId, Target};
use packwatch::notify::record_id;
use packwatch::ports::SnapshotStore;
use packwatch::state::head::{Cursors, Heads, Topic};
use packwatch::state::log::{Position, Record};
use packwatch::state::packed;
use serde_json::Value;

use crate::protocol::digests::judge;
use crate::protocol::direct::{ALERTS, EVENTS};
use crate::protocol::memory::MemoryStore;
use crate::world::World;
use crate::world::messages::Message;

/// The names of `PACKWATCH_NOTIFY`.
pub(crate) type Names = &'static [&'static str];

/// What of the logs a digest covers: behind which position up to which one, of each target.
pub(crate) type Ranges = BTreeMap<Target, (Position, Position)>;

/// What became of it all.
#[derive(Debug, Clone, Default, Hash)]
pub(crate) struct Notified {
    runs: Vec<Past>,
    /// By the id of a digest.
    pub(crate) digests: BTreeMap<String, Digest>,
    /// By the id of a record: who sent it, and what it says.
    pub(crate) events: BTreeMap<String, Vec<(usize, String)>>,
    /// What nothing excuses.
    pub(crate) wrong: Vec<String>,
    /// What people wanted to be reported when an epoch was committed.
    pub(crate) notify: BTreeMap<(Target, u64), Names>,
    /// Up to where machines are not lagging anything: nobody listened.
    pub(crate) passed_over: BTreeMap<Target, Position>,
    /// The accounts that the settings left out for a while.
    pub(crate) excluded: BTreeSet<AccountId>,
}

/// A digest that was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Digest {
    pub(crate) ranges: Ranges,
    /// Who sent it, and what it says.
    pub(crate) copies: Vec<(usize, String)>,
}

/// A run, as far as it matters to later ones.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct Past {
    notify: Names,
    now: i64,
    /// Its id, as soon as it has a lease.
    id: String,
    died: bool,
    /// Publishes and writes of cursors that were begun and did not end well.
    open: BTreeMap<Topic, usize>,
    /// The topics of which its lease was over, and another run has it.
    taken_over: BTreeSet<Topic>,
    /// The ends of the logs, as it loaded them first.
    loaded: Option<BTreeMap<Target, Position>>,
}

impl Past {
    fn is_troubled(&self, topic: Topic) -> bool {
        self.died || self.taken_over.contains(&topic) || self.open.get(&topic).is_some_and(|open| *open > 0)
    }
}

/// Up to where a target's log is known, and in which part each record is.
type Parts = (Position, BTreeMap<String, Position>);

#[derive(Default)]
pub(crate) struct Journal {
    store: RefCell<MemoryStore>,
    /// Where the record of each id is, as long as the log of its target ends there.
    positions: RefCell<BTreeMap<Target, Parts>>,
    pub(crate) notified: RefCell<Notified>,
}

impl Journal {
    /// The journal of a store that has a past.
    pub(crate) fn of(store: &MemoryStore, notified: Notified) -> Rc<Self> {
        Rc::new(Self {
            store: RefCell::new(store.clone()),
            notified: RefCell::new(notified),
            ..Self::default()
        })
    }

    pub(crate) fn store(&self) -> MemoryStore {
        self.store.borrow().clone()
    }

    /// The next read of a run sees only a part of a commit of the last minutes.
    pub(crate) fn tear(&self, run: usize) {
        self.store.borrow().tear(self.notified.borrow().runs[run].now - 9 * 60);
    }

    /// A run begins at this time of its clock; its number.
    pub(crate) fn begin(&self, store: &MemoryStore, notify: Names, now: i64) -> usize {
        *self.store.borrow_mut() = store.clone();
        let mut notified = self.notified.borrow_mut();
        notified.runs.push(Past { notify, now, ..Past::default() });
        notified.runs.len() - 1
    }

    /// A run was killed, or did not have all the time that it wanted.
    pub(crate) fn dies(&self, run: usize) {
        self.notified.borrow_mut().runs[run].died = true;
    }

    /// The clock of a run goes on.
    pub(crate) fn now(&self, run: usize, now: i64) {
        self.notified.borrow_mut().runs[run].now = now;
    }

    pub(crate) fn loads(&self, run: usize, heads: &Heads) {
        let run = &mut self.notified.borrow_mut().runs[run];
        run.loaded
            .get_or_insert_with(|| heads.known.iter().map(|(t, head)| (t.clone(), head.log_end)).collect());
    }

    pub(crate) fn commits(&self, run: usize, target: &Target, epoch: u64) {
        let mut notified = self.notified.borrow_mut();
        let notify = notified.runs[run].notify;
        if notified.notify.insert((target.clone(), epoch), notify).is_some() {
            notified.wrong.push(format!("{target}: epoch {epoch} was committed twice"));
        }
    }

    /// A publish or a write of cursors begins.
    pub(crate) fn begins(&self, run: usize, topic: Topic) {
        *self.notified.borrow_mut().runs[run].open.entry(topic).or_default() += 1;
    }

    /// It ends well.
    pub(crate) fn ends(&self, run: usize, topic: Topic) {
        *self.notified.borrow_mut().runs[run].open.entry(topic).or_default() -= 1;
    }

    /// Cursors are written.
    pub(crate) fn puts(&self, run: usize, topic: Topic, before: &Cursors, after: &Cursors) {
        let mut notified = self.notified.borrow_mut();
        let listens = |cursors: &Cursors| cursors.version > 0 && !cursors.stopped;
        if topic == Topic::Events && listens(after) && !listens(before) {
            let loaded = notified.runs[run].loaded.clone().unwrap_or_default();
            for (target, begin) in &after.positions {
                // What was recorded after the run had loaded the heads lags.
                let begin = *begin.min(loaded.get(target).unwrap_or(&Position::START));
                let passed = notified.passed_over.entry(target.clone()).or_default();
                *passed = begin.max(*passed);
            }
        }
        let Some(lease) = &after.lease else { return };
        notified.runs[run].id.clone_from(&lease.run);
        let now = notified.runs[run].now;
        if let Some(of) = before.lease.as_ref().filter(|of| of.run != lease.run)
            && (of.until < now || of.until > now + 300)
            && let Some(owner) = notified.runs.iter_mut().rev().find(|past| past.id == of.run)
        {
            owner.taken_over.insert(topic);
        }
    }

    /// SNS takes a digest.
    pub(crate) fn accepts_digest(&self, run: usize, id: &str, document: String) {
        let (store, mut notified) = (self.store(), self.notified.borrow_mut());
        let cursors = store.cursors(Topic::Alerts);
        let mut wrong = Vec::new();
        let stored = store.stored_message(id);
        if stored.is_none() {
            wrong.push(format!("a digest was sent before it was stored: {document}"));
        }
        if !notified.digests.contains_key(id) {
            let ends = stored.map(|message| ends(&message.data)).unwrap_or_default();
            let ranges = ends.into_iter().map(|(target, end)| {
                let from = cursors.position(&target);
                (target, (from, end))
            });
            let ranges: Ranges = ranges.collect();
            wrong.extend(judge(&serde_json::from_str(&document).unwrap(), &ranges, &store));
            for (other, digest) in &notified.digests {
                for (target, (from, to)) in &ranges {
                    let meets = |(f, t): &(Position, Position)| from < t && f < to;
                    if digest.ranges.get(target).is_some_and(meets) {
                        wrong.push(format!(
                            "{target} is reported in two digests, {other} and {id}: {document}"
                        ));
                    }
                }
            }
            notified.digests.insert(id.to_owned(), Digest { ranges, copies: Vec::new() });
        }
        let digest = &notified.digests[id];
        let is_stored = digest.ranges.iter().any(|(target, (_, to))| cursors.position(target) >= *to);
        wrong.extend(notified.wrong_copy(Topic::Alerts, run, &digest.copies, is_stored, &document));
        notified.wrong.extend(wrong);
        notified.digests.get_mut(id).unwrap().copies.push((run, document));
    }

    fn position(&self, store: &MemoryStore, target: &Target, id: &str) -> Option<Position> {
        let head = store.heads().remove(target)?;
        let mut positions = self.positions.borrow_mut();
        let known = positions.entry(target.clone()).or_default();
        if known.0 != head.log_end || !known.1.contains_key(id) {
            let id = |record: &Record| record_id(target, &head.history_id, record);
            let log = store.log_of(target).into_iter();
            *known = (head.log_end, log.map(|(position, record)| (id(&record), position)).collect());
        }
        known.1.get(id).copied()
    }

    /// SNS takes an event.
    pub(crate) fn accepts_event(&self, run: usize, id: &str, document: &str) {
        let (store, mut notified) = (self.store(), self.notified.borrow_mut());
        let event: Value = serde_json::from_str(document).unwrap();
        let [region, pack] = ["Region", "OrganizationConformancePackName"].map(|field| event[field].as_str());
        let (region, pack) = (region.unwrap().parse().unwrap(), pack.unwrap().parse().unwrap());
        let target = &Target { region, pack };
        let Some(position) = self.position(&store, target, id) else {
            return notified.wrong.push(format!("an event of no record: {document}"));
        };
        let is_stored = store.cursor(Topic::Events, target) >= position;
        let copies = notified.events.get(id).map(Vec::as_slice).unwrap_or_default();
        let wrong = notified.wrong_copy(Topic::Events, run, copies, is_stored, document);
        notified.wrong.extend(wrong);
        notified.events.entry(id.to_owned()).or_default().push((run, document.to_owned()));
    }
}

impl Notified {
    /// What SNS accepted of runs that nobody followed: any copy is excused, and a digest begins where the one before ends.
    pub(crate) async fn of_messages(world: &World, store: &impl SnapshotStore) -> Self {
        let mut notified = Self::default();
        let document = |message: &Message| message.json_for("default");
        for event in world.messages_to(EVENTS).iter().map(document) {
            let id = event["Id"].as_str().unwrap().to_owned();
            notified.events.entry(id).or_default().push((0, event.to_string()));
        }
        let mut all_ends: BTreeMap<Target, BTreeSet<Position>> = BTreeMap::new();
        for digest in world.messages_to(ALERTS).iter().map(document) {
            let id = digest["Id"].as_str().unwrap();
            let Some(stored) = store.message(id).await.unwrap() else {
                notified.wrong.push(format!("a digest was sent before it was stored: {digest}"));
                continue;
            };
            let ends = ends(&stored.data);
            for (target, end) in &ends {
                all_ends.entry(target.clone()).or_default().insert(*end);
            }
            let ranges = ends.into_iter().map(|(target, end)| (target, (Position::START, end))).collect();
            let digest = (0, digest.to_string());
            let of_id =
                notified.digests.entry(id.to_owned()).or_insert(Digest { ranges, copies: Vec::new() });
            of_id.copies.push(digest);
        }
        for (target, (from, to)) in notified.digests.values_mut().flat_map(|digest| &mut digest.ranges) {
            *from = all_ends[target].range(..*to).next_back().copied().unwrap_or_default();
        }
        notified
    }

    /// What is wrong with a message that comes again.
    fn wrong_copy(
        &self,
        topic: Topic,
        run: usize,
        copies: &[(usize, String)],
        is_stored: bool,
        document: &str,
    ) -> Vec<String> {
        let mut wrong = Vec::new();
        if is_stored && !copies.is_empty() && !self.runs[run].taken_over.contains(&topic) {
            wrong.push(format!("told again on {topic:?} behind the cursor: {document}"));
        }
        let unexcused = copies.iter().find(|(first, _)| !self.runs[*first].is_troubled(topic));
        if let Some((first, _)) = unexcused.filter(|_| !self.runs[run].taken_over.contains(&topic)) {
            wrong.push(format!("told again on {topic:?}, by run {first} and run {run}: {document}"));
        }
        wrong
    }

    /// Whether a digest covers a position.
    pub(crate) fn is_covered(&self, target: &Target, position: Position) -> bool {
        let covers = |(from, to): &(Position, Position)| position > *from && position <= *to;
        self.digests.values().any(|digest| digest.ranges.get(target).is_some_and(covers))
    }
}

/// Where the cursors go behind a stored digest.
pub(crate) fn ends(data: &[u8]) -> BTreeMap<Target, Position> {
    let digest: Value = serde_json::from_slice(&packed::unzipped(data).unwrap()).unwrap();
    serde_json::from_value(digest["ends"].clone()).unwrap()
}
