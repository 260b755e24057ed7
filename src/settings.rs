//! The settings, from the Lambda's environment or the command line's flags under the same names. Every
//! fault is reported, all in one message.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::{Span, SpanRelativeTo};

use crate::effective::Thresholds;
use crate::model::{AccountId, Kind, PackName, Region};

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
    /// `PACKWATCH_STUCK_AFTER` and `PACKWATCH_REMIND_EVERY`
    pub thresholds: Thresholds,
    /// `PACKWATCH_HISTORY_DAYS`
    pub history: Duration,
    /// `PACKWATCH_CONCURRENCY`, at least 1.
    pub concurrency: usize,
    /// `PACKWATCH_GROUP_WAIT`
    pub group_wait: Duration,
    /// `PACKWATCH_FLAP_LIMIT`; `None`: never.
    pub flap_limit: Option<u32>,
    /// `PACKWATCH_ACCOUNT_NAMES`
    pub account_names: bool,
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
}

/// One thing that is wrong with the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    variable: &'static str,
    problem: String,
}

/// Everything that is wrong with the settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Faults(Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.0.len() == 1 { "setting is" } else { "settings are" };
        write!(f, "{} {plural} not valid:", self.0.len())?;
        self.0.iter().try_for_each(|fault| write!(f, "\n  {}: {}", fault.variable, fault.problem))
    }
}

/// Reads variables and gathers what is wrong with them.
pub struct Reader<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    faults: Vec<Fault>,
}

impl<'a> Reader<'a> {
    /// Reads through `lookup`, such as the environment. An empty value counts as absent.
    pub fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { lookup, faults: Vec::new() }
    }

    fn text(&self, variable: &str) -> Option<String> {
        (self.lookup)(variable).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    fn fault(&mut self, variable: &'static str, problem: impl Into<String>) {
        self.faults.push(Fault { variable, problem: problem.into() });
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

    fn required<T: FromStr<Err: fmt::Display>>(&mut self, variable: &'static str) -> Option<T> {
        if self.text(variable).is_none() {
            self.fault(variable, "is required and not set");
        }
        self.read(variable, None, |text| text.parse().map(Some))
    }

    /// Reads what to watch and what to tell.
    pub fn settings(&mut self) -> Settings {
        let here = self.read("AWS_REGION", None, |text| text.parse().map(Some));
        let here = here.or_else(|| self.read("AWS_DEFAULT_REGION", None, |text| text.parse().map(Some)));
        let regions: Vec<Region> = self.read("PACKWATCH_REGIONS", here.into_iter().collect(), list);
        if regions.is_empty() && self.faults.iter().all(|fault| fault.variable != "PACKWATCH_REGIONS") {
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
                remind_every: self.read("PACKWATCH_REMIND_EVERY", Some(hours(24)), remind_every),
            },
            history: hours(24) * self.read("PACKWATCH_HISTORY_DAYS", 90, |text| number(text, 1, 3650)),
            concurrency: self.read("PACKWATCH_CONCURRENCY", 8, |text| number(text, 1, 64)) as usize,
            group_wait: self.read("PACKWATCH_GROUP_WAIT", Duration::from_secs(30), duration),
            flap_limit: self.read("PACKWATCH_FLAP_LIMIT", Some(6), |text| match text {
                "never" => Ok(None),
                _ => number(text, 2, 60).map(Some).map_err(|error| format!("{error}, or never")),
            }),
            account_names: self.read("PACKWATCH_ACCOUNT_NAMES", true, |text| match text {
                "on" => Ok(true),
                "off" => Ok(false),
                _ => Err(format!("{text:?} is neither on nor off")),
            }),
        }
    }

    /// Reads where the state and the messages go; `None` with a fault noted.
    pub fn destinations(&mut self) -> Option<Destinations> {
        let table = self.required("PACKWATCH_TABLE");
        let alerts_topic = self.required("PACKWATCH_ALERTS_TOPIC_ARN");
        let events_topic = self.read("PACKWATCH_EVENTS_TOPIC_ARN", None, |text| text.parse().map(Some));
        Some(Destinations { table: table?, alerts_topic: alerts_topic?, events_topic })
    }

    /// Every fault that was met, if any.
    pub fn finish(self) -> Result<(), Faults> {
        if self.faults.is_empty() { Ok(()) } else { Err(Faults(self.faults)) }
    }
}

/// The Lambda's settings, from its environment.
pub fn of_lambda(lookup: &dyn Fn(&str) -> Option<String>) -> Result<(Settings, Destinations), Faults> {
    let mut reader = Reader::new(lookup);
    let (settings, destinations) = (reader.settings(), reader.destinations());
    match (reader.finish(), destinations) {
        (Ok(()), Some(destinations)) => Ok((settings, destinations)),
        (Ok(()), None) => Err(Faults(Vec::new())),
        (Err(faults), _) => Err(faults),
    }
}

/// Which packs are watched: globs, of which one must match, and excludes, of which none may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackFilter {
    include: Vec<String>,
    exclude: Vec<String>,
}

impl Default for PackFilter {
    fn default() -> Self {
        Self { include: vec!["*".to_owned()], exclude: Vec::new() }
    }
}

impl FromStr for PackFilter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut filter = Self { include: Vec::new(), exclude: Vec::new() };
        for item in items(text) {
            let (glob, into) = match item.strip_prefix('!') {
                Some(glob) => (glob, &mut filter.exclude),
                None => (item, &mut filter.include),
            };
            if glob.is_empty() || !glob.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '*')) {
                return Err(format!("{item:?} is not a pack name or a glob: letters, digits, hyphens and *"));
            }
            into.push(glob.to_owned());
        }
        if filter.include.is_empty() {
            filter.include.push("*".to_owned());
        }
        Ok(filter)
    }
}

impl PackFilter {
    /// Whether a pack is watched.
    pub fn matches(&self, pack: &PackName) -> bool {
        let any = |globs: &[String]| globs.iter().any(|glob| glob_matches(glob, pack.as_str()));
        any(&self.include) && !any(&self.exclude)
    }
}

/// Whether `text` has the form of `glob`, in which `*` stands for any characters.
pub(crate) fn glob_matches(glob: &str, text: &str) -> bool {
    let mut pieces = glob.split('*');
    let Some(mut rest) = pieces.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let Some(last) = pieces.next_back() else { return rest.is_empty() };
    for piece in pieces {
        match rest.find(piece).and_then(|at| rest.get(at + piece.len()..)) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// What the alerts topic is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notify(BTreeSet<&'static str>);

/// The names that `PACKWATCH_NOTIFY` takes.
const NOTIFY: [&str; 10] = [
    "failed",
    "recovered",
    "succeeded",
    "in-progress",
    "joined",
    "left",
    "stuck",
    "reminder",
    "baseline",
    "pack-deleted",
];

impl Default for Notify {
    fn default() -> Self {
        Self(NOTIFY.into())
    }
}

impl FromStr for Notify {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut wanted = BTreeSet::new();
        for item in items(text) {
            match NOTIFY.iter().find(|name| **name == item) {
                _ if item == "all" => wanted.extend(NOTIFY),
                Some(name) => drop(wanted.insert(*name)),
                None => return Err(format!("{item:?} is not one of all, {}", NOTIFY.join(", "))),
            }
        }
        Ok(Self(wanted))
    }
}

impl Notify {
    /// Whether transitions of a kind are told. A status that nobody knows always is.
    pub fn tells(&self, kind: Kind) -> bool {
        let name = match kind {
            Kind::Unrecognised | Kind::Settled => return true,
            Kind::Failed => "failed",
            Kind::Recovered => "recovered",
            Kind::Succeeded => "succeeded",
            Kind::InProgress => "in-progress",
            Kind::Joined => "joined",
            Kind::Left => "left",
            Kind::Stuck => "stuck",
            Kind::Reminder => "reminder",
        };
        self.0.contains(name)
    }

    /// Whether baselines are told.
    pub fn tells_baseline(&self) -> bool {
        self.0.contains("baseline")
    }

    /// Whether the deletion of a pack is told.
    pub fn tells_pack_deleted(&self) -> bool {
        self.0.contains("pack-deleted")
    }
}

/// The ARN of a standard SNS topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicArn(String);

impl FromStr for TopicArn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split(':').collect();
        match parts.as_slice() {
            ["arn", _, "sns", region, account, name]
                if !region.is_empty() && account.len() == 12 && !name.is_empty() =>
            {
                if name.ends_with(".fifo") {
                    return Err(format!("{text:?} is a FIFO topic, which reaches neither e-mail nor Slack"));
                }
                Ok(Self(text.to_owned()))
            }
            _ => Err(format!("{text:?} is not a topic's ARN: arn:aws:sns:REGION:ACCOUNT:NAME")),
        }
    }
}

impl TopicArn {
    /// The ARN itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The region in which the topic is.
    pub fn region(&self) -> &str {
        self.0.split(':').nth(3).unwrap_or_default()
    }
}

fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

/// A comma list, each item once, in the order given (or sorted, as the collection has it).
fn list<T: FromStr<Err: fmt::Display>, C: FromIterator<T>>(text: &str) -> Result<C, String> {
    let mut seen = BTreeSet::new();
    let parsed = items(text).filter(|item| seen.insert(*item)).map(|item| item.parse::<T>());
    let (good, bad): (Vec<_>, Vec<_>) = parsed.partition(Result::is_ok);
    let faults: Vec<String> = bad.into_iter().filter_map(|e| e.err().map(|e| e.to_string())).collect();
    if faults.is_empty() { Ok(good.into_iter().flatten().collect()) } else { Err(faults.join("; ")) }
}

fn number(text: &str, least: u32, most: u32) -> Result<u32, String> {
    match text.parse() {
        Ok(n) if (least..=most).contains(&n) => Ok(n),
        _ => Err(format!("{text:?} is not a whole number from {least} to {most}")),
    }
}

pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a duration such as 30s, 15m, 2h or 7d");
    let span: Span = text.parse().map_err(|_| wrong())?;
    let exact = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| wrong())?;
    exact.try_into().map_err(|_| wrong())
}

fn remind_every(text: &str) -> Result<Option<Duration>, String> {
    match text {
        "never" => Ok(None),
        _ => match duration(text)? {
            every if every < Duration::from_secs(60) => {
                Err(format!("{text:?} is less than a minute: reminders would never stop"))
            }
            every => Ok(Some(every)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lambda(vars: &[(&str, &str)]) -> Result<(Settings, Destinations), Faults> {
        of_lambda(&|name| vars.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned()))
    }

    const TABLE: (&str, &str) = ("PACKWATCH_TABLE", "packwatch");
    const TOPIC: (&str, &str) = ("PACKWATCH_ALERTS_TOPIC_ARN", "arn:aws:sns:eu-west-1:111122223333:alerts");
    const REGION: (&str, &str) = ("AWS_REGION", "eu-west-1");

    #[test]
    fn what_is_required_suffices_and_empty_counts_as_absent() {
        let (settings, destinations) =
            lambda(&[TABLE, TOPIC, REGION, ("PACKWATCH_PACKS", ""), ("PACKWATCH_EVENTS_TOPIC_ARN", " ")])
                .unwrap();
        assert_eq!(settings.regions, ["eu-west-1".parse().unwrap()]);
        assert_eq!(settings.thresholds.stuck_after, Duration::from_secs(7200));
        assert_eq!(settings.history, Duration::from_secs(90 * 86400));
        assert_eq!(destinations.events_topic, None);
    }

    #[test]
    fn every_fault_is_told_at_once() {
        let error = lambda(&[
            TOPIC,
            ("PACKWATCH_REGIONS", "eu-west-1,Frankfurt"),
            ("PACKWATCH_NOTIFY", "failed,explosions"),
            ("PACKWATCH_CONCURRENCY", "0"),
            ("PACKWATCH_STUCK_AFTER", "soon"),
        ])
        .unwrap_err()
        .to_string();
        let wanted = ["5 settings", "PACKWATCH_TABLE", "Frankfurt", "explosions", "from 1 to 64", "\"soon\""];
        for part in wanted {
            assert!(error.contains(part), "{part} is missing in: {error}");
        }
    }

    #[test]
    fn globs_choose_and_exclude() {
        let filter: PackFilter = "Op-*,*-CIS*,!*-old".parse().unwrap();
        let watched = |name: &str| filter.matches(&name.parse().unwrap());
        assert!(watched("Op-1") && watched("Best-CIS") && watched("A-CIS-b"));
        assert!(!watched("Other") && !watched("Op-old") && !watched("xOp-1"));
        let only_exclude: PackFilter = "!a*b*c".parse().unwrap();
        assert!(only_exclude.matches(&"abx".parse().unwrap()));
        assert!(!only_exclude.matches(&"a1b2c".parse().unwrap()));
        assert!(!"ab*ba".parse::<PackFilter>().unwrap().matches(&"aba".parse().unwrap()));
    }

    #[test]
    fn durations_are_what_people_write() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("1h30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(duration("7d"), Ok(Duration::from_secs(7 * 86400)));
        assert!(duration("-2h").is_err() && duration("2").is_err());
        assert_eq!(remind_every("never"), Ok(None));
    }

    #[test]
    fn an_unknown_status_is_told_whatever_is_asked_for() {
        let notify: Notify = "failed".parse().unwrap();
        assert!(notify.tells(Kind::Failed) && notify.tells(Kind::Unrecognised) && !notify.tells(Kind::Left));
        assert!(!notify.tells_baseline());
    }

    #[test]
    fn a_fifo_topic_is_refused() {
        let error = "arn:aws:sns:eu-west-1:111122223333:a.fifo".parse::<TopicArn>().unwrap_err();
        assert!(error.contains("FIFO"), "{error}");
    }
}
