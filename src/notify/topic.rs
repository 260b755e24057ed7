//! What a digest can be about, worst first.

use serde::{Deserialize, Serialize};

use crate::model::{Kind, Phase};
use crate::state::Transition;

/// What a section of a digest is about, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Topic {
    /// A deployment failed.
    Failed,
    /// The pack is gone.
    PackDeleted,
    /// In a status that AWS did not document when this was written.
    Unrecognised,
    /// An account changes back and forth.
    Flapping,
    /// In progress for longer than the threshold.
    Stuck,
    /// A silence ended over what people knew before it.
    SilenceEnded,
    /// The reminder of a failure.
    StillFailing,
    /// The reminder of an incident in which the deployment is not failed now.
    StillUnhealthy,
    /// Failed before packwatch watched the pack.
    AlreadyFailing,
    /// A flapping account has stopped.
    Settled,
    /// An incident of which people know nothing began and ended.
    CameAndWent,
    /// Healthy again.
    Recovered,
    /// A new account.
    Joined,
    /// An account that is no longer there.
    Left,
    /// Tried again, with the failure that people know.
    FailedAgain,
    /// A deployment succeeded.
    Succeeded,
    /// A deployment started.
    InProgress,
    /// The pack is watched from now on.
    Baseline,
}

impl Topic {
    /// What a change is about.
    pub fn of(transition: &Transition, silence_ended: bool) -> Self {
        let phase = transition.to.as_ref().map(|to| to.status.phase());
        match transition.kind {
            _ if transition.flapping.is_some() => Self::Flapping,
            Kind::Failed if transition.baseline => Self::AlreadyFailing,
            Kind::Reminder if silence_ended => Self::SilenceEnded,
            Kind::Reminder if phase != Some(Phase::Failed) => Self::StillUnhealthy,
            kind => Self::of_kind(kind),
        }
    }

    /// What a kind is about, whatever else is known of it.
    pub fn of_kind(kind: Kind) -> Self {
        match kind {
            Kind::Failed => Self::Failed,
            Kind::Unrecognised => Self::Unrecognised,
            Kind::Stuck => Self::Stuck,
            Kind::Reminder => Self::StillFailing,
            Kind::Settled => Self::Settled,
            Kind::Recovered => Self::Recovered,
            Kind::Joined => Self::Joined,
            Kind::Left => Self::Left,
            Kind::FailedAgain => Self::FailedAgain,
            Kind::Succeeded => Self::Succeeded,
            Kind::InProgress => Self::InProgress,
        }
    }

    /// The key of the digest's `Counts` under which it counts: its kind, where there is one for it.
    pub fn counted_as(self) -> &'static str {
        self.words().0
    }

    /// What accounts did: "3 accounts …".
    pub fn verb(self) -> &'static str {
        self.words().1
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Failed => ("Failed", "failed"),
            Self::PackDeleted => ("PackDeleted", "deleted"),
            Self::Unrecognised => ("Unrecognised", "in an unknown status"),
            Self::Flapping => ("Flapping", "flapping"),
            Self::Stuck => ("Stuck", "stuck in progress"),
            Self::SilenceEnded => ("SilenceEnded", "unhealthy after a silence"),
            Self::StillFailing => ("Reminder", "still failing"),
            Self::StillUnhealthy => ("Reminder", "still not healthy"),
            Self::AlreadyFailing => ("Failed", "already failing"),
            Self::Settled => ("Settled", "settled"),
            Self::CameAndWent => ("CameAndWent", "came and went"),
            Self::Recovered => ("Recovered", "recovered"),
            Self::Joined => ("Joined", "joined"),
            Self::Left => ("Left", "left"),
            Self::FailedAgain => ("FailedAgain", "failed again"),
            Self::Succeeded => ("Succeeded", "succeeded"),
            Self::InProgress => ("InProgress", "in progress"),
            Self::Baseline => ("Baseline", "now watching"),
        }
    }

    /// Whether it is about packs and not about accounts.
    pub fn is_of_packs(self) -> bool {
        matches!(self, Self::PackDeleted | Self::Baseline)
    }

    /// Whether it gives way to what happened to the account before: retries, progress and routine success.
    pub fn is_routine(self) -> bool {
        matches!(self, Self::FailedAgain | Self::Succeeded | Self::InProgress)
    }

    /// Whether its accounts are named. Progress and routine success are only counted.
    pub fn lists_accounts(self) -> bool {
        !self.is_of_packs() && !matches!(self, Self::Succeeded | Self::InProgress)
    }

    /// Whether its accounts are grouped by cause.
    pub fn has_causes(self) -> bool {
        self.lists_accounts() && !matches!(self, Self::Recovered | Self::Joined | Self::Left)
    }

    /// Whether its causes are explained: not where people know them, or nobody needs to do anything.
    pub fn is_explained(self) -> bool {
        self.has_causes() && !matches!(self, Self::FailedAgain | Self::CameAndWent)
    }
}
