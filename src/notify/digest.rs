//! From folds to a digest: every number is counted here, over all accounts of all packs.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::document::{
    Cause, HistoryPlace, NoticeType, Notification, PackNotice, SectionNotice, TransitionNotice,
};
use super::fold::{CauseId, Fold, Identity, Life, NameKey, id_of};
use super::topic::Topic;
use crate::model::Severity;
use crate::state::id;
use crate::state::log::PackEvent;

/// Causes that a section names.
const MOST_CAUSES: usize = 300;

/// One account of one pack, in the order of sections, causes and accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Change {
    topic: Topic,
    cause: u64,
    account: u64,
    pack: u32,
    message: u64,
}

/// One digest of all that the folds have to tell; `None` when that is nothing. It says where the history is, and its times
/// are those of a zone.
pub fn digest(folds: &[&Fold<'_>], history: HistoryPlace, time_zone: &str) -> Option<Notification> {
    let notified: Vec<&Fold<'_>> = folds.iter().copied().filter(|fold| fold.notifies()).collect();
    let changes = changes(&notified);
    let partial = partial(&notified, &changes);
    let mut packs: Vec<PackNotice> = notified.iter().flat_map(|fold| fold.packs(&partial)).collect();
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
    Some(Notification {
        version: "1".to_owned(),
        id: id::of(&ids),
        observed_at: folds.iter().filter_map(|fold| fold.observed_at).max()?,
        as_of: None,
        time_zone: time_zone.to_owned(),
        severity,
        counts,
        statuses: statuses.cloned().collect(),
        silenced: folds.iter().map(|fold| fold.silenced).sum(),
        damped: folds.iter().map(|fold| fold.damped).sum(),
        history,
        sections,
        packs,
    })
}

fn changes(folds: &[&Fold<'_>]) -> Vec<Change> {
    let mut changes = Vec::new();
    for (pack, fold) in (0..).zip(folds) {
        for (account, seen) in fold.lives.iter().flat_map(|life| &life.seen) {
            let CauseId { cause, message } = seen.cause;
            changes.push(Change { topic: seen.topic, cause, account: *account, pack, message });
        }
    }
    changes.sort_unstable();
    changes
}

/// The accounts that are named in some pack and not in each in which they have the same cause: who reads of an account
/// must not miss any of its packs, so these are only counted.
fn partial(folds: &[&Fold<'_>], changes: &[Change]) -> HashSet<NameKey> {
    let lives = || folds.iter().flat_map(|fold| &fold.lives);
    let mut named: HashMap<NameKey, usize> = HashMap::new();
    for key in lives().flat_map(|life| life.named.keys()) {
        *named.entry(*key).or_default() += 1;
    }
    let key = |change: &Change| (change.topic, change.cause, change.account);
    let all = |of: &NameKey| {
        changes.partition_point(|change| key(change) <= *of)
            - changes.partition_point(|change| key(change) < *of)
    };
    named.into_iter().filter(|(key, named)| *named < all(key)).map(|(key, _)| key).collect()
}

fn distinct<T: Ord>(of: impl Iterator<Item = T>) -> u64 {
    let mut all: Vec<T> = of.collect();
    all.sort_unstable();
    all.dedup();
    all.len() as u64
}

/// A section of accounts: the changes are those of one topic.
fn section(changes: &[Change], example: &dyn Fn(u64) -> Option<Cause>) -> Option<SectionNotice> {
    let topic = changes.first()?.topic;
    let accounts = distinct(changes.iter().map(|change| change.account));
    let packs = distinct(changes.iter().map(|change| change.pack));
    let mut section =
        SectionNotice { changes: changes.len() as u64, accounts, packs, ..SectionNotice::of(topic) };
    let of_causes = changes.chunk_by(|a, b| a.cause == b.cause).filter(|_| topic.has_causes());
    for (cause, changes) in of_causes.filter_map(|changes| Some((changes.first()?.cause, changes))) {
        let accounts = changes.chunk_by(|a, b| a.account == b.account).count() as u64;
        match example(cause) {
            Some(example) => section.causes.push(Cause {
                messages: distinct(
                    changes.iter().map(|change| change.message).filter(|message| *message > 0),
                ),
                accounts,
                packs: distinct(changes.iter().map(|change| change.pack)),
                changes: changes.len() as u64,
                ..example
            }),
            None => {
                section.more_causes += 1;
                section.accounts_of_more_causes += accounts;
            }
        }
    }
    section.causes.sort_by(|a, b| {
        let by_size = (b.changes, b.accounts).cmp(&(a.changes, a.accounts));
        by_size.then_with(|| a.state.cmp(&b.state))
    });
    section.keep(MOST_CAUSES);
    section.accounts_of_several_causes = of_several_causes(changes);
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
    let changes = packs.iter().filter(is_about).count() as u64;
    let accounts = packs.iter().filter(is_about).map(|pack| pack.accounts).sum();
    let section = SectionNotice { changes, accounts, packs: changes, ..SectionNotice::of(topic) };
    Some(section).filter(|section| section.changes > 0)
}

impl Fold<'_> {
    fn packs(&self, partial: &HashSet<NameKey>) -> Vec<PackNotice> {
        let Identity { target, history_id } = self.identity;
        let notices = self.lives.iter().enumerate().filter_map(|(n, life)| {
            // The record that is reported, which need not be the last one.
            let reported = life.reported()?;
            // A pack that is gone took its rules with it: a warning.
            let (kind, topic, itself) = match reported.map(|notice| notice.event) {
                Some(PackEvent::PackDeleted) => {
                    (NoticeType::PackDeleted, Some(Topic::PackDeleted), Severity::Warning)
                }
                Some(PackEvent::Baseline) => (NoticeType::Baseline, Some(Topic::Baseline), Severity::Info),
                None => (NoticeType::Transitions, None, Severity::Info),
            };
            let last = life.deleted.as_ref().or(life.begun.as_ref());
            let mut sections: BTreeMap<Topic, u64> = topic.map(|topic| (topic, 1)).into_iter().collect();
            for seen in life.seen.values() {
                *sections.entry(seen.topic).or_default() += 1;
            }
            let severity = life.seen.values().map(|seen| seen.severity).chain([itself]).min()?;
            let transitions = life.transitions(partial);
            let is_current = n == 0 && life.deleted.is_none();
            Some(PackNotice {
                kind,
                id: reported.map(|notice| id_of(target, history_id, notice.epoch, notice.event.as_str())),
                region: target.region.clone(),
                organization_conformance_pack_name: target.pack.clone(),
                accounts: last.map_or(self.accounts, |notice| notice.accounts),
                failed: is_current.then_some(self.failed),
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

impl Life {
    /// What is named, worst first, then by error code so that one cause stands together, then by account.
    fn transitions(&self, partial: &HashSet<NameKey>) -> Vec<TransitionNotice> {
        let whole = self.named.iter().filter(|(key, _)| !partial.contains(key));
        let mut named: Vec<TransitionNotice> = whole.map(|(_, notice)| notice.clone()).collect();
        named.sort_by_cached_key(|notice| {
            let code = notice.reported().and_then(|state| state.error_code.clone());
            (notice.section, code, notice.account_id)
        });
        named
    }
}
