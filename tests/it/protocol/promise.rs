//! The promise of the design, as a judgement on what a history left behind: what the store holds, what SNS accepted,
//! and what was the case in AWS Config all the while. It says what is broken instead of panicking, since the mutants
//! are to break it.

use std::collections::{BTreeMap, BTreeSet};

use packwatch::model::{AccountId, Target};

use packwatch::notify::transition_id;
use packwatch::state::{State, Transition};
use serde_json::{Value, json};

use crate::protocol::direct::{ALERTS, EVENTS, REGION, target};
use crate::protocol::memory::MemoryStore;
use crate::world::World;

/// What an account is, as far as order in time can be told from it: its status, and when AWS Config updated it.
type Fact = Option<(String, Option<jiff::Timestamp>)>;

/// A world that remembers all that was ever the case.
#[derive(Clone)]
pub(crate) struct Truth {
    pub(crate) world: World,
    past: Vec<BTreeMap<(Target, AccountId), Fact>>,
    clock: f64,
}

impl Truth {
    pub(crate) fn new(packs: &[(&str, usize)]) -> Self {
        let world = World::new();
        world.add_topic(ALERTS).add_topic(EVENTS);
        let mut truth = Self { world, past: Vec::new(), clock: 1_700_000_000.0 };
        truth.change(|world| {
            for (pack, accounts) in packs {
                world.add_pack(REGION, pack, *accounts);
            }
        });
        truth
    }

    /// Changes the world, a minute later.
    pub(crate) fn change(&mut self, change: impl FnOnce(&World)) {
        self.clock += 60.0;
        self.world.set_clock(self.clock);
        change(&self.world);
        self.past.push(self.now());
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
        self.past.iter().map(|then| then.get(&key).cloned().flatten()).collect()
    }
}

fn fact(state: Option<&State>) -> Fact {
    state.map(|state| (state.status.to_string(), state.last_update))
}

/// What SNS accepted on one topic: each notice of a transition, and of a pack, as often as it came.
#[derive(Default)]
struct Heard {
    transitions: BTreeMap<String, Vec<Value>>,
    packs: BTreeMap<(String, String), usize>,
}

impl Heard {
    fn of(world: &World, topic: &str) -> Self {
        let mut heard = Self::default();
        for message in world.messages_to(topic) {
            let document = message.json_for("default");
            let Some(packs) = document["Packs"].as_array() else {
                heard.notice(&document);
                continue;
            };
            for pack in packs {
                let name = pack["OrganizationConformancePackName"].as_str().unwrap();
                let kind = pack["Type"].as_str().unwrap();
                *heard.packs.entry((name.to_owned(), kind.to_owned())).or_default() += 1;
                let transitions = pack["Transitions"].as_array().unwrap();
                transitions.iter().for_each(|notice| heard.notice(notice));
            }
        }
        heard
    }

    fn notice(&mut self, notice: &Value) {
        let content = json!([notice["Kind"], notice["AccountId"], notice["From"], notice["To"]]);
        self.transitions.entry(notice["Id"].as_str().unwrap().to_owned()).or_default().push(content);
    }
}

/// What of the promise a finished history broke, after one clean run. `copies`: something happened after which SNS
/// may have accepted what was not stored.
pub(crate) fn broken(truth: &Truth, store: &MemoryStore, copies: bool) -> Vec<String> {
    let mut broken = Vec::new();
    let (alerts, events) = (Heard::of(&truth.world, ALERTS), Heard::of(&truth.world, EVENTS));
    for (target, head) in store.heads() {
        let log = store.log_of(&target);
        for transition in &log {
            let id = transition_id(&target, &head.born, transition.epoch, transition.account);
            let about = format!("{target}, epoch {}, {}", transition.epoch, transition.account);
            for (topic, heard) in [("alerts", &alerts), ("events", &events)] {
                match heard.transitions.get(&id).map(Vec::len) {
                    None => broken.push(format!("never announced on {topic}: {about}")),
                    Some(1) => {}
                    Some(n) if !copies => broken.push(format!("{n} copies on {topic}: {about}")),
                    Some(_) => {}
                }
            }
        }
        let commits = store.commits().into_iter().filter(|committed| committed.target == target);
        let marks: Vec<_> = commits.map(|c| (c.commit.announced, c.commit.events_announced)).collect();
        if marks.iter().zip(marks.iter().skip(1)).any(|(a, b)| b.0 < a.0 || b.1 < a.1) {
            broken.push(format!("the marks of {target} went back: {marks:?}"));
        }
        broken.extend(segments(truth, store, &target, &log, &alerts, copies));
    }
    let both = alerts.transitions.keys().chain(events.transitions.keys()).collect::<BTreeSet<_>>();
    for id in both {
        let copies = [&alerts, &events].into_iter().filter_map(|heard| heard.transitions.get(id)).flatten();
        let contents: BTreeSet<String> = copies.map(Value::to_string).collect();
        if contents.len() > 1 {
            broken.push(format!("one id, two contents: {contents:?}"));
        }
    }
    broken
}

/// The life of a pack, from each baseline to its deletion or to now.
fn segments(
    truth: &Truth,
    store: &MemoryStore,
    target: &Target,
    log: &[Transition],
    alerts: &Heard,
    copies: bool,
) -> Vec<String> {
    let mut broken = Vec::new();
    let (mut baselines, mut deletions, mut live) = (0, 0, None);
    let commits = store.commits();
    for committed in commits.iter().filter(|c| c.target == *target && c.commit.announced > 0) {
        match (&live, committed.commit.deleted) {
            (None, false) => {
                baselines += 1;
                live = Some(committed);
            }
            (Some(begun), true) => {
                deletions += 1;
                broken.extend(chains(truth, target, log, begun, committed.commit.epoch).1);
                live = None;
            }
            _ => {}
        }
    }
    let told =
        |kind: &str| alerts.packs.get(&(target.pack.to_string(), kind.to_owned())).copied().unwrap_or(0);
    for (kind, times) in [("Baseline", baselines), ("PackDeleted", deletions)] {
        if told(kind) < times || (told(kind) > times && !copies) {
            broken.push(format!("{kind} of {target} was told {} times for {times}", told(kind)));
        }
    }
    let there = truth.now();
    let deployed = there.keys().any(|(of, _)| of == target);
    let Some(begun) = live else {
        if deployed {
            broken.push(format!("{target} is there and not watched"));
        }
        return broken;
    };
    let (last, wrong) = chains(truth, target, log, begun, u64::MAX);
    broken.extend(wrong);
    let rows = store.rows_of(target);
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

/// Follows each account from its baseline: the state in which its transitions leave it, and what is wrong with them.
fn chains(
    truth: &Truth,
    target: &Target,
    log: &[Transition],
    begun: &crate::protocol::memory::Committed,
    until: u64,
) -> (BTreeMap<AccountId, Option<State>>, Vec<String>) {
    let mut broken = Vec::new();
    let rows = begun.rows.iter();
    let mut now: BTreeMap<_, _> = rows.map(|(account, row)| (*account, Some(row.state.clone()))).collect();
    let mut at: BTreeMap<AccountId, usize> = BTreeMap::new();
    for (account, state) in &now {
        let story = truth.story(target, *account);
        at.insert(*account, story.iter().position(|then| *then == fact(state.as_ref())).unwrap_or(0));
    }
    for t in log.iter().filter(|t| t.epoch > begun.commit.epoch && t.epoch < until) {
        let before = now.insert(t.account, t.to.clone()).flatten();
        let about = format!("{target}, epoch {}, {}", t.epoch, t.account);
        if before != t.from {
            broken.push(format!("broken chain at {about}: from {:?}, was {before:?}", t.from));
        }
        let story = truth.story(target, t.account);
        let from = at.get(&t.account).copied().unwrap_or(0);
        match story.iter().skip(from).position(|then| *then == fact(t.to.as_ref())) {
            Some(further) => drop(at.insert(t.account, from + further)),
            None => broken.push(format!("stale at {about}: {:?} was the case only before", t.to)),
        }
    }
    (now, broken)
}
