//! The promise of the design, as a judgement on what a history left behind: what the store holds, what SNS accepted,
//! and what was the case in AWS Config all the while. It says what is broken instead of panicking, since the mutants
//! are to break it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use packwatch::model::{AccountId, Target};
use packwatch::notify::record_id;
use packwatch::state::heads::{Head, Mark};
use packwatch::state::log::{PackEvent, Record};
use packwatch::state::{Row, State, Transition};
use serde_json::Value;

use crate::protocol::direct::{ALERTS, EVENTS};
use crate::protocol::heard::Heard;
use crate::protocol::journal::{Names, Told};
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

/// What of the promise a finished history broke, after one clean run. `told`: what its runs did, where they were followed
/// one after the other; else any copy is excused.
pub(crate) fn broken(truth: &Truth, store: &MemoryStore, told: Option<&Told>) -> Vec<String> {
    let mut broken = store.marks_that_went_back();
    broken.extend(told.iter().flat_map(|told| [&told.wrong, &told.again]).flatten().cloned());
    let heard = Both::of(truth, told);
    // What a digest that SNS took only in a lesser form has counted and not named.
    let mut unnamed = BTreeMap::new();
    let mut known = BTreeMap::new();
    for (target, head) in store.heads() {
        let log = store.log_of(&target);
        known.extend(log.iter().map(|record| (record_id(&target, &head.born, record), record.clone())));
        let on_target = OnTarget { target: &target, head: &head, log: &log, told };
        broken.extend(on_target.wrong_on_events(&heard));
        let (wrong, missing) = on_target.wrong_on_alerts(&heard);
        broken.extend(wrong);
        match told {
            None => unnamed.extend(missing),
            Some(_) => broken.extend(missing.into_values()),
        }
        broken.extend(on_target.wrong_kinds());
        broken.extend(lives(truth, store, &target, &head, told));
    }
    if unnamed.len() > heard.alerts.unnamed {
        broken.extend(unnamed.into_values());
    }
    broken.extend(heard.wrong_contents(&known));
    broken
}

/// What SNS accepted on both topics, and what of it was accepted in vain.
struct Both {
    alerts: Heard,
    events: Heard,
    excused: Option<[Heard; 2]>,
}

impl Both {
    fn of(truth: &Truth, told: Option<&Told>) -> Self {
        let excused = |told: &Told, mark: Mark| {
            let pieces = told.excused.iter().filter(|(of, _)| *of == mark);
            Heard::of_documents(pieces.map(|(_, piece)| serde_json::from_str(piece).unwrap()))
        };
        Self {
            alerts: Heard::of(&truth.world, ALERTS),
            events: Heard::of(&truth.world, EVENTS),
            excused: told.map(|told| [Mark::People, Mark::Machines].map(|mark| excused(told, mark))),
        }
    }

    /// How often something is heard too often that was heard so often, and excused so often.
    fn excess(&self, times: usize, excused: impl Fn(&[Heard; 2]) -> usize) -> usize {
        self.excused.as_ref().map_or(0, |both| times.saturating_sub(1 + excused(both)))
    }

    /// One id, one content on both topics, and that of its record.
    fn wrong_contents(&self, known: &BTreeMap<String, Record>) -> Vec<String> {
        let mut wrong = Vec::new();
        let ids: BTreeSet<&String> = self.alerts.contents.keys().chain(self.events.contents.keys()).collect();
        for id in ids {
            let copies = [&self.alerts, &self.events].into_iter().filter_map(|heard| heard.contents.get(id));
            let contents: BTreeSet<String> = copies.flatten().map(Value::to_string).collect();
            let is_bare = |content: &&String| content.matches(',').count() == 1;
            if contents.iter().filter(|content| !is_bare(content)).count() > 1 {
                wrong.push(format!("one id, two contents: {contents:?}"));
            }
            let kind = known.get(id).map(|record| match record {
                Record::Account(transition) => transition.kind.as_str(),
                Record::Pack(notice) => notice.event.as_str(),
            });
            let is_of_record = |content: &String| {
                let content: Value = serde_json::from_str(content).unwrap();
                content[0].as_str() == kind
            };
            if !contents.iter().all(is_of_record) {
                wrong.push(format!("{id} is told as {contents:?}, and is the record of {kind:?}"));
            }
        }
        wrong
    }
}

/// What one target's log says, beside what was heard of it.
struct OnTarget<'a> {
    target: &'a Target,
    head: &'a Head,
    log: &'a [Record],
    told: Option<&'a Told>,
}

impl OnTarget<'_> {
    fn id(&self, record: &Record) -> String {
        record_id(self.target, &self.head.born, record)
    }

    fn notify(&self, epoch: u64) -> Names {
        self.told.and_then(|told| told.notify.get(&(self.target.clone(), epoch)).copied()).unwrap_or(&ALL)
    }

    fn is_lenient(&self, account: AccountId) -> bool {
        self.told.is_some_and(|told| told.excluded.contains(&account))
    }

    fn wrong_on_events(&self, heard: &Both) -> Vec<String> {
        let passed = self.told.and_then(|told| told.passed_over.get(self.target));
        let wrong = self.log.iter().filter_map(|record| {
            let id = self.id(record);
            let times_in = |heard: &Heard| heard.contents.get(&id).map_or(0, Vec::len);
            let times = times_in(&heard.events);
            let copies = heard.excess(times, |excused| times_in(&excused[1]));
            match times {
                0 if passed.is_some_and(|passed| record.position() <= *passed) => None,
                0 => Some(format!("never announced on events: {}, {record:?}", self.target)),
                _ => (copies > 0)
                    .then(|| format!("{copies} copies too many on events: {}, {record:?}", self.target)),
            }
        });
        wrong.collect()
    }

    /// What is told too often, and what is not told, by the entries of digests that would tell it.
    fn wrong_on_alerts(&self, heard: &Both) -> (Vec<String>, BTreeMap<Entry, String>) {
        let (mut wrong, mut missing) = (Vec::new(), BTreeMap::new());
        let mut judge = |record: &Record, times: usize, excused: usize| {
            let copies = heard.excess(times, |_| excused);
            if copies > 0 {
                wrong.push(format!("{copies} copies too many on alerts: {}, {record:?}", self.target));
            }
            // A digest that stands for it has counted it, and was judged.
            let is_counted =
                || self.told.is_some_and(|told| told.digests.iter().any(|d| d.has(self.target, &[record])));
            if times == 0 && !is_counted() {
                // Several records of an account are one entry of a digest.
                let entry = match record {
                    Record::Account(transition) => (self.target.clone(), Some(transition.account), 0),
                    Record::Pack(notice) => (self.target.clone(), None, notice.epoch),
                };
                missing.insert(entry, format!("never announced on alerts: {}, {record:?}", self.target));
            }
        };
        let mut accounts: BTreeMap<AccountId, Vec<&Record>> = BTreeMap::new();
        for record in self.log {
            if let Record::Account(transition) = record
                && transition.told
            {
                accounts.entry(transition.account).or_default().push(record);
            }
        }
        for told in accounts.values() {
            let ids: Vec<String> = told.iter().map(|record| self.id(record)).collect();
            let excused = heard.excused.as_ref().map_or(vec![0; ids.len()], |both| both[0].times(&ids));
            let times = heard.alerts.times(&ids).into_iter().zip(excused);
            told.iter().zip(times).for_each(|(record, (times, excused))| judge(record, times, excused));
        }
        for (n, record) in self.log.iter().enumerate() {
            let Record::Pack(notice) = record else { continue };
            let times_in = |heard: &Heard| heard.contents.get(&self.id(record)).map_or(0, Vec::len);
            let times = times_in(&heard.alerts);
            // A life that was over before anybody heard of it is told by its end, which is judged by itself.
            let end = self.log[n + 1..].iter().find(|later| matches!(later, Record::Pack(_)));
            let is_over = notice.event == PackEvent::Baseline
                && end.is_some_and(|end| matches!(end, Record::Pack(notice) if notice.told))
                && self.told.is_none();
            if notice.told && !(times == 0 && is_over) {
                judge(record, times, heard.excused.as_ref().map_or(0, |both| times_in(&both[0])));
            }
        }
        (wrong, missing)
    }

    /// What is wrong with what the records say, each account for itself and life by life.
    fn wrong_kinds(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        // The story of an account ends with the life of its pack.
        let mut stories: BTreeMap<(AccountId, usize, usize), Vec<Transition>> = BTreeMap::new();
        let (mut life, mut lives) = (None, 0);
        let mut begun_anew: BTreeMap<AccountId, usize> = BTreeMap::new();
        for record in self.log {
            match record {
                Record::Account(t) => {
                    // Whoever was left out for a while begins anew.
                    let part = begun_anew.entry(t.account).or_default();
                    *part += usize::from(t.from.is_none() && self.is_lenient(t.account));
                    stories.entry((t.account, lives, *part)).or_default().push(t.clone());
                }
                Record::Pack(notice) => {
                    let wants = |name: &&str| self.notify(notice.epoch).contains(name);
                    let expected = match notice.event {
                        PackEvent::Baseline => wants(&"baseline"),
                        PackEvent::PackDeleted => wants(&"pack-deleted") && life.is_some(),
                    };
                    if notice.told != expected {
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

/// What would tell something: the account or the pack, and the epoch.
type Entry = (Target, Option<AccountId>, u64);

/// The lives of a pack, each from its baseline to its deletion or to now.
fn lives(
    truth: &Truth,
    store: &MemoryStore,
    target: &Target,
    head: &Head,
    told: Option<&Told>,
) -> Vec<String> {
    let none = BTreeSet::new();
    let excluded = told.map_or(&none, |told| &told.excluded);
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
    let mut rows = store.rows_of(target);
    rows.retain(|_, row| head.counts(row));
    let accounts = last.keys().chain(rows.keys()).copied();
    let accounts = accounts.chain(there.keys().filter(|(of, _)| of == target).map(|(_, account)| *account));
    for account in accounts.collect::<BTreeSet<_>>() {
        let status = |fact: Fact| fact.map(|(status, _)| status);
        let row = status(fact(rows.get(&account).map(|row| &row.state)));
        let mut told = status(fact(last.get(&account).and_then(Option::as_ref)));
        let now = status(there.get(&(target.clone(), account)).cloned().flatten());
        if row.is_none() && excluded.contains(&account) {
            // Whoever was left out went without a word.
            told = None;
        }
        if row != told || told != now {
            broken.push(format!("{target}, {account}: recorded {row:?}, told {told:?}, and it is {now:?}"));
        }
    }
    broken
}

/// What is wrong with the rows with which a life begins, since a moment: what never was, and who was there all the time.
fn wrong_beginning(
    truth: &Truth,
    target: &Target,
    rows: &BTreeMap<AccountId, Row>,
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
    store.log_of(target).into_iter().filter_map(Record::transition).collect()
}

/// What is wrong after a tick that nothing disturbed: what is not well is recorded as it is, and nobody is owed
/// anything. What is well may be as old as the last whole look.
pub(crate) fn broken_after_a_tick(truth: &Truth, store: &MemoryStore, told: Option<&Told>) -> Vec<String> {
    let mut broken = Vec::new();
    let there = truth.now();
    let is_well = |status: &str| status.ends_with("_SUCCESSFUL");
    for (target, head) in store.heads() {
        if head.owes() {
            broken.push(format!("{target} still owes something after a tick: {head:?}"));
        }
        let mut rows = store.rows_of(&target);
        rows.retain(|_, row| head.counts(row));
        let of_target = there.keys().filter(|(of, _)| *of == target).map(|(_, account)| *account);
        for account in rows.keys().copied().chain(of_target).collect::<BTreeSet<_>>() {
            let status = |fact: Fact| fact.map(|(status, _)| status).filter(|status| !is_well(status));
            let row = status(fact(rows.get(&account).map(|row| &row.state)));
            let now = status(there.get(&(target.clone(), account)).cloned().flatten());
            if row != now {
                broken.push(format!(
                    "{target}, {account}: after a tick {row:?} is recorded, and it is {now:?}"
                ));
            }
        }
    }
    broken.extend(claims_too_much(truth, store, told));
    broken
}

/// What heads say to have seen whole, and have not: each row is of a moment after that.
pub(crate) fn claims_too_much(truth: &Truth, store: &MemoryStore, told: Option<&Told>) -> Vec<String> {
    let mut broken = Vec::new();
    for (target, head) in store.heads().into_iter().filter(|(_, head)| head.life.is_some()) {
        let Some(whole_at) = head.whole_at else { continue };
        let rows = store.rows_of(&target);
        let past = truth.past.borrow();
        let accounts = past.iter().flat_map(|then| then.accounts.keys()).filter(|(of, _)| *of == target);
        // Whoever was left out for a while was not seen.
        let was_left_out = |account: &AccountId| told.is_some_and(|told| told.excluded.contains(account));
        let accounts = accounts.map(|(_, account)| *account).filter(|account| !was_left_out(account));
        for account in accounts.collect::<BTreeSet<_>>() {
            let status = |fact: &Fact| fact.clone().map(|(status, _)| status);
            let row = fact(rows.get(&account).filter(|row| head.counts(row)).map(|row| &row.state));
            let story = truth.story(&target, account);
            let mut since = story.iter().skip(truth.over_before(whole_at));
            if !since.any(|then| status(then) == status(&row)) {
                broken.push(format!(
                    "{target}, {account}: seen whole at {whole_at}, and {row:?} is of before that"
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
    (begun, rows, until): (u64, &BTreeMap<AccountId, Row>, u64),
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
