//! What flags of several commands take, as people write it.

use std::time::Duration;

use clap::Args;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use super::outcome::note;
use crate::model::Kind;
use crate::settings::{duration, folded};
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

/// A kind as `PACKWATCH_NOTIFY` spells it (`in-progress`) or as the documents do (`InProgress`).
pub(super) fn kind(text: &str) -> Result<Kind, String> {
    named(text, Kind::ALL, Kind::as_str)
}

/// The same, or what happens to a pack as a whole: `baseline`, `pack-deleted`.
pub(super) fn record_kind(text: &str) -> Result<&'static str, String> {
    let kinds = Kind::ALL.iter().map(|kind| kind.as_str());
    let all: Vec<_> = kinds.chain(PackEvent::ALL.map(PackEvent::as_str)).collect();
    named(text, &all, |name| name)
}

fn named<T: Copy>(text: &str, all: &[T], name: fn(T) -> &'static str) -> Result<T, String> {
    let found = all.iter().copied().find(|one| folded(name(*one)) == folded(text));
    let known = || all.iter().map(|one| name(*one)).collect::<Vec<_>>().join(", ");
    found.ok_or_else(|| format!("not one of {}", known()))
}

/// A time that was given, and the zone that was assumed where it names none.
#[derive(Debug, Clone)]
pub(super) struct When {
    pub(super) at: Timestamp,
    assumed: Option<TimeZone>,
}

impl From<Timestamp> for When {
    fn from(at: Timestamp) -> Self {
        Self { at, assumed: None }
    }
}

impl When {
    /// The time, after saying how it was understood where that was not written.
    pub(super) fn said(&self, flag: &str) -> Timestamp {
        if let Some(zone) = &self.assumed {
            let (time, name) = (self.at.to_zoned(zone.clone()), zone.iana_name().unwrap_or("UTC"));
            note(&format!("{flag} is {} ({name})", time.strftime("%F %T %:z")));
        }
        self.at
    }
}

/// The zone of times that name none: `PACKWATCH_TIME_ZONE`.
fn time_zone() -> Result<TimeZone, String> {
    let name = std::env::var("PACKWATCH_TIME_ZONE").ok().filter(|name| !name.trim().is_empty());
    let name = name.as_deref().map_or("UTC", str::trim);
    TimeZone::get(name).map_err(|error| format!("PACKWATCH_TIME_ZONE: {error}"))
}

/// What the help says of every time.
pub(super) const TIMES: &str = "Times: 2026-12-01T18:00Z, 2026-12-01T18:00+01:00 or 2026-12-01T18:00[Europe/Berlin]; \
without a zone (2026-12-01T18:00, 2026-12-01 18:00:30, or 2026-12-01 for its start) in that of PACKWATCH_TIME_ZONE, \
else in UTC.";

/// A time as such, or as a day, which is its start.
pub(super) fn time(text: &str) -> Result<When, String> {
    let forms = "2026-12-01T18:00Z, 2026-12-01T18:00 or 2026-12-01";
    let wrong = |error: jiff::Error| format!("{text:?} is not a time such as {forms} ({error})");
    // A name in brackets and an offset are both read here: elsewhere jiff leaves out what it need not know.
    if text.contains('[') {
        return text.parse::<Zoned>().map(|time| time.timestamp().into()).map_err(wrong);
    }
    // As packwatch prints times, too: "2026-12-01 18:00 UTC".
    let in_utc = text.strip_suffix(" UTC").map(|time| format!("{time}Z"));
    if let Ok(time) = in_utc.as_deref().unwrap_or(text).parse::<Timestamp>() {
        return Ok(time.into());
    }
    let civil = text.parse::<DateTime>().map_err(wrong)?;
    let zone = time_zone()?;
    let at = civil.to_zoned(zone.clone()).map_err(wrong)?.timestamp();
    Ok(When { at, assumed: Some(zone) })
}

/// A time that has been: as such, as a day, or how long ago.
pub(super) fn moment(text: &str) -> Result<When, String> {
    time_or(text, |span| Timestamp::now().checked_sub(span))
}

/// A time to come: as such, as a day, or how long from now.
pub(super) fn until(text: &str) -> Result<When, String> {
    time_or(text, |span| Timestamp::now().checked_add(span))
}

fn time_or(
    text: &str,
    from_now: impl Fn(Duration) -> Result<Timestamp, jiff::Error>,
) -> Result<When, String> {
    match duration(text) {
        Ok(span) => from_now(span).map(When::from).map_err(|error| error.to_string()),
        Err(_) => time(text).map_err(|error| format!("{error}, nor a duration such as 12h or 7d")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_leads_back_from_now_or_on() {
        let hours = |time: When| time.at.duration_since(Timestamp::now()).as_secs_f64() / 3600.0;
        let (ago, ahead) = (hours(moment("7d").unwrap()), hours(until("1h").unwrap()));
        assert!((-168.1..=-168.0).contains(&ago) && (0.9..=1.0).contains(&ahead), "{ago} {ahead}");
    }
}
