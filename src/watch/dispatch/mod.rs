//! Dispatches the log: it is the outbox of both topics, each of which has a cursor for each target. Whoever commits
//! dispatches, and everything that lags, whoever recorded it.
//!
//! A dispatcher holds its topic's lease, so that two runs do not send the same. It moves a cursor only beyond what it
//! has seen accepted: a run that is killed repeats what it had under way, and loses nothing.

mod alerts;
mod breaker;
mod events;
mod read;
mod urgency;

use std::collections::BTreeMap;
use std::mem;

use futures_util::future::join_all;
use tracing::warn;

use self::breaker::Breaker;
use crate::model::Target;
use crate::ports::{Machines, Outside, Publisher, SnapshotStore, StoreError};
use crate::state::head::{Cursors, Head, Heads, Topic};
use crate::watch::context::Context;
use crate::watch::report::{Outcome, TargetReport};

/// Why a topic still lags behind a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lag {
    /// There was no time for the rest.
    OutOfTime,
    /// Another run dispatches.
    Leased,
    /// Nobody would get it yet.
    Unconfirmed,
    /// Something failed.
    Failed(String),
}

/// What the dispatches of a run came to.
#[derive(Debug, Default)]
pub struct Dispatched {
    /// How many digests were accepted.
    pub notifications: u64,
    /// How many messages were accepted only in a minimal form.
    pub minimal: u64,
    /// What still lags, and why.
    pub lags: BTreeMap<(Target, Topic), Lag>,
}

/// The dispatcher of a run. Its circuit breakers hold for all dispatches of the run.
pub struct Dispatcher<'a, O> {
    context: &'a Context<'a, O>,
    alerts: Breaker,
    events: Breaker,
}

/// How one round of a topic ended that lags.
struct Round {
    /// How many digests were accepted, or why not everything was sent.
    sent: Result<u64, Lag>,
    /// Whether it moved a cursor.
    has_moved: bool,
    /// The cursors after it.
    cursors: Cursors,
}

impl<'a, O: Outside> Dispatcher<'a, O> {
    /// A dispatcher to which nothing happened yet.
    pub fn new(context: &'a Context<'a, O>) -> Self {
        Self { context, alerts: Breaker::default(), events: Breaker::default() }
    }

    /// Sends what lags to both topics, side by side: neither waits for the other, whichever hangs, refuses or is slow.
    /// In rounds, until nothing lags any more: another run that committed meanwhile has left that to this one.
    pub async fn dispatch(&self, total: &mut Dispatched) {
        total.lags.clear();
        let mut open = Topic::ALL.to_vec();
        while !open.is_empty() {
            let Context { outside, budget, .. } = self.context;
            let heads = match budget.within_dispatching(outside.store().load()).await {
                Some(Ok(heads)) => heads,
                Some(Err(error)) => {
                    warn!(%error, "what lags cannot be read; the next run sends it");
                    return;
                }
                None => return,
            };
            let rounds = open.iter().map(|topic| Box::pin(self.round(*topic, &heads)));
            let rounds = join_all(rounds).await;
            for (topic, round) in mem::take(&mut open).into_iter().zip(rounds) {
                let Some(Round { sent, has_moved, cursors }) = round else { continue };
                match sent {
                    Ok(notifications) => {
                        total.notifications += notifications;
                        // Where nothing moves, another round would find nothing to do.
                        open.extend(has_moved.then_some(topic));
                    }
                    Err(lag) => {
                        let lags = |(t, head): &(&Target, &Head)| cursors.lag(t, head).is_some();
                        let lagging = heads.known.iter().filter(lags);
                        total.lags.extend(lagging.map(|(t, _)| ((t.clone(), topic), lag.clone())));
                    }
                }
            }
            total.minimal = self.alerts.minimal.get() + self.events.minimal.get();
        }
    }

    /// One round of a topic, if it lags and there is one.
    async fn round(&self, topic: Topic, heads: &Heads) -> Option<Round> {
        let Self { context, alerts, events } = self;
        let publisher = context.outside.publisher();
        let (breaker, has_topic) = match topic {
            Topic::Alerts => (alerts, publisher.alerts()),
            Topic::Events => (events, publisher.machines() == Machines::Listen),
        };
        let cursors = heads.cursors(topic).filter(|_| has_topic && heads.lags(topic))?;
        let mut leased = Leased { context, breaker, topic, cursors: cursors.clone() };
        let is_free = cursors.are_free(&context.id, context.outside.now().as_second());
        let sent = match (breaker.open(), topic) {
            (Some(why), _) => Err(Lag::Failed(why)),
            (None, _) if !is_free => Err(Lag::Leased),
            (None, Topic::Alerts) => alerts::send(heads, &mut leased).await,
            (None, Topic::Events) => events::send(heads, &mut leased).await,
        };
        leased.release().await;
        let has_moved =
            (&leased.cursors.positions, &leased.cursors.message) != (&cursors.positions, &cursors.message);
        Some(Round { sent, has_moved, cursors: leased.cursors })
    }
}

/// A topic's cursors, while this run dispatches them.
struct Leased<'a, O> {
    context: &'a Context<'a, O>,
    breaker: &'a Breaker,
    topic: Topic,
    cursors: Cursors,
}

impl<O: Outside> Leased<'_, O> {
    /// Writes the next version, and takes the lease or renews it.
    async fn put(&mut self, next: Cursors) -> Result<(), Lag> {
        let now = self.context.outside.now().as_second();
        self.write(Cursors { lease: Some(Cursors::lease_of(&self.context.id, now)), ..next }).await
    }

    /// Writes the last version of a round, and gives the lease back.
    async fn put_last(&mut self, next: Cursors) -> Result<(), Lag> {
        self.write(Cursors { lease: None, ..next }).await
    }

    /// Writes the next version on the one before: whoever took the lease over has written since.
    async fn write(&mut self, next: Cursors) -> Result<(), Lag> {
        let store = self.context.outside.store();
        // Bounded by the end of the run alone: what was accepted is to be stored, as far as there is any time.
        match self.context.budget.within_storing(store.put_cursors(self.topic, &next)).await {
            Some(Ok(())) => {
                self.cursors = next;
                Ok(())
            }
            Some(Err(StoreError::Superseded)) => Err(Lag::Leased),
            Some(Err(error)) => Err(Lag::Failed(format!("its cursors cannot be stored: {error}"))),
            None => Err(Lag::OutOfTime),
        }
    }

    /// Gives the lease back, if it is still held. Where that fails, it ends by itself.
    async fn release(&mut self) {
        if self.cursors.lease.as_ref().is_some_and(|lease| lease.run == self.context.id) {
            let _ends_by_itself = self.put_last(self.cursors.next()).await;
        }
    }
}

/// Begins the cursors of the events topic, or ends them: a topic that was added gets what is recorded from now on, and
/// one that was taken away from the function nothing more.
pub async fn say_who_listens<O: Outside>(context: &Context<'_, O>, heads: &mut Heads) {
    let listens = heads.cursors(Topic::Events).is_some();
    let positions = match (context.outside.publisher().machines(), listens) {
        (Machines::Listen, false) => heads.known.iter().map(|(t, head)| (t.clone(), head.log_end)).collect(),
        // That is for the scheduled function alone to say.
        (Machines::Nobody, true) if context.request.scheduled => {
            let parts = heads.lagging(Topic::Events).count();
            warn!(
                targets = parts,
                "there is no events topic any more: the events that were not published are passed over"
            );
            BTreeMap::new()
        }
        _ => return,
    };
    if context.request.dry_run {
        return;
    }
    let version = heads.events.version + 1;
    let next = Cursors { version, positions, stopped: listens, ..Cursors::default() };
    match context.budget.within(context.outside.store().put_cursors(Topic::Events, &next)).await {
        Some(Ok(())) => heads.events = next,
        Some(Err(StoreError::Superseded)) | None => {}
        Some(Err(error)) => warn!(%error, "not stored whether machines listen"),
    }
}

/// What a lag makes of the report of its target.
pub fn lagging(report: TargetReport, topic: Topic, lag: &Lag) -> TargetReport {
    match lag {
        Lag::Failed(why) => {
            let why = format!("recorded, but not dispatched on the {} topic: {why}", topic.as_str());
            report.ended(Outcome::Incomplete, Some(why))
        }
        Lag::Unconfirmed => {
            let why = "recorded; people are notified as soon as somebody has confirmed a subscription of the alerts topic";
            report.ended(Outcome::Deferred, Some(why.to_owned()))
        }
        Lag::OutOfTime => {
            let why = "out of time; what is recorded and not yet dispatched follows in the next run";
            report.ended(Outcome::Deferred, Some(why.to_owned()))
        }
        Lag::Leased => report.ended(Outcome::Superseded, None),
    }
}
