//! The whole looks that are due, in one region, and what follows from the accounts that whole looks find to have joined
//! or left: the other targets of the region are asked for them at once, so that people get one digest.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use futures_util::stream::{self, StreamExt};
use tokio::sync::oneshot::error::TryRecvError;
use tokio::time::Instant;
use tracing::warn;

use super::Looks;
use crate::model::{AccountId, Region, Target};
use crate::ports::{Outside, SnapshotStore};
use crate::state::heads::Head;
use crate::watch::announce::Handed;
use crate::watch::look::DueLook;
use crate::watch::plan::Planned;
use crate::watch::report::Outcome;
use crate::watch::target::quick::ask;
use crate::watch::target::{Ended, Looked};

impl<O: Outside> Looks<'_, O> {
    /// Makes the whole looks of a region that are due, one after the other, as far as there is time. First those at
    /// targets that nothing was claimed of: the others wait for the announcers. What these could not tell is not tried
    /// again in this run, so such a target waits for the next one.
    pub(super) async fn due(
        &self,
        region: &Region,
        due: Vec<DueLook>,
        planned: &BTreeMap<&Target, &Planned>,
    ) {
        self.ask_for_moved(region, planned).await;
        // Where a quick look was not enough, everybody was seen instead.
        let due = due.into_iter().filter(|due| !self.looked_at.borrow().whole_at.contains_key(&due.target));
        let (unchanged, claimed): (Vec<_>, Vec<_>) =
            due.partition(|due| self.unchanged.borrow().contains_key(&due.target));
        for due in unchanged.into_iter().chain(claimed) {
            let Some(one) = planned.get(&due.target) else { continue };
            if !self.fits(region, due.calls) {
                if due.whole_at.is_none() {
                    // Its age is not known, so no metric tells.
                    warn!(target = %due.target, "no time to read every account, which no run has done yet");
                }
            } else if self.due_look(one, Head::owes).await {
                self.ask_for_moved(region, planned).await;
            }
        }
    }

    /// The whole look of a region that has waited for too long. It waits for no other look, but for its own quick one:
    /// that what is not well is seen does not hang on whether there is time for everybody. Nor does it wait for a topic that
    /// takes nothing.
    pub(super) async fn late(&self, planned: &Planned) {
        match self.quick(planned).await {
            Some(turned) => self.whole(turned).await,
            None => drop(self.due_look(planned, |_| false).await),
        }
    }

    /// A whole look after a quick one, unless that was claimed and its head is to wait. Whether it came to its end.
    async fn due_look(&self, planned: &Planned, waits: fn(&Head) -> bool) -> bool {
        let is_unchanged = self.unchanged.borrow().contains_key(&planned.target);
        let looked = if is_unchanged {
            self.look(planned).await
        } else {
            let again = self.loaded_again(planned).await;
            let Some(again) = again.filter(|again| !again.head.as_ref().is_some_and(waits)) else {
                return false;
            };
            self.look(&again).await
        };
        // Out of time, it comes again, and what is not well was seen.
        let is_ended = !looked.ended.report().out_of_time;
        if is_ended || matches!(looked.ended, Ended::Owed(_)) {
            let quick = self.unchanged.borrow_mut().remove(&planned.target);
            self.looked_at.borrow_mut().reports.extend(quick);
            self.take(looked, &planned.target);
        }
        is_ended
    }

    /// A target that this run has claimed, as it is now that both announcers have let it go: what was loaded of it no
    /// longer holds. `None` where they do not get to that in time.
    async fn loaded_again(&self, planned: &Planned) -> Option<Planned> {
        let mut is_over = self.claimed.borrow_mut().remove(&planned.target)?;
        // Nothing is sent: it ends when what is announced is dropped. Where that is so, it may not be awaited any more.
        if is_over.try_recv() == Err(TryRecvError::Empty) {
            // The announcers listen for as long as there is a sender.
            let _ = self.to_announcers.send(Handed::Hurry);
            let _ = self.context.budget.within(is_over).await?;
        }
        let heads = self.context.budget.within(self.context.outside.store().load()).await?.ok()?;
        planned.loaded_again(heads)
    }

    /// Asks the targets of a region of which nothing was claimed for the accounts that have joined or left elsewhere.
    async fn ask_for_moved(&self, region: &Region, planned: &BTreeMap<&Target, &Planned>) {
        let moved = self.moved.borrow_mut().get_mut(region).map(mem::take).unwrap_or_default();
        if moved.is_empty() {
            return;
        }
        let others: Vec<Target> =
            self.unchanged.borrow().keys().filter(|target| target.region == *region).cloned().collect();
        let others = others.iter().filter_map(|target| planned.get(target));
        let asks = stream::iter(others).map(|one| self.ask(one, &moved));
        asks.buffer_unordered(self.side_by_side).collect::<()>().await;
    }

    async fn ask(&self, planned: &Planned, accounts: &BTreeSet<AccountId>) {
        let target = &planned.target;
        if !self.fits(&target.region, accounts.len() as u64) {
            return;
        }
        let began = Instant::now();
        let Some(ended) = Box::pin(ask(self.context, planned, accounts)).await else { return };
        self.note_tempo(ended.report(), began);
        let Some(quick) = self.unchanged.borrow_mut().remove(target) else { return };
        match ended {
            Ended::Done(asked) if asked.outcome == Outcome::Unchanged || asked.out_of_time => {
                let quick = if asked.out_of_time { quick } else { quick.and(asked) };
                self.unchanged.borrow_mut().insert(target.clone(), quick);
            }
            ended => {
                self.looked_at.borrow_mut().reports.push(quick);
                self.take(Looked::of(ended), target);
            }
        }
    }

    /// Whether so many calls of a region end within the time that is left.
    fn fits(&self, region: &Region, calls: u64) -> bool {
        let tempo = self.tempo.borrow().get(region).copied().unwrap_or_default();
        tempo.fits(calls, self.began.elapsed(), self.context.budget.left())
    }
}
