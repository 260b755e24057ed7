//! The writes that change a head.

use jiff::Timestamp;

use super::head::{Counts, Head};
use crate::model::AccountId;
use crate::state::account::{Row, Transition};
use crate::state::log::{Notice, Position};

/// DynamoDB takes 100 actions in a transaction: the head's, perhaps the pack's record, and these.
pub const ITEMS_PER_TRANSACTION: usize = 98;

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
            born: self.born.clone(),
            epoch: self.epoch(),
            people: Position::START,
            machines: Position::START,
            listens: self.listens,
            life: None,
            floor: None,
            fingerprint: None,
            unwell: None,
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
                epoch: self.epoch(),
                fingerprint: None,
                unwell: None,
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
        let mark = match self.mark {
            Mark::People => &mut head.people,
            Mark::Machines => &mut head.machines,
        };
        *mark = self.to.max(*mark);
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
    /// Now.
    pub at: Timestamp,
}

impl Finish {
    /// The head after this; `None` where it is no longer the run's, or a topic lacks something after all.
    pub fn applied_to(&self, head: &Head) -> Option<Head> {
        is_told_up_to(head, self.epoch).then(|| Head {
            fingerprint: self.fingerprint.clone(),
            unwell: self.unwell.clone(),
            committed_at: Some(self.at),
            ..head.clone()
        })
    }
}

/// Whether this is the head's epoch, and neither topic lacks anything of it.
fn is_told_up_to(head: &Head, epoch: u64) -> bool {
    let end = Position::end_of(epoch);
    head.epoch == epoch && head.people >= end && (head.listens != Some(true) || head.machines >= end)
}

/// The head where the scheduled function finds that machines began to listen, or no longer do; unchanged where it says so
/// already. Whoever is owed something now, and was not before, gets it in the next full pass: there is no fingerprint.
pub fn listening(head: &Head, listens: bool) -> Head {
    if head.listens == Some(listens) {
        return head.clone();
    }
    Head { listens: Some(listens), fingerprint: None, unwell: None, ..head.clone() }
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
                if !is_told_up_to(&head, *epoch) {
                    return head;
                }
                Head { unwell: Some(unwell.clone()), ..head }
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
