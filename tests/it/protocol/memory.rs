//! The snapshot store as a model: maps behind a mutex. What the contract says, and nothing else.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex};

use packwatch::model::{Status, Target};
use packwatch::ports::{LogRequest, Order, Page, SilenceStore, SnapshotStore, StoreError};
use packwatch::state::commit::{Commit, Snapshot};
use packwatch::state::head::{Cursors, Head, Heads, Hint, SharedSettings, StoredMessage, Topic};
use packwatch::state::log::{LogPart, PackEvent, Position, Record};
use packwatch::state::silence::{Silence, Silences};
use packwatch::state::{Rows, packed};

/// The chunks of a snapshot, each with the epoch that wrote it.
type Chunks = BTreeMap<u32, (u64, Arc<Vec<u8>>)>;

#[derive(Debug, Clone, Default)]
pub(crate) struct MemoryStore(Arc<Mutex<State>>);

#[derive(Debug, Clone, Default)]
struct State {
    heads: BTreeMap<Target, Head>,
    chunks: BTreeMap<Target, Chunks>,
    logs: BTreeMap<Target, BTreeMap<Position, Arc<LogPart>>>,
    cursors: BTreeMap<Topic, Cursors>,
    messages: BTreeMap<String, StoredMessage>,
    silences: BTreeMap<String, Silence>,
    settings: Option<SharedSettings>,
    /// Each completed baseline and each deletion, in order.
    lives: Vec<Life>,
    /// Cursors that went back.
    back: Vec<String>,
    /// The chunks and the log of each target before its last commit, for reads that see only a part of it.
    before: BTreeMap<Target, (Chunks, BTreeMap<Position, Arc<LogPart>>)>,
    /// The next read of a snapshot or a log is such a one, where the commit is younger than this.
    torn_since: Option<i64>,
    /// Accounts that every live head counts as well, and that have no rows: enough of them, and a target is large.
    uncounted: u64,
}

/// A pack's life begins, or ends.
#[derive(Debug, Clone)]
pub(crate) struct Life {
    pub(crate) target: Target,
    pub(crate) epoch: u64,
    /// The rows with which it begins; `None`: it ends.
    pub(crate) begins: Option<Arc<Rows>>,
}

/// What a test sees of the store, past the port.
impl MemoryStore {
    pub(crate) fn heads(&self) -> BTreeMap<Target, Head> {
        self.0.lock().unwrap().heads.clone()
    }

    pub(crate) fn rows_of(&self, target: &Target) -> Rows {
        self.0.lock().unwrap().snapshot(target).rows
    }

    /// Where a topic's cursor is.
    pub(crate) fn cursor(&self, topic: Topic, target: &Target) -> Position {
        self.0.lock().unwrap().cursors.get(&topic).map(|cursors| cursors.position(target)).unwrap_or_default()
    }

    /// A topic's cursors.
    pub(crate) fn cursors(&self, topic: Topic) -> Cursors {
        self.0.lock().unwrap().cursors.get(&topic).cloned().unwrap_or_default()
    }

    /// The next read of a snapshot or a log sees only a part of the target's last commit, as a Query may for a moment.
    pub(crate) fn tear(&self, since: i64) {
        self.0.lock().unwrap().torn_since = Some(since);
    }

    /// A digest that was kept.
    pub(crate) fn stored_message(&self, id: &str) -> Option<StoredMessage> {
        self.0.lock().unwrap().messages.get(id).cloned()
    }

    /// A store in which every pack is large, for what a run decides by its size, and has a handful of rows.
    pub(crate) fn of_large_packs() -> Self {
        Self(Arc::new(Mutex::new(State { uncounted: 2_000, ..State::default() })))
    }

    /// Every record of a target with the part it is in, in the order of the log.
    pub(crate) fn log_of(&self, target: &Target) -> Vec<(Position, Record)> {
        let state = self.0.lock().unwrap();
        let parts = state.logs.get(target).into_iter().flatten();
        let records = parts.flat_map(|(position, part)| {
            let records = packed::read_records(&part.data).unwrap();
            records.into_iter().map(|record| (*position, record))
        });
        records.collect()
    }

    /// A copy of what another store holds; what it was before is known from the copy before.
    pub(crate) async fn copy(store: &impl SnapshotStore, before: &Self) -> Self {
        let mut state = State { lives: before.lives(), ..State::default() };
        let loaded = store.load().await.unwrap();
        state.cursors = BTreeMap::from([(Topic::Alerts, loaded.alerts), (Topic::Events, loaded.events)]);
        for (target, head) in loaded.known {
            let snapshot = store.snapshot(&target).await.unwrap();
            let data = Arc::new(packed::rows(snapshot.rows.iter().map(|(account, row)| (*account, &**row))));
            let chunks = BTreeMap::from([(0, (head.chunk_epochs, data))]);
            let parts = whole_log(store, &target).await;
            // A life that began since the copy before is taken to begin with the rows of now.
            let known: Vec<u64> =
                before.lives().iter().filter(|life| life.target == target).map(|life| life.epoch).collect();
            let records = parts.iter().flat_map(|part| packed::read_records(&part.data).unwrap());
            let notices = records.filter_map(|record| match record {
                Record::Pack(notice) => Some(notice),
                Record::Account(_) => None,
            });
            let rows = Arc::new(snapshot.rows);
            let lives = notices.filter(|notice| !known.contains(&notice.epoch)).map(|notice| Life {
                target: target.clone(),
                epoch: notice.epoch,
                begins: (notice.event == PackEvent::Baseline).then(|| rows.clone()),
            });
            state.lives.extend(lives);
            let parts = parts.into_iter().map(|part| (part.position, Arc::new(part)));
            state.logs.insert(target.clone(), parts.collect());
            state.chunks.insert(target.clone(), chunks);
            state.heads.insert(target, head);
        }
        Self(Arc::new(Mutex::new(state)))
    }

    /// The same again, to go another way from here.
    pub(crate) fn fork(&self) -> Self {
        Self(Arc::new(Mutex::new(self.0.lock().unwrap().clone())))
    }

    /// Changes a head in a way that the port does not offer.
    pub(crate) fn edit_head<T>(&self, target: &Target, edit: impl FnOnce(&mut Head) -> T) -> Option<T> {
        self.0.lock().unwrap().heads.get_mut(target).map(edit)
    }

    /// Changes a topic's cursors in a way that the port does not offer.
    pub(crate) fn edit_cursors<T>(&self, topic: Topic, edit: impl FnOnce(&mut Cursors) -> T) -> T {
        edit(self.0.lock().unwrap().cursors.entry(topic).or_default())
    }

    /// Nobody can read the last part of a log any more, or tell what is before it.
    pub(crate) fn damage_last_part(&self, target: &Target) {
        let mut state = self.0.lock().unwrap();
        let last = state.logs.get_mut(target).and_then(|log| log.values_mut().next_back());
        let part = Arc::make_mut(last.unwrap());
        (part.data, part.previous) = (Vec::new(), Position::START);
    }

    /// The lives of all packs, in order.
    pub(crate) fn lives(&self) -> Vec<Life> {
        self.0.lock().unwrap().lives.clone()
    }

    /// Which cursors went back.
    pub(crate) fn cursors_that_went_back(&self) -> Vec<String> {
        self.0.lock().unwrap().back.clone()
    }

    /// All that it holds and that the judge looks at, in one number.
    pub(crate) fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        let state = self.0.lock().unwrap();
        let State { heads, chunks, logs, cursors, messages, silences, lives, back, .. } = &*state;
        format!("{heads:?}{chunks:?}{logs:?}{cursors:?}{messages:?}{silences:?}{lives:?}{back:?}")
            .hash(&mut hasher);
        hasher.finish()
    }
}

/// Everything that a store has in a target's log, in its order.
pub(crate) async fn whole_log(store: &impl SnapshotStore, target: &Target) -> Vec<LogPart> {
    let mut parts = Vec::new();
    let (after, until) = (Position::START, Position::END);
    let mut request = LogRequest { after, until, order: Order::Oldest, limit: 1000, token: None };
    loop {
        let page = store.log(target, &request).await.unwrap();
        parts.extend(page.items);
        request.token = page.next_token;
        if request.token.is_none() {
            return parts;
        }
    }
}

impl State {
    /// Whether this read of a target sees only a part of its last commit.
    fn is_torn(&mut self, target: &Target) -> bool {
        let committed_at = self.heads.get(target).map(|head| head.committed_at.as_second());
        self.torn_since.take().is_some_and(|since| committed_at > Some(since))
    }

    fn snapshot(&self, target: &Target) -> Snapshot {
        let mut snapshot = Snapshot::default();
        for (number, (epoch, data)) in self.chunks.get(target).into_iter().flatten() {
            snapshot.chunks.insert(*number, *epoch);
            packed::read_rows(data, &mut snapshot.rows).unwrap();
        }
        snapshot
    }
}

impl SnapshotStore for MemoryStore {
    async fn load(&self) -> Result<Heads, StoreError> {
        let state = self.0.lock().unwrap();
        let silences = Silences(state.silences.values().cloned().collect());
        let mut known = state.heads.clone();
        if state.uncounted > 0 {
            for head in known.values_mut().filter(|head| head.baseline_epoch.is_some()) {
                *head.accounts.entry(Status::new("CREATE_SUCCESSFUL")).or_default() += state.uncounted;
            }
        }
        let cursors = |topic| state.cursors.get(&topic).cloned().unwrap_or_default();
        let (alerts, events) = (cursors(Topic::Alerts), cursors(Topic::Events));
        let settings = state.settings.clone();
        Ok(Heads { known, silences, settings, alerts, events, ..Heads::default() })
    }

    async fn snapshot(&self, target: &Target) -> Result<Snapshot, StoreError> {
        let mut state = self.0.lock().unwrap();
        if !state.is_torn(target) {
            return Ok(state.snapshot(target));
        }
        // Every other chunk is still as it was before the last commit.
        let (mut torn, before) = (State::default(), state.before.get(target).map(|(chunks, _)| chunks));
        let now = state.chunks.get(target).into_iter().flatten().filter(|(number, _)| *number % 2 == 1);
        let before = before.into_iter().flatten().filter(|(number, _)| *number % 2 == 0);
        let chunks = now.chain(before).map(|(number, chunk)| (*number, chunk.clone())).collect();
        torn.chunks.insert(target.clone(), chunks);
        Ok(torn.snapshot(target))
    }

    async fn commit(&self, target: &Target, commit: &Commit) -> Result<(), StoreError> {
        let mut state = self.0.lock().unwrap();
        let before = state.heads.get(target);
        if !commit.fits(before) {
            return Err(StoreError::Superseded);
        }
        let before = (
            state.chunks.get(target).cloned().unwrap_or_default(),
            state.logs.get(target).cloned().unwrap_or_default(),
        );
        state.before.insert(target.clone(), before);
        let chunks = state.chunks.entry(target.clone()).or_default();
        let written = commit.chunks.iter();
        chunks.extend(written.map(|chunk| (chunk.number, (commit.head.epoch, Arc::new(chunk.data.clone())))));
        let log = state.logs.entry(target.clone()).or_default();
        log.extend(commit.parts.iter().map(|part| (part.position, Arc::new(part.clone()))));
        let (epoch, head) = (commit.head.epoch, commit.head.clone());
        let begins = head.baseline_epoch == Some(epoch);
        if begins || head.is_deleted() {
            let begins = begins.then(|| Arc::new(state.snapshot(target).rows));
            state.lives.push(Life { target: target.clone(), epoch, begins });
        }
        state.heads.insert(target.clone(), head);
        Ok(())
    }

    async fn hint(&self, target: &Target, hint: &Hint) -> Result<(), StoreError> {
        let mut state = self.0.lock().unwrap();
        if let Some(head) = state.heads.get_mut(target) {
            *head = hint.applied_to(head);
        }
        Ok(())
    }

    async fn put_settings(&self, settings: &SharedSettings) -> Result<(), StoreError> {
        self.0.lock().unwrap().settings = Some(settings.clone());
        Ok(())
    }

    async fn log(&self, target: &Target, request: &LogRequest) -> Result<Page<LogPart>, StoreError> {
        let mut state = self.0.lock().unwrap();
        let is_torn = state.is_torn(target);
        // Of the last commit the first part is not visible yet.
        let before = state.before.get(target).map(|(_, log)| log).filter(|_| is_torn);
        let hidden = before.and_then(|before| {
            let log = state.logs.get(target)?;
            log.keys().find(|position| !before.contains_key(position)).copied()
        });
        let token: Option<Position> = request.token.as_ref().map(|token| token.parse().unwrap());
        let is_next = |position: &Position| {
            hidden != Some(*position)
                && *position > request.after
                && *position <= request.until
                && token.is_none_or(|token| match request.order {
                    Order::Oldest => *position > token,
                    Order::Newest => *position < token,
                })
        };
        let log = state.logs.get(target).into_iter().flatten().filter(|(position, _)| is_next(position));
        let mut left: Vec<LogPart> = log.map(|(_, part)| (**part).clone()).collect();
        if request.order == Order::Newest {
            left.reverse();
        }
        let is_last = left.len() <= request.limit as usize;
        left.truncate(request.limit as usize);
        let last = left.last().filter(|_| !is_last);
        Ok(Page { next_token: last.map(|part| part.position.to_string()), items: left })
    }

    async fn put_cursors(&self, topic: Topic, cursors: &Cursors) -> Result<(), StoreError> {
        let mut state = self.0.lock().unwrap();
        let stored = state.cursors.get(&topic).cloned().unwrap_or_default();
        if stored == *cursors && cursors.version > 0 {
            return Ok(());
        }
        if stored.version + 1 != cursors.version {
            return Err(StoreError::Superseded);
        }
        if !cursors.stopped && !stored.stopped {
            let back =
                stored.positions.iter().filter(|(target, position)| cursors.position(target) < **position);
            let back = back.map(|(target, position)| {
                format!(
                    "the cursor of {topic:?} in {target} went back from {position} to {}",
                    cursors.position(target)
                )
            });
            let back: Vec<String> = back.collect();
            state.back.extend(back);
        }
        state.cursors.insert(topic, cursors.clone());
        Ok(())
    }

    async fn put_message(&self, message: &StoredMessage) -> Result<(), StoreError> {
        self.0.lock().unwrap().messages.insert(message.id.clone(), message.clone());
        Ok(())
    }

    async fn message(&self, id: &str) -> Result<Option<StoredMessage>, StoreError> {
        Ok(self.0.lock().unwrap().messages.get(id).cloned())
    }
}

impl SilenceStore for MemoryStore {
    async fn silence(&self, silence: &Silence) -> Result<(), StoreError> {
        self.0.lock().unwrap().silences.insert(silence.id.clone(), silence.clone());
        Ok(())
    }

    async fn unsilence(&self, id: &str) -> Result<bool, StoreError> {
        Ok(self.0.lock().unwrap().silences.remove(id).is_some())
    }
}
