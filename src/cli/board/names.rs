//! What the accounts of a board are called: from a file, or from AWS Organizations.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use tokio::time::timeout;

use crate::cli::args::Global;
use crate::cli::outcome::Failure;
use crate::cli::outside::{Names, names, text};
use crate::model::AccountId;
use crate::model::text::plain;
use crate::ports::AccountNames;

/// Accounts that AWS Organizations is asked for: it throttles early, and a board does not wait long for names.
const MOST: usize = 200;
const TIMEOUT: Duration = Duration::from_secs(20);

/// The names that are known.
pub(super) struct KnownNames {
    listed: BTreeMap<AccountId, String>,
    organization: Option<Names>,
    left: Cell<usize>,
}

/// What `aws organizations list-accounts --output json` prints.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listing {
    accounts: Vec<Account>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Account {
    id: AccountId,
    #[serde(default)]
    name: String,
}

impl KnownNames {
    /// Opens a list of accounts, or asks AWS Organizations where `ask` says so and there is no list.
    pub(super) async fn open(global: &Global, accounts: Option<&Path>, ask: bool) -> Result<Self, Failure> {
        let mut listed = BTreeMap::new();
        if let Some(file) = accounts {
            let name = file.display();
            let text = text(file).map_err(|error| format!("{name}: {error}"))?;
            let wanted = "Expected what `aws organizations list-accounts --output json` prints";
            let listing: Result<Listing, _> = serde_json::from_str(&text);
            let listing = listing.map_err(|error| format!("{name}: {error}. {wanted}"))?;
            listed.extend(listing.accounts.into_iter().map(|account| (account.id, plain(&account.name))));
        }
        let organization = names(global, ask && accounts.is_none()).await?;
        Ok(Self { listed, organization, left: Cell::new(MOST) })
    }

    /// Asks for the names of these accounts, as many as may still be asked for.
    pub(super) async fn look_up(&self, accounts: impl Iterator<Item = AccountId>) {
        let unknown = accounts.filter(|account| self.of(*account).is_none());
        let unknown: Vec<AccountId> = unknown.take(self.left.get()).collect();
        self.left.set(self.left.get() - unknown.len());
        if timeout(TIMEOUT, self.organization.look_up(&unknown)).await.is_err() {
            // What was answered until then is known.
            self.left.set(0);
        }
    }

    pub(super) fn of(&self, account: AccountId) -> Option<String> {
        let listed = self.listed.get(&account).filter(|name| !name.is_empty()).cloned();
        listed.or_else(|| Some(self.organization.known(account)?.name))
    }
}
