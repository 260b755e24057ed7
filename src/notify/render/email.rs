//! The e-mail: plain text of 72 columns, in short lines that a narrow phone need not break.

use std::fmt::Write as _;

use super::layout::{Entry, Group, Section, sections};
use super::links::{console, history, regions};
use super::text::{
    account_state, earlier, how_many as how_many_of, left_out, more_accounts, more_causes, other_messages,
    packs, retry, several_causes, since, standing, wrapped,
};
use super::words::{counted, headline, headline_within, minute, pack_in_region, shown, subject as how_many};
use crate::model::text::{ascii_within, isolated};
use crate::notify::cause::alike;
use crate::notify::hints::{self, Hint};
use crate::notify::{Notification, PackNotice, Topic};

/// SNS: fewer than 100 characters.
const LONGEST_SUBJECT: usize = 99;

/// The product, for filters and for those who get much mail.
const SUBJECT_TAG: &str = "[packwatch] ";

/// Longest error message, error code and name that are shown, in bytes. The JSON body has more of them.
const LONGEST_MESSAGE: usize = 300;
const LONGEST_CODE: usize = 120;
const LONGEST_IN_COUNTS: usize = 80;
const LONGEST_NAME: usize = 50;

/// Causes that are counted before they are explained.
const COUNTED_FIRST: usize = 8;

/// Bytes of the sections: mail clients cut at about 100 kB, of a text that its encoding makes longer by a third.
const LONGEST_BODY: usize = 70_000;

/// How much is named: causes of a section, accounts of a cause, packs of a list.
#[derive(Clone, Copy)]
struct Form {
    causes: usize,
    accounts: usize,
    packs: usize,
}

/// The subject, worst first, with the pack or the number of packs in it.
pub fn subject(notification: &Notification) -> String {
    let room = LONGEST_SUBJECT - SUBJECT_TAG.len();
    format!("{SUBJECT_TAG}{}", ascii_within(&headline_within(notification, room, None), room))
}

/// The body.
pub fn email(notification: &Notification) -> String {
    let mut text = wrapped(&headline(notification), "");
    text.push_str(&fullest(notification, LONGEST_BODY.saturating_sub(text.len())));
    text.push_str("\n--\n");
    for region in regions(notification).into_iter().take(3) {
        if let Some(address) = console(region) {
            let _ = writeln!(text, "AWS Config in {region}:\n{address}");
        }
    }
    let _ = writeln!(text, "All changes:\n{}", history(notification));
    let _ = writeln!(text, "Read from AWS Config at {}.", minute(notification, notification.observed_at));
    if let Some(left_out) = left_out(notification) {
        text.push_str(&wrapped(&left_out, ""));
    }
    text
}

/// All causes, accounts and packs, as far as there is room: then as many accounts of each cause as fit, then as many causes.
fn fullest(notification: &Notification, room: usize) -> String {
    let sections = sections(notification);
    let text = |form: Form| -> String {
        sections.iter().map(|section| format!("\n{}", block(notification, section, form))).collect()
    };
    let groups = || sections.iter().flat_map(|section| &section.groups);
    let accounts = groups().map(|group| group.entries.len()).max().unwrap_or_default();
    let causes = sections.iter().map(|section| section.groups.len()).max().unwrap_or_default();
    let all = Form { causes, accounts, packs: usize::MAX };
    let by_accounts = |packs| most(accounts, |accounts| text(Form { accounts, packs, ..all }).len() <= room);
    for packs in [usize::MAX, 10] {
        if let Some(accounts @ 1..) = by_accounts(packs) {
            return text(Form { accounts, packs, ..all });
        }
    }
    for accounts in [1, 0] {
        let form = |causes| Form { causes, accounts, packs: 3 };
        if let Some(causes) = most(causes, |causes| text(form(causes)).len() <= room) {
            return text(form(causes));
        }
    }
    text(Form { causes: 0, accounts: 0, packs: 0 })
}

/// The largest number up to `most` that fits, where each that is smaller does, too.
fn most(most: usize, fits: impl Fn(usize) -> bool) -> Option<usize> {
    if fits(most) {
        return Some(most);
    }
    let (mut fitting, mut too_many) = (0, most);
    while fitting + 1 < too_many {
        let next = fitting.midpoint(too_many);
        if fits(next) { fitting = next } else { too_many = next }
    }
    fits(fitting).then_some(fitting)
}

fn block(notification: &Notification, section: &Section<'_>, form: Form) -> String {
    let topic = section.notice.topic;
    let title = topic.verb().to_uppercase();
    if topic.is_of_packs() {
        let mut text = format!("{title}: {}\n", counted(section.notice.packs, "pack"));
        text.push_str(&per_pack(&section.packs, form, |pack| pack.accounts));
        if topic == Topic::PackDeleted {
            text.push_str(&advice(&hints::PACK_DELETED, None));
        }
        return text;
    }
    let place = match section.packs.as_slice() {
        [pack] if notification.packs.len() > 1 => format!(" in {}", pack_in_region(pack)),
        _ if section.notice.packs > 1 => format!(" in {} packs", section.notice.packs),
        _ => String::new(),
    };
    let mut text = wrapped(&format!("{title}: {}{place}", how_many(section.notice)), "");
    if !topic.lists_accounts() {
        // That accounts go on is no news of any one of them.
        if section.packs.len() > 1 {
            let about = |pack: &PackNotice| pack.sections.get(&topic).copied().unwrap_or_default();
            text.push_str(&per_pack(&section.packs, form, about));
        }
        return text;
    }
    text.extend(standing(notification, section).map(|standing| wrapped(&standing, "  ")));
    text.push_str(&counts(section, form));
    for group in section.groups.iter().take(form.causes) {
        text.push_str(&cause(notification, section, group, form));
        let is_explained = group.code.is_some() || group.message.is_some() || group.hint.is_some();
        if is_explained && form.accounts > 0 && !group.entries.is_empty() {
            text.push('\n');
        }
        for entry in group.entries.iter().take(form.accounts) {
            text.push_str(&account(notification, section, group, entry, form));
        }
        text.extend(more_accounts(group, form.accounts).map(|more| wrapped(&more, "  ")));
    }
    if let Some(more) = more_causes(section, form.causes) {
        text.push_str(&wrapped(&format!("\n{more}"), ""));
    }
    text.extend(several_causes(section).map(|several| wrapped(&several, "")));
    text
}

/// How many accounts the largest causes have, before any is explained.
fn counts(section: &Section<'_>, form: Form) -> String {
    if !section.counts_first() {
        return String::new();
    }
    let shown = form.causes.min(COUNTED_FIRST);
    let line = |group: &Group<'_>| {
        wrapped(&format!("{}: {}", how_many_of(section, group), label(section, group)), "  ")
    };
    let more = more_causes(section, shown).map(|more| wrapped(&more, "  "));
    section.groups.iter().take(shown).map(line).chain(more).collect()
}

/// The error code, and what AWS Config says, where that distinguishes the cause from others.
fn label(section: &Section<'_>, group: &Group<'_>) -> String {
    let message = group.message.filter(|_| section.shares_code(group));
    let message = match message {
        Some(message) => {
            let text = shown(&alike(message.text), LONGEST_IN_COUNTS);
            format!(" \"{}\"", isolated(&text))
        }
        None if section.shares_code(group) => ", without a message".to_owned(),
        None => String::new(),
    };
    format!("{}{message}", code(group))
}

fn code(group: &Group<'_>) -> String {
    group.code.map_or_else(|| "no error code".to_owned(), |code| shown(code, LONGEST_CODE))
}

/// A line for each pack, as far as they are not too many.
fn per_pack(packs: &[&PackNotice], form: Form, accounts: impl Fn(&PackNotice) -> u64) -> String {
    let line = |pack: &&PackNotice| {
        wrapped(&format!("{}: {}", pack_in_region(pack), counted(accounts(pack), "account")), "  ")
    };
    let mut text: String = packs.iter().take(form.packs).map(line).collect();
    if let more @ 1.. = packs.len().saturating_sub(form.packs) {
        let _ = writeln!(text, "  and {}", counted(more as u64, "more pack"));
    }
    text
}

/// Why, what it means and what to do.
fn cause(notification: &Notification, section: &Section<'_>, group: &Group<'_>, form: Form) -> String {
    let mut text = String::new();
    let several = section.groups.len() > 1 || section.notice.more_causes > 0;
    let count = if several { format!("{}: ", how_many_of(section, group)) } else { String::new() };
    if group.code.is_some() || several {
        let silent = if section.shares_code(group) && group.message.is_none() { ", without a message" } else { "" };
        text.push_str(&wrapped(&format!("\n{count}{}{silent}", code(group)), ""));
    }
    if let Some(message) = &group.message {
        let quoted = isolated(&shown(message.text, LONGEST_MESSAGE));
        text.push_str(&wrapped(&format!("\"{quoted}\"{}", other_messages(message)), "  "));
    }
    if let Some(hint) = group.hint.filter(|_| group.is_first_of_hint) {
        text.push_str(&advice(hint, retry(notification, group)));
    }
    if let Some(change) = group.change().filter(|_| form.accounts > 0) {
        text.push_str(&wrapped(change, "  "));
    }
    text
}

fn advice(hint: &Hint, retry: Option<String>) -> String {
    let mut text = wrapped(hint.means, "  ");
    text.push_str(&wrapped(&format!("To do: {}", hint.todo), "  "));
    text.extend(retry.map(|retry| wrapped(&retry, "  ")));
    text.push_str(&wrapped(&format!("See \"{}\":", hint.source.title), "  "));
    let _ = writeln!(text, "  {}", hint.source.url);
    text
}

fn account(
    notification: &Notification,
    section: &Section<'_>,
    group: &Group<'_>,
    entry: &Entry<'_>,
    form: Form,
) -> String {
    let mut text = format!("  {}", entry.account);
    if let Some(name) = &entry.notice.account_name {
        let _ = write!(text, " {}", isolated(&shown(name, LONGEST_NAME)));
    }
    if let Some(state) = account_state(entry) {
        let _ = write!(text, " ({state})");
    }
    text.push('\n');
    let packs = (section.packs.len() > 1).then(|| format!("in {}", packs(notification, entry, form.packs)));
    let change = Some(entry.change.clone()).filter(|change| !change.is_empty() && group.change().is_none());
    let since = since(notification, section.notice.topic, entry);
    for detail in [packs, change, since, earlier(entry)].into_iter().flatten() {
        text.push_str(&wrapped(&detail, "    "));
    }
    text
}
