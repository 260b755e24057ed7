//! Recorded statuses: where they are read from, and whether they can be of every account.

use std::path::{Path, PathBuf};

use crate::cli::outcome::Failure;
use crate::cli::outside::{Store, text};
use crate::local::RecordedStatuses;
use crate::model::text::grouped;
use crate::model::{AccountId, DetailedStatus, PackName, Target};
use crate::ports::SnapshotStore;
use crate::settings::Settings;
use crate::state::{Row, Rows};

/// The recorded statuses of these files. What is wrong with any of them is reported with all others.
pub(super) fn recorded(
    files: &[PathBuf],
    named: Option<&PackName>,
    settings: &Settings,
) -> Result<RecordedStatuses, Failure> {
    let [region] = settings.regions.as_slice() else {
        return Err("recorded statuses are of one region: name it with --region".into());
    };
    if named.is_some() && files.len() > 1 {
        return Err("--pack names the pack of one --statuses file, but there are several".into());
    }
    let mut recorded = RecordedStatuses::new(region.clone());
    let added = files.iter().map(|file| add(&mut recorded, file, named));
    let faults: Vec<String> = added.filter_map(Result::err).collect();
    if faults.is_empty() { Ok(recorded) } else { Err(faults.join("\n").into()) }
}

fn add(recorded: &mut RecordedStatuses, file: &Path, named: Option<&PackName>) -> Result<(), String> {
    let origin = if file.as_os_str() == "-" { "stdin".to_owned() } else { file.display().to_string() };
    let named_so = || file.file_stem()?.to_str()?.parse().ok();
    let pack = named.cloned().or_else(named_so);
    let pack = pack.ok_or_else(|| format!("{origin}: which pack is this? Name it with --pack"))?;
    let text = text(file).map_err(|error| format!("{origin}: {error}"))?;
    recorded.add(pack, &text).map_err(|error| format!("{origin}: {error}"))
}

/// Refuses statuses that cannot be of every account: each that is missing would count as having left.
pub(super) async fn lacks_most(
    recorded: &RecordedStatuses,
    store: &Store,
    settings: &Settings,
) -> Result<(), Failure> {
    let known = store.load().await?.known;
    let mut faults = Vec::new();
    for (target, read) in recorded.rows() {
        if known.get(&target).is_some_and(|head| !head.is_deleted()) {
            let mut rows = store.snapshot(&target).await?.rows;
            rows.retain(|account, _| !settings.excluded.contains(account));
            faults.extend(filtered(&target, &rows, read));
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n").into()) }
}

/// Why these statuses are not of every account, as far as one can tell: most are missing, or all that are there have one
/// status, and the missing ones another.
fn filtered(target: &Target, rows: &Rows, read: &[DetailedStatus]) -> Option<String> {
    let is_there = |account: &AccountId| read.binary_search_by_key(account, |row| row.account).is_ok();
    let missing: Vec<&Row> =
        rows.iter().filter(|(account, _)| !is_there(account)).map(|(_, row)| &**row).collect();
    let status = read.first().map(|row| &row.status).filter(|one| read.iter().all(|row| row.status == **one));
    let by_status =
        status.filter(|one| missing.len() > 1 && missing.iter().all(|row| row.state.status != **one));
    let what = match by_status {
        Some(status) => format!(": all that are there are {status}, and those were not"),
        None if missing.len() * 2 > rows.len() => String::new(),
        None => return None,
    };
    let (missing, all) = (grouped(missing.len() as u64), grouped(rows.len() as u64));
    Some(format!(
        "{}: {missing} of {all} recorded accounts are missing{what}. If the statuses were recorded with --filters or \
         --query, record them without, or add --partial to compare only what is there. If the accounts have left, add \
         --whole",
        target.pack
    ))
}
