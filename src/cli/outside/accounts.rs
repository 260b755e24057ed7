//! Who knows what accounts are called.

#[cfg(feature = "aws")]
use crate::aws::Organizations;
use crate::cli::args::Global;
use crate::cli::outcome::Failure;
use crate::model::AccountId;
use crate::ports::{AccountName, AccountNames};

/// Who knows what accounts are called.
pub(in crate::cli) enum Names {
    #[cfg(feature = "aws")]
    Organizations(Organizations),
}

impl Names {
    #[cfg(feature = "aws")]
    pub(in crate::cli) async fn of_aws(global: &Global) -> Result<Option<Self>, Failure> {
        Ok(Some(Self::Organizations(Organizations::new(&super::aws::connection(global).await?))))
    }

    #[cfg(not(feature = "aws"))]
    pub(in crate::cli) async fn of_aws(_: &Global) -> Result<Option<Self>, Failure> {
        Ok(None)
    }
}

impl AccountNames for Names {
    #[cfg_attr(not(feature = "aws"), expect(unused_variables, reason = "nobody to ask"))]
    async fn look_up(&self, accounts: &[AccountId]) {
        match *self {
            #[cfg(feature = "aws")]
            Self::Organizations(ref names) => names.look_up(accounts).await,
        }
    }

    #[cfg_attr(not(feature = "aws"), expect(unused_variables, reason = "nobody to ask"))]
    fn known(&self, account: AccountId) -> Option<AccountName> {
        match *self {
            #[cfg(feature = "aws")]
            Self::Organizations(ref names) => names.known(account),
        }
    }
}
