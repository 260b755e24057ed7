//! What flags of several commands take, as people write it.

use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::model::Kind;
use crate::settings::duration;
use crate::state::log::PackEvent;

/// What every command takes.
#[derive(Debug, Args)]
pub(super) struct Global {
    /// Region of AWS Config [default: AWS_REGION]
    #[arg(long, global = true, value_name = "REGION")]
    pub(super) region: Option<String>,
    /// Profile of the AWS shared config and credentials files [default: AWS_PROFILE]
    #[arg(long, global = true, value_name = "NAME")]
    pub(super) profile: Option<String>,
}

/// In a command that asks nobody: the flags of the others, not shown, and refused by [`Global::refuse`].
#[derive(Debug, Args)]
pub(super) struct Offline {
    #[arg(id = "region", long, value_name = "REGION", hide = true)]
    _region: Option<String>,
    #[arg(id = "profile", long, value_name = "NAME", hide = true)]
    _profile: Option<String>,
}

impl Global {
    /// Refuses what has no meaning for a command that asks nobody.
    pub(super) fn refuse(&self) -> Result<(), String> {
        let flags = [("--region", &self.region), ("--profile", &self.profile)];
        match flags.into_iter().find(|(_, value)| value.is_some()) {
            Some((flag, _)) => Err(format!("{flag} has no meaning here: this command does not ask AWS")),
            None => Ok(()),
        }
    }
}

/// A kind as `PACKWATCH_NOTIFY` spells it (`in-progress`) or as the documents do (`InProgress`).
pub(super) fn kind(text: &str) -> Result<Kind, String> {
    named(text, &Kind::ALL, Kind::as_str)
}

/// The same, or what happens to a pack as a whole: `baseline`, `pack-deleted`.
pub(super) fn record_kind(text: &str) -> Result<&'static str, String> {
    let packs = PackEvent::ALL.map(PackEvent::as_str);
    named(text, &[&Kind::ALL.map(Kind::as_str)[..], &packs].concat(), |name| name)
}

fn named<T: Copy>(text: &str, all: &[T], name: fn(T) -> &'static str) -> Result<T, String> {
    let folded = |text: &str| text.replace('-', "").to_lowercase();
    let found = all.iter().copied().find(|one| folded(name(*one)) == folded(text));
    let known = || all.iter().map(|one| name(*one)).collect::<Vec<_>>().join(", ");
    found.ok_or_else(|| format!("not one of {}", known()))
}

/// A time: as such, or as a day (its start, in UTC).
pub(super) fn time(text: &str) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse() {
        return Ok(time);
    }
    let wrong = || format!("{text:?} is not a time such as {TIMES}");
    let day = text.parse::<Date>().map_err(|_| wrong())?;
    day.to_zoned(TimeZone::UTC).map(|day| day.timestamp()).map_err(|error| error.to_string())
}

const TIMES: &str = "2026-12-01 or 2026-12-01T08:00:00Z";

/// A time that has been: as such, as a day, or how long ago.
pub(super) fn moment(text: &str) -> Result<Timestamp, String> {
    let Err(_) = time(text) else { return time(text) };
    Timestamp::now().checked_sub(span(text)?).map_err(|error| error.to_string())
}

/// A time to come: as such, as a day, or how long from now.
pub(super) fn until(text: &str) -> Result<Timestamp, String> {
    let Err(_) = time(text) else { return time(text) };
    Timestamp::now().checked_add(span(text)?).map_err(|error| error.to_string())
}

fn span(text: &str) -> Result<Duration, String> {
    duration(text).map_err(|error| format!("{error}, nor a time such as {TIMES}"))
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn kinds_are_what_people_write() {
        assert_eq!((kind("in-progress"), kind("Failed")), (Ok(Kind::InProgress), Ok(Kind::Failed)));
        assert!(kind("broken").unwrap_err().contains("Recovered"));
    }

    #[test]
    fn moments_are_times_days_and_how_long_ago() {
        assert_eq!(moment("2026-11-01").unwrap().to_string(), "2026-11-01T00:00:00Z");
        assert_eq!(moment("2026-11-01T08:00:00+01:00").unwrap().to_string(), "2026-11-01T07:00:00Z");
        let before = Timestamp::now();
        let week = moment("7d").unwrap() + SignedDuration::from_hours(7 * 24);
        assert!((before..=Timestamp::now()).contains(&week), "{week}");
        assert!(moment("last week").unwrap_err().contains("2026-12-01"));
    }

    #[test]
    fn ends_are_times_days_and_how_long_from_now() {
        let hour = until("1h").unwrap().duration_since(Timestamp::now());
        assert!((3590..=3600).contains(&hour.as_secs()), "{hour}");
        assert_eq!(until("2026-12-01T08:00:00Z").unwrap().to_string(), "2026-12-01T08:00:00Z");
        assert_eq!(until("2026-12-01").unwrap().to_string(), "2026-12-01T00:00:00Z");
        assert!(until("next week").is_err());
    }
}
