//! A quick scan of one target: the accounts that are active are read, by AWS Config's filters.

use super::outcome::{Observed, ScanOutcome, active};
use super::stop::{Stop, stopped};
use crate::ports::{Outside, SourceError};
use crate::watch::commit::{Basis, commit, room_for};
use crate::watch::compare::Observation;
use crate::watch::context::Context;
use crate::watch::plan::Planned;
use crate::watch::report::TargetReport;
use crate::watch::scan::filtered::{FilterViolation, Quick, QuickReader, to_ask};
use crate::watch::scan::policy::{Scan, TargetFacts};
use crate::watch::scan::reader::ReadError;
use crate::watch::snapshot::read_snapshot;

/// What became of a quick scan.
#[derive(Debug)]
pub enum QuickScan {
    /// It was enough.
    Ended(ScanOutcome),
    /// A full scan is needed. Nothing was written.
    NeedsFullScan {
        /// What AWS Config did that a filter must not do.
        violation: Option<FilterViolation>,
        /// What it took to find out.
        report: TargetReport,
    },
}

/// Why a quick scan did not come to an end of its own.
enum Cut {
    Stop(Stop),
    NeedsFullScan(Option<FilterViolation>),
}

impl<E: Into<Stop>> From<E> for Cut {
    fn from(error: E) -> Self {
        Self::Stop(error.into())
    }
}

/// Scans the active accounts of a target as far as its changes are committed.
pub async fn quick_scan<O: Outside>(context: &Context<'_, O>, planned: &Planned) -> QuickScan {
    let mut outcome = ScanOutcome::of(TargetReport::of(&planned.target));
    outcome.report.scan = Some(Scan::Quick);
    match steps(context, planned, &mut outcome).await {
        Ok(()) => QuickScan::Ended(outcome),
        Err(Cut::NeedsFullScan(violation)) => QuickScan::NeedsFullScan { violation, report: outcome.report },
        Err(Cut::Stop(stop)) => {
            QuickScan::Ended(ScanOutcome { report: stopped(context, outcome.report, stop), ..outcome })
        }
    }
}

async fn steps<O: Outside>(
    context: &Context<'_, O>,
    planned: &Planned,
    outcome: &mut ScanOutcome,
) -> Result<(), Cut> {
    let Context { outside, settings, budget, .. } = context;
    let head = planned.head.as_ref().ok_or(Stop::NoBaseline)?;
    let reader = QuickReader::new(outside.source(), &planned.target, settings, &planned.silences);
    outcome.report.accounts = head.account_count();
    let read = budget.within(reader.read(&head.accounts, outside.now())).await;
    outcome.report.pages = reader.calls();
    let mut read = ended(read)?;
    outcome.active = active(&read.states);
    outcome.report.accounts_read = read.states.len() as u64;
    let seen = head.active_fingerprint.as_ref().filter(|_| planned.withheld.is_empty());
    if seen.is_some() && read.active().as_ref() == seen {
        outcome.report.statuses = Some(head.accounts.clone());
        return Ok(());
    }
    let held = room_for(context, head.account_count()).await?;
    let snapshot = read_snapshot(context, planned, head).await?;
    let accounts = to_ask(&snapshot.rows, &read, settings);
    // While AWS Config is asked, others compare.
    let held = Some(held).filter(|_| accounts.is_empty());
    let most = TargetFacts::of(Some(head)).full_calls();
    let asked = budget.within(reader.ask(&mut read, &accounts, most)).await;
    outcome.report.pages = reader.calls();
    ended(asked)?;
    outcome.report.accounts_read = (read.states.len() + read.absent.len()) as u64;
    let _held = match held {
        Some(held) => held,
        None => room_for(context, head.account_count()).await?,
    };
    let observed_at = read.observed_at;
    let observation = Observation { states: read.states, whole: false, absent: read.absent };
    let basis = Basis { head: Some(head.clone()), snapshot, is_rebased: false };
    let observed = Observed { observation, observed_at, scan: Some(Scan::Quick) };
    Ok(commit(context, planned, basis, observed, outcome).await?)
}

/// What a reader gave, or why a quick scan does not go on.
fn ended<T>(read: Option<Result<Quick<T>, ReadError>>) -> Result<T, Cut> {
    match read.ok_or(Stop::NoTime)? {
        Ok(Quick::Read(read)) => Ok(read),
        Ok(Quick::Violated(why)) => Err(Cut::NeedsFullScan(Some(why))),
        Ok(Quick::TooMany) => Err(Cut::NeedsFullScan(None)),
        // Only a read without filters says that it is gone.
        Err(ReadError::Source(SourceError::Gone(_))) => Err(Cut::NeedsFullScan(None)),
        Err(error) => Err(error.into()),
    }
}
