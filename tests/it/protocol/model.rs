//! Random histories: world changes, runs of every kind, faults and deadlines in any order. The reference is the
//! world's own past: whatever happened, one clean run later each account was told along it, and nothing is owed.

use std::time::Duration;

use packwatch::ports::Filters;
use packwatch::watch::request::Request;
use proptest::prelude::*;

use crate::protocol::direct::REGION;
use crate::protocol::gate::{Gate, Outcome};
use crate::protocol::scenario::{A, B, Stage};
use crate::protocol::spaces;
use crate::world::World;
use crate::world::packs::account;

const HISTORIES: u32 = 600;
const STATUSES: [&str; 4] = ["CREATE_SUCCESSFUL", "UPDATE_SUCCESSFUL", "UPDATE_FAILED", "UPDATE_IN_PROGRESS"];

#[derive(Debug, Clone)]
enum Op {
    /// An account gets a status, joining if need be.
    Status {
        pack: &'static str,
        account: usize,
        status: &'static str,
    },
    Leave {
        pack: &'static str,
        account: usize,
    },
    Delete {
        pack: &'static str,
    },
    Deploy {
        pack: &'static str,
    },
    /// A run; `deadline` is in effects that there is time for.
    Run {
        only: Only,
        deadline: Option<u32>,
        faults: Vec<(usize, Outcome)>,
    },
}

#[derive(Debug, Clone, Copy)]
enum Only {
    Everything,
    Pack(&'static str),
    Account(&'static str, usize),
    First(&'static str, u64),
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let pack = || prop::sample::select(vec![A, B]);
    let outcome = prop::sample::select(Outcome::ALL.to_vec());
    let faults = prop::collection::vec((0..16_usize, outcome), 0..3);
    let only = prop_oneof![
        4 => Just(Only::Everything),
        1 => pack().prop_map(Only::Pack),
        1 => (pack(), 1..5_usize).prop_map(|(pack, account)| Only::Account(pack, account)),
        1 => (pack(), 1..4_u64).prop_map(|(pack, n)| Only::First(pack, n)),
    ];
    let status = (pack(), 1..5_usize, prop::sample::select(STATUSES.to_vec()));
    let op = prop_oneof![
        6 => status.prop_map(|(pack, account, status)| Op::Status { pack, account, status }),
        2 => (pack(), 1..5_usize).prop_map(|(pack, account)| Op::Leave { pack, account }),
        1 => pack().prop_map(|pack| Op::Delete { pack }),
        1 => pack().prop_map(|pack| Op::Deploy { pack }),
        8 => (only, prop::option::of(1..30_u32), faults)
            .prop_map(|(only, deadline, faults)| Op::Run { only, deadline, faults }),
    ];
    prop::collection::vec(op, 1..24)
}

fn change(world: &World, op: &Op) {
    let there = |pack: &str| world.lock().pack_mut(REGION, pack).is_some();
    match *op {
        Op::Status { pack, account: n, status } if there(pack) => {
            let known = world.rows(REGION, pack).contains_key(&account(n));
            match (known, status.ends_with("FAILED")) {
                (false, _) => world.join(REGION, pack, &account(n), status),
                (true, false) => world.set_status(REGION, pack, &account(n), status),
                (true, true) => world.fail(REGION, pack, &account(n), status, "Code", "it broke"),
            };
        }
        Op::Leave { pack, account: n } if world.rows(REGION, pack).contains_key(&account(n)) => {
            world.leave(REGION, pack, &account(n));
        }
        Op::Delete { pack } => assert!(world.delete_pack(REGION, pack) || !there(pack)),
        Op::Deploy { pack } if !there(pack) => {
            world.add_pack(REGION, pack, 2);
        }
        _ => {}
    }
}

async fn history(ops: &[Op]) -> Vec<String> {
    let stage = Stage::new(Gate::new([]));
    for op in ops {
        let Op::Run { only, deadline, faults } = op else {
            stage.truth.change(|world| change(world, op));
            continue;
        };
        let mut request = Request::default();
        match *only {
            Only::Everything => request.scheduled = true,
            Only::Pack(pack) => request.packs = vec![pack.parse().unwrap()],
            Only::Account(pack, n) => {
                request.packs = vec![pack.parse().unwrap()];
                request.filters = Filters { account: Some(account(n).parse().unwrap()), status: None };
            }
            Only::First(pack, n) => {
                request.packs = vec![pack.parse().unwrap()];
                request.pagination.max_items = Some(n);
            }
        }
        stage.gate.plan(faults.iter().copied());
        stage.gate.delay.set(Duration::from_secs(u64::from(deadline.is_some())));
        let ends_in = deadline.map(|effects| Duration::from_secs(effects.into()));
        let _however_it_ended = stage.run(&request, ends_in).await;
    }
    stage.verdict().await
}

/// Two tasks of one run reach their ends in the same moment: the run dies once, not the next one too.
#[tokio::test(start_paused = true)]
async fn a_run_dies_once() {
    let run = |only, deadline, faults| Op::Run { only, deadline, faults };
    let faults = vec![(13, Outcome::DiedBefore), (14, Outcome::DiedBefore)];
    let ops = [run(Only::Pack(A), None, Vec::new()), run(Only::Everything, Some(9), faults)];
    assert_eq!(history(&ops).await, Vec::<String>::new());
}

#[test]
fn random_histories_keep_the_promise() {
    let config = ProptestConfig { cases: HISTORIES, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(ops in ops())| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        prop_assert_eq!(runtime.unwrap().block_on(history(&ops)), Vec::<String>::new());
    });
    spaces::tell("random histories of the model test", HISTORIES as usize);
}
