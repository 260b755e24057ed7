//! What a command works with, as its flags choose it: AWS, or what stands for it on a laptop.

mod accounts;
#[cfg(feature = "aws")]
mod aws;
mod sink;
mod source;
mod store;

pub(super) use accounts::Names;
#[cfg(feature = "doctor")]
pub(super) use aws::inspector;
pub(super) use sink::Sink;
pub(super) use source::{Source, Watched};
pub(super) use store::{Store, StoreArgs};

use jiff::Timestamp;

use crate::ports::{self, Outside};

/// Everything that a run needs, as its flags choose it.
pub(super) struct Chosen {
    pub(super) source: Watched,
    pub(super) store: Store,
    pub(super) sink: Sink,
    pub(super) names: Option<Names>,
    /// When recorded statuses were read; `None`: now.
    pub(super) now: Option<Timestamp>,
}

impl Outside for Chosen {
    type Source = Watched;
    type Store = Store;
    type Publisher = Sink;
    type Names = Option<Names>;

    fn source(&self) -> &Self::Source {
        &self.source
    }

    fn store(&self) -> &Self::Store {
        &self.store
    }

    fn publisher(&self) -> &Self::Publisher {
        &self.sink
    }

    fn names(&self) -> &Self::Names {
        &self.names
    }

    fn now(&self) -> Timestamp {
        self.now.unwrap_or_else(ports::now)
    }
}
