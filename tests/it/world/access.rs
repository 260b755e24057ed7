//! Who calls, and what the caller may not do.

use super::{MANAGEMENT_ACCOUNT, ServiceError, World};
use std::collections::BTreeSet;

/// The caller.
pub struct Access {
    /// The caller's account.
    pub account: String,
    /// Actions that its policies do not allow, such as `"sns:ListSubscriptionsByTopic"`.
    pub denied: BTreeSet<String>,
    /// Actions that are never answered.
    pub hanging: BTreeSet<String>,
    /// The credentials have expired.
    pub expired: bool,
}

impl Default for Access {
    fn default() -> Self {
        Self {
            account: MANAGEMENT_ACCOUNT.to_owned(),
            denied: BTreeSet::new(),
            hanging: BTreeSet::new(),
            expired: false,
        }
    }
}

impl Access {
    /// The error of a call that the caller may not make.
    pub fn refusal(&self, action: &str, status: u16, code: &str) -> Option<ServiceError> {
        self.denied.contains(action).then(|| {
            let who = format!("arn:aws:iam::{}:user/reader", self.account);
            ServiceError::new(status, code, format!("User: {who} is not authorized to perform: {action}"))
        })
    }
}

impl World {
    /// The caller belongs to this account.
    pub fn call_from(&self, account: &str) -> &Self {
        self.lock().access.account = account.to_owned();
        self
    }

    /// The caller's policies do not allow this action.
    pub fn deny_action(&self, action: &str) -> &Self {
        self.lock().access.denied.insert(action.to_owned());
        self
    }

    /// Calls of this action are not answered, ever.
    pub fn hang_action(&self, action: &str) -> &Self {
        self.lock().access.hanging.insert(action.to_owned());
        self
    }
}
