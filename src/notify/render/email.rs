//! The e-mail: plain text of 72 columns, in short lines that a narrow phone need not break.

use std::fmt::Write as _;

use super::layout::{Entry, Group, Section, sections};
use super::links::{console, history, regions};
use super::text::{
    account_state, earlier, how_many as how_many_of, left_out, more_accounts, more_causes, other_messages,
    packs, retry, since, wrapped,
};
use super::topic::Topic;
use super::words::{counted, headline, headline_within, minute, pack_in_region, subject as how_many};
use crate::model::text::{ascii_within, bounded, isolated, plain};
use crate::notify::hints::{self, Hint};
use crate::notify::{Notification, PackNotice};

/// SNS: fewer than 100 characters.
const LONGEST_SUBJECT: usize = 99;

/// Longest error message and error code that are shown, in bytes. The JSON body has more of them.
const LONGEST_MESSAGE: usize = 300;
const LONGEST_CODE: usize = 120;
const LONGEST_IN_COUNTS: usize = 80;

/// Packs that are counted one by one.
const LISTED_PACKS: usize = 10;

/// Bytes of the sections: mail clients cut at about 100 kB, of a text that its encoding makes longer by a third.
const LONGEST_BODY: usize = 70_000;

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
    cut(&mut text);
    text.push_str("\n--\n");
    for region in regions(notification).into_iter().take(3) {
        if let Some(address) = console(region) {
            let _ = writeln!(text, "AWS Config in {region}:\n{address}");
        }
    }
    let _ = writeln!(text, "All changes:\n{}", history(notification));
    let _ = writeln!(text, "Read from AWS Config at {}.", minute(notification.observed_at));
    let _ = writeln!(text, "Message {}.", notification.id);
    if let Some(left_out) = left_out(notification) {
        text.push_str(&wrapped(&left_out, ""));
    }
    text
}

/// Leaves out whole lines at the end of what is too long, and says so.
fn cut(text: &mut String) {
    if text.len() > LONGEST_BODY {
        let fitting =
            text.get(..text.floor_char_boundary(LONGEST_BODY)).and_then(|fitting| fitting.rfind('\n'));
        text.truncate(fitting.map_or(0, |end| end + 1));
        text.push_str("\nThis message is too long for a mail. The command below has the rest.\n");
    }
}

fn block(notification: &Notification, section: &Section<'_>) -> String {
    let tally = &section.tally;
    let title = tally.topic.verb().to_uppercase();
    if tally.topic.is_of_packs() {
        let accounts = |pack: &PackNotice| pack.accounts;
        let mut text = format!("{title}: {}\n", counted(tally.packs.len() as u64, "pack"));
        text.push_str(&per_pack(&tally.packs, accounts));
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
    text.push_str(&counts(section));
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
            more => {
                let _ = writeln!(text, "  {}", more_accounts(more));
            }
        }
    }
    text
}

/// How many accounts each cause has, before any is explained.
fn counts(section: &Section<'_>) -> String {
    if !section.counts_first() {
        return String::new();
    }
    let line = |group: &Group<'_>| {
        let message = section.distinguishes(group).map(|text| bounded(text, LONGEST_IN_COUNTS));
        let message = message.map(|text| format!(" \"{}\"", isolated(&text))).unwrap_or_default();
        wrapped(&format!("{}: {}{message}", how_many_of(section, group), code(group)), "  ")
    };
    let more = more_causes(section).map(|more| wrapped(&more, "  "));
    section.groups.iter().map(line).chain(more).collect()
}

/// The error code, shortened.
fn code(group: &Group<'_>) -> String {
    group.code.map_or_else(|| "no error code".to_owned(), |code| bounded(code.to_owned(), LONGEST_CODE))
}

/// A line for each pack, as far as they are not too many.
fn per_pack(packs: &[&PackNotice], accounts: impl Fn(&PackNotice) -> u64) -> String {
    let line = |pack: &&PackNotice| {
        wrapped(&format!("{}: {}", pack_in_region(pack), counted(accounts(pack), "account")), "  ")
    };
    let mut text: String = packs.iter().take(LISTED_PACKS).map(line).collect();
    if let more @ 1.. = packs.len().saturating_sub(LISTED_PACKS) {
        let _ = writeln!(text, "  and {}", counted(more as u64, "more pack"));
    }
    text
}

/// Counts only: that accounts go on is no news of any one of them.
fn progress(title: &str, section: &Section<'_>) -> String {
    let tally = &section.tally;
    let mut text = format!("{title}: {}\n", how_many(tally));
    if tally.packs.len() > 1 {
        let about = |pack: &PackNotice| {
            pack.transitions.iter().filter(|notice| Topic::of(pack, notice) == tally.topic).count() as u64
        };
        text.push_str(&per_pack(&tally.packs, about));
    }
    text
}

/// Why, what it means and what to do.
fn cause(notification: &Notification, section: &Section<'_>, group: &Group<'_>) -> String {
    let mut text = String::new();
    let several = section.groups.len() > 1;
    let count = format!("{}: ", how_many_of(section, group));
    let count = if several { count } else { String::new() };
    if group.code.is_some() || several {
        text.push_str(&wrapped(&format!("\n{count}{}", code(group)), ""));
    }
    if let Some(message) = &group.message {
        let text_of = bounded(message.text.to_owned(), LONGEST_MESSAGE);
        text.push_str(&wrapped(&format!("\"{}\"{}", isolated(&text_of), other_messages(message)), "  "));
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
    text.extend(earlier(entry).map(|earlier| wrapped(&earlier, "    ")));
    text
}
