//! A deployment as it is found: what `packwatch doctor` asks of AWS, and the answers.
//!
//! `aws` asks, `doctor` judges. An answer that was not given is a fact like any other: a caller who may not ask, a
//! table that is not there and a service that does not answer are three things to tell.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

use crate::state::head::Heads;

/// What came of a question.
pub(crate) type Answer<T> = Result<T, Unanswered>;

/// Why a question has no answer.
#[derive(Debug)]
pub(crate) enum Unanswered {
    /// The caller may not ask: the IAM action that it lacks, such as `sns:ListSubscriptionsByTopic`, and what AWS said.
    Denied { action: &'static str, why: String },
    /// What was asked about does not exist.
    Missing,
    /// The service refused to answer, or nobody has credentials to ask it with: its error code, and all that there is
    /// to tell.
    Refused { code: String, why: String },
    /// No answer: no connection, or not in time.
    Silent(String),
}

/// The deployed function, as AWS Lambda describes it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Function {
    pub(crate) function_arn: String,
    /// `Active` when it can run.
    pub(crate) state: String,
    pub(crate) state_reason: Option<String>,
    /// `Successful` when the last deployment is what runs.
    pub(crate) last_update_status: String,
    pub(crate) last_update_status_reason: Option<String>,
    /// In seconds.
    pub(crate) timeout: u64,
    /// In MB.
    pub(crate) memory_size: u64,
    pub(crate) logging_config: Logging,
    pub(crate) environment: Environment,
}

/// Where a function logs.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Logging {
    pub(crate) log_group: String,
}

/// A function's variables, or why Lambda could not decrypt them: it does so with the caller's rights, not with those of
/// the function's role.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Environment {
    pub(crate) variables: BTreeMap<String, String>,
    pub(crate) error: Option<Undecrypted>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Undecrypted {
    pub(crate) error_code: String,
    pub(crate) message: String,
}

/// A schedule of EventBridge Scheduler.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Schedule {
    pub(crate) name: String,
    /// `ENABLED` or `DISABLED`.
    pub(crate) state: String,
    pub(crate) target: ScheduleTarget,
}

/// What a schedule starts.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ScheduleTarget {
    pub(crate) arn: String,
}

/// The table.
#[derive(Debug)]
pub(crate) struct Table {
    /// Whether items expire by their `expires_at`.
    pub(crate) expiry: Answer<bool>,
    /// Whether point-in-time recovery is on.
    pub(crate) recovery: Answer<bool>,
    pub(crate) heads: Answer<Heads>,
    /// Since when the oldest record is due that some topic has not had.
    pub(crate) oldest_lag: Answer<Option<Timestamp>>,
}

/// A subscription of a topic.
#[derive(Debug)]
pub(crate) struct Subscription {
    /// Such as `email`.
    pub(crate) protocol: String,
    /// Such as an address.
    pub(crate) endpoint: String,
    /// Whether its owner has confirmed it.
    pub(crate) is_confirmed: bool,
}
