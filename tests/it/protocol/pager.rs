//! The pager that `docs/messages.md` describes, over random histories of the real run: what is open there in the end is
//! what is unhealthy. The reference is what AWS Config said at each run, and nothing that packwatch made of it.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use packwatch::ports::SilenceStore;
use packwatch::state::silence::Silence;
use proptest::prelude::*;
use serde_json::Value;

use crate::protocol::direct::{Direct, EVENTS, REGION, settings};
use crate::protocol::gate::Gate;
use crate::protocol::scenario::{A, B, Stage};
use crate::protocol::spaces;
use crate::world::packs::account;

const HISTORIES: u32 = 120;
const ACCOUNTS: usize = 4;
/// Low, so that random histories flap.
const FLAP_LIMIT: &str = "2";
const STUCK_AFTER: SignedDuration = SignedDuration::from_hours(2);

/// The rules of the page that are built here, so that one of them does not change alone.
const RULES: [&str; 3] = [
    "It triggers on `Failed`, `Stuck` and `Unrecognised`, and resolves on `Recovered` and `Left`. For `Settled`, `To` \
     decides: it resolves if the status is `CREATE_SUCCESSFUL` or `UPDATE_SUCCESSFUL`, and triggers unless it is in progress.",
    "It ignores events without `IncidentId`, and those with `Silenced` or `Damped`, unless they end the incident.",
    "It ignores an event whose `Sequence` is lower than the last one of its `IncidentId`.",
];

/// A rule that somebody does not keep: some history must be wrong at that pager.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Broken {
    /// The filter policy lacks one of its kinds.
    Lacks(usize),
    HearsHushed,
    IgnoresHushedEnds,
    IgnoresOrder,
    SettledResolves,
}

const KINDS: usize = 6;

/// The filter policy of the page, whose other rules are those that are built here.
fn documented() -> Vec<String> {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/messages.md")).unwrap();
    let page = page.split_whitespace().collect::<Vec<_>>().join(" ");
    for rule in RULES {
        assert!(page.contains(rule), "docs/messages.md has another rule than this test: {rule}");
    }
    let (_, policy) = page.split_once("Subscribe it with `").unwrap();
    let policy = policy.split_once('`').unwrap().0;
    let policy: BTreeMap<String, Vec<String>> = serde_json::from_str(policy).unwrap();
    assert_eq!((policy.len(), policy["Kind"].len()), (1, KINDS));
    policy["Kind"].clone()
}

fn broken() -> impl Iterator<Item = Broken> {
    let rules = [Broken::HearsHushed, Broken::IgnoresHushedEnds, Broken::IgnoresOrder];
    (0..KINDS).map(Broken::Lacks).chain(rules).chain([Broken::SettledResolves])
}

/// The function between SNS and the pager, and what is open there: by deduplication key, which account it is about.
struct Pager {
    broken: Option<Broken>,
    filter: Vec<String>,
    sequences: BTreeMap<String, u64>,
    open: BTreeMap<String, (String, String)>,
}

enum Action {
    Trigger,
    Resolve,
}

impl Pager {
    /// With this filter policy.
    fn new(filter: &[String], broken: Option<Broken>) -> Self {
        let lacks = |n: &usize| broken == Some(Broken::Lacks(*n));
        let kept = filter.iter().enumerate().filter(|(n, _)| !lacks(n)).map(|(_, kind)| kind.clone());
        Self { broken, filter: kept.collect(), sequences: BTreeMap::new(), open: BTreeMap::new() }
    }

    fn is(&self, broken: Broken) -> bool {
        self.broken == Some(broken)
    }

    fn take(&mut self, event: &Value) {
        let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        let kind = text("Kind");
        let status = event["To"]["Status"].as_str().unwrap_or_default();
        let action = match kind.as_str() {
            _ if !self.filter.contains(&kind) => return,
            "Failed" | "Stuck" | "Unrecognised" => Action::Trigger,
            "Settled" if self.is(Broken::SettledResolves) => Action::Resolve,
            "Settled" if status.ends_with("_IN_PROGRESS") => return,
            "Settled" if !matches!(status, "CREATE_SUCCESSFUL" | "UPDATE_SUCCESSFUL") => Action::Trigger,
            _ => Action::Resolve,
        };
        let is_hushed = event["Silenced"] == true || event["Damped"] == true;
        let is_ignored = match action {
            Action::Trigger => is_hushed && !self.is(Broken::HearsHushed),
            Action::Resolve => is_hushed && self.is(Broken::IgnoresHushedEnds),
        };
        if event["IncidentId"].is_null() || is_ignored {
            return;
        }
        let is_unordered = self.is(Broken::IgnoresOrder);
        let (incident, sequence) = (text("IncidentId"), event["Sequence"].as_u64().unwrap());
        let last = self.sequences.entry(incident.clone()).or_default();
        if sequence < *last && !is_unordered {
            return;
        }
        *last = sequence;
        match action {
            Action::Trigger => {
                let about = (text("OrganizationConformancePackName"), text("AccountId"));
                drop(self.open.insert(incident, about));
            }
            Action::Resolve => drop(self.open.remove(&incident)),
        }
    }
}

#[derive(Debug, Clone)]
enum Op {
    /// An account gets a status, joining if need be, or leaves.
    Move(&'static str, usize, Option<&'static str>),
    /// An account fails and succeeds in turns, with a run after each.
    Flap(&'static str, usize, usize),
    /// A pack is deleted, or deployed again.
    Toggle(&'static str),
    Wait(i64),
    Silence(Option<usize>, i64),
    Unsilence,
    Exclude(Option<usize>),
    Run,
}

const STATUSES: [&str; 9] = [
    "CREATE_SUCCESSFUL",
    "UPDATE_SUCCESSFUL",
    "UPDATE_SUCCESSFUL",
    "UPDATE_FAILED",
    "UPDATE_FAILED",
    "CREATE_FAILED",
    "UPDATE_IN_PROGRESS",
    "DELETE_SUCCESSFUL",
    "NEW_TO_US",
];

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let pack = || prop::sample::select(vec![A, B]);
    let to = prop_oneof![5 => prop::sample::select(STATUSES.to_vec()).prop_map(Some), 1 => Just(None)];
    let op = prop_oneof![
        16 => (pack(), 1..=ACCOUNTS, to).prop_map(|(pack, n, to)| Op::Move(pack, n, to)),
        2 => (pack(), 1..=ACCOUNTS, 3..7_usize).prop_map(|(pack, n, turns)| Op::Flap(pack, n, turns)),
        1 => pack().prop_map(Op::Toggle),
        3 => (10..1800_i64).prop_map(Op::Wait),
        2 => (prop::option::of(1..=ACCOUNTS), 30..1800_i64).prop_map(|(n, minutes)| Op::Silence(n, minutes)),
        1 => Just(Op::Unsilence),
        1 => prop::option::of(1..=ACCOUNTS).prop_map(Op::Exclude),
        12 => Just(Op::Run),
    ];
    prop::collection::vec(op, 10..60)
}

/// What AWS Config has said of an account.
#[derive(Debug, Clone, Default)]
struct Told {
    /// It was unhealthy at a run, and not healthy or gone at one since.
    in_incident: bool,
    /// It was unhealthy in this incident at a run that no silence covered.
    was_heard: bool,
    /// When it went from healthy to unhealthy or back: what flaps may have been heard or not.
    turns: Vec<Timestamp>,
}

struct History {
    stage: Stage,
    told: BTreeMap<(&'static str, usize), Told>,
    silence: Option<(Option<usize>, Timestamp)>,
    excluded: Option<usize>,
}

impl History {
    fn now(&self) -> Timestamp {
        Direct(self.stage.truth.world.clone()).now()
    }

    fn is_silenced(&self, n: usize) -> bool {
        self.silence.is_some_and(|(of, until)| until > self.now() && of.is_none_or(|of| of == n))
    }

    async fn go_on(&mut self, op: &Op) {
        let Stage { truth, store, .. } = &self.stage;
        match *op {
            Op::Move(pack, n, to) => truth.change(|world| {
                let id = account(n);
                let is_known = world.rows(REGION, pack).contains_key(&id);
                match to {
                    _ if world.lock().pack_mut(REGION, pack).is_none() => {}
                    None if is_known => drop(world.leave(REGION, pack, &id).clone()),
                    None => {}
                    Some(status) if status.ends_with("FAILED") => {
                        if !is_known {
                            world.join(REGION, pack, &id, status);
                        }
                        world.fail(REGION, pack, &id, status, "Code", "it broke");
                    }
                    Some(status) if is_known => drop(world.set_status(REGION, pack, &id, status).clone()),
                    Some(status) => drop(world.join(REGION, pack, &id, status).clone()),
                }
            }),
            Op::Flap(pack, n, turns) => {
                for status in ["UPDATE_FAILED", "UPDATE_SUCCESSFUL"].into_iter().cycle().take(turns) {
                    Box::pin(self.go_on(&Op::Move(pack, n, Some(status)))).await;
                    self.run().await;
                }
            }
            Op::Toggle(pack) => truth.change(|world| {
                if !world.delete_pack(REGION, pack) {
                    world.add_pack(REGION, pack, 2);
                }
            }),
            Op::Wait(minutes) => truth.change_after(SignedDuration::from_mins(minutes), |_| {}),
            Op::Silence(of, minutes) => {
                let until = self.now() + SignedDuration::from_mins(minutes);
                let silence = Silence {
                    id: "s".to_owned(),
                    accounts: of.iter().map(|n| account(*n).parse().unwrap()).collect(),
                    packs: Vec::new(),
                    regions: Vec::new(),
                    kinds: [].into(),
                    until,
                    reason: "r".to_owned(),
                    by: "b".to_owned(),
                };
                store.silence(&silence).await.unwrap();
                self.silence = Some((of, until));
            }
            Op::Unsilence => {
                store.unsilence("s").await.unwrap();
                self.silence = None;
            }
            Op::Exclude(n) => {
                self.excluded = n;
                let ids = n.map(account).unwrap_or_default();
                let variables = [("PACKWATCH_FLAP_LIMIT", FLAP_LIMIT), ("PACKWATCH_EXCLUDE_ACCOUNTS", &ids)];
                self.stage.settings = settings(&variables);
            }
            Op::Run => self.run().await,
        }
    }

    async fn run(&mut self) {
        self.stage.truth.change(|_| {});
        let _all_packs_may_be_gone = self.stage.scheduled_run().await.unwrap();
        let now = self.now();
        for pack in [A, B] {
            let rows = self.stage.truth.world.rows(REGION, pack);
            for n in 1..=ACCOUNTS {
                let row = rows.get(&account(n)).filter(|_| self.excluded != Some(n));
                let age = row.and_then(|row| row.last_update).map(|at| now.as_second() - at as i64);
                let is_late = age.is_some_and(|age| age > STUCK_AFTER.as_secs());
                let is_unhealthy = match row.map(|row| row.status.as_str()) {
                    None | Some("CREATE_SUCCESSFUL" | "UPDATE_SUCCESSFUL" | "DELETE_SUCCESSFUL") => {
                        Some(false)
                    }
                    Some(status) if status.ends_with("_IN_PROGRESS") => is_late.then_some(true),
                    Some(_) => Some(true),
                };
                let is_silenced = self.is_silenced(n);
                let told = self.told.entry((pack, n)).or_default();
                match is_unhealthy {
                    Some(is) if is != told.in_incident => {
                        told.in_incident = is;
                        told.was_heard = false;
                        told.turns.push(now);
                    }
                    _ => {}
                }
                told.was_heard |= is_unhealthy == Some(true) && !is_silenced;
            }
        }
    }

    /// Long enough that what flapped has settled and what is in progress is stuck.
    async fn come_to_rest(&mut self) {
        for _ in 0..2 {
            self.go_on(&Op::Wait(150)).await;
            self.run().await;
        }
    }

    /// Everything that SNS accepted, some of it twice, in any order.
    fn delivered(&self, seed: u64) -> Vec<Value> {
        let events = self.stage.truth.world.messages_to(EVENTS);
        let mut events: Vec<_> = events.iter().map(|event| event.json_for("default")).collect();
        let twice: Vec<_> = events.iter().step_by(4).cloned().collect();
        events.extend(twice);
        Rng::with_seed(seed).shuffle(&mut events);
        events
    }

    /// How much is open at a pager that got these events, and where it is wrong.
    fn judged(&self, events: &[Value], mut pager: Pager) -> (usize, Vec<String>) {
        events.iter().for_each(|event| pager.take(event));
        let mut wrong = Vec::new();
        for (&(pack, n), told) in &self.told {
            let about = (pack.to_owned(), account(n));
            let open = pager.open.values().filter(|open| **open == about).count();
            let wanted = match told {
                Told { in_incident: false, .. } => Some(0),
                // What was heard before a silence stays open, unless it flapped and may not have been heard.
                Told { turns, was_heard: true, .. } if self.is_silenced(n) && turns.len() > 1 => None,
                Told { was_heard, .. } => Some(usize::from(*was_heard)),
            };
            if wanted.is_some_and(|wanted| wanted != open) {
                wrong.push(format!("{pack}, {}: {open} open, {told:?}", account(n)));
            }
        }
        (pager.open.len(), wrong)
    }
}

async fn history(ops: &[Op], ends_silenced: bool) -> History {
    let mut history =
        History { stage: Stage::new(Gate::new([])), told: BTreeMap::new(), silence: None, excluded: None };
    history.go_on(&Op::Exclude(None)).await;
    for op in ops {
        history.go_on(op).await;
    }
    if !ends_silenced {
        history.go_on(&Op::Unsilence).await;
    }
    history.come_to_rest().await;
    history
}

#[test]
fn what_is_open_at_the_documented_pager_is_what_is_unhealthy() {
    let config = ProptestConfig { cases: HISTORIES, failure_persistence: None, ..ProptestConfig::default() };
    let filter = documented();
    let (total, alive) = (Cell::new(0), RefCell::new(broken().collect::<BTreeSet<_>>()));
    proptest!(config, |(ops in ops(), ends_silenced in any::<bool>(), seed in any::<u64>())| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let history = runtime.unwrap().block_on(history(&ops, ends_silenced));
        let events = history.delivered(seed);
        let (open, wrong) = history.judged(&events, Pager::new(&filter, None));
        total.set(total.get() + open);
        prop_assert_eq!(wrong, Vec::<String>::new());
        let is_right = |broken: &Broken| history.judged(&events, Pager::new(&filter, Some(*broken))).1.is_empty();
        alive.borrow_mut().retain(is_right);
    });
    assert_eq!(alive.take(), BTreeSet::new(), "rules that no history needs");
    assert!(total.get() > HISTORIES as usize, "{} incidents are open in the end: too few", total.get());
    spaces::tell("random histories at the documented pager", HISTORIES as usize);
}
