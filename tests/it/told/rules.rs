//! The settings that decide what people hear, and when.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use packwatch::model::{AccountId, Kind, Target};
use packwatch::state::silence::Silence;

/// The settings that matter to people.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub(crate) notify: BTreeSet<String>,
    pub(crate) group: SignedDuration,
    zone: TimeZone,
}

impl Rules {
    pub(crate) fn new(settings: &BTreeMap<&'static str, String>) -> Self {
        let words = settings["PACKWATCH_NOTIFY"].split(',').map(str::to_owned);
        let minutes: i64 = settings["PACKWATCH_GROUP_INTERVAL"].trim_end_matches('m').parse().unwrap();
        Self {
            notify: words.collect(),
            group: SignedDuration::from_mins(minutes),
            zone: TimeZone::get(&settings["PACKWATCH_TIME_ZONE"]).unwrap(),
        }
    }

    /// The last nine o'clock.
    pub(crate) fn morning(&self, now: Timestamp) -> Timestamp {
        let nine = |date: jiff::civil::Date| {
            self.zone.to_timestamp(date.to_datetime(jiff::civil::time(9, 0, 0, 0))).unwrap()
        };
        let today = self.zone.to_datetime(now).date();
        if nine(today) <= now { nine(today) } else { nine(today.yesterday().unwrap()) }
    }
}

/// Whether a silence covers such a change.
pub(crate) fn is_silenced(
    silences: &BTreeMap<String, Silence>,
    target: &Target,
    account: Option<AccountId>,
    kind: Kind,
    now: Timestamp,
) -> bool {
    silences.values().any(|silence| {
        let kinds = &silence.kinds;
        let repeats = matches!(kind, Kind::Reminder | Kind::FailedAgain) && kinds.contains(&Kind::Failed);
        now < silence.until
            && (silence.packs.is_empty() || silence.packs.iter().any(|glob| glob.matches(&target.pack)))
            && (silence.regions.is_empty() || silence.regions.contains(&target.region))
            && (silence.accounts.is_empty() || account.is_some_and(|id| silence.accounts.contains(&id)))
            && (kinds.is_empty() || kinds.contains(&kind) || repeats)
    })
}
