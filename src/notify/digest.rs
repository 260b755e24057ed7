//! From folds to a digest: every number is counted here, over all accounts of all packs.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::document::{
    Cause, HistoryPlace, NoticeType, Notification, PackNotice, SectionNotice, TransitionNotice,
};
use super::fold::{Example, Fold, Identity, Life, NameKey, id_of};
use super::topic::Topic;
use crate::model::Severity;
use crate::state::id;

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
        let first = examples.next()?;
        let varies = first.varies || examples.any(|other| other.varies || other.message != first.message);
        Some(Example { varies, ..first.clone() })
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
    let mut ids: Vec<String> = notified.iter().map(|fold| fold.id()).collect();
    ids.sort();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let statuses = notified.iter().flat_map(|fold| &fold.lives).flat_map(|life| &life.statuses.0);
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
    let of_fold = |(pack, fold): (usize, &&'_ Fold<'_>)| {
        let pack = u32::try_from(pack).unwrap_or(u32::MAX);
        let seen: Vec<Change> = fold
            .lives
            .iter()
            .flat_map(|life| &life.seen)
            .map(|(account, seen)| {
                let (cause, message) = (seen.cause.cause, seen.cause.message);
                Change { topic: seen.topic, cause, account: *account, pack, message }
            })
            .collect();
        seen
    };
    let mut changes: Vec<Change> = folds.iter().enumerate().flat_map(of_fold).collect();
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
fn section(changes: &[Change], example: &dyn Fn(u64) -> Option<Example>) -> Option<SectionNotice> {
    let topic = changes.first()?.topic;
    let accounts = distinct(changes.iter().map(|change| change.account));
    let packs = distinct(changes.iter().map(|change| change.pack));
    let changes_of_all = changes.len() as u64;
    let (mut causes, mut of_all_causes) = (Vec::new(), 0);
    let (mut more_causes, mut accounts_of_more_causes) = (0, 0);
    for changes in changes.chunk_by(|a, b| a.cause == b.cause) {
        let Some(first) = changes.first().filter(|_| topic.has_causes()) else { continue };
        let accounts = changes.chunk_by(|a, b| a.account == b.account).count() as u64;
        of_all_causes += accounts;
        let Some(Example { status, code, message, varies }) = example(first.cause) else {
            more_causes += 1;
            accounts_of_more_causes += accounts;
            continue;
        };
        causes.push(Cause {
            status: Some(status),
            error_code: code,
            error_message: message,
            messages: distinct(changes.iter().map(|change| change.message).filter(|message| *message > 0)),
            varies,
            accounts,
            packs: distinct(changes.iter().map(|change| change.pack)),
            changes: changes.len() as u64,
        });
    }
    causes.sort_by(|a, b| {
        let by_size = (b.changes, b.accounts).cmp(&(a.changes, a.accounts));
        by_size.then_with(|| {
            (&a.error_code, &a.error_message, &a.status).cmp(&(&b.error_code, &b.error_message, &b.status))
        })
    });
    let several = of_all_causes > accounts;
    let whole = SectionNotice {
        topic,
        changes: changes_of_all,
        accounts,
        packs,
        causes,
        more_causes,
        accounts_of_more_causes,
        accounts_of_several_causes: if several { of_several_causes(changes) } else { 0 },
    };
    Some(whole.with_causes(MOST_CAUSES))
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
    Some(SectionNotice {
        topic,
        changes,
        accounts: packs.iter().filter(is_about).map(|pack| pack.accounts).sum(),
        packs: changes,
        causes: Vec::new(),
        more_causes: 0,
        accounts_of_more_causes: 0,
        accounts_of_several_causes: 0,
    })
    .filter(|section| section.changes > 0)
}

impl Fold<'_> {
    fn packs(&self, partial: &HashSet<NameKey>) -> Vec<PackNotice> {
        let Identity { target, history_id } = self.identity;
        let notices = self.lives.iter().enumerate().filter_map(|(n, life)| {
            let kind = life.notice_type()?;
            let last = life.deleted.as_ref().or(life.begun.as_ref());
            // The record that is reported, which need not be the last one.
            let (event, topic) = match kind {
                NoticeType::PackDeleted => (life.deleted.as_ref(), Some(Topic::PackDeleted)),
                NoticeType::Baseline => (life.begun.as_ref(), Some(Topic::Baseline)),
                NoticeType::Transitions => (None, None),
            };
            let mut sections: BTreeMap<Topic, u64> = topic.map(|topic| (topic, 1)).into_iter().collect();
            for seen in life.seen.values() {
                *sections.entry(seen.topic).or_default() += 1;
            }
            // A pack that is gone took its rules with it: a warning.
            let itself = if kind == NoticeType::PackDeleted { Severity::Warning } else { Severity::Info };
            let severity = life.seen.values().map(|seen| seen.severity).chain([itself]).min()?;
            let transitions = life.transitions(partial);
            let is_current = n == 0 && life.deleted.is_none();
            Some(PackNotice {
                kind,
                id: event.map(|notice| id_of(target, history_id, notice.epoch, notice.event.as_str())),
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
