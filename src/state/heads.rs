//! The heads: what is known of each target as a whole, and the writes that change it. Each write is a pure function of
//! the head that it finds: the stores apply them, or say the same in their own conditions.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::account::{Row, State, Transition};
use super::log::{Notice, Position};
use super::silence::Silences;
use crate::model::{AccountId, Kind, Status, Target};

/// The newest form of the stored items that this packwatch knows. It refuses what is newer, and reads what is older.
pub const SCHEMA: u32 = 2;

/// The form that packwatch 0.1 knew. What it can express is stored in it, so that 0.1 can read that, too.
pub const FIRST_SCHEMA: u32 = 1;

/// DynamoDB takes 100 actions in a transaction: the head's, perhaps the pack's record, and these.
pub const ITEMS_PER_TRANSACTION: usize = 98;

/// How many accounts are in each status.
pub type Counts = BTreeMap<Status, u64>;

/// How many accounts are in each status.
pub fn counts<'a>(states: impl Iterator<Item = &'a State>) -> Counts {
    let mut counts = Counts::new();
    for state in states {
        *counts.entry(state.status.clone()).or_default() += 1;
    }
    counts
}

/// What is known of a target as a whole. Never deleted, so that epochs and ids never repeat.
///
/// A packwatch 0.1 may have written it: what its fields mean is for the methods to say, which know that, too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The form in which it is stored. Raised by the claim, before anything that 0.1 would misread can be written.
    #[serde(default = "first_schema")]
    pub schema: u32,
    /// Random, from the first claim: tells this history from one in a table that was lost.
    pub born: String,
    /// Counts the claims; fences every write but that of people's mark.
    pub epoch: u64,
    /// The alerts topic has every record up to this epoch, and perhaps more: [`Head::people_mark`].
    pub announced: u64,
    /// The events topic has every record up to this epoch, and perhaps more: [`Head::machines_mark`].
    pub events_announced: u64,
    /// The alerts topic has every record up to here. Counts only beyond `announced`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub people: Option<Position>,
    /// The events topic has every record up to here. Counts only beyond `events_announced`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machines: Option<Position>,
    /// Whether a topic for machines is owed the log, as the scheduled function knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listens: Option<bool>,
    /// The epoch of the Baseline that holds: [`Head::life`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub life: Option<u64>,
    /// The epoch of the last PackDeleted. Rows of earlier epochs count as absent: [`Head::counts`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor: Option<u64>,
    /// The observation that was last compared and announced whole; absent while something is owed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// The fingerprint of the recorded accounts that are not well: [`Head::unwell`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unwell: Option<String>,
    /// The epoch of `unwell`. A packwatch 0.1 claims without removing it: it counts only with this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unwell_epoch: Option<u64>,
    /// When the last whole look began whose changes were recorded, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whole_at: Option<i64>,
    /// Until when AWS Config's filters are not relied on, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whole_until: Option<i64>,
    /// The pack is gone; what remains is a tombstone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
    /// The recorded accounts by status.
    #[serde(default)]
    pub accounts: Counts,
    /// When a run last finished with changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub committed_at: Option<Timestamp>,
}

fn first_schema() -> u32 {
    FIRST_SCHEMA
}

impl Head {
    /// The epoch of the Baseline that holds; `None` before there is one, and after the pack was deleted.
    pub fn life(&self) -> Option<u64> {
        // What 0.1 announced and did not delete began at some time: its first epoch says so.
        self.life.or_else(|| (self.announced > 0).then_some(1)).filter(|_| !self.deleted)
    }

    /// The epoch up to which nothing counts any more, since the pack was deleted then.
    fn floor(&self) -> u64 {
        let of_first =
            if self.deleted && (self.life.is_some() || self.floor.is_none()) { self.announced } else { 0 };
        self.floor.unwrap_or(0).max(of_first)
    }

    /// Whether a row is of the life that holds, or of the one that begins.
    pub fn counts(&self, row: &Row) -> bool {
        // Rows of 0.1 do not know their epoch.
        let floor = self.floor();
        floor == 0 || row.epoch > floor
    }

    /// Up to where people have been told.
    pub fn people_mark(&self) -> Position {
        self.people.unwrap_or(Position::START).max(Position::end_of(self.announced))
    }

    /// Up to where machines have been told.
    pub fn machines_mark(&self) -> Position {
        self.machines.unwrap_or(Position::START).max(Position::end_of(self.events_announced))
    }

    /// Up to where there may be something to tell people: while there is no baseline, up to the last deletion.
    pub fn people_end(&self) -> Position {
        Position::end_of(if self.life().is_some() { self.epoch } else { self.floor() })
    }

    /// Whether people may lack something: a run did not get to its end, or the topic refused.
    pub fn owes_people(&self) -> bool {
        self.people_mark() < self.people_end()
    }

    /// Whether machines listen, and may lack something.
    pub fn owes_machines(&self) -> bool {
        self.listens == Some(true) && self.machines_mark() < Position::end_of(self.epoch)
    }

    /// Whether some topic may lack something.
    pub fn owes(&self) -> bool {
        self.owes_people() || self.owes_machines()
    }

    /// The fingerprint of the recorded accounts that are not well, if nothing has been claimed since.
    pub fn unwell(&self) -> Option<&String> {
        self.unwell.as_ref().filter(|_| self.unwell_epoch == Some(self.epoch))
    }

    /// Where what some topic may lack begins; `None` where neither lacks anything.
    pub fn owes_after(&self) -> Option<Position> {
        let people = self.owes_people().then(|| self.people_mark());
        let machines = self.owes_machines().then(|| self.machines_mark());
        people.into_iter().chain(machines).min()
    }

    /// Whether there is something to do though the pack may be gone.
    pub fn is_unfinished(&self) -> bool {
        !self.deleted || self.owes() || self.epoch > self.floor()
    }

    /// How many accounts there are.
    pub fn account_count(&self) -> u64 {
        self.accounts.values().sum()
    }
}

/// Every head and every silence of the store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heads {
    /// The readable ones.
    pub known: BTreeMap<Target, Head>,
    /// Those that are damaged or of a newer packwatch, with what to tell the operator: they close their pack and
    /// no other.
    pub unreadable: BTreeMap<Target, String>,
    /// The silences.
    pub silences: Silences,
}

/// Takes a target for a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The epoch of the loaded head; 0 when there was none.
    pub seen: u64,
    /// `born` of a new head.
    pub born: String,
    /// [`Head::listens`] of a new head.
    pub listens: Option<bool>,
    /// The run that claims. Lets a store recognise its own claim when the reply was lost.
    pub run: String,
}

impl Claim {
    /// The epoch that the claim gives.
    pub fn epoch(&self) -> u64 {
        self.seen + 1
    }

    /// The head that a first claim writes.
    pub fn first_head(&self) -> Head {
        Head {
            schema: SCHEMA,
            born: self.born.clone(),
            epoch: self.epoch(),
            announced: 0,
            events_announced: 0,
            people: None,
            machines: None,
            listens: self.listens,
            life: None,
            floor: None,
            fingerprint: None,
            unwell: None,
            unwell_epoch: None,
            whole_at: None,
            whole_until: None,
            deleted: false,
            accounts: Counts::new(),
            committed_at: None,
        }
    }

    /// The head after this claim; `None` where another run has claimed it since it was loaded. The marks may have moved:
    /// that leaves the epoch as it is, and a claim takes them as they are now.
    pub fn applied_to(&self, head: Option<&Head>) -> Option<Head> {
        match head {
            None => (self.seen == 0).then(|| self.first_head()),
            Some(head) => (head.epoch == self.seen).then(|| Head {
                schema: SCHEMA,
                epoch: self.epoch(),
                fingerprint: None,
                unwell: None,
                unwell_epoch: None,
                ..head.clone()
            }),
        }
    }
}

/// One account's change: its row, and the transition that tells of it, written together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The member account.
    pub account: AccountId,
    /// The new row; `None` deletes it.
    pub row: Option<Row>,
    /// What is logged; `None` where nobody needs to hear of it.
    ///
    /// Boxed, since it is larger than a row, and a baseline has thousands of rows and few of these.
    pub transition: Option<Box<Transition>>,
}

impl Change {
    /// A row goes, and nobody hears of it.
    pub fn removal(account: AccountId) -> Self {
        Self { account, row: None, transition: None }
    }

    /// How many items it writes.
    pub fn items(&self) -> usize {
        1 + usize::from(self.transition.is_some())
    }
}

/// What the last transaction of an epoch does to the head, instead of only looking at its epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Closing {
    /// The accounts by status are these now.
    Counted(Counts),
    /// The baseline is made.
    Begun(Counts, Notice),
    /// The pack is gone; with a record, unless nobody has ever heard of it.
    Gone(Option<Notice>),
}

impl Closing {
    /// The pack's record.
    pub fn notice(&self) -> Option<&Notice> {
        match self {
            Self::Counted(_) => None,
            Self::Begun(_, notice) => Some(notice),
            Self::Gone(notice) => notice.as_ref(),
        }
    }

    /// The head after this; the caller has looked at its epoch.
    pub fn applied_to(&self, head: Head) -> Head {
        match self {
            Self::Counted(accounts) => Head { accounts: accounts.clone(), ..head },
            Self::Begun(accounts, _) => {
                Head { life: Some(head.epoch), deleted: false, accounts: accounts.clone(), ..head }
            }
            Self::Gone(_) => {
                Head { floor: Some(head.epoch), life: None, deleted: true, accounts: Counts::new(), ..head }
            }
        }
    }
}

/// Which topic's mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mark {
    /// The alerts topic's.
    People,
    /// The events topic's.
    Machines,
}

/// Moves a mark forward.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advance {
    /// Which.
    pub mark: Mark,
    /// The head's birth: a mark is never moved in another history.
    pub born: String,
    /// The run's epoch. Machines' mark moves only while it is the head's: only one run sends to them.
    pub epoch: u64,
    /// Where to.
    pub to: Position,
}

impl Advance {
    /// The head after this, unchanged where the mark is there already; `None` where the run may not move it any more.
    pub fn applied_to(&self, head: &Head) -> Option<Head> {
        if head.born != self.born || (self.mark == Mark::Machines && head.epoch != self.epoch) {
            return None;
        }
        let mut head = head.clone();
        let (mark, whole) = match self.mark {
            Mark::People => (&mut head.people, &mut head.announced),
            Mark::Machines => (&mut head.machines, &mut head.events_announced),
        };
        if mark.is_none_or(|mark| mark < self.to) && *whole <= self.to.whole_epochs() {
            *mark = Some(self.to);
            *whole = self.to.whole_epochs();
        }
        Some(head)
    }
}

/// Ends a run's work on a target: nothing is owed, and what was read is what is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finish {
    /// The run's epoch.
    pub epoch: u64,
    /// The fingerprint of the recorded rows, if everything was read that the look set out to read.
    pub fingerprint: Option<String>,
    /// The same of those rows that are not well.
    pub unwell: Option<String>,
    /// Whether an incident is open: 0.1 would lose it.
    pub has_incidents: bool,
    /// Now.
    pub at: Timestamp,
}

impl Finish {
    /// The form that the head may be stored in: 0.1 reads what it would not misread.
    pub fn schema(&self, head: &Head) -> u32 {
        let all_told = head.announced >= self.epoch && head.events_announced >= self.epoch;
        let plain = all_told && !self.has_incidents && head.floor.is_none() && !head.deleted;
        if plain { FIRST_SCHEMA } else { SCHEMA }
    }

    /// The head after this; `None` where it is no longer the run's, or a topic lacks something after all.
    pub fn applied_to(&self, head: &Head) -> Option<Head> {
        let machines_have_all = head.listens != Some(true) || head.events_announced >= self.epoch;
        (head.epoch == self.epoch && head.announced >= self.epoch && machines_have_all).then(|| Head {
            schema: self.schema(head),
            fingerprint: self.fingerprint.clone(),
            unwell: self.unwell.clone(),
            unwell_epoch: self.unwell.as_ref().map(|_| self.epoch),
            committed_at: Some(self.at),
            ..head.clone()
        })
    }
}

/// The head where the scheduled function finds that machines began to listen, or no longer do; unchanged where it says so
/// already. Whoever is owed something
/// now, and was not before, gets it in the next full pass: there is no fingerprint.
pub fn listening(head: &Head, listens: bool) -> Head {
    if head.listens == Some(listens) {
        return head.clone();
    }
    let (fingerprint, unwell, unwell_epoch) = (None, None, None);
    Head { listens: Some(listens), fingerprint, unwell, unwell_epoch, ..head.clone() }
}

/// What a look leaves in a head without a claim. Neither epoch nor marks move, and no other head is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// Nothing differs from the recorded rows, and nothing is owed: their fingerprint, of those that are not well.
    Unwell {
        /// The epoch of the loaded head.
        epoch: u64,
        /// The fingerprint.
        unwell: String,
    },
    /// A whole look began, and its changes are recorded.
    WholeAt {
        /// When it began, in seconds.
        at: i64,
        /// The time of day, in seconds: what is stored and later than this is of a clock that was ahead.
        now: i64,
    },
    /// AWS Config's filters are not relied on until then, in seconds.
    WholeUntil(i64),
}

impl Note {
    /// The head after this, unchanged where it says otherwise by now.
    pub fn applied_to(&self, head: &Head) -> Head {
        let head = head.clone();
        match self {
            Self::Unwell { epoch, unwell } => {
                let machines_have_all = head.listens != Some(true) || head.events_announced >= *epoch;
                if head.epoch != *epoch || head.announced < *epoch || !machines_have_all {
                    return head;
                }
                Head { unwell: Some(unwell.clone()), unwell_epoch: Some(*epoch), ..head }
            }
            Self::WholeAt { at, now } => {
                if head.whole_at.is_some_and(|stored| stored >= *at && stored <= *now) {
                    return head;
                }
                Head { whole_at: Some(*at), ..head }
            }
            Self::WholeUntil(until) => Head { whole_until: Some(*until), ..head },
        }
    }
}

/// An item that packwatch 0.1 may be able to read.
pub trait Versioned {
    /// The lowest form that can express it.
    fn schema(&self) -> u32 {
        FIRST_SCHEMA
    }
}

impl<T: Versioned> Versioned for &T {
    fn schema(&self) -> u32 {
        (**self).schema()
    }
}

impl Versioned for Row {}

impl Versioned for super::silence::Silence {}

impl Versioned for Transition {
    fn schema(&self) -> u32 {
        if self.kind == Kind::FailedAgain { SCHEMA } else { FIRST_SCHEMA }
    }
}

impl Versioned for Notice {
    fn schema(&self) -> u32 {
        SCHEMA
    }
}

/// The form in which an item is stored: its schema first, then its fields. A head has the field itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stored<T> {
    /// The form's number.
    pub schema: u32,
    /// The item.
    #[serde(flatten)]
    pub item: T,
}

impl<T: Versioned> Stored<T> {
    /// An item in the lowest form that can express it.
    pub fn new(item: T) -> Self {
        Self { schema: item.schema(), item }
    }
}

/// What to tell of an item that a newer packwatch wrote.
pub fn newer_schema(target: &Target, schema: u64) -> String {
    format!(
        "the items of {target} have schema {schema}, written by a newer packwatch; this one knows schema \
         {SCHEMA}. Nothing of this pack was touched: deploy the newer version again, or restore the table"
    )
}
