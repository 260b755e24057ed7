//! Reads what a topic lacks of a target's log, in its order and without a gap.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::sleep;
use tracing::warn;

use super::Lag;
use crate::model::Target;
use crate::ports::{LogRequest, Order, Outside, SnapshotStore};
use crate::state::head::Head;
use crate::state::log::{LogPart, Position, Record};
use crate::state::packed;
use crate::watch::context::Context;

/// Most parts of one request.
const PAGE: u32 = 40;

/// A Query is no snapshot of a transaction: what is missing of a commit so recent may only not be visible yet. What is
/// missing of an older one has expired.
const VISIBLE: SignedDuration = SignedDuration::from_mins(10);

/// How often a log is read that begins with a gap, and how long after: what is missing may be visible then.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(100);

/// What was read of a log.
#[derive(Debug)]
pub(super) struct Parts {
    /// In their order.
    pub(super) parts: Vec<LogPart>,
    /// Where the cursor goes when all of them are accepted.
    pub(super) end: Position,
}

impl Parts {
    /// Takes these parts, in their order, as far as none before them may only not be visible yet: whether it took them
    /// all.
    fn take(&mut self, target: &Target, parts: Vec<LogPart>, now: Timestamp) -> bool {
        for part in parts {
            if part.previous > self.end {
                if !is_old(part.observed_at, now) {
                    return false;
                }
                let (after, before) = (self.end, part.position);
                warn!(region = %target.region, pack = %target.pack, %after, %before, "a part of the log has expired before it was sent");
            }
            self.end = part.position;
            self.parts.push(part);
        }
        true
    }

    /// Ends a log of which everything up to here was read.
    fn end(&mut self, target: &Target, to: Position, head: &Head, now: Timestamp) {
        // Else what follows is not for this topic yet.
        if to >= head.log_end {
            if self.end >= to || !is_old(head.committed_at, now) {
                return;
            }
            warn!(region = %target.region, pack = %target.pack, after = %self.end, "the end of the log has expired before it was sent");
        }
        self.end = to;
    }
}

fn is_old(at: Timestamp, now: Timestamp) -> bool {
    now.duration_since(at) > VISIBLE
}

/// Reads up to `most` parts beyond a cursor, and at least one, or that they have expired.
pub(super) async fn parts<O: Outside>(
    context: &Context<'_, O>,
    target: &Target,
    head: &Head,
    range: (Position, Position),
    most: usize,
) -> Result<Parts, Lag> {
    for _ in 0..TRIES {
        let read = visible_parts(context, target, head, range, most).await?;
        if read.end > range.0 {
            return Ok(read);
        }
        sleep(PAUSE).await;
    }
    Err(Lag::Failed("a part of the log is not visible yet; the next run sends it".to_owned()))
}

async fn visible_parts<O: Outside>(
    context: &Context<'_, O>,
    target: &Target,
    head: &Head,
    (from, to): (Position, Position),
    most: usize,
) -> Result<Parts, Lag> {
    let now = context.outside.now();
    let mut read = Parts { parts: Vec::new(), end: from };
    let limit = PAGE.min(u32::try_from(most).unwrap_or(PAGE));
    let mut request = LogRequest { after: from, until: to, order: Order::Oldest, limit, token: None };
    loop {
        let page = context.budget.within_dispatching(context.outside.store().log(target, &request)).await;
        let page = page.ok_or(Lag::OutOfTime)?;
        let page = page.map_err(|error| Lag::Failed(format!("the log cannot be read: {error}")))?;
        if !read.take(target, page.items, now) || read.parts.len() >= most {
            return Ok(read);
        }
        request.token = page.next_token;
        if request.token.is_none() {
            read.end(target, to, head, now);
            return Ok(read);
        }
    }
}

/// The records of a part.
pub(super) fn records(target: &Target, part: &LogPart) -> Result<Vec<Record>, Lag> {
    packed::read_records(&part.data).map_err(|why| {
        Lag::Failed(format!("the part {} of the log of {target} is damaged: {why}", part.position))
    })
}

#[cfg(test)]
mod tests;
