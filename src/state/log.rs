//! The log of a target: what was recorded, in the order in which it is announced. It is the queue of both topics: each
//! has a mark in it, up to which it has everything.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::account::Transition;
use crate::model::AccountId;

/// A place in the log: the records of an epoch by their accounts, then that of the pack itself.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The epoch.
    pub epoch: u64,
    /// Where in it.
    pub place: Place,
}

/// A place within an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// The record of an account.
    Account(AccountId),
    /// The record of the pack, last in its epoch.
    Pack,
    /// Behind all that the epoch has, or may still get.
    End,
}

const PACK: &str = "notice";
const END: &str = "~";

impl Position {
    /// Before everything.
    pub const START: Self = Self::end_of(0);

    /// Behind everything of an epoch.
    pub const fn end_of(epoch: u64) -> Self {
        Self { epoch, place: Place::End }
    }

    /// Where an account's change is recorded.
    pub fn of(transition: &Transition) -> Self {
        Self { epoch: transition.epoch, place: Place::Account(transition.account) }
    }
}

/// As it is stored: padded, so that the order of the texts is that of the positions (digits, `notice`, `~`).
impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { epoch, place } = self;
        match place {
            Place::Account(account) => write!(f, "{epoch:020}#{account}"),
            Place::Pack => write!(f, "{epoch:020}#{PACK}"),
            Place::End => write!(f, "{epoch:020}#{END}"),
        }
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Position {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.split_once('#').and_then(|(epoch, place)| {
            let place = match place {
                PACK => Place::Pack,
                END => Place::End,
                account => Place::Account(account.parse().ok()?),
            };
            Some(Self { epoch: epoch.parse().ok()?, place })
        });
        parsed.ok_or_else(|| format!("{text:?} is no position in the log"))
    }
}

impl Serialize for Position {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Position {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What happened to a pack as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PackEvent {
    /// It is watched from now on.
    Baseline,
    /// It is gone.
    PackDeleted,
}

impl PackEvent {
    /// The name as the documents spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Baseline => "Baseline",
            Self::PackDeleted => "PackDeleted",
        }
    }
}

/// The record of a pack, written in the transaction that begins or ends its life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// What happened.
    pub event: PackEvent,
    /// The epoch of the run that recorded it.
    pub epoch: u64,
    /// How many accounts it has, or had.
    pub accounts: u64,
    /// When packwatch read it.
    pub observed_at: Timestamp,
    /// Whether people are to be told, as judged when it was recorded.
    pub told: bool,
    /// When the history forgets it: seconds since 1970, as DynamoDB's TTL takes them.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub expires_at: Timestamp,
}

impl Notice {
    /// Where in the log it is.
    pub fn position(&self) -> Position {
        Position { epoch: self.epoch, place: Place::Pack }
    }
}

/// One record of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "nearly every record is that of an account")]
pub enum Record {
    /// A change of one account.
    Account(Transition),
    /// That the pack was first seen, or is gone.
    Pack(Notice),
}

impl Record {
    /// Where in the log it is.
    pub fn position(&self) -> Position {
        match self {
            Self::Account(transition) => Position::of(transition),
            Self::Pack(notice) => notice.position(),
        }
    }

    /// The change of an account, if it is one.
    pub fn transition(self) -> Option<Transition> {
        match self {
            Self::Account(transition) => Some(transition),
            Self::Pack(_) => None,
        }
    }

    /// When packwatch read what it is about.
    pub fn observed_at(&self) -> Timestamp {
        match self {
            Self::Account(transition) => transition.observed_at,
            Self::Pack(notice) => notice.observed_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_the_texts_is_that_of_the_positions() {
        let account = |id: &str| Place::Account(id.parse().unwrap());
        let places = [account("000000000001"), account("999999999999"), Place::Pack, Place::End];
        let all: Vec<Position> = [0, 1, 9, 10, u64::MAX]
            .into_iter()
            .flat_map(|epoch| places.map(|place| Position { epoch, place }))
            .collect();
        let texts: Vec<String> = all.iter().map(ToString::to_string).collect();
        assert!(all.is_sorted() && texts.is_sorted(), "{texts:?}");
        assert_eq!(texts.join(", "), format!("{all:?}").trim_matches(['[', ']']), "errors show them so, too");
        let back: Vec<Position> = texts.iter().map(|text| text.parse().unwrap()).collect();
        assert_eq!(back, all);
    }

    #[test]
    fn a_record_is_that_of_an_account_or_of_the_pack() {
        let transition: Transition = serde_json::from_value(serde_json::json!({
            "account": "111122223333", "epoch": 7, "kind": "Failed",
            "observed_at": "2026-11-20T10:00:00Z", "expires_at": 0,
        }))
        .unwrap();
        let at = "2026-11-20T10:00:01Z".parse().unwrap();
        let event = PackEvent::PackDeleted;
        let notice = Notice { event, epoch: 7, accounts: 3, observed_at: at, told: true, expires_at: at };
        let (account, pack) = (Record::Account(transition.clone()), Record::Pack(notice));
        assert!(account.position() < pack.position(), "the pack's is the last of its epoch");
        assert_eq!((account.observed_at(), pack.observed_at()), (transition.observed_at, at));
        assert_eq!((account.transition(), pack.transition()), (Some(transition), None));
        for event in [PackEvent::Baseline, PackEvent::PackDeleted] {
            assert_eq!(serde_json::to_value(event).unwrap(), event.as_str());
        }
    }

    #[test]
    fn what_is_no_position_is_refused() {
        assert!("7".parse::<Position>().is_err() && "x#~".parse::<Position>().is_err());
    }
}
