//! The announcer for people: recorded targets are gathered, so that fifty packs and a new account become one message,
//! and what is owed of them is folded into one digest.

use std::rc::Rc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, timeout, timeout_at};

use super::topic::Topic;
use super::{Endings, Owed, Verdict, let_go};
use crate::model::Target;
use crate::notify::fold::MOST_NAMED;
use crate::notify::message::{self, Form};
use crate::notify::{self, Fold};
use crate::ports::{LogRequest, Order, Outside, Page, PublishError, Publisher, SnapshotStore, StoreError};
use crate::state::heads::Mark;
use crate::state::log::{Position, Record};
use crate::watch::account_names;
use crate::watch::context::Context;

/// Packs of one digest: as many as a list attribute of it may name, so that a filter policy on any of them finds it.
const LARGEST_GROUP: usize = 100;

/// Records of the log that are held at once.
const PAGE: u32 = 500;

/// Epochs of one target that one digest covers, a day of ticks that all find changes. What a topic refused for longer is
/// told in several: folded in one, it would take longer than a run has, again and again.
const MOST_EPOCHS: u64 = 288;

/// How long the topic is asked whether anybody would get a digest.
const PATIENCE: Duration = Duration::from_secs(2);

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) notifications: u64,
    pub(super) reduced: u64,
}

/// Tells people of every target that comes in.
pub(super) async fn announce<O: Outside>(
    context: &Context<'_, O>,
    mut incoming: UnboundedReceiver<Option<Rc<Owed>>>,
    endings: Endings,
) -> Told {
    let topic = Topic::default();
    let mut told = Told::default();
    while let Some(group) = gather(&mut incoming, context.settings.group_wait, context).await {
        let mut lacking = group.into_iter().map(Lacking::of).collect::<Vec<_>>();
        while !lacking.is_empty() {
            let (accepted, more) = tell(context, &topic, &lacking, &endings).await;
            told.notifications += u64::from(accepted);
            lacking = more;
        }
    }
    told.reduced = topic.reduced.get();
    told
}

/// The next group: the first target that comes, and what follows within the group wait, unless somebody is in a hurry.
async fn gather<O>(
    incoming: &mut UnboundedReceiver<Option<Rc<Owed>>>,
    group_wait: Duration,
    context: &Context<'_, O>,
) -> Option<Vec<Rc<Owed>>> {
    let first = loop {
        if let Some(owed) = incoming.recv().await? {
            break owed;
        }
    };
    let mut group = vec![first];
    let until = context.budget.cap(Instant::now() + group_wait);
    while group.len() < LARGEST_GROUP
        && let Ok(Some(Some(owed))) = timeout_at(until, incoming.recv()).await
    {
        group.push(owed);
    }
    Some(group)
}

/// A target of which people lack something.
struct Lacking {
    owed: Rc<Owed>,
    mark: Position,
}

impl Lacking {
    fn of(owed: Rc<Owed>) -> Self {
        Self { mark: owed.head.people, owed }
    }
}

/// What of a target's log one digest covers: from where to where.
#[derive(Clone, Copy)]
struct Range {
    from: Position,
    to: Position,
    /// Whether that is all that people lack.
    is_all: bool,
}

impl Range {
    fn is_empty(self) -> bool {
        self.to <= self.from
    }
}

/// Sends one digest for the group, and moves the marks. Returns whether one was accepted, and the targets of which people
/// lack more.
async fn tell<O: Outside>(
    context: &Context<'_, O>,
    topic: &Topic,
    group: &[Lacking],
    endings: &Endings,
) -> (bool, Vec<Lacking>) {
    let most = MOST_NAMED / group.len().max(1);
    let mut folded = Vec::new();
    for Lacking { owed, mark } in group {
        match fold(context, topic, owed, *mark, most).await {
            Ok((range, fold)) => folded.push((owed, range, fold)),
            Err(verdict) => let_go(endings, owed.ended(Mark::People, verdict)),
        }
    }
    again(context, topic, &mut folded, most, endings).await;
    let folds: Vec<&Fold<'_>> = folded.iter().map(|(_, _, fold)| fold).collect();
    let accepted = match notify::digest(&folds, context.outside.store().table()) {
        None => Ok(false),
        Some(mut digest) => {
            account_names::fill(&mut digest, context.outside.names(), context.budget).await;
            let publish =
                async |form| context.outside.publisher().alert(&message::alert(&digest, form)).await;
            let awaits_confirmation = timeout(PATIENCE, context.outside.publisher().awaits_confirmation());
            match topic.left() {
                Some(why) => Err(Verdict::Failed(why)),
                None if awaits_confirmation.await == Ok(true) => Err(Verdict::Unheard),
                None => match topic.publish(context.budget, &Form::ALL, publish).await {
                    Some(Ok(())) => Ok(true),
                    Some(Err(error)) => Err(failed(&error)),
                    None => Err(Verdict::OutOfTime),
                },
            }
        }
    };
    let advance = async |(owed, range, fold): &(&Rc<Owed>, Range, Fold<'_>)| {
        let verdict = match &accepted {
            // Who has nothing to tell need not wait for the others.
            Err(verdict) if fold.is_told() => verdict.clone(),
            _ if range.is_empty() => Verdict::Told,
            _ => match owed.advance(context, Mark::People, range.to).await {
                Ok(()) if !range.is_all => return Some(Lacking { owed: (*owed).clone(), mark: range.to }),
                Ok(()) => Verdict::Told,
                Err(error) => error.into(),
            },
        };
        let_go(endings, owed.ended(Mark::People, verdict));
        None
    };
    let more = join_all(folded.iter().map(advance)).await.into_iter().flatten().collect();
    (accepted == Ok(true), more)
}

fn failed(error: &PublishError) -> Verdict {
    Verdict::Failed(error.to_string())
}

/// Reads the heads again, immediately before the digest is sent: another run may have told people of some targets
/// meanwhile. What these still lack is folded again.
async fn again<'a, O: Outside>(
    context: &'a Context<'_, O>,
    topic: &Topic,
    folded: &mut Vec<(&'a Rc<Owed>, Range, Fold<'a>)>,
    most: usize,
    endings: &Endings,
) {
    if folded.iter().all(|(_, _, fold)| !fold.is_told()) {
        return;
    }
    let heads = match context.budget.within_announcing(context.outside.store().load()).await {
        Some(Ok(heads)) => heads,
        // Told as it is: a copy is better than silence.
        Some(Err(_)) | None => return,
    };
    for (owed, mut range, mut fold) in std::mem::take(folded) {
        let mark = heads.known.get(&owed.target).map(|head| head.people);
        if let Some(mark) = mark.filter(|mark| *mark > range.from) {
            match self::fold(context, topic, owed, mark, most).await {
                Ok(again) => (range, fold) = again,
                Err(verdict) => {
                    let_go(endings, owed.ended(Mark::People, verdict));
                    continue;
                }
            }
        }
        folded.push((owed, range, fold));
    }
}

/// Folds what the next digest covers of a target, backwards: as long as that leaves time to publish it, and no further
/// than it takes to know that a topic which takes nothing keeps it waiting.
async fn fold<'a, O: Outside>(
    context: &'a Context<'_, O>,
    topic: &Topic,
    owed: &'a Owed,
    from: Position,
    most: usize,
) -> Result<(Range, Fold<'a>), Verdict> {
    let Owed { target, head, .. } = owed;
    let range = covered(context, owed, from).await?;
    let mut fold = Fold::new(target, &head.born, head.account_count(), most);
    if range.is_empty() {
        return Ok((range, fold));
    }
    let mut request =
        LogRequest { after: from, until: range.to, order: Order::Newest, limit: PAGE, token: None };
    loop {
        let page = log(context, target, &request).await?;
        page.items.iter().for_each(|record| fold.add(record));
        if let Some(why) = topic.left().filter(|_| fold.is_told()) {
            return Err(Verdict::Failed(why));
        }
        request.token = page.next_token;
        if request.token.is_none() {
            return Ok((range, fold));
        }
    }
}

/// What the next digest covers of a target. Epochs before the first record do not count: a restored table has a million of
/// them.
async fn covered<O: Outside>(
    context: &Context<'_, O>,
    owed: &Owed,
    from: Position,
) -> Result<Range, Verdict> {
    let end = owed.end.min(owed.head.people_end());
    if end.epoch.saturating_sub(from.epoch) <= MOST_EPOCHS {
        return Ok(Range { from, to: end, is_all: true });
    }
    let first = LogRequest { after: from, until: end, order: Order::Oldest, limit: 1, token: None };
    let page = log(context, &owed.target, &first).await?;
    let last = |first: &Record| Position::end_of(first.position().epoch.saturating_add(MOST_EPOCHS));
    let to = page.items.first().map_or(end, |first| end.min(last(first)));
    Ok(Range { from, to, is_all: to == end })
}

async fn log<O: Outside>(
    context: &Context<'_, O>,
    target: &Target,
    request: &LogRequest,
) -> Result<Page<Record>, Verdict> {
    let page = context.budget.within_folding(context.outside.store().log(target, request)).await;
    page.ok_or(Verdict::OutOfTime)?
        .map_err(|error: StoreError| Verdict::Failed(format!("what is owed cannot be read: {error}")))
}
