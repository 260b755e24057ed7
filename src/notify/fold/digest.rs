//! From folds to a digest: every number is counted here, over all accounts of all packs.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::Fold;
use super::causes::{CauseId, Example};
use super::life::{Life, NameKey};
use crate::notify::document::{Cause, HistoryPlace, NoticeType, Notification, PackNotice, SectionNotice};
use crate::notify::topic::Topic;
use crate::state::id;
use crate::state::log::PackEvent;

/// Causes that a section names.
const MOST_CAUSES: usize = 300;

/// Statuses that are named; AWS Config has nine.
const MOST_STATUSES: usize = 100;

/// One account of one pack, in the order of sections, causes and accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Change {
    topic: Topic,
    cause: u64,
    account: u64,
    pack: u64,
    message: u64,
}

/// One digest of all that the folds have to tell; `None` when that is nothing. It says where the history is, and its times
/// are those of a zone.
pub fn digest(folds: &[&Fold<'_>], history: HistoryPlace, time_zone: &str) -> Option<Notification> {
    let notified: Vec<&Fold<'_>> = folds.iter().copied().filter(|fold| fold.notifies()).collect();
    let changes = changes(&notified);
    let unnamed = unnamed(&notified);
    let mut packs: Vec<PackNotice> = notified.iter().flat_map(|fold| fold.packs(&unnamed)).collect();
    packs.sort_by_cached_key(|pack| {
        (pack.severity, pack.organization_conformance_pack_name.clone(), pack.region.clone())
    });
    let severity = packs.iter().map(|pack| pack.severity).min()?;
    let example = |cause: u64| {
        let mut examples = notified.iter().filter_map(|fold| fold.causes.examples.get(&cause));
        let mut first = examples.next()?.clone();
        let message = &first.state.error_message;
        first.varies |= examples.any(|other| other.varies || other.state.error_message != *message);
        Some(first)
    };
    let of_topics = changes.chunk_by(|a, b| a.topic == b.topic);
    let of_accounts = of_topics.filter_map(|changes| section(changes, &example));
    let of_packs =
        [Topic::PackDeleted, Topic::Baseline].into_iter().filter_map(|topic| of_packs(topic, &packs));
    let mut sections: Vec<SectionNotice> = of_accounts.chain(of_packs).collect();
    sections.sort_by_key(|section| section.topic);
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for section in &sections {
        *counts.entry(section.topic.counted_as().to_owned()).or_default() += section.changes;
    }
    let mut ids: Vec<&str> = notified.iter().map(|fold| fold.id.as_str()).collect();
    ids.sort_unstable();
    let statuses = notified.iter().flat_map(|fold| &fold.lives).flat_map(|life| &life.statuses);
    let statuses: BTreeSet<String> = statuses.map(ToString::to_string).collect();
    Some(Notification {
        version: "1".to_owned(),
        id: id::of(&ids),
        observed_at: folds.iter().filter_map(|fold| fold.observed_at).max()?,
        as_of: None,
        time_zone: time_zone.to_owned(),
        severity,
        counts,
        statuses: statuses.into_iter().take(MOST_STATUSES).collect(),
        silenced: folds.iter().map(|fold| fold.silenced).sum(),
        damped: folds.iter().map(|fold| fold.damped).sum(),
        history,
        sections,
        packs,
    })
}

fn changes(folds: &[&Fold<'_>]) -> Vec<Change> {
    let seen = folds.iter().flat_map(|fold| &fold.lives).map(|life| life.seen.len()).sum();
    let mut changes = Vec::with_capacity(seen);
    for (pack, fold) in (0..).zip(folds) {
        for (account, seen) in fold.lives.iter().flat_map(|life| &life.seen) {
            let CauseId { cause, message } = seen.cause;
            changes.push(Change { topic: seen.topic, cause, account: *account, pack, message });
        }
    }
    changes.sort_unstable();
    changes
}

/// The accounts that some pack does not name, for some cause: who reads of an account must not miss any of its packs, so
/// for this cause they are named nowhere.
fn unnamed(folds: &[&Fold<'_>]) -> HashSet<NameKey> {
    let lives = || folds.iter().flat_map(|fold| &fold.lives);
    let named: HashSet<NameKey> = lives().flat_map(Life::named).collect();
    named.into_iter().filter(|key| lives().any(|life| life.leaves_out(*key))).collect()
}

fn distinct(of: impl Iterator<Item = u64>) -> u64 {
    of.collect::<BTreeSet<u64>>().len() as u64
}

/// A section of accounts: the changes are those of one topic.
fn section(changes: &[Change], example: &dyn Fn(u64) -> Option<Example>) -> Option<SectionNotice> {
    let topic = changes.first()?.topic;
    let mut section = SectionNotice {
        topic,
        changes: changes.len() as u64,
        accounts: distinct(changes.iter().map(|change| change.account)),
        packs: distinct(changes.iter().map(|change| change.pack)),
        causes: Vec::new(),
        more_causes: 0,
        accounts_of_more_causes: 0,
        accounts_of_several_causes: of_several_causes(changes),
    };
    for changes in changes.chunk_by(|a, b| a.cause == b.cause).filter(|_| topic.has_causes()) {
        let accounts = distinct(changes.iter().map(|change| change.account));
        let Some(Example { state, varies }) = example(changes.first()?.cause) else {
            section.more_causes += 1;
            section.accounts_of_more_causes += accounts;
            continue;
        };
        let messages = changes.iter().map(|change| change.message).filter(|message| *message > 0);
        section.causes.push(Cause {
            state,
            messages: distinct(messages),
            varies,
            accounts,
            packs: distinct(changes.iter().map(|change| change.pack)),
            changes: changes.len() as u64,
        });
    }
    section.causes.sort_by_cached_key(|Cause { state, changes, accounts, .. }| {
        let words = (state.status.to_string(), state.error_code.clone(), state.error_message.clone());
        (Reverse(*changes), Reverse(*accounts), words)
    });
    section.keep(MOST_CAUSES);
    Some(section)
}

fn of_several_causes(changes: &[Change]) -> u64 {
    let mut pairs: Vec<(u64, u64)> = changes.iter().map(|change| (change.account, change.cause)).collect();
    pairs.sort_unstable();
    pairs.dedup();
    pairs.chunk_by(|a, b| a.0 == b.0).filter(|causes| causes.len() > 1).count() as u64
}

/// A section of packs.
fn of_packs(topic: Topic, packs: &[PackNotice]) -> Option<SectionNotice> {
    let is_about = |pack: &&PackNotice| pack.sections.contains_key(&topic);
    let n = packs.iter().filter(is_about).count() as u64;
    (n > 0).then(|| SectionNotice {
        topic,
        changes: n,
        accounts: packs.iter().filter(is_about).map(|pack| pack.accounts).sum(),
        packs: n,
        causes: Vec::new(),
        more_causes: 0,
        accounts_of_more_causes: 0,
        accounts_of_several_causes: 0,
    })
}

impl Fold<'_> {
    fn packs(&self, unnamed: &HashSet<NameKey>) -> Vec<PackNotice> {
        let notices = self.lives.iter().enumerate().filter_map(|(n, life)| {
            // The record that is reported, which need not be the last one.
            let reported = life.reported()?;
            let event = reported.map(|notice| notice.event);
            let (kind, topic) = match event {
                Some(PackEvent::PackDeleted) => (NoticeType::PackDeleted, Some(Topic::PackDeleted)),
                Some(PackEvent::Baseline) => (NoticeType::Baseline, Some(Topic::Baseline)),
                None => (NoticeType::Transitions, None),
            };
            let last = life.deleted.as_ref().or(life.begun.as_ref());
            let mut sections: BTreeMap<Topic, u64> = topic.into_iter().map(|topic| (topic, 1)).collect();
            for seen in life.seen.values() {
                *sections.entry(seen.topic).or_default() += 1;
            }
            let severities = life.seen.values().map(|seen| seen.severity);
            let severity = severities.chain(event.map(PackEvent::severity)).min()?;
            let transitions = life.transitions(unnamed);
            let is_current = n == 0 && life.deleted.is_none();
            Some(PackNotice {
                kind,
                id: reported.map(|notice| self.log.id_of(notice.epoch, notice.event.as_str())),
                region: self.log.target.region.clone(),
                organization_conformance_pack_name: self.log.target.pack.clone(),
                accounts: last.map_or(self.accounts, |notice| notice.accounts),
                failed: is_current.then_some(self.failed),
                in_progress: is_current.then_some(self.in_progress),
                since: life.since.filter(|since| Some(*since) < life.until),
                severity,
                sections,
                omitted: life.seen.len().saturating_sub(transitions.len()) as u64,
                transitions,
            })
        });
        notices.collect()
    }
}
