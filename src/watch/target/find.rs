//! Finds what is to be written: the comparison of what was read with what is recorded.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::looking::Look;
use super::read::Observed;
use super::stop::Stop;
use crate::model::{AccountId, Kind};
use crate::ports::{Outside, SnapshotStore};
use crate::state::Row;
use crate::state::fingerprint;
use crate::state::heads::{Change, Closing, Counts, Head, counts};
use crate::state::log::{Notice, PackEvent};
use crate::watch::compare::{self, Comparison, Observation};
use crate::watch::look;
use crate::watch::overdue;
use crate::watch::report::Outcome;

/// What is to be written.
pub(super) struct Found {
    pub(super) changes: Vec<Change>,
    /// Rows that count no more, to be deleted when all else is recorded.
    pub(super) obsolete: Vec<Change>,
    pub(super) closing: Option<Closing>,
    pub(super) counts: Counts,
    pub(super) outcome: Outcome,
    /// The fingerprints to keep, of all rows and of those that are not well.
    pub(super) fingerprint: Option<String>,
    pub(super) unwell: Option<String>,
    /// Whether every account was seen and compared.
    pub(super) is_whole_look: bool,
    pub(super) at: Timestamp,
}

impl<O: Outside> Look<'_, O> {
    pub(super) fn comparison<'c>(
        &'c self,
        head: &'c Head,
        rows: &'c BTreeMap<AccountId, Row>,
        observed: &'c Observation,
        observed_at: Timestamp,
        baseline: bool,
    ) -> Comparison<'c> {
        Comparison {
            target: self.target(),
            born: &head.born,
            epoch: head.epoch,
            rows,
            observed,
            observed_at,
            baseline,
            settings: self.context.settings,
            silences: &self.planned.silences,
        }
    }

    /// What differs from what is recorded. The rows are read again: until the claim, another run may have written some.
    /// Neither they nor what was read outlive this: of a large organization they are the most that a run holds.
    pub(super) async fn compare(&self, head: &Head, observed: Observed) -> Result<Found, Stop> {
        let Observed { read, left, by, asked_since } = observed;
        let baseline = head.life.is_none();
        if baseline && !read.observation.whole {
            return Err(Stop::NoBaseline);
        }
        let mut rows = self.context.outside.store().rows(self.target()).await?;
        let stale = rows.extract_if(.., |_, row| !head.counts(row)).map(|(account, _)| account);
        let stale: Vec<AccountId> =
            stale.filter(|account| !read.observation.states.contains_key(account)).collect();
        // What was recorded since, and would have to be asked for again, waits for the next run.
        let excluded = &self.context.settings.excluded;
        let missing = compare::missing(&rows, &read.observation, excluded);
        let unconfirmed = missing.iter().filter(|account| !left.contains(account));
        let unconfirmed: BTreeMap<AccountId, Row> =
            unconfirmed.filter_map(|account| rows.remove_entry(account)).collect();
        // A quick look sets out to read all that is not well.
        let is_unread = |(account, row): (&AccountId, &Row)| {
            let was_read = read.observation.states.contains_key(account) || left.contains(account);
            fingerprint::is_unwell(&row.state) && !was_read && !excluded.contains(account)
        };
        let is_complete = match by {
            None => false,
            Some(look::Look::Whole) => unconfirmed.is_empty(),
            Some(look::Look::Quick) => !rows.iter().any(is_unread),
        };

        let comparison = self.comparison(head, &rows, &read.observation, read.observed_at, baseline);
        let mut changes = comparison.changes();
        let found = changes.len();
        // What another run has recorded since is newer than what was read before: that account waits for the next look.
        changes.retain(|change| asked_since.as_ref().is_none_or(|asked| asked.contains(&change.account)));
        let is_complete = is_complete && changes.len() == found;
        let mut after = compare::after(&rows, &changes);
        after.extend(&unconfirmed);
        let counts = counts(after.values().map(|row| &row.state));
        // That an account has settled follows from its row and the time, which no fingerprint sees.
        let is_settled = is_complete && !after.values().any(|row| row.flapping);
        // Of the rows, whichever look wrote them: the other look finds its own.
        let states = after.iter().map(|(account, row)| (*account, &row.state));
        let period = overdue::period(read.observed_at, self.context.settings.thresholds.remind_every);
        let fingerprints = is_settled.then(|| fingerprint::both(states, period));
        let (fingerprint, unwell) = fingerprints.map(|both| (both.whole, both.unwell)).unzip();
        let closing = match baseline {
            true => {
                let told = self.context.settings.notify.tells_baseline();
                let notice = comparison.notice(PackEvent::Baseline, counts.values().sum(), told);
                Some(Closing::Begun(counts.clone(), notice))
            }
            // A run that was killed recorded changes, and may have had no time to count.
            false => {
                (!changes.is_empty() || counts != head.accounts).then(|| Closing::Counted(counts.clone()))
            }
        };
        let is_logged = changes.iter().any(|change| change.transition.is_some());
        Ok(Found {
            outcome: match baseline {
                true => Outcome::Baseline,
                // Another run did not get to its end, or an account was excluded: nobody needs to hear.
                false if is_logged || self.was_owed() => Outcome::Changed,
                false => Outcome::Unchanged,
            },
            fingerprint,
            unwell,
            is_whole_look: is_complete && by == Some(look::Look::Whole),
            obsolete: stale.into_iter().map(Change::removal).collect(),
            changes,
            closing,
            counts,
            at: read.observed_at,
        })
    }

    /// That the pack is gone says it for all its accounts; only what people and pagers wait to hear the end of is told of
    /// each. Its rows count no more from here on, and may go when that is recorded.
    pub(super) async fn compare_gone(&self, head: &Head) -> Result<Found, Stop> {
        let rows = self.context.outside.store().rows(self.target()).await?;
        let (live, stale): (BTreeMap<_, _>, BTreeMap<_, _>) =
            rows.into_iter().partition(|(_, row)| head.counts(row));
        let at = self.context.outside.now();
        let nothing = Observation::default();
        let comparison = self.comparison(head, &live, &nothing, at, false);
        let (changes, obsolete): (Vec<_>, Vec<_>) =
            comparison.gone().into_iter().partition(|change| change.transition.is_some());
        let is_known = head.life.is_some();
        let told = is_known && self.context.settings.notify.tells_pack_deleted();
        let notice = comparison.notice(PackEvent::PackDeleted, head.account_count(), told);
        // A pack of which nobody was told goes as it came.
        let closing = Closing::Gone((is_known || !changes.is_empty()).then_some(notice));
        let stale = stale.into_keys().map(Change::removal);
        Ok(Found {
            changes,
            obsolete: obsolete.into_iter().chain(stale).collect(),
            closing: Some(closing),
            counts: Counts::new(),
            outcome: Outcome::Deleted,
            fingerprint: None,
            unwell: None,
            is_whole_look: false,
            at,
        })
    }
}

/// The accounts that joined or left: most likely so they did with the other packs.
pub(super) fn moved(changes: &[Change]) -> BTreeSet<AccountId> {
    let moves = |change: &&Change| {
        let kind = change.transition.as_ref().map(|transition| transition.kind);
        matches!(kind, Some(Kind::Joined | Kind::Left))
    };
    changes.iter().filter(moves).map(|change| change.account).collect()
}

impl Comparison<'_> {
    /// The record of the pack as a whole.
    fn notice(&self, event: PackEvent, accounts: u64, told: bool) -> Notice {
        Notice {
            event,
            epoch: self.epoch,
            accounts,
            observed_at: self.observed_at,
            told,
            expires_at: self.expires_at(),
        }
    }
}
