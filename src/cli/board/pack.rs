//! The packs of a board, as they are recorded.

use std::collections::BTreeMap;

use futures_util::stream::{self, Stream, StreamExt};

use crate::model::{AccountId, Phase, Target};
use crate::notify::hints::{self, HINTS, Hint};
use crate::ports::{SnapshotStore, StoreError};
use crate::state::Row;
use crate::state::head::Head;

/// Packs that are read at once. Each is held whole.
const AT_ONCE: usize = 4;

/// One pack as it is recorded.
pub(super) struct Pack {
    pub(super) target: Target,
    pub(super) head: Head,
    pub(super) rows: BTreeMap<AccountId, Row>,
}

/// The packs, one after the other.
pub(super) fn read<'a>(
    store: &'a impl SnapshotStore,
    wanted: &'a BTreeMap<Target, Head>,
) -> impl Stream<Item = Result<Pack, StoreError>> + 'a {
    let pack = async move |(target, head): (&Target, &Head)| {
        let rows = store.snapshot(target).await?.rows;
        Ok(Pack { target: target.clone(), head: head.clone(), rows })
    };
    stream::iter(wanted).map(pack).buffered(AT_ONCE)
}

/// Whether somebody should look at it: it fails, hangs, is being tried again after a failure, or nobody knows.
pub(super) fn is_unhealthy(row: &Row) -> bool {
    row.state.health().is_unhealthy() || row.failing_since.is_some()
}

/// What of the row is so, beside its status.
pub(super) fn notes(row: &Row) -> Vec<&'static str> {
    let notes = [(row.state.stuck, "stuck"), (row.state.silenced, "silenced"), (row.flapping, "flapping")];
    notes.into_iter().filter(|(is_so, _)| *is_so).map(|(_, note)| note).collect()
}

/// What its state means and what to do, if there is something to say.
pub(super) fn hint(row: &Row) -> Option<&'static Hint> {
    let state = &row.state;
    match state.status.phase() {
        Phase::Failed => Some(hints::failure(state.error_code.as_deref(), state.error_message.as_deref())),
        Phase::Unrecognised => Some(&HINTS.unrecognised),
        Phase::InProgress if state.stuck => Some(&HINTS.stuck),
        Phase::InProgress | Phase::Successful => row.flapping.then_some(&HINTS.flapping),
    }
}
