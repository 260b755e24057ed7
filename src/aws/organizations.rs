//! AWS Organizations: the names of accounts.

use std::collections::BTreeMap;
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
use crate::ports::AccountName;
use crate::ports::AccountNames;

/// Organizations throttles early, and a digest does not wait long for names.
const AT_ONCE: usize = 4;
const ATTEMPTS: u32 = 3;

/// The organization's accounts, as far as they were asked for.
#[derive(Debug)]
pub struct Organizations {
    client: Client,
    cache: Mutex<Cache>,
}

/// Lives as long as the function's process is warm.
#[derive(Debug, Default)]
struct Cache {
    known: BTreeMap<AccountId, Option<AccountName>>,
    /// The caller may not ask: that is reported once, and not tried again.
    is_denied: bool,
}

impl Organizations {
    /// The organization of the connection's account.
    pub fn new(connection: &Connection) -> Self {
        let retries = RetryConfig::standard().with_max_attempts(ATTEMPTS);
        let config = Builder::from(&connection.sdk).retry_config(retries).build();
        Self { client: Client::from_conf(config), cache: Mutex::default() }
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
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
        let unknown: Vec<AccountId> = {
            let cache = self.cache();
            let unknown = accounts.iter().filter(|id| !cache.is_denied && !cache.known.contains_key(id));
            unknown.copied().collect()
        };
        let describe = async |id| (id, self.describe(id).await);
        let mut answers = std::pin::pin!(stream::iter(unknown).map(describe).buffer_unordered(AT_ONCE));
        while let Some((id, answer)) = answers.next().await {
            match answer {
                Ok(name) => {
                    self.cache().known.insert(id, name);
                }
                Err(fault) => {
                    self.cache().is_denied |=
                        fault.is_denied() || fault.code == "AWSOrganizationsNotInUseException";
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
        self.cache().known.get(&account).cloned().flatten()
    }
}
