//! An outside put together from parts.

use std::convert::Infallible;

use jiff::Timestamp;
use packwatch::model::AccountId;
use packwatch::ports::{
    AccountName, AccountNames, Outside, Publisher, SnapshotStore, StatusSource, TargetQueue,
};

/// What a run gets from these parts, at this time, where nobody knows what accounts are called.
pub struct Parts<'a, S, D, P, Q> {
    pub source: &'a S,
    pub store: &'a D,
    pub publisher: &'a P,
    pub queue: Option<&'a Q>,
    pub now: Timestamp,
}

impl<S: StatusSource, D: SnapshotStore, P: Publisher, Q: TargetQueue> Outside for Parts<'_, S, D, P, Q> {
    type Source = S;
    type Store = D;
    type Publisher = P;
    type Names = Nobody;
    type Queue = Q;

    fn source(&self) -> &S {
        self.source
    }

    fn store(&self) -> &D {
        self.store
    }

    fn publisher(&self) -> &P {
        self.publisher
    }

    fn names(&self) -> &Nobody {
        &Nobody
    }

    fn queue(&self) -> Option<&Q> {
        self.queue
    }

    fn now(&self) -> Timestamp {
        self.now
    }
}

/// Where one run makes all looks.
pub const NO_QUEUE: Option<&'static Infallible> = None;

/// Knows no names.
pub struct Nobody;

impl AccountNames for Nobody {
    async fn look_up(&self, _: &[AccountId]) {}

    fn known(&self, _: AccountId) -> Option<AccountName> {
        None
    }
}
