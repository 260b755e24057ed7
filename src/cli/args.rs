//! What flags of several commands take, as people write it.

use std::time::Duration;

use clap::Args;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

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

/// What the help says of every time.
pub(super) const TIMES: &str = "Times: 2026-12-01T18:00Z, 2026-12-01T18:00+01:00 or 2026-12-01T18:00[Europe/Berlin]; \
without a zone (2026-12-01T18:00, 2026-12-01 18:00:30, or 2026-12-01 for its start) in UTC.";

/// A time as such, or as a day, which is its start.
pub(super) fn time(text: &str) -> Result<Timestamp, String> {
    let parsed = match text.strip_suffix(" UTC").unwrap_or(text) {
        // A name in brackets and an offset are both read here: elsewhere jiff leaves out what it need not know.
        zoned if zoned.contains('[') => zoned.parse().map(|time: Zoned| time.timestamp()),
        text => text.parse().or_else(|_| {
            let time: DateTime = text.parse()?;
            Ok(time.to_zoned(TimeZone::UTC)?.timestamp())
        }),
    };
    let forms = "2026-12-01T18:00Z, 2026-12-01T18:00 or 2026-12-01";
    parsed.map_err(|error: jiff::Error| format!("{text:?} is not a time such as {forms} ({error})"))
}

/// A time that has been: as such, as a day, or how long ago.
pub(super) fn moment(text: &str) -> Result<Timestamp, String> {
    time_or(text, |span| Timestamp::now().checked_sub(span))
}

/// A time to come: as such, as a day, or how long from now.
pub(super) fn until(text: &str) -> Result<Timestamp, String> {
    let until = time_or(text, |span| Timestamp::now().checked_add(span))?;
    if until <= Timestamp::now() { Err(format!("{until} is in the past")) } else { Ok(until) }
}

fn time_or(
    text: &str,
    from_now: impl Fn(Duration) -> Result<Timestamp, jiff::Error>,
) -> Result<Timestamp, String> {
    match duration(text) {
        Ok(span) => from_now(span).map_err(|error| error.to_string()),
        Err(_) => time(text).map_err(|error| format!("{error}, nor a duration such as 12h or 7d")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_leads_back_from_now_or_on() {
        let hours = |time: Timestamp| time.duration_since(Timestamp::now()).as_secs_f64() / 3600.0;
        let (ago, ahead) = (hours(moment("7d").unwrap()), hours(until("1h").unwrap()));
        assert!((-168.1..=-168.0).contains(&ago) && (0.9..=1.0).contains(&ahead), "{ago} {ahead}");
    }
}
