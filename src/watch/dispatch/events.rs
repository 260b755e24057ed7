//! Events for machines: every record of the log, in its order for each target. Targets take turns; after each window of
//! parts their cursors are moved, so that a run that is killed repeats a window at most.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use tokio::time::Instant;

use super::{Lag, Leased, read};
use crate::model::Target;
use crate::notify::message::{self, Event, Form};
use crate::ports::{Outside, PublishError, Publisher};
use crate::state::head::{Head, Heads, Topic};
use crate::state::log::{Position, Record};
use crate::watch::batch::{self, BATCH, BATCHES_AT_ONCE};

/// Messages of a window, about.
const WINDOW: usize = 900;

/// Messages of a part, about.
const PART: usize = 300;

/// After a window that took longer, the next one is a single part.
const LONG: Duration = Duration::from_secs(2);

/// The next parts of a target that lags, as their records; none, where they have expired.
struct Portion<'a> {
    target: &'a Target,
    head: &'a Head,
    records: Vec<Record>,
    /// Where the cursor goes when all of it is accepted.
    end: Position,
}

/// Sends everything that lags.
pub(super) async fn send<O: Outside>(heads: &Heads, leased: &mut Leased<'_, O>) -> Result<u64, Lag> {
    leased.put(leased.cursors.next()).await?;
    let lagging = heads.lagging(Topic::Events);
    let mut waiting: VecDeque<_> = lagging.map(|(target, head, ..)| (target, head)).collect();
    let (mut lag, mut most) = (None, WINDOW);
    while !waiting.is_empty() {
        let began = Instant::now();
        let (mut window, mut taken) = (Vec::new(), 0);
        while taken < most
            && let Some((target, head)) = waiting.pop_front()
        {
            match next(leased, target, head, (most - taken).div_ceil(PART)).await {
                Ok(portion) => {
                    taken += portion.records.len();
                    window.push(portion);
                }
                Err(failed) => lag = Some(failed),
            }
        }
        if window.is_empty() {
            continue;
        }
        let (sent, stopped) = send_window(leased, &window).await;
        let moved = window.iter().zip(&sent).filter(|(_, sent)| **sent);
        let next = leased.cursors.clone().moved(moved.map(|(portion, _)| (portion.target, portion.end)));
        let lags = |of: &&Portion<'_>| next.lag(of.target, of.head).is_some();
        waiting.extend(window.iter().filter(lags).map(|portion| (portion.target, portion.head)));
        if waiting.is_empty() || stopped.is_some() {
            leased.put_last(next).await?;
        } else {
            leased.put(next).await?;
        }
        if let Some(stopped) = stopped {
            return Err(stopped);
        }
        most = if began.elapsed() > LONG { 1 } else { WINDOW };
    }
    lag.map_or(Ok(0), Err)
}

/// Reads the next parts of a target.
async fn next<'a, O: Outside>(
    leased: &Leased<'_, O>,
    target: &'a Target,
    head: &'a Head,
    most: usize,
) -> Result<Portion<'a>, Lag> {
    let range = (leased.cursors.position(target), head.log_end);
    let read = read::parts(leased.context, target, head, range, most).await?;
    let mut portion = Portion { target, head, records: Vec::new(), end: range.0 };
    for part in &read.parts {
        match read::records(target, part) {
            Ok(records) => portion.records.extend(records),
            Err(damaged) if portion.records.is_empty() => return Err(damaged),
            // What is before it is sent first.
            Err(_) => return Ok(portion),
        }
        portion.end = part.position;
    }
    Ok(Portion { end: read.end, ..portion })
}

/// Sends the records of some parts, several batches at once. Says of each portion whether all of it was accepted, and why
/// nothing more is to be sent.
async fn send_window<O: Outside>(leased: &Leased<'_, O>, window: &[Portion<'_>]) -> (Vec<bool>, Option<Lag>) {
    let messages: Vec<(&Portion<'_>, &Record)> =
        window.iter().flat_map(|of| of.records.iter().map(move |record| (of, record))).collect();
    let batches = stream::iter(messages.chunks(BATCH)).map(|batch| send_batch(leased, batch));
    let sent: Vec<Option<Lag>> = batches.buffered(BATCHES_AT_ONCE).flat_map(stream::iter).collect().await;
    let mut rest = sent.iter();
    // Each takes its own, also behind one that was not accepted.
    let is_accepted =
        |of: &Portion<'_>| rest.by_ref().take(of.records.len()).filter(|lag| lag.is_some()).count() == 0;
    let accepted = window.iter().map(is_accepted).collect();
    (accepted, sent.into_iter().flatten().next())
}

/// Sends one batch: for each message, why it was not accepted. What is refused for what it is goes again alone, in a
/// minimal form.
async fn send_batch<O: Outside>(
    Leased { context, breaker, .. }: &Leased<'_, O>,
    messages: &[(&Portion<'_>, &Record)],
) -> Vec<Option<Lag>> {
    let all = |lag: Lag| vec![Some(lag); messages.len()];
    if let Some(why) = breaker.open() {
        return all(Lag::Failed(why));
    }
    let publisher = context.outside.publisher();
    let event = |(of, record): &(&Portion<'_>, &Record), form| {
        message::event(of.target, &of.head.history_id, record, form)
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
