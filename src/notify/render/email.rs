//! The e-mail: plain text of 72 columns, in short lines that a narrow phone need not break.

use std::fmt::Write as _;

use super::layout::{Entry, Group, Section, sections};
use super::links::{console, history, regions};
use super::text::{account_state, how_many as how_many_of, left_out, packs, retry, since, wrapped};
use super::topic::Topic;
use super::words::{counted, headline, headline_within, minute, pack_in_region, subject as how_many};
use crate::model::text::{ascii_within, bounded, isolated, plain};
use crate::notify::hints::{self, Hint};
use crate::notify::{Notification, PackNotice};

/// SNS: fewer than 100 characters.
const LONGEST_SUBJECT: usize = 99;

/// Longest error message that is shown, in bytes. The JSON body has more of it.
const LONGEST_MESSAGE: usize = 300;

/// Packs of which progress is told one by one.
const LISTED_PACKS: usize = 5;

/// The subject, worst first, with the pack or the number of packs in it.
pub fn subject(notification: &Notification) -> String {
    ascii_within(&headline_within(notification, LONGEST_SUBJECT, None), LONGEST_SUBJECT)
}

/// The body.
pub fn email(notification: &Notification) -> String {
    let mut text = wrapped(&headline(notification), "");
    for section in &sections(notification) {
        text.push('\n');
        text.push_str(&block(notification, section));
    }
    text.push_str("\n--\n");
    for region in regions(notification).into_iter().take(3) {
        if let Some(address) = console(region) {
            let _ = writeln!(text, "AWS Config in {region}:\n{address}");
        }
    }
    let _ = writeln!(text, "Every change, with the stack's table for TABLE:\n{}", history(notification));
    let _ = writeln!(text, "Read from AWS Config at {}.", minute(notification.observed_at));
    let _ = writeln!(text, "Message {}.", notification.id);
    if let Some(left_out) = left_out(notification) {
        text.push_str(&wrapped(&left_out, ""));
    }
    text
}

fn block(notification: &Notification, section: &Section<'_>) -> String {
    let tally = &section.tally;
    let title = match tally.topic {
        Topic::Watched => "NOW WATCHED".to_owned(),
        topic => topic.verb().to_uppercase(),
    };
    if tally.topic.is_of_packs() {
        let pack = |pack: &&PackNotice| {
            let accounts = counted(pack.accounts, "account");
            wrapped(&format!("{}: {accounts}", pack_in_region(pack)), "  ")
        };
        let mut text = format!("{title}\n{}", tally.packs.iter().map(pack).collect::<String>());
        if tally.topic == Topic::PackDeleted {
            text.push_str(&advice(&hints::PACK_DELETED, None));
        }
        return text;
    }
    if section.groups.is_empty() {
        return progress(&title, section);
    }
    let place = match tally.packs.as_slice() {
        [pack] if notification.packs.len() > 1 => format!(" in {}", pack_in_region(pack)),
        [] | [_] => String::new(),
        packs => format!(" in {} packs", packs.len()),
    };
    let mut text = wrapped(&format!("{title}: {}{place}", how_many(tally)), "");
    for group in &section.groups {
        text.push_str(&cause(notification, section, group));
        if group.code.is_some() || group.message.is_some() || group.hint.is_some() {
            text.push('\n');
        }
        for entry in &group.entries {
            text.push_str(&account(notification, section, group, entry));
        }
        match group.more(group.entries.len()) {
            0 => {}
            more => drop(writeln!(text, "  and {} more", counted(more as u64, "account"))),
        }
    }
    if let (groups @ 1.., accounts) = section.more_groups {
        let (groups, accounts) =
            (counted(groups as u64, "other error code"), counted(accounts as u64, "account"));
        let _ = writeln!(text, "\nand {groups} in {accounts}");
    }
    text
}

/// Counts only: that accounts go on is no news of any one of them.
fn progress(title: &str, section: &Section<'_>) -> String {
    let tally = &section.tally;
    let mut text = format!("{title}: {}\n", how_many(tally));
    if tally.packs.len() > 1 {
        for pack in tally.packs.iter().take(LISTED_PACKS) {
            let about = pack.transitions.iter().filter(|notice| Topic::of(pack, notice) == tally.topic);
            let accounts = counted(about.count() as u64, "account");
            text.push_str(&wrapped(&format!("{}: {accounts}", pack_in_region(pack)), "  "));
        }
        if let more @ 1.. = tally.packs.len().saturating_sub(LISTED_PACKS) {
            let _ = writeln!(text, "  and {}", counted(more as u64, "more pack"));
        }
    }
    text
}

/// Why, what it means and what to do.
fn cause(notification: &Notification, section: &Section<'_>, group: &Group<'_>) -> String {
    let mut text = String::new();
    let several = section.groups.len() > 1;
    let count = format!("{}: ", how_many_of(section, group));
    let count = if several { count } else { String::new() };
    match group.code {
        Some(code) => text.push_str(&wrapped(&format!("\n{count}{code}"), "")),
        None if several => text.push_str(&wrapped(&format!("\n{count}no error code"), "")),
        None => {}
    }
    if let Some(message) = group.message {
        let others = match group.messages {
            0 | 1 => String::new(),
            n => format!(" (the most frequent of {n} messages)"),
        };
        let message = bounded(message.to_owned(), LONGEST_MESSAGE);
        text.push_str(&wrapped(&format!("\"{}\"{others}", isolated(&message)), "  "));
    }
    if let Some(hint) = group.hint {
        text.push_str(&advice(hint, retry(notification, group)));
    }
    if let (Some(change), true) = (&group.change, group.accounts > 1) {
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
) -> String {
    let mut text = format!("  {}", entry.account);
    if let Some(name) = &entry.notice.account_name {
        let _ = write!(text, " {}", isolated(&bounded(plain(name), 50)));
    }
    if let Some(state) = account_state(entry) {
        let _ = write!(text, " ({state})");
    }
    text.push('\n');
    if group.packs > 1 {
        text.push_str(&wrapped(&format!("in {}", packs(notification, entry)), "    "));
    }
    if group.change.is_none() || group.accounts == 1 {
        text.push_str(&wrapped(&entry.change, "    "));
    }
    if let Some(since) = since(notification, section.tally.topic, entry) {
        text.push_str(&wrapped(&since, "    "));
    }
    text
}
