//! Account names: an id says nothing to a person. They are asked for only when a digest goes out, only
//! for the accounts that it names, and never at the price of the digest.

use std::time::Duration;

use tokio::time::timeout;
use tracing::warn;

use crate::notify::Notification;
use crate::notify::render::named_accounts;
use crate::ports::AccountNames;
use crate::watch::budget::Budget;

/// How long a digest waits for names.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Names the accounts that the messages show, where their names are known.
pub async fn fill(notification: &mut Notification, names: &impl AccountNames, budget: &Budget) {
    let accounts = named_accounts(notification);
    // A run whose time is over tells what it knows.
    let asked = budget.within(timeout(TIMEOUT, names.look_up(&accounts))).await;
    if !matches!(asked, Some(Ok(()))) {
        warn!("AWS Organizations did not answer in time: accounts are shown without their names");
    }
    for notice in notification.packs.iter_mut().flat_map(|pack| &mut pack.transitions) {
        // Also the entries of the same account that are only in the JSON document.
        if let Some(known) = names.known(notice.account_id) {
            notice.account_name = Some(known.name);
            notice.account_state = known.state;
        }
    }
}
