//! Which packs are watched, and what people are notified about.

use std::collections::BTreeSet;
use std::str::FromStr;

use serde::Deserialize;

use super::values::{folded, items};
use crate::model::{Invalid, Kind, PackGlob, PackName};

/// Which packs are watched: globs, of which one must match, and excludes, of which none may.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct PackFilter {
    include: Vec<PackGlob>,
    exclude: Vec<PackGlob>,
}

impl Default for PackFilter {
    fn default() -> Self {
        Self { include: vec![PackGlob::any()], exclude: Vec::new() }
    }
}

impl FromStr for PackFilter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::try_from(items(text).map(str::to_owned).collect::<Vec<_>>())
    }
}

/// Reads globs, and excludes that begin with `!`.
impl TryFrom<Vec<String>> for PackFilter {
    type Error = String;

    fn try_from(items: Vec<String>) -> Result<Self, String> {
        let mut filter = Self { include: Vec::new(), exclude: Vec::new() };
        for item in &items {
            let (glob, into) = match item.strip_prefix('!') {
                Some(glob) => (glob, &mut filter.exclude),
                None => (item.as_str(), &mut filter.include),
            };
            into.push(glob.parse().map_err(|error: Invalid| error.to_string())?);
        }
        if filter.include.is_empty() {
            filter.include.push(PackGlob::any());
        }
        Ok(filter)
    }
}

impl PackFilter {
    /// Whether a pack is watched.
    pub fn matches(&self, pack: &PackName) -> bool {
        let any = |globs: &[PackGlob]| globs.iter().any(|glob| glob.matches(pack));
        any(&self.include) && !any(&self.exclude)
    }
}

/// What the alerts topic gets, each name in lower case and without hyphens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notify(BTreeSet<String>);

/// The names that `PACKWATCH_NOTIFY` takes.
const NOTIFY: [&str; 11] = [
    "failed",
    "failed-again",
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

/// What is routine: in a rollout it would come with every poll.
const ROUTINE: [&str; 2] = ["succeeded", "in-progress"];

/// Everything but what is routine.
impl Default for Notify {
    fn default() -> Self {
        Self(NOTIFY.iter().filter(|name| !ROUTINE.contains(name)).map(|name| folded(name)).collect())
    }
}

impl FromStr for Notify {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known: BTreeSet<String> = NOTIFY.iter().map(|name| folded(name)).collect();
        let mut wanted = BTreeSet::new();
        for item in items(text) {
            match folded(item) {
                name if name == "all" => wanted.extend(known.clone()),
                name if known.contains(&name) => drop(wanted.insert(name)),
                _ => return Err(format!("{item:?} is not one of all, {}", NOTIFY.join(", "))),
            }
        }
        Ok(Self(wanted))
    }
}

impl Notify {
    /// Whether transitions of a kind are reported. A status that nobody knows always is.
    pub fn includes(&self, kind: Kind) -> bool {
        match kind {
            Kind::Unrecognised | Kind::Settled => true,
            Kind::FailedAgain if self.0.contains("failed") => true,
            _ => self.0.contains(&folded(kind.as_str())),
        }
    }

    /// Whether baselines are reported.
    pub fn includes_baseline(&self) -> bool {
        self.0.contains("baseline")
    }

    /// Whether the deletion of a pack is reported.
    pub fn includes_pack_deleted(&self) -> bool {
        self.0.contains("packdeleted")
    }
}
