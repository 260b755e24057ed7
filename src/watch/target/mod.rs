//! One target, in its order: observe, fingerprint, confirm, claim, compare, record. The announcers do the rest. This file
//! is the order; each step has its own, and so has the order of a quick look, [`quick`].

mod catch_up;
mod ended;
mod find;
mod looking;
mod note;
pub mod quick;
mod read;
mod stop;
mod write;

use self::looking::Look;
use self::stop::{Stop, stopped};
use crate::model::Target;
use crate::ports::{Outside, SnapshotStore, StoreError};
use crate::state::heads::{Claim, Head};
use crate::state::log::Position;
use crate::watch::announce::Owed;
use crate::watch::context::Context;
use crate::watch::look::{self, LookFacts};
use crate::watch::observe::ReadError;
use crate::watch::plan::Planned;
use crate::watch::report::{Outcome, TargetReport};

pub use self::ended::{Ended, Looked, Preview};
pub use self::write::preview;

/// Takes a target as far as its changes are recorded, by a look at all that the request wants to see.
pub async fn look<O: Outside>(context: &Context<'_, O>, planned: &Planned) -> Looked {
    let mut look = Look::new(context, planned);
    look.report.look = (!context.request.is_partial()).then_some(look::Look::Whole);
    let ended = match &planned.unreadable {
        Some(reason) => {
            Ended::Done(TargetReport::of(&planned.target).ended(Outcome::Incomplete, Some(reason.clone())))
        }
        None => match look.steps().await {
            Ok(ended) => ended,
            Err(stop) => Ended::Done(stopped(context, look.report, stop)),
        },
    };
    Looked { ended, next_token: look.next_token, whole_at: look.whole_at, moved: look.moved }
}

/// Takes a target of which only its log matters: nobody watches it any more.
pub async fn take_up<O: Outside>(
    context: &Context<'_, O>,
    target: &Target,
    head: &Head,
) -> Result<Owed, TargetReport> {
    let report = TargetReport::of(target);
    if context.budget.is_spent() {
        return Err(stopped(context, report, Stop::NoTime));
    }
    let claim = Claim {
        seen: head.epoch,
        born: head.born.clone(),
        listens: context.listens(),
        run: context.id.clone(),
    };
    match context.outside.store().claim(target, &claim).await {
        Ok(head) => {
            let end = Position::end_of(head.epoch);
            Ok(Owed { target: target.clone(), head, end, finish: None, report, over: None })
        }
        Err(error) => Err(stopped(context, report, error.into())),
    }
}

/// The report of a region whose packs could not be listed: `None` for want of time.
pub fn unlisted<O>(context: &Context<'_, O>, report: TargetReport, error: Option<ReadError>) -> TargetReport {
    stopped(context, report, error.map_or(Stop::NoTime, Stop::Read))
}

impl<O: Outside> Look<'_, O> {
    /// Whether the whole looks at the target come again when they are due.
    fn recurs(&self) -> bool {
        self.context.settings.whole_every.is_some() && LookFacts::of(self.planned.head.as_ref()).recurs()
    }

    async fn steps(&mut self) -> Result<Ended, Stop> {
        let Some(read) = self.observe().await? else {
            let held = self.room(0).await?;
            let head = self.claim().await?;
            let found = self.compare_gone(&head).await?;
            return self.write(head, found, held).await;
        };
        self.report.pages = read.pages;
        self.report.accounts = read.observation.states.len() as u64;
        self.report.accounts_read = self.report.accounts;
        self.next_token.clone_from(&read.next_token);
        if self.is_as_recorded(&read) {
            self.report.statuses = self.live().map(|head| head.accounts.clone());
            self.note_what_was_seen(&read).await;
            return Ok(Ended::Done(self.report.clone()));
        }
        let Some(observed) = self.confirm(read).await? else { return Ok(Ended::Done(self.report.clone())) };
        self.report.pages = observed.read.pages;
        self.report.accounts = observed.read.observation.states.len() as u64;
        self.report.accounts_read = self.report.accounts;
        let mut held = self.room(self.report.accounts).await?;
        let (head, observed) = match self.claim().await {
            Err(Stop::Store(StoreError::Superseded)) if self.recurs() => {
                let observed = self.catch_up(observed, held).await?;
                held = self.room(self.report.accounts).await?;
                (self.claim().await?, observed)
            }
            head => (head?, observed),
        };
        let found = self.compare(&head, observed).await?;
        self.write(head, found, held).await
    }
}
