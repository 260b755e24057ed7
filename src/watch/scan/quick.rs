//! A quick scan of one target: the accounts that are active are read, by AWS Config's filters.

use super::outcome::{Observed, ScanOutcome, active};
use super::stop::{Stop, stopped};
use crate::ports::{Outside, SourceError};
use crate::watch::commit::{Basis, commit, room_for};
use crate::watch::compare::Observation;
use crate::watch::context::Context;
use crate::watch::plan::Planned;
use crate::watch::report::TargetReport;
use crate::watch::scan::filtered::{QuickReader, to_ask};
use crate::watch::scan::policy::{Scan, full_calls};
use crate::watch::scan::reader::{FilterViolation, ReadError};
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

/// Scans the active accounts of a target as far as its changes are committed.
pub async fn quick_scan<O: Outside>(context: &Context<'_, O>, planned: &Planned) -> QuickScan {
    let mut outcome = ScanOutcome::of(TargetReport::of(&planned.target));
    outcome.report.scan = Some(Scan::Quick);
    let Err(stop) = steps(context, planned, &mut outcome).await else { return QuickScan::Ended(outcome) };
    let violation = match stop {
        Stop::Read(ReadError::Violated(why)) => Some(why),
        // Only a read without filters says that it is gone.
        Stop::Read(ReadError::TooMany | ReadError::Source(SourceError::Gone(_))) => None,
        stop => {
            return QuickScan::Ended(ScanOutcome {
                report: stopped(context, outcome.report, stop),
                ..outcome
            });
        }
    };
    QuickScan::NeedsFullScan { violation, report: outcome.report }
}

async fn steps<O: Outside>(
    context: &Context<'_, O>,
    planned: &Planned,
    outcome: &mut ScanOutcome,
) -> Result<(), Stop> {
    let Context { outside, settings, budget, .. } = context;
    let head = &planned.head;
    let reader = QuickReader::new(outside.source(), &planned.target, settings, &planned.silences);
    outcome.report.accounts = head.account_count();
    let read = budget.within(reader.read(&head.accounts, outside.now())).await;
    outcome.report.pages = reader.calls();
    let mut read = read.ok_or(Stop::NoTime)??;
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
    let most = full_calls(head);
    let asked = budget.within(reader.ask(&mut read, &accounts, most)).await;
    outcome.report.pages = reader.calls();
    asked.ok_or(Stop::NoTime)??;
    outcome.report.accounts_read = (read.states.len() + read.absent.len()) as u64;
    let _held = match held {
        Some(held) => held,
        None => room_for(context, head.account_count()).await?,
    };
    let observed_at = read.observed_at;
    let observation = Observation { states: read.states, whole: false, absent: read.absent };
    let basis = Basis::new(head, snapshot);
    let observed = Observed { observation, observed_at, scan: Some(Scan::Quick) };
    commit(context, planned, basis, observed, outcome).await
}
