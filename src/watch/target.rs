//! One target: from what AWS Config says to what is recorded. The announcer does the rest.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::model::{AccountId, Phase, Target};
use crate::notify::{News, What};
use crate::ports::{Outside, SnapshotStore, SourceError, StoreError};
use crate::settings::Settings;
use crate::state::heads::{Change, Claim, Counts, Head, counts};
use crate::state::{Row, State, Transition};
use crate::watch::announce::{Marks, Recorded};
use crate::watch::budget::Budget;
use crate::watch::compare::{self, Comparison, Observation};
use crate::watch::observe::{self, Read, ReadError};
use crate::watch::plan::Planned;
use crate::watch::record::record;
use crate::watch::report::{Outcome, TargetReport};
use crate::watch::request::Request;

/// What looking at a target came to.
#[derive(Debug)]
pub enum Looked {
    /// Nothing to record.
    Done,
    /// Recorded, to be announced.
    Recorded(Box<Recorded>),
    /// In a dry run: what would be told.
    WouldTell(Vec<News>),
}

/// Why a target was not finished.
#[derive(Debug)]
pub enum Stop {
    /// The budget is spent.
    NoTime,
    /// A request that reads only some accounts has nothing to compare them with.
    NoBaseline,
    /// The pack is not there, and was not known.
    NotVisible(String),
    /// The statuses could not be read whole.
    Read(ReadError),
    /// The store refused.
    Store(StoreError),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<ReadError> for Stop {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

/// A run's view of one target.
pub struct Look<'a, O> {
    /// What the run needs from outside.
    pub outside: &'a O,
    /// What to watch.
    pub settings: &'a Settings,
    /// What was asked for.
    pub request: &'a Request,
    /// The time there is.
    pub budget: &'a Budget,
    /// The run's id.
    pub run: &'a str,
    /// The target and its head, as it was loaded.
    pub planned: &'a Planned,
}

/// What a comparison found.
struct Found {
    changes: Vec<Change>,
    also: Option<What>,
    fingerprint: Option<String>,
    counts: Counts,
    accounts: u64,
    deleted: bool,
    obsolete: Vec<Change>,
    observed_at: Timestamp,
}

/// A target that this run may write.
struct Claimed {
    born: String,
    epoch: u64,
}

impl<O: Outside> Look<'_, O> {
    /// Takes the target as far as its changes are recorded. What was read goes to the report even when
    /// the target is not finished; `next_token` is where the request's `MaxItems` cut.
    pub async fn look(
        &self,
        report: &mut TargetReport,
        next_token: &mut Option<String>,
    ) -> Result<Looked, Stop> {
        let observed = self.observe().await?;
        if let Some(read) = &observed {
            report.pages = read.pages;
            report.accounts = read.observation.states.len() as u64;
            next_token.clone_from(&read.next_token);
            if self.is_unchanged(read).await? {
                report.statuses = self.live().map(|head| head.accounts.clone());
                return Ok(Looked::Done);
            }
        }
        let claimed = self.claim().await?;
        let found = self.find(&claimed, observed, report).await?;
        report.outcome = match (found.deleted, self.is_baseline()) {
            (true, _) => Outcome::Deleted,
            (false, true) => Outcome::Baseline,
            (false, false) => Outcome::Changed,
        };
        if self.request.dry_run {
            report.transitions = transitions(&found.changes).count() as u64;
            if found.also.is_none() && report.transitions == 0 {
                report.outcome = Outcome::Unchanged;
            }
            return Ok(Looked::WouldTell(self.would_tell(claimed, found)));
        }
        self.record(claimed, found, report).await
    }

    /// What differs from what is recorded. Neither the rows nor what was read outlive this: of a large
    /// organization they are the most that a run holds.
    async fn find(
        &self,
        claimed: &Claimed,
        observed: Option<Read>,
        report: &mut TargetReport,
    ) -> Result<Found, Stop> {
        let rows = self.outside.store().rows(self.target()).await?;
        let Some(mut read) = observed else { return Ok(self.compare_gone(&rows)) };
        self.confirm(&rows, &mut read).await?;
        report.pages = read.pages;
        Ok(self.compare(claimed, &rows, read))
    }

    fn target(&self) -> &Target {
        &self.planned.target
    }

    /// The head, unless it is a tombstone.
    fn live(&self) -> Option<&Head> {
        self.planned.head.as_ref().filter(|head| !head.deleted)
    }

    /// Whether there is something to do though the pack is gone: people or machines do not know all yet.
    fn is_unfinished(&self) -> bool {
        self.planned.head.as_ref().is_some_and(|head| !head.deleted || head.owes())
    }

    fn is_baseline(&self) -> bool {
        self.planned.head.as_ref().is_none_or(Head::is_baseline)
    }

    /// Reads the target; `None` when it was known and is gone. Reading has no effects, so it may be
    /// given up wherever it is when the time is over.
    async fn observe(&self) -> Result<Option<Read>, Stop> {
        let now = self.outside.now();
        let Self { outside, request, settings, planned, .. } = self;
        let silences = &planned.silences;
        let read = observe::statuses(outside.source(), self.target(), request, settings, silences, now);
        match self.budget.within(read).await.ok_or(Stop::NoTime)? {
            Ok(read) => Ok(Some(read)),
            Err(ReadError::Source(SourceError::Gone(_))) if self.is_unfinished() => Ok(None),
            Err(ReadError::Source(SourceError::Gone(reason))) => Err(Stop::NotVisible(reason)),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether there is nothing to do: a whole read has the fingerprint, so nothing changed and nothing
    /// is owed; a read of some accounts has no fingerprint and is compared before anything is claimed.
    async fn is_unchanged(&self, read: &Read) -> Result<bool, Stop> {
        if read.observation.whole {
            let seen = self.live().and_then(|head| head.fingerprint.as_ref());
            return Ok(seen.is_some() && seen == read.fingerprint.as_ref());
        }
        if self.is_baseline() {
            return Err(Stop::NoBaseline);
        }
        let rows = self.outside.store().rows(self.target()).await?;
        Ok(self.changes("", 0, &rows, &read.observation, read.observed_at).is_empty())
    }

    /// Takes the target, so that no older run can write to it any more. A dry run only pretends.
    async fn claim(&self) -> Result<Claimed, Stop> {
        let head = self.planned.head.as_ref();
        let born = head.map_or_else(|| format!("{:032x}", fastrand::u128(..)), |head| head.born.clone());
        let claim = Claim {
            seen: head.map_or(0, |head| head.epoch),
            announced: head.map_or(0, |head| head.announced),
            events_announced: head.map_or(0, |head| head.events_announced),
            born,
            run: self.run.to_owned(),
        };
        let epoch = claim.epoch();
        if !self.request.dry_run {
            if self.budget.is_spent() {
                return Err(Stop::NoTime);
            }
            self.outside.store().claim(self.target(), &claim).await?;
        }
        Ok(Claimed { born: claim.born, epoch })
    }

    /// Asks again for every recorded account that a whole read did not show.
    async fn confirm(&self, rows: &BTreeMap<AccountId, Row>, read: &mut Read) -> Result<(), Stop> {
        let missing = compare::missing(rows, &read.observation, &self.settings.excluded);
        let Self { outside, settings, planned, .. } = self;
        let silences = &planned.silences;
        let confirm = observe::confirm(outside.source(), self.target(), &missing, read, settings, silences);
        Ok(self.budget.within(confirm).await.ok_or(Stop::NoTime)??)
    }

    fn compare(&self, claimed: &Claimed, rows: &BTreeMap<AccountId, Row>, read: Read) -> Found {
        let observed = &read.observation;
        let mut changes = self.changes(&claimed.born, claimed.epoch, rows, observed, read.observed_at);
        changes.iter_mut().filter(|_| self.is_baseline()).for_each(|change| change.transition = None);
        let counts = counts(compare::after(rows, &changes).map(|row| &row.state));
        let flaps = compare::after(rows, &changes).any(|row| row.flapping);
        Found {
            also: self.is_baseline().then(|| What::Baseline(failing(observed))),
            // That an account has settled follows from its row and the time, which no fingerprint sees.
            fingerprint: read.fingerprint.filter(|_| !flaps),
            changes,
            accounts: counts.values().sum(),
            counts,
            deleted: false,
            obsolete: Vec::new(),
            observed_at: read.observed_at,
        }
    }

    /// That the pack is gone says it all: no account gets a transition of its own. Its rows stay until that
    /// was told, since a pack that comes back before is compared with what people know.
    fn compare_gone(&self, rows: &BTreeMap<AccountId, Row>) -> Found {
        let obsolete = |account: &AccountId| Change { account: *account, row: None, transition: None };
        Found {
            changes: Vec::new(),
            // A pack of which nobody was told has gone as it came.
            also: self.live().filter(|head| !head.is_baseline()).map(|_| What::PackDeleted),
            fingerprint: None,
            counts: self.live().map(|head| head.accounts.clone()).unwrap_or_default(),
            accounts: self.live().map_or(0, Head::account_count),
            deleted: true,
            obsolete: rows.keys().map(obsolete).collect(),
            observed_at: self.outside.now(),
        }
    }

    fn changes(
        &self,
        born: &str,
        epoch: u64,
        rows: &BTreeMap<AccountId, Row>,
        observed: &Observation,
        observed_at: Timestamp,
    ) -> Vec<Change> {
        let comparison = Comparison {
            target: self.target(),
            born,
            epoch,
            rows,
            observed,
            observed_at,
            baseline: self.is_baseline(),
            settings: self.settings,
            silences: &self.planned.silences,
        };
        comparison.changes()
    }

    /// Records the changes, and gathers what every run until now owes.
    async fn record(
        &self,
        claimed: Claimed,
        found: Found,
        report: &mut TargetReport,
    ) -> Result<Looked, Stop> {
        let Claimed { born, epoch } = claimed;
        let store = self.outside.store();
        let recorded = record(store, self.target(), epoch, &found.changes, self.budget).await?;
        let finished = recorded == found.changes.len();
        let done = found.changes.into_iter().take(recorded);
        let done: Vec<Transition> = done.filter_map(|change| change.transition).map(|boxed| *boxed).collect();
        report.transitions = done.len() as u64;
        // Half a baseline is nothing to tell of; half of the changes is.
        if !finished && found.also.is_some() {
            return Err(Stop::NoTime);
        }
        if !finished {
            *report =
                report.clone().out_of_time("out of time; what is recorded is announced, the rest follows");
        }
        report.statuses = finished.then(|| if found.deleted { Counts::new() } else { found.counts.clone() });
        let before = self.planned.head.as_ref();
        let after = before.map_or(0, Head::announced_everywhere);
        let owed = match before {
            // An earlier run may have recorded what it did not announce.
            Some(head) if head.epoch > after => store.transitions(self.target(), after).await?,
            _ => done,
        };
        if finished && found.also.is_none() && owed.is_empty() && !found.deleted {
            // An earlier run did not get to its commit, or an account was excluded: nobody needs to hear.
            report.outcome = Outcome::Unchanged;
        }
        Ok(Looked::Recorded(Box::new(Recorded {
            report: report.clone(),
            target: self.target().clone(),
            born,
            epoch,
            before: before.map(Marks::of).unwrap_or_default(),
            owed,
            also: found.also,
            fingerprint: found.fingerprint.filter(|_| finished),
            deleted: found.deleted,
            obsolete: found.obsolete,
            counts: found.counts,
            accounts: found.accounts,
            observed_at: found.observed_at,
        })))
    }

    fn would_tell(&self, claimed: Claimed, found: Found) -> Vec<News> {
        let news = |what| News {
            target: self.target().clone(),
            born: claimed.born.clone(),
            epoch: claimed.epoch,
            accounts: found.accounts,
            observed_at: found.observed_at,
            what,
        };
        let transitions = What::Transitions(transitions(&found.changes).cloned().collect());
        std::iter::once(transitions).chain(found.also.clone()).map(news).collect()
    }
}

fn transitions(changes: &[Change]) -> impl Iterator<Item = &Transition> {
    changes.iter().filter_map(|change| change.transition.as_deref())
}

/// The accounts that a baseline finds failing.
fn failing(observed: &Observation) -> Vec<(AccountId, State)> {
    let failed = observed.states.iter().filter(|(_, state)| state.status.phase() == Phase::Failed);
    failed.map(|(account, state)| (*account, state.clone())).collect()
}
