//! Events for machines: every record of the log, in its order for each target. Targets take turns; after each window of
//! parts their cursors are moved, so that a run that is killed repeats a window at most.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use tokio::time::Instant;

use super::breaker::Breaker;
use super::{Lag, Leased, read};
use crate::model::Target;
use crate::notify::message::{self, Event, Form};
use crate::ports::{Outside, PublishError, Publisher};
use crate::state::head::{Head, Heads, Topic};
use crate::state::log::{LogPart, Position, Record};
use crate::watch::batch::{self, BATCH, BATCHES_AT_ONCE};
use crate::watch::context::Context;

/// Messages of a window, about.
const WINDOW: usize = 600;

/// After a window that took longer, the next one is a single part.
const LONG: Duration = Duration::from_secs(2);

/// Parts of one target that are held at once.
const HELD: usize = 40;

/// A target of which machines lack something.
struct LaggingTarget<'a> {
    target: &'a Target,
    head: &'a Head,
    to: Position,
    parts: VecDeque<LogPart>,
    /// Where the cursor goes when all parts are accepted.
    end: Position,
}

/// A part under way, as its records.
struct Sending<'a> {
    lagged: LaggingTarget<'a>,
    position: Position,
    records: Vec<Record>,
}

/// Sends everything that lags.
pub(super) async fn send<O: Outside>(
    context: &Context<'_, O>,
    breaker: &Breaker,
    heads: &Heads,
    leased: &mut Leased<'_, O>,
) -> Result<u64, Lag> {
    leased.put(leased.cursors.next()).await?;
    let lagging = heads.lagging(Topic::Events);
    let mut waiting: VecDeque<LaggingTarget<'_>> = lagging
        .map(|(target, head, from, to)| LaggingTarget { target, head, to, parts: VecDeque::new(), end: from })
        .collect();
    let (mut lag, mut messages) = (None, WINDOW);
    while !waiting.is_empty() {
        let began = Instant::now();
        let (window, failed) = window(context, &mut waiting, leased, messages).await;
        lag = failed.or(lag);
        if window.is_empty() {
            continue;
        }
        let (sent, stopped) = send_window(context, breaker, &window).await;
        let moved = window.iter().zip(&sent).filter(|(_, sent)| **sent);
        let moved = moved.map(|(sending, _)| (sending.lagged.target, sending.position));
        let next = leased.cursors.clone().moved(moved);
        waiting.extend(window.into_iter().map(|sending| sending.lagged).filter(LaggingTarget::has_more));
        if waiting.is_empty() || stopped.is_some() {
            leased.put_last(next).await?;
        } else {
            leased.put(next).await?;
        }
        if let Some(stopped) = stopped {
            return Err(stopped);
        }
        messages = if began.elapsed() > LONG { 1 } else { WINDOW };
    }
    lag.map_or(Ok(0), Err)
}

/// The next parts, one of each target that waits, until they have so many records; and what kept a target from it.
async fn window<'a, O: Outside>(
    context: &Context<'_, O>,
    waiting: &mut VecDeque<LaggingTarget<'a>>,
    leased: &mut Leased<'_, O>,
    messages: usize,
) -> (Vec<Sending<'a>>, Option<Lag>) {
    let (mut window, mut lag) = (Vec::new(), None);
    let mut taken = 0;
    while taken < messages
        && let Some(mut lagged) = waiting.pop_front()
    {
        match lagged.next(context, leased).await {
            Ok(None) => {}
            Ok(Some((position, records))) => {
                taken += records.len();
                window.push(Sending { lagged, position, records });
            }
            Err(failed) => lag = Some(failed),
        }
    }
    (window, lag)
}

impl LaggingTarget<'_> {
    fn has_more(&self) -> bool {
        !self.parts.is_empty() || self.end < self.to
    }

    /// The records of the next part, and where the cursor goes behind it; `None` at the end.
    async fn next<O: Outside>(
        &mut self,
        context: &Context<'_, O>,
        leased: &mut Leased<'_, O>,
    ) -> Result<Option<(Position, Vec<Record>)>, Lag> {
        if self.parts.is_empty() && self.end < self.to {
            let range = (self.end, self.to);
            let read = read::parts(context, self.target, self.head, range, HELD).await?;
            (self.parts, self.end) = (read.parts.into(), read.end);
            // Nothing of it is there any more.
            if self.parts.is_empty() && self.end > range.0 {
                leased.put(leased.cursors.clone().moved([(self.target, self.end)])).await?;
            }
        }
        let Some(part) = self.parts.pop_front() else { return Ok(None) };
        let records = read::records(self.target, &part)?;
        let position = if self.parts.is_empty() { self.end } else { part.position };
        Ok(Some((position, records)))
    }
}

/// Sends the records of some parts, several batches at once. Says of each part whether all of it was accepted, and why
/// nothing more is to be sent.
async fn send_window<O: Outside>(
    context: &Context<'_, O>,
    breaker: &Breaker,
    window: &[Sending<'_>],
) -> (Vec<bool>, Option<Lag>) {
    let messages: Vec<(&LaggingTarget<'_>, &Record)> = window
        .iter()
        .flat_map(|sending| sending.records.iter().map(|record| (&sending.lagged, record)))
        .collect();
    let batches = stream::iter(messages.chunks(BATCH)).map(|batch| send_batch(context, breaker, batch));
    let sent: Vec<Option<Lag>> = batches.buffered(BATCHES_AT_ONCE).flat_map(stream::iter).collect().await;
    let mut rest = sent.iter();
    let is_accepted = |sending: &Sending<'_>| {
        let of_part: Vec<_> = rest.by_ref().take(sending.records.len()).collect();
        of_part.iter().all(|lag| lag.is_none())
    };
    let accepted = window.iter().map(is_accepted).collect();
    (accepted, sent.into_iter().flatten().next())
}

/// Sends one batch: for each message, why it was not accepted. What is refused for what it is goes again alone, in a
/// minimal form.
async fn send_batch<O: Outside>(
    context: &Context<'_, O>,
    breaker: &Breaker,
    messages: &[(&LaggingTarget<'_>, &Record)],
) -> Vec<Option<Lag>> {
    let all = |lag: Lag| vec![Some(lag); messages.len()];
    if let Some(why) = breaker.open() {
        return all(Lag::Failed(why));
    }
    let publisher = context.outside.publisher();
    let event = |(lagged, record): &(&LaggingTarget<'_>, &Record), form| {
        message::event(lagged.target, &lagged.head.history_id, record, form)
    };
    let events: Vec<Event> = messages.iter().map(|message| event(message, Form::Whole)).collect();
    let call = async |left: &[Event]| publisher.events(left).await;
    let (refused, again): (Vec<(usize, PublishError)>, &[Form]) =
        match breaker.ask(context.budget, batch::settle(&events, call)).await {
            None => return all(Lag::OutOfTime),
            // One of them is not as it must be, and the answer does not say which.
            Some(Err(error @ PublishError::Refused(_))) => {
                ((0..messages.len()).map(|index| (index, error.clone())).collect(), &Form::ALL)
            }
            Some(Err(error)) => return all(Lag::Failed(error.to_string())),
            Some(Ok(refused)) => (refused, Form::ALL.get(1..).unwrap_or_default()),
        };
    let mut sent: Vec<Option<Lag>> = vec![None; messages.len()];
    for (index, error) in refused {
        let (Some(sent), Some(message)) = (sent.get_mut(index), messages.get(index)) else { continue };
        *sent = match error {
            PublishError::Refused(_) => {
                let publish = async |form| {
                    let mut refused = publisher.events(&[event(message, form)]).await?;
                    refused.pop().map_or(Ok(()), |(_, error)| Err(error))
                };
                match breaker.publish(context.budget, again, publish).await {
                    None => Some(Lag::OutOfTime),
                    Some(Ok(())) => None,
                    Some(Err(error)) => Some(Lag::Failed(error.to_string())),
                }
            }
            error => {
                breaker.note(&error);
                Some(Lag::Failed(error.to_string()))
            }
        };
    }
    sent
}
