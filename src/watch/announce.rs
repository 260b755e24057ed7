//! Announces what is recorded, then commits it. Recorded targets flow in while the run goes on; they
//! are gathered, so that fifty packs and a new account become one message and not fifty.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, timeout_at};

use crate::model::Target;
use crate::notify::message::{self, Event};
use crate::notify::{self, News, What};
use crate::ports::{AccountNames, PublishError, Publisher, SnapshotStore, StoreError};
use crate::settings::Settings;
use crate::state::Transition;
use crate::state::heads::{Change, Commit, Counts, Head};
use crate::watch::account_names;
use crate::watch::batch;
use crate::watch::budget::Budget;
use crate::watch::record::record;
use crate::watch::report::{Outcome, TargetReport};

/// Targets of one digest. With the longest names, so many leave more than half of a message for what happened.
const LARGEST_GROUP: usize = 200;

/// A target whose changes are recorded, and what is owed for it.
#[derive(Debug)]
pub struct Recorded {
    /// What to report when all goes well.
    pub report: TargetReport,
    /// The target.
    pub target: Target,
    /// Its history's birth.
    pub born: String,
    /// The run's epoch.
    pub epoch: u64,
    /// What each topic had when the head was loaded.
    pub before: Marks,
    /// Every transition that some topic has not had.
    pub owed: Vec<Transition>,
    /// What else there is to tell people: a baseline, or that the pack is gone.
    pub also: Option<What>,
    /// The fingerprint to keep, if everything was read and recorded.
    pub fingerprint: Option<String>,
    /// Whether the pack is gone.
    pub deleted: bool,
    /// What of it may go once that is told.
    pub obsolete: Vec<Change>,
    /// Its accounts by status.
    pub counts: Counts,
    /// How many accounts to tell of.
    pub accounts: u64,
    /// When AWS Config was read.
    pub observed_at: Timestamp,
}

/// What the topics and the head knew before.
#[derive(Debug, Clone, Copy, Default)]
pub struct Marks {
    /// The alerts topic has everything up to this epoch.
    pub announced: u64,
    /// The events topic has everything up to this epoch.
    pub events_announced: u64,
    /// The head was a tombstone.
    pub deleted: bool,
}

impl Marks {
    /// The marks of a loaded head.
    pub fn of(head: &Head) -> Self {
        Self { announced: head.announced, events_announced: head.events_announced, deleted: head.deleted }
    }
}

/// What came of the announcing.
#[derive(Debug, Default)]
pub struct Announced {
    /// The targets, ended.
    pub reports: Vec<TargetReport>,
    /// How many digests were accepted.
    pub notifications: u64,
}

/// Announces and commits every target that comes in, until no more do.
pub async fn announce(
    store: &impl SnapshotStore,
    publisher: &impl Publisher,
    names: &impl AccountNames,
    settings: &Settings,
    budget: &Budget,
    mut incoming: UnboundedReceiver<Recorded>,
) -> Announced {
    let mut announced = Announced::default();
    while let Some(group) = gather(&mut incoming, settings.group_wait, budget).await {
        let alert = publish_digest(publisher, names, settings, budget, &group).await;
        announced.notifications += u64::from(alert == Ok(true));
        let mut refused = publish_events(publisher, &group).await;
        for recorded in group {
            let event = refused.remove(&recorded.target).map_or(Ok(()), Err);
            let report = commit(store, recorded, alert.clone().map(drop), event, budget).await;
            announced.reports.push(report);
        }
    }
    announced
}

/// The next group: the first target that comes, and what follows within the group wait.
async fn gather(
    incoming: &mut UnboundedReceiver<Recorded>,
    group_wait: Duration,
    budget: &Budget,
) -> Option<Vec<Recorded>> {
    let mut group = vec![incoming.recv().await?];
    let until = budget.cap(Instant::now() + group_wait);
    while group.len() < LARGEST_GROUP
        && let Ok(Some(recorded)) = timeout_at(until, incoming.recv()).await
    {
        group.push(recorded);
    }
    Some(group)
}

/// Publishes one digest for the group. `Ok(false)`: there was nothing to tell people.
async fn publish_digest(
    publisher: &impl Publisher,
    names: &impl AccountNames,
    settings: &Settings,
    budget: &Budget,
    group: &[Recorded],
) -> Result<bool, PublishError> {
    let news: Vec<News> = group.iter().flat_map(Recorded::news).collect();
    let Some(mut digest) = notify::digest(&news, &settings.notify) else { return Ok(false) };
    account_names::fill(&mut digest, names, budget).await;
    publisher.alert(&message::alert(digest)).await?;
    Ok(true)
}

/// Publishes every transition of the group that machines have not had. Returns the targets for which
/// one was not accepted, each with a reason.
async fn publish_events(publisher: &impl Publisher, group: &[Recorded]) -> BTreeMap<Target, PublishError> {
    if !publisher.has_events() {
        return BTreeMap::new();
    }
    let owed: Vec<_> = group.iter().flat_map(Recorded::owed_to_machines).collect();
    // Made when their turn comes: the documents are three times as large as what they tell.
    let publish = async |batch: &[(&Recorded, &Transition)]| {
        let events: Vec<Event> = batch.iter().map(|(of, what)| of.event(what)).collect();
        publisher.events(&events).await
    };
    let refused = batch::send(&owed, publish).await;
    refused.into_iter().map(|((of, _), error)| (of.target.clone(), error)).collect()
}

/// Commits what was accepted, topic by topic, and ends the report.
async fn commit(
    store: &impl SnapshotStore,
    recorded: Recorded,
    alert: Result<(), PublishError>,
    event: Result<(), PublishError>,
    budget: &Budget,
) -> TargetReport {
    let Recorded { report, target, epoch, before, obsolete, .. } = recorded;
    let failed = match (&alert, &event) {
        (Ok(()), Ok(())) => None,
        (Err(error), _) => Some(format!("recorded, but not announced on the alerts topic: {error}")),
        (_, Err(error)) => Some(format!("recorded, but not announced on the events topic: {error}")),
    };
    if alert.is_ok() || event.is_ok() {
        let commit = Commit {
            epoch,
            announced: if alert.is_ok() { epoch } else { before.announced },
            events_announced: if event.is_ok() { epoch } else { before.events_announced },
            fingerprint: recorded.fingerprint.filter(|_| failed.is_none()),
            deleted: if alert.is_ok() { recorded.deleted } else { before.deleted },
            accounts: recorded.counts,
            at: recorded.observed_at,
        };
        match store.commit(&target, &commit).await {
            // Rows that stay after all are replaced by the next baseline, if there ever is one.
            Ok(()) if commit.deleted => drop(record(store, &target, epoch, &obsolete, budget).await),
            Ok(()) => {}
            Err(StoreError::Superseded) => return report.ended(Outcome::Superseded, None),
            Err(error) => {
                let error = format!("announced, but that is not stored, so it is announced again: {error}");
                return report.ended(Outcome::Incomplete, Some(error));
            }
        }
    }
    match failed {
        None => report,
        Some(error) => report.ended(Outcome::Incomplete, Some(error)),
    }
}

impl Recorded {
    /// What people have not been told.
    fn news(&self) -> Vec<News> {
        let owed = self.owed.iter().filter(|transition| transition.epoch > self.before.announced);
        let owed: Vec<Transition> = owed.cloned().collect();
        let transitions = (!owed.is_empty()).then_some(What::Transitions(owed));
        let news = |what| News {
            target: self.target.clone(),
            born: self.born.clone(),
            epoch: self.epoch,
            accounts: self.accounts,
            observed_at: self.observed_at,
            what,
        };
        transitions.into_iter().chain(self.also.clone()).map(news).collect()
    }

    /// What machines have not been told.
    fn owed_to_machines(&self) -> impl Iterator<Item = (&Self, &Transition)> {
        let owed = self.owed.iter().filter(|transition| transition.epoch > self.before.events_announced);
        owed.map(move |transition| (self, transition))
    }

    fn event(&self, transition: &Transition) -> Event {
        message::event(&self.target, &self.born, transition)
    }
}

#[cfg(test)]
mod tests;
