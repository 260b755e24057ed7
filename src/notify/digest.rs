//! From news to a notification.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::document::{NoticeType, Notification, PackNotice, StateNotice, TransitionNotice};
use crate::model::{AccountId, Kind, Target};
use crate::settings::Notify;
use crate::state::fingerprint;
use crate::state::{State, Transition};

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
        observed_at: Some(transition.observed_at),
        sequence: Some(transition.epoch),
        incident_id: transition.incident_id.clone(),
        failing_since: transition.failing_since,
        baseline: transition.baseline,
        silenced: transition.silenced,
        silence_ended: has_ended(transition),
        flapping: transition.flapping,
        damped: transition.damped,
    }
}

/// Whether it is told of since a silence no longer covers what was so before.
fn has_ended(transition: &Transition) -> bool {
    match (&transition.from, &transition.to) {
        (Some(from), Some(to)) => {
            let is_known = transition.kind == Kind::Reminder && to.health().is_ill();
            from.silenced && !to.silenced && (is_known || from.is_same_event(to))
        }
        _ => false,
    }
}

/// Whether people are to be told: as judged when it was recorded. An older packwatch left that to `notify`.
fn is_told(transition: &Transition, notify: &Notify) -> bool {
    // Who was not told that an account fails must be told when it begins to change too often.
    let is_wanted = || transition.flapping.is_some() || notify.tells(transition.kind);
    transition.told.unwrap_or_else(|| !transition.silenced && !transition.damped && is_wanted())
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
            let wanted = all.iter().filter(|transition| is_told(transition, notify));
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
                observed_at: Some(news.observed_at),
                sequence: Some(news.epoch),
                incident_id: None,
                failing_since: state.last_update,
                baseline: true,
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
