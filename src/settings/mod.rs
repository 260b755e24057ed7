//! The settings, from the Lambda's environment or the command line's flags under the same names. Every
//! fault is reported, all in one message.

mod filters;
mod topic;
mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::civil::{Time, time};
use jiff::tz::TimeZone;

use crate::model::{AccountId, Region};
pub use filters::{Notify, PackFilter};
pub use topic::TopicArn;
#[cfg(feature = "cli")]
pub(crate) use values::folded;
pub(crate) use values::{duration, switch};
use values::{group_interval, list, number, period, time_of_day, time_zone};

/// The variables that decide what is recorded and reported. All who record in one table must agree on them.
pub const SHARED: [&str; 9] = [
    "PACKWATCH_EXCLUDE_ACCOUNTS",
    "PACKWATCH_NOTIFY",
    "PACKWATCH_STUCK_AFTER",
    "PACKWATCH_REMIND_EVERY",
    "PACKWATCH_REMIND_AT",
    "PACKWATCH_TIME_ZONE",
    "PACKWATCH_GROUP_INTERVAL",
    "PACKWATCH_HISTORY_DAYS",
    "PACKWATCH_FLAP_LIMIT",
];

/// When people are reminded, unless they say so.
const NINE: Time = time(9, 0, 0, 0);

/// What to watch and what to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `PACKWATCH_PACKS`
    pub packs: PackFilter,
    /// `PACKWATCH_REGIONS`, at least one.
    pub regions: Vec<Region>,
    /// `PACKWATCH_EXCLUDE_ACCOUNTS`
    pub excluded: BTreeSet<AccountId>,
    /// `PACKWATCH_NOTIFY`
    pub notify: Notify,
    /// `PACKWATCH_STUCK_AFTER`, `PACKWATCH_REMIND_EVERY`, `PACKWATCH_REMIND_AT`, `PACKWATCH_TIME_ZONE`
    pub thresholds: Thresholds,
    /// `PACKWATCH_GROUP_INTERVAL`
    pub group_interval: Duration,
    /// `PACKWATCH_HISTORY_DAYS`
    pub history: Duration,
    /// `PACKWATCH_CONCURRENCY`, at least 1.
    pub concurrency: usize,
    /// `PACKWATCH_FLAP_LIMIT`; `None`: never.
    pub flap_limit: Option<u32>,
    /// `PACKWATCH_ACCOUNT_NAMES`
    pub account_names: bool,
    /// `PACKWATCH_FULL_SCAN_EVERY`; `None`: every scan is a full one.
    pub full_scan_every: Option<Duration>,
    /// What others who use the same table are to know: [`SHARED`], and how often packs are read in full.
    pub shared: BTreeMap<String, String>,
}

impl Settings {
    /// The name of the zone in which people read times.
    pub fn time_zone(&self) -> &str {
        self.thresholds.time_zone.iana_name().unwrap_or("UTC")
    }
}

/// When a state in progress is stuck, and how often a failure is repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thresholds {
    /// In progress for longer than this is stuck.
    pub stuck_after: Duration,
    /// How often a failure is repeated; `None`: never.
    pub remind_every: Option<Duration>,
    /// At what time of the day reminders of whole days are due.
    pub remind_at: Time,
    /// Where it is that time.
    pub time_zone: TimeZone,
}

/// Where the Lambda keeps its state and sends its messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destinations {
    /// `PACKWATCH_TABLE`
    pub table: String,
    /// `PACKWATCH_ALERTS_TOPIC_ARN`
    pub alerts_topic: TopicArn,
    /// `PACKWATCH_EVENTS_TOPIC_ARN`
    pub events_topic: Option<TopicArn>,
    /// `PACKWATCH_PACK_METRICS`: whether each pack has a metric, and a run more than the alarms need.
    pub pack_metrics: bool,
}

/// Everything that is wrong with the settings: which variable, and what is wrong with it.
#[derive(Debug, Clone, Default, PartialEq, Eq, thiserror::Error)]
pub struct Faults(Vec<(&'static str, String)>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.0.len() == 1 { "setting is" } else { "settings are" };
        write!(f, "{} {plural} not valid:", self.0.len())?;
        self.0.iter().try_for_each(|(variable, problem)| write!(f, "\n  {variable}: {problem}"))
    }
}

/// Reads variables and gathers what is wrong with them.
pub struct Reader<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    faults: Faults,
}

impl<'a> Reader<'a> {
    /// Reads through `lookup`, such as the environment. An empty value counts as absent.
    pub fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { lookup, faults: Faults::default() }
    }

    fn text(&self, variable: &str) -> Option<String> {
        (self.lookup)(variable).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    fn fault(&mut self, variable: &'static str, problem: impl Into<String>) {
        self.faults.0.push((variable, problem.into()));
    }

    /// The value as `parse` makes of it; `absent` without one or with a fault, which is noted.
    fn read<T, E: fmt::Display>(
        &mut self,
        variable: &'static str,
        absent: T,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> T {
        match self.text(variable).map(|text| parse(&text)) {
            Some(Ok(value)) => value,
            None => absent,
            Some(Err(error)) => {
                self.fault(variable, error.to_string());
                absent
            }
        }
    }

    fn optional<T: FromStr<Err: fmt::Display>>(&mut self, variable: &'static str) -> Option<T> {
        self.read(variable, None, |text| text.parse().map(Some))
    }

    fn required<T: FromStr<Err: fmt::Display>>(&mut self, variable: &'static str) -> Option<T> {
        if self.text(variable).is_none() {
            self.fault(variable, "is required and not set");
        }
        self.optional(variable)
    }

    /// Reads what to watch and what to tell.
    pub fn settings(&mut self) -> Settings {
        let here = self.optional("AWS_REGION");
        let regions: Vec<Region> = self.read("PACKWATCH_REGIONS", here.into_iter().collect(), list);
        if regions.is_empty() && self.faults.0.iter().all(|(variable, _)| *variable != "PACKWATCH_REGIONS") {
            self.fault(
                "PACKWATCH_REGIONS",
                "is not set, and neither is AWS_REGION: name the regions to watch",
            );
        }
        let hours = |n: u32| Duration::from_secs(3600) * n;
        Settings {
            packs: self.read("PACKWATCH_PACKS", PackFilter::default(), str::parse),
            regions,
            excluded: self.read("PACKWATCH_EXCLUDE_ACCOUNTS", BTreeSet::new(), list),
            notify: self.read("PACKWATCH_NOTIFY", Notify::default(), str::parse),
            thresholds: Thresholds {
                stuck_after: self.read("PACKWATCH_STUCK_AFTER", hours(2), duration),
                remind_every: self
                    .read("PACKWATCH_REMIND_EVERY", Some(hours(24)), |text| period(text, "never")),
                remind_at: self.read("PACKWATCH_REMIND_AT", NINE, time_of_day),
                time_zone: self.read("PACKWATCH_TIME_ZONE", TimeZone::UTC, time_zone),
            },
            group_interval: self.read("PACKWATCH_GROUP_INTERVAL", Duration::from_secs(1800), group_interval),
            history: hours(24) * self.read("PACKWATCH_HISTORY_DAYS", 90, |text| number(text, 1, 3650)),
            concurrency: self.read("PACKWATCH_CONCURRENCY", 8, |text| number(text, 1, 64)) as usize,
            flap_limit: self.read("PACKWATCH_FLAP_LIMIT", Some(6), |text| match text {
                "never" => Ok(None),
                _ => number(text, 2, 60).map(Some).map_err(|error| format!("{error}, or never")),
            }),
            account_names: self.read("PACKWATCH_ACCOUNT_NAMES", true, switch),
            full_scan_every: self
                .read("PACKWATCH_FULL_SCAN_EVERY", Some(hours(1)), |text| period(text, "always")),
            shared: SHARED
                .iter()
                .chain(&["PACKWATCH_FULL_SCAN_EVERY"])
                .filter_map(|name| Some(((*name).to_owned(), self.text(name)?)))
                .collect(),
        }
    }

    /// Reads where the state and the messages go; `None` with a fault noted.
    pub fn destinations(&mut self) -> Option<Destinations> {
        let table = self.required("PACKWATCH_TABLE");
        let alerts_topic = self.required("PACKWATCH_ALERTS_TOPIC_ARN");
        let events_topic = self.optional("PACKWATCH_EVENTS_TOPIC_ARN");
        let pack_metrics = self.read("PACKWATCH_PACK_METRICS", false, switch);
        Some(Destinations { table: table?, alerts_topic: alerts_topic?, events_topic, pack_metrics })
    }

    /// Every fault that was met, if any.
    pub fn finish(self) -> Result<(), Faults> {
        if self.faults.0.is_empty() { Ok(()) } else { Err(self.faults) }
    }
}

/// The Lambda's settings, from its environment.
pub fn of_lambda(lookup: &dyn Fn(&str) -> Option<String>) -> Result<(Settings, Destinations), Faults> {
    let mut reader = Reader::new(lookup);
    let settings = reader.settings();
    match reader.destinations() {
        Some(destinations) if reader.faults.0.is_empty() => Ok((settings, destinations)),
        // Without destinations there is a fault: what is required and missing is one.
        _ => Err(reader.faults),
    }
}

#[cfg(test)]
mod tests;
