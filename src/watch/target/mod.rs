//! One target, in its order: observe, fingerprint, confirm, claim, compare, record. The announcers do the rest. How a
//! quick look observes is in [`quick`].

pub mod quick;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::model::{AccountId, Target};
use crate::notify::{self, Fold};
use crate::ports::{Outside, SnapshotStore, SourceError, StoreError};
use crate::state::Row;
use crate::state::fingerprint;
use crate::state::heads::{Change, Claim, Closing, Counts, Finish, Head, Note, counts};
use crate::state::log::{Notice, PackEvent, Position, Record};
use crate::watch::announce::Owed;
use crate::watch::compare::{self, Comparison, Observation};
use crate::watch::context::Context;
use crate::watch::look::{Look as Kind, LookFacts};
use crate::watch::observe::{self, Read, ReadError};
use crate::watch::plan::Planned;
use crate::watch::record::{Recorded, record};
use crate::watch::report::{Outcome, TargetReport};

/// What became of a target.
#[derive(Debug)]
pub struct Looked {
    /// How it ended.
    pub ended: Ended,
    /// Where the request's `MaxItems` cut.
    pub next_token: Option<String>,
    /// When a whole look began whose changes are recorded.
    pub whole_at: Option<Timestamp>,
}

/// How the look at a target ended.
#[derive(Debug)]
pub enum Ended {
    /// There is nothing to announce.
    Done(TargetReport),
    /// It is recorded, and to be announced.
    Owed(Box<Owed>),
    /// In a dry run: what would be recorded, in the order of the log.
    Would(TargetReport, Box<Preview>),
}

/// What a run would record of a target.
#[derive(Debug)]
pub struct Preview {
    target: Target,
    born: String,
    accounts: u64,
    records: Vec<Record>,
}

/// Why a target was not finished.
#[derive(Debug)]
enum Stop {
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

/// Takes a target as far as its changes are recorded, by a look at all that the request wants to see. `pages` were read
/// by a quick look before.
pub async fn look<O: Outside>(context: &Context<'_, O>, planned: &Planned, pages: u64) -> Looked {
    let mut look = Look::new(context, planned);
    look.pages_before = pages;
    look.report.look = (!context.request.is_partial()).then_some(Kind::Whole);
    let ended = match &planned.unreadable {
        Some(reason) => {
            Ended::Done(TargetReport::of(&planned.target).ended(Outcome::Incomplete, Some(reason.clone())))
        }
        None => match look.steps().await {
            Ok(ended) => ended,
            Err(stop) => Ended::Done(stopped(context, look.report, stop)),
        },
    };
    Looked { ended, next_token: look.next_token, whole_at: look.whole_at }
}

/// Takes a target of which only its log matters: nobody watches it any more.
pub async fn take_up<O: Outside>(
    context: &Context<'_, O>,
    target: &Target,
    head: &Head,
) -> Result<Owed, TargetReport> {
    let report = TargetReport::of(target);
    let claim = Claim {
        seen: head.epoch,
        born: head.born.clone(),
        listens: context.listens(),
        run: context.id.clone(),
    };
    match context.outside.store().claim(target, &claim).await {
        Ok(head) => {
            let end = Position::end_of(head.epoch);
            Ok(Owed { target: target.clone(), head, end, finish: None, report })
        }
        Err(error) => Err(stopped(context, report, error.into())),
    }
}

/// The report of a region whose packs could not be listed: `None` for want of time.
pub fn unlisted<O>(context: &Context<'_, O>, report: TargetReport, error: Option<ReadError>) -> TargetReport {
    stopped(context, report, error.map_or(Stop::NoTime, Stop::Read))
}

/// How a target ends that was not finished.
fn stopped<O>(context: &Context<'_, O>, report: TargetReport, stop: Stop) -> TargetReport {
    let request = context.request;
    let (outcome, error) = match stop {
        Stop::NoTime => return report.out_of_time("out of time; the next run goes on"),
        Stop::NoBaseline => {
            let why = "no baseline yet: a run that reads every account makes it";
            (Outcome::Deferred, why.to_owned())
        }
        // Listed or named by AWS CloudTrail: on its way in or out.
        Stop::NotVisible(reason) if request.packs.is_empty() || request.tentative => {
            (Outcome::Deferred, reason)
        }
        Stop::NotVisible(reason) => (Outcome::Incomplete, reason),
        // AWS Config refuses for a while to speak of a pack that was just put. The next run asks again.
        Stop::Read(ReadError::Source(SourceError::Denied(why)))
            if request.tentative && request.targets.is_none() =>
        {
            (Outcome::Deferred, why)
        }
        Stop::Read(ReadError::Source(SourceError::Denied(why))) => (Outcome::Denied, why),
        Stop::Store(StoreError::Superseded) => return report.ended(Outcome::Superseded, None),
        Stop::Store(StoreError::Denied(why)) => (Outcome::Denied, why),
        Stop::Read(error) => (Outcome::Incomplete, error.to_string()),
        Stop::Store(error) => (Outcome::Incomplete, error.to_string()),
    };
    report.ended(outcome, Some(error))
}

/// The look at one target, and what it has to report so far.
struct Look<'a, O> {
    context: &'a Context<'a, O>,
    planned: &'a Planned,
    report: TargetReport,
    next_token: Option<String>,
    pages_before: u64,
    whole_at: Option<Timestamp>,
}

/// What was read of a target: everything that AWS Config is asked before the claim.
struct Observed {
    read: Read,
    /// Recorded accounts that were not shown, and asked for again: they have left.
    left: BTreeSet<AccountId>,
    /// Which look it was; `None` where the request asked for less.
    by: Option<Kind>,
}

/// What is to be written.
struct Found {
    changes: Vec<Change>,
    /// Rows that count no more, to be deleted when all else is recorded.
    obsolete: Vec<Change>,
    closing: Option<Closing>,
    counts: Counts,
    outcome: Outcome,
    /// The fingerprints to keep, of all rows and of those that are not well.
    fingerprint: Option<String>,
    unwell: Option<String>,
    /// Whether every account was seen and compared.
    is_whole_look: bool,
    has_incidents: bool,
    at: Timestamp,
}

impl<'a, O: Outside> Look<'a, O> {
    fn new(context: &'a Context<'a, O>, planned: &'a Planned) -> Self {
        let report = TargetReport::of(&planned.target);
        Self { context, planned, report, next_token: None, pages_before: 0, whole_at: None }
    }

    async fn steps(&mut self) -> Result<Ended, Stop> {
        let Some(read) = self.observe().await? else {
            let head = self.claim().await?;
            let found = self.compare_gone(&head).await?;
            return self.write(head, found).await;
        };
        self.report.pages = self.pages_before + read.pages;
        self.report.accounts = read.observation.states.len() as u64;
        self.report.accounts_read = self.report.accounts;
        self.next_token.clone_from(&read.next_token);
        if self.is_as_recorded(&read) {
            self.report.statuses = self.live().map(|head| head.accounts.clone());
            self.note_what_was_seen(&read).await;
            return Ok(Ended::Done(self.report.clone()));
        }
        let Some(observed) = self.confirm(read).await? else { return Ok(Ended::Done(self.report.clone())) };
        self.report.pages = self.pages_before + observed.read.pages;
        self.report.accounts = observed.read.observation.states.len() as u64;
        self.report.accounts_read = self.report.accounts;
        let head = self.claim().await?;
        let found = self.compare(&head, observed).await?;
        self.write(head, found).await
    }

    fn target(&self) -> &Target {
        &self.planned.target
    }

    /// The head as it was loaded, unless it is a tombstone.
    fn live(&self) -> Option<&Head> {
        self.planned.head.as_ref().filter(|head| !head.deleted)
    }

    /// Whether an earlier run left something to announce.
    fn was_owed(&self) -> bool {
        self.planned.head.as_ref().is_some_and(Head::owes)
    }

    /// Reads the target; `None` when it was known and is gone. Reading has no effects, so it may be given up wherever it
    /// is when the time is over.
    async fn observe(&self) -> Result<Option<Read>, Stop> {
        let Context { outside, request, settings, budget, .. } = self.context;
        let silences = &self.planned.silences;
        let now = outside.now();
        let read = observe::statuses(outside.source(), self.target(), request, settings, silences, now);
        let is_unfinished = self.planned.head.as_ref().is_some_and(Head::is_unfinished);
        match budget.within(read).await.ok_or(Stop::NoTime)? {
            Ok(read) => Ok(Some(read)),
            // Only asking for all of it says that it is gone.
            Err(ReadError::Source(SourceError::Gone(_))) if is_unfinished && request.filters.is_empty() => {
                Ok(None)
            }
            Err(ReadError::Source(SourceError::Gone(reason))) => Err(Stop::NotVisible(reason)),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether a whole read has the head's fingerprint: nothing has changed, and nothing is owed.
    fn is_as_recorded(&self, read: &Read) -> bool {
        let seen = self.live().and_then(|head| head.fingerprint.as_ref());
        read.observation.whole && seen.is_some() && seen == read.fingerprint.as_ref()
    }

    /// Notes that a whole look found everything as it is recorded. A head that quick looks have nothing to compare with,
    /// as after an upgrade, gets that, too.
    async fn note_what_was_seen(&mut self, read: &Read) {
        let Some(head) = self.live() else { return };
        if head.unwell().is_none() && self.may_be_quick(&head.accounts) {
            let unwell = fingerprint::unwell(&read.observation.states);
            self.note(&Note::Unwell { epoch: head.epoch, unwell }).await;
        }
        let accounts = head.accounts.clone();
        self.note_whole_look(read.observed_at, &accounts).await;
    }

    /// Notes when a whole look began, where that matters.
    async fn note_whole_look(&mut self, at: Timestamp, accounts: &Counts) {
        self.whole_at = Some(at);
        if self.may_be_quick(accounts) {
            let now = self.context.outside.now().as_second();
            self.note(&Note::WholeAt { at: at.as_second(), now }).await;
        }
    }

    /// Whether a target with these accounts ever gets a quick look.
    fn may_be_quick(&self, accounts: &Counts) -> bool {
        let Context { request, settings, .. } = self.context;
        let facts = LookFacts { accounts: accounts.clone(), ..LookFacts::default() };
        facts.is_large() && settings.whole_every.is_some() && !request.dry_run
    }

    /// What is not noted is found again by the next look.
    async fn note(&self, note: &Note) {
        if let Err(error) = self.context.outside.store().remember(self.target(), note).await {
            tracing::warn!(target = %self.target(), %error, "not noted in the head");
        }
    }

    /// Reads the rows, and asks again for every recorded account that a whole read did not show. Every read of AWS
    /// Config ends here: one that came after the claim would not be fenced by it. `None`: of the accounts that were read
    /// nothing has changed.
    async fn confirm(&self, mut read: Read) -> Result<Option<Observed>, Stop> {
        let Context { outside, settings, budget, .. } = self.context;
        let life = self.live().and_then(Head::life);
        if !read.observation.whole && life.is_none() {
            return Err(Stop::NoBaseline);
        }
        let Some(head) = &self.planned.head else {
            let by = read.observation.whole.then_some(Kind::Whole);
            return Ok(Some(Observed { read, left: BTreeSet::new(), by }));
        };
        let rows = self.rows_of(head).await?;
        if !read.observation.whole {
            let comparison = self.comparison(head, &rows, &read.observation, read.observed_at, false);
            let is_unchanged = comparison.changes().is_empty();
            return Ok((!is_unchanged).then_some(Observed { read, left: BTreeSet::new(), by: None }));
        }
        let missing = compare::missing(&rows, &read.observation, &settings.excluded);
        let silences = &self.planned.silences;
        let confirm =
            observe::confirm(outside.source(), self.target(), &missing, &mut read, settings, silences);
        budget.within(confirm).await.ok_or(Stop::NoTime)??;
        let left = missing.into_iter().filter(|account| !read.observation.states.contains_key(account));
        Ok(Some(Observed { left: left.collect(), read, by: Some(Kind::Whole) }))
    }

    /// The rows of the life that holds, or begins.
    async fn rows_of(&self, head: &Head) -> Result<BTreeMap<AccountId, Row>, StoreError> {
        let mut rows = self.context.outside.store().rows(self.target()).await?;
        rows.retain(|_, row| head.counts(row));
        Ok(rows)
    }

    /// Takes the target, so that no older run can write to it any more, and returns its head as it is now: what was
    /// loaded may be stale in all but the epoch. A dry run only pretends.
    async fn claim(&self) -> Result<Head, Stop> {
        let head = self.planned.head.as_ref();
        let born = head.map_or_else(|| format!("{:032x}", fastrand::u128(..)), |head| head.born.clone());
        let claim = Claim {
            seen: head.map_or(0, |head| head.epoch),
            born,
            listens: self.context.listens(),
            run: self.context.id.clone(),
        };
        if self.context.request.dry_run {
            return claim.applied_to(head).ok_or(Stop::Store(StoreError::Superseded));
        }
        if self.context.budget.is_spent() {
            return Err(Stop::NoTime);
        }
        Ok(self.context.outside.store().claim(self.target(), &claim).await?)
    }

    fn comparison<'c>(
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
    async fn compare(&self, head: &Head, observed: Observed) -> Result<Found, Stop> {
        let Observed { read, left, by } = observed;
        let baseline = head.life().is_none();
        if baseline && !read.observation.whole {
            return Err(Stop::NoBaseline);
        }
        let mut all = self.context.outside.store().rows(self.target()).await?;
        let stale = all.extract_if(.., |_, row| !head.counts(row)).map(|(account, _)| account);
        let stale: Vec<AccountId> =
            stale.filter(|account| !read.observation.states.contains_key(account)).collect();
        let mut rows = all;
        if baseline {
            // What packwatch 0.1 had recorded as ill, and had not told anybody of, is not in the log: it is found anew.
            rows.retain(|_, row| row.incident.is_some() || row.began().is_none());
        }
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
            Some(Kind::Whole) => unconfirmed.is_empty(),
            Some(Kind::Quick) => !rows.iter().any(is_unread),
        };

        let comparison = self.comparison(head, &rows, &read.observation, read.observed_at, baseline);
        let changes = comparison.changes();
        let mut after = compare::after(&rows, &changes);
        after.extend(&unconfirmed);
        let counts = counts(after.values().map(|row| &row.state));
        // That an account has settled follows from its row and the time, which no fingerprint sees.
        let is_settled = is_complete && !after.values().any(|row| row.flapping);
        let has_incidents = after.values().any(|row| row.incident.is_some());
        // Of the rows, whichever look wrote them: the other look finds its own.
        let states = after.iter().map(|(account, row)| (*account, &row.state));
        let fingerprints = is_settled.then(|| fingerprint::both(states));
        let (fingerprint, unwell) = fingerprints.map(|both| (both.whole, both.unwell)).unzip();
        let closing = match baseline {
            true => {
                let told = self.context.settings.notify.tells_baseline();
                let notice = comparison.notice(PackEvent::Baseline, counts.values().sum(), told);
                Some(Closing::Begun(counts.clone(), notice))
            }
            false => (!changes.is_empty()).then(|| Closing::Counted(counts.clone())),
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
            is_whole_look: is_complete && by == Some(Kind::Whole),
            obsolete: stale.into_iter().map(Change::removal).collect(),
            changes,
            closing,
            counts,
            has_incidents,
            at: read.observed_at,
        })
    }

    /// That the pack is gone says it for all its accounts; only what people and pagers wait to hear the end of is told of
    /// each. Its rows count no more from here on, and may go when that is recorded.
    async fn compare_gone(&self, head: &Head) -> Result<Found, Stop> {
        let rows = self.context.outside.store().rows(self.target()).await?;
        let (live, stale): (BTreeMap<_, _>, BTreeMap<_, _>) =
            rows.into_iter().partition(|(_, row)| head.counts(row));
        let at = self.context.outside.now();
        let nothing = Observation::default();
        let comparison = self.comparison(head, &live, &nothing, at, false);
        let (changes, obsolete): (Vec<_>, Vec<_>) =
            comparison.gone().into_iter().partition(|change| change.transition.is_some());
        let is_known = head.life().is_some();
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
            has_incidents: false,
            at,
        })
    }

    /// Records what was found, and hands it to the announcers.
    async fn write(&mut self, head: Head, found: Found) -> Result<Ended, Stop> {
        self.report.outcome = found.outcome;
        self.report.transitions = found.changes.iter().filter(|c| c.transition.is_some()).count() as u64;
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
            has_incidents: found.has_incidents,
            at: found.at,
        });
        Ok(Ended::Owed(Box::new(Owed { target: self.target().clone(), head, end, finish, report })))
    }

    fn would(&mut self, head: Head, found: Found) -> Ended {
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

/// The digest that people would get of what was found in a dry run.
pub fn preview<O: Outside>(context: &Context<'_, O>, previews: &[Preview]) -> Option<notify::Notification> {
    let most = notify::fold::MOST_NAMED / previews.len().max(1);
    let folds: Vec<Fold<'_>> = previews
        .iter()
        .map(|preview| {
            let Preview { target, born, accounts, records } = preview;
            let mut fold = Fold::new(target, born, &context.settings.notify, *accounts, most);
            records.iter().rev().for_each(|record| fold.add(record));
            fold
        })
        .collect();
    notify::digest(&folds.iter().collect::<Vec<_>>(), context.outside.store().table())
}
