//! A deployment as it is found: what `packwatch doctor` asks of AWS, and the answers.
//!
//! `aws` asks, `doctor` judges. An answer that was not given is a fact like any other: a caller who may not ask, a
//! table that is not there and a service that does not answer are three things to tell.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::Target;
use crate::state::head::Heads;

/// What came of a question.
pub type Answer<T> = Result<T, Unanswered>;

/// Why a question has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unanswered {
    /// The caller may not ask.
    Denied {
        /// The IAM action that it lacks, such as `sns:ListSubscriptionsByTopic`.
        action: &'static str,
        /// What AWS said.
        why: String,
    },
    /// What was asked about does not exist.
    Missing,
    /// The service refused to answer.
    Refused {
        /// Its error code.
        code: String,
        /// Its message.
        message: String,
    },
    /// No answer: no connection, or not in time.
    Silent(String),
}

/// Whose credentials these are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The account, 12 digits.
    pub account: String,
    /// The user or the role's session.
    pub arn: String,
}

/// This machine's clock beside AWS's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clocks {
    /// Here, when the answer came.
    pub here: Timestamp,
    /// In the answer, to the second.
    pub aws: Timestamp,
}

/// The organization, as the caller sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// The management account.
    pub management: Answer<String>,
    /// The delegated administrators for organization conformance packs (`config-multiaccountsetup.amazonaws.com`).
    pub for_packs: Answer<Vec<String>>,
    /// Those for aggregated data (`config.amazonaws.com`), who may not deploy packs.
    pub for_data: Answer<Vec<String>>,
}

/// The deployed function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its ARN, without a version.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// `State`, with its reason; `Active` when it can run.
    pub state: (String, Option<String>),
    /// `LastUpdateStatus`, with its reason; `Successful` when the last deployment is what runs.
    pub last_update: (String, Option<String>),
    /// `Timeout`
    pub timeout: Duration,
    /// `MemorySize`, in MB.
    pub memory: u64,
    /// Where it logs.
    pub log_group: String,
    /// Its variables. Lambda decrypts them with the caller's rights, not with those of the function's role.
    pub environment: Answer<BTreeMap<String, String>>,
}

/// The table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The key attributes, partition first, each with its type: `pk (S), sk (S)`.
    pub keys: Answer<String>,
    /// The attribute by which items expire, if they do.
    pub expiry: Answer<Option<String>>,
    /// Whether point-in-time recovery is on.
    pub recovery: Answer<bool>,
    /// The heads.
    pub heads: Answer<Heads>,
    /// Since when each target that lags does so, as far as transitions say.
    pub lagging: Answer<Vec<(Target, Option<Timestamp>)>>,
}

/// A subscription of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Such as `email`.
    pub protocol: String,
    /// Such as an address.
    pub endpoint: String,
    /// Whether its owner has confirmed it.
    pub is_confirmed: bool,
}

/// A schedule of EventBridge Scheduler that starts the function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Its name.
    pub name: String,
    /// Such as `rate(5 minutes)`.
    pub expression: String,
    /// Whether it is on.
    pub is_enabled: bool,
    /// When it stops by itself.
    pub ends: Option<Timestamp>,
}

/// The runs that began within one minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Runs {
    /// The minute's begin.
    pub minute: Timestamp,
    /// How many there were.
    pub all: u64,
    /// How many of them failed.
    pub failed: u64,
}
