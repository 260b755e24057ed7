//! A quick look at one target: what is not well is read, and compared as it is recorded.

use std::collections::BTreeSet;

use super::ended::Ended;
use super::looking::Look;
use super::read::Observed;
use super::stop::{Stop, stopped};
use crate::model::AccountId;
use crate::ports::{Outside, SourceError};
use crate::state::fingerprint;
use crate::state::heads::{Head, Note};
use crate::watch::compare::Observation;
use crate::watch::context::Context;
use crate::watch::look::{self, LookFacts};
use crate::watch::observe::{Read, ReadError};
use crate::watch::overdue;
use crate::watch::plan::Planned;
use crate::watch::quick::{Disproof, Quick, QuickRead, QuickReader, to_ask};
use crate::watch::report::TargetReport;
use crate::watch::room::Held;

/// What became of a quick look.
#[derive(Debug)]
pub enum Quickly {
    /// It was enough.
    Ended(Ended),
    /// A whole look is needed. Nothing was written.
    Whole {
        /// What AWS Config did that a filter must not do.
        disproved: Option<Disproof>,
        /// What it took to find out.
        report: TargetReport,
    },
}

/// Takes a target as far as its changes are recorded, by a look at those accounts that are not well.
pub async fn look_quickly<O: Outside>(context: &Context<'_, O>, planned: &Planned) -> Quickly {
    let mut look = Look::new(context, planned);
    look.report.look = Some(look::Look::Quick);
    match look.quick_steps(planned).await {
        Ok(quickly) => quickly,
        Err(stop) => Quickly::Ended(Ended::Done(stopped(context, look.report, stop))),
    }
}

/// Asks a target for accounts that have joined or left elsewhere, and takes it as far as what it says of them is
/// recorded. `None` where that says nothing: it is left to the next whole look.
pub async fn ask<O: Outside>(
    context: &Context<'_, O>,
    planned: &Planned,
    accounts: &BTreeSet<AccountId>,
) -> Option<Ended> {
    let mut look = Look::new(context, planned);
    look.report.look = Some(look::Look::Quick);
    match look.asking_steps(planned, accounts).await {
        Ok(ended) => ended,
        Err(stop) => Some(Ended::Done(stopped(context, look.report, stop))),
    }
}

impl<O: Outside> Look<'_, O> {
    async fn asking_steps(
        &mut self,
        planned: &Planned,
        accounts: &BTreeSet<AccountId>,
    ) -> Result<Option<Ended>, Stop> {
        let Context { outside, settings, budget, .. } = self.context;
        let Some(head) = planned.head.as_ref() else { return Ok(None) };
        let reader = QuickReader::new(outside.source(), &planned.target, settings, &planned.silences);
        let mut read = QuickRead::nothing(outside.now());
        let most = LookFacts::of(Some(head)).whole_calls();
        let asked = budget.within(reader.ask(&mut read, accounts, most)).await;
        self.report.pages = reader.calls();
        let Ok(Quick::Read(())) = asked.ok_or(Stop::NoTime)? else { return Ok(None) };
        self.report.accounts = head.account_count();
        let mut observed = observed(read, self.report.pages);
        observed.by = None;
        let held = self.room(0).await?;
        let rows = self.rows_of(head).await?;
        let Read { observation, observed_at, .. } = &observed.read;
        if self.comparison(head, &rows, observation, *observed_at, false).changes().is_empty() {
            return Ok(Some(Ended::Done(self.report.clone())));
        }
        drop(rows);
        self.record(observed, held).await.map(Some)
    }

    async fn quick_steps(&mut self, planned: &Planned) -> Result<Quickly, Stop> {
        let Context { outside, settings, budget, .. } = self.context;
        let Some(head) = planned.head.as_ref() else { return Err(Stop::NoBaseline) };
        let reader = QuickReader::new(outside.source(), &planned.target, settings, &planned.silences);
        self.report.accounts = head.account_count();
        let report = self.report.clone();
        let whole = |disproved| {
            Ok(Quickly::Whole { disproved, report: TargetReport { pages: reader.calls(), ..report.clone() } })
        };
        let read = budget.within(reader.read(&head.accounts, outside.now())).await;
        self.report.pages = reader.calls();
        let mut read = match read.ok_or(Stop::NoTime)? {
            Ok(Quick::Read(read)) => read,
            Ok(Quick::Disproved(why)) => return whole(Some(why)),
            Ok(Quick::TooMany) => return whole(None),
            // Only a read without filters says that it is gone.
            Err(ReadError::Source(SourceError::Gone(_))) => return whole(None),
            Err(error) => return Err(error.into()),
        };
        self.report.accounts_read = read.states.len() as u64;
        if head.unwell.is_some() && read.unwell() == head.unwell {
            return Ok(self.found_as_recorded(head));
        }
        let mut held = self.room(0).await?;
        let mut rows = self.rows_of(head).await?;
        let accounts = to_ask(&rows, &read, settings);
        if !accounts.is_empty() {
            // Others compare while AWS Config is asked.
            drop((rows, held));
            let most = LookFacts::of(Some(head)).whole_calls();
            let asked = budget.within(reader.ask(&mut read, &accounts, most)).await;
            self.report.pages = reader.calls();
            match asked.ok_or(Stop::NoTime)? {
                Ok(Quick::Read(())) => {}
                Ok(Quick::Disproved(why)) => return whole(Some(why)),
                Ok(Quick::TooMany) | Err(ReadError::Source(SourceError::Gone(_))) => return whole(None),
                Err(error) => return Err(error.into()),
            }
            held = self.room(0).await?;
            rows = self.rows_of(head).await?;
        }
        self.report.accounts_read = (read.states.len() + read.absent.len()) as u64;
        let observed = observed(read, self.report.pages);
        // Who is owed something is told by a claim, whatever the rows say.
        if !head.owes() {
            let Read { observation, observed_at, .. } = &observed.read;
            if self.comparison(head, &rows, observation, *observed_at, false).changes().is_empty() {
                // That an account has settled follows from its row and the time, which no fingerprint sees.
                if !rows.values().any(|row| row.flapping) {
                    let states = rows.iter().map(|(account, row)| (account, &row.state));
                    let period = overdue::period(*observed_at, settings.thresholds.remind_every);
                    let unwell = fingerprint::unwell_until(states, period);
                    self.note(&Note::Unwell { epoch: head.epoch, unwell }).await;
                }
                return Ok(self.found_as_recorded(head));
            }
        }
        drop(rows);
        Ok(Quickly::Ended(self.record(observed, held).await?))
    }

    /// Claims the target, and records what differs.
    async fn record(&mut self, observed: Observed, held: Held<'_>) -> Result<Ended, Stop> {
        let head = self.claim().await?;
        let found = self.compare(&head, observed).await?;
        self.report.accounts = found.counts.values().sum();
        self.write(head, found, held).await
    }

    fn found_as_recorded(&mut self, head: &Head) -> Quickly {
        self.report.statuses = Some(head.accounts.clone());
        Quickly::Ended(Ended::Done(self.report.clone()))
    }
}

/// What was read, as it is compared: nothing is inferred of accounts that were not.
fn observed(read: QuickRead, pages: u64) -> Observed {
    let QuickRead { states, absent, observed_at, .. } = read;
    let left: BTreeSet<_> = absent.clone();
    let observation = Observation { states, whole: false, absent };
    let read = Read { observation, fingerprint: None, pages, next_token: None, observed_at };
    Observed { read, left, by: Some(look::Look::Quick), asked_since: None }
}
