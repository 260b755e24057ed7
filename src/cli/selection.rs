//! Which packs a list is about, and what is to be said where there are none: nothing recorded, a name that nobody
//! has, a baseline that is not finished. None of these may look like "all healthy".

use std::collections::BTreeMap;

use clap::Args;

use super::args::Global;
use super::outcome::{Failure, note};
use super::outside::StoreArgs;
use crate::model::text::did_you_mean;
use crate::model::{PackGlob, Region, Target};
use crate::state::head::{Head, Heads};

/// Which packs a list is about.
#[derive(Debug, Args)]
pub(super) struct PackArgs {
    /// Only this organization conformance pack, by name or with *. May be repeated
    #[arg(long = "pack", visible_alias = "organization-conformance-pack-name", value_name = "NAME")]
    pub(super) packs: Vec<PackGlob>,
    /// Only packs of this region (with --table, --region is the table's). May be repeated
    #[arg(long = "pack-region", value_name = "REGION")]
    pub(super) regions: Vec<Region>,
}

/// The packs that were asked for.
pub(super) struct Selection {
    pub(super) targets: BTreeMap<Target, Head>,
    /// Why that is not everything: some cannot be read, or the baselines of some are not finished.
    pub(super) incomplete: Option<String>,
}

impl PackArgs {
    /// Keeps what is asked for. A file is in no region, so that --region can only mean the packs'.
    pub(super) fn select(
        &self,
        heads: Heads,
        global: &Global,
        store: &StoreArgs,
    ) -> Result<Selection, Failure> {
        let Heads { known: mut targets, mut unreadable, .. } = heads;
        if targets.is_empty() && unreadable.is_empty() {
            return Err(
                format!("nothing is recorded in {store}. Record something with `packwatch run`").into()
            );
        }
        let of_file = global.region.as_deref().filter(|_| store.table.is_none());
        let of_file = of_file.map(str::parse::<Region>).transpose()?;
        let regions: Vec<&Region> = self.regions.iter().chain(&of_file).collect();
        let recorded: Vec<Target> = targets.keys().chain(unreadable.keys()).cloned().collect();
        let unmatched = self.unmatched(&regions, &recorded);
        let wants = |target: &Target| {
            (regions.is_empty() || regions.contains(&&target.region))
                && (self.packs.is_empty() || self.packs.iter().any(|glob| glob.matches(&target.pack)))
        };
        targets.retain(|target, _| wants(target));
        unreadable.retain(|target, _| wants(target));
        if targets.is_empty() && unreadable.is_empty() {
            let neither = || "no recorded pack fits both --pack and the region".to_owned();
            let why = if unmatched.is_empty() { neither() } else { unmatched.join("; ") };
            return Err(why.into());
        }
        unmatched.iter().for_each(note);
        let is_unfinished =
            |(_, head): &(&Target, &Head)| head.baseline_epoch.is_none() && !head.is_deleted();
        let unfinished = targets.iter().find(is_unfinished);
        let unfinished =
            unfinished.map(|(target, _)| format!("the baseline of {target} is not finished yet"));
        let incomplete = unreadable.into_values().next().or(unfinished);
        Ok(Selection { targets, incomplete })
    }

    /// What fits nothing that is recorded, with what may have been meant.
    fn unmatched(&self, regions: &[&Region], recorded: &[Target]) -> Vec<String> {
        let mut unmatched = unknown_packs(&self.packs, recorded.iter());
        let absent = regions.iter().filter(|region| recorded.iter().all(|target| target.region != ***region));
        let mut known: Vec<&str> = recorded.iter().map(|target| target.region.as_str()).collect();
        known.dedup();
        unmatched.extend(
            absent.map(|region| format!("no pack is recorded in {region}, but in {}", known.join(", "))),
        );
        unmatched
    }
}

/// What of these fits no recorded pack, with what may have been meant.
pub(super) fn unknown_packs<'a>(
    globs: &[PackGlob],
    recorded: impl Iterator<Item = &'a Target> + Clone,
) -> Vec<String> {
    let unknown = globs.iter().filter(|glob| !recorded.clone().any(|target| glob.matches(&target.pack)));
    let unknown = unknown.map(|glob| {
        let glob = glob.to_string();
        let meant = did_you_mean(glob.trim_matches('*'), recorded.clone().map(|target| target.pack.as_str()));
        format!("no recorded pack fits {glob:?}{meant}")
    });
    unknown.collect()
}

impl Selection {
    /// Without the packs that are gone.
    pub(super) fn without_deleted(mut self) -> Result<Self, Failure> {
        let first = self.targets.keys().next().cloned();
        self.targets.retain(|_, head| !head.is_deleted());
        match first {
            Some(Target { pack, region }) if self.targets.is_empty() && self.incomplete.is_none() => {
                let past = format!("`packwatch history --pack {pack}` shows its past");
                Err(format!("no pack is left: {pack} ({region}) was deleted. {past}").into())
            }
            _ => Ok(self),
        }
    }
}
