//! The snapshot store as a model: maps behind a mutex. What the contract says, and nothing else.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use packwatch::model::{AccountId, Status, Target};

use packwatch::ports::{
    HistoryReader, HistoryRequest, LogRequest, Order, Page, SilenceStore, SnapshotStore, StoreError,
};
use packwatch::state::heads::{Advance, Change, Claim, Closing, Finish, Head, Heads, Mark, Note, listening};
use packwatch::state::log::{PackEvent, Position, Record};
use packwatch::state::silence::{Silence, Silences};
use packwatch::state::{Row, Transition};

type Rows = BTreeMap<AccountId, Row>;
type Log = BTreeMap<Position, Record>;

#[derive(Debug, Clone, Default)]
pub(crate) struct MemoryStore(Arc<Mutex<State>>);

#[derive(Debug, Clone, Default)]
struct State {
    heads: BTreeMap<Target, Head>,
    rows: BTreeMap<Target, Arc<Rows>>,
    logs: BTreeMap<Target, Log>,
    silences: BTreeMap<String, Silence>,
    /// Each begin and end of a pack's life, in order.
    lives: Vec<Life>,
    /// Marks that went back.
    back: Vec<String>,
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
        (*self.0.lock().unwrap().rows_of(target)).clone()
    }

    /// A store in which every pack is large, for what a run decides by its size, and has a handful of rows.
    pub(crate) fn of_large_packs() -> Self {
        Self(Arc::new(Mutex::new(State { uncounted: 2_000, ..State::default() })))
    }

    /// Every record of a target, in the order of the log.
    pub(crate) fn log_of(&self, target: &Target) -> Vec<Record> {
        let state = self.0.lock().unwrap();
        state.logs.get(target).into_iter().flat_map(BTreeMap::values).cloned().collect()
    }

    /// A copy of what another store holds; what it was before is known from the copy before.
    pub(crate) async fn copy(store: &impl SnapshotStore, before: &Self) -> Self {
        let mut state = State { lives: before.lives(), ..State::default() };
        for (target, head) in store.load().await.unwrap().known {
            state.rows.insert(target.clone(), Arc::new(store.rows(&target).await.unwrap()));
            let log = whole_log(store, &target).await.into_iter();
            state.logs.insert(target.clone(), log.map(|record| (record.position(), record)).collect());
            // A life that began since the copy before is taken to begin with the rows of now.
            let known: Vec<u64> =
                before.lives().iter().filter(|life| life.target == target).map(|life| life.epoch).collect();
            let notices = state.logs[&target].values().filter_map(|record| match record {
                Record::Pack(notice) => Some(notice.clone()),
                Record::Account(_) => None,
            });
            let rows = state.rows_of(&target);
            let lives = notices.filter(|notice| !known.contains(&notice.epoch)).map(|notice| Life {
                target: target.clone(),
                epoch: notice.epoch,
                begins: (notice.event == PackEvent::Baseline).then(|| rows.clone()),
            });
            let lives: Vec<Life> = lives.collect();
            state.lives.extend(lives);
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

    /// Sets a mark to a position, wherever it is.
    pub(crate) fn set_mark(&self, target: &Target, advance: &Advance) {
        let mut state = self.0.lock().unwrap();
        let Some(before) = state.heads.get(target).cloned() else { return };
        let mut after = before.clone();
        match advance.mark {
            Mark::People => after.people = advance.to,
            Mark::Machines => after.machines = advance.to,
        }
        state.write(target, Some(&before), after);
    }

    /// The lives of all packs, in order.
    pub(crate) fn lives(&self) -> Vec<Life> {
        self.0.lock().unwrap().lives.clone()
    }

    /// Which marks went back.
    pub(crate) fn marks_that_went_back(&self) -> Vec<String> {
        self.0.lock().unwrap().back.clone()
    }

    /// All that it holds and that the judge looks at, in one number.
    pub(crate) fn digest(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        let state = self.0.lock().unwrap();
        let State { heads, rows, logs, silences, lives, back, uncounted: _ } = &*state;
        format!("{heads:?}{rows:?}{logs:?}{silences:?}{lives:?}{back:?}").hash(&mut hasher);
        hasher.finish()
    }
}

/// Everything that a store has in a target's log, in its order.
pub(crate) async fn whole_log(store: &impl SnapshotStore, target: &Target) -> Vec<Record> {
    let mut records = Vec::new();
    let (after, until) = (Position::START, Position::end_of(u64::MAX));
    let mut request = LogRequest { after, until, order: Order::Oldest, limit: 1000, token: None };
    loop {
        let page = store.log(target, &request).await.unwrap();
        records.extend(page.items);
        request.token = page.next_token;
        if request.token.is_none() {
            return records;
        }
    }
}

impl State {
    fn rows_of(&self, target: &Target) -> Arc<Rows> {
        self.rows.get(target).cloned().unwrap_or_default()
    }

    /// Leaves a head as a write makes it.
    fn write(&mut self, target: &Target, before: Option<&Head>, after: Head) {
        if let Some(before) = before {
            let marks =
                [("people", before.people, after.people), ("machines", before.machines, after.machines)];
            let back = marks.into_iter().filter(|(_, before, after)| after < before);
            self.back.extend(back.map(|(whose, before, after)| {
                format!("the mark of {whose} in {target} went back from {before} to {after}")
            }));
        }
        self.heads.insert(target.clone(), after);
    }

    /// Remembers that a life begins or ends.
    fn close(&mut self, target: &Target, epoch: u64, closing: Option<&Closing>) {
        let begins = match closing {
            Some(Closing::Begun(..)) => {
                // Rows of the life before may still be there.
                let (head, mut rows) = (&self.heads[target], self.rows_of(target));
                Arc::make_mut(&mut rows).retain(|_, row| head.counts(row));
                Some(rows)
            }
            Some(Closing::Gone(_)) => None,
            Some(Closing::Counted(_)) | None => return,
        };
        self.lives.push(Life { target: target.clone(), epoch, begins });
    }

    fn page(
        &self,
        target: &Target,
        (after, until): (Position, Position),
        (order, limit, token): (Order, u32, Option<&String>),
    ) -> Page<Record> {
        let token: Option<Position> = token.map(|token| token.parse().unwrap());
        let is_next = |position: &Position| {
            *position > after
                && *position <= until
                && token.is_none_or(|token| match order {
                    Order::Oldest => *position > token,
                    Order::Newest => *position < token,
                })
        };
        let log = self.logs.get(target).into_iter().flatten().filter(|(position, _)| is_next(position));
        let mut left: Vec<_> = log.map(|(_, record)| record.clone()).collect();
        if order == Order::Newest {
            left.reverse();
        }
        let is_last = left.len() <= limit as usize;
        left.truncate(limit as usize);
        let last = left.last().filter(|_| !is_last);
        Page { next_token: last.map(|record| record.position().to_string()), items: left }
    }
}

impl SnapshotStore for MemoryStore {
    async fn load(&self) -> Result<Heads, StoreError> {
        let state = self.0.lock().unwrap();
        let silences = Silences(state.silences.values().cloned().collect());
        let mut known = state.heads.clone();
        if state.uncounted > 0 {
            for head in known.values_mut().filter(|head| head.life.is_some()) {
                *head.accounts.entry(Status::new("CREATE_SUCCESSFUL")).or_default() += state.uncounted;
            }
        }
        Ok(Heads { known, silences, ..Heads::default() })
    }

    async fn claim(&self, target: &Target, claim: &Claim) -> Result<Head, StoreError> {
        let mut state = self.0.lock().unwrap();
        let before = state.heads.get(target).cloned();
        let head = claim.applied_to(before.as_ref()).ok_or(StoreError::Superseded)?;
        state.write(target, before.as_ref(), head.clone());
        Ok(head)
    }

    async fn rows(&self, target: &Target) -> Result<Rows, StoreError> {
        Ok(self.rows_of(target))
    }

    async fn record(
        &self,
        target: &Target,
        epoch: u64,
        changes: &[Change],
        closing: Option<&Closing>,
    ) -> Result<(), StoreError> {
        let mut state = self.0.lock().unwrap();
        let before = state.heads.get(target).filter(|head| head.epoch == epoch).cloned();
        let before = before.ok_or(StoreError::Superseded)?;
        let rows = Arc::make_mut(state.rows.entry(target.clone()).or_default());
        for change in changes {
            match &change.row {
                Some(row) => drop(rows.insert(change.account, row.clone())),
                None => drop(rows.remove(&change.account)),
            }
        }
        let transitions = changes.iter().filter_map(|change| change.transition.as_deref().cloned());
        let notice = closing.and_then(Closing::notice).cloned();
        let records = transitions.map(Record::Account).chain(notice.map(Record::Pack));
        let log = state.logs.entry(target.clone()).or_default();
        log.extend(records.map(|record| (record.position(), record)));
        let after = closing.map_or_else(|| before.clone(), |closing| closing.applied_to(before.clone()));
        state.write(target, Some(&before), after);
        state.close(target, epoch, closing);
        Ok(())
    }

    async fn log(&self, target: &Target, request: &LogRequest) -> Result<Page<Record>, StoreError> {
        let paging = (request.order, request.limit, request.token.as_ref());
        Ok(self.0.lock().unwrap().page(target, (request.after, request.until), paging))
    }

    async fn advance(&self, target: &Target, advance: &Advance) -> Result<(), StoreError> {
        let mut state = self.0.lock().unwrap();
        let before = state.heads.get(target).cloned().ok_or(StoreError::Superseded)?;
        let after = advance.applied_to(&before).ok_or(StoreError::Superseded)?;
        state.write(target, Some(&before), after);
        Ok(())
    }

    async fn finish(&self, target: &Target, finish: &Finish) -> Result<(), StoreError> {
        let mut state = self.0.lock().unwrap();
        let before = state.heads.get(target).cloned().ok_or(StoreError::Superseded)?;
        let after = finish.applied_to(&before).ok_or(StoreError::Superseded)?;
        state.write(target, Some(&before), after);
        Ok(())
    }

    async fn listen(&self, target: &Target, listens: bool) -> Result<(), StoreError> {
        let mut state = self.0.lock().unwrap();
        if let Some(before) = state.heads.get(target).cloned() {
            let after = listening(&before, listens);
            state.write(target, Some(&before), after);
        }
        Ok(())
    }

    async fn remember(&self, target: &Target, note: &Note) -> Result<(), StoreError> {
        let mut state = self.0.lock().unwrap();
        if let Some(before) = state.heads.get(target).cloned() {
            let after = note.applied_to(&before);
            state.write(target, Some(&before), after);
        }
        Ok(())
    }
}

impl HistoryReader for MemoryStore {
    async fn history(
        &self,
        target: &Target,
        request: &HistoryRequest,
    ) -> Result<Page<Transition>, StoreError> {
        let (range, paging) = (
            (Position::START, Position::end_of(u64::MAX)),
            (request.order, request.limit, request.token.as_ref()),
        );
        let page = self.0.lock().unwrap().page(target, range, paging);
        let items = page.items.into_iter().filter_map(Record::transition).collect();
        Ok(Page { items, next_token: page.next_token })
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
