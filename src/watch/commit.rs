//! Compares what a scan observed with what is recorded, and commits the difference in one transaction.
//!
//! A commit succeeds only on the epoch that was loaded before anything was observed. A full scan that loses it took a
//! hundred calls, and most of it still holds: it rebases, once.

use tokio::sync::SemaphorePermit;

use crate::ports::{Outside, SnapshotStore, StoreError};
use crate::state::commit::{Change, Closing, Draft, Snapshot};
use crate::state::fingerprint;
use crate::state::head::{Head, counts};
use crate::state::log::{Notice, PackEvent, Record};
use crate::watch::compare::{self, Comparison, Extent, Observation};
use crate::watch::context::{Context, ROOM};
use crate::watch::plan::Planned;
use crate::watch::report::Outcome;
use crate::watch::scan::outcome::{Preview, ScanOutcome, Stop};
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
    accounts: u64,
}

/// Waits until there is room to compare so many accounts, or a larger pack for all there is: what is recorded, what was
/// read and the changes, until they are committed, are the most that a run holds.
pub async fn room_for<'a, O>(
    context: &'a Context<'_, O>,
    accounts: u64,
) -> Result<SemaphorePermit<'a>, Stop> {
    let accounts = u32::try_from(accounts).unwrap_or(ROOM).min(ROOM);
    let room = context.budget.within(context.room.acquire_many(accounts)).await;
    room.and_then(Result::ok).ok_or(Stop::NoTime)
}

/// Commits the difference between what was observed and what is recorded.
pub async fn commit<O: Outside>(
    context: &Context<'_, O>,
    planned: &Planned,
    mut basis: Basis,
    observed: &Observation,
    outcome: &mut ScanOutcome,
) -> Result<(), Stop> {
    loop {
        let found = find(context, planned, &basis, observed)?;
        if observed.extent != Extent::Asked {
            outcome.report.accounts = found.accounts;
        }
        outcome.report.statuses = (basis.head.epoch > 0).then(|| basis.head.accounts.clone());
        let full_scan_at = found.closing.full_scan_at.map(|_| observed.observed_at);
        let is_nothing = found.changes.is_empty() && found.closing.notice.is_none();
        if is_nothing && !is_fingerprint_outdated(&basis) {
            outcome.full_scan_at = full_scan_at;
            note_full_scan(context, planned, full_scan_at).await;
            return Ok(());
        }
        match write(context, planned, &basis, found, outcome).await {
            Ok(()) => {
                outcome.full_scan_at = full_scan_at;
                return Ok(());
            }
            Err(Stop::Store(StoreError::Superseded))
                if observed.extent == Extent::Everybody && !basis.is_rebased =>
            {
                basis = rebase(context, planned).await?;
            }
            Err(stop) => return Err(stop),
        }
    }
}

/// Commits what was found; in a dry run, says what it would be.
async fn write<O: Outside>(
    context: &Context<'_, O>,
    planned: &Planned,
    basis: &Basis,
    found: Found,
    outcome: &mut ScanOutcome,
) -> Result<(), Stop> {
    let Context { outside, settings, budget, .. } = context;
    if context.request.dry_run {
        preview(planned, basis, found, outcome);
        return Ok(());
    }
    if budget.left().is_zero() {
        return Err(Stop::NoTime);
    }
    let at = outside.now();
    let draft = Draft {
        before: &basis.head,
        snapshot: &basis.snapshot,
        changes: found.changes,
        closing: found.closing,
        run: &context.id,
        at,
        expires_at: compare::expires_at(settings, at),
    };
    let (commit, taken) = draft.commit();
    // Bounded by the end of publishing and not by that of scanning: what is under way is as good as written.
    let written = budget.within_dispatching(outside.store().commit(&planned.target, &commit)).await;
    written.ok_or(Stop::NoTime)??;
    let left = taken.as_ref().map(|taken| draft.changes.len() - taken.len());
    let taken = taken.unwrap_or(draft.changes);
    outcome.report.transitions = taken.iter().filter(|change| change.transition.is_some()).count() as u64;
    outcome.report.statuses = Some(commit.head.accounts.clone());
    outcome.report.outcome = ended(draft.closing.notice.as_ref(), outcome.report.transitions);
    outcome.committed = Some(commit.head);
    left.map_or(Ok(()), |left| Err(Stop::Left(left)))
}

fn ended(notice: Option<&Notice>, transitions: u64) -> Outcome {
    match notice.map(|notice| notice.event) {
        Some(PackEvent::Baseline) => Outcome::Baseline,
        Some(PackEvent::PackDeleted) => Outcome::Deleted,
        None if transitions == 0 => Outcome::Unchanged,
        None => Outcome::Changed,
    }
}

/// Whether the head has another fingerprint than its rows: after a restore. An empty commit sets it, so that later scans
/// have nothing to compare.
fn is_fingerprint_outdated(basis: &Basis) -> bool {
    let rows = &basis.snapshot.rows;
    let states = rows.iter().map(|(account, row)| (account, &row.state));
    basis.has_baseline()
        && !rows.values().any(|row| row.flapping)
        && basis.head.fingerprint != Some(fingerprint::of(states))
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
    let life = |head: &Head| (head.history_id.clone(), head.baseline_epoch);
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
    observed: &Observation,
) -> Result<Found, Stop> {
    let Observation { extent, observed_at, .. } = *observed;
    let rows = &basis.snapshot.rows;
    let epoch = basis.head.epoch.saturating_add(1);
    let comparison = Comparison {
        target: &planned.target,
        history_id: &basis.head.history_id,
        epoch,
        rows,
        observed,
        baseline: !basis.has_baseline(),
        settings: context.settings,
        silences: &planned.silences,
    };
    let mut changes = comparison.changes();
    let found = changes.len();
    if basis.is_rebased {
        // What another run has recorded since the first load may be newer than what was read; and a row that is gone
        // may have been removed since.
        let recorded = |change: &Change| rows.get(&change.account);
        changes.retain(|change| recorded(change).is_some_and(|row| row.epoch <= planned.head.epoch));
    }
    let is_whole = extent == Extent::Everybody && changes.len() == found;
    let event = match extent {
        Extent::Gone => Some(PackEvent::PackDeleted),
        _ if basis.has_baseline() => None,
        _ if is_whole => Some(PackEvent::Baseline),
        _ => return Err(Stop::NoBaseline),
    };
    let accounts = match event {
        Some(PackEvent::PackDeleted) => planned.head.account_count(),
        _ => basis.snapshot.size_after(&changes) as u64,
    };
    let notify = |event| match event {
        PackEvent::Baseline => context.settings.notify.includes_baseline(),
        PackEvent::PackDeleted => context.settings.notify.includes_pack_deleted(),
    };
    let notice = event.map(|event| Notice {
        event,
        epoch,
        accounts,
        created_again: event == PackEvent::Baseline && basis.head.is_deleted(),
        observed_at,
        notify: notify(event),
    });
    let closing = Closing { notice, full_scan_at: is_whole.then(|| observed_at.as_second()) };
    Ok(Found { changes, closing, accounts })
}

fn preview(planned: &Planned, basis: &Basis, found: Found, outcome: &mut ScanOutcome) {
    let Found { changes, closing: Closing { notice, .. }, .. } = found;
    let accounts = counts(basis.snapshot.after(&changes).values().map(|row| &row.state));
    let transitions = changes.into_iter().filter_map(|change| change.transition);
    let mut records: Vec<Record> = transitions.map(|transition| Record::Account(*transition)).collect();
    outcome.report.transitions = records.len() as u64;
    outcome.report.outcome = ended(notice.as_ref(), outcome.report.transitions);
    records.extend(notice.map(Record::Pack));
    let (target, history_id) = (planned.target.clone(), basis.head.history_id.clone());
    outcome.preview = Some(Box::new(Preview { target, history_id, accounts, records }));
}
