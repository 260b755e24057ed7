//! An outside put together from parts.

use jiff::Timestamp;
use packwatch::model::AccountId;
use packwatch::ports::{AccountName, AccountNames, Outside, Publisher, SnapshotStore, StatusSource};

/// What a run gets from these parts, at this time, where nobody knows what accounts are called.
pub struct Parts<'a, S, D, P> {
    pub source: &'a S,
    pub store: &'a D,
    pub publisher: &'a P,
    pub now: Timestamp,
}

impl<S: StatusSource, D: SnapshotStore, P: Publisher> Outside for Parts<'_, S, D, P> {
    type Source = S;
    type Store = D;
    type Publisher = P;
    type Names = Nobody;

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

    fn now(&self) -> Timestamp {
        self.now
    }
}

/// Knows no names.
pub struct Nobody;

impl AccountNames for Nobody {
    async fn look_up(&self, _: &[AccountId]) {}

    fn known(&self, _: AccountId) -> Option<AccountName> {
        None
    }
}
