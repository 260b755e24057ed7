//! The promise of the design, as a judgement on what a history left behind: what the store holds, what SNS accepted,
//! and what was the case in AWS Config all the while. It says what is broken instead of panicking, since the mutants
//! are to break it.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use packwatch::model::{AccountId, Target};
use packwatch::notify::record_id;
use packwatch::state::heads::Head;
use packwatch::state::log::{PackEvent, Record};
use packwatch::state::{Row, State, Transition};
use serde_json::{Value, json};

use crate::protocol::direct::{ALERTS, EVENTS, REGION, target};
use crate::protocol::memory::MemoryStore;
use crate::protocol::oracle::{Rules, TABLE, judge_records};
use crate::world::World;

/// What an account is, as far as order in time can be told from it: its status, and when AWS Config updated it.
type Fact = Option<(String, Option<jiff::Timestamp>)>;

/// What was the case in AWS Config from a time on.
struct Moment {
    since: f64,
    packs: BTreeSet<Target>,
    accounts: BTreeMap<(Target, AccountId), Fact>,
}

/// A world that remembers all that was ever the case.
pub(crate) struct Truth {
    pub(crate) world: World,
    past: RefCell<Vec<Moment>>,
    clock: Cell<f64>,
}

impl Truth {
    pub(crate) fn new(packs: &[(&str, usize)]) -> Self {
        let world = World::new();
        world.add_topic(ALERTS).add_topic(EVENTS).ageless_tokens();
        let truth = Self { world, past: RefCell::default(), clock: Cell::new(1_700_000_000.0) };
        truth.change(|world| {
            for (pack, accounts) in packs {
                world.add_pack(REGION, pack, *accounts);
            }
        });
        truth
    }

    /// Changes the world, a minute later.
    pub(crate) fn change(&self, change: impl FnOnce(&World)) {
        self.change_after(SignedDuration::from_mins(1), change);
    }

    /// Changes the world, so much later.
    pub(crate) fn change_after(&self, later: SignedDuration, change: impl FnOnce(&World)) {
        self.clock.set(self.clock.get() + later.as_secs_f64());
        self.world.set_clock(self.clock.get());
        change(&self.world);
        let packs =
            self.world.lock().regions.get(REGION).map(|region| region.packs.keys().cloned().collect());
        let packs: Vec<String> = packs.unwrap_or_default();
        let packs = packs.iter().map(|pack| target(pack)).collect();
        self.past.borrow_mut().push(Moment { since: self.clock.get(), packs, accounts: self.now() });
    }

    fn now(&self) -> BTreeMap<(Target, AccountId), Fact> {
        let state = self.world.lock();
        let packs = state.regions.get(REGION).into_iter().flat_map(|region| &region.packs);
        let rows = packs.flat_map(|(pack, deployed)| deployed.rows.iter().map(move |row| (pack, row)));
        let time = |s: f64| jiff::Timestamp::from_second(s as i64).unwrap();
        let fact = |(pack, (id, row)): (&String, (&String, &crate::world::packs::Row))| {
            let account = id.parse().unwrap();
            ((target(pack), account), Some((row.status.clone(), row.last_update.map(time))))
        };
        rows.map(fact).collect()
    }

    /// What an account was, one after the other.
    fn story(&self, of: &Target, account: AccountId) -> Vec<Fact> {
        let key = (of.clone(), account);
        self.past.borrow().iter().map(|then| then.accounts.get(&key).cloned().flatten()).collect()
    }

    /// Whether a pack was there, one after the other.
    fn presence(&self, of: &Target) -> Vec<bool> {
        self.past.borrow().iter().map(|then| then.packs.contains(of)).collect()
    }

    /// How many moments were over before a time.
    fn over_before(&self, time: i64) -> usize {
        let begun = self.past.borrow().iter().filter(|moment| moment.since <= time as f64).count();
        begun.saturating_sub(1)
    }
}

fn fact(state: Option<&State>) -> Fact {
    state.map(|state| (state.status.to_string(), state.last_update))
}

/// What SNS accepted on one topic: which record was told, with what, as often as it came.
#[derive(Default)]
struct Heard {
    /// What each id was told with.
    contents: BTreeMap<String, Vec<Value>>,
    /// Of an entry of a digest, how many earlier records of its account it stands for.
    earlier: BTreeMap<String, Vec<usize>>,
    /// What digests count and do not name.
    unnamed: usize,
}

impl Heard {
    fn of(world: &World, topic: &str) -> Self {
        let mut heard = Self::default();
        for message in world.messages_to(topic) {
            let document = message.json_for("default");
            let Some(packs) = document["Packs"].as_array() else {
                heard.hear(&document);
                continue;
            };
            let counted: u64 =
                document["Counts"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
            let named = |pack: &Value| {
                pack["Transitions"].as_array().unwrap().len() + usize::from(pack["Id"].is_string())
            };
            heard.unnamed += counted as usize - packs.iter().map(named).sum::<usize>();
            for pack in packs {
                if pack["Id"].is_string() {
                    heard.contents.entry(id(pack)).or_default().push(json!([pack["Type"]]));
                }
                pack["Transitions"].as_array().unwrap().iter().for_each(|notice| heard.hear(notice));
            }
        }
        heard
    }

    fn hear(&mut self, notice: &Value) {
        // A lesser form lacks AWS Config's words, or the states altogether.
        let mut now = notice["To"].clone();
        now.as_object_mut().and_then(|now| now.remove("ErrorMessage"));
        let content = match &notice["AccountId"] {
            Value::Null => json!([notice["Kind"]]),
            account if now.is_null() && notice["Kind"] != "Left" => json!([notice["Kind"], account]),
            account => json!([notice["Kind"], account, now]),
        };
        self.contents.entry(id(notice)).or_default().push(content);
        let earlier = notice["Earlier"].as_array().map_or(0, Vec::len);
        self.earlier.entry(id(notice)).or_default().push(earlier);
    }

    /// How often each of these records of one account, in their order, was told.
    fn times(&self, ids: &[String]) -> Vec<usize> {
        let mut times = vec![0; ids.len()];
        for (n, id) in ids.iter().enumerate() {
            for earlier in self.earlier.get(id).into_iter().flatten() {
                times[n.saturating_sub(*earlier)..=n].iter_mut().for_each(|times| *times += 1);
            }
        }
        times
    }
}

fn id(notice: &Value) -> String {
    notice["Id"].as_str().unwrap().to_owned()
}

/// The names of `PACKWATCH_NOTIFY`: the searches tell everything.
const ALL: [&str; 11] = [
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

/// What of the promise a finished history broke, after one clean run. `copies`: something happened after which SNS
/// may have accepted what was not stored.
pub(crate) fn broken(truth: &Truth, store: &MemoryStore, copies: bool) -> Vec<String> {
    let mut broken = store.marks_that_went_back();
    let (alerts, events) = (Heard::of(&truth.world, ALERTS), Heard::of(&truth.world, EVENTS));
    // What a digest that SNS took only in a lesser form has counted and not named.
    let mut unnamed = BTreeMap::new();
    for (target, head) in store.heads() {
        let log = store.log_of(&target);
        let id = |record: &Record| record_id(&target, &head.born, record);
        let mut judge = |topic: &str, about: &Record, times: usize| match times {
            0 if topic == "alerts" => {
                // Several records of an account are one entry of a digest.
                let entry = match about {
                    Record::Account(transition) => (target.clone(), Some(transition.account), 0),
                    Record::Pack(notice) => (target.clone(), None, notice.epoch),
                };
                unnamed.insert(entry, format!("never announced on {topic}: {target}, {about:?}"));
            }
            0 => broken.push(format!("never announced on {topic}: {target}, {about:?}")),
            1 => {}
            n if !copies => broken.push(format!("{n} copies on {topic}: {target}, {about:?}")),
            _ => {}
        };
        for record in &log {
            judge("events", record, events.contents.get(&id(record)).map_or(0, Vec::len));
        }
        let mut accounts: BTreeMap<AccountId, Vec<&Record>> = BTreeMap::new();
        for record in &log {
            if let Record::Account(t) = record
                && t.told.unwrap_or(!t.silenced && !t.damped)
            {
                accounts.entry(t.account).or_default().push(record);
            }
        }
        for told in accounts.values() {
            let times = alerts.times(&told.iter().map(|record| id(record)).collect::<Vec<_>>());
            told.iter().zip(times).for_each(|(record, times)| judge("alerts", record, times));
        }
        for (n, record) in log.iter().enumerate() {
            let Record::Pack(notice) = record else { continue };
            let times = alerts.contents.get(&id(record)).map_or(0, Vec::len);
            // A life that was over before anybody heard of it is told by its end, which is judged by itself.
            let end = log[n + 1..].iter().find(|later| matches!(later, Record::Pack(_)));
            let is_over = notice.event == PackEvent::Baseline
                && end.is_some_and(|end| matches!(end, Record::Pack(end) if end.told));
            if notice.told && !(times == 0 && is_over) {
                judge("alerts", record, times);
            }
        }
        // The story of an account ends with the life of its pack.
        let mut stories: BTreeMap<(usize, AccountId), Vec<Transition>> = BTreeMap::new();
        let mut life = 0;
        for record in &log {
            match record {
                Record::Account(t) => stories.entry((life, t.account)).or_default().push(t.clone()),
                Record::Pack(notice) => life += usize::from(notice.event == PackEvent::PackDeleted),
            }
        }
        let rules = Rules { table: &TABLE, notify: &ALL, every: Some(SignedDuration::from_hours(24)) };
        let wrong = stories.values().filter_map(|story| judge_records(rules, story));
        broken.extend(wrong.map(|wrong| format!("the kinds of {target}: {wrong}")));
        broken.extend(lives(truth, store, &target, &head));
    }
    if unnamed.len() > alerts.unnamed {
        broken.extend(unnamed.into_values());
    }
    let both = alerts.contents.keys().chain(events.contents.keys()).collect::<BTreeSet<_>>();
    for id in both {
        let copies = [&alerts, &events].into_iter().filter_map(|heard| heard.contents.get(id)).flatten();
        let contents: BTreeSet<String> = copies.map(Value::to_string).collect();
        let is_bare = |content: &&String| content.matches(',').count() == 1;
        if contents.iter().filter(|content| !is_bare(content)).count() > 1 {
            broken.push(format!("one id, two contents: {contents:?}"));
        }
    }
    broken
}

/// The lives of a pack, each from its baseline to its deletion or to now.
fn lives(truth: &Truth, store: &MemoryStore, target: &Target, head: &Head) -> Vec<String> {
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
        match (live.take(), life.begins) {
            (None, Some(rows)) => live = Some((life.epoch, rows)),
            (None, None) => {}
            (Some((epoch, rows)), None) => {
                broken.extend(chains(truth, target, &log, (epoch, &rows), life.epoch).1);
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
    let (last, wrong) = chains(truth, target, &log, (epoch, &begun), u64::MAX);
    broken.extend(wrong);
    let mut rows = store.rows_of(target);
    rows.retain(|_, row| head.counts(row));
    let accounts = last.keys().chain(rows.keys()).copied();
    let accounts = accounts.chain(there.keys().filter(|(of, _)| of == target).map(|(_, account)| *account));
    for account in accounts.collect::<BTreeSet<_>>() {
        let status = |fact: Fact| fact.map(|(status, _)| status);
        let row = status(fact(rows.get(&account).map(|row| &row.state)));
        let told = status(fact(last.get(&account).and_then(Option::as_ref)));
        let now = status(there.get(&(target.clone(), account)).cloned().flatten());
        if row != told || told != now {
            broken.push(format!("{target}, {account}: recorded {row:?}, told {told:?}, and it is {now:?}"));
        }
    }
    broken
}

fn transitions(store: &MemoryStore, target: &Target) -> Vec<Transition> {
    store.log_of(target).into_iter().filter_map(Record::transition).collect()
}

/// What is wrong after a tick that nothing disturbed: what is not well is recorded as it is, and nobody is owed
/// anything. What is well may be as old as the last whole look.
pub(crate) fn broken_after_a_tick(truth: &Truth, store: &MemoryStore) -> Vec<String> {
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
    broken.extend(claims_too_much(truth, store));
    broken
}

/// What heads say to have seen whole, and have not: each row is of a moment after that.
pub(crate) fn claims_too_much(truth: &Truth, store: &MemoryStore) -> Vec<String> {
    let mut broken = Vec::new();
    for (target, head) in store.heads().into_iter().filter(|(_, head)| head.life().is_some()) {
        let Some(whole_at) = head.whole_at else { continue };
        let rows = store.rows_of(&target);
        let past = truth.past.borrow();
        let accounts = past.iter().flat_map(|then| then.accounts.keys()).filter(|(of, _)| *of == target);
        for account in accounts.map(|(_, account)| *account).collect::<BTreeSet<_>>() {
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
    (begun, rows): (u64, &BTreeMap<AccountId, Row>),
    until: u64,
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
        if before != t.from {
            broken.push(format!("broken chain at {about}: from {:?}, was {before:?}", t.from));
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
