//! A full scan of one target: every account is read, or those that the request names.

use super::outcome::{Observed, ScanOutcome, active};
use super::stop::{Stop, stopped};
use crate::model::{AccountId, Target};
use crate::ports::{Outside, SourceError, StoreError};
use crate::state::commit::Snapshot;
use crate::watch::commit::{Basis, commit, commit_deletion, rebase, room_for};
use crate::watch::compare;
use crate::watch::context::Context;
use crate::watch::plan::Planned;
use crate::watch::report::{Outcome, TargetReport};
use crate::watch::scan::policy::Scan;
use crate::watch::scan::reader::{self, Read, ReadError};
use crate::watch::snapshot::{note_full_scan, read_snapshot};

/// Scans a target as far as its changes are committed.
pub async fn full_scan<O: Outside>(context: &Context<'_, O>, planned: &Planned) -> ScanOutcome {
    let mut report = TargetReport::of(&planned.target);
    report.scan = (!context.request.is_partial()).then_some(Scan::Full);
    if let Some(reason) = &planned.unreadable {
        return ScanOutcome::of(report.ended(Outcome::Incomplete, Some(reason.clone())));
    }
    let mut outcome = ScanOutcome::of(report);
    match steps(context, planned, &mut outcome).await {
        Ok(()) => outcome,
        Err(stop) => ScanOutcome { report: stopped(context, outcome.report, stop), ..outcome },
    }
}

async fn steps<O: Outside>(
    context: &Context<'_, O>,
    planned: &Planned,
    outcome: &mut ScanOutcome,
) -> Result<(), Stop> {
    let Some(read) = observe(context, planned).await? else {
        return commit_deletion(context, planned, outcome).await;
    };
    count(&mut outcome.report, &read);
    outcome.next_token.clone_from(&read.next_token);
    if read.observation.whole {
        outcome.active = active(&read.observation.states);
    }
    let head = &planned.head;
    let seen = head.fingerprint.as_ref().filter(|_| planned.withheld.is_empty());
    if read.observation.whole && seen.is_some() && seen == read.fingerprint.as_ref() {
        outcome.report.statuses = Some(head.accounts.clone());
        outcome.full_scan_at = Some(read.observed_at);
        note_full_scan(context, planned, outcome.full_scan_at).await;
        return Ok(());
    }
    if !read.observation.whole && head.baseline_epoch.is_none() {
        return Err(Stop::NoBaseline);
    }
    let accounts = outcome.report.accounts.max(head.account_count());
    let held = room_for(context, accounts).await?;
    let basis = basis(context, planned).await?;
    let missing = compare::missing(&basis.snapshot.rows, &read.observation, &context.settings.excluded);
    let is_clear = read.unclear.is_empty() && missing.is_empty();
    // While AWS Config is asked, others compare.
    let held = Some(held).filter(|_| is_clear);
    let observed = confirm(context, planned, &missing, read, outcome).await?;
    let _held = match held {
        Some(held) => held,
        None => room_for(context, accounts).await?,
    };
    commit(context, planned, basis, observed, outcome).await
}

/// Reads the target; `None` when it was known and is gone. Reading has no effects, so it may be given up wherever it
/// is when the time is over.
async fn observe<O: Outside>(context: &Context<'_, O>, planned: &Planned) -> Result<Option<Read>, Stop> {
    let Context { outside, request, settings, budget, .. } = context;
    let (silences, now) = (&planned.silences, outside.now());
    let read = reader::statuses(outside.source(), &planned.target, request, settings, silences, now);
    let is_known = planned.head.epoch > 0 && !planned.head.is_deleted();
    match budget.within(read).await.ok_or(Stop::NoTime)? {
        Ok(read) => Ok(Some(read)),
        // Only asking for all of it says that it is gone, and not where it is listed: right after a pack was put, AWS
        // Config does not find it for a moment.
        Err(ReadError::Source(SourceError::Gone(_)))
            if is_known && request.filters.is_empty() && !is_listed(context, planned).await? =>
        {
            Ok(None)
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

/// What is recorded.
async fn basis<O: Outside>(context: &Context<'_, O>, planned: &Planned) -> Result<Basis, Stop> {
    if planned.head.epoch == 0 {
        return Ok(Basis::new(&planned.head, Snapshot::default()));
    }
    match read_snapshot(context, planned, &planned.head).await {
        Err(StoreError::Superseded) => rebase(context, planned).await,
        snapshot => Ok(Basis::new(&planned.head, snapshot?)),
    }
}

/// Asks again for the recorded accounts that a scan of all of them did not show, and for those that it shows twice.
async fn confirm<O: Outside>(
    context: &Context<'_, O>,
    planned: &Planned,
    missing: &[AccountId],
    mut read: Read,
    outcome: &mut ScanOutcome,
) -> Result<Observed, Stop> {
    let Context { outside, settings, budget, .. } = context;
    if read.observation.whole {
        let ask = reader::confirm(
            outside.source(),
            &planned.target,
            missing,
            &mut read,
            settings,
            &planned.silences,
        );
        budget.within(ask).await.ok_or(Stop::NoTime)??;
    }
    count(&mut outcome.report, &read);
    let scan = read.observation.whole.then_some(Scan::Full);
    Ok(Observed { observation: read.observation, observed_at: read.observed_at, scan })
}

fn count(report: &mut TargetReport, read: &Read) {
    report.pages = read.pages;
    report.accounts = read.observation.states.len() as u64;
    report.accounts_read = report.accounts;
}
