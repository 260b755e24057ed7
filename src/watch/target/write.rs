//! Records what was found, and hands it to the announcers; or, in a dry run, says what it would be.

use super::ended::{Ended, Preview};
use super::find::{Found, moved};
use super::looking::Look;
use super::stop::Stop;
use crate::notify::{self, Fold};
use crate::ports::{Outside, SnapshotStore};
use crate::state::heads::{Closing, Finish, Head};
use crate::state::log::Record;
use crate::watch::announce::Owed;
use crate::watch::context::Context;
use crate::watch::record::{Recorded, record};
use crate::watch::report::Outcome;
use crate::watch::room::Held;

impl<O: Outside> Look<'_, O> {
    /// Records what was found, and hands it to the announcers. Until then the changes need room, above all those that are
    /// logged.
    pub(super) async fn write(
        &mut self,
        head: Head,
        found: Found,
        mut held: Held<'_>,
    ) -> Result<Ended, Stop> {
        self.report.outcome = found.outcome;
        self.report.transitions = found.changes.iter().filter(|c| c.transition.is_some()).count() as u64;
        held.keep(self.report.transitions);
        if self.context.request.dry_run {
            return Ok(self.would(head, found));
        }
        let Context { outside, budget, .. } = self.context;
        let (store, epoch) = (outside.store(), head.epoch);
        let Found { changes, closing, .. } = &found;
        let recorded = record(store, self.target(), epoch, changes, closing.as_ref(), budget).await?;
        let Recorded { changes: done, end, is_whole, trouble } = recorded;
        let logged = found.changes.iter().take(done).filter(|change| change.transition.is_some());
        self.report.transitions = logged.count() as u64;
        let report = match trouble {
            _ if is_whole => {
                self.report.statuses = Some(found.counts.clone());
                self.report.clone()
            }
            Some(error) => self.report.clone().ended(Outcome::Incomplete, Some(error.to_string())),
            None => self
                .report
                .clone()
                .out_of_time("out of time; what is recorded is announced, the rest follows"),
        };
        if is_whole && !found.obsolete.is_empty() {
            // They count no more: that they stay is no harm, and the next baseline replaces them.
            if let Err(error) = record(store, self.target(), epoch, &found.obsolete, None, budget).await {
                tracing::warn!(target = %self.target(), %error, "rows that count no more are not deleted");
            }
        }
        if is_whole && found.is_whole_look {
            if found.outcome == Outcome::Changed {
                self.moved = moved(&found.changes);
            }
            self.note_whole_look(found.at, &found.counts).await;
        }
        let head = match &found.closing {
            Some(closing) if is_whole => closing.applied_to(head),
            _ => head,
        };
        let finish = is_whole.then_some(Finish {
            epoch,
            fingerprint: found.fingerprint,
            unwell: found.unwell,
            at: found.at,
        });
        let target = self.target().clone();
        Ok(Ended::Owed(Box::new(Owed { target, head, end, finish, report, over: None })))
    }

    pub(super) fn would(&mut self, head: Head, found: Found) -> Ended {
        let notice = found.closing.as_ref().and_then(Closing::notice).cloned();
        if notice.is_none() && self.report.transitions == 0 {
            self.report.outcome = Outcome::Unchanged;
        }
        let accounts = found.counts.values().sum();
        let transitions = found.changes.into_iter().filter_map(|change| change.transition);
        let records = transitions.map(|transition| Record::Account(*transition));
        let preview = Preview {
            target: self.target().clone(),
            born: head.born,
            accounts,
            records: records.chain(notice.map(Record::Pack)).collect(),
        };
        Ended::Would(self.report.clone(), Box::new(preview))
    }
}

/// The digest that people would get of what was found in a dry run.
pub fn preview<O: Outside>(context: &Context<'_, O>, previews: &[Preview]) -> Option<notify::Notification> {
    let most = notify::fold::MOST_NAMED / previews.len().max(1);
    let folds: Vec<Fold<'_>> = previews
        .iter()
        .map(|preview| {
            let Preview { target, born, accounts, records } = preview;
            let mut fold = Fold::new(target, born, *accounts, most);
            records.iter().rev().for_each(|record| fold.add(record));
            fold
        })
        .collect();
    notify::digest(&folds.iter().collect::<Vec<_>>(), context.outside.store().table())
}
