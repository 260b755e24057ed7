//! Who knows what accounts are called.

use crate::cli::args::Global;
use crate::cli::outcome::Failure;
#[cfg(not(feature = "aws"))]
use crate::{model::AccountId, ports::AccountName, ports::AccountNames};

#[cfg(feature = "aws")]
pub(in crate::cli) type Names = crate::aws::Organizations;

#[cfg(feature = "aws")]
pub(in crate::cli) async fn names(global: &Global) -> Result<Option<Names>, Failure> {
    Ok(Some(Names::new(&super::aws::connection(global).await?)))
}

/// Nobody.
#[cfg(not(feature = "aws"))]
pub(in crate::cli) enum Names {}

#[cfg(not(feature = "aws"))]
pub(in crate::cli) async fn names(_: &Global) -> Result<Option<Names>, Failure> {
    Ok(None)
}

#[cfg(not(feature = "aws"))]
impl AccountNames for Names {
    async fn look_up(&self, _: &[AccountId]) {}

    fn known(&self, _: AccountId) -> Option<AccountName> {
        None
    }
}
