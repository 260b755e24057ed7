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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::AccountId;
    use crate::ports::AccountName;
    use std::cell::Cell;
    use tokio::time::sleep;

    /// AWS Organizations, which takes its time and knows every account.
    struct Fake {
        takes: Duration,
        answered: Cell<bool>,
    }

    impl AccountNames for Fake {
        async fn look_up(&self, _: &[AccountId]) {
            sleep(self.takes).await;
            self.answered.set(true);
        }

        fn known(&self, account: AccountId) -> Option<AccountName> {
            let name =
                AccountName { name: format!("account {account}"), state: Some("SUSPENDED".to_owned()) };
            self.answered.get().then_some(name)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_digest_waits_five_seconds_for_names_or_until_its_time_is_over() {
        let second = Duration::from_secs(1);
        for (takes, budget, named) in [
            (4 * second, Budget::UNLIMITED, true),
            (6 * second, Budget::UNLIMITED, false),
            (4 * second, Budget::ending_in(2 * second), false),
        ] {
            let sample = include_str!("../../events/notification.json");
            let mut notification: Notification = serde_json::from_str(sample).unwrap();
            for pack in &mut notification.packs {
                pack.transitions.iter_mut().for_each(|notice| notice.account_name = None);
            }
            fill(&mut notification, &Fake { takes, answered: Cell::default() }, &budget).await;
            for notice in notification.packs.iter().flat_map(|pack| &pack.transitions) {
                let name = named.then(|| format!("account {}", notice.account_id));
                assert_eq!(notice.account_name, name, "{takes:?}");
                assert_eq!(notice.account_state.as_deref() == Some("SUSPENDED"), named);
            }
        }
    }
}
