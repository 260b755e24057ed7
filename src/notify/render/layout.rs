//! What every channel shows, in order: sections, worst first; in each, one group for each error code,
//! the largest first; in each, the accounts. One account that failed in twenty packs is one entry.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;

use jiff::Timestamp;

use super::topic::{Tally, Topic, tallies};
use super::words::change;
use crate::model::{AccountId, Phase, Status};
use crate::notify::hints::{self, Hint};
use crate::notify::{Notification, PackNotice, TransitionNotice};

/// Accounts that are named in a group, and groups in a section. `packwatch history` has the rest.
const LISTED: usize = 10;
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

/// Accounts with the same error code.
#[derive(Debug)]
pub(super) struct Group<'a> {
    pub(super) code: Option<&'a str>,
    /// The most frequent message, and how many different ones there are.
    pub(super) message: Option<&'a str>,
    pub(super) messages: usize,
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

fn section<'a>(notification: &'a Notification, tally: Tally<'a>) -> Section<'a> {
    let topic = tally.topic;
    let mut by_code: BTreeMap<Option<&str>, Vec<(&PackNotice, &TransitionNotice)>> = BTreeMap::new();
    for pack in notification.packs.iter().filter(|_| topic.lists_accounts()) {
        for notice in pack.transitions.iter().filter(|notice| Topic::of(pack, notice) == topic) {
            // What went wrong is known of what is the case now; a recovery leaves it behind.
            let code = notice.to.as_ref().and_then(|to| to.error_code.as_deref());
            by_code.entry(code).or_default().push((pack, notice));
        }
    }
    let mut groups: Vec<Group<'_>> =
        by_code.into_iter().map(|(code, notices)| group(topic, code, &notices)).collect();
    groups.sort_by_key(|group| std::cmp::Reverse((group.changes, group.accounts)));
    let hidden = groups.split_off(groups.len().min(GROUPS));
    let more_groups = (hidden.len(), hidden.iter().map(|group| group.accounts).sum());
    Section { tally, groups, more_groups }
}

fn group<'a>(
    topic: Topic,
    code: Option<&'a str>,
    notices: &[(&'a PackNotice, &'a TransitionNotice)],
) -> Group<'a> {
    let mut by_account: BTreeMap<AccountId, Entry<'a>> = BTreeMap::new();
    let mut messages: BTreeMap<&str, usize> = BTreeMap::new();
    for (pack, notice) in notices {
        if let Some(message) = notice.to.as_ref().and_then(|to| to.error_message.as_deref()) {
            *messages.entry(message).or_default() += 1;
        }
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
    let message = messages.iter().max_by_key(|(_, n)| **n).map(|(message, _)| *message);
    let phase =
        notices.first().and_then(|(_, notice)| notice.to.as_ref()).map(|to| Status::new(&to.status).phase());
    let hint = match topic {
        Topic::StillFailed | Topic::SilenceEnded if phase == Some(Phase::InProgress) => Some(&hints::STUCK),
        Topic::StillFailed | Topic::SilenceEnded if phase == Some(Phase::Unrecognised) => {
            Some(&hints::UNRECOGNISED)
        }
        Topic::Failed | Topic::SilenceEnded | Topic::StillFailed | Topic::AlreadyFailing => {
            Some(hints::failure(code, message))
        }
        Topic::Settled if code.is_some() => Some(hints::failure(code, message)),
        Topic::Flapping => Some(&hints::FLAPPING),
        Topic::Stuck => Some(&hints::STUCK),
        Topic::Unrecognised => Some(&hints::UNRECOGNISED),
        _ => None,
    };
    let mut packs: Vec<_> =
        notices.iter().map(|(pack, _)| (&pack.region, &pack.organization_conformance_pack_name)).collect();
    packs.sort();
    packs.dedup();
    Group {
        code,
        message,
        messages: messages.len(),
        hint,
        accounts,
        packs: packs.len(),
        changes: notices.len(),
        change: common,
        entries,
    }
}

/// Since when: of the failure, else of the status.
fn since(topic: Topic, notice: &TransitionNotice) -> Option<Timestamp> {
    let updated = notice.to.as_ref().and_then(|to| to.last_update_time);
    match topic {
        // A status that has only now begun says nothing about how long it lasts.
        Topic::Joined | Topic::Left => None,
        Topic::Stuck => updated,
        _ => notice.failing_since.or(updated),
    }
}
