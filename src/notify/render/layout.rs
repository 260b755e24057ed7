//! What every channel shows, in order: sections, worst first; in each, one group for each cause, the
//! largest first; in each, the accounts. One account that failed in twenty packs is one entry.

use std::collections::{BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};

use crate::model::AccountId;
use crate::model::text::shown;
use crate::notify::cause::{CauseKey, cause_key, hint};
use crate::notify::hints::Hint;
use crate::notify::{Cause, Notification, PackNotice, SectionNotice, TransitionNotice};
use crate::state::State;

/// Causes of a section, and accounts of a cause, that the messages name before anything else.
pub(super) const CAUSES: usize = 8;
pub(super) const ACCOUNTS: usize = 10;

/// Accounts whose names are asked for: each is a call, of which four go at once, and a digest waits five seconds.
const NAMES: usize = 100;

/// How far apart incidents of one account in several packs may begin to be one entry.
const TOGETHER: SignedDuration = SignedDuration::from_hours(1);

/// Longest status and error code that is shown beside one, in bytes: one that AWS did not document may be anything.
const LONGEST_STATUS: usize = 60;

/// One topic of the digest.
#[derive(Debug)]
pub(super) struct Section<'a> {
    pub(super) notice: &'a SectionNotice,
    pub(super) packs: Vec<&'a PackNotice>,
    /// The largest first; none where accounts are only counted.
    pub(super) groups: Vec<Group<'a>>,
}

/// Accounts with the same cause; all accounts, where a section has no causes.
#[derive(Debug)]
pub(super) struct Group<'a> {
    pub(super) accounts: u64,
    /// In how many packs.
    pub(super) packs: u64,
    pub(super) cause: Option<&'a Cause>,
    pub(super) hint: Option<&'static Hint>,
    /// Nothing before it in the digest has said the same.
    pub(super) is_first_of_hint: bool,
    /// The accounts that are named: those that are unhealthy for the longest first.
    pub(super) entries: Vec<Entry<'a>>,
}

/// One account, in all packs in which it changed alike.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    /// What happened in the first of its packs.
    pub(super) notice: &'a TransitionNotice,
    pub(super) change: String,
    /// Since when, in the last of its packs.
    pub(super) last_since: Option<Timestamp>,
    pub(super) packs: Vec<&'a PackNotice>,
}

impl Section<'_> {
    /// Whether the code of a group does not distinguish it from the section's others.
    pub(super) fn shares_code(&self, group: &Group<'_>) -> bool {
        let same_code = self.groups.iter().filter(|other| other.code() == group.code()).count();
        same_code > 1 || (group.code().is_none() && self.groups.len() > 1)
    }
}

impl Group<'_> {
    pub(super) fn code(&self) -> Option<&str> {
        self.cause?.state.error_code.as_deref()
    }

    pub(super) fn message(&self) -> Option<&str> {
        self.cause?.state.error_message.as_deref()
    }

    /// The change, where it is the same for all that are named.
    pub(super) fn change(&self) -> Option<&str> {
        let first = self.entries.first()?;
        let is_same = self.entries.iter().all(|entry| entry.change == first.change);
        Some(first.change.as_str()).filter(|_| is_same && self.entries.len() > 1)
    }
}

/// The sections of a digest, worst first.
pub(super) fn sections(notification: &Notification) -> Vec<Section<'_>> {
    let mut hints: Vec<&Hint> = Vec::new();
    let section = |notice| {
        let packs = packs_of(notification, notice);
        let is_listed = notice.topic.lists_accounts();
        let groups = if is_listed { groups(notice, &packs, &mut hints) } else { Vec::new() };
        Section { notice, packs, groups }
    };
    notification.sections.iter().map(section).collect()
}

/// The accounts whose names are asked for: those that the messages name first, then others that the mail lists.
pub fn named_accounts(notification: &Notification) -> Vec<AccountId> {
    let sections = sections(notification);
    let groups = sections.iter().flat_map(|section| section.groups.iter().take(CAUSES));
    let first = groups.flat_map(|group| group.entries.iter().take(ACCOUNTS));
    let all = sections.iter().flat_map(|section| &section.groups).flat_map(|group| &group.entries);
    let mut seen = BTreeSet::new();
    let accounts = first.chain(all).map(|entry| entry.notice.account_id).filter(|id| seen.insert(*id));
    accounts.take(NAMES).collect()
}

type Notice<'a> = (&'a PackNotice, &'a TransitionNotice);

fn groups<'a>(
    section: &'a SectionNotice,
    packs: &[&'a PackNotice],
    hints: &mut Vec<&'static Hint>,
) -> Vec<Group<'a>> {
    let topic = section.topic;
    let notices = packs.iter().flat_map(|pack| pack.transitions.iter().map(move |notice| (*pack, notice)));
    let notices = notices.filter(|(_, notice)| notice.section == Some(topic));
    if !topic.has_causes() {
        let SectionNotice { accounts, packs, .. } = *section;
        let entries = entries(notices.collect());
        return vec![Group { accounts, packs, cause: None, hint: None, is_first_of_hint: false, entries }];
    }
    let mut by_cause: HashMap<CauseKey<'a>, Vec<Notice<'a>>> = HashMap::new();
    for notice in notices {
        let Some(state) = notice.1.reported() else { continue };
        by_cause.entry(cause_key(topic, state)).or_default().push(notice);
    }
    let group = |(n, cause): (usize, &'a Cause)| {
        let hint = hint(topic, &cause.state).filter(|_| topic.is_explained());
        let is_first_of_hint = hint.is_some_and(|hint| !hints.contains(&hint));
        hints.extend(hint.filter(|_| n < CAUSES));
        let notices = by_cause.remove(&cause_key(topic, &cause.state)).unwrap_or_default();
        let Cause { accounts, packs, .. } = *cause;
        Group { accounts, packs, cause: Some(cause), hint, is_first_of_hint, entries: entries(notices) }
    };
    section.causes.iter().enumerate().map(group).collect()
}

/// One entry for each account, and one more for each pack in which it changed otherwise.
fn entries(mut notices: Vec<Notice<'_>>) -> Vec<Entry<'_>> {
    notices.sort_by_key(|(_, notice)| (notice.account_id, began(notice)));
    let mut entries: Vec<Entry<'_>> = Vec::new();
    for (pack, notice) in notices {
        let (change, last_since) = (change(notice), began(notice));
        let of_account =
            entries.iter_mut().rev().take_while(|entry| entry.notice.account_id == notice.account_id);
        let is_alike = |entry: &&mut Entry<'_>| entry.change == change && are_alike(entry.notice, notice);
        match of_account.into_iter().find(is_alike) {
            Some(entry) => {
                entry.last_since = last_since;
                entry.packs.push(pack);
            }
            None => entries.push(Entry { notice, change, last_since, packs: vec![pack] }),
        }
    }
    entries.sort_by_key(|entry| (began(entry.notice).unwrap_or(Timestamp::MAX), entry.notice.account_id));
    entries
}

/// Whether all that is said of one change is true of the other.
fn are_alike(a: &TransitionNotice, b: &TransitionNotice) -> bool {
    let of = |of: &TransitionNotice| {
        let code = of.reported().and_then(|state| state.error_code.clone());
        let is_known = (of.kind, of.flapping, of.silence_ended, of.incident_id.is_some());
        (is_known, code, of.earlier.clone(), is_all_the_time(of))
    };
    let are_together = match (began(a), began(b)) {
        (Some(a), Some(b)) => a.duration_since(b).abs() <= TOGETHER,
        (a, b) => a == b,
    };
    of(a) == of(b) && are_together
}

/// The packs that a section is about.
pub(super) fn packs_of<'a>(notification: &'a Notification, section: &SectionNotice) -> Vec<&'a PackNotice> {
    notification.packs.iter().filter(|pack| pack.sections.contains_key(&section.topic)).collect()
}

/// From what to what. A failure that takes the place of another names that one's code.
fn change(notice: &TransitionNotice) -> String {
    let status = |state: &State| shown(state.status.as_str(), LONGEST_STATUS);
    let code = |state: &Option<State>| state.as_ref().and_then(|state| state.error_code.clone());
    let before = code(&notice.from).filter(|before| code(&notice.to).is_some_and(|now| now != *before));
    let before = before.map(|code| format!(" ({})", shown(&code, LONGEST_STATUS))).unwrap_or_default();
    match (&notice.from, &notice.to) {
        (Some(from), Some(to)) if from.status == to.status && before.is_empty() => status(to),
        (Some(from), Some(to)) => format!("{}{before} -> {}", status(from), status(to)),
        (None, Some(to)) => status(to),
        (Some(from), None) => format!("was {}", status(from)),
        (None, None) => String::new(),
    }
}

/// When the incident began, or else the status.
pub(super) fn began(notice: &TransitionNotice) -> Option<Timestamp> {
    notice.failing_since.or(updated(notice))
}

/// Since when the account is in the state that is reported.
pub(super) fn updated(notice: &TransitionNotice) -> Option<Timestamp> {
    notice.reported().and_then(|state| state.last_update)
}

/// Whether the account was in the state that is reported since its incident began: to the minute, as times are shown.
pub(super) fn is_all_the_time(notice: &TransitionNotice) -> bool {
    let minute = |time: Timestamp| time.as_second().div_euclid(60);
    match (notice.failing_since, updated(notice)) {
        (Some(began), Some(updated)) => minute(updated) <= minute(began),
        _ => true,
    }
}
