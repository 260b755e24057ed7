//! The e-mail: plain text. A paragraph is one line, since a mail client breaks it where its screen ends.

use std::fmt::Write as _;

use super::block::{Block, Form, Style};
use super::layout::{ACCOUNTS, CAUSES, Section, sections};
use super::links::{console, history, regions};
use super::words::{headline, left_out, minute, more_accounts, more_causes, packs};
use crate::model::text::ascii_within;
use crate::notify::Notification;

/// SNS: fewer than 100 characters.
const LONGEST_SUBJECT: usize = 99;

/// The product, for filters and for those who get much mail.
const SUBJECT_TAG: &str = "[packwatch] ";

/// Bytes of the sections: mail clients cut at about 100 kB, of a text that its encoding makes longer by a third.
const LONGEST_BODY: usize = 70_000;

/// Accounts that a section names of each cause, where it has many. The rest is listed at the end.
const NAMED_OF_CAUSE: usize = 3;

/// What follows the sections.
const OTHERS: &str = "\nWHAT IS NOT NAMED ABOVE\n";

/// The subject, worst first, with the pack or the number of packs in it.
pub fn subject(notification: &Notification) -> String {
    let room = LONGEST_SUBJECT - SUBJECT_TAG.len();
    format!("{SUBJECT_TAG}{}", ascii_within(&headline(notification, room, None), room))
}

/// The body.
pub fn email(notification: &Notification) -> String {
    let mut text = format!("{}\n", headline(notification, usize::MAX, None));
    let sections = sections(notification);
    let room = LONGEST_BODY.saturating_sub(text.len());
    let (form, blocks) = fullest(notification, &sections, room);
    text.push_str(&blocks);
    text.push_str(&others(notification, &sections, form, LONGEST_BODY.saturating_sub(text.len())));
    text.push_str("\n--\n");
    for region in regions(notification).into_iter().take(3) {
        if let Some(address) = console(region) {
            let _ = writeln!(text, "AWS Config in {region}:\n{address}");
        }
    }
    let _ = writeln!(text, "All changes:\n{}", history(notification));
    let last = minute(notification, notification.observed_at);
    let _ = writeln!(text, "Last change read from AWS Config at {last}.");
    text.extend(left_out(notification).map(|left_out| format!("{left_out}\n")));
    // The only section has no title, and not all have anything else.
    text.replace("\n\n\n", "\n\n")
}

/// The sections in the fullest form that fits.
fn fullest(notification: &Notification, sections: &[Section<'_>], room: usize) -> (Form, String) {
    let all = Form { causes: CAUSES, accounts: ACCOUNTS, packs: usize::MAX, explains: true };
    let least = Form { causes: 1, accounts: 1, packs: 1, explains: false };
    let mut fullest = (all, String::new());
    for form in [all, Form { packs: 20, ..all }, Form { packs: 3, ..all }, least] {
        let of_section = |section| {
            let form = Form { accounts: named(section).min(form.accounts), ..form };
            format!("\n{}", Block { style: Style::Mail, notification, section, form }.text())
        };
        fullest = (form, sections.iter().map(of_section).collect());
        if fullest.1.len() <= room {
            break;
        }
    }
    fullest
}

/// How many accounts of each cause a section names.
fn named(section: &Section<'_>) -> usize {
    (ACCOUNTS / section.groups.len().clamp(1, CAUSES)).max(NAMED_OF_CAUSE)
}

/// As many as fit of the accounts that the sections do not name, and of the causes that they do not explain.
fn others(notification: &Notification, sections: &[Section<'_>], form: Form, room: usize) -> String {
    let mut list = String::new();
    for section in sections {
        let is_in_packs = section.packs.len() > 1;
        let block = Block { style: Style::Mail, notification, section, form };
        let mut listed = 0;
        for (n, group) in section.groups.iter().enumerate() {
            let named = if n < form.causes { named(section).min(form.accounts) } else { 0 };
            let several = section.groups.len() > 1;
            let label = if several { format!(": {}", block.label(group)) } else { String::new() };
            let mut text = format!("\n{}{label}\n", section.notice.topic.verb());
            let mut shown = named;
            for entry in group.entries.iter().skip(named) {
                let place = is_in_packs.then(|| packs(notification, entry, form.packs, ",\n    "));
                let place = place.map(|place| format!(", {place}")).unwrap_or_default();
                let line = format!("  {}{place}\n", Style::Mail.who(entry));
                // What follows a list that is cut has about a line.
                if OTHERS.len() + list.len() + text.len() + line.len() + 100 > room {
                    break;
                }
                text.push_str(&line);
                shown += 1;
            }
            if shown > named {
                list.push_str(&text);
                list.extend(more_accounts(group, shown).map(|more| format!("  {more}\n")));
            } else if group.entries.len() > named {
                break;
            }
            listed = n + 1;
        }
        let more = more_causes(section, listed).filter(|_| listed > form.causes);
        list.extend(more.map(|more| format!("\n{more}\n")));
    }
    if list.is_empty() { list } else { format!("{OTHERS}{list}") }
}
