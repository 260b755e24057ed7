//! How fresh a board is. A run that finds no change writes nothing but, once an hour, that it ran, and in packs that get
//! quick scans the time of each full scan.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::cli::table;
use crate::model::Target;
use crate::model::text::counted;
use crate::settings::Reader;
use crate::state::head::{Head, RAN_AT, SharedSettings};
use crate::watch::scan::policy;

/// A pack, or all of it, is out of date after so many intervals.
const INTERVALS: u32 = 3;

/// How often the function leaves that it ran.
const HOUR: Duration = Duration::from_secs(3600);

/// When a pack was last read in full, as far as that is recorded.
pub(super) fn read_in_full(head: &Head) -> Option<Timestamp> {
    head.last_full_scan_at.and_then(|at| Timestamp::from_second(at).ok())
}

/// When a pack was last compared, as far as that is recorded.
pub(super) fn compared(head: &Head) -> Timestamp {
    read_in_full(head).map_or(head.committed_at, |at| at.max(head.committed_at))
}

/// What to say where packs are out of date, by what the scheduled function leaves; without one, nobody knows when the next
/// run is to be.
pub(super) fn warning(
    packs: &BTreeMap<Target, Head>,
    settings: Option<&SharedSettings>,
    now: Timestamp,
) -> Option<String> {
    let kept = settings?;
    let settings = Reader::new(&|name| kept.get(name).cloned()).settings();
    let is_older = |at: Timestamp, every: Duration| {
        now.duration_since(at) > SignedDuration::try_from(every * INTERVALS).unwrap_or(SignedDuration::MAX)
    };
    const ASK: &str = "Is packwatch running? Ask: packwatch doctor --function NAME";
    let ran_at = kept.get(RAN_AT).and_then(|at| at.parse::<Timestamp>().ok());
    if let Some(ran_at) = ran_at.filter(|at| is_older(*at, HOUR)) {
        return Some(format!("OUT OF DATE: packwatch last ran at about {} UTC. {ASK}", table::time(ran_at)));
    }
    let packs: Vec<&Head> = packs.values().filter(|head| !head.is_deleted()).collect();
    let every = settings.full_scan_every?;
    let recurs = |head: &&&Head| policy::recurs(head) && is_older(compared(head), every);
    let late: Vec<_> = packs.iter().filter(recurs).map(|head| compared(head)).collect();
    let newest = *late.iter().max()?;
    let (late, all) = (late.len(), counted(packs.len() as u64, "pack"));
    let were = if late == 1 { "was" } else { "were" };
    let at = table::time(newest);
    Some(format!("OUT OF DATE: {late} of {all} {were} last compared at {at} UTC or earlier. {ASK}"))
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
    fn a_function_that_ran_three_hours_ago_is_not_running() {
        let ran = |at: &str| {
            let kept = [(RAN_AT, at)];
            said(1_200, "CREATE_FAILED", ["10T00:00", "10T00:00"], &kept)
        };
        assert_eq!(ran("2026-11-20T09:00:00Z"), None);
        assert!(ran("2026-11-20T08:59:59Z").unwrap().contains("last ran at about 2026-11-20 08:59"));
        assert_eq!(said(1_200, "CREATE_FAILED", ["10T00:00", "10T00:00"], &[]), None, "nobody knows");
    }
}
