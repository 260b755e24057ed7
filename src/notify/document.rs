//! The notification: the JSON document that a digest is, whatever channel shows it. Everything that a
//! reader gets is here; `render` only lays it out.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::topic::Topic;
use crate::model::text::plain;
use crate::model::{AccountId, Kind, PackName, Region, Severity, Status};
use crate::state::State;

/// A digest of what changed in one or more packs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Notification {
    /// The form of this document: "1".
    pub version: String,
    /// A hash of the ids of what it carries: the same in every copy.
    pub id: String,
    /// When AWS Config was read for the last change of these.
    pub observed_at: Timestamp,
    /// Of what time it is, where that is long ago.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Timestamp>,
    /// The time zone in which people read its times.
    pub time_zone: String,
    /// The worst of what it carries.
    pub severity: Severity,
    /// How many of each kind, over all packs, whether listed below or omitted.
    pub counts: BTreeMap<String, u64>,
    /// The statuses of the accounts, as far as they are few.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub statuses: BTreeSet<String>,
    /// How many more changes silences cover.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub silenced: u64,
    /// How many more changes there were of accounts that change too often.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub damped: u64,
    /// Where the history is that has every change.
    #[serde(flatten)]
    pub history: HistoryPlace,
    /// What it is about, worst first: the numbers over all packs, whether accounts are listed below or omitted.
    #[serde(default)]
    pub sections: Vec<SectionNotice>,
    /// The packs, worst first.
    pub packs: Vec<PackNotice>,
}

/// Where the history is: what `packwatch history` needs to find it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct HistoryPlace {
    /// A DynamoDB table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// The region of the table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table_region: Option<String>,
    /// A file on a laptop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// How much there is of one topic, over all packs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SectionNotice {
    /// What it is about.
    pub topic: Topic,
    /// How many changes: an account counts once for each pack. Of packs, how many packs.
    pub changes: u64,
    /// How many accounts, each once. Of packs, how many they have together.
    pub accounts: u64,
    /// In how many packs.
    pub packs: u64,
    /// The causes, the largest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<Cause>,
    /// How many more causes there are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more_causes: u64,
    /// How many accounts these have.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub accounts_of_more_causes: u64,
    /// How many accounts have several causes, in different packs.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub accounts_of_several_causes: u64,
}

/// What accounts of a section have in common: an error code, and what is known of it or else said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Cause {
    /// That of one of the accounts: of its message as much as distinguishes it.
    #[serde(flatten)]
    pub state: State,
    /// How many different messages there are, apart from ids.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub messages: u64,
    /// The message is an example: others differ from it, if only in ids.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub varies: bool,
    /// How many accounts, each once.
    pub accounts: u64,
    /// In how many packs.
    pub packs: u64,
    /// How many changes: an account counts once for each pack.
    pub changes: u64,
}

/// What happened to one pack in one region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PackNotice {
    /// What this is about.
    #[serde(rename = "Type")]
    pub kind: NoticeType,
    /// The id of the record that a baseline or a deletion is: the same in every copy, and on the events topic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Where the pack is deployed.
    pub region: Region,
    /// The organization's name for it.
    pub organization_conformance_pack_name: PackName,
    /// How many accounts it has.
    pub accounts: u64,
    /// How many of these are failed now; absent where it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<u64>,
    /// How many are in progress now; absent where it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_progress: Option<u64>,
    /// When the first of its changes was observed, where others were later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// The worst of what is reported of it.
    pub severity: Severity,
    /// How many of its accounts are in each section.
    pub sections: BTreeMap<Topic, u64>,
    /// What happened to its accounts, worst first; in a baseline, the accounts that are unhealthy. The order is not that
    /// of time, which each has.
    pub transitions: Vec<TransitionNotice>,
    /// How many more there are than fit.
    pub omitted: u64,
}

/// What a [`PackNotice`] is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum NoticeType {
    /// The organization conformance pack is gone.
    PackDeleted,
    /// Accounts changed.
    Transitions,
    /// The pack is watched from now on.
    Baseline,
}

/// What happened to one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TransitionNotice {
    /// A hash of region, pack, its history's birth, epoch and account: the same in every copy.
    pub id: String,
    /// What it means.
    pub kind: Kind,
    /// The member account.
    pub account_id: AccountId,
    /// The account's name in AWS Organizations, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_name: Option<String>,
    /// The account's state in AWS Organizations, unless it is active.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_state: Option<String>,
    /// The section of the digest that reports it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub section: Option<Topic>,
    /// What became of it before, in the same digest, the oldest first: reported nowhere else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<Kind>,
    /// What was the case before; `null` when the account was not there.
    pub from: Option<State>,
    /// What is the case now; `null` when the account has left.
    pub to: Option<State>,
    /// The unhealthy state that it is reported for, where that is no longer the case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<State>,
    /// When AWS Config was read.
    pub observed_at: Timestamp,
    /// The epoch that recorded it: of two changes of one account, the one with the higher number came later.
    pub sequence: u64,
    /// The incident that it belongs to: the same from the first failure to the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident_id: Option<String>,
    /// Since when the account is unhealthy, or had not been until now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    /// It was so before packwatch watched the pack.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub baseline: bool,
    /// A silence covers it: only events are published.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub silenced: bool,
    /// A silence that covered it has ended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub silence_ended: bool,
    /// The account begins to change too often: how many times it did within an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flapping: Option<u64>,
    /// The account goes on changing too often: only events are published.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub damped: bool,
}

/// A state as readers see it: what AWS Config says, on one line, and none of the facts that follow from the time.
pub(super) fn for_readers(state: &State) -> State {
    let (error_message, last_update) = (on_one_line(state.error_message.as_deref()), state.last_update);
    State { error_message, last_update, ..status_for_readers(state) }
}

/// As much as people see of a state that is over.
pub(super) fn status_for_readers(state: &State) -> State {
    let status = Status::new(&plain(state.status.as_str()));
    State { error_code: on_one_line(state.error_code.as_deref()), ..State::of(status) }
}

fn on_one_line(text: Option<&str>) -> Option<String> {
    text.map(plain).filter(|text| !text.is_empty())
}

impl TransitionNotice {
    /// The state that it is reported for.
    pub fn reported(&self) -> Option<&State> {
        self.failure.as_ref().or(self.to.as_ref())
    }
}

impl Notification {
    /// The document with only as many causes and transitions, worst first over all packs, as `room` bytes hold. The
    /// numbers stay those of the whole.
    pub(super) fn within(mut self, room: usize) -> Self {
        // The document is JSON in a JSON string: its quotes and backslashes are escaped once more.
        let fits = |left: &mut usize, piece: Value| {
            let rest = left.checked_sub(json!(piece.to_string()).to_string().len());
            *left = rest.unwrap_or(0);
            rest.is_some()
        };
        let mut left = room / 4;
        for section in &mut self.sections {
            let kept = section.causes.iter().take_while(|cause| fits(&mut left, json!(cause))).count();
            section.keep(kept);
        }
        left += room - room / 4;
        let mut all: Vec<(usize, TransitionNotice)> = Vec::new();
        for (n, pack) in self.packs.iter_mut().enumerate() {
            pack.omitted += pack.transitions.len() as u64;
            all.extend(pack.transitions.drain(..).map(|transition| (n, transition)));
        }
        // Stable: the transitions of a pack are worst first already.
        all.sort_by_key(|(_, transition)| transition.section);
        for (n, transition) in
            all.into_iter().take_while(|(_, transition)| fits(&mut left, json!(transition)))
        {
            if let Some(pack) = self.packs.get_mut(n) {
                pack.omitted -= 1;
                pack.transitions.push(transition);
            }
        }
        self
    }
}

impl SectionNotice {
    /// Keeps the first of its causes, and counts the others.
    pub(super) fn keep(&mut self, most: usize) {
        let cut = self.causes.split_off(most.min(self.causes.len()));
        self.more_causes += cut.len() as u64;
        self.accounts_of_more_causes += cut.iter().map(|cause| cause.accounts).sum::<u64>();
    }
}
