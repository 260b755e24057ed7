//! The scan of one target, from its first call until what it found is committed: in full, where every account is read,
//! or those that the request names; or quick, where the active ones are read, by AWS Config's filters.

use std::cell::Cell;

use tokio::time::Instant;

use crate::model::Target;
use crate::ports::{Outside, SourceError, StoreError};
use crate::state::fingerprint;
use crate::watch::commit::{Basis, commit, rebase, room_for};
use crate::watch::compare::{Extent, Observation};
use crate::watch::context::Context;
use crate::watch::plan::Planned;
use crate::watch::scan::filtered::to_ask;
use crate::watch::scan::outcome::{ScanOutcome, Stop, stopped};
use crate::watch::scan::policy::{Scan, full_calls};
use crate::watch::scan::reader::{self, ReadError, Reader};
use crate::watch::snapshot::{note_full_scan, read_snapshot};

/// Scans a target in full.
pub async fn full_scan<O: Outside>(context: &Context<'_, O>, planned: &Planned) -> ScanOutcome {
    let (began, scan) = (Instant::now(), (!context.request.is_partial()).then_some(Scan::Full));
    let mut outcome = ScanOutcome::of(&planned.target, scan);
    let ended = read_in_full(context, planned, &mut outcome).await;
    outcome.took = began.elapsed();
    ended_by(context, outcome, ended.err())
}

/// Scans the active accounts of a target, and says why a full scan is needed, if so: nothing was written then.
pub async fn quick_scan<O: Outside>(
    context: &Context<'_, O>,
    planned: &Planned,
) -> (ScanOutcome, Option<ReadError>) {
    use ReadError::{Omitted, Source, TooMany, Violated};
    let (began, mut outcome) = (Instant::now(), ScanOutcome::of(&planned.target, Some(Scan::Quick)));
    let ended = read_active(context, planned, &mut outcome).await;
    outcome.took = began.elapsed();
    match ended {
        // Only a read without filters says that a pack is gone.
        Err(Stop::Read(why @ (Violated(_) | Omitted(..) | TooMany | Source(SourceError::Gone(_))))) => {
            (outcome, Some(why))
        }
        ended => (ended_by(context, outcome, ended.err()), None),
    }
}

fn ended_by<O>(context: &Context<'_, O>, outcome: ScanOutcome, stop: Option<Stop>) -> ScanOutcome {
    match stop {
        None => outcome,
        Some(stop) => ScanOutcome { report: stopped(context.request, outcome.report, &stop), ..outcome },
    }
}

fn reader<'a, O: Outside>(context: &'a Context<'_, O>, planned: &'a Planned) -> Reader<'a, O::Source> {
    Reader {
        source: context.outside.source(),
        target: &planned.target,
        settings: context.settings,
        silences: &planned.silences,
        observed_at: context.outside.now(),
        calls: Cell::default(),
    }
}

async fn read_in_full<O: Outside>(
    context: &Context<'_, O>,
    planned: &Planned,
    outcome: &mut ScanOutcome,
) -> Result<(), Stop> {
    if let Some(reason) = &planned.unreadable {
        return Err(Stop::Unreadable(reason.clone()));
    }
    let reader = reader(context, planned);
    let observed = observe(context, planned, &reader, outcome).await?;
    if observed.extent == Extent::Asked && planned.head.baseline_epoch.is_none() {
        return Err(Stop::NoBaseline);
    }
    finish(context, planned, &reader, observed, outcome).await
}

async fn read_active<O: Outside>(
    context: &Context<'_, O>,
    planned: &Planned,
    outcome: &mut ScanOutcome,
) -> Result<(), Stop> {
    let reader = reader(context, planned);
    outcome.report.accounts = planned.head.account_count();
    let read = context.budget.within(reader.active(&planned.head.accounts)).await;
    outcome.report.pages = reader.calls();
    let observed = read.ok_or(Stop::NoTime)??;
    outcome.report.accounts_read = observed.states.len() as u64;
    finish(context, planned, &reader, observed, outcome).await
}

/// Reads the target without AWS Config's filters, but for those of the request. Reading has no effects, so it may be
/// given up wherever it is when the time is over.
async fn observe<O: Outside>(
    context: &Context<'_, O>,
    planned: &Planned,
    reader: &Reader<'_, O::Source>,
    outcome: &mut ScanOutcome,
) -> Result<Observation, Stop> {
    let Context { request, budget, .. } = context;
    let is_known = planned.head.epoch > 0 && !planned.head.is_deleted();
    match budget.within(reader.everybody(request)).await.ok_or(Stop::NoTime)? {
        Ok((observed, next_token)) => {
            outcome.next_token = next_token;
            outcome.report.pages = reader.calls();
            outcome.report.accounts = observed.states.len() as u64;
            outcome.report.accounts_read = outcome.report.accounts;
            Ok(observed)
        }
        // Only asking for all of it says that it is gone, and not where it is listed: right after a pack was put, AWS
        // Config does not find it for a moment.
        Err(ReadError::Source(SourceError::Gone(_)))
            if is_known && request.filters.is_empty() && !is_listed(context, planned).await? =>
        {
            Ok(reader.observation(Extent::Gone, Vec::new()))
        }
        Err(ReadError::Source(SourceError::Gone(reason))) => Err(Stop::NotVisible(reason)),
        Err(error) => Err(error.into()),
    }
}

/// Whether the pack is in its region's list; a run of named packs did not need that until now.
async fn is_listed<O: Outside>(context: &Context<'_, O>, planned: &Planned) -> Result<bool, Stop> {
    let Target { region, pack } = &planned.target;
    match planned.listed {
        Some(listed) => Ok(listed),
        None => {
            let packs = context.budget.within(reader::packs(context.outside.source(), region)).await;
            Ok(packs.ok_or(Stop::NoTime)??.contains(pack))
        }
    }
}

/// Whether the head has the fingerprint of what was read: nothing is new.
fn is_known(planned: &Planned, observed: &Observation) -> bool {
    let known = match observed.extent {
        Extent::Everybody => &planned.head.fingerprint,
        Extent::Active => &planned.head.active_fingerprint,
        Extent::Asked | Extent::Gone => return false,
    };
    let is_clear = observed.unclear.is_empty() && planned.withheld.is_empty();
    known.as_ref().is_some_and(|known| is_clear && *known == fingerprint::of(&observed.states))
}

/// Where something is new, asks for the accounts whose absence says nothing, compares what was read with what is
/// recorded, and commits the difference.
async fn finish<O: Outside>(
    context: &Context<'_, O>,
    planned: &Planned,
    reader: &Reader<'_, O::Source>,
    mut observed: Observation,
    outcome: &mut ScanOutcome,
) -> Result<(), Stop> {
    if is_known(planned, &observed) {
        outcome.report.statuses = Some(planned.head.accounts.clone());
        outcome.full_scan_at = (observed.extent == Extent::Everybody).then_some(observed.observed_at);
        note_full_scan(context, planned, outcome.full_scan_at).await;
        return Ok(());
    }
    let accounts = planned.head.account_count().max(observed.states.len() as u64);
    let mut held = room_for(context, accounts).await?;
    let basis = match read_snapshot(context, planned, &planned.head).await {
        Err(StoreError::Superseded) if observed.extent == Extent::Everybody => {
            rebase(context, planned).await?
        }
        snapshot => Basis::new(&planned.head, snapshot?),
    };
    let wanted = to_ask(&basis.snapshot.rows, &observed, context.settings);
    if !wanted.is_empty() {
        // While AWS Config is asked, others compare.
        drop(held);
        let ask = async {
            match observed.extent {
                Extent::Active => reader.ask(&mut observed, &wanted, full_calls(&planned.head)).await,
                _ => reader.confirm(&mut observed, &wanted).await,
            }
        };
        let asked = context.budget.within(ask).await;
        outcome.report.pages = reader.calls();
        asked.ok_or(Stop::NoTime)??;
        outcome.report.accounts_read = (observed.states.len() + observed.absent.len()) as u64;
        held = room_for(context, accounts).await?;
    }
    let _held = held;
    commit(context, planned, basis, &observed, outcome).await
}
