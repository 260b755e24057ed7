//! The words and sentences that the channels share: counts, places, names, times, and what they say of accounts.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use super::layout::{Entry, Group, Section, began, is_all_the_time, packs_of, updated};
use super::links::regions;
use crate::model::Phase;
use crate::model::text::{bounded, counted, grouped};
use crate::notify::{Notification, PackNotice, SectionNotice, Topic, TransitionNotice};
use crate::state::State;

/// Earlier changes that are named for one account.
const NAMED_KINDS: usize = 5;

/// The digest in one line, worst first: "3 accounts failed: Security-Baseline (eu-west-1); also 1 recovered". It has at
/// most `limit` bytes: what does not fit is left out whole, the least first, and a long name is cut. `why` is put after
/// the worst, where it fits.
pub(super) fn headline(notification: &Notification, limit: usize, why: Option<&str>) -> String {
    let Some((worst, others)) = notification.sections.split_first() else { return String::new() };
    let stands = stands(notification).map(|stands| format!(", {stands}")).unwrap_or_default();
    let what = format!("{}{stands}", what_and_where(worst));
    let as_of = notification.as_of.map(|time| format!(", as of {}", clock(notification, time)));
    let as_of = as_of.unwrap_or_default();
    let mut line = match packs_of(notification, worst).as_slice() {
        [pack] => {
            let room = limit.saturating_sub(what.len() + as_of.len() + 2);
            format!("{what}: {}{as_of}", bounded(pack_in_region(pack), room))
        }
        _ => format!("{what}{as_of}"),
    };
    if let Some(why) = why.filter(|why| line.len() + why.len() + 3 <= limit) {
        line = format!("{line} - {why}");
    }
    let mut separator = "; also ";
    for other in others {
        let piece = format!("{separator}{}", short(other));
        if line.len() + piece.len() > limit {
            break;
        }
        line.push_str(&piece);
        separator = ", ";
    }
    line
}

/// How the only pack of the worst section stands, where that section does not say it itself: "now 41 of 137".
fn stands(notification: &Notification) -> Option<String> {
    let worst = notification.sections.first()?;
    let [pack] = *packs_of(notification, worst).as_slice() else { return None };
    let of = failed_of(pack.failed?, pack.accounts);
    match worst.topic {
        Topic::Failed | Topic::StillFailing if pack.failed == Some(worst.accounts) => None,
        Topic::Failed => Some(format!("now {of}")),
        Topic::StillFailing | Topic::Recovered => Some(format!("{of} failed")),
        _ => None,
    }
}

/// "41 of 137", "none of 137".
fn failed_of(failed: u64, accounts: u64) -> String {
    let failed = if failed > 0 { grouped(failed) } else { "none".to_owned() };
    format!("{failed} of {}", grouped(accounts))
}

/// What a section is about: "3 accounts", "2 packs".
pub(super) fn subject(section: &SectionNotice) -> String {
    match section.topic.is_of_packs() {
        true => counted(section.packs, "pack"),
        false => counted(section.accounts, "account"),
    }
}

/// "3 accounts failed", "1 pack deleted", "Now watching 1 pack".
pub(super) fn what(section: &SectionNotice) -> String {
    match section.topic {
        Topic::Baseline => format!("Now watching {}", subject(section)),
        topic => format!("{} {}", subject(section), topic.verb()),
    }
}

/// The same with how many packs it is in: "3 accounts failed in 2 packs", "1 account joined 20 packs".
fn what_and_where(section: &SectionNotice) -> String {
    let (what, packs) = (what(section), section.packs);
    match section.topic {
        topic if topic.is_of_packs() || packs <= 1 => what,
        Topic::Joined | Topic::Left => format!("{what} {packs} packs"),
        _ => format!("{what} in {packs} packs"),
    }
}

/// The same after something worse: "3 failed", "1 pack deleted", "now watching 1 pack".
fn short(section: &SectionNotice) -> String {
    match section.topic {
        Topic::Baseline => format!("{} {}", section.topic.verb(), subject(section)),
        Topic::PackDeleted => what(section),
        topic => format!("{} {}", grouped(section.accounts), topic.verb()),
    }
}

/// "Security-Baseline (eu-west-1)".
pub(super) fn pack_in_region(pack: &PackNotice) -> String {
    format!("{} ({})", pack.organization_conformance_pack_name, pack.region)
}

/// In the zone of the digest.
pub(super) fn zoned(notification: &Notification, time: Timestamp) -> Zoned {
    time.to_zoned(TimeZone::get(&notification.time_zone).unwrap_or(TimeZone::UTC))
}

/// A time to the minute: `2026-11-18 09:12 UTC`.
pub(super) fn minute(notification: &Notification, time: Timestamp) -> String {
    zoned(notification, time).strftime("%Y-%m-%d %H:%M %Z").to_string()
}

/// The same, on the day of the digest without the day: `09:12 UTC`.
pub(super) fn clock(notification: &Notification, time: Timestamp) -> String {
    let (then, now) = (zoned(notification, time), zoned(notification, notification.observed_at));
    if then.date() == now.date() { then.strftime("%H:%M %Z").to_string() } else { minute(notification, time) }
}

/// "48 min", "2 h 10 min", "3 d 4 h", "19 d".
pub(crate) fn span(from: Timestamp, to: Timestamp) -> String {
    let between = Duration::try_from(to.duration_since(from)).unwrap_or_default();
    let minutes = between.as_secs() / 60;
    let (days, hours, minutes) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    let two = |n: u64, unit: &str, rest: u64, small: &str| match rest {
        0 => format!("{n} {unit}"),
        rest => format!("{n} {unit} {rest} {small}"),
    };
    match (days, hours, minutes) {
        (0, 0, 0) => "less than a minute".to_owned(),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => two(hours, "h", minutes, "min"),
        (days @ 1..=6, hours, _) => two(days, "d", hours, "h"),
        (days, ..) => format!("{days} d"),
    }
}

fn phase(state: Option<&State>) -> Option<Phase> {
    state.map(|state| state.status.phase())
}

/// Since when, in words: "failing since 2026-11-18 09:12 UTC (48 min)".
pub(super) fn since(notification: &Notification, topic: Topic, entry: &Entry<'_>) -> Option<String> {
    let notice = entry.notice;
    let minute = |time| minute(notification, time);
    let is_healthy = phase(notice.to.as_ref()) == Some(Phase::Successful);
    let succeeded = notice.to.as_ref().filter(|_| is_healthy).and_then(|to| to.last_update);
    let until = succeeded.unwrap_or(notice.observed_at);
    let text = match (topic, notice.failing_since) {
        (Topic::Flapping, _) => format!("changed {} times within an hour", notice.flapping?),
        (Topic::CameAndWent, None) => return None,
        (Topic::CameAndWent, Some(began)) => {
            format!("from {} to {} ({})", minute(began), clock(notification, until), span(began, until))
        }
        (Topic::Recovered | Topic::Left, Some(began)) => {
            format!("had not been healthy for {}, since {}", span(began, until), minute(began))
        }
        // A status that has only now begun says nothing about how long it lasts.
        (Topic::Joined | Topic::Left, _) => return None,
        (Topic::Recovered, None) => format!("since {}", minute(began(notice)?)),
        (Topic::Settled, since) if since.is_none() || is_healthy => {
            let since = updated(notice)?;
            format!("since {} ({})", minute(since), span(since, notification.observed_at))
        }
        (Topic::FailedAgain, _) => {
            format!("still failing; {}", unhealthy_since(notification, topic, notice)?)
        }
        _ => unhealthy_since(notification, topic, notice)?,
    };
    let later = entry
        .last_since
        .filter(|last| began(notice).is_some_and(|first| last.duration_since(first).as_mins() > 0));
    let later = later.map(|last| format!(", in the last of these since {}", clock(notification, last)));
    let now = notice.failure.as_ref().and(notice.to.as_ref()).filter(|_| topic != Topic::CameAndWent);
    let now = match phase(now) {
        Some(Phase::InProgress) => "; now in progress",
        Some(Phase::Failed) => "; tried again since",
        _ => "",
    };
    // That its silence has ended is in the words of that topic.
    let ended =
        if notice.silence_ended && topic != Topic::SilenceEnded { "; its silence has ended" } else { "" };
    Some(format!("{text}{}{now}{ended}", later.unwrap_or_default()))
}

/// Since when an account is failing or stuck, where it was that all the time, and else since when it is not healthy.
fn unhealthy_since(notification: &Notification, topic: Topic, notice: &TransitionNotice) -> Option<String> {
    let (lasting, at) = match phase(notice.reported()) {
        Some(Phase::Failed) if topic == Topic::Failed => ("failing since", "failed at"),
        Some(Phase::Failed) => ("failing since", "last failed at"),
        Some(Phase::InProgress) => ("in progress since", "in progress since"),
        _ => ("since", "in this status since"),
    };
    let span = |since| format!("{} ({})", minute(notification, since), span(since, notification.observed_at));
    match (notice.failing_since, updated(notice)) {
        (Some(began), Some(updated)) if !is_all_the_time(notice) => {
            Some(format!("{at} {}, not healthy since {}", minute(notification, updated), span(began)))
        }
        _ => Some(format!("{lasting} {}", span(began(notice)?))),
    }
}

/// What became of an account before, in the same digest: "before that: failed, in progress".
pub(super) fn earlier(entry: &Entry<'_>) -> Option<String> {
    let kinds = &entry.notice.earlier;
    let verbs: Vec<&str> = kinds.iter().take(NAMED_KINDS).map(|kind| Topic::of_kind(*kind).verb()).collect();
    let more = if kinds.len() > NAMED_KINDS { ", …" } else { "" };
    (!kinds.is_empty()).then(|| format!("before that: {}{more}", verbs.join(", ")))
}

/// How the packs of a section stand, as far as the first line does not say it: "Now 41 of 137 failed, 15 more since 10:00
/// UTC."
pub(super) fn standing(notification: &Notification, section: &Section<'_>) -> Option<String> {
    let topic = section.notice.topic;
    let says_so = topic.has_causes() || topic == Topic::Recovered;
    // A worse section of one of these packs says so already.
    let is_first = section.packs.iter().all(|pack| pack.sections.keys().next() == Some(&topic));
    let known: Vec<_> = section.packs.iter().filter(|pack| pack.failed.is_some()).collect();
    if !says_so || !is_first || known.is_empty() {
        return None;
    }
    let since = known.iter().filter_map(|pack| pack.since).min();
    let changes: u64 = known.iter().filter_map(|pack| pack.sections.get(&topic)).sum();
    let moving = known.iter().filter_map(|pack| pack.in_progress).sum();
    let moving = (moving > 0).then(|| format!("{} in progress", grouped(moving)));
    // Without its verb, "30 since 10:00 UTC" would be 30 more of what stands before it.
    let what = if topic == Topic::Failed && moving.is_none() { "more" } else { topic.verb() };
    let since =
        since.map(|since| format!("{} {what} since {}", grouped(changes), clock(notification, since)));
    let is_worst = notification.sections.first() == Some(section.notice);
    let failed = known.iter().filter_map(|pack| pack.failed).sum();
    let of = failed_of(failed, known.iter().map(|pack| pack.accounts).sum());
    let deployments = if known.len() > 1 { " deployments" } else { "" };
    let now = (!is_worst || stands(notification).is_none()).then(|| format!("Now {of}{deployments} failed"));
    let all: Vec<String> = now.into_iter().chain(moving).chain(since).collect();
    (!all.is_empty()).then(|| format!("{}.", all.join(", ")))
}

/// The packs of an account's entry, apart from each other: "A, B, C and 17 more packs". Regions are named where they differ.
pub(super) fn packs(notification: &Notification, entry: &Entry<'_>, most: usize, apart: &str) -> String {
    let one_region = regions(notification).len() == 1;
    let name = |pack: &&PackNotice| match one_region {
        true => pack.organization_conformance_pack_name.to_string(),
        false => pack_in_region(pack),
    };
    let names = entry.packs.iter().take(most).map(name).collect::<Vec<_>>().join(apart);
    let more = entry.packs.len().saturating_sub(most) as u64;
    if more > 0 { format!("{names} and {}", counted(more, "more pack")) } else { names }
}

/// What the digest leaves out, in its last line.
pub(super) fn left_out(notification: &Notification) -> Option<String> {
    let Notification { silenced, damped, .. } = *notification;
    let all = [(silenced, "silenced (packwatch silence list)"), (damped, "of flapping accounts")];
    let some = all.into_iter().filter(|(n, _)| *n > 0);
    let some: Vec<String> = some.map(|(n, what)| format!("{} {what}", counted(n, "change"))).collect();
    (!some.is_empty()).then(|| format!("Left out: {}.", some.join(", ")))
}

/// The accounts of a group that are not named.
pub(super) fn more_accounts(group: &Group<'_>, shown: usize) -> Option<String> {
    let named = group.entries.iter().take(shown).map(|entry| entry.notice.account_id);
    let more = group.accounts.saturating_sub(named.collect::<BTreeSet<_>>().len() as u64);
    (more > 0 && shown > 0).then(|| format!("and {}", counted(more, "more account")))
}

/// The causes of a section that are not shown; `None` when all are.
pub(super) fn more_causes(section: &Section<'_>, shown: usize) -> Option<String> {
    let hidden = section.groups.iter().skip(shown).map(|group| group.accounts);
    let accounts = section.notice.accounts_of_more_causes + hidden.clone().sum::<u64>();
    let causes = section.notice.more_causes + hidden.count() as u64;
    let (and, cause) =
        if shown.min(section.groups.len()) > 0 { ("and ", "more cause") } else { ("", "cause") };
    (causes > 0).then(|| format!("{and}{} in {}", counted(accounts, "account"), counted(causes, cause)))
}

/// That accounts count under several causes.
pub(super) fn several_causes(section: &Section<'_>) -> Option<String> {
    let n = section.notice.accounts_of_several_causes;
    let have = if n == 1 { "has" } else { "have" };
    (n > 0).then(|| format!("{} {have} several causes, in different packs", counted(n, "account")))
}

/// How many messages a cause has, after the one that is shown.
pub(super) fn other_messages(group: &Group<'_>) -> String {
    match group.cause.map_or((false, 0), |cause| (cause.varies, cause.messages)) {
        (false, 0 | 1) => String::new(),
        (true, 0 | 1) => " (an example: ids differ)".to_owned(),
        (_, of) => format!(" (an example of {} messages)", grouped(of)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_as_exact_as_a_person_wants_them() {
        let of = |seconds| span(Timestamp::UNIX_EPOCH, Timestamp::from_second(seconds).unwrap());
        assert_eq!(of(59), "less than a minute");
        assert_eq!(of(48 * 60), "48 min");
        assert_eq!((of(7800), of(7200)), ("2 h 10 min".to_owned(), "2 h".to_owned()));
        assert_eq!((of(3 * 86400 + 4 * 3600 + 60), of(86400)), ("3 d 4 h".to_owned(), "1 d".to_owned()));
        assert_eq!(of(19 * 86400 + 3600), "19 d");
        assert_eq!(of(-5), "less than a minute", "clocks differ");
    }
}
