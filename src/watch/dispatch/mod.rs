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
use crate::state::head::{Cursors, Head, Heads, Known, Topic};
use crate::watch::context::Context;
use crate::watch::report::{Outcome, TargetReport};

/// Why people are not notified yet.
const UNCONFIRMED: &str =
    "recorded; people are notified as soon as somebody has confirmed a subscription of the alerts topic";

/// Rounds of a topic in one run: a digest each, and one more for what other runs committed meanwhile.
const ROUNDS: usize = 100;

/// Rounds in which nothing moves: a part of the log that is not visible yet comes within moments, or with the next run.
const IDLE_ROUNDS: usize = 3;

/// Why a topic still lags behind a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lag {
    /// There was no time for the rest.
    OutOfTime,
    /// Another run dispatches.
    Leased,
    /// Nobody would get it yet.
    Unconfirmed,
    /// It waits for more news, and lacks nothing.
    NotDue,
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

/// How one round of a topic ended.
#[derive(Default)]
struct Round {
    /// Whether there was something to send, and it was tried.
    has_sent: bool,
    /// Whether it moved a cursor.
    has_moved: bool,
    notifications: u64,
    /// The cursors after it.
    cursors: Cursors,
    /// Why not everything was sent, if so.
    lag: Option<Lag>,
}

impl Round {
    /// Ends a topic of which nothing moves.
    fn give_up(&mut self) {
        let why = || Lag::Failed("a part of the log is not visible yet; the next run sends it".to_owned());
        self.lag = self.lag.take().or_else(|| self.has_sent.then(why));
    }
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
        let mut idle = 0;
        for _ in 0..ROUNDS {
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
            idle = if rounds.iter().any(|round| round.has_moved) { 0 } else { idle + 1 };
            for (topic, mut round) in mem::take(&mut open).into_iter().zip(rounds) {
                if idle == IDLE_ROUNDS {
                    round.give_up();
                }
                total.notifications += round.notifications;
                // Another round of the others would find nothing to do, or fail again.
                if round.has_sent && round.lag.is_none() {
                    open.push(topic);
                }
                let Some(lag) = round.lag.filter(|lag| *lag != Lag::NotDue) else { continue };
                let lags = |(t, head): &(&Target, &Head)| round.cursors.lag(topic, t, head).is_some();
                let lagging = heads.known.iter().filter(lags);
                total.lags.extend(lagging.map(|(target, _)| ((target.clone(), topic), lag.clone())));
            }
            total.minimal = self.alerts.minimal.get() + self.events.minimal.get();
            if open.is_empty() {
                return;
            }
        }
    }

    fn breaker(&self, topic: Topic) -> &Breaker {
        match topic {
            Topic::Alerts => &self.alerts,
            Topic::Events => &self.events,
        }
    }

    fn has_topic(&self, topic: Topic) -> bool {
        let publisher = self.context.outside.publisher();
        match topic {
            Topic::Alerts => publisher.alerts(),
            Topic::Events => publisher.machines() == Machines::Listen,
        }
    }

    /// One round of a topic.
    async fn round(&self, topic: Topic, heads: &Heads) -> Round {
        let cursors = match heads.cursors(topic) {
            Some(cursors) if self.has_topic(topic) && heads.lags(topic) => cursors,
            _ => return Round::default(),
        };
        let now = self.context.outside.now().as_second();
        let lag = match self.breaker(topic).open() {
            Some(why) => Lag::Failed(why),
            None if !cursors.are_free(&self.context.id, now) => Lag::Leased,
            None => {
                let mut leased = Leased { context: self.context, topic, cursors: cursors.clone() };
                let sent = match topic {
                    Topic::Alerts => alerts::send(self.context, &self.alerts, heads, &mut leased).await,
                    Topic::Events => events::send(self.context, &self.events, heads, &mut leased).await,
                };
                let (notifications, lag) = match sent {
                    Ok(notifications) => (notifications, None),
                    Err(lag) => (0, Some(lag)),
                };
                leased.release().await;
                let now = (&leased.cursors.positions, &leased.cursors.message);
                let has_moved = now != (&cursors.positions, &cursors.message);
                return Round { has_sent: true, has_moved, notifications, cursors: leased.cursors, lag };
            }
        };
        Round { cursors: cursors.clone(), lag: Some(lag), ..Round::default() }
    }
}

/// A topic's cursors, while this run dispatches them.
struct Leased<'a, O> {
    context: &'a Context<'a, O>,
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
    let next = Cursors {
        version: heads.events.version + 1,
        positions,
        lease: None,
        message: None,
        stopped: listens,
        known: Known::default(),
    };
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
        Lag::Unconfirmed => report.ended(Outcome::Deferred, Some(UNCONFIRMED.to_owned())),
        Lag::OutOfTime => {
            report.out_of_time("out of time; what is recorded and not yet dispatched follows in the next run")
        }
        Lag::Leased => report.ended(Outcome::Superseded, None),
        Lag::NotDue => report,
    }
}
