//! The notification: the JSON document that a digest is, whatever channel shows it. Everything that a
//! reader is told is here; `render` only lays it out.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::fingerprint;
use crate::harmless::plain;
use crate::model::{AccountId, Kind, PackName, Phase, Region, Severity, State, Status, Target, Transition};
use crate::settings::Notify;

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
    /// Where the pack is deployed.
    pub region: Region,
    /// The organization's name for it.
    pub organization_conformance_pack_name: PackName,
    /// How many accounts it has.
    pub accounts: u64,
    /// What happened to its accounts, worst first; in a baseline, the accounts that fail already.
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
    /// What was the case before; `null` when the account was not there.
    pub from: Option<StateNotice>,
    /// What is the case now; `null` when the account has left.
    pub to: Option<StateNotice>,
    /// Since when the account fails, or had failed until now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    /// A silence covers it: only machines are told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub silenced: bool,
    /// A silence that covered it has ended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub silence_ended: bool,
    /// The account begins to change too often: how many times it did within an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flapping: Option<u64>,
    /// The account goes on changing too often: only machines are told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub damped: bool,
}

/// A state as a reader is told of it.
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
    fn before(state: &State) -> Self {
        Self { error_message: None, last_update_time: None, ..Self::now(state) }
    }

    fn now(state: &State) -> Self {
        Self {
            status: plain(state.status.as_str()),
            error_code: state.error_code.as_deref().map(plain).filter(|code| !code.is_empty()),
            error_message: state.error_message.as_deref().map(plain).filter(|text| !text.is_empty()),
            last_update_time: state.last_update,
        }
    }
}

/// What there is to tell of one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// The target.
    pub target: Target,
    /// Its history's birth.
    pub born: String,
    /// The epoch at which it is told.
    pub epoch: u64,
    /// How many accounts it has (had, when it is gone).
    pub accounts: u64,
    /// When AWS Config was read.
    pub observed_at: Timestamp,
    /// What it is.
    pub what: What,
}

/// What there is to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Changes of accounts.
    Transitions(Vec<Transition>),
    /// The pack is watched from now on; these accounts fail already.
    Baseline(Vec<(AccountId, State)>),
    /// The pack is gone.
    PackDeleted,
}

/// A transition's id: the same in every copy, whoever sends it.
pub fn transition_id(target: &Target, born: &str, epoch: u64, account: AccountId) -> String {
    id_of(target, born, epoch, &account.to_string())
}

fn id_of(target: &Target, born: &str, epoch: u64, about: &str) -> String {
    fingerprint::id(&[target.region.as_str(), target.pack.as_str(), born, &epoch.to_string(), about])
}

/// What a transition is told as.
pub fn transition_notice(target: &Target, born: &str, transition: &Transition) -> TransitionNotice {
    TransitionNotice {
        id: transition_id(target, born, transition.epoch, transition.account),
        kind: transition.kind,
        account_id: transition.account,
        account_name: None,
        account_state: None,
        from: transition.from.as_ref().map(StateNotice::before),
        to: transition.to.as_ref().map(StateNotice::now),
        failing_since: transition.failing_since,
        silenced: transition.silenced,
        silence_ended: has_ended(transition),
        flapping: transition.flapping,
        damped: transition.damped,
    }
}

/// Whether it is told of since a silence no longer covers what was so before.
fn has_ended(transition: &Transition) -> bool {
    match (&transition.from, &transition.to) {
        (Some(from), Some(to)) => from.silenced && !to.silenced && from.is_same_event(to),
        _ => false,
    }
}

/// One digest of all the news that `notify` wants told; `None` when that is nothing.
pub fn digest(news: &[News], notify: &Notify) -> Option<Notification> {
    let mut ids = Vec::new();
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let mut packs: Vec<PackNotice> = Vec::new();
    let (mut silenced, mut damped) = (0, 0);
    for news in news {
        match &news.what {
            What::Transitions(all) => {
                silenced += all.iter().filter(|transition| transition.silenced).count() as u64;
                damped += all.iter().filter(|t| t.damped && !t.silenced).count() as u64;
            }
            What::Baseline(failing) => {
                silenced += failing.iter().filter(|(_, state)| state.silenced).count() as u64;
            }
            What::PackDeleted => {}
        }
        let Some((kind, mut transitions)) = told(news, notify) else { continue };
        if kind != NoticeType::Transitions {
            ids.push(id_of(&news.target, &news.born, news.epoch, kind.as_str()));
            *counts.entry(kind.as_str().to_owned()).or_default() += 1;
        }
        ids.extend(transitions.iter().map(|transition| transition.id.clone()));
        for transition in &transitions {
            *counts.entry(transition.counted_as().to_owned()).or_default() += 1;
        }
        transitions.sort_by(|a, b| rank(a).cmp(&rank(b)));
        packs.push(PackNotice {
            kind,
            region: news.target.region.clone(),
            organization_conformance_pack_name: news.target.pack.clone(),
            accounts: news.accounts,
            transitions,
            omitted: 0,
        });
    }
    packs.sort_by(|a, b| {
        let key = |pack: &PackNotice| (pack.severity(), pack.organization_conformance_pack_name.clone());
        key(a).cmp(&key(b)).then_with(|| a.region.cmp(&b.region))
    });
    let severity = packs.iter().map(PackNotice::severity).min()?;
    let observed_at = news.iter().map(|news| news.observed_at).max()?;
    ids.sort();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    Some(Notification {
        version: "1".to_owned(),
        id: fingerprint::id(&ids),
        observed_at,
        severity,
        counts,
        silenced,
        damped,
        packs,
    })
}

/// Worst first, then by error code so that one cause stands together, then by account.
fn rank(notice: &TransitionNotice) -> (Kind, Option<&str>, AccountId) {
    let code = notice.to.as_ref().and_then(|to| to.error_code.as_deref());
    (notice.kind, code, notice.account_id)
}

fn told(news: &News, notify: &Notify) -> Option<(NoticeType, Vec<TransitionNotice>)> {
    match &news.what {
        What::Transitions(all) => {
            // Who was not told that an account fails must be told when it begins to change too often.
            let is_wanted = |t: &&Transition| t.flapping.is_some() || notify.tells(t.kind);
            let wanted = all.iter().filter(|t| !t.silenced && !t.damped).filter(is_wanted);
            let told: Vec<_> = wanted.map(|t| transition_notice(&news.target, &news.born, t)).collect();
            (!told.is_empty()).then_some((NoticeType::Transitions, told))
        }
        What::Baseline(failing) => {
            let notice = |(account, state): &(AccountId, State)| TransitionNotice {
                id: transition_id(&news.target, &news.born, news.epoch, *account),
                kind: Kind::Failed,
                account_id: *account,
                account_name: None,
                account_state: None,
                from: None,
                to: Some(StateNotice::now(state)),
                failing_since: state.last_update,
                silenced: false,
                silence_ended: false,
                flapping: None,
                damped: false,
            };
            let failing = failing.iter().filter(|(_, state)| !state.silenced);
            let told = || (NoticeType::Baseline, failing.map(notice).collect());
            notify.tells_baseline().then(told)
        }
        What::PackDeleted => notify.tells_pack_deleted().then(|| (NoticeType::PackDeleted, Vec::new())),
    }
}

impl TransitionNotice {
    /// The key of [`Notification::counts`] under which it counts.
    pub fn counted_as(&self) -> &'static str {
        if self.flapping.is_some() { "Flapping" } else { self.kind.as_str() }
    }

    /// How much it matters, as [`Transition::severity`].
    pub fn severity(&self) -> Severity {
        let fails = self.to.as_ref().is_some_and(|to| Status::new(&to.status).phase() == Phase::Failed);
        match self.kind {
            Kind::Settled if fails => Severity::Failure,
            kind if self.flapping.is_some() => kind.severity().min(Severity::Warning),
            kind => kind.severity(),
        }
    }
}

impl PackNotice {
    /// How many accounts' changes it tells of.
    pub fn listed_and_omitted(&self) -> u64 {
        self.transitions.len() as u64 + self.omitted
    }

    /// The worst of what it tells. A pack that is gone took its rules with it: a warning.
    pub fn severity(&self) -> Severity {
        let itself = match self.kind {
            NoticeType::PackDeleted => Severity::Warning,
            NoticeType::Transitions | NoticeType::Baseline => Severity::Info,
        };
        let worst = self.transitions.iter().map(TransitionNotice::severity).min();
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
        let mut order: Vec<(Kind, usize, usize)> = Vec::new();
        for (pack, notice) in self.packs.iter().enumerate() {
            order.extend(
                notice.transitions.iter().map(|transition| (transition.kind, pack, size(transition))),
            );
        }
        // Stable: within a pack, whose transitions are worst first already, a prefix is kept.
        order.sort_by_key(|(kind, ..)| *kind);
        let mut keep = vec![0_usize; self.packs.len()];
        let mut left = room;
        for (_, pack, size) in order {
            let Some(rest) = left.checked_sub(size) else { break };
            left = rest;
            if let Some(kept) = keep.get_mut(pack) {
                *kept += 1;
            }
        }
        let mut cut = self.clone();
        for (pack, keep) in cut.packs.iter_mut().zip(keep) {
            pack.omitted += (pack.transitions.len() - keep) as u64;
            pack.transitions.truncate(keep);
        }
        cut
    }
}
