//! What things are called: regions, organization conformance packs, member accounts.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A value that does not have the form AWS documents for it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {value:?} is not valid: {rule}")]
pub struct Invalid {
    pub(super) what: &'static str,
    pub(super) value: String,
    pub(super) rule: &'static str,
}

/// Implements serde for a type that is stored as its text: by `FromStr` and `Display`.
macro_rules! stored_as_text {
    ($type:ty) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <$crate::model::Text<'de> as serde::Deserialize>::deserialize(deserializer)?;
                text.0.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use stored_as_text;

/// Text that is parsed where it stands: a log has hundreds of thousands of these.
#[derive(Deserialize)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

/// A region's code, such as `eu-west-1`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

stored_as_text!(Region);

/// The name of an organization conformance pack, as the organization calls it: a letter, then up to
/// 127 letters, digits and hyphens ("GetOrganizationConformancePackDetailedStatus", AWS Config API
/// Reference). The name in a member account (`OrgConformsPack-…`) is another one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

stored_as_text!(PackName);

/// The 12-digit id of a member account. Kept as a number: a large organization's run holds 200,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

impl AccountId {
    /// The digits as a number.
    pub fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:012}", self.0)
    }
}

stored_as_text!(AccountId);

/// One organization conformance pack in one region: what a run watches. It is stored as its partition's key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
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

impl Target {
    /// The key of the partition that has its snapshot and its log: `eu-west-1#Security`.
    pub fn partition(&self) -> String {
        format!("{}#{}", self.region, self.pack)
    }
}

impl From<Target> for String {
    fn from(target: Target) -> Self {
        target.partition()
    }
}

impl TryFrom<String> for Target {
    type Error = Invalid;

    fn try_from(partition: String) -> Result<Self, Invalid> {
        let (region, pack) = partition.split_once('#').unwrap_or((&partition, ""));
        Ok(Self { region: region.parse()?, pack: pack.parse()? })
    }
}
