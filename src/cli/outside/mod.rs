//! What a command works with, as its flags choose it: AWS, or what stands for it on a laptop.

mod accounts;
#[cfg(feature = "aws")]
mod aws;
mod sink;
mod source;
mod store;

pub(super) use accounts::{Names, names};
#[cfg(feature = "doctor")]
pub(super) use aws::inspector;
pub(super) use sink::Sink;
pub(super) use source::{Source, Watched, text};
pub(super) use store::{Store, StoreArgs, quoted};

use jiff::Timestamp;

use super::args::Global;
use super::outcome::Failure;
use crate::ports::{self, Outside};

/// The region in which AWS Config is asked, by the AWS CLI's rules: the flag, the environment, the profile.
pub(super) async fn region(global: &Global) -> Result<Option<String>, Failure> {
    let variable = |name| std::env::var(name).ok().filter(|value: &String| !value.trim().is_empty());
    let named = global.region.clone().or_else(|| variable("AWS_REGION"));
    match named.or_else(|| variable("AWS_DEFAULT_REGION")) {
        Some(region) => Ok(Some(region)),
        #[cfg(feature = "aws")]
        None => aws::region_of_profile(global).await,
        #[cfg(not(feature = "aws"))]
        None => Ok(None),
    }
}

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
