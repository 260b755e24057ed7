//! Reads a target's snapshot so that it belongs to its head, and leaves hints in the head.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::sleep;
use tracing::warn;

use crate::model::Target;
use crate::ports::{Outside, SnapshotStore, StoreError};
use crate::state::Row;
use crate::state::commit::Snapshot;
use crate::state::head::{Head, Hint};
use crate::watch::context::Context;
use crate::watch::plan::Planned;
use crate::watch::scan::policy::is_large;

/// How long, in milliseconds, a snapshot that shows a part of a commit is left alone, before it is read again.
const READ_AGAIN: [u64; 4] = [50, 200, 800, 0];

/// The snapshot of a head. A Query is no snapshot of a transaction: what shows an older chunk is read again, and what
/// shows a newer one is [`StoreError::Superseded`].
///
/// An incident that was withheld reads as if the silence had been there when it was recorded: in full when that ends.
pub(super) async fn read_snapshot<O: Outside>(
    context: &Context<'_, O>,
    planned: &Planned,
    head: &Head,
) -> Result<Snapshot, StoreError> {
    if head.epoch == 0 {
        return Ok(Snapshot::default());
    }
    let Planned { target, withheld, .. } = planned;
    let read = async {
        for wait in READ_AGAIN {
            let snapshot = context.outside.store().snapshot(target).await?;
            if snapshot.is_of(head) {
                return Ok(snapshot);
            }
            if snapshot.chunks.values().any(|epoch| *epoch > head.epoch) {
                return Err(StoreError::Superseded);
            }
            sleep(Duration::from_millis(wait)).await;
        }
        Err(StoreError::Unavailable(format!(
            "the snapshot of {target} is not that of its head: read again by the next run; if this stays so, see \
             the runbook about restoring the table"
        )))
    };
    let late = || Err(StoreError::Unavailable("the store did not answer in time".to_owned()));
    let mut snapshot = context.budget.within(read).await.unwrap_or_else(late)?;
    if !withheld.is_empty() {
        snapshot.rows.values_mut().for_each(|row| withhold(row, withheld));
    }
    Ok(snapshot)
}

fn withhold(row: &mut Row, withheld: &BTreeMap<String, i64>) {
    let Some(incident) = &mut row.incident else { return };
    let Some(until) = withheld.get(&incident.id) else { return };
    if incident.notified.take_if(|notified| notified.at <= *until).is_some() {
        row.state.silenced = row.state.health().is_unhealthy();
    }
}

/// Leaves a hint. What is lost is found again by a later scan.
pub(super) async fn leave_hint<O: Outside>(context: &Context<'_, O>, target: &Target, hint: &Hint) {
    let hint = context.outside.store().hint(target, hint);
    if let Some(Err(error)) = context.budget.within_dispatching(hint).await {
        warn!(region = %target.region, pack = %target.pack, %error, "hint not stored");
    }
}

/// Notes when a full scan began that found nothing new, where not every run makes one.
pub(super) async fn note_full_scan<O: Outside>(
    context: &Context<'_, O>,
    planned: &Planned,
    at: Option<Timestamp>,
) {
    let is_noted = is_large(&planned.head) && context.settings.full_scan_every.is_some();
    let Some(at) = at.filter(|_| is_noted) else { return };
    if !context.request.dry_run {
        leave_hint(context, &planned.target, &Hint::FullScanAt(at.as_second())).await;
    }
}
