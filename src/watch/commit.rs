//! Compares what a scan observed with what is recorded, and commits the difference: one transaction, or several where
//! it is too large, each whole in itself.
//!
//! A commit succeeds only on the epoch that was loaded before anything was observed. A full scan that loses it took a
//! hundred calls, and most of it still holds: it rebases, once.

use crate::ports::{Outside, SnapshotStore, StoreError};
use crate::state::Row;
use crate::state::commit::{Change, Closing, Draft, Snapshot};
use crate::state::fingerprint;
use crate::state::head::{Head, counts};
use crate::state::log::{Notice, PackEvent, Record};
use crate::watch::compare::overdue;
use crate::watch::compare::{self, Comparison, Observation};
use crate::watch::context::Context;
use crate::watch::plan::Planned;
use crate::watch::report::Outcome;
use crate::watch::room::Held;
use crate::watch::scan::outcome::{Observed, Preview, ScanOutcome};
use crate::watch::scan::policy::Scan;
use crate::watch::scan::stop::Stop;
use crate::watch::snapshot::{note_full_scan, read_snapshot};

/// What is recorded, on which a commit builds.
#[derive(Debug)]
pub struct Basis {
    /// The head; without one, that of a history that begins.
    head: Head,
    /// The snapshot.
    pub snapshot: Snapshot,
    /// Whether it was loaded again after the observation: what is newer in it than the first load is left as it is.
    is_rebased: bool,
}

impl Basis {
    /// What was loaded before the observation.
    pub fn new(head: &Head, snapshot: Snapshot) -> Self {
        let mut head = head.clone();
        if head.epoch == 0 {
            head.history_id = format!("{:032x}", fastrand::u128(..));
        }
        Self { head, snapshot, is_rebased: false }
    }

    fn has_baseline(&self) -> bool {
        self.head.baseline_epoch.is_some()
    }
}

/// What is to be committed.
struct Found {
    changes: Vec<Change>,
    closing: Closing,
    /// Whether every account was seen and compared.
    is_complete: bool,
    accounts: u64,
}

/// Waits until there is room to compare so many accounts: what is recorded, what was read and the changes, until they
/// are committed, are the most that a run holds.
pub async fn room_for<'a, O>(context: &'a Context<'_, O>, accounts: u64) -> Result<Held<'a>, Stop> {
    context.budget.within(context.room.take(accounts)).await.flatten().ok_or(Stop::NoTime)
}

/// Commits the difference between what was observed and what is recorded.
pub async fn commit<O: Outside>(
    context: &Context<'_, O>,
    planned: &Planned,
    mut basis: Basis,
    observed: Observed,
    outcome: &mut ScanOutcome,
) -> Result<(), Stop> {
    loop {
        let found = find(context, planned, &basis, &observed)?;
        outcome.report.accounts = match observed.scan {
            Some(_) => found.accounts,
            None => outcome.report.accounts,
        };
        outcome.report.statuses = (basis.head.epoch > 0).then(|| basis.head.accounts.clone());
        if found.is_complete && observed.scan == Some(Scan::Full) {
            outcome.full_scan_at = Some(observed.observed_at);
        }
        let is_nothing = found.changes.is_empty() && found.closing.event.is_none();
        if is_nothing && !is_fingerprint_outdated(context, &basis) {
            note_full_scan(context, planned, outcome.full_scan_at).await;
            return Ok(());
        }
        match write(context, planned, &mut basis, found, outcome).await {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(Stop::Store(StoreError::Superseded))
                if observed.scan == Some(Scan::Full) && !basis.is_rebased =>
            {
                basis = rebase(context, planned).await?;
                outcome.full_scan_at = None;
            }
            Err(stop) => return Err(stop),
        }
    }
}

/// Commits that the pack is gone: no row stays, and each incident ends. A deletion that loses its commit is no longer
/// known to be one.
pub async fn commit_deletion<O: Outside>(
    context: &Context<'_, O>,
    planned: &Planned,
    outcome: &mut ScanOutcome,
) -> Result<(), Stop> {
    let head = &planned.head;
    let accounts = head.account_count();
    let _held = room_for(context, accounts).await?;
    let mut basis = Basis::new(head, read_snapshot(context, planned, head).await?);
    outcome.report.outcome = Outcome::Deleted;
    outcome.report.accounts = accounts;
    let nothing = Observation::default();
    loop {
        let at = context.outside.now();
        let comparison = comparison(context, planned, &basis, &nothing, at);
        let changes = comparison.gone();
        let is_known = basis.has_baseline();
        let notifies = is_known && context.settings.notify.includes_pack_deleted();
        let has_incidents = changes.iter().any(|change| change.transition.is_some());
        // A pack that nobody was notified of goes as it came.
        let notice = (is_known || has_incidents)
            .then(|| comparison.notice(PackEvent::PackDeleted, accounts, notifies));
        let closing = Closing { event: Some(PackEvent::PackDeleted), notice, full_scan_at: None };
        let found = Found { changes, closing, is_complete: true, accounts };
        if write(context, planned, &mut basis, found, outcome).await? {
            return Ok(());
        }
    }
}

/// Writes one commit of what was found; in a dry run, says what it would be. Whether that was all of it.
async fn write<O: Outside>(
    context: &Context<'_, O>,
    planned: &Planned,
    basis: &mut Basis,
    found: Found,
    outcome: &mut ScanOutcome,
) -> Result<bool, Stop> {
    let Context { outside, settings, budget, .. } = context;
    if context.request.dry_run {
        preview(planned, basis, found, outcome);
        return Ok(true);
    }
    if budget.is_spent() {
        return Err(Stop::NoTime);
    }
    let at = outside.now();
    let logged =
        |changes: &[Change]| changes.iter().filter(|change| change.transition.is_some()).count() as u64;
    let all = logged(&found.changes);
    let full_scan_at = outcome.full_scan_at.filter(|_| found.is_complete).map(|at| at.as_second());
    let is_baseline = found.closing.event == Some(PackEvent::Baseline);
    let draft = Draft {
        before: Some(&basis.head).filter(|head| head.epoch > 0),
        history_id: &basis.head.history_id,
        snapshot: &basis.snapshot,
        changes: found.changes,
        closing: Closing { full_scan_at, ..found.closing },
        run: &context.id,
        at,
        expires_at: compare::expires_at(settings, at),
        period: overdue::period(at, &settings.thresholds),
        grows: true,
    };
    let (commit, taken) = draft.commit();
    // Bounded by the end of publishing and not by that of scanning: what is under way is as good as written.
    let written = budget.within_dispatching(outside.store().commit(&planned.target, &commit)).await;
    written.ok_or(Stop::NoTime)??;
    outcome.has_committed = true;
    outcome.report.transitions += taken.as_deref().map_or(all, logged);
    outcome.report.statuses = Some(commit.head.accounts.clone());
    outcome.report.outcome = match outcome.report.outcome {
        _ if is_baseline => Outcome::Baseline,
        Outcome::Deleted => Outcome::Deleted,
        _ if outcome.report.transitions > 0 => Outcome::Changed,
        unchanged => unchanged,
    };
    let is_all = taken.is_none();
    basis.snapshot.apply(&commit, &taken.unwrap_or_default());
    basis.head = commit.head;
    Ok(is_all)
}

/// Whether the head has another fingerprint than its rows have now: after a restore, or when the time between two
/// reminders became longer. An empty commit sets it, so that later scans have nothing to compare.
fn is_fingerprint_outdated<O: Outside>(context: &Context<'_, O>, basis: &Basis) -> bool {
    if !basis.has_baseline() {
        return false;
    }
    let rows = &basis.snapshot.rows;
    let period = overdue::period(context.outside.now(), &context.settings.thresholds);
    let states = rows.iter().map(|(account, row)| (account, &row.state));
    !rows.values().any(|row| row.flapping)
        && basis.head.fingerprint != Some(fingerprint::both(states, period).0)
}

/// The head and the snapshot as they are now, for an observation that is older: `Superseded` where the pack was
/// deleted, or became known, in between.
pub async fn rebase<O: Outside>(context: &Context<'_, O>, planned: &Planned) -> Result<Basis, Stop> {
    const LOST: Stop = Stop::Store(StoreError::Superseded);
    if planned.head.baseline_epoch.is_none() {
        return Err(LOST);
    }
    let heads = context.budget.within(context.outside.store().load()).await.ok_or(Stop::NoTime)??;
    let head = heads.known.get(&planned.target).ok_or(LOST)?;
    let life = |head: &Head| (head.history_id.clone(), head.baseline_epoch, head.deleted_epoch);
    if life(head) != life(&planned.head) {
        return Err(LOST);
    }
    let snapshot = read_snapshot(context, planned, head).await?;
    Ok(Basis { is_rebased: true, ..Basis::new(head, snapshot) })
}

/// Compares. Pure, but for the settings of the run.
fn find<O: Outside>(
    context: &Context<'_, O>,
    planned: &Planned,
    basis: &Basis,
    observed: &Observed,
) -> Result<Found, Stop> {
    let Observed { observation, observed_at, scan } = observed;
    let rows = &basis.snapshot.rows;
    let comparison = comparison(context, planned, basis, observation, *observed_at);
    let mut changes = comparison.changes();
    let found = changes.len();
    if basis.is_rebased {
        // What another run has recorded since the first load may be newer than what was read; and a row that is gone
        // may have been removed since.
        let is_older = |row: &Row| row.epoch <= planned.head.epoch;
        changes.retain(|change| rows.get(&change.account).is_some_and(is_older));
    }
    let is_complete = changes.len() == found;
    let accounts = basis.snapshot.after(&changes).len() as u64;
    let completes_baseline = !basis.has_baseline() && *scan == Some(Scan::Full) && is_complete;
    let notice = completes_baseline.then(|| {
        let created_again = basis.head.deleted_epoch.is_some();
        let notifies = context.settings.notify.includes_baseline();
        Notice { created_again, ..comparison.notice(PackEvent::Baseline, accounts, notifies) }
    });
    if !basis.has_baseline() && !completes_baseline {
        return Err(Stop::NoBaseline);
    }
    let closing = Closing { event: notice.as_ref().map(|notice| notice.event), notice, full_scan_at: None };
    Ok(Found { changes, closing, is_complete, accounts })
}

fn comparison<'c, O: Outside>(
    context: &'c Context<'_, O>,
    planned: &'c Planned,
    basis: &'c Basis,
    observed: &'c Observation,
    observed_at: jiff::Timestamp,
) -> Comparison<'c> {
    Comparison {
        target: &planned.target,
        history_id: &basis.head.history_id,
        epoch: basis.head.epoch.saturating_add(1),
        rows: &basis.snapshot.rows,
        observed,
        observed_at,
        baseline: !basis.has_baseline(),
        settings: context.settings,
        silences: &planned.silences,
    }
}

impl Comparison<'_> {
    /// The record of the pack as a whole.
    fn notice(&self, event: PackEvent, accounts: u64, notify: bool) -> Notice {
        let Self { epoch, observed_at, .. } = *self;
        Notice { event, epoch, accounts, created_again: false, observed_at, notify }
    }
}

fn preview(planned: &Planned, basis: &Basis, found: Found, outcome: &mut ScanOutcome) {
    let Found { changes, closing: Closing { event, notice, .. }, .. } = found;
    let accounts = counts(basis.snapshot.after(&changes).values().map(|row| &row.state));
    let transitions = changes.into_iter().filter_map(|change| change.transition);
    let transitions: Vec<Record> = transitions.map(|transition| Record::Account(*transition)).collect();
    outcome.report.transitions = transitions.len() as u64;
    outcome.report.outcome = match event {
        Some(PackEvent::Baseline) => Outcome::Baseline,
        Some(PackEvent::PackDeleted) => Outcome::Deleted,
        None if transitions.is_empty() => Outcome::Unchanged,
        None => Outcome::Changed,
    };
    let records = transitions.into_iter().chain(notice.map(Record::Pack)).collect();
    let (target, history_id) = (planned.target.clone(), basis.head.history_id.clone());
    outcome.preview = Some(Box::new(Preview { target, history_id, accounts, records }));
}
