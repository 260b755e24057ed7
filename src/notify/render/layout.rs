//! What every channel shows, in order: sections, worst first; in each, one group for each cause, the
//! largest first; in each, the accounts. One account that failed in twenty packs is one entry.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;

use jiff::Timestamp;

use super::shape::shape;
use super::topic::{Tally, Topic, tallies};
use super::words::change;
use crate::model::{AccountId, Phase, Severity, Status};
use crate::notify::hints::{self, Hint};
use crate::notify::{Notification, PackNotice, TransitionNotice};

/// Accounts that are named in a section, in each of its groups at least, and groups in a section.
/// `packwatch history` has the rest.
const LISTED: usize = 10;
const LISTED_IN_GROUP: usize = 3;
const GROUPS: usize = 8;

/// One topic of the digest.
#[derive(Debug)]
pub(super) struct Section<'a> {
    pub(super) tally: Tally<'a>,
    /// The largest groups; none where accounts are only counted.
    pub(super) groups: Vec<Group<'a>>,
    /// How many groups are not shown, and how many accounts they have.
    pub(super) more_groups: (usize, usize),
}

/// Accounts with the same cause: an error code, and what is known of it.
#[derive(Debug)]
pub(super) struct Group<'a> {
    pub(super) code: Option<&'a str>,
    pub(super) message: Option<Message<'a>>,
    pub(super) hint: Option<&'static Hint>,
    /// How many accounts, and in how many packs.
    pub(super) accounts: usize,
    pub(super) packs: usize,
    /// How many changes: an account counts once for each pack.
    pub(super) changes: usize,
    /// The change, where it is the same for all.
    pub(super) change: Option<String>,
    /// The first accounts: those that fail for the longest first.
    pub(super) entries: Vec<Entry<'a>>,
}

/// What AWS Config says most often about a cause.
#[derive(Debug, Clone, Copy)]
pub(super) struct Message<'a> {
    pub(super) text: &'a str,
    /// Whether others say the same with other ids.
    pub(super) is_example: bool,
    /// How many different ones there are, apart from ids.
    pub(super) of: usize,
}

/// One account.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub(super) account: AccountId,
    pub(super) notice: &'a TransitionNotice,
    pub(super) change: String,
    /// The earliest, over its packs.
    pub(super) since: Option<Timestamp>,
    pub(super) packs: Vec<&'a PackNotice>,
}

impl Section<'_> {
    /// Whether its causes are counted before any of them is explained: in a short one they are seen at once.
    pub(super) fn counts_first(&self) -> bool {
        let accounts: usize = self.groups.iter().map(|group| group.accounts).sum();
        self.groups.len() > 1 && accounts > LISTED
    }

    /// What AWS Config says of a cause, where its code does not tell it from the section's others.
    pub(super) fn distinguishes(&self, group: &Group<'_>) -> Option<String> {
        let same_code = self.groups.iter().filter(|other| other.code == group.code).count();
        group.message.filter(|_| same_code > 1 || group.code.is_none()).map(|message| shape(message.text))
    }
}

impl Group<'_> {
    /// How many accounts are not named when `shown` are.
    pub(super) fn more(&self, shown: usize) -> usize {
        self.accounts.saturating_sub(shown)
    }
}

/// The sections of a digest, worst first.
pub(super) fn sections(notification: &Notification) -> Vec<Section<'_>> {
    tallies(notification).into_iter().map(|tally| section(notification, tally)).collect()
}

/// The accounts that the messages name, so that only their names need be asked for.
pub fn named_accounts(notification: &Notification) -> Vec<AccountId> {
    let sections = sections(notification);
    let entries = sections.iter().flat_map(|section| &section.groups).flat_map(|group| &group.entries);
    let mut accounts: Vec<AccountId> = entries.map(|entry| entry.account).collect();
    accounts.sort();
    accounts.dedup();
    accounts
}

type Notice<'a> = (&'a PackNotice, &'a TransitionNotice);

/// What is known of a cause, and its notices: those that say the same stand together.
type Cause<'a> = (Option<&'static Hint>, Vec<Vec<Notice<'a>>>);

fn section<'a>(notification: &'a Notification, tally: Tally<'a>) -> Section<'a> {
    let topic = tally.topic;
    let mut by_code: BTreeMap<Option<&str>, Vec<Notice<'_>>> = BTreeMap::new();
    for pack in notification.packs.iter().filter(|_| topic.lists_accounts()) {
        for notice in pack.transitions.iter().filter(|notice| Topic::of(pack, notice) == topic) {
            // What went wrong is known of what is the case now; a recovery leaves it behind.
            let code = notice.to.as_ref().and_then(|to| to.error_code.as_deref());
            by_code.entry(code).or_default().push((pack, notice));
        }
    }
    let mut groups: Vec<Group<'_>> =
        by_code.into_iter().flat_map(|(code, notices)| causes(topic, code, &notices)).collect();
    groups.sort_by_key(|group| std::cmp::Reverse((group.changes, group.accounts)));
    let hidden = groups.split_off(groups.len().min(GROUPS));
    let more_groups = (hidden.len(), hidden.iter().map(|group| group.accounts).sum());
    let listed = (LISTED / groups.len().max(1)).max(LISTED_IN_GROUP);
    groups.iter_mut().for_each(|group| group.entries.truncate(listed));
    Section { tally, groups, more_groups }
}

/// The groups of one error code: one for each hint that its messages get.
fn causes<'a>(topic: Topic, code: Option<&'a str>, notices: &[Notice<'a>]) -> Vec<Group<'a>> {
    let mut by_message: BTreeMap<&str, Vec<Notice<'a>>> = BTreeMap::new();
    for notice in notices {
        by_message.entry(message(notice).unwrap_or_default()).or_default().push(*notice);
    }
    let mut by_shape: BTreeMap<String, Vec<Notice<'a>>> = BTreeMap::new();
    for (message, notices) in by_message {
        by_shape.entry(shape(message)).or_default().extend(notices);
    }
    let mut by_hint: Vec<Cause<'a>> = Vec::new();
    for notices in by_shape.into_values() {
        let hint = hint(topic, notices.first());
        match by_hint.iter_mut().find(|(known, _)| *known == hint) {
            Some((_, by_shape)) => by_shape.push(notices),
            None => by_hint.push((hint, vec![notices])),
        }
    }
    by_hint.into_iter().map(|(hint, by_shape)| group(topic, code, hint, by_shape)).collect()
}

fn message<'a>((_, notice): &Notice<'a>) -> Option<&'a str> {
    notice.to.as_ref().and_then(|to| to.error_message.as_deref())
}

fn hint(topic: Topic, notice: Option<&Notice<'_>>) -> Option<&'static Hint> {
    let now = notice.and_then(|(_, notice)| notice.to.as_ref());
    let code = now.and_then(|to| to.error_code.as_deref());
    let failure = || Some(hints::failure(code, now.and_then(|to| to.error_message.as_deref())));
    match (topic, now.map(|to| Status::new(&to.status).phase())) {
        (Topic::StillFailed | Topic::SilenceEnded, Some(Phase::InProgress)) => Some(&hints::STUCK),
        (Topic::StillFailed | Topic::SilenceEnded, Some(Phase::Unrecognised)) => Some(&hints::UNRECOGNISED),
        (Topic::Failed | Topic::SilenceEnded | Topic::StillFailed | Topic::AlreadyFailing, _) => failure(),
        (Topic::Settled, _) if code.is_some() => failure(),
        (Topic::Flapping, _) => Some(&hints::FLAPPING),
        (Topic::Stuck, _) => Some(&hints::STUCK),
        (Topic::Unrecognised, _) => Some(&hints::UNRECOGNISED),
        _ => None,
    }
}

fn group<'a>(
    topic: Topic,
    code: Option<&'a str>,
    hint: Option<&'static Hint>,
    by_shape: Vec<Vec<Notice<'a>>>,
) -> Group<'a> {
    let message = most_frequent(&by_shape);
    let notices = by_shape.concat();
    let mut by_account: BTreeMap<AccountId, Entry<'a>> = BTreeMap::new();
    for (pack, notice) in &notices {
        let since = since(topic, notice);
        match by_account.entry(notice.account_id) {
            Slot::Vacant(slot) => {
                let (account, change) = (notice.account_id, change(notice));
                slot.insert(Entry { account, notice, change, since, packs: vec![pack] });
            }
            Slot::Occupied(mut slot) => {
                let entry = slot.get_mut();
                entry.since = [entry.since, since].into_iter().flatten().min();
                entry.packs.push(pack);
            }
        }
    }
    let mut entries: Vec<Entry<'a>> = by_account.into_values().collect();
    entries.sort_by_key(|entry| (entry.since.unwrap_or(Timestamp::MAX), entry.account));
    let accounts = entries.len();
    let common = entries.first().map(|first| first.change.clone());
    let common = common.filter(|change| entries.iter().all(|entry| entry.change == *change));
    entries.truncate(LISTED);
    let mut packs: Vec<_> =
        notices.iter().map(|(pack, _)| (&pack.region, &pack.organization_conformance_pack_name)).collect();
    packs.sort();
    packs.dedup();
    Group {
        code,
        message,
        hint,
        accounts,
        packs: packs.len(),
        changes: notices.len(),
        change: common,
        entries,
    }
}

/// The most frequent message; of those that differ in ids alone, the first.
fn most_frequent<'a>(by_shape: &[Vec<Notice<'a>>]) -> Option<Message<'a>> {
    let with_message = || by_shape.iter().filter(|notices| notices.first().and_then(message).is_some());
    let notices = with_message().max_by_key(|notices| notices.len())?;
    let text = notices.first().and_then(message)?;
    let is_example = notices.iter().any(|notice| message(notice) != Some(text));
    Some(Message { text, is_example, of: with_message().count() })
}

/// Since when: of the failure, else of the status.
fn since(topic: Topic, notice: &TransitionNotice) -> Option<Timestamp> {
    let updated = notice.to.as_ref().and_then(|to| to.last_update_time);
    match topic {
        // A status that has only now begun says nothing about how long it lasts.
        Topic::Joined | Topic::Left => None,
        Topic::Stuck => updated,
        Topic::Settled if notice.severity() == Severity::Resolved => updated,
        _ => notice.failing_since.or(updated),
    }
}
