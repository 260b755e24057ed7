//! The packs of a board, as they are recorded, and why accounts are unhealthy.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, Stream, StreamExt};

use crate::model::text::plain;
use crate::model::{AccountId, Phase, Target};
use crate::notify::hints::{self, HINTS, Hint};
use crate::ports::{SnapshotStore, StoreError};
use crate::state::head::Head;
use crate::state::{Row, Rows};

/// Packs that are read at once. Each is held whole.
const AT_ONCE: usize = 4;

/// One pack as it is recorded.
pub(super) struct Pack {
    pub(super) target: Target,
    pub(super) head: Head,
    pub(super) rows: Rows,
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

/// An unhealthy account of a pack.
pub(super) struct Unhealthy {
    pub(super) target: Target,
    pub(super) account: AccountId,
    pub(super) row: Box<Row>,
}

/// The unhealthy deployments of a pack.
pub(super) fn unhealthy(Pack { target, rows, .. }: Pack) -> impl Iterator<Item = Unhealthy> {
    let unhealthy = rows.into_iter().filter(|(_, row)| is_unhealthy(row));
    unhealthy.map(move |(account, row)| Unhealthy { target: target.clone(), account, row })
}

/// Whose they are.
pub(super) fn accounts_of<'a>(unhealthy: impl IntoIterator<Item = &'a Unhealthy>) -> BTreeSet<AccountId> {
    unhealthy.into_iter().map(|one| one.account).collect()
}

fn cause(row: &Row) -> String {
    let state = &row.state;
    let code = || state.error_code.as_deref().map(plain).filter(|code| !code.is_empty());
    match state.status.phase() {
        Phase::Failed => code().unwrap_or_else(|| "Failed without an error code".to_owned()),
        Phase::Unrecognised => plain(state.status.as_str()),
        Phase::InProgress if state.stuck => "Stuck in progress".to_owned(),
        Phase::InProgress => "Being tried again after a failure".to_owned(),
        Phase::Successful => "Recently failed".to_owned(),
    }
}

/// By cause, the most frequent first; in each, what failed last comes first: people know about the older failures.
pub(super) fn by_cause(mut unhealthy: Vec<Unhealthy>) -> Vec<(String, Vec<Unhealthy>)> {
    unhealthy.sort_by_cached_key(|one| (Reverse(one.row.failing_since), one.account, one.target.clone()));
    let mut causes: BTreeMap<String, Vec<Unhealthy>> = BTreeMap::new();
    for one in unhealthy {
        causes.entry(cause(&one.row)).or_default().push(one);
    }
    let mut causes: Vec<_> = causes.into_iter().collect();
    causes.sort_by_key(|(_, unhealthy)| Reverse(unhealthy.len()));
    causes
}
