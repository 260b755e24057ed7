//! The e-mail: plain text of 72 columns, in short lines that a narrow phone need not break.

use std::fmt::Write as _;

use super::layout::{Entry, Group, Section, sections};
use super::links::{console, history, regions};
use super::text::{
    account_state, earlier, how_many as how_many_of, left_out, more_accounts, more_causes, other_messages,
    other_shapes, packs, retry, several_causes, since, standing, wrapped,
};
use super::words::{headline, headline_within, minute, pack_in_region, shown, subject as how_many};
use crate::model::text::{ascii_within, counted, isolated};
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

/// Bytes of the sections: mail clients cut at about 100 kB, of a text that its encoding makes longer by a third.
const LONGEST_BODY: usize = 70_000;

/// Causes that a section explains, and accounts that it names: of each cause some. The rest is listed at the end.
const EXPLAINED: usize = 8;
const NAMED: usize = 10;
const NAMED_OF_CAUSE: usize = 3;

/// How much is listed: causes of a section, accounts of a cause, packs of an account or a section.
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

/// The sections, and as many as fit of the accounts, causes and packs that they leave out.
fn fullest(notification: &Notification, room: usize) -> String {
    let sections = sections(notification);
    let blocks = |form: Form| -> String {
        sections.iter().map(|section| format!("\n{}", block(notification, section, form))).collect()
    };
    let all = Form { causes: EXPLAINED, accounts: NAMED, packs: usize::MAX };
    let fewer = [20, 3].map(|packs| Form { packs, ..all });
    let least = Form { causes: 1, accounts: 1, packs: 1 };
    let forms = [all].into_iter().chain(fewer);
    let fitting = forms.map(|form| (form.packs, blocks(form))).find(|(_, text)| text.len() <= room);
    let (packs, text) = fitting.unwrap_or_else(|| (least.packs, blocks(least)));
    let room = room.saturating_sub(text.len());
    let groups = || sections.iter().flat_map(|section| &section.groups);
    let accounts = groups().map(|group| group.entries.len()).max().unwrap_or_default();
    let causes = sections.iter().map(|section| section.groups.len()).max().unwrap_or_default();
    let list = |causes, accounts| -> String {
        sections
            .iter()
            .map(|section| others(notification, section, Form { causes, accounts, packs }))
            .collect()
    };
    let fits = |list: &String| list.len() + OTHERS.len() <= room;
    let list = match most(accounts, |accounts| fits(&list(causes, accounts))) {
        Some(accounts @ 1..) => list(causes, accounts),
        _ => most(causes, |causes| fits(&list(causes, 1))).map_or_else(String::new, |causes| list(causes, 1)),
    };
    let title = if list.is_empty() { "" } else { OTHERS };
    format!("{text}{title}{list}")
}

/// What follows the sections.
const OTHERS: &str = "\nWHAT IS NOT NAMED ABOVE\n";

/// The accounts of a section that it does not name, and the causes that it does not explain.
fn others(notification: &Notification, section: &Section<'_>, form: Form) -> String {
    let mut text = String::new();
    for (n, group) in section.groups.iter().enumerate().take(form.causes) {
        let named = if n < EXPLAINED { named(section) } else { 0 };
        let entries = || group.entries.iter().skip(named).take(form.accounts);
        if entries().next().is_none() {
            continue;
        }
        let several = section.groups.len() > 1;
        let label = if several { format!(": {}", label(section, group)) } else { String::new() };
        text.push_str(&wrapped(&format!("\n{}{label}", section.notice.topic.verb()), ""));
        for entry in entries() {
            let place =
                (section.packs.len() > 1).then(|| format!(", {}", packs(notification, entry, form.packs)));
            text.push_str(&wrapped(&format!("{}{}", who(entry), place.unwrap_or_default()), "  "));
        }
        text.extend(more_accounts(group, named + form.accounts).map(|more| wrapped(&more, "  ")));
    }
    match more_causes(section, form.causes).filter(|_| form.causes > EXPLAINED && !text.is_empty()) {
        Some(more) => format!("{text}{}", wrapped(&format!("\n{more}"), "")),
        None => text,
    }
}

/// How many accounts of each cause a section names.
fn named(section: &Section<'_>) -> usize {
    (NAMED / section.groups.len().clamp(1, EXPLAINED)).max(NAMED_OF_CAUSE)
}

/// An account, with its name and state where they are known.
fn who(entry: &Entry<'_>) -> String {
    let name = entry.notice.account_name.as_deref();
    let name = name.map(|name| format!(" {}", isolated(&shown(name, LONGEST_NAME)))).unwrap_or_default();
    let state = account_state(entry).map(|state| format!(" ({state})")).unwrap_or_default();
    format!("{}{name}{state}", entry.account)
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
    text.extend(standing(notification, section).map(|standing| wrapped(&standing, "")));
    text.push_str(&counts(section, form));
    let named = named(section).min(form.accounts);
    for group in section.groups.iter().take(form.causes) {
        let cause = cause(notification, section, group);
        text.push_str(&cause);
        if !cause.is_empty() && !group.entries.is_empty() {
            text.push('\n');
        }
        for entry in group.entries.iter().take(named) {
            text.push_str(&account(notification, section, group, entry, form));
        }
        text.extend(more_accounts(group, named).map(|more| wrapped(&more, "  ")));
    }
    if let Some(more) = more_causes(section, form.causes).filter(|_| !section.counts_first()) {
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
    let line = |group: &Group<'_>| {
        wrapped(&format!("{}: {}", how_many_of(section, group), label(section, group)), "  ")
    };
    let more = more_causes(section, form.causes).map(|more| wrapped(&more, "  "));
    section.groups.iter().take(form.causes).map(line).chain(more).collect()
}

/// The error code, and what AWS Config says, where that distinguishes the cause from others.
fn label(section: &Section<'_>, group: &Group<'_>) -> String {
    let message = group.message.filter(|_| section.shares_code(group));
    let message = match message {
        Some(message) => {
            let text = shown(&alike(message.text), LONGEST_IN_COUNTS);
            format!(" \"{}\"{}", isolated(&text), other_shapes(&message))
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
fn cause(notification: &Notification, section: &Section<'_>, group: &Group<'_>) -> String {
    let mut text = String::new();
    let several = section.groups.len() > 1 || section.notice.more_causes > 0;
    let count = if several { format!("{}: ", how_many_of(section, group)) } else { String::new() };
    if group.code.is_some() || several {
        let silent =
            if section.shares_code(group) && group.message.is_none() { ", without a message" } else { "" };
        text.push_str(&wrapped(&format!("\n{count}{}{silent}", code(group)), ""));
    }
    if let Some(message) = &group.message {
        let quoted = isolated(&shown(message.text, LONGEST_MESSAGE));
        text.push_str(&wrapped(&format!("\"{quoted}\"{}", other_messages(message)), "  "));
    }
    if let Some(hint) = group.hint.filter(|_| group.is_first_of_hint) {
        text.push_str(&advice(hint, retry(notification, group)));
    }
    if let Some(change) = group.change() {
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
    let mut text = format!("  {}\n", who(entry));
    let packs = (section.packs.len() > 1).then(|| format!("in {}", packs(notification, entry, form.packs)));
    let change = Some(entry.change.clone()).filter(|change| !change.is_empty() && group.change().is_none());
    let since = since(notification, section.notice.topic, entry);
    for detail in [packs, change, since, earlier(entry)].into_iter().flatten() {
        text.push_str(&wrapped(&detail, "    "));
    }
    text
}
