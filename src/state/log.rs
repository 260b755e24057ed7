//! The log of a target, in parts: the recorded changes, in the order in which they are dispatched. It is the outbox of
//! both topics, each of which has a cursor in it.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

use super::account::Transition;
use crate::model::Severity;
use crate::model::stored_as_text;
use crate::model::text::counted;

/// A place in the log: a part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The epoch of the commit.
    pub epoch: u64,
    /// Which of its parts, from 1.
    pub part: u32,
}

impl Position {
    /// Before everything.
    pub const START: Self = Self { epoch: 0, part: 0 };

    /// Behind everything.
    pub const END: Self = Self { epoch: u64::MAX, part: 0 };
}

/// As it is stored: padded, so that the order of the texts is that of the positions.
impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:020}#{:04}", self.epoch, self.part)
    }
}

impl FromStr for Position {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text
            .split_once('#')
            .and_then(|(e, p)| Some(Self { epoch: e.parse().ok()?, part: p.parse().ok()? }));
        parsed.ok_or_else(|| format!("{text:?} is no position in the log"))
    }
}

stored_as_text!(Position);

/// What happened to a pack as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, IntoStaticStr)]
pub enum PackEvent {
    /// It is watched from now on.
    Baseline,
    /// It is gone.
    PackDeleted,
}

impl PackEvent {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Baseline, Self::PackDeleted];

    /// The name as the documents spell it.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// How much it matters. A pack that is gone took its rules with it: a warning.
    pub fn severity(self) -> Severity {
        match self {
            Self::Baseline => Severity::Info,
            Self::PackDeleted => Severity::Warning,
        }
    }
}

/// The record of a pack, the last of the commit that completes its baseline or deletes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Notice {
    /// What happened.
    #[serde(rename = "Kind")]
    pub event: PackEvent,
    /// The epoch of the commit.
    #[serde(rename = "Sequence")]
    pub epoch: u64,
    /// How many accounts it has, or had.
    pub accounts: u64,
    /// Whether the pack had been deleted before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub created_again: bool,
    /// When packwatch read it.
    pub observed_at: Timestamp,
    /// Whether people are to be notified, as judged when it was recorded.
    pub notify: bool,
}

impl Notice {
    /// What happened, for people.
    pub fn in_words(&self) -> String {
        let what = match self.event {
            PackEvent::Baseline if self.created_again => "created again",
            PackEvent::Baseline => "first seen",
            PackEvent::PackDeleted => "deleted",
        };
        format!("{what} with {}", counted(self.accounts, "account"))
    }
}

/// One record of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[expect(clippy::large_enum_variant, reason = "nearly every record is that of an account")]
pub enum Record {
    /// A change of one account.
    Account(Transition),
    /// That the pack was first seen, or is gone.
    Pack(Notice),
}

impl Record {
    /// The epoch of the commit that recorded it.
    pub fn epoch(&self) -> u64 {
        match self {
            Self::Account(transition) => transition.epoch,
            Self::Pack(notice) => notice.epoch,
        }
    }

    /// The change of an account, if it is one.
    pub fn transition(&self) -> Option<&Transition> {
        match self {
            Self::Account(transition) => Some(transition),
            Self::Pack(_) => None,
        }
    }

    /// Its kind as the documents spell it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Account(transition) => transition.kind.as_str(),
            Self::Pack(notice) => notice.event.as_str(),
        }
    }

    /// When packwatch read what it is about.
    pub fn observed_at(&self) -> Timestamp {
        match self {
            Self::Account(transition) => transition.observed_at,
            Self::Pack(notice) => notice.observed_at,
        }
    }

    /// Whether people are to be notified, as judged when it was recorded.
    pub fn notifies(&self) -> bool {
        match self {
            Self::Account(transition) => transition.notify,
            Self::Pack(notice) => notice.notify,
        }
    }
}

/// A part of the log, as it is stored: its position is its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogPart {
    /// Where it is.
    #[serde(skip)]
    pub position: Position,
    /// The part before it: one that a reader does not find between the two is missing.
    pub previous: Position,
    /// The records, as [`crate::state::packed`] writes them.
    #[serde(skip)]
    pub data: Vec<u8>,
    /// When packwatch read what it is about.
    pub observed_at: Timestamp,
    /// When the history forgets it: DynamoDB's TTL.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub expires_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_the_texts_is_that_of_the_positions() {
        let all: Vec<Position> = [0, 1, 9, 10, u64::MAX]
            .into_iter()
            .flat_map(|epoch| [0, 1, 10, 9999].map(|part| Position { epoch, part }))
            .collect();
        let texts: Vec<String> = all.iter().map(ToString::to_string).collect();
        assert!(all.is_sorted() && texts.is_sorted(), "{texts:?}");
        let back: Vec<Position> = texts.iter().map(|text| text.parse().unwrap()).collect();
        assert_eq!(back, all);
        assert!("7".parse::<Position>().is_err() && "x#1".parse::<Position>().is_err());
    }
}
