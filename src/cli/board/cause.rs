//! Why accounts are unhealthy: the board's groups.

use std::collections::{BTreeMap, BTreeSet};

use super::pack::Pack;
use crate::model::text::{counted, plain};
use crate::model::{AccountId, Phase, Target};
use crate::notify::hints::{self, Hint};
use crate::state::Row;

/// An unhealthy account of a pack.
pub(super) struct Unhealthy {
    pub(super) target: Target,
    pub(super) account: AccountId,
    pub(super) row: Row,
}

/// What several deployments suffer from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cause {
    /// Failed, with this error code.
    Failed(Option<String>),
    /// A status that nobody documented.
    Unrecognised(String),
    /// In progress for too long.
    Stuck,
    /// In progress after a failure.
    TriedAgain,
    /// Healthy or in progress, and no more is known.
    Other,
}

impl Cause {
    fn of(row: &Row) -> Self {
        let state = &row.state;
        let code = || state.error_code.as_deref().map(plain).filter(|code| !code.is_empty());
        match state.status.phase() {
            Phase::Failed => Self::Failed(code()),
            Phase::Unrecognised => Self::Unrecognised(plain(state.status.as_str())),
            Phase::InProgress if state.stuck => Self::Stuck,
            Phase::InProgress => Self::TriedAgain,
            Phase::Successful => Self::Other,
        }
    }
}

/// The deployments of one cause.
pub(super) struct Group {
    cause: Cause,
    pub(super) unhealthy: Vec<Unhealthy>,
}

/// The unhealthy deployments of a pack.
pub(super) fn unhealthy(Pack { target, rows, .. }: Pack) -> impl Iterator<Item = Unhealthy> {
    let unhealthy = rows.into_iter().filter(|(_, row)| super::pack::is_unhealthy(row));
    unhealthy.map(move |(account, row)| Unhealthy { target: target.clone(), account, row })
}

/// By cause, the most frequent first; in each, what failed last comes first: people know about the older failures.
pub(super) fn groups(unhealthy: Vec<Unhealthy>) -> Vec<Group> {
    let mut causes: BTreeMap<Cause, Vec<Unhealthy>> = BTreeMap::new();
    for one in unhealthy {
        causes.entry(Cause::of(&one.row)).or_default().push(one);
    }
    let mut groups: Vec<Group> =
        causes.into_iter().map(|(cause, unhealthy)| Group { cause, unhealthy }).collect();
    for group in &mut groups {
        group.unhealthy.sort_by(|a, b| {
            let key = |one: &Unhealthy| (std::cmp::Reverse(one.row.failing_since), one.account);
            key(a).cmp(&key(b)).then_with(|| a.target.cmp(&b.target))
        });
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.unhealthy.len()));
    groups
}

/// Of `limit` rows, how many each of the groups gets: those that need fewer than the others leave them the rest,
/// and what cannot be divided goes to the largest.
pub(super) fn shares(groups: &[Group], limit: usize) -> Vec<usize> {
    divided(&groups.iter().map(|group| group.unhealthy.len()).collect::<Vec<_>>(), limit)
}

fn divided(sizes: &[usize], limit: usize) -> Vec<usize> {
    let mut shares = vec![0; sizes.len()];
    let mut smallest: Vec<(usize, usize)> = sizes.iter().copied().enumerate().rev().collect();
    smallest.sort_by_key(|(_, size)| *size);
    let (mut left, mut waiting) = (limit, sizes.len());
    for (at, size) in smallest {
        let share = size.min(left / waiting);
        if let Some(place) = shares.get_mut(at) {
            *place = share;
        }
        left -= share;
        waiting -= 1;
    }
    shares
}

impl Group {
    /// "NoAvailableConfigurationRecorder: 35 deployments in 30 accounts".
    pub(super) fn title(&self) -> String {
        let accounts = self.unhealthy.iter().map(|one| one.account).collect::<BTreeSet<_>>().len() as u64;
        let deployments = counted(self.unhealthy.len() as u64, "deployment");
        let title = match &self.cause {
            Cause::Failed(Some(code)) => code.as_str(),
            Cause::Failed(None) => "Failed without an error code",
            Cause::Unrecognised(status) => status.as_str(),
            Cause::Stuck => "Stuck in progress",
            Cause::TriedAgain => "Being tried again after a failure",
            Cause::Other => "Recently failed",
        };
        format!("{title}: {deployments} in {}", counted(accounts, "account"))
    }

    /// What it means and what to do.
    pub(super) fn about(&self) -> Option<String> {
        self.hint().map(|hint| format!("{} {}", hint.means, hint.todo))
    }

    fn hint(&self) -> Option<&'static Hint> {
        match &self.cause {
            Cause::Failed(code) => {
                let message = self.unhealthy.first().and_then(|one| one.row.state.error_message.as_deref());
                Some(hints::failure(code.as_deref(), message))
            }
            Cause::Unrecognised(_) => Some(&hints::UNRECOGNISED),
            Cause::Stuck => Some(&hints::STUCK),
            Cause::TriedAgain | Cause::Other => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Status;
    use crate::state::State;

    fn one(n: u64, code: &str) -> Unhealthy {
        let state = State { error_code: Some(code.to_owned()), ..State::of(Status::new("CREATE_FAILED")) };
        let row = Row::of(state);
        let target = Target { region: "eu-west-1".parse().unwrap(), pack: "P".parse().unwrap() };
        Unhealthy { target, account: format!("{n:012}").parse().unwrap(), row }
    }

    #[test]
    fn every_cause_is_shown_before_the_largest_takes_all_the_room() {
        let many =
            (0..100).map(|n| one(n, "Many")).chain((0..3).map(|n| one(n, "Few"))).chain([one(1, "One")]);
        let groups = groups(many.collect());
        assert_eq!(groups[0].title(), "Many: 100 deployments in 100 accounts");
        assert_eq!(shares(&groups, 50), [46, 3, 1]);
        assert_eq!(shares(&groups, 500), [100, 3, 1]);
        assert_eq!(shares(&groups, 3), [1, 1, 1]);
        assert_eq!(shares(&groups, 0), [0, 0, 0]);
    }

    #[test]
    fn what_cannot_be_divided_goes_to_the_largest() {
        assert_eq!(divided(&[247, 109, 75, 52, 30, 21, 3], 12), [2, 2, 2, 2, 2, 1, 1]);
        assert_eq!(divided(&[9, 8, 7], 2), [1, 1, 0]);
        assert_eq!(divided(&[], 50), [0; 0]);
    }
}
