//! Random histories: world changes, runs of every kind, faults and deadlines in any order. The reference is the
//! world's own past: whatever happened, one clean run later each account was told along it, and nothing lags.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::SignedDuration;
use packwatch::ports::{Filters, Machines, SilenceStore, SnapshotStore};
use packwatch::state::head::Topic;
use packwatch::state::silence::Silence;
use packwatch::watch::request::Request;
use proptest::prelude::*;

use crate::protocol::direct::{Direct, REGION, settings};
use crate::protocol::gate::{Change, Gate, Kind, Outcome};
use crate::protocol::journal::Names;
use crate::protocol::memory::MemoryStore;
use crate::protocol::promise::ALL;
use crate::protocol::scenario::{A, B, Stage};
use crate::protocol::spaces;
use crate::world::World;
use crate::world::packs::account;

const HISTORIES: u32 = 600;
const STATUSES: [&str; 4] = ["CREATE_SUCCESSFUL", "UPDATE_SUCCESSFUL", "UPDATE_FAILED", "UPDATE_IN_PROGRESS"];

#[derive(Debug, Clone)]
enum Op {
    /// An account gets a status, joining if need be, or leaves.
    Move(Move),
    Delete(Deployed),
    Deploy(Deployed),
    /// So many hours pass.
    Wait(i64),
    /// A silence over one account or all, for so many hours.
    Silence {
        account: Option<usize>,
        hours: i64,
    },
    Unsilence,
    /// What AWS Config's filters do.
    Filters(Filtering),
    /// What each call of a topic meets from now on.
    Topic {
        topic: Kind,
        meets: Option<Outcome>,
    },
    /// How many calls of a run SNS takes.
    Rate(Option<usize>),
    /// SNS refuses entries for AWS Config's words, or takes them again.
    Texts {
        refused: bool,
    },
    Setting(Setting),
    /// A run; `ends_in` is in effects that there is time for. The world changes right before some of its effects.
    Run {
        only: Only,
        ends_in: Option<u32>,
        faults: Vec<(usize, Outcome)>,
        moves: Vec<(usize, Move)>,
    },
}

/// A region, and the name of a pack there.
type Deployed = (&'static str, &'static str);

/// Where the second pack of the same name is.
const ELSEWHERE: &str = "us-east-1";
const DEPLOYED: [Deployed; 3] = [(REGION, A), (REGION, B), (ELSEWHERE, A)];

#[derive(Debug, Clone, Copy)]
struct Move {
    pack: Deployed,
    account: usize,
    to: Option<&'static str>,
}

#[derive(Debug, Clone, Copy)]
enum Filtering {
    Honest,
    Lying(usize),
    Denying(usize),
    AfterPaging,
    AccountsAfterPaging,
}

#[derive(Debug, Clone, Copy)]
enum Setting {
    Packs(&'static str),
    Regions(&'static str),
    Exclude(Option<usize>),
    Notify(Names),
    /// Whether the function has a topic for machines.
    Events(bool),
}

#[derive(Debug, Clone, Copy)]
enum Only {
    Everything,
    /// A laptop, of which the function's topic for machines is none of its business.
    Laptop,
    Pack(&'static str),
    Account(&'static str, usize),
    First(&'static str, u64),
    Region(&'static str),
}

/// Each alone, and both.
const REGIONS: [&str; 3] = [REGION, ELSEWHERE, "eu-west-1,us-east-1"];

const NOTIFY: [Names; 3] =
    [&ALL, &["failed", "recovered", "baseline"], &["stuck", "left", "pack-deleted", "reminder"]];

fn deployed() -> impl Strategy<Value = Deployed> {
    prop::sample::select(DEPLOYED.to_vec())
}

fn pack() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![A, B])
}

fn some_move() -> impl Strategy<Value = Move> {
    let to = prop_oneof![4 => prop::sample::select(STATUSES.to_vec()).prop_map(Some), 1 => Just(None)];
    (deployed(), 1..5_usize, to).prop_map(|(pack, account, to)| Move { pack, account, to })
}

fn setting() -> impl Strategy<Value = Setting> {
    prop_oneof![
        prop::sample::select(vec!["*", "!Pack-B"]).prop_map(Setting::Packs),
        prop::sample::select(REGIONS.to_vec()).prop_map(Setting::Regions),
        prop::option::of(1..5_usize).prop_map(Setting::Exclude),
        prop::sample::select(NOTIFY.to_vec()).prop_map(Setting::Notify),
        any::<bool>().prop_map(Setting::Events),
    ]
}

fn run() -> impl Strategy<Value = Op> {
    let outcomes = Outcome::ALL.into_iter().chain([Outcome::Slow, Outcome::Hung]).collect::<Vec<_>>();
    let faults = prop::collection::vec((0..24_usize, prop::sample::select(outcomes)), 0..3);
    let only = prop_oneof![
        5 => Just(Only::Everything),
        1 => Just(Only::Laptop),
        1 => pack().prop_map(Only::Pack),
        1 => (pack(), 1..5_usize).prop_map(|(pack, account)| Only::Account(pack, account)),
        1 => (pack(), 1..4_u64).prop_map(|(pack, n)| Only::First(pack, n)),
        1 => prop::sample::select(vec![REGION, ELSEWHERE]).prop_map(Only::Region),
    ];
    let moves = prop::collection::vec((0..24_usize, some_move()), 0..3);
    (only, prop::option::of(1..30_u32), faults, moves).prop_map(|(only, ends_in, faults, moves)| Op::Run {
        only,
        ends_in,
        faults,
        moves,
    })
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let meets = prop::sample::select(vec![
        None,
        None,
        Some(Outcome::Refused),
        Some(Outcome::Throttled),
        Some(Outcome::Late),
        Some(Outcome::Hung),
        Some(Outcome::Slow),
    ]);
    let topic = prop::sample::select(vec![Kind::Alert, Kind::Events]);
    let filtering = prop_oneof![
        Just(Filtering::Honest),
        (1..4_usize).prop_map(Filtering::Lying),
        (1..4_usize).prop_map(Filtering::Denying),
        Just(Filtering::AfterPaging),
        Just(Filtering::AccountsAfterPaging),
    ];
    let silence = (prop::option::of(1..5_usize), 1..30_i64);
    let op = prop_oneof![
        18 => some_move().prop_map(Op::Move),
        2 => deployed().prop_map(Op::Delete),
        2 => deployed().prop_map(Op::Deploy),
        2 => (1..30_i64).prop_map(Op::Wait),
        1 => silence.prop_map(|(account, hours)| Op::Silence { account, hours }),
        1 => Just(Op::Unsilence),
        2 => filtering.prop_map(Op::Filters),
        2 => (topic, meets).prop_map(|(topic, meets)| Op::Topic { topic, meets }),
        1 => prop::option::of(0..3_usize).prop_map(Op::Rate),
        1 => any::<bool>().prop_map(|refused| Op::Texts { refused }),
        2 => setting().prop_map(Op::Setting),
        20 => run(),
    ];
    prop::collection::vec(op, 1..30)
}

fn has(world: &World, (region, pack): Deployed) -> bool {
    world.lock().pack_mut(region, pack).is_some()
}

fn make(world: &World, Move { pack: deployed, account: n, to }: Move) {
    let (region, pack) = deployed;
    let id = account(n);
    let is_known = world.rows(region, pack).contains_key(&id);
    match to {
        _ if !has(world, deployed) => {}
        None if is_known => drop(world.leave(region, pack, &id).clone()),
        None => {}
        Some(status) => {
            if !is_known {
                world.join(region, pack, &id, status);
            }
            if status.ends_with("FAILED") {
                world.fail(region, pack, &id, status, "Code", "it broke");
            } else if is_known {
                world.set_status(region, pack, &id, status);
            }
        }
    }
}

fn change(world: &World, op: &Op) {
    match *op {
        Op::Move(moved) => make(world, moved),
        Op::Delete((region, pack)) => drop(world.delete_pack(region, pack)),
        Op::Deploy((region, pack)) if !has(world, (region, pack)) => {
            drop(world.add_pack(region, pack, 2).clone());
        }
        Op::Filters(filtering) => {
            world.heal_config().ageless_tokens();
            match filtering {
                Filtering::Honest => world,
                Filtering::Lying(calls) => world.filter_violates(calls),
                Filtering::Denying(calls) => world.filter_denies(calls),
                Filtering::AfterPaging => world.page_cap(1).filter_after_paging(),
                Filtering::AccountsAfterPaging => world.page_cap(1).filter_account_after_paging(),
            };
        }
        _ => {}
    }
}

fn request(only: Only) -> Request {
    let packs = |pack: &str| vec![pack.parse().unwrap()];
    let mut request = Request::default();
    match only {
        Only::Everything => request.scheduled = true,
        Only::Laptop => request.quick = true,
        Only::Pack(pack) => request.packs = packs(pack),
        Only::Account(pack, n) => {
            request.packs = packs(pack);
            request.filters = Filters { account: Some(account(n).parse().unwrap()), status: None };
        }
        Only::First(pack, n) => {
            request.packs = packs(pack);
            request.pagination.max_items = Some(n);
        }
        Only::Region(region) => request.region = Some(region.parse().unwrap()),
    }
    request
}

/// A history under way.
struct History {
    stage: Stage,
    variables: BTreeMap<&'static str, String>,
    has_events: bool,
}

impl History {
    fn new(large: bool) -> Self {
        let mut stage = Stage::new(Gate::new([]));
        if large {
            stage.store = MemoryStore::of_large_packs();
        }
        let mut history = Self { stage, variables: BTreeMap::new(), has_events: true };
        history.adjust(Setting::Regions(REGIONS[2]));
        history
    }

    fn set(&mut self, variable: &'static str, value: String) {
        self.variables.insert(variable, value);
        let variables: Vec<(&str, &str)> = self.variables.iter().map(|(k, v)| (*k, v.as_str())).collect();
        self.stage.settings = settings(&variables);
    }

    fn adjust(&mut self, setting: Setting) {
        match setting {
            Setting::Packs(packs) => self.set("PACKWATCH_PACKS", packs.to_owned()),
            Setting::Regions(regions) => self.set("PACKWATCH_REGIONS", regions.to_owned()),
            Setting::Exclude(n) => {
                self.set("PACKWATCH_EXCLUDE_ACCOUNTS", n.map(account).unwrap_or_default());
                let excluded = &mut self.stage.gate.journal.notified.borrow_mut().excluded;
                excluded.extend(&self.stage.settings.excluded);
            }
            Setting::Notify(names) => {
                self.stage.notify = names;
                self.set("PACKWATCH_NOTIFY", names.join(","));
            }
            Setting::Events(has_events) => self.has_events = has_events,
        }
    }

    async fn go_on(&mut self, op: &Op) {
        let Stage { truth, gate, store, .. } = &self.stage;
        match op {
            Op::Run { only, ends_in, faults, moves } => {
                gate.plan(faults.iter().copied());
                for (after, moved) in moves.iter().copied() {
                    let truth = truth.clone();
                    let change: Change = Box::new(move || truth.change(|world| make(world, moved)));
                    gate.between.borrow_mut().insert(gate.count() + after, change);
                }
                gate.delay.set(Duration::from_secs(u64::from(ends_in.is_some())));
                gate.machines.set(match only {
                    Only::Laptop => Some(Machines::Elsewhere),
                    _ if !self.has_events => Some(Machines::Nobody),
                    _ => None,
                });
                let ends_in = ends_in.map(|effects| Duration::from_secs(effects.into()));
                let _however_it_ended = self.stage.run(&request(*only), ends_in).await;
                self.stage.gate.between.borrow_mut().clear();
            }
            Op::Wait(hours) => truth.change_after(SignedDuration::from_hours(*hours), |_| {}),
            // What it would keep from people that waits already is not judged here.
            Op::Silence { .. } if store.load().await.unwrap().lags(Topic::Alerts) => {}
            Op::Silence { account: n, hours } => {
                let silence = Silence {
                    id: "s".to_owned(),
                    accounts: n.iter().map(|n| account(*n).parse().unwrap()).collect(),
                    packs: Vec::new(),
                    regions: Vec::new(),
                    kinds: [].into(),
                    until: Direct(truth.world.clone()).now() + SignedDuration::from_hours(*hours),
                    reason: "r".to_owned(),
                    by: "b".to_owned(),
                };
                store.silence(&silence).await.unwrap();
            }
            Op::Unsilence => drop(store.unsilence("s").await.unwrap()),
            Op::Topic { topic, meets } => {
                let mut topics = gate.topics.borrow_mut();
                match meets {
                    Some(meets) => drop(topics.insert(*topic, *meets)),
                    None => drop(topics.remove(topic)),
                }
            }
            Op::Rate(most) => gate.rate.set(*most),
            Op::Texts { refused } => gate.refuses_texts.set(*refused),
            Op::Setting(setting) => self.adjust(*setting),
            Op::Move(_) | Op::Delete(_) | Op::Deploy(_) | Op::Filters(_) => {
                truth.change(|world| change(world, op));
            }
        }
    }

    /// With the settings and the world as they should be.
    async fn verdict(mut self) -> Vec<String> {
        self.adjust(Setting::Packs("*"));
        self.adjust(Setting::Regions(REGIONS[2]));
        self.adjust(Setting::Exclude(None));
        self.stage.truth.world.heal_config();
        self.stage.verdict().await
    }
}

async fn history(large: bool, ops: &[Op]) -> Vec<String> {
    let mut history = History::new(large);
    for op in ops {
        history.go_on(op).await;
    }
    history.verdict().await
}

/// Two tasks of one run reach their ends in the same moment: the run dies once, not the next one too.
#[tokio::test(start_paused = true)]
async fn a_run_dies_once() {
    let run = |only, ends_in, faults| Op::Run { only, ends_in, faults, moves: Vec::new() };
    let faults = vec![(13, Outcome::DiedBefore), (14, Outcome::DiedBefore)];
    let ops = [run(Only::Pack(A), None, Vec::new()), run(Only::Everything, Some(9), faults)];
    assert_eq!(history(false, &ops).await, Vec::<String>::new());
}

/// A pack is deleted, and nobody wants to hear of that, but of the end of an incident: the digest told it with the id of
/// the deletion's record.
#[tokio::test(start_paused = true)]
async fn a_digest_has_the_id_of_what_it_tells() {
    let fail = Op::Move(Move { pack: (REGION, A), account: 1, to: Some("UPDATE_FAILED") });
    let run = Op::Run { only: Only::Everything, ends_in: None, faults: Vec::new(), moves: Vec::new() };
    let ops = [fail, run, Op::Delete((REGION, A)), Op::Setting(Setting::Notify(NOTIFY[1]))];
    assert_eq!(history(false, &ops).await, Vec::<String>::new());
}

#[test]
fn random_histories_keep_the_promise() {
    let config = ProptestConfig { cases: HISTORIES, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(large in any::<bool>(), ops in ops())| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let ops: Vec<Op> = [Op::Deploy((ELSEWHERE, A))].into_iter().chain(ops).collect();
        prop_assert_eq!(runtime.unwrap().block_on(history(large, &ops)), Vec::<String>::new());
    });
    spaces::tell("random histories of the model test", HISTORIES as usize);
}
