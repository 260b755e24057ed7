//! The announcer for machines: every record of the log, in its order for each target. Targets take turns, a window of
//! messages at a time, after which their marks are moved: a run that is killed repeats a window at most, and one with too
//! little time gets further each time.

use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;
use tracing::warn;

use super::topic::Topic;
use super::{Endings, Owed, Verdict, let_go};
use crate::notify::message::{self, Event, Form};
use crate::ports::{LogRequest, Machines, Order, Outside, PublishError, Publisher, SnapshotStore};
use crate::state::heads::Mark;
use crate::state::log::{Position, Record};
use crate::watch::batch::{self, BATCH, BATCHES_AT_ONCE};
use crate::watch::context::Context;

/// Messages of a window: so many are sent before the marks are moved.
const WINDOW: usize = 300;

/// Nothing more of a window is begun after so long: a slow topic's marks are moved all the same.
const LONGEST_WINDOW: Duration = Duration::from_secs(2);

/// Targets that share a window.
const TARGETS_IN_A_WINDOW: usize = 8;

/// A target of which machines lack something.
struct Behind {
    owed: Rc<Owed>,
    mark: Position,
}

/// What came of one message.
enum Sent {
    Accepted,
    /// It was not sent yet: its window took too long.
    Waits,
    /// It was not accepted, and nothing behind it may be.
    Stopped(Verdict),
}

/// Tells machines of every target that comes in. Returns how many messages were accepted only in a lesser form.
pub(super) async fn announce<O: Outside>(
    context: &Context<'_, O>,
    mut incoming: UnboundedReceiver<Rc<Owed>>,
    endings: Endings,
) -> u64 {
    let topic = Topic::default();
    let machines = context.outside.publisher().machines();
    let mut waiting: VecDeque<Behind> = VecDeque::new();
    loop {
        // What waits goes on at once; else the next target is waited for.
        while let Ok(owed) = incoming.try_recv() {
            waiting.push_back(Behind::of(owed));
        }
        if waiting.is_empty() {
            match incoming.recv().await {
                Some(owed) => waiting.push_back(Behind::of(owed)),
                None => return topic.reduced.get(),
            }
        }
        let turn: Vec<Behind> = waiting.drain(..waiting.len().min(TARGETS_IN_A_WINDOW)).collect();
        let goes_on = match machines {
            Machines::Listen => window(context, &topic, turn, &endings).await,
            Machines::Nobody => {
                join_all(turn.iter().map(|behind| pass_over(context, behind, &endings))).await;
                Vec::new()
            }
            // The function will tell them.
            Machines::Elsewhere => {
                turn.iter().for_each(|behind| behind.end(&endings, Verdict::Told));
                Vec::new()
            }
        };
        waiting.extend(goes_on);
    }
}

impl Behind {
    fn of(owed: Rc<Owed>) -> Self {
        Self { mark: owed.head.machines, owed }
    }

    fn end(&self, endings: &Endings, verdict: Verdict) {
        let_go(endings, self.owed.ended(Mark::Machines, verdict));
    }
}

/// One page of what a target owes.
struct Page {
    behind: Behind,
    records: Vec<Record>,
    is_last: bool,
}

/// Sends a window of messages, and moves the marks. Returns the targets that have more.
async fn window<O: Outside>(
    context: &Context<'_, O>,
    topic: &Topic,
    turn: Vec<Behind>,
    endings: &Endings,
) -> Vec<Behind> {
    let share = WINDOW / turn.len().max(1);
    let pages = join_all(turn.into_iter().map(|behind| read(context, topic, behind, share))).await;
    let mut ready: Vec<Page> = Vec::new();
    for page in pages {
        match page {
            Ok(page) => ready.push(page),
            Err((behind, verdict)) => behind.end(endings, verdict),
        }
    }
    let messages: Vec<(&Owed, &Record)> = ready
        .iter()
        .flat_map(|page| page.records.iter().map(|record| (&*page.behind.owed, record)))
        .collect();
    let mut sent = send(context, topic, &messages).await.into_iter();
    drop(messages);
    let results: Vec<Vec<Sent>> =
        ready.iter().map(|page| sent.by_ref().take(page.records.len()).collect()).collect();
    let settled =
        join_all(ready.into_iter().zip(results).map(|(page, sent)| settle(context, page, sent, endings)));
    settled.await.into_iter().flatten().collect()
}

/// The next page of a target's log, or why there is none.
async fn read<O: Outside>(
    context: &Context<'_, O>,
    topic: &Topic,
    behind: Behind,
    share: usize,
) -> Result<Page, (Behind, Verdict)> {
    if behind.mark >= behind.owed.end {
        return Ok(Page { behind, records: Vec::new(), is_last: true });
    }
    if let Some(why) = topic.left() {
        return Err((behind, Verdict::Failed(why)));
    }
    let (after, until) = (behind.mark, behind.owed.end);
    let limit = u32::try_from(share).unwrap_or(u32::MAX).max(1);
    let request = LogRequest { after, until, order: Order::Oldest, limit, token: None };
    let log = context.outside.store().log(&behind.owed.target, &request);
    match context.budget.within_announcing(log).await {
        None => Err((behind, Verdict::OutOfTime)),
        Some(Err(error)) => Err((behind, Verdict::Failed(format!("what is owed cannot be read: {error}")))),
        Some(Ok(page)) => Ok(Page { behind, records: page.items, is_last: page.next_token.is_none() }),
    }
}

/// Moves a target's mark behind what was accepted without a gap. Returns the target where it has more.
async fn settle<O: Outside>(
    context: &Context<'_, O>,
    page: Page,
    sent: Vec<Sent>,
    endings: &Endings,
) -> Option<Behind> {
    let Page { mut behind, records, is_last } = page;
    let accepted = sent.iter().take_while(|sent| matches!(sent, Sent::Accepted)).count();
    let gap = sent.into_iter().nth(accepted);
    let to = match (accepted.checked_sub(1).and_then(|last| records.get(last)), &gap) {
        (_, None) if is_last => Some(behind.owed.end),
        (last, _) => last.map(Record::position),
    };
    if let Some(to) = to.filter(|to| *to > behind.mark) {
        if let Err(error) = behind.owed.advance(context, Mark::Machines, to).await {
            behind.end(endings, error.into());
            return None;
        }
        behind.mark = to;
    }
    let ends = match gap {
        Some(Sent::Stopped(verdict)) => Some(verdict),
        None if is_last => Some(Verdict::Told),
        // The rest comes in its next turn.
        Some(Sent::Waits | Sent::Accepted) | None => None,
    };
    match ends {
        Some(verdict) => {
            behind.end(endings, verdict);
            None
        }
        None => Some(behind),
    }
}

/// Sends messages, several batches at once, for as long as a window may take.
async fn send<O: Outside>(
    context: &Context<'_, O>,
    topic: &Topic,
    messages: &[(&Owed, &Record)],
) -> Vec<Sent> {
    let until = Instant::now() + LONGEST_WINDOW;
    let batch = async |batch: &[(&Owed, &Record)]| {
        if let Some(why) = topic.left() {
            return batch.iter().map(|_| Sent::Stopped(Verdict::Failed(why.clone()))).collect();
        }
        if Instant::now() >= until {
            return batch.iter().map(|_| Sent::Waits).collect();
        }
        send_batch(context, topic, batch).await
    };
    stream::iter(messages.chunks(BATCH))
        .map(batch)
        .buffered(BATCHES_AT_ONCE)
        .flat_map(stream::iter)
        .collect()
        .await
}

/// Sends one batch; what it refuses for what it is goes again alone, in a lesser form.
async fn send_batch<O: Outside>(
    context: &Context<'_, O>,
    topic: &Topic,
    messages: &[(&Owed, &Record)],
) -> Vec<Sent> {
    let publisher = context.outside.publisher();
    let event =
        |(owed, record): &(&Owed, &Record), form| message::event(&owed.target, &owed.head.born, record, form);
    let events: Vec<Event> = messages.iter().map(|message| event(message, Form::Whole)).collect();
    let call = async |left: &[Event]| publisher.events(left).await;
    let all = |verdict: Verdict| messages.iter().map(|_| Sent::Stopped(verdict.clone())).collect();
    let (refused, again): (Vec<(usize, PublishError)>, &[Form]) =
        match topic.ask(context.budget, batch::settle(&events, call)).await {
            None => return all(Verdict::OutOfTime),
            // One of them is not as it must be, and the answer does not say which.
            Some(Err(error @ PublishError::Refused(_))) => {
                ((0..messages.len()).map(|index| (index, error.clone())).collect(), &Form::ALL)
            }
            Some(Err(error)) => return all(Verdict::Failed(error.to_string())),
            Some(Ok(refused)) => (refused, Form::ALL.get(1..).unwrap_or_default()),
        };
    let mut sent: Vec<Sent> = messages.iter().map(|_| Sent::Accepted).collect();
    for (index, error) in refused {
        let (Some(sent), Some(message)) = (sent.get_mut(index), messages.get(index)) else { continue };
        *sent = match error {
            PublishError::Refused(_) => {
                let publish = async |form| {
                    let mut refused = publisher.events(&[event(message, form)]).await?;
                    refused.pop().map_or(Ok(()), |(_, error)| Err(error))
                };
                match topic.publish(context.budget, again, publish).await {
                    None => Sent::Stopped(Verdict::OutOfTime),
                    Some(Ok(())) => Sent::Accepted,
                    Some(Err(error)) => Sent::Stopped(Verdict::Failed(error.to_string())),
                }
            }
            error => {
                topic.note(&error);
                Sent::Stopped(Verdict::Failed(error.to_string()))
            }
        };
    }
    sent
}

/// Moves the mark over what nobody listens to any more, and says how much that is.
async fn pass_over<O: Outside>(context: &Context<'_, O>, behind: &Behind, endings: &Endings) {
    let Owed { target, head, end, .. } = &*behind.owed;
    if behind.mark >= *end {
        return behind.end(endings, Verdict::Told);
    }
    // Without a topic the mark follows every run: what an earlier one left was owed to somebody.
    if behind.mark < Position::end_of(head.epoch.saturating_sub(1)) {
        let mut passed = 0_usize;
        let mut request =
            LogRequest { after: behind.mark, until: *end, order: Order::Oldest, limit: 1000, token: None };
        while let Some(Ok(page)) =
            context.budget.within_announcing(context.outside.store().log(target, &request)).await
        {
            passed += page.items.len();
            request.token = page.next_token;
            if request.token.is_none() {
                break;
            }
        }
        warn!(region = %target.region, pack = %target.pack, records = passed, "there is no events topic any more: what machines had not been told is passed over");
    }
    let verdict = behind.owed.advance(context, Mark::Machines, *end).await;
    behind.end(endings, verdict.map_or_else(Verdict::from, |()| Verdict::Told));
}
