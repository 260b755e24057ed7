//! How values are written: lists, numbers, durations.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{Span, SpanRelativeTo};

pub(super) fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

/// A name as it is spelled in settings (`in-progress`) or in the documents (`InProgress`), for comparisons.
pub(crate) fn folded(name: &str) -> String {
    name.replace('-', "").to_lowercase()
}

/// A comma list, each item once, in the order given (or sorted, as the collection has it).
pub(super) fn list<T: FromStr<Err: fmt::Display>, C: FromIterator<T>>(text: &str) -> Result<C, String> {
    let mut seen = BTreeSet::new();
    let parsed = items(text).filter(|item| seen.insert(*item)).map(|item| item.parse::<T>());
    let (good, bad): (Vec<_>, Vec<_>) = parsed.partition(Result::is_ok);
    let faults: Vec<String> = bad.into_iter().filter_map(|e| e.err().map(|e| e.to_string())).collect();
    if faults.is_empty() { Ok(good.into_iter().flatten().collect()) } else { Err(faults.join("; ")) }
}

pub(super) fn number(text: &str, least: u32, most: u32) -> Result<u32, String> {
    match text.parse() {
        Ok(n) if (least..=most).contains(&n) => Ok(n),
        _ => Err(format!("{text:?} is not a whole number from {least} to {most}")),
    }
}

pub(crate) fn switch(text: &str) -> Result<bool, String> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(format!("{text:?} is neither on nor off")),
    }
}

pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a duration such as 30s, 15m, 2h or 7d");
    let span: Span = text.parse().map_err(|_| wrong())?;
    let exact = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| wrong())?;
    exact.try_into().map_err(|_| wrong())
}

/// A period of a minute or more, or the word for none.
pub(super) fn period(text: &str, none: &str) -> Result<Option<Duration>, String> {
    match duration(text) {
        _ if text == none => Ok(None),
        Ok(every) if every >= Duration::from_secs(60) => Ok(Some(every)),
        Ok(_) => Err(format!("{text:?} is less than a minute; or say {none}")),
        Err(error) => Err(format!("{error}, or {none}")),
    }
}

/// `0` or a duration. A day is the longest: people wait for what is not urgent so long.
pub(super) fn group_interval(text: &str) -> Result<Duration, String> {
    match text {
        "0" => Ok(Duration::ZERO),
        _ => match duration(text).map_err(|error| format!("{error}, or 0"))? {
            every if every > Duration::from_secs(86400) => Err(format!("{text:?} is longer than a day")),
            every => Ok(every),
        },
    }
}

pub(super) fn time_of_day(text: &str) -> Result<Time, String> {
    Time::strptime("%H:%M", text).map_err(|_| format!("{text:?} is not a time of the day such as 09:00"))
}

pub(super) fn time_zone(text: &str) -> Result<TimeZone, String> {
    let wrong = |_| format!("{text:?} is no time zone of the IANA database, such as UTC or Europe/Berlin");
    TimeZone::get(text).map_err(wrong)
}
