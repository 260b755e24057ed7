//! Which targets a run takes, from what was asked for, what is listed and what is known. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{PackName, Region, Target};
use crate::settings::Settings;
use crate::state::head::{Head, Heads};
use crate::state::silence::Silences;
use crate::watch::request::Request;

/// One target of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The target.
    pub target: Target,
    /// Its head as it was loaded; the default one: there is none yet.
    pub head: Head,
    /// Why it must not be touched: its items are damaged, or of a newer packwatch.
    pub unreadable: Option<String>,
    /// Whether its pack is listed; `None` where it was not looked for in a list.
    pub listed: Option<bool>,
    /// The silences that may be about it.
    pub silences: Silences,
    /// The incidents that a silence kept from people when a digest was made, and until when, in seconds since 1970.
    pub withheld: BTreeMap<String, i64>,
}

/// The regions whose packs must be listed for this request: none when it names packs.
pub fn regions_to_list(request: &Request, settings: &Settings) -> Vec<Region> {
    let regions = watched_regions(request, settings).cloned();
    if request.packs.is_empty() { regions.collect() } else { Vec::new() }
}

fn watched_regions<'a>(request: &'a Request, settings: &'a Settings) -> impl Iterator<Item = &'a Region> {
    let is_asked_for = |region: &&Region| request.region.as_ref().is_none_or(|only| only == *region);
    settings.regions.iter().filter(is_asked_for)
}

/// What is wrong with a request under these settings.
pub fn check(request: &Request, settings: &Settings) -> Result<(), String> {
    let regions = settings.regions.iter().map(Region::as_str).collect::<Vec<_>>().join(", ");
    let unwatched = request.packs.iter().find(|pack| !settings.packs.matches(pack));
    let elsewhere = request.region.as_ref().filter(|region| !settings.regions.contains(region));
    match (elsewhere, unwatched) {
        (Some(region), _) if !request.tentative => Err(format!(
            "Region {region} is not watched. Watched: {regions}. Set PACKWATCH_REGIONS to change that"
        )),
        _ if request.region.is_none() && settings.regions.len() > 1 && request.pagination.is_cut() => {
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
        let known =
            heads.known.iter().filter(|(target, head)| target.region == *region && !head.is_deleted());
        names.extend(known.map(|(target, _)| target.clone()));
        // Nobody can tell how far such a pack lags: that is said in every run, listed or not.
        names.extend(heads.unreadable.keys().filter(|target| target.region == *region).cloned());
    }
    let watched = names.into_iter().filter(|target| settings.packs.matches(&target.pack));
    let is_listed = |target: &Target| Some(listed.get(&target.region)?.contains(&target.pack));
    let planned = |target: Target| Planned {
        listed: is_listed(&target),
        head: heads.known.remove(&target).unwrap_or_default(),
        unreadable: heads.unreadable.remove(&target),
        silences: heads.silences.of(&target),
        withheld: heads.alerts.known.withheld_of(&target),
        target,
    };
    watched.map(planned).collect()
}

/// Why the run of a schedule watches nothing at all. That must not look like an organization in which all is healthy.
pub fn nothing_to_watch(
    settings: &Settings,
    listed: &BTreeMap<Region, Vec<PackName>>,
    heads: &Heads,
) -> Option<String> {
    let known = heads.known.keys().filter(|target| settings.regions.contains(&target.region));
    let mut packs = listed.values().flatten().chain(known.map(|target| &target.pack));
    if packs.any(|pack| settings.packs.matches(pack)) {
        return None;
    }
    let regions = listed.keys().map(Region::as_str).collect::<Vec<_>>().join(", ");
    Some(format!(
        "nothing to watch: no organization conformance pack that PACKWATCH_PACKS includes is visible in {regions}. AWS \
         Config shows packs only to the account that deployed them, in their region"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Reader;

    fn settings(packs: &str, regions: &str) -> Settings {
        let lookup = |name: &str| match name {
            "PACKWATCH_PACKS" => Some(packs.to_owned()),
            "PACKWATCH_REGIONS" => Some(regions.to_owned()),
            _ => None,
        };
        Reader::new(&lookup).settings()
    }

    fn target(region: &str, pack: &str) -> Target {
        Target { region: region.parse().unwrap(), pack: pack.parse().unwrap() }
    }

    fn head() -> Head {
        Head { epoch: 1, baseline_epoch: Some(1), ..Head::default() }
    }

    fn heads(known: &[(&str, &str)]) -> Heads {
        let known = known.iter().map(|(region, pack)| (target(region, pack), head()));
        Heads { known: known.collect(), ..Heads::default() }
    }

    fn names(planned: &[Planned]) -> Vec<String> {
        planned.iter().map(|planned| planned.target.to_string()).collect()
    }

    fn listed(region: &str, packs: &[&str]) -> BTreeMap<Region, Vec<PackName>> {
        BTreeMap::from([(region.parse().unwrap(), packs.iter().map(|pack| pack.parse().unwrap()).collect())])
    }

    #[test]
    fn what_is_listed_and_what_is_known_is_scanned_unless_it_is_excluded() {
        // Nobody listed the packs of us-east-1.
        let known = [("eu-west-1", "Known"), ("eu-west-1", "Known-not-watched"), ("us-east-1", "Elsewhere")];
        let mut heads = heads(&known);
        heads.known.insert(target("eu-west-1", "Gone"), Head { baseline_epoch: None, ..head() });
        heads.unreadable.insert(target("eu-west-1", "Damaged"), "why".to_owned());
        heads.unreadable.insert(target("us-east-1", "Damaged"), "why".to_owned());
        let settings = settings("!*-not-watched", "eu-west-1,us-east-1");
        let listed = listed("eu-west-1", &["Listed", "Listed-not-watched"]);
        let planned = targets(&Request::default(), &settings, &listed, heads);
        assert_eq!(names(&planned), ["Damaged in eu-west-1", "Known in eu-west-1", "Listed in eu-west-1"]);
        assert_eq!(planned[0].unreadable.as_deref(), Some("why"));
        assert_eq!([&planned[1].head, &planned[2].head], [&head(), &Head::default()]);
        assert_eq!([1, 2].map(|n| planned[n].listed), [Some(false), Some(true)]);
    }

    #[test]
    fn only_a_request_for_every_pack_lists_them_in_the_regions_that_it_wants() {
        let settings = settings("*", "eu-west-1,us-east-1");
        let listed = |packs: &[&str], region: Option<&str>| {
            let packs = packs.iter().map(|pack| pack.parse().unwrap()).collect();
            let region = region.map(|region| region.parse().unwrap());
            let request = Request { packs, region, ..Request::default() };
            assert_eq!(check(&request, &settings), Ok(()));
            let planned = targets(&request, &settings, &BTreeMap::new(), Heads::default());
            let regions = regions_to_list(&request, &settings);
            (regions.iter().map(|region| region.to_string()).collect::<Vec<_>>().join(","), names(&planned))
        };
        assert_eq!(listed(&[], None), ("eu-west-1,us-east-1".to_owned(), vec![]));
        assert_eq!(listed(&[], Some("us-east-1")), ("us-east-1".to_owned(), vec![]));
        let named = ["P in eu-west-1", "P in us-east-1"].map(str::to_owned);
        assert_eq!(listed(&["P"], None), (String::new(), named.to_vec()));
        assert_eq!(listed(&["P"], Some("us-east-1")), (String::new(), named[1..].to_vec()));
    }

    #[test]
    fn a_request_that_the_settings_leave_out_is_refused_and_one_of_cloudtrail_is_not() {
        let settings = settings("Security-*", "eu-west-1,us-east-1");
        let named = |pack: &str, region: Option<&str>| Request {
            packs: vec![pack.parse().unwrap()],
            region: region.map(|region| region.parse().unwrap()),
            ..Request::default()
        };
        let cut = |region| {
            let mut request = named("Security-1", region);
            request.pagination.max_items = Some(1);
            request
        };
        let tentative = Request { tentative: true, ..named("Other", Some("eu-west-9")) };
        for (request, why) in [
            (named("Security-1", Some("us-east-1")), None),
            (cut(Some("us-east-1")), None),
            (tentative.clone(), None),
            (named("Other", None), Some("PACKWATCH_PACKS")),
            (named("Security-1", Some("eu-west-9")), Some("eu-west-1, us-east-1")),
            (cut(None), Some("needs its Region")),
        ] {
            let error = check(&request, &settings).err();
            assert_eq!(error.is_some(), why.is_some(), "{error:?}");
            assert!(error.unwrap_or_default().contains(why.unwrap_or_default()), "{why:?}");
        }
        assert_eq!(check(&cut(None), &self::settings("*", "eu-west-1")), Ok(()), "there is one region");
        assert_eq!(targets(&tentative, &settings, &BTreeMap::new(), Heads::default()), []);
    }

    #[test]
    fn a_run_has_nothing_to_watch_where_no_watched_pack_is_or_ever_was() {
        let (none, known) = (Heads::default(), heads(&[("eu-west-1", "Deleted")]));
        for (packs, listed, heads, is_nothing) in [
            ("*", listed("eu-west-1", &[]), &none, true),
            ("*", listed("eu-west-1", &[]), &known, false),
            ("*", listed("eu-west-1", &["P"]), &none, false),
            ("P", listed("eu-west-1", &["O"]), &known, true),
            ("P", listed("eu-west-1", &["O", "P"]), &known, false),
            ("*", listed("us-east-1", &[]), &heads(&[("us-east-1", "Unwatched")]), true),
        ] {
            let said = nothing_to_watch(&settings(packs, "eu-west-1"), &listed, heads);
            assert_eq!(said.is_some(), is_nothing, "{packs} {listed:?}: {said:?}");
        }
    }
}
