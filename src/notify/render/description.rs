//! The chat's text, within a limit: sections, worst first; in each first what there is of each cause, then its accounts.

use super::layout::{Entry, Group, Section};
use super::text::{
    account_state, earlier, how_many, left_out, listed, more_accounts, more_causes, other_messages,
    other_shapes, packs, several_causes, since, standing,
};
use super::words::{minute, pack_in_region, shown, subject};
use crate::model::text::{counted, isolated, slack_code, slack_text};
use crate::notify::cause::alike;
use crate::notify::{Notification, Topic};

/// Amazon Q Developer cuts what is longer, wherever that is.
const LONGEST: usize = 2500;

/// Longest error code that is shown, or message in its place, error message, and name, in bytes.
const LONGEST_CODE: usize = 80;
const LONGEST_MESSAGE: usize = 200;
const LONGEST_NAME: usize = 50;

/// Packs in a list, and packs of one account.
const LISTED_PACKS: usize = 5;
const NAMED_PACKS: usize = 3;

/// Causes of a section.
const CAUSES: usize = 8;

/// How much of each section is shown.
#[derive(Clone, Copy)]
struct Form {
    causes: usize,
    accounts: usize,
    /// What AWS Config says, and what it means.
    explains: bool,
}

/// From the fullest to the shortest: a chat is read at a glance.
fn forms() -> impl Iterator<Item = Form> {
    let accounts = [(5, true), (3, true), (1, true), (3, false), (1, false)];
    let with_accounts = accounts.map(|(accounts, explains)| Form { causes: CAUSES, accounts, explains });
    let without = (0..=CAUSES).rev().map(|causes| Form { causes, accounts: 0, explains: false });
    with_accounts.into_iter().chain(without)
}

/// In the fullest form that fits. Each says what it leaves out.
pub(super) fn description(notification: &Notification, sections: &[Section<'_>]) -> String {
    let last = left_out(notification).map(|line| format!("_{}_\n", slack_text(&line))).unwrap_or_default();
    let footer =
        format!("_Read from AWS Config at {}_\n{last}", minute(notification, notification.observed_at));
    let mut shortest = String::new();
    for form in forms() {
        let blocks: Vec<String> = sections.iter().map(|section| block(notification, section, form)).collect();
        shortest = format!("{}{footer}", blocks.join(if form.accounts > 0 { "\n" } else { "" }));
        if shortest.trim_end().len() <= LONGEST {
            break;
        }
    }
    shortest.truncate(shortest.floor_char_boundary(LONGEST));
    shortest.trim_end().to_owned()
}

fn code(code: &str) -> String {
    slack_code(&shown(code, LONGEST_CODE))
}

fn block(notification: &Notification, section: &Section<'_>, form: Form) -> String {
    let topic = section.notice.topic;
    if topic.is_of_packs() {
        let verb = if topic == Topic::Baseline { "Now watching" } else { "Deleted" };
        let most = if form.causes > 0 { LISTED_PACKS } else { 0 };
        let named = section.packs.iter().take(most).map(|pack| pack_in_region(pack)).collect::<Vec<_>>();
        let packs = match named.is_empty() {
            true => counted(section.notice.packs, "pack"),
            false => listed(named, section.packs.len()),
        };
        return format!("*{verb}:* {packs}, {}\n", counted(section.notice.accounts, "account"));
    }
    let mut text = format!("*{} {}*", subject(section.notice), topic.verb());
    match section.packs.as_slice() {
        [pack] if notification.packs.len() > 1 && form.causes > 0 => {
            text.push_str(&format!(" in {}", pack_in_region(pack)));
        }
        _ if section.notice.packs > 1 => text.push_str(&format!(" in {} packs", section.notice.packs)),
        _ => {}
    }
    let standing = standing(notification, section).filter(|_| form.causes > 0);
    let standing = standing.map(|standing| format!("{standing}\n")).unwrap_or_default();
    let (shown, hidden) = (form.causes.min(section.groups.len()), more_causes(section, form.causes));
    if let ([group], None) = (section.groups.as_slice(), &hidden) {
        text.extend(group.code.map(|text| format!(": {}", code(text))));
        text.push_str(&format!("\n{standing}{}", details(notification, section, group, form)));
        return text;
    }
    text.push_str(&format!("\n{standing}"));
    let groups = || section.groups.iter().take(shown);
    let hidden = hidden.map(|hidden| format!("• {hidden}\n")).unwrap_or_default();
    if section.counts_first() || form.accounts == 0 {
        let line = |group| format!("• {}: {}\n", how_many(section, group), label(section, group));
        text.extend(groups().map(line));
        text.push_str(&hidden);
    }
    if form.accounts > 0 {
        for group in groups() {
            let label = if form.explains { label_of_code(group) } else { label(section, group) };
            text.push_str(&format!("\n*{}*: {label}\n", how_many(section, group)));
            text.push_str(&details(notification, section, group, form));
        }
        if !section.counts_first() {
            text.push_str(&hidden);
        }
    }
    text.extend(several_causes(section).map(|several| format!("{several}\n")));
    text
}

fn label_of_code(group: &Group<'_>) -> String {
    let without = if group.message.is_none() { ", without a message" } else { "" };
    group.code.map_or_else(|| format!("no error code{without}"), code)
}

/// The error code, and what AWS Config says, where that distinguishes the cause from others.
fn label(section: &Section<'_>, group: &Group<'_>) -> String {
    let known_as = group.code.map_or_else(|| "no error code".to_owned(), code);
    match group.message.filter(|_| section.shares_code(group)) {
        Some(message) => format!("{known_as} {}{}", code(&alike(message.text)), other_shapes(&message)),
        None if section.shares_code(group) => format!("{known_as}, without a message"),
        None => known_as,
    }
}

/// What a cause means, and its accounts.
fn details(notification: &Notification, section: &Section<'_>, group: &Group<'_>, form: Form) -> String {
    let mut text = String::new();
    if let Some(hint) = group.hint.filter(|_| form.explains && group.is_first_of_hint) {
        text.push_str(&format!("{}\n", slack_text(hint.means)));
    }
    if let Some(message) = group.message.filter(|_| form.explains) {
        let quoted = slack_code(&shown(message.text, LONGEST_MESSAGE));
        text.push_str(&format!("> {quoted}{}\n", other_messages(&message)));
    }
    let common = group.change().filter(|_| form.accounts > 0);
    text.extend(common.map(|change| format!("{}\n", statuses(change))));
    let entries = group.entries.iter().take(form.accounts);
    text.extend(entries.map(|entry| line(notification, section, group, entry)));
    text.extend(more_accounts(group, form.accounts).map(|more| format!("   {more}\n")));
    text
}

fn line(notification: &Notification, section: &Section<'_>, group: &Group<'_>, entry: &Entry<'_>) -> String {
    let name = entry.notice.account_name.as_deref();
    let name = name
        .map(|name| format!(" {}", isolated(&slack_code(&shown(name, LONGEST_NAME)))))
        .unwrap_or_default();
    let state = account_state(entry).map(|state| format!(" ({state})")).unwrap_or_default();
    let since = since(notification, section.notice.topic, entry);
    let packs = (section.packs.len() > 1).then(|| format!("in {}", packs(notification, entry, NAMED_PACKS)));
    let change =
        group.change().is_none().then(|| statuses(&entry.change)).filter(|change| !change.is_empty());
    let details = [change, since, earlier(entry), packs].into_iter().flatten().collect::<Vec<_>>().join(", ");
    let separator = if details.is_empty() { "" } else { ": " };
    format!("• *{}*{name}{state}{separator}{details}\n", entry.account)
}

/// From what to what. A status that AWS did not document is anybody's text, so it is shown as code.
fn statuses(change: &str) -> String {
    let documented = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '>' | ' ' | '(' | ')');
    if change.chars().all(documented) { slack_text(change) } else { slack_code(change) }
}
