//! Announces what is recorded. The log of each target is the queue of two announcers, one for people and one for
//! machines, each with its own mark, time and trouble: neither waits for the other, whichever hangs, refuses or is slow.

mod machines;
mod people;
mod topic;

use std::collections::BTreeMap;
use std::rc::Rc;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tracing::warn;

use crate::model::Target;
use crate::ports::{Outside, SnapshotStore, StoreError};
use crate::state::heads::{Advance, Finish, Head, Mark};
use crate::state::log::Position;
use crate::watch::context::Context;
use crate::watch::report::{Outcome, TargetReport};

/// A target whose changes are recorded.
#[derive(Debug)]
pub struct Owed {
    /// The target.
    pub target: Target,
    /// Its head, as this run's writes left it.
    pub head: Head,
    /// Up to where the log is known.
    pub end: Position,
    /// What ends the work on it, once both topics have everything: `None` where something was not read or not recorded.
    pub finish: Option<Finish>,
    /// What to report when all goes well.
    pub report: TargetReport,
    /// Goes with it: whoever holds the other end learns that the work on it is over.
    pub over: Option<oneshot::Sender<()>>,
}

/// What the announcers are handed.
#[derive(Debug)]
pub enum Handed {
    /// A target whose changes are recorded.
    Owed(Box<Owed>),
    /// Somebody waits for what was handed before: people's group need not wait for more.
    Hurry,
}

/// What came of the announcing.
#[derive(Debug, Default)]
pub struct Announced {
    /// The targets, ended.
    pub reports: Vec<TargetReport>,
    /// How many digests were accepted.
    pub notifications: u64,
    /// How many messages were accepted only in a lesser form.
    pub reduced: u64,
}

/// Why people are not told yet.
const UNHEARD: &str =
    "recorded; people are told as soon as somebody has confirmed a subscription of the alerts topic";

/// What an announcer says of a target when it lets it go.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Verdict {
    /// Its topic has everything.
    Told,
    /// There was no time for the rest.
    OutOfTime,
    /// Another run is newer, and goes on.
    Superseded,
    /// Nobody would get it yet.
    Unheard,
    /// Something is still owed, for this reason.
    Failed(String),
}

impl From<StoreError> for Verdict {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Superseded => Self::Superseded,
            error => {
                Self::Failed(format!("announced, but that is not stored, so it is announced again: {error}"))
            }
        }
    }
}

/// A target that an announcer has let go.
struct Ended {
    owed: Rc<Owed>,
    mark: Mark,
    verdict: Verdict,
}

/// Announces every target that comes in, until no more do.
pub async fn announce<O: Outside>(
    context: &Context<'_, O>,
    mut incoming: UnboundedReceiver<Handed>,
) -> Announced {
    let (to_people, for_people) = unbounded_channel();
    let (to_machines, for_machines) = unbounded_channel();
    let (people_ended, ended) = unbounded_channel();
    let machines_ended = people_ended.clone();
    let hand_out = async move {
        // Both announcers listen for as long as there is a sender.
        while let Some(handed) = incoming.recv().await {
            match handed {
                Handed::Owed(owed) => {
                    let owed: Rc<Owed> = Rc::from(owed);
                    let _ = (to_people.send(Some(owed.clone())), to_machines.send(owed));
                }
                Handed::Hurry => drop(to_people.send(None)),
            }
        }
    };
    // Boxed: their states are large, and the layout of all in one is too deep for the compiler.
    let ((), people, machines, reports) = tokio::join!(
        hand_out,
        Box::pin(people::announce(context, for_people, people_ended)),
        Box::pin(machines::announce(context, for_machines, machines_ended)),
        Box::pin(finish(context, ended)),
    );
    Announced { reports, notifications: people.notifications, reduced: people.reduced + machines }
}

/// Ends each target that both announcers have let go.
async fn finish<O: Outside>(
    context: &Context<'_, O>,
    mut ended: UnboundedReceiver<Ended>,
) -> Vec<TargetReport> {
    let mut first: BTreeMap<Target, Ended> = BTreeMap::new();
    let mut reports = Vec::new();
    while let Some(one) = ended.recv().await {
        match first.remove(&one.owed.target) {
            None => {
                first.insert(one.owed.target.clone(), one);
            }
            Some(other) => {
                let (people, machines) = if one.mark == Mark::People { (one, other) } else { (other, one) };
                reports.push(end(context, &people.owed, people.verdict, machines.verdict).await);
            }
        }
    }
    reports
}

async fn end<O: Outside>(
    context: &Context<'_, O>,
    owed: &Owed,
    people: Verdict,
    machines: Verdict,
) -> TargetReport {
    let report = owed.report.clone();
    let failed = |error| report.clone().ended(Outcome::Incomplete, Some(error));
    match (people, machines) {
        (Verdict::Told, Verdict::Told) => {
            let Some(finish) = &owed.finish else { return report };
            match context.outside.store().finish(&owed.target, finish).await {
                Ok(()) | Err(StoreError::Superseded) => report,
                Err(error) => {
                    // The next run looks at everything again, and finds that nothing is owed.
                    warn!(target = %owed.target, %error, "not stored that it is finished");
                    report
                }
            }
        }
        (Verdict::Failed(why), _) => {
            failed(format!("recorded, but not announced on the alerts topic: {why}"))
        }
        (_, Verdict::Failed(why)) => {
            failed(format!("recorded, but not announced on the events topic: {why}"))
        }
        (Verdict::Unheard, _) | (_, Verdict::Unheard) => {
            report.ended(Outcome::Deferred, Some(UNHEARD.to_owned()))
        }
        (Verdict::OutOfTime, _) | (_, Verdict::OutOfTime) => {
            report.out_of_time("out of time; what is recorded and not yet announced follows in the next run")
        }
        (Verdict::Superseded, _) | (_, Verdict::Superseded) => report.ended(Outcome::Superseded, None),
    }
}

impl Owed {
    /// Moves a mark to a position.
    async fn advance<O: Outside>(
        &self,
        context: &Context<'_, O>,
        mark: Mark,
        to: Position,
    ) -> Result<(), StoreError> {
        let advance = Advance { mark, born: self.head.born.clone(), epoch: self.head.epoch, to };
        context.outside.store().advance(&self.target, &advance).await
    }

    fn ended(self: &Rc<Self>, mark: Mark, verdict: Verdict) -> Ended {
        Ended { owed: self.clone(), mark, verdict }
    }
}

/// Where the announcers say that they have let a target go.
type Endings = UnboundedSender<Ended>;

fn let_go(endings: &Endings, ended: Ended) {
    // It is listened to for as long as there is a sender.
    let _ = endings.send(ended);
}
