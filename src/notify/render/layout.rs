//! What every channel shows, in order: sections, worst first; in each, one group for each cause, the
//! largest first; in each, the accounts. One account that failed in twenty packs is one entry.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};

use super::words::{change, packs_of};
use crate::model::AccountId;
use crate::notify::cause::hint_of;
use crate::notify::hints::Hint;
use crate::notify::{Cause, CauseKey, Notification, PackNotice, SectionNotice, TransitionNotice};

/// Causes of a section, and accounts of a cause, whose names are asked for.
const GROUPS: usize = 8;
const LISTED: usize = 10;

/// Accounts that one sees at once.
const FEW: u64 = 10;

/// How far apart incidents of one account in several packs may begin to be one entry.
const TOGETHER: SignedDuration = SignedDuration::from_hours(1);

/// One topic of the digest.
#[derive(Debug)]
pub(super) struct Section<'a> {
    pub(super) notice: &'a SectionNotice,
    pub(super) packs: Vec<&'a PackNotice>,
    /// A worse section has none of these packs.
    pub(super) is_first_of_packs: bool,
    /// The largest first; none where accounts are only counted.
    pub(super) groups: Vec<Group<'a>>,
}

/// Accounts with the same cause; all accounts, where a section has no causes.
#[derive(Debug)]
pub(super) struct Group<'a> {
    pub(super) code: Option<&'a str>,
    pub(super) message: Option<Message<'a>>,
    pub(super) hint: Option<&'static Hint>,
    /// No group before it has said the same.
    pub(super) is_first_of_hint: bool,
    /// How many accounts, and in how many packs.
    pub(super) accounts: u64,
    pub(super) packs: u64,
    /// The accounts that are named: those that are unhealthy for the longest first.
    pub(super) entries: Vec<Entry<'a>>,
}

/// What AWS Config says about a cause.
#[derive(Debug, Clone, Copy)]
pub(super) struct Message<'a> {
    pub(super) text: &'a str,
    /// Whether others say the same with other ids.
    pub(super) is_example: bool,
    /// How many different ones there are, apart from ids.
    pub(super) of: u64,
}

/// One account, in all packs in which it changed alike.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub(super) account: AccountId,
    pub(super) notice: &'a TransitionNotice,
    pub(super) change: String,
    /// Since when, in the first of its packs and in the last one.
    pub(super) since: Option<Timestamp>,
    pub(super) last_since: Option<Timestamp>,
    pub(super) packs: Vec<&'a PackNotice>,
}

impl Section<'_> {
    /// Whether its causes are counted before any of them is explained: in a short one they are seen at once.
    pub(super) fn counts_first(&self) -> bool {
        self.groups.len() > 1 && self.notice.accounts > FEW
    }

    /// How many causes and accounts are left out when so many groups are shown.
    pub(super) fn hidden(&self, shown: usize) -> (u64, u64) {
        let hidden = self.groups.iter().skip(shown);
        let SectionNotice { more_causes, accounts_of_more_causes, .. } = self.notice;
        hidden.fold((*more_causes, *accounts_of_more_causes), |(causes, accounts), group| {
            (causes + 1, accounts + group.accounts)
        })
    }

    /// Whether the code of a group does not distinguish it from the section's others.
    pub(super) fn shares_code(&self, group: &Group<'_>) -> bool {
        let same_code = self.groups.iter().filter(|other| other.code == group.code).count();
        same_code > 1 || (group.code.is_none() && self.groups.len() > 1)
    }
}

impl Group<'_> {
    /// How many accounts are not named when so many entries are shown.
    pub(super) fn more(&self, shown: usize) -> u64 {
        let named: BTreeSet<AccountId> = self.entries.iter().take(shown).map(|entry| entry.account).collect();
        self.accounts.saturating_sub(named.len() as u64)
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
    let mut met: Vec<&PackNotice> = Vec::new();
    let section = |notice| {
        let packs = packs_of(notification, notice);
        let is_first_of_packs = !packs.iter().any(|pack| met.iter().any(|other| std::ptr::eq(*other, *pack)));
        met.extend(&packs);
        let groups = if notice.topic.lists_accounts() { groups(notice, &packs) } else { Vec::new() };
        Section { notice, packs, is_first_of_packs, groups }
    };
    notification.sections.iter().map(section).collect()
}

/// The accounts that the messages name first, so that only their names need be asked for.
pub fn named_accounts(notification: &Notification) -> Vec<AccountId> {
    let sections = sections(notification);
    let groups = sections.iter().flat_map(|section| section.groups.iter().take(GROUPS));
    let entries = groups.flat_map(|group| group.entries.iter().take(LISTED));
    let mut accounts: Vec<AccountId> = entries.map(|entry| entry.account).collect();
    accounts.sort();
    accounts.dedup();
    accounts
}

type Notice<'a> = (&'a PackNotice, &'a TransitionNotice);

fn groups<'a>(section: &'a SectionNotice, packs: &[&'a PackNotice]) -> Vec<Group<'a>> {
    let topic = section.topic;
    let of_pack = |pack: &&'a PackNotice| {
        let pack: &'a PackNotice = pack;
        pack.transitions
            .iter()
            .filter(move |notice| notice.section == Some(topic))
            .map(move |notice| (pack, notice))
    };
    let notices: Vec<Notice<'a>> = packs.iter().flat_map(of_pack).collect();
    if !topic.has_causes() {
        let SectionNotice { accounts, packs, .. } = *section;
        let entries = entries(&notices);
        return vec![Group {
            code: None,
            message: None,
            hint: None,
            is_first_of_hint: false,
            accounts,
            packs,
            entries,
        }];
    }
    let mut by_cause: HashMap<CauseKey<'a>, Vec<Notice<'a>>> = HashMap::new();
    for notice in notices {
        let Some(state) = notice.1.reported() else { continue };
        by_cause.entry(CauseKey::of_state(topic, state)).or_default().push(notice);
    }
    let mut hints: Vec<Option<&Hint>> = Vec::new();
    let group = |cause: &'a Cause| {
        let hint = hint_of(topic, cause).filter(|_| topic.is_explained());
        let is_first_of_hint = !hints.contains(&hint);
        hints.push(hint);
        let message = |text| Message { text, is_example: cause.varies, of: cause.messages };
        Group {
            code: cause.error_code.as_deref(),
            message: cause.error_message.as_deref().map(message),
            hint,
            is_first_of_hint,
            accounts: cause.accounts,
            packs: cause.packs,
            entries: by_cause
                .get(&CauseKey::of_cause(topic, cause))
                .map_or_else(Vec::new, |notices| entries(notices)),
        }
    };
    section.causes.iter().map(group).collect()
}

/// One entry for each account, and one more for each pack in which it changed otherwise.
fn entries<'a>(notices: &[Notice<'a>]) -> Vec<Entry<'a>> {
    let mut by_account: BTreeMap<AccountId, Vec<Notice<'a>>> = BTreeMap::new();
    for notice in notices {
        by_account.entry(notice.1.account_id).or_default().push(*notice);
    }
    let mut entries: Vec<Entry<'a>> = Vec::new();
    for (account, mut notices) in by_account {
        notices.sort_by_key(|(_, notice)| began(notice));
        let mut of_account: Vec<Entry<'a>> = Vec::new();
        for (pack, notice) in notices {
            let (change, since) = (change(notice), began(notice));
            let is_alike = |entry: &&mut Entry<'_>| entry.change == change && are_alike(entry.notice, notice);
            match of_account.iter_mut().find(is_alike) {
                Some(entry) => {
                    entry.last_since = since;
                    entry.packs.push(pack);
                }
                None => {
                    let packs = vec![pack];
                    of_account.push(Entry { account, notice, change, since, last_since: since, packs });
                }
            }
        }
        entries.append(&mut of_account);
    }
    entries.sort_by_key(|entry| (entry.since.unwrap_or(Timestamp::MAX), entry.account));
    entries
}

/// Whether all that is said of one change is true of the other.
fn are_alike(a: &TransitionNotice, b: &TransitionNotice) -> bool {
    let of = |notice: &TransitionNotice| {
        let TransitionNotice { kind, flapping, silence_ended, incident_id, .. } = notice;
        let code = notice.reported().and_then(|state| state.error_code.clone());
        (
            *kind,
            *flapping,
            *silence_ended,
            incident_id.is_some(),
            code,
            notice.earlier.clone(),
            is_all_the_time(notice),
        )
    };
    let are_together = match (began(a), began(b)) {
        (Some(a), Some(b)) => a.duration_since(b).abs() <= TOGETHER,
        (a, b) => a == b,
    };
    of(a) == of(b) && are_together
}

/// When the incident began, or else the status.
fn began(notice: &TransitionNotice) -> Option<Timestamp> {
    notice.failing_since.or(updated(notice))
}

/// Since when the account is in the state that is reported.
pub(super) fn updated(notice: &TransitionNotice) -> Option<Timestamp> {
    notice.reported().and_then(|state| state.last_update_time)
}

/// Whether the account was in the state that is reported since its incident began: to the minute, as times are shown.
pub(super) fn is_all_the_time(notice: &TransitionNotice) -> bool {
    let minute = |time: Timestamp| time.as_second().div_euclid(60);
    match (notice.failing_since, updated(notice)) {
        (Some(began), Some(updated)) => minute(updated) <= minute(began),
        _ => true,
    }
}
