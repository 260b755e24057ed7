//! AWS Organizations: the names of accounts.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_sdk_organizations::Client;
use aws_sdk_organizations::config::Builder;
use aws_sdk_organizations::operation::describe_account::DescribeAccountError;
use aws_smithy_types::retry::RetryConfig;
use futures_util::stream::{self, StreamExt};
use tracing::warn;

use super::connection::Connection;
use super::fault::Fault;
use crate::model::AccountId;
use crate::model::text::plain;
use crate::ports::{AccountName, AccountNames};

/// Organizations throttles early, and a digest does not wait long for names.
const AT_ONCE: usize = 4;
const ATTEMPTS: u32 = 3;

/// The organization's accounts, as far as they were asked for. Lives as long as the function's process is warm.
#[derive(Debug)]
pub struct Organizations {
    client: Client,
    names: Mutex<BTreeMap<AccountId, Option<AccountName>>>,
    /// The caller may not ask: that is reported once, and not tried again.
    is_denied: AtomicBool,
}

impl Organizations {
    /// The organization of the connection's account.
    pub fn new(connection: &Connection) -> Self {
        let retries = RetryConfig::standard().with_max_attempts(ATTEMPTS);
        let config = Builder::from(&connection.sdk).retry_config(retries).build();
        Self { client: Client::from_conf(config), names: Mutex::default(), is_denied: AtomicBool::default() }
    }

    fn names(&self) -> MutexGuard<'_, BTreeMap<AccountId, Option<AccountName>>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The account's name; `None` when the organization has no such account (it has left).
    async fn describe(&self, id: AccountId) -> Result<Option<AccountName>, Fault> {
        let account = match self.client.describe_account().account_id(id.to_string()).send().await {
            Ok(output) => output.account,
            Err(error) => match error.as_service_error() {
                Some(DescribeAccountError::AccountNotFoundException(_)) => None,
                _ => return Err(Fault::of("DescribeAccount", &error)),
            },
        };
        Ok(account.and_then(|account| {
            let state = account.state().map(|state| state.as_str().to_owned());
            let state = state.filter(|state| state != "ACTIVE").map(|state| plain(&state));
            let name = plain(account.name()?);
            (!name.is_empty()).then_some(AccountName { name, state })
        }))
    }
}

impl AccountNames for Organizations {
    async fn look_up(&self, accounts: &[AccountId]) {
        if self.is_denied.load(Ordering::Relaxed) {
            return;
        }
        let mut unknown = accounts.to_vec();
        unknown.retain(|id| !self.names().contains_key(id));
        let describe = async |id| (id, self.describe(id).await);
        let mut answers = std::pin::pin!(stream::iter(unknown).map(describe).buffer_unordered(AT_ONCE));
        while let Some((id, answer)) = answers.next().await {
            match answer {
                Ok(name) => drop(self.names().insert(id, name)),
                Err(fault) => {
                    let is_denied = fault.is_denied() || fault.code == "AWSOrganizationsNotInUseException";
                    self.is_denied.fetch_or(is_denied, Ordering::Relaxed);
                    let error = fault.message;
                    warn!(
                        error,
                        "accounts are shown without their names: AWS Organizations does not tell them"
                    );
                    return;
                }
            }
        }
    }

    fn known(&self, account: AccountId) -> Option<AccountName> {
        self.names().get(&account).cloned().flatten()
    }
}
