//! What a command works with, as its flags choose it: AWS, or what stands for it on a laptop.

mod sink;
mod source;
mod store;

pub(super) use sink::Sink;
pub(super) use source::{Source, text};
pub(super) use store::{Store, StoreArgs};

use jiff::Timestamp;

use super::args::Global;
use super::outcome::Failure;
#[cfg(feature = "aws")]
use crate::aws::{Connection, Organizations, profile_region};
use crate::ports::{self, Outside};
#[cfg(not(feature = "aws"))]
use crate::{model::AccountId, ports::AccountName, ports::AccountNames};

/// AWS, with the profile that the flags name, in `region` or in the one that they or the AWS config files name.
#[cfg(feature = "aws")]
pub(super) async fn connection(global: &Global, region: Option<&str>) -> Result<Connection, Failure> {
    let region = region.or(global.region.as_deref()).map(str::parse).transpose()?;
    Ok(Connection::of_user(region.as_ref(), global.profile.as_deref()).await?)
}

/// What a build for recorded statuses alone, such as the demo's, says when it is asked for something of AWS.
#[cfg(not(feature = "aws"))]
fn without_aws<T>(_: impl Sized) -> Result<T, Failure> {
    let instead = "use --statuses, --store and the terminal";
    Err(format!("this packwatch was built without the AWS clients (cargo's feature `aws`): {instead}").into())
}

/// Who knows what accounts are called.
#[cfg(feature = "aws")]
pub(super) type Names = Organizations;

/// Nobody.
#[cfg(not(feature = "aws"))]
pub(super) enum Names {}

#[cfg(not(feature = "aws"))]
impl AccountNames for Names {
    async fn look_up(&self, _: &[AccountId]) {}

    fn known(&self, _: AccountId) -> Option<AccountName> {
        None
    }
}

/// Who is asked for names, if that is wanted.
pub(super) async fn names(global: &Global, is_wanted: bool) -> Result<Option<Names>, Failure> {
    if !is_wanted {
        return Ok(None);
    }
    #[cfg(feature = "aws")]
    return Ok(Some(Names::new(&connection(global, None).await?)));
    #[cfg(not(feature = "aws"))]
    without_aws(global)
}

/// The region in which AWS Config is asked, by the AWS CLI's rules: the flag, the environment, the profile.
pub(super) async fn region(global: &Global) -> Result<Option<String>, Failure> {
    let variable = |name| std::env::var(name).ok().filter(|value: &String| !value.trim().is_empty());
    let named = global.region.clone().or_else(|| variable("AWS_REGION"));
    match named.or_else(|| variable("AWS_DEFAULT_REGION")) {
        Some(region) => Ok(Some(region)),
        #[cfg(feature = "aws")]
        None => Ok(profile_region(global.profile.as_deref()).await?),
        #[cfg(not(feature = "aws"))]
        None => Ok(None),
    }
}

/// Everything that a run needs, as its flags choose it.
pub(super) struct Chosen {
    pub(super) source: Source,
    pub(super) store: Store,
    pub(super) sink: Sink,
    pub(super) names: Option<Names>,
    /// When recorded statuses were read; `None`: now.
    pub(super) now: Option<Timestamp>,
}

impl Outside for Chosen {
    type Source = Source;
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
