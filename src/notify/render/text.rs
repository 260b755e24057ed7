//! Sentences that the e-mail and the chat share, and lines of 72 columns.

use super::layout::{Entry, Group, Message, Section};
use super::links::regions;
use super::topic::Topic;
use super::words::{counted, minute, pack_in_region, span};
use crate::model::text::ascii_within;
use crate::notify::{Notification, PackNotice};

/// Columns of an e-mail.
const COLUMNS: usize = 72;

/// Packs that are named for one account.
const NAMED_PACKS: usize = 3;

/// Earlier changes that are named for one account.
const NAMED_KINDS: usize = 5;

/// Since when, in words: "since 2026-11-18 09:12 UTC (48 min)".
pub(super) fn since(notification: &Notification, topic: Topic, entry: &Entry<'_>) -> Option<String> {
    let since = entry.since?;
    let updated = entry.notice.to.as_ref().and_then(|to| to.last_update_time);
    let lasting = || format!("since {} ({})", minute(since), span(since, notification.observed_at));
    match topic {
        Topic::Flapping => {
            entry.notice.flapping.map(|changes| format!("changed {changes} times within an hour"))
        }
        // That its silence has ended is in the words of that topic.
        Topic::SilenceEnded => Some(lasting()),
        _ if entry.notice.silence_ended => Some(format!("{}; its silence has ended", lasting())),
        Topic::Recovered if entry.notice.failing_since.is_some() => {
            let until = updated.unwrap_or(notification.observed_at);
            Some(format!("had been failing for {}, since {}", span(since, until), minute(since)))
        }
        Topic::Recovered => Some(format!("since {}", minute(since))),
        _ => Some(lasting()),
    }
}

/// What became of an account before, in the same digest: "before that: failed, in progress".
pub(super) fn earlier(entry: &Entry<'_>) -> Option<String> {
    let kinds = &entry.notice.earlier;
    let verbs: Vec<&str> = kinds.iter().take(NAMED_KINDS).map(|kind| Topic::of_kind(*kind).verb()).collect();
    let more = if kinds.len() > NAMED_KINDS { ", …" } else { "" };
    (!kinds.is_empty()).then(|| format!("before that: {}{more}", verbs.join(", ")))
}

/// That an account is not active: "suspended", "pending closure".
pub(super) fn account_state(entry: &Entry<'_>) -> Option<String> {
    let state = entry.notice.account_state.as_deref()?;
    Some(ascii_within(&state.to_lowercase().replace('_', " "), 40))
}

/// "27 accounts", "1 account in 50 packs", "2 accounts in Security-Baseline (eu-west-1)".
pub(super) fn how_many(section: &Section<'_>, group: &Group<'_>) -> String {
    let accounts = counted(group.accounts as u64, "account");
    let pack = group.entries.first().and_then(|entry| entry.packs.first());
    match (group.packs, pack) {
        (1, Some(pack)) if section.tally.packs.len() > 1 => format!("{accounts} in {}", pack_in_region(pack)),
        (0 | 1, _) => accounts,
        (packs, _) => format!("{accounts} in {packs} packs"),
    }
}

/// What AWS Config does by itself about a group of failures.
pub(super) fn retry(notification: &Notification, group: &Group<'_>) -> Option<String> {
    let first = group.entries.first()?;
    let status = first.notice.to.as_ref().map_or("", |to| to.status.as_str());
    let until = group.hint?.retried_until(status, first.since)?;
    let now = notification.observed_at;
    Some(if until > now {
        format!(
            "AWS Config tries again by itself for 7 hours after an account was added: at most {} left{}, \
             until {}.",
            span(now, until),
            if group.accounts > 1 { " for the first of these" } else { "" },
            minute(until)
        )
    } else {
        "AWS Config no longer tries by itself (it does so for 7 hours after an account was added): deploy \
         the pack again when this is fixed."
            .to_owned()
    })
}

/// The packs of an account's entry: "A, B, C and 17 more packs". Regions are named where they differ.
pub(super) fn packs(notification: &Notification, entry: &Entry<'_>) -> String {
    let one_region = regions(notification).len() == 1;
    let name = |pack: &&PackNotice| match one_region {
        true => pack.organization_conformance_pack_name.to_string(),
        false => pack_in_region(pack),
    };
    let names: Vec<String> = entry.packs.iter().take(NAMED_PACKS).map(name).collect();
    let names = names.join(", ");
    match entry.packs.len().saturating_sub(NAMED_PACKS) {
        0 => names,
        1 => format!("{names} and 1 more pack"),
        more => format!("{names} and {more} more packs"),
    }
}

/// What the digest leaves out, in its last line.
pub(super) fn left_out(notification: &Notification) -> Option<String> {
    let change = |n: u64| counted(n, "change");
    let silenced = (notification.silenced > 0)
        .then(|| format!("{} silenced (packwatch silence list)", change(notification.silenced)));
    let damped =
        (notification.damped > 0).then(|| format!("{} of flapping accounts", change(notification.damped)));
    let left_out: Vec<String> = silenced.into_iter().chain(damped).collect();
    (!left_out.is_empty()).then(|| format!("Left out: {}.", left_out.join(", ")))
}

/// The accounts of a group that are not named.
pub(super) fn more_accounts(more: usize) -> String {
    format!("and {}", counted(more as u64, "more account"))
}

/// The causes of a section that are not shown; `None` when all are.
pub(super) fn more_causes(section: &Section<'_>) -> Option<String> {
    let (causes, accounts) = section.more_groups;
    let words =
        |causes| format!("and {} in {}", counted(causes, "other cause"), counted(accounts as u64, "account"));
    (causes > 0).then(|| words(causes as u64))
}

/// How many messages a cause has, after the one that is shown.
pub(super) fn other_messages(message: &Message<'_>) -> String {
    match (message.is_example, message.of) {
        (false, 0 | 1) => String::new(),
        (true, 0 | 1) => " (an example: ids differ)".to_owned(),
        (false, of) => format!(" (the most frequent of {of} messages)"),
        (true, of) => format!(" (an example of the most frequent of {of} messages: ids differ)"),
    }
}

/// The text in lines of at most 72 columns, each with the indent and, from the second on, two more
/// spaces. A word that is longer, such as an address, stays whole.
pub(super) fn wrapped(text: &str, indent: &str) -> String {
    let mut lines = String::new();
    let (leading, text) = match text.strip_prefix('\n') {
        Some(rest) => ("\n", rest),
        None => ("", text),
    };
    lines.push_str(leading);
    let mut line = indent.to_owned();
    let mut is_empty = true;
    for word in text.split(' ') {
        if !is_empty && line.chars().count() + 1 + word.chars().count() > COLUMNS {
            lines.push_str(&line);
            lines.push('\n');
            line = format!("{indent}  ");
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    lines.push_str(&line);
    lines.push('\n');
    lines
}
