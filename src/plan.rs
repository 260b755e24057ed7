//! Which targets a run takes, from what was asked for, what is listed and what is known. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::Request;
use crate::model::{PackName, Region, Target};
use crate::settings::Settings;
use crate::snapshot::{Head, Heads};

/// One target of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The target.
    pub target: Target,
    /// Its head as it was loaded.
    pub head: Option<Head>,
    /// Why it must not be touched: its items are damaged, or of a newer packwatch.
    pub unreadable: Option<String>,
}

/// The regions whose packs must be listed for this request: none when it names a pack.
pub fn regions_to_list(request: &Request, settings: &Settings) -> Vec<Region> {
    let regions = watched_regions(request, settings).cloned();
    if request.packs.is_empty() { regions.collect() } else { Vec::new() }
}

fn watched_regions<'a>(request: &'a Request, settings: &'a Settings) -> impl Iterator<Item = &'a Region> {
    settings.regions.iter().filter(|region| request.region.as_ref().is_none_or(|only| only == *region))
}

/// What is wrong with a request under these settings.
pub fn check(request: &Request, settings: &Settings) -> Result<(), String> {
    let regions = settings.regions.iter().map(Region::as_str).collect::<Vec<_>>().join(", ");
    let unwatched = request.packs.iter().find(|pack| !settings.packs.matches(pack));
    match (&request.region, unwatched) {
        (Some(region), _) if !request.tentative && !settings.regions.contains(region) => Err(format!(
            "Region {region} is not watched. Watched: {regions}. Set PACKWATCH_REGIONS to change that"
        )),
        (None, _) if settings.regions.len() > 1 && request.pagination.is_cut() => {
            Err(format!("a request with MaxItems or StartingToken needs its Region: one of {regions}"))
        }
        (_, Some(pack)) if !request.tentative => {
            Err(format!("{pack} is not watched: PACKWATCH_PACKS leaves it out"))
        }
        _ => Ok(()),
    }
}

/// Every target: what is listed, and what is known and no longer listed, since only asking for it by name
/// tells whether it is gone. In the order of their names.
pub fn targets(
    request: &Request,
    settings: &Settings,
    listed: &BTreeMap<Region, Vec<PackName>>,
    mut heads: Heads,
) -> Vec<Planned> {
    let mut names: BTreeSet<Target> = BTreeSet::new();
    for region in watched_regions(request, settings) {
        names.extend(request.packs.iter().map(|pack| Target { region: region.clone(), pack: pack.clone() }));
    }
    for (region, packs) in listed {
        names.extend(packs.iter().map(|pack| Target { region: region.clone(), pack: pack.clone() }));
        // A tombstone is asked for as long as a topic has not had all that happened before it.
        let alive = |head: &Head| !head.deleted || head.owes();
        let known = heads.known.iter().filter(|(target, head)| target.region == *region && alive(head));
        names.extend(known.map(|(target, _)| target.clone()));
    }
    let watched = names.into_iter().filter(|target| settings.packs.matches(&target.pack));
    let planned = watched.map(|target| Planned {
        head: heads.known.remove(&target),
        unreadable: heads.unreadable.remove(&target),
        target,
    });
    planned.collect()
}
