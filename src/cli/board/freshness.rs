//! How fresh a board is. A run that finds no change writes nothing but, once an hour, that it ran, and in packs that get
//! quick scans the time of each full scan.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::cli::table;
use crate::settings::Reader;
use crate::state::head::{Head, SharedSettings, ran_at};
use crate::watch::scan::policy;

/// A pack, or all of it, is out of date after so many intervals.
const INTERVALS: u32 = 3;

/// How often the function leaves that it ran.
const HOUR: Duration = Duration::from_secs(3600);

/// When a pack was last compared, as far as that is recorded.
pub(super) fn compared(head: &Head) -> Timestamp {
    head.last_full_scan().map_or(head.committed_at, |at| at.max(head.committed_at))
}

/// What to say where packs are out of date, by what the scheduled function leaves; without one, nobody knows when the next
/// run is to be.
pub(in crate::cli) fn out_of_date<'a>(
    packs: impl IntoIterator<Item = &'a Head>,
    settings: Option<&SharedSettings>,
    now: Timestamp,
) -> Option<String> {
    let kept = settings?;
    let settings = Reader::new(&|name| kept.get(name).cloned()).settings();
    let is_older = |at: Timestamp, every: Duration| {
        now.duration_since(at) > SignedDuration::try_from(every * INTERVALS).unwrap_or(SignedDuration::MAX)
    };
    if let Some(ran_at) = ran_at(kept).filter(|at| is_older(*at, HOUR)) {
        return Some(format!("packwatch last ran at about {} UTC", table::time(ran_at)));
    }
    let every = settings.full_scan_every?;
    let recurs = |head: &&Head| !head.is_deleted() && policy::recurs(head);
    let late = packs.into_iter().filter(recurs).map(compared).filter(|at| is_older(*at, every));
    let at = table::time(late.max()?);
    Some(format!("there are packs that were last compared at {at} UTC or earlier"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::head::RAN_AT;

    /// What the full scans of a pack say is in tests/it/commands/board.rs.
    #[test]
    fn a_function_that_ran_three_hours_ago_is_not_running() {
        let ran = |at: &str| {
            let settings = SharedSettings::from([(RAN_AT.to_owned(), at.to_owned())]);
            out_of_date([], Some(&settings), "2026-11-20T12:00:00Z".parse().unwrap())
        };
        assert_eq!(ran("2026-11-20T09:00:00Z"), None);
        assert!(ran("2026-11-20T08:59:59Z").unwrap().contains("last ran at about 2026-11-20 08:59"));
    }
}
