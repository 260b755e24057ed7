//! What a digest can be about, worst first, and how much of each there is.

use std::collections::BTreeSet;

use crate::model::{AccountId, Kind};
use crate::notify::{NoticeType, Notification, PackNotice, TransitionNotice};

/// What a digest reports, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Topic {
    Failed,
    PackDeleted,
    Unrecognised,
    Flapping,
    Stuck,
    SilenceEnded,
    StillFailed,
    AlreadyFailing,
    Settled,
    Recovered,
    Joined,
    Left,
    FailedAgain,
    Succeeded,
    InProgress,
    Watched,
}

impl Topic {
    const ALL: [Self; 16] = [
        Self::Failed,
        Self::PackDeleted,
        Self::Unrecognised,
        Self::Flapping,
        Self::Stuck,
        Self::SilenceEnded,
        Self::StillFailed,
        Self::AlreadyFailing,
        Self::Settled,
        Self::Recovered,
        Self::Joined,
        Self::Left,
        Self::FailedAgain,
        Self::Succeeded,
        Self::InProgress,
        Self::Watched,
    ];

    /// What a transition in a notice of this type is about.
    pub(super) fn of(pack: &PackNotice, notice: &TransitionNotice) -> Self {
        match notice.notified_as() {
            _ if notice.flapping.is_some() => Self::Flapping,
            Kind::Failed if pack.kind == NoticeType::Baseline => Self::AlreadyFailing,
            Kind::Reminder if notice.silence_ended => Self::SilenceEnded,
            kind => Self::of_kind(kind),
        }
    }

    /// What a kind is about, whatever else is known of it.
    pub(super) fn of_kind(kind: Kind) -> Self {
        match kind {
            Kind::Settled => Self::Settled,
            Kind::Failed => Self::Failed,
            Kind::Unrecognised => Self::Unrecognised,
            Kind::Stuck => Self::Stuck,
            Kind::Reminder => Self::StillFailed,
            Kind::Recovered => Self::Recovered,
            Kind::Joined => Self::Joined,
            Kind::Left => Self::Left,
            Kind::FailedAgain => Self::FailedAgain,
            Kind::Succeeded => Self::Succeeded,
            Kind::InProgress => Self::InProgress,
        }
    }

    /// What accounts did: "3 accounts …".
    pub(super) fn verb(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::PackDeleted => "deleted",
            Self::Unrecognised => "in an unknown status",
            Self::Flapping => "flapping",
            Self::Settled => "settled",
            Self::Stuck => "stuck in progress",
            Self::SilenceEnded => "still failing (silence ended)",
            Self::StillFailed => "still failing",
            Self::AlreadyFailing => "already failing",
            Self::Recovered => "recovered",
            Self::Joined => "joined",
            Self::Left => "left",
            Self::FailedAgain => "failed again",
            Self::Succeeded => "succeeded",
            Self::InProgress => "in progress",
            Self::Watched => "now watching",
        }
    }

    /// Whether it is about packs and not about accounts.
    pub(super) fn is_of_packs(self) -> bool {
        matches!(self, Self::PackDeleted | Self::Watched)
    }

    /// Whether its accounts are named. Retries, progress and routine success are only counted.
    pub(super) fn lists_accounts(self) -> bool {
        !self.is_of_packs() && !matches!(self, Self::FailedAgain | Self::Succeeded | Self::InProgress)
    }
}

/// How much of a topic there is.
#[derive(Debug, Clone)]
pub(super) struct Tally<'a> {
    pub(super) topic: Topic,
    /// How many changes: an account counts once for each pack.
    pub(super) changes: u64,
    /// How many accounts, where the document lists them all.
    pub(super) accounts: Option<u64>,
    pub(super) packs: Vec<&'a PackNotice>,
}

/// Every topic that the digest has, worst first.
pub(super) fn tallies(notification: &Notification) -> Vec<Tally<'_>> {
    let whole = notification.packs.iter().all(|pack| pack.omitted == 0);
    let tally = |topic| {
        let changes = changes(notification, topic);
        let is_about = |pack: &&PackNotice| match topic {
            Topic::PackDeleted => pack.kind == NoticeType::PackDeleted,
            Topic::Watched => pack.kind == NoticeType::Baseline,
            _ => pack.transitions.iter().any(|notice| Topic::of(pack, notice) == topic),
        };
        let packs: Vec<&PackNotice> = notification.packs.iter().filter(is_about).collect();
        let accounts = || {
            let of_pack = |pack: &&PackNotice| {
                let pack: &PackNotice = pack;
                let about = pack.transitions.iter().filter(|notice| Topic::of(pack, notice) == topic);
                about.map(|notice| notice.account_id).collect::<Vec<_>>()
            };
            packs.iter().flat_map(of_pack).collect::<BTreeSet<AccountId>>().len() as u64
        };
        Tally { topic, changes, accounts: whole.then(accounts), packs }
    };
    Topic::ALL.into_iter().map(tally).filter(|tally| tally.changes > 0).collect()
}

/// The document's own count, which is right also where transitions were omitted.
fn changes(notification: &Notification, topic: Topic) -> u64 {
    let baselines = notification.packs.iter().filter(|pack| pack.kind == NoticeType::Baseline);
    // What else is unhealthy in a baseline stands under its own topic. In a document that was read, what is omitted is taken
    // for failed.
    let is_failed = |notice: &&TransitionNotice| notice.notified_as() == Kind::Failed;
    let listed = |pack: &PackNotice| pack.transitions.iter().filter(is_failed).count() as u64;
    let already = |pack: &PackNotice| {
        pack.whole.as_ref().map_or_else(|| listed(pack) + pack.omitted, |whole| whole.failed)
    };
    let already = baselines.map(already).sum::<u64>().min(notification.count("Failed"));
    match topic {
        Topic::Failed => notification.count("Failed").saturating_sub(already),
        Topic::AlreadyFailing => already,
        Topic::PackDeleted => notification.count("PackDeleted"),
        Topic::Unrecognised => notification.count("Unrecognised"),
        Topic::Flapping => notification.count("Flapping"),
        Topic::Settled => notification.count("Settled"),
        Topic::Stuck => notification.count("Stuck"),
        Topic::SilenceEnded => notification.count("SilenceEnded"),
        Topic::StillFailed => notification.count("Reminder"),
        Topic::Recovered => notification.count("Recovered"),
        Topic::Joined => notification.count("Joined"),
        Topic::Left => notification.count("Left"),
        Topic::FailedAgain => notification.count("FailedAgain"),
        Topic::Succeeded => notification.count("Succeeded"),
        Topic::InProgress => notification.count("InProgress"),
        Topic::Watched => notification.count("Baseline"),
    }
}
