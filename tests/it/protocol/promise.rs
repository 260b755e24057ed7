//! The promise of the design, as a judgement on what a history left behind: what the store holds, what SNS accepted,
//! and what was the case in AWS Config all the while. It says what is broken instead of panicking, since the mutants
//! are to break it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use packwatch::model::{AccountId, Kind, Target};
use packwatch::notify::record_id;
use packwatch::ports::SnapshotStore;
use packwatch::state::head::{Head, Topic};
use packwatch::state::log::{PackEvent, Position, Record};
use packwatch::state::{Rows, State, Transition};
use serde_json::Value;

use futures_util::FutureExt;

use crate::protocol::journal::{Digest, Names, Notified};
use crate::protocol::memory::MemoryStore;
use crate::protocol::oracle::{Rules, TABLE, judge_records};
use crate::protocol::truth::{Fact, Truth, fact};

/// The names of `PACKWATCH_NOTIFY`: the searches tell everything.
pub(crate) const ALL: [&str; 11] = [
    "failed",
    "failed-again",
    "recovered",
    "succeeded",
    "in-progress",
    "joined",
    "left",
    "stuck",
    "reminder",
    "baseline",
    "pack-deleted",
];

/// What of the promise a finished history broke, after one clean run.
pub(crate) fn broken(truth: &Truth, store: &MemoryStore, notified: &Notified) -> Vec<String> {
    let mut broken = store.cursors_that_went_back();
    broken.extend(notified.wrong.iter().cloned());
    broken.extend(notified.digests.values().flat_map(wrong_copies));
    for (target, head) in store.heads() {
        let log = store.log_of(&target);
        let on_target = OnTarget { target: &target, head: &head, log: &log, notified };
        broken.extend(on_target.wrong_messages());
        broken.extend(on_target.wrong_kinds());
        broken.extend(lives(truth, store, &target, &notified.excluded));
    }
    broken
}

/// What rides on a digest, and causes none.
fn is_routine(record: &Record) -> bool {
    let Record::Account(transition) = record else { return false };
    matches!(transition.kind, Kind::FailedAgain | Kind::Succeeded | Kind::InProgress)
        && transition.flapping.is_none()
}

/// One id, one content: only a minimal form says less.
fn wrong_copies(digest: &Digest) -> Vec<String> {
    let mut contents: BTreeMap<usize, String> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (_, copy) in &digest.copies {
        let document: Value = serde_json::from_str(copy).unwrap();
        let packs = document["Packs"].as_array().unwrap();
        let named = packs.iter().map(|pack| 1 + pack["Transitions"].as_array().unwrap().len()).sum();
        let other = contents.entry(named).or_insert_with(|| copy.clone());
        if other != copy {
            wrong.push(format!("one id, two contents: {copy} and {other}"));
        }
    }
    wrong
}

/// What one target's log says, beside what was sent of it.
struct OnTarget<'a> {
    target: &'a Target,
    head: &'a Head,
    log: &'a [(Position, Record)],
    notified: &'a Notified,
}

impl OnTarget<'_> {
    fn notify(&self, epoch: u64) -> Names {
        self.notified.notify.get(&(self.target.clone(), epoch)).copied().unwrap_or(&ALL)
    }

    /// What was never accepted, or says something else than its record.
    fn wrong_messages(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let passed = self.notified.passed_over.get(self.target).copied().unwrap_or_default();
        for (position, record) in self.log {
            let id = record_id(self.target, &self.head.history_id, record);
            let about = format!("{}, {record:?}", self.target);
            match self.notified.events.get(&id) {
                None if *position <= passed => {}
                None => wrong.push(format!("never dispatched on events: {about}")),
                Some(copies) => {
                    let is_wrong = |(_, copy): &&(usize, String)| !is_event_of(copy, record);
                    let copies = copies.iter().filter(is_wrong);
                    wrong.extend(copies.map(|(_, copy)| format!("an event says {copy}: {about}")));
                }
            }
            let notifies = match record {
                Record::Account(transition) => transition.notify,
                Record::Pack(notice) => notice.notify,
            };
            if notifies && !is_routine(record) && !self.notified.is_covered(self.target, *position) {
                wrong.push(format!("never dispatched on alerts: {about}"));
            }
        }
        wrong
    }

    /// What is wrong with what the records say, each account for itself and life by life.
    fn wrong_kinds(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        // The story of an account ends with the life of its pack.
        let mut stories: BTreeMap<(AccountId, usize, usize), Vec<Transition>> = BTreeMap::new();
        let (mut life, mut lives) = (None, 0);
        let mut begun_anew: BTreeMap<AccountId, usize> = BTreeMap::new();
        for (_, record) in self.log {
            match record {
                Record::Account(t) => {
                    // Whoever was left out for a while begins anew.
                    let part = begun_anew.entry(t.account).or_default();
                    *part += usize::from(t.from.is_none() && self.notified.excluded.contains(&t.account));
                    stories.entry((t.account, lives, *part)).or_default().push(t.clone());
                }
                Record::Pack(notice) => {
                    let wants = |name: &&str| self.notify(notice.epoch).contains(name);
                    let expected = match notice.event {
                        PackEvent::Baseline => wants(&"baseline"),
                        PackEvent::PackDeleted => wants(&"pack-deleted") && life.is_some(),
                    };
                    if notice.notify != expected {
                        wrong.push(format!("{}, {notice:?}: told, expected {expected}", self.target));
                    }
                    life = (notice.event == PackEvent::Baseline).then_some(notice.epoch);
                    lives += usize::from(notice.event == PackEvent::PackDeleted);
                }
            }
        }
        let rules = |record: &Transition| Rules {
            table: &TABLE,
            notify: self.notify(record.epoch),
            every: Some(SignedDuration::from_hours(24)),
        };
        let kinds = stories.values().filter_map(|story| judge_records(rules, story));
        wrong.extend(kinds.map(|wrong| format!("the kinds of {}: {wrong}", self.target)));
        wrong
    }
}

/// Whether an event says what its record does. A minimal form lacks the states.
fn is_event_of(event: &str, record: &Record) -> bool {
    let event: Value = serde_json::from_str(event).unwrap();
    event["Sequence"] == record.epoch()
        && match record {
            Record::Pack(notice) => {
                event["Kind"] == notice.event.as_str() && event["Accounts"] == notice.accounts
            }
            Record::Account(transition) => {
                let to = transition.to.as_ref();
                let (status, code) =
                    (to.map(|to| to.status.as_str()), to.and_then(|to| to.error_code.as_deref()));
                event["Kind"] == transition.kind.as_str()
                    && event["AccountId"] == transition.account.to_string()
                    && (event["To"].is_null()
                        || (event["To"]["Status"].as_str(), event["To"]["ErrorCode"].as_str())
                            == (status, code))
            }
        }
}

/// The lives of a pack, each from its baseline to its deletion or to now.
fn lives(truth: &Truth, store: &MemoryStore, target: &Target, excluded: &BTreeSet<AccountId>) -> Vec<String> {
    let mut broken = Vec::new();
    let (log, mut live) = (transitions(store, target), None);
    let (presence, mut at) = (truth.presence(target), 0);
    for life in store.lives().into_iter().filter(|life| life.target == *target) {
        let begins = life.begins.is_some();
        match presence.iter().skip(at).position(|there| *there == begins) {
            Some(further) => at += further,
            None => {
                broken.push(format!("{target}, epoch {}: begins: {begins}, which it never did", life.epoch))
            }
        }
        if let Some(rows) = &life.begins {
            broken.extend(wrong_beginning(truth, target, rows, at, excluded));
        }
        match (live.take(), life.begins) {
            (None, Some(rows)) => live = Some((life.epoch, rows)),
            (None, None) => {}
            (Some((epoch, rows)), None) => {
                broken.extend(chains(truth, target, &log, (epoch, &rows, life.epoch), excluded).1);
            }
            (Some(_), Some(_)) => {
                broken.push(format!("{target} began again at {} while it was watched", life.epoch));
                return broken;
            }
        }
    }
    let there = truth.now();
    let deployed = there.keys().any(|(of, _)| of == target);
    let Some((epoch, begun)) = live else {
        if deployed {
            broken.push(format!("{target} is there and not watched"));
        }
        return broken;
    };
    let (last, wrong) = chains(truth, target, &log, (epoch, &begun, u64::MAX), excluded);
    broken.extend(wrong);
    let rows = store.rows_of(target);
    let accounts = last.keys().chain(rows.keys()).copied();
    let accounts = accounts.chain(there.keys().filter(|(of, _)| of == target).map(|(_, account)| *account));
    for account in accounts.collect::<BTreeSet<_>>() {
        let status = |fact: Fact| fact.map(|(status, _)| status);
        let row = status(fact(rows.get(&account).map(|row| &row.state)));
        let mut notified = status(fact(last.get(&account).and_then(Option::as_ref)));
        let now = status(there.get(&(target.clone(), account)).cloned().flatten());
        if row.is_none() && excluded.contains(&account) {
            // Whoever was left out went without a word.
            notified = None;
        }
        if row != notified || notified != now {
            broken
                .push(format!("{target}, {account}: recorded {row:?}, told {notified:?}, and it is {now:?}"));
        }
    }
    broken
}

/// What is wrong with the rows with which a life begins, since a moment: what never was, and who was there all the time.
fn wrong_beginning(
    truth: &Truth,
    target: &Target,
    rows: &Rows,
    since: usize,
    excluded: &BTreeSet<AccountId>,
) -> Vec<String> {
    let past = truth.past.borrow();
    let there = past.iter().flat_map(|then| then.accounts.keys()).filter(|(of, _)| of == target);
    let accounts = rows.keys().copied().chain(there.map(|(_, account)| *account)).collect::<BTreeSet<_>>();
    let is_wrong = |account: &AccountId| {
        let row = fact(rows.get(account).map(|row| &row.state));
        !excluded.contains(account)
            && !truth.story(target, *account).iter().skip(since).any(|then| *then == row)
    };
    let wrong = accounts.into_iter().filter(is_wrong);
    wrong.map(|account| format!("{target}, {account}: a life began without it as it was")).collect()
}

/// What of a state no row follows without a record.
fn compared(state: Option<&State>) -> Option<(&str, Option<&str>, bool, Option<jiff::Timestamp>)> {
    state.map(|state| {
        let failed_at = state.last_update.filter(|_| state.status.as_str().ends_with("FAILED"));
        (state.status.as_str(), state.error_code.as_deref(), state.stuck, failed_at)
    })
}

fn transitions(store: &MemoryStore, target: &Target) -> Vec<Transition> {
    store.log_of(target).into_iter().filter_map(|(_, record)| record.transition().cloned()).collect()
}

/// What is wrong after a run that nothing disturbed: what is unhealthy is recorded as it is, and nobody lags
/// anything. What is healthy may be as old as the last full scan.
pub(crate) fn broken_after_a_run(truth: &Truth, store: &MemoryStore, notified: &Notified) -> Vec<String> {
    let mut broken = Vec::new();
    let there = truth.now();
    let is_healthy = |status: &str| status.ends_with("_SUCCESSFUL");
    broken.extend(lags(store));
    for target in store.heads().into_keys() {
        let rows = store.rows_of(&target);
        let of_target = there.keys().filter(|(of, _)| *of == target).map(|(_, account)| *account);
        for account in rows.keys().copied().chain(of_target).collect::<BTreeSet<_>>() {
            let status = |fact: Fact| fact.map(|(status, _)| status).filter(|status| !is_healthy(status));
            let row = status(fact(rows.get(&account).map(|row| &row.state)));
            let now = status(there.get(&(target.clone(), account)).cloned().flatten());
            if row != now {
                broken
                    .push(format!("{target}, {account}: after a run {row:?} is recorded, and it is {now:?}"));
            }
        }
    }
    broken.extend(claims_too_much(truth, store, notified));
    broken
}

/// What some topic lacks.
pub(crate) fn lags(store: &MemoryStore) -> Vec<String> {
    let heads = store.load().now_or_never().unwrap().unwrap();
    let lags = |topic| {
        let lagging: Vec<_> = heads.lagging(topic).map(|(target, _, from, to)| (target, from, to)).collect();
        heads.lags(topic).then(|| format!("{topic:?} lag behind {lagging:?}, {:?}", heads.cursors(topic)))
    };
    Topic::ALL.into_iter().filter_map(lags).collect()
}

/// What heads say to have seen whole, and have not: each row is of a moment after that.
pub(crate) fn claims_too_much(truth: &Truth, store: &MemoryStore, notified: &Notified) -> Vec<String> {
    let mut broken = Vec::new();
    for (target, head) in store.heads().into_iter().filter(|(_, head)| head.baseline_epoch.is_some()) {
        let Some(full_scan_at) = head.last_full_scan_at else { continue };
        let rows = store.rows_of(&target);
        let past = truth.past.borrow();
        let accounts = past.iter().flat_map(|then| then.accounts.keys()).filter(|(of, _)| *of == target);
        // Whoever was left out for a while was not seen.
        let was_left_out = |account: &AccountId| notified.excluded.contains(account);
        let accounts = accounts.map(|(_, account)| *account).filter(|account| !was_left_out(account));
        for account in accounts.collect::<BTreeSet<_>>() {
            let status = |fact: &Fact| fact.clone().map(|(status, _)| status);
            let row = fact(rows.get(&account).map(|row| &row.state));
            let story = truth.story(&target, account);
            let mut since = story.iter().skip(truth.over_before(full_scan_at));
            if !since.any(|then| status(then) == status(&row)) {
                broken.push(format!(
                    "{target}, {account}: scanned in full at {full_scan_at}, and {row:?} is of before that"
                ));
            }
        }
    }
    broken
}

/// Follows each account from its baseline: the state in which its transitions leave it, and what is wrong with them.
fn chains(
    truth: &Truth,
    target: &Target,
    log: &[Transition],
    (begun, rows, until): (u64, &Rows, u64),
    excluded: &BTreeSet<AccountId>,
) -> (BTreeMap<AccountId, Option<State>>, Vec<String>) {
    let mut broken = Vec::new();
    let rows = rows.iter();
    let mut now: BTreeMap<_, _> = rows.map(|(account, row)| (*account, Some(row.state.clone()))).collect();
    let mut at: BTreeMap<AccountId, usize> = BTreeMap::new();
    for (account, state) in &now {
        let story = truth.story(target, *account);
        at.insert(*account, story.iter().position(|then| *then == fact(state.as_ref())).unwrap_or(0));
    }
    for t in log.iter().filter(|t| t.epoch > begun && t.epoch < until) {
        let before = now.insert(t.account, t.to.clone()).flatten();
        let about = format!("{target}, epoch {}, {}", t.epoch, t.account);
        let was_left_out = t.from.is_none() && excluded.contains(&t.account);
        if compared(before.as_ref()) != compared(t.from.as_ref()) && !was_left_out {
            broken.push(format!("broken chain at {about}: from {:?}, was {before:?}", t.from));
        }
        if t.to.is_none() && excluded.contains(&t.account) {
            continue;
        }
        let story = truth.story(target, t.account);
        let from = at.get(&t.account).copied().unwrap_or(0);
        match story.iter().skip(from).position(|then| *then == fact(t.to.as_ref())) {
            Some(further) => {
                at.insert(t.account, from + further);
            }
            None => broken.push(format!("stale at {about}: {:?} was the case only before", t.to)),
        }
    }
    (now, broken)
}
