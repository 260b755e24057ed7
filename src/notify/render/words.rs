//! The words that the channels share: counts, places, names, times.

use std::time::Duration;

use jiff::Timestamp;

use super::topic::{Tally, Topic, tallies};
use crate::model::text::bounded;
use crate::notify::{Notification, PackNotice, StateNotice, TransitionNotice};

/// Longest status that is shown, in bytes: one that AWS did not document may be anything.
const LONGEST_STATUS: usize = 60;

/// The digest in one line, worst first: "3 accounts failed: Security-Baseline (eu-west-1); also 1 recovered".
pub(super) fn headline(notification: &Notification) -> String {
    headline_within(notification, usize::MAX, None)
}

/// The same in at most `limit` bytes: what does not fit is left out whole, the least first, and a long
/// name is cut. `why` is put after the worst, where it fits.
pub(super) fn headline_within(notification: &Notification, limit: usize, why: Option<&str>) -> String {
    let tallies = tallies(notification);
    let Some((worst, others)) = tallies.split_first() else { return String::new() };
    let (what, place) = (what(worst), place(worst));
    let mut line = match place {
        Some(place) => {
            let room = limit.saturating_sub(what.len() + 2);
            format!("{what}: {}", bounded(place, room))
        }
        None => what,
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

/// "3 accounts failed", "1 account joined in 20 packs", "Now watching 1 pack".
fn what(tally: &Tally<'_>) -> String {
    let packs = tally.packs.len() as u64;
    match tally.topic {
        Topic::Watched if packs == 1 => "Now watching 1 pack".to_owned(),
        Topic::Watched => format!("Now watching {}", counted(tally.changes, "pack")),
        Topic::PackDeleted if packs == 1 => "Conformance pack deleted".to_owned(),
        Topic::PackDeleted => format!("{} deleted", counted(tally.changes, "conformance pack")),
        topic @ (Topic::Joined | Topic::Left) if packs > 1 => {
            format!("{} {} {packs} packs", subject(tally), topic.verb())
        }
        topic if packs > 1 => format!("{} {} in {packs} packs", subject(tally), topic.verb()),
        topic => format!("{} {}", subject(tally), topic.verb()),
    }
}

/// How many accounts; where the document does not say, how many deployments.
pub(super) fn subject(tally: &Tally<'_>) -> String {
    match tally.accounts {
        Some(accounts) => counted(accounts, "account"),
        None if tally.packs.len() == 1 => counted(tally.changes, "account"),
        None => counted(tally.changes, "deployment"),
    }
}

fn place(tally: &Tally<'_>) -> Option<String> {
    match tally.packs.as_slice() {
        [pack] => Some(pack_in_region(pack)),
        _ => None,
    }
}

fn short(tally: &Tally<'_>) -> String {
    let n = number(tally.accounts.filter(|_| !tally.topic.is_of_packs()).unwrap_or(tally.changes));
    match tally.topic {
        Topic::PackDeleted => format!("{} {}", counted(tally.changes, "pack"), tally.topic.verb()),
        Topic::Watched => format!("{} {}", tally.topic.verb(), counted(tally.changes, "pack")),
        topic => format!("{n} {}", topic.verb()),
    }
}

/// "Security-Baseline (eu-west-1)".
pub(super) fn pack_in_region(pack: &PackNotice) -> String {
    format!("{} ({})", pack.organization_conformance_pack_name, pack.region)
}

/// "1 account", "12,345 accounts".
pub(super) fn counted(n: u64, noun: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", number(n))
}

/// With commas, as English has them.
pub(super) fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// From what to what.
pub(super) fn change(notice: &TransitionNotice) -> String {
    let status = |state: &StateNotice| bounded(state.status.clone(), LONGEST_STATUS);
    match (&notice.from, &notice.to) {
        (Some(from), Some(to)) if from.status == to.status => status(to),
        (Some(from), Some(to)) => format!("{} -> {}", from.status, to.status),
        (None, Some(to)) => status(to),
        (Some(from), None) => format!("was {}", from.status),
        (None, None) => String::new(),
    }
}

/// A time to the minute: `2026-11-18 09:12 UTC`.
pub(super) fn minute(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M UTC").to_string()
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

    #[test]
    fn numbers_have_commas() {
        assert_eq!((number(999), number(1000), number(1_234_567)).2, "1,234,567");
        assert_eq!((number(999), number(1000)), ("999".to_owned(), "1,000".to_owned()));
    }
}
