//! Digests for people: one over all targets that lag. It is stored before it is published, so that a killed run's
//! digest is sent again as the same message.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;
use tracing::warn;

use super::urgency::{Judged, Urgency};
use super::{Lag, Leased, read};
use crate::model::{Severity, Target};
use crate::notify::fold::MOST_NAMED;
use crate::notify::message::{self, Form};
use crate::notify::{self, Fold, Notification};
use crate::ports::{Outside, PublishError, Publisher, SnapshotStore};
use crate::state::head::{Cursors, Head, Heads, Known, StoredMessage, Topic};
use crate::state::log::Position;
use crate::state::packed;
use crate::watch::account_names;

/// Packs of one digest: as many as a list attribute of it may name, so that a filter policy on any of them finds it.
const MOST_PACKS: usize = 100;

/// Parts of one target that one digest covers; a longer backlog is reported in several.
const MOST_PARTS: usize = 200;

/// How long the topic is asked whether anybody would get a digest.
const CONFIRMATION_TIMEOUT: Duration = Duration::from_secs(2);

/// What is older than this, and than twice `GROUP_INTERVAL`, may be no longer so: after an outage, or a restore.
const OLD: Duration = Duration::from_secs(3600);

/// How long a digest is kept.
const KEPT: SignedDuration = SignedDuration::from_hours(14 * 24);

/// A digest, and what of the logs it covers.
#[derive(Debug, Serialize, Deserialize)]
struct Digest {
    notification: Notification,
    /// Where the cursor of each target was: `packwatch history --message` reads from there.
    begins: BTreeMap<Target, Position>,
    /// Where it goes when the digest is accepted.
    ends: BTreeMap<Target, Position>,
    /// What people know when they have it.
    known: Known,
}

impl Digest {
    fn message(&self, now: Timestamp) -> StoredMessage {
        let id = self.notification.id.clone();
        let expires_at = now.saturating_add(KEPT).unwrap_or(Timestamp::MAX);
        let data = packed::zipped(&serde_json::to_vec(self).unwrap_or_default());
        StoredMessage { id, data, expires_at }
    }

    fn read(message: &StoredMessage) -> Result<Self, String> {
        let text = packed::unzipped(&message.data)?;
        serde_json::from_slice(&text).map_err(|error| error.to_string())
    }

    fn moved(&self, cursors: &Cursors) -> Cursors {
        let moved = cursors.clone().moved(self.ends.iter().map(|(target, end)| (target, *end)));
        Cursors { message: None, known: self.known.clone(), ..moved }
    }
}

/// Sends one digest of what lags; first one that an earlier run stored and may have sent. Returns how many were
/// accepted.
pub(super) async fn send<O: Outside>(heads: &Heads, leased: &mut Leased<'_, O>) -> Result<u64, Lag> {
    let context = leased.context;
    let store = context.outside.store();
    if let Some(id) = leased.cursors.message.clone() {
        leased.put(leased.cursors.next()).await?;
        let stored = context.budget.within_dispatching(store.message(&id)).await.ok_or(Lag::OutOfTime)?;
        match stored.map_err(|error| Lag::Failed(error.to_string()))?.map(|stored| Digest::read(&stored)) {
            Some(Ok(digest)) => return publish(leased, &digest, true).await,
            // What it covers is still in the logs.
            broken => {
                warn!(id, why = ?broken.and_then(Result::err), "a digest that was under way cannot be read: another is made");
                let next = leased.cursors.next();
                leased.put(Cursors { message: None, ..next }).await?;
            }
        }
    }
    let Some(digest) = make(heads, leased).await? else { return Ok(0) };
    let message = digest.message(context.outside.now());
    let kept = context.budget.within_dispatching(store.put_message(&message)).await.ok_or(Lag::OutOfTime)?;
    kept.map_err(|error| Lag::Failed(error.to_string()))?;
    let next = leased.cursors.next();
    leased.put(Cursors { message: Some(message.id), ..next }).await?;
    publish(leased, &digest, false).await
}

/// What one target has beyond its cursor.
struct Pending<'a> {
    target: &'a Target,
    head: &'a Head,
    read: read::Parts,
    judged: Judged,
}

fn judged<'a>(pending: &'a [Pending<'a>]) -> impl Iterator<Item = (&'a Target, &'a Judged)> + Clone {
    pending.iter().map(|one| (one.target, &one.judged))
}

/// Makes the next digest; `None` where there is nothing to tell. What needs no digest is passed over.
async fn make<O: Outside>(heads: &Heads, leased: &mut Leased<'_, O>) -> Result<Option<Digest>, Lag> {
    let context = leased.context;
    let now = context.outside.now();
    let mut urgency = Urgency::new(&leased.cursors.known, &heads.silences, context.settings, now);
    let (mut pending, mut passed) = (Vec::new(), Vec::new());
    let mut trouble = None;
    for (target, head, from, to) in heads.lagging(Topic::Alerts) {
        let judge = context.budget.within_folding(async {
            let mut read = read::parts(context, target, head, (from, to), MOST_PARTS).await?;
            let parts = read.parts.iter().map(|part| read::records(target, part));
            let mut judged = urgency.judge(target, &head.history_id, parts)?;
            judged.is_due |= read.parts.len() >= MOST_PARTS && read.end < to;
            if !judged.tells {
                read.parts = Vec::new();
            }
            Ok(Pending { target, head, read, judged })
        });
        match judge.await {
            Some(Ok(one)) if one.judged.tells => pending.push(one),
            Some(Ok(one)) => passed.push(one),
            // What is read by now is sent: a large backlog is reported part by part.
            Some(Err(lag)) => trouble = Some(lag),
            None => {
                trouble = Some(Lag::OutOfTime);
                break;
            }
        }
        if pending.len() > MOST_PACKS {
            pending.sort_by_key(|one| one.judged.rank());
            pending.truncate(MOST_PACKS);
        }
        // The others follow in another digest.
        if pending.len() == MOST_PACKS && urgency.due(pending.iter().map(|one| &one.judged)).is_some() {
            break;
        }
    }
    let due = urgency.due(pending.iter().map(|one| &one.judged));
    if !passed.is_empty() {
        let known = Urgency::passed(&leased.cursors.known, judged(&passed));
        let ends = passed.iter().map(|one| (one.target, one.read.end));
        let next = Cursors { known, ..leased.cursors.clone().moved(ends) };
        if due.is_none() { leased.put_last(next).await? } else { leased.put(next).await? }
    }
    let Some(due) = due else {
        return trouble.map_or(Ok(None), Err);
    };
    let most = MOST_NAMED / pending.len().max(1);
    let mut folds = Vec::new();
    for Pending { target, head, read, judged } in &pending {
        let mut fold = Fold::new(target, &head.history_id, &head.accounts, most);
        for part in read.parts.iter().rev() {
            let records = read::records(target, part)?.into_iter().rev();
            records.for_each(|record| fold.add(&judged.dispatched(record)));
        }
        folds.push(fold);
    }
    let folds: Vec<&Fold<'_>> = folds.iter().collect();
    let Some(mut notification) =
        notify::digest(&folds, context.outside.store().place(), context.settings.time_zone())
    else {
        return Err(trouble.unwrap_or(Lag::Failed("a digest would say nothing".to_owned())));
    };
    let old = OLD.max(context.settings.group_interval * 2);
    if now.duration_since(notification.observed_at).unsigned_abs() > old {
        notification.as_of = Some(notification.observed_at);
    }
    if !pending.iter().any(|one| one.judged.is_new) {
        // Whoever is paged for a failure is not paged again for more of it.
        notification.severity = notification.severity.max(Severity::Warning);
    }
    let confirmation = context.outside.publisher().awaits_confirmation();
    if timeout(CONFIRMATION_TIMEOUT, confirmation).await == Ok(true) {
        return Err(Lag::Unconfirmed);
    }
    account_names::fill(&mut notification, context.outside.names(), context.budget).await;
    let begins =
        pending.iter().map(|one| (one.target.clone(), leased.cursors.position(one.target))).collect();
    let ends = pending.iter().map(|one| (one.target.clone(), one.read.end)).collect();
    let known = urgency.known(due, judged(&passed).chain(judged(&pending)));
    Ok(Some(Digest { notification, begins, ends, known }))
}

/// Publishes a digest, and moves the cursors to the end of what it covers. An earlier run may have sent it, too, if it is
/// tried `again`.
async fn publish<O: Outside>(leased: &mut Leased<'_, O>, digest: &Digest, again: bool) -> Result<u64, Lag> {
    let Leased { context, breaker, .. } = *leased;
    let publish =
        async |form| context.outside.publisher().alert(&message::alert(&digest.notification, form)).await;
    let refused = match breaker.publish(context.budget, &Form::ALL, publish).await {
        Some(Ok(())) => None,
        None => Some(Lag::OutOfTime),
        // It may have been accepted: the same message is sent again.
        Some(Err(error @ (PublishError::TimedOut(_) | PublishError::Unanswered(_)))) => {
            return Err(Lag::Failed(error.to_string()));
        }
        Some(Err(error)) => Some(Lag::Failed(error.to_string())),
    };
    if let Some(lag) = refused {
        if !again {
            // Nobody has it: the next digest tells what is the case then.
            let next = leased.cursors.next();
            leased.put_last(Cursors { message: None, ..next }).await?;
        }
        return Err(lag);
    }
    leased.put_last(digest.moved(&leased.cursors)).await?;
    Ok(1)
}
