//! Why accounts are unhealthy: the board's groups.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::pack::{Pack, hint, is_unhealthy};
use crate::model::text::{counted, plain};
use crate::model::{AccountId, Phase, Target};
use crate::state::Row;

/// An unhealthy account of a pack.
pub(super) struct Unhealthy {
    pub(super) target: Target,
    pub(super) account: AccountId,
    pub(super) row: Row,
}

/// The deployments of one cause.
pub(super) struct Group {
    cause: String,
    pub(super) unhealthy: Vec<Unhealthy>,
}

/// The unhealthy deployments of a pack.
pub(super) fn unhealthy(Pack { target, rows, .. }: Pack) -> impl Iterator<Item = Unhealthy> {
    let unhealthy = rows.into_iter().filter(|(_, row)| is_unhealthy(row));
    unhealthy.map(move |(account, row)| Unhealthy { target: target.clone(), account, row })
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
pub(super) fn groups(unhealthy: Vec<Unhealthy>) -> Vec<Group> {
    let mut causes: BTreeMap<String, Vec<Unhealthy>> = BTreeMap::new();
    for one in unhealthy {
        causes.entry(cause(&one.row)).or_default().push(one);
    }
    let mut groups: Vec<Group> =
        causes.into_iter().map(|(cause, unhealthy)| Group { cause, unhealthy }).collect();
    for group in &mut groups {
        let key = |one: &Unhealthy| (Reverse(one.row.failing_since), one.account, one.target.clone());
        group.unhealthy.sort_by_cached_key(key);
    }
    groups.sort_by_key(|group| Reverse(group.unhealthy.len()));
    groups
}

impl Group {
    /// "NoAvailableConfigurationRecorder: 35 deployments in 30 accounts".
    pub(super) fn title(&self) -> String {
        let accounts = self.unhealthy.iter().map(|one| one.account).collect::<BTreeSet<_>>().len() as u64;
        let deployments = counted(self.unhealthy.len() as u64, "deployment");
        format!("{}: {deployments} in {}", self.cause, counted(accounts, "account"))
    }

    /// What it means and what to do.
    pub(super) fn about(&self) -> Option<String> {
        let hint = hint(&self.unhealthy.first()?.row)?;
        Some(format!("{} {}", hint.means, hint.todo))
    }
}
