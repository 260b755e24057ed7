//! How fresh a board is. A run that finds no change writes nothing, so that not every pack shows whether packwatch is
//! running. Two kinds do: one that gets quick scans has the time of each full scan, and in one with an account that is not
//! healthy, each period between two reminders is recorded.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::cli::table;
use crate::model::text::counted;
use crate::model::{Phase, Target};
use crate::settings::{Reader, Settings};
use crate::state::head::{Head, SharedSettings};
use crate::watch::scan::policy::TargetFacts;

/// A pack is out of date when it was last compared so many intervals ago.
const INTERVALS: u32 = 3;

/// When a pack was last read in full, as far as that is recorded.
pub(super) fn read_in_full(head: &Head) -> Option<Timestamp> {
    head.last_full_scan_at.and_then(|at| Timestamp::from_second(at).ok())
}

/// When a pack was last compared, as far as that is recorded.
pub(super) fn compared(head: &Head) -> Timestamp {
    read_in_full(head).map_or(head.committed_at, |at| at.max(head.committed_at))
}

/// How often a running packwatch leaves something in the head; `None`: whenever something changes.
fn interval(head: &Head, settings: &Settings) -> Option<Duration> {
    let is_active = head.accounts.keys().any(|status| status.phase() != Phase::Successful);
    let full_scans = settings.full_scan_every.filter(|_| TargetFacts::of(Some(head)).recurs());
    full_scans.or(settings.thresholds.remind_every.filter(|_| is_active))
}

/// What to say where packs are out of date, by the settings of the scheduled function that records them; without one,
/// nobody knows when the next run is to be.
pub(super) fn warning(
    packs: &BTreeMap<Target, Head>,
    settings: Option<&SharedSettings>,
    now: Timestamp,
) -> Option<String> {
    let settings = settings?;
    let settings = Reader::new(&|name| settings.get(name).cloned()).settings();
    let packs: Vec<&Head> = packs.values().filter(|head| !head.is_deleted()).collect();
    let is_late = |head: &&&Head| {
        let age = u64::try_from(now.duration_since(compared(head)).as_secs()).unwrap_or(0);
        interval(head, &settings)
            .is_some_and(|every| Duration::from_secs(age) > every.saturating_mul(INTERVALS))
    };
    let late: Vec<_> = packs.iter().filter(is_late).map(|head| compared(head)).collect();
    let newest = *late.iter().max()?;
    let (late, all) = (late.len(), counted(packs.len() as u64, "pack"));
    Some(format!(
        "OUT OF DATE: {late} of {all} {} last compared at {} UTC or earlier. Is packwatch running? \
         Ask: packwatch doctor --function NAME",
        if late == 1 { "was" } else { "were" },
        table::time(newest)
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: &str = "2026-11-20T12:00:00Z";

    /// What is said of one pack of so many accounts in a status, and for these settings.
    fn said(accounts: u64, status: &str, at: [&str; 2], settings: &[(&str, &str)]) -> Option<String> {
        let [committed_at, full] = at.map(|time| format!("2026-11-{time}:00Z").parse::<Timestamp>().unwrap());
        let head = json!({
            "schema": 1, "history_id": "h", "epoch": 2, "run": "r", "committed_at": committed_at, "baseline_epoch": 1,
            "chunks": 1, "chunk_epochs": 2, "accounts": {status: accounts}, "last_full_scan_at": full.as_second(),
        });
        let target = Target { region: "eu-west-1".parse().unwrap(), pack: "P".parse().unwrap() };
        let packs = BTreeMap::from([(target, serde_json::from_value(head).unwrap())]);
        let settings =
            settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        warning(&packs, Some(&settings), NOW.parse().unwrap())
    }

    #[test]
    fn a_small_pack_is_judged_by_its_reminders() {
        let small = |status, at, settings: &[_]| said(1_200, status, [at, "10T00:00"], settings);
        assert_eq!(small("CREATE_SUCCESSFUL", "10T00:00", &[]), None, "it is quiet for months");
        assert_eq!(small("CREATE_FAILED", "17T12:00", &[]), None);
        assert!(small("CREATE_FAILED", "17T11:59", &[]).is_some());
        assert!(small("UPDATE_IN_PROGRESS", "17T11:59", &[]).is_some());
        let never = [("PACKWATCH_REMIND_EVERY", "never")];
        assert_eq!(small("CREATE_FAILED", "10T00:00", &never), None);
    }
}
