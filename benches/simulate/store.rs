//! The table, in memory: rows that are alike are kept once, so that two million need little room. What the port's
//! contract says (`tests/it/stores/contract.rs`), and nothing else.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound::{Excluded, Included};
use std::rc::Rc;
use std::time::Duration;

use packwatch::model::{AccountId, Target};

use packwatch::ports::{LogRequest, Order, Page, SnapshotStore, StoreError};
use packwatch::state::Row;
use packwatch::state::heads::{Advance, Change, Claim, Closing, Finish, Head, Heads, Note, listening};
use packwatch::state::log::{Position, Record};
use tokio::time::sleep;

/// How long DynamoDB takes for a request.
const LATENCY: Duration = Duration::from_millis(10);

/// So many kinds of rows are remembered.
const KINDS: usize = 20;

#[derive(Default)]
pub(crate) struct Table(RefCell<State>);

#[derive(Default)]
struct State {
    heads: BTreeMap<Target, Head>,
    rows: BTreeMap<Target, BTreeMap<AccountId, Rc<Row>>>,
    log: BTreeMap<Target, BTreeMap<Position, Record>>,
    kinds: VecDeque<Rc<Row>>,
}

impl Table {
    /// How many targets have a committed baseline.
    pub(crate) fn watched(&self) -> usize {
        self.0.borrow().heads.values().filter(|head| head.life.is_some()).count()
    }

    /// How long ago, in seconds, the whole look was that is the longest ago.
    pub(crate) fn oldest_whole_look(&self, now: i64) -> i64 {
        self.0.borrow().heads.values().map(|head| now - head.whole_at.unwrap_or_default()).max().unwrap_or(0)
    }

    /// How many targets owe something, or hold other than this many accounts.
    pub(crate) fn unfinished(&self, accounts: usize) -> usize {
        let is_open = |head: &&Head| head.fingerprint.is_none() || head.account_count() != accounts as u64;
        self.0.borrow().heads.values().filter(is_open).count()
    }

    /// Leaves a head as a write makes it; `None`: the run may not write any more.
    async fn change(
        &self,
        target: &Target,
        changed: impl FnOnce(Option<&Head>) -> Option<Head>,
    ) -> Result<Head, StoreError> {
        sleep(LATENCY).await;
        let heads = &mut self.0.borrow_mut().heads;
        let head = changed(heads.get(target)).ok_or(StoreError::Superseded)?;
        heads.insert(target.clone(), head.clone());
        Ok(head)
    }
}

impl State {
    /// The row, shared with those of the last kinds that are like it. Every incident has its own.
    fn kept_once(&mut self, row: &Row) -> Rc<Row> {
        if let Some(known) = self.kinds.iter().find(|kind| ***kind == *row) {
            return known.clone();
        }
        let kept = Rc::new(row.clone());
        if row.incident.is_none() {
            self.kinds.push_front(kept.clone());
            self.kinds.truncate(KINDS);
        }
        kept
    }
}

impl SnapshotStore for Table {
    async fn load(&self) -> Result<Heads, StoreError> {
        sleep(LATENCY).await;
        Ok(Heads { known: self.0.borrow().heads.clone(), ..Heads::default() })
    }

    async fn claim(&self, target: &Target, claim: &Claim) -> Result<Head, StoreError> {
        self.change(target, |head| claim.applied_to(head)).await
    }

    async fn rows(&self, target: &Target) -> Result<BTreeMap<AccountId, Row>, StoreError> {
        sleep(LATENCY).await;
        let state = self.0.borrow();
        let rows = state.rows.get(target).into_iter().flatten();
        Ok(rows.map(|(account, row)| (*account, (**row).clone())).collect())
    }

    async fn record(
        &self,
        target: &Target,
        epoch: u64,
        changes: &[Change],
        closing: Option<&Closing>,
    ) -> Result<(), StoreError> {
        let closed = |head: &Head| match closing {
            Some(closing) => closing.applied_to(head.clone()),
            None => head.clone(),
        };
        self.change(target, |head| head.filter(|head| head.epoch == epoch).map(closed)).await?;
        let mut state = self.0.borrow_mut();
        for change in changes {
            let row = change.row.as_ref().map(|row| state.kept_once(row));
            let rows = state.rows.entry(target.clone()).or_default();
            match row {
                Some(row) => drop(rows.insert(change.account, row)),
                None => drop(rows.remove(&change.account)),
            }
        }
        let transitions = changes.iter().filter_map(|change| change.transition.as_deref().cloned());
        let notice = closing.and_then(Closing::notice).cloned();
        let records = transitions.map(Record::Account).chain(notice.map(Record::Pack));
        let log = state.log.entry(target.clone()).or_default();
        log.extend(records.map(|record| (record.position(), record)));
        Ok(())
    }

    async fn log(&self, target: &Target, request: &LogRequest) -> Result<Page<Record>, StoreError> {
        sleep(LATENCY).await;
        let token: Option<Position> = request.token.as_ref().and_then(|token| token.parse().ok());
        let (mut after, mut until) = (Excluded(request.after), Included(request.until));
        match (request.order, token) {
            (Order::Oldest, Some(token)) => after = Excluded(token),
            (Order::Newest, Some(token)) => until = Excluded(token),
            (_, None) => {}
        }
        let state = self.0.borrow();
        let range = state.log.get(target).filter(|_| request.after < request.until);
        let range = range.into_iter().flat_map(|log| log.range((after, until)));
        let limit = request.limit as usize;
        let items: Vec<Record> = match request.order {
            Order::Oldest => range.take(limit).map(|(_, record)| record.clone()).collect(),
            Order::Newest => range.rev().take(limit).map(|(_, record)| record.clone()).collect(),
        };
        let last = items.last().filter(|_| items.len() == limit);
        Ok(Page { next_token: last.map(|record| record.position().to_string()), items })
    }

    async fn advance(&self, target: &Target, advance: &Advance) -> Result<(), StoreError> {
        self.change(target, |head| advance.applied_to(head?)).await.map(drop)
    }

    async fn finish(&self, target: &Target, finish: &Finish) -> Result<(), StoreError> {
        self.change(target, |head| finish.applied_to(head?)).await.map(drop)
    }

    async fn listen(&self, target: &Target, listens: bool) -> Result<(), StoreError> {
        drop(self.change(target, |head| Some(listening(head?, listens))).await);
        Ok(())
    }

    async fn remember(&self, target: &Target, note: &Note) -> Result<(), StoreError> {
        drop(self.change(target, |head| Some(note.applied_to(head?))).await);
        Ok(())
    }
}
