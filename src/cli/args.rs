//! What flags of several commands take, as people write it.

use std::collections::BTreeMap;

use clap::Args;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::outcome::{Failure, note};
use crate::model::text::counted;
use crate::model::{Kind, PackGlob, Region, Target};
use crate::settings::duration;

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

/// Which packs a list is about.
#[derive(Debug, Args)]
pub(super) struct PackArgs {
    /// Only this organization conformance pack, by name or with *. May be repeated
    #[arg(long = "pack", visible_alias = "organization-conformance-pack-name", value_name = "NAME")]
    packs: Vec<PackGlob>,
    /// Only packs of this region (with --table, --region is the table's). May be repeated
    #[arg(long = "pack-region", value_name = "REGION")]
    regions: Vec<Region>,
}

impl PackArgs {
    /// Keeps what is asked for. A file is in no region, so that --region can only mean the packs'.
    pub(super) fn choose<T>(
        &self,
        mut known: BTreeMap<Target, T>,
        global: &Global,
        is_file: bool,
    ) -> Result<BTreeMap<Target, T>, Failure> {
        let all = known.len() as u64;
        let of_file = global.region.as_deref().filter(|_| is_file).map(str::parse::<Region>).transpose()?;
        let is_anywhere = self.regions.is_empty() && of_file.is_none();
        known.retain(|target, _| {
            (is_anywhere || self.regions.iter().chain(&of_file).any(|region| *region == target.region))
                && (self.packs.is_empty() || self.packs.iter().any(|glob| glob.matches(&target.pack)))
        });
        if known.is_empty() {
            note(&format!("none of {} fits", counted(all, "known pack")));
        }
        Ok(known)
    }
}

/// A kind as `PACKWATCH_NOTIFY` spells it (`in-progress`) or as the documents do (`InProgress`).
pub(super) fn kind(text: &str) -> Result<Kind, String> {
    let folded = |text: &str| text.replace('-', "").to_lowercase();
    let found = Kind::ALL.into_iter().find(|kind| folded(kind.as_str()) == folded(text));
    let known = || Kind::ALL.map(Kind::as_str).join(", ");
    found.ok_or_else(|| format!("not one of {}", known()))
}

/// A time that has been: as such, as a day (its start, in UTC), or how long ago.
pub(super) fn moment(text: &str) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse() {
        return Ok(time);
    }
    if let Ok(day) = text.parse::<Date>() {
        return day.to_zoned(TimeZone::UTC).map(|day| day.timestamp()).map_err(|error| error.to_string());
    }
    let ago = duration(text)
        .map_err(|error| format!("{error}, nor a time such as 2026-12-01 or 2026-12-01T08:00:00Z"))?;
    Timestamp::now().checked_sub(ago).map_err(|error| error.to_string())
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
}
