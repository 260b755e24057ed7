//! The notification: the JSON document that a digest is, whatever channel shows it. Everything that a
//! reader gets is here; `render` only lays it out.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::text::plain;
use crate::model::{AccountId, Kind, PackName, Region, Severity, Status};
use crate::state::{self, State};

/// A digest of what changed in one or more packs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Notification {
    /// The form of this document: "1".
    pub version: String,
    /// A hash of the ids of what it carries: the same in every copy.
    pub id: String,
    /// When AWS Config was read.
    pub observed_at: Timestamp,
    /// The worst of what it carries.
    pub severity: Severity,
    /// How many of each kind, over all packs, whether listed below or omitted.
    pub counts: BTreeMap<String, u64>,
    /// How many more changes silences cover.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub silenced: u64,
    /// How many more changes there were of accounts that change too often.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub damped: u64,
    /// The DynamoDB table whose history has every change; absent from a laptop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// The packs, worst first.
    pub packs: Vec<PackNotice>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
fn is_zero(n: &u64) -> bool {
    *n == 0
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
    /// What happened to its accounts, worst first; in a baseline, the accounts that are unhealthy. The order is not that
    /// of time, which each has.
    pub transitions: Vec<TransitionNotice>,
    /// How many more there are than fit.
    pub omitted: u64,
    /// What is known of all these; not in the document, so unknown where one was read.
    #[serde(skip)]
    pub whole: Option<Whole>,
}

/// What is known of all accounts that a [`PackNotice`] is about, whether they are named or omitted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whole {
    /// How many have failed.
    pub failed: u64,
    /// The worst.
    pub severity: Option<Severity>,
    /// Their statuses.
    pub statuses: BTreeSet<String>,
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

impl NoticeType {
    /// The name as the documents spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PackDeleted => "PackDeleted",
            Self::Transitions => "Transitions",
            Self::Baseline => "Baseline",
        }
    }
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
    /// What became of it before, in the same digest, the oldest first: reported nowhere else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<Kind>,
    /// What was the case before; `null` when the account was not there.
    pub from: Option<StateNotice>,
    /// What is the case now; `null` when the account has left.
    pub to: Option<StateNotice>,
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

/// A state as readers see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct StateNotice {
    /// AWS Config's status.
    pub status: String,
    /// AWS Config's code of what went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// AWS Config's words for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    /// When AWS Config last updated it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_update_time: Option<Timestamp>,
}

impl StateNotice {
    pub(super) fn before(state: &State) -> Self {
        Self { error_message: None, last_update_time: None, ..Self::now(state) }
    }

    pub(super) fn now(state: &State) -> Self {
        Self {
            status: plain(state.status.as_str()),
            error_code: state.error_code.as_deref().map(plain).filter(|code| !code.is_empty()),
            error_message: state.error_message.as_deref().map(plain).filter(|text| !text.is_empty()),
            last_update_time: state.last_update,
        }
    }
}

/// Whether accounts of this kind are only counted: retries, progress and routine success.
pub(super) fn is_routine(kind: Kind) -> bool {
    matches!(kind, Kind::FailedAgain | Kind::Succeeded | Kind::InProgress)
}

impl TransitionNotice {
    /// The kind as which it is reported: its own; where that is routine, the last one before it that is not. Who was not notified
    /// of a failure must not hear of its retry alone.
    pub fn notified_as(&self) -> Kind {
        let own = Some(self.kind).filter(|kind| self.flapping.is_some() || !is_routine(*kind));
        let before = || self.earlier.iter().rev().copied().find(|kind| !is_routine(*kind));
        own.or_else(before).unwrap_or(self.kind)
    }

    /// The key of [`Notification::counts`] under which it counts.
    pub fn counted_as(&self) -> &'static str {
        match self.notified_as() {
            _ if self.flapping.is_some() => "Flapping",
            Kind::Reminder if self.silence_ended => "SilenceEnded",
            kind => kind.as_str(),
        }
    }

    /// How much it matters, as [`crate::state::Transition::severity`].
    pub fn severity(&self) -> Severity {
        let phase = self.to.as_ref().map(|to| Status::new(&to.status).phase());
        state::severity(self.notified_as(), phase, self.incident_id.is_some(), self.flapping.is_some())
    }
}

impl PackNotice {
    /// How many accounts' changes it reports.
    pub fn listed_and_omitted(&self) -> u64 {
        self.transitions.len() as u64 + self.omitted
    }

    /// The worst of what it tells. A pack that is gone took its rules with it: a warning.
    pub fn severity(&self) -> Severity {
        let itself = match self.kind {
            NoticeType::PackDeleted => Severity::Warning,
            NoticeType::Transitions | NoticeType::Baseline => Severity::Info,
        };
        let named = self.transitions.iter().map(TransitionNotice::severity);
        let worst = named.chain(self.whole.as_ref().and_then(|whole| whole.severity)).min();
        worst.map_or(itself, |worst| worst.min(itself))
    }
}

impl Notification {
    /// How many of a kind there are.
    pub fn count(&self, kind: &str) -> u64 {
        self.counts.get(kind).copied().unwrap_or(0)
    }

    /// The document with only as many transitions, worst first over all packs, as `room` bytes hold,
    /// where `size` says what each takes. The counts stay those of the whole.
    pub fn within(&self, room: usize, size: impl Fn(&TransitionNotice) -> usize) -> Self {
        let mut order: Vec<(usize, &TransitionNotice)> = Vec::new();
        for (pack, notice) in self.packs.iter().enumerate() {
            order.extend(notice.transitions.iter().map(|transition| (pack, transition)));
        }
        // Stable: within a pack, whose transitions are worst first already, a prefix is kept.
        order.sort_by_key(|(_, transition)| transition.notified_as());
        let mut keep = vec![0_usize; self.packs.len()];
        let mut left = room;
        for (pack, transition) in order {
            let Some(rest) = left.checked_sub(size(transition)) else { break };
            left = rest;
            if let Some(kept) = keep.get_mut(pack) {
                *kept += 1;
            }
        }
        let cut = |(pack, keep): (&PackNotice, usize)| PackNotice {
            kind: pack.kind,
            id: pack.id.clone(),
            region: pack.region.clone(),
            organization_conformance_pack_name: pack.organization_conformance_pack_name.clone(),
            accounts: pack.accounts,
            transitions: pack.transitions.iter().take(keep).cloned().collect(),
            omitted: pack.omitted + (pack.transitions.len() - keep) as u64,
            whole: pack.whole.clone(),
        };
        let (version, id, counts) = (self.version.clone(), self.id.clone(), self.counts.clone());
        let (table, packs) = (self.table.clone(), self.packs.iter().zip(keep).map(cut).collect());
        Self { version, id, counts, table, packs, ..*self }
    }
}
