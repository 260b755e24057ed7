//! Ports as announcing sees them: what it wrote and published, and what it was told.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};

use crate::model::{AccountId, Target};
use crate::notify::Notification;
use crate::notify::message::{Alert, Event};
use crate::ports::AccountName;
use crate::ports::{AccountNames, PublishError, Publisher, SnapshotStore, StoreError};
use crate::state::heads::{Change, Claim, Commit, Heads};
use crate::state::{Row, Transition};

/// A store that is only written to, as announcing does: what was committed, and how many rows each write deleted.
#[derive(Default)]
pub(super) struct Ledger {
    pub(super) commits: RefCell<Vec<Commit>>,
    pub(super) deleted: RefCell<Vec<usize>>,
    pub(super) refusal: Option<StoreError>,
}

impl SnapshotStore for Ledger {
    async fn commit(&self, _: &Target, commit: &Commit) -> Result<(), StoreError> {
        self.commits.borrow_mut().push(commit.clone());
        self.refusal.clone().map_or(Ok(()), Err)
    }

    async fn record(&self, _: &Target, _: u64, changes: &[Change]) -> Result<(), StoreError> {
        self.deleted.borrow_mut().push(changes.len());
        Ok(())
    }

    async fn load(&self) -> Result<Heads, StoreError> {
        unreachable!()
    }

    async fn claim(&self, _: &Target, _: &Claim) -> Result<(), StoreError> {
        unreachable!()
    }

    async fn rows(&self, _: &Target) -> Result<BTreeMap<AccountId, Row>, StoreError> {
        unreachable!()
    }

    async fn transitions(&self, _: &Target, _: u64) -> Result<Vec<Transition>, StoreError> {
        unreachable!()
    }
}

/// What SNS says to one batch.
pub(super) type Reply = Result<Vec<(usize, PublishError)>, PublishError>;

/// Two topics: what came, and what they say to it. A batch that nothing is planned for is accepted.
#[derive(Default)]
pub(super) struct Topics {
    pub(super) digests: RefCell<Vec<Notification>>,
    pub(super) batches: RefCell<Vec<Vec<AccountId>>>,
    pub(super) alerts_refuse: Cell<bool>,
    pub(super) replies: RefCell<VecDeque<Reply>>,
    pub(super) no_events: bool,
}

impl Publisher for Topics {
    async fn alert(&self, alert: &Alert) -> Result<(), PublishError> {
        if self.alerts_refuse.get() {
            return Err(PublishError::Denied("no permission".to_owned()));
        }
        self.digests.borrow_mut().push(alert.notification.clone());
        Ok(())
    }

    fn has_events(&self) -> bool {
        !self.no_events
    }

    async fn events(&self, events: &[Event]) -> Reply {
        self.batches.borrow_mut().push(events.iter().map(|event| event.account).collect());
        self.replies.borrow_mut().pop_front().unwrap_or(Ok(Vec::new()))
    }
}

pub(super) fn busy_topics(replies: Vec<Reply>) -> Topics {
    Topics { replies: RefCell::new(replies.into()), ..Topics::default() }
}

/// Knows no names.
pub(super) struct Nobody;

impl AccountNames for Nobody {
    async fn look_up(&self, _: &[AccountId]) {}

    fn known(&self, _: AccountId) -> Option<AccountName> {
        None
    }
}
