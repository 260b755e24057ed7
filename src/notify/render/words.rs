//! The words that the channels share: counts, places, names, times.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::model::text::{bounded, counted, defused, grouped, plain};
use crate::notify::{Notification, PackNotice, SectionNotice, Topic, TransitionNotice};
use crate::state::State;

/// Longest status and error code that is shown beside one, in bytes: one that AWS did not document may be anything.
const LONGEST_STATUS: usize = 60;

/// Somebody else's text, on one line, without links, and not too long.
pub(super) fn shown(text: &str, limit: usize) -> String {
    bounded(defused(&plain(text)), limit)
}

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
pub(super) fn stands(notification: &Notification) -> Option<String> {
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
pub(super) fn failed_of(failed: u64, accounts: u64) -> String {
    let failed = if failed > 0 { grouped(failed) } else { "none".to_owned() };
    format!("{failed} of {}", grouped(accounts))
}

/// The packs that a section is about.
pub(super) fn packs_of<'a>(notification: &'a Notification, section: &SectionNotice) -> Vec<&'a PackNotice> {
    notification.packs.iter().filter(|pack| pack.sections.contains_key(&section.topic)).collect()
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

/// From what to what. A failure that takes the place of another names that one's code.
pub(super) fn change(notice: &TransitionNotice) -> String {
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
