//! The table, in memory: rows that are alike are kept once, so that two million need little room. What the port's
//! contract says (`tests/it/stores/contract.rs`), and nothing else.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use packwatch::model::{AccountId, Target};

use packwatch::ports::{SnapshotStore, StoreError};
use packwatch::state::heads::{Change, Claim, Commit, Head, Heads};
use packwatch::state::{Row, Transition};
use tokio::time::sleep;

/// How long DynamoDB takes for a request.
const LATENCY: Duration = Duration::from_millis(10);

#[derive(Default)]
pub(crate) struct Table(RefCell<State>);

#[derive(Default)]
struct State {
    heads: BTreeMap<Target, Head>,
    rows: BTreeMap<Target, BTreeMap<AccountId, Rc<Row>>>,
    log: BTreeMap<Target, Vec<Transition>>,
    kinds: Vec<Rc<Row>>,
}

impl Table {
    /// How many targets have a committed baseline.
    pub(crate) fn watched(&self) -> usize {
        self.0.borrow().heads.values().filter(|head| !head.is_baseline()).count()
    }

    /// How many targets owe something, or hold other than this many accounts.
    pub(crate) fn unfinished(&self, accounts: usize) -> usize {
        let is_open = |head: &&Head| head.fingerprint.is_none() || head.account_count() != accounts as u64;
        self.0.borrow().heads.values().filter(is_open).count()
    }
}

impl State {
    fn fenced(&mut self, target: &Target, epoch: u64) -> Result<&mut Head, StoreError> {
        self.heads.get_mut(target).filter(|head| head.epoch == epoch).ok_or(StoreError::Superseded)
    }

    fn kept_once(&mut self, row: &Row) -> Rc<Row> {
        let known = self.kinds.iter().find(|kind| ***kind == *row).cloned();
        known.unwrap_or_else(|| {
            self.kinds.push(Rc::new(row.clone()));
            self.kinds[self.kinds.len() - 1].clone()
        })
    }
}

impl SnapshotStore for Table {
    async fn load(&self) -> Result<Heads, StoreError> {
        sleep(LATENCY).await;
        Ok(Heads { known: self.0.borrow().heads.clone(), ..Heads::default() })
    }

    async fn claim(&self, target: &Target, claim: &Claim) -> Result<(), StoreError> {
        sleep(LATENCY).await;
        let mut state = self.0.borrow_mut();
        let head = match state.heads.get(target) {
            None if claim.seen == 0 => claim.first_head(),
            Some(head) if claim.saw(head) => Head { epoch: claim.epoch(), fingerprint: None, ..head.clone() },
            _ => return Err(StoreError::Superseded),
        };
        state.heads.insert(target.clone(), head);
        Ok(())
    }

    async fn rows(&self, target: &Target) -> Result<BTreeMap<AccountId, Row>, StoreError> {
        sleep(LATENCY).await;
        let state = self.0.borrow();
        let rows = state.rows.get(target).into_iter().flatten();
        Ok(rows.map(|(account, row)| (*account, (**row).clone())).collect())
    }

    async fn record(&self, target: &Target, epoch: u64, changes: &[Change]) -> Result<(), StoreError> {
        sleep(LATENCY).await;
        let mut state = self.0.borrow_mut();
        state.fenced(target, epoch)?;
        for change in changes {
            let row = change.row.as_ref().map(|row| state.kept_once(row));
            let rows = state.rows.entry(target.clone()).or_default();
            match row {
                Some(row) => drop(rows.insert(change.account, row)),
                None => drop(rows.remove(&change.account)),
            }
            if let Some(transition) = &change.transition {
                state.log.entry(target.clone()).or_default().push((**transition).clone());
            }
        }
        Ok(())
    }

    async fn transitions(&self, target: &Target, after: u64) -> Result<Vec<Transition>, StoreError> {
        sleep(LATENCY).await;
        let state = self.0.borrow();
        let log = state.log.get(target).into_iter().flatten();
        Ok(log.filter(|transition| transition.epoch > after).cloned().collect())
    }

    async fn commit(&self, target: &Target, commit: &Commit) -> Result<(), StoreError> {
        sleep(LATENCY).await;
        let mut state = self.0.borrow_mut();
        let head = state.fenced(target, commit.epoch)?;
        *head = commit.applied_to(head);
        Ok(())
    }
}
