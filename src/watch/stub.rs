//! A store for unit tests: it holds heads and a log, and notes what is recorded.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::model::{AccountId, Target};
use crate::ports::{LogRequest, Page, SnapshotStore, StoreError};
use crate::state::Row;
use crate::state::heads::{Advance, Change, Claim, Closing, Finish, Head, Heads, Note};
use crate::state::log::Record;

#[derive(Default)]
pub(super) struct Stub {
    pub(super) heads: Heads,
    /// Each target's, in its order.
    pub(super) log: BTreeMap<Target, Vec<Record>>,
    /// The transaction that fails, and how.
    pub(super) fails: Option<(usize, StoreError)>,
    /// How many changes each transaction had, and whether it had the closing.
    pub(super) transactions: RefCell<Vec<(usize, bool)>>,
}

impl SnapshotStore for Stub {
    async fn load(&self) -> Result<Heads, StoreError> {
        Ok(self.heads.clone())
    }

    async fn record(
        &self,
        _: &Target,
        _: u64,
        changes: &[Change],
        closing: Option<&Closing>,
    ) -> Result<(), StoreError> {
        let mut transactions = self.transactions.borrow_mut();
        transactions.push((changes.len(), closing.is_some()));
        match &self.fails {
            Some((n, error)) if *n == transactions.len() => Err(error.clone()),
            _ => Ok(()),
        }
    }

    async fn log(&self, target: &Target, request: &LogRequest) -> Result<Page<Record>, StoreError> {
        let within =
            |record: &&Record| request.after < record.position() && record.position() <= request.until;
        let records = self.log.get(target).into_iter().flatten().filter(within);
        Ok(Page { items: records.take(request.limit as usize).cloned().collect(), next_token: None })
    }

    async fn claim(&self, _: &Target, _: &Claim) -> Result<Head, StoreError> {
        unreachable!("no unit test claims")
    }

    async fn rows(&self, _: &Target) -> Result<BTreeMap<AccountId, Row>, StoreError> {
        unreachable!("no unit test reads rows")
    }

    async fn advance(&self, _: &Target, _: &Advance) -> Result<(), StoreError> {
        unreachable!("no unit test moves a mark")
    }

    async fn finish(&self, _: &Target, _: &Finish) -> Result<(), StoreError> {
        unreachable!("no unit test finishes")
    }

    async fn listen(&self, _: &Target, _: bool) -> Result<(), StoreError> {
        unreachable!("no unit test listens")
    }

    async fn remember(&self, _: &Target, _: &Note) -> Result<(), StoreError> {
        unreachable!("no unit test remembers")
    }
}
