//! AWS Config's words as types: regions, organization conformance packs, member accounts and
//! what is known of an account's deployment.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A value that does not have the form AWS documents for it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {value:?} is not valid: {rule}")]
pub struct Invalid {
    what: &'static str,
    value: String,
    rule: &'static str,
}

/// Implements the conversions of a validated string type: `FromStr`, `Display`, serde.
macro_rules! text_conversions {
    ($type:ty) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

/// A region's code, such as `eu-west-1`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region(String);

impl FromStr for Region {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let lower = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let dashed = text.contains('-') && !text.starts_with('-') && !text.ends_with('-');
        if text.len() <= 32 && dashed && text.chars().all(lower) {
            Ok(Self(text.to_owned()))
        } else {
            let rule = "a region's code looks like eu-west-1";
            Err(Invalid { what: "region", value: text.to_owned(), rule })
        }
    }
}

impl Region {
    /// The code itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

text_conversions!(Region);

/// The name of an organization conformance pack, as the organization calls it: a letter, then up to
/// 127 letters, digits and hyphens ("GetOrganizationConformancePackDetailedStatus", AWS Config API
/// Reference). The name in a member account (`OrgConformsPack-…`) is another one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackName(String);

impl FromStr for PackName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let starts = text.starts_with(|c: char| c.is_ascii_alphabetic());
        if starts && text.len() <= 128 && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            Ok(Self(text.to_owned()))
        } else {
            let rule = "a letter, then letters, digits and hyphens, 128 characters at most";
            Err(Invalid { what: "organization conformance pack name", value: text.to_owned(), rule })
        }
    }
}

impl PackName {
    /// The name itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PackName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

text_conversions!(PackName);

/// The 12-digit id of a member account. Kept as a number: a large organization's run holds 200,000.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(u64);

impl FromStr for AccountId {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let digits = text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
        match text.parse() {
            Ok(number) if digits => Ok(Self(number)),
            _ => {
                let rule = "an account id has 12 digits";
                Err(Invalid { what: "account id", value: text.to_owned(), rule })
            }
        }
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:012}", self.0)
    }
}

text_conversions!(AccountId);

/// One organization conformance pack in one region: what a run watches.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// Where the pack is deployed.
    pub region: Region,
    /// What the organization calls it.
    pub pack: PackName,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.pack, self.region)
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An `OrganizationResourceDetailedStatus`. AWS documents nine; any other text is kept as it came.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Status(Name);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Name {
    Documented(&'static str),
    Other(Box<str>),
}

/// How far a deployment is, whatever it deploys (a creation, an update or a deletion).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// `…_SUCCESSFUL`
    Successful,
    /// `…_IN_PROGRESS`
    InProgress,
    /// `…_FAILED`
    Failed,
    /// A status that AWS did not document when this was written.
    Unrecognised,
}

impl Status {
    /// The statuses that AWS documents, as it spells them.
    pub const DOCUMENTED: [&'static str; 9] = [
        "CREATE_SUCCESSFUL",
        "CREATE_IN_PROGRESS",
        "CREATE_FAILED",
        "UPDATE_SUCCESSFUL",
        "UPDATE_IN_PROGRESS",
        "UPDATE_FAILED",
        "DELETE_SUCCESSFUL",
        "DELETE_IN_PROGRESS",
        "DELETE_FAILED",
    ];

    /// A status as AWS Config sent it; bounded, since it is stored and shown.
    pub fn new(text: &str) -> Self {
        match Self::DOCUMENTED.iter().find(|known| **known == text) {
            Some(known) => Self(Name::Documented(known)),
            None => Self(Name::Other(text.chars().take(64).collect())),
        }
    }

    /// The status as AWS Config spells it.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Name::Documented(text) => text,
            Name::Other(text) => text,
        }
    }

    /// How far the deployment is.
    pub fn phase(&self) -> Phase {
        match &self.0 {
            Name::Documented(text) if text.ends_with("_SUCCESSFUL") => Phase::Successful,
            Name::Documented(text) if text.ends_with("_IN_PROGRESS") => Phase::InProgress,
            Name::Documented(_) => Phase::Failed,
            Name::Other(_) => Phase::Unrecognised,
        }
    }
}

impl FromStr for Status {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self::new(text))
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

text_conversions!(Status);

/// One row of `GetOrganizationConformancePackDetailedStatus`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DetailedStatus {
    /// The member account.
    pub account: AccountId,
    /// The pack's name in the member account, `OrgConformsPack-…`.
    pub conformance_pack_name: String,
    /// The deployment's status there.
    pub status: Status,
    /// AWS Config's code of what went wrong; an open set.
    pub error_code: Option<String>,
    /// AWS Config's words for what went wrong; may hold request ids.
    pub error_message: Option<String>,
    /// When the status was last updated.
    pub last_update: Option<Timestamp>,
}

/// What a run holds of one account: AWS Config's row and the facts that follow from the time. This is
/// what is compared, stored and announced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The deployment's status.
    pub status: Status,
    /// AWS Config's code of what went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// AWS Config's words for it, carried but never compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    /// When AWS Config last updated the status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_update: Option<Timestamp>,
    /// In progress for longer than the threshold.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stuck: bool,
    /// How many reminders this failure has been due.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub reminder: u64,
    /// Ill, and covered by a silence.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub silenced: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// What of a [`State`] decides whether something changed.
pub type Key<'a> = (&'a Status, Option<&'a str>, Option<Timestamp>, bool, u64, bool);

impl State {
    /// A state of which nothing else is known.
    pub fn of(status: Status) -> Self {
        let (error_code, error_message, last_update) = (None, None, None);
        Self { status, error_code, error_message, last_update, stuck: false, reminder: 0, silenced: false }
    }

    /// The comparison key: status, error code, the time of the last update where it failed (a failure
    /// that was tried again and failed again is news; progress that moved on is not), stuck, reminder,
    /// silenced.
    pub fn key(&self) -> Key<'_> {
        let failed_at = self.last_update.filter(|_| self.status.phase() == Phase::Failed);
        (&self.status, self.error_code.as_deref(), failed_at, self.stuck, self.reminder, self.silenced)
    }

    /// Whether both are of one deployment's one outcome, whatever the time has made of it since.
    pub fn is_same_event(&self, other: &Self) -> bool {
        let (a, b) = (self.key(), other.key());
        (a.0, a.1, a.2) == (b.0, b.1, b.2)
    }
}

/// The last recorded state of one account, as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The state.
    #[serde(flatten)]
    pub state: State,
    /// Since when the account has not been well: the first failure after the last success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    /// When it changed within the last hour before its last change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub turns: Vec<Timestamp>,
    /// It changes too often to be told of each time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub flapping: bool,
}

/// What a change means to the people who are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// Failed, or failed again.
    Failed,
    /// A status that AWS did not document when this was written.
    Unrecognised,
    /// In progress for longer than the threshold.
    Stuck,
    /// Still failed at a reminder's time.
    Reminder,
    /// Has not changed for an hour after having changed too often.
    Settled,
    /// Succeeded after a failure.
    Recovered,
    /// A new account.
    Joined,
    /// An account that is no longer there.
    Left,
    /// A deployment succeeded.
    Succeeded,
    /// A deployment started.
    InProgress,
}

impl Kind {
    /// Every kind, worst first.
    pub const ALL: [Self; 10] = [
        Self::Failed,
        Self::Unrecognised,
        Self::Stuck,
        Self::Reminder,
        Self::Settled,
        Self::Recovered,
        Self::Joined,
        Self::Left,
        Self::Succeeded,
        Self::InProgress,
    ];

    /// The name as the JSON documents spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "Failed",
            Self::Unrecognised => "Unrecognised",
            Self::Stuck => "Stuck",
            Self::Reminder => "Reminder",
            Self::Settled => "Settled",
            Self::Recovered => "Recovered",
            Self::Joined => "Joined",
            Self::Left => "Left",
            Self::Succeeded => "Succeeded",
            Self::InProgress => "InProgress",
        }
    }

    /// How much it matters.
    pub fn severity(self) -> Severity {
        match self {
            Self::Failed => Severity::Failure,
            Self::Unrecognised | Self::Stuck | Self::Reminder => Severity::Warning,
            Self::Recovered | Self::Settled => Severity::Resolved,
            Self::Joined | Self::Left | Self::Succeeded | Self::InProgress => Severity::Info,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How much a message matters, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// An account failed.
    Failure,
    /// Something needs a look.
    Warning,
    /// Something was mended.
    Resolved,
    /// For the record.
    Info,
}

impl Severity {
    /// The name as the attributes and documents spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failure => "failure",
            Self::Warning => "warning",
            Self::Resolved => "resolved",
            Self::Info => "info",
        }
    }
}

/// One recorded change of one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    /// The member account.
    pub account: AccountId,
    /// The epoch of the run that recorded it.
    pub epoch: u64,
    /// What it means.
    pub kind: Kind,
    /// What was recorded before; `None` when the account was not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<State>,
    /// What is the case now; `None` when the account has left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<State>,
    /// Since when the account fails, or had failed until now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    /// When packwatch read it.
    pub observed_at: Timestamp,
    /// A silence covers it: people are not told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub silenced: bool,
    /// The account begins to change too often: how many times it did within an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flapping: Option<u64>,
    /// The account goes on changing too often: people are not told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub damped: bool,
    /// When the history forgets it: seconds since 1970, as DynamoDB's TTL takes them.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub expires_at: Timestamp,
}

impl Transition {
    /// How much it matters: of an account that settles or changes too often, by where it stands now.
    pub fn severity(&self) -> Severity {
        let fails = self.to.as_ref().is_some_and(|to| to.status.phase() == Phase::Failed);
        match self.kind {
            Kind::Settled if fails => Severity::Failure,
            kind if self.flapping.is_some() => kind.severity().min(Severity::Warning),
            kind => kind.severity(),
        }
    }
}
