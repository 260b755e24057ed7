//! All schedules of runs at a large pack: quick scans beside each other and beside full ones, while
//! accounts move between the reads and AWS Config's filters do what they must not. Nothing wrong is reported, a quick scan
//! that nothing disturbs knows who is unhealthy, and the next full scan knows everybody.

use crate::protocol::direct::{REGION, target};
use crate::protocol::gate::{Gate, Kind};
use crate::protocol::interleavings::{BACK, FAIL, LOST, TWO, assert_sound};
use crate::protocol::memory::MemoryStore;
use crate::protocol::scenario::{A, Stage};
use crate::protocol::schedules::{Begin, Choice, Runner, Sim, Space};
use crate::world::World;
use crate::world::packs::account;

const TRY_AGAIN: fn(&World) = |world| {
    world.set_status(REGION, A, &account(1), "UPDATE_IN_PROGRESS");
};
const RECOVER: fn(&World) = |world| {
    world.set_status(REGION, A, &account(1), "UPDATE_SUCCESSFUL");
};
const JOIN: fn(&World) = |world| {
    world.join(REGION, A, &account(3), "CREATE_SUCCESSFUL");
};
const JOIN_UNHEALTHY: fn(&World) = |world| {
    world.join(REGION, A, &account(3), "CREATE_IN_PROGRESS");
    world.fail(REGION, A, &account(3), "CREATE_FAILED", "Code", "it broke");
};
const LEAVE: fn(&World) = |world| {
    world.leave(REGION, A, &account(1));
};
const LIE: fn(&World) = |world| {
    world.filter_violates(2);
};
const DENY: fn(&World) = |world| {
    world.filter_denies(1);
};
const PAGE_FIRST: fn(&World) = |world| {
    world.page_cap(1).filter_after_paging();
};
const PAGE_ACCOUNTS_FIRST: fn(&World) = |world| {
    world.page_cap(1).filter_account_after_paging();
};

/// One quick scan.
pub(super) const QUICK: Space =
    Space { runs: 1, runners: &[Runner::Schedule], large: true, due: false, clocks: &[0, 0], ..TWO };

#[test]
fn an_account_that_moves_while_a_quick_scan_reads() {
    let space = Space { changes: &[FAIL, TRY_AGAIN, RECOVER], ..QUICK };
    assert_sound("a quick scan while an account moves", space);
}

#[test]
#[ignore = "takes minutes: `make soak`"]
fn an_account_that_moves_while_a_quick_scan_fails() {
    let space = Space { changes: &[FAIL, TRY_AGAIN, RECOVER], faults: 1, meets: LOST, ..QUICK };
    assert_sound("a quick scan while an account moves, a crash or a lost or late write", space);
}

#[test]
fn accounts_that_come_and_go_while_a_quick_scan_reads() {
    let space = Space { changes: &[FAIL, JOIN_UNHEALTHY, LEAVE], ..QUICK };
    assert_sound("a quick scan while accounts come and go", space);
}

#[test]
fn a_filter_that_lies_or_denies_for_a_while() {
    let space = Space { changes: &[FAIL, LIE, TRY_AGAIN], ..QUICK };
    assert_sound("a quick scan while a filter violates", space);
    let space = Space { changes: &[FAIL, DENY, TRY_AGAIN], ..QUICK };
    assert_sound("a quick scan while a filter denies the pack", space);
}

#[test]
fn filters_that_are_applied_after_paging() {
    let space = Space { changes: &[FAIL, PAGE_FIRST, TRY_AGAIN], ..QUICK };
    assert_sound("a quick scan that pages first", space);
    let space = Space { changes: &[PAGE_ACCOUNTS_FIRST, FAIL, RECOVER], ..QUICK };
    assert_sound("a quick scan that pages accounts first", space);
}

#[test]
fn two_quick_scans() {
    let space = Space { runs: 2, changes: &[FAIL], switches: 1, ..QUICK };
    assert_sound("two quick scans", space);
}

#[test]
#[ignore = "takes minutes: `make soak`"]
fn two_quick_scans_two_changes_and_a_fault() {
    let space = Space { runs: 2, changes: &[FAIL, BACK], faults: 1, meets: LOST, switches: 1, ..QUICK };
    assert_sound("two quick scans, two changes, a crash or a lost or late write", space);
}

#[test]
fn a_quick_scan_beside_a_full_scan() {
    let runners = &[Runner::Schedule, Runner::Person];
    let space = Space { runs: 2, runners, changes: &[FAIL], switches: 1, ..QUICK };
    assert_sound("a quick scan beside a full scan", space);
}

#[test]
#[ignore = "takes minutes: `make soak`"]
fn a_quick_scan_beside_a_full_scan_two_changes_and_a_crash() {
    let runners = &[Runner::Schedule, Runner::Person];
    let space = Space { runs: 2, runners, changes: &[FAIL, JOIN], faults: 1, switches: 1, ..QUICK };
    assert_sound("a quick scan beside a full scan, two changes, a crash", space);
}

const REBASES: Space = Space {
    runs: 2,
    runners: &[Runner::Person, Runner::Schedule],
    before: Some(JOIN),
    changes: &[FAIL],
    ..QUICK
};

/// A full scan loses its commit to a quick one: what it has read until then is older.
#[test]
fn a_full_scan_that_rebases_records_nothing_older() {
    let mut sim = Sim::new(REBASES, &Begin::of(REBASES));
    let (full, quick) = (0, 1);
    sim.go_on_until(full, Kind::Commit);
    sim.apply(Choice::Change);
    sim.go_on_until(quick, Kind::Commit);
    sim.apply(Choice::Step(quick));
    while let Some(choice) = sim.choices().first() {
        sim.apply(*choice);
    }
    assert_eq!(sim.verdict(), Vec::<String>::new());
}

#[test]
#[ignore = "takes minutes: `make soak`"]
fn a_full_scan_that_rebases_on_a_quick_one() {
    let space = Space { switches: 3, ..REBASES };
    assert_sound("a full scan that rebases on a quick one", space);
}

#[test]
fn a_quick_scan_with_a_full_scan_that_is_due() {
    let space = Space { due: true, changes: &[FAIL, JOIN], ..QUICK };
    assert_sound("a quick scan with a full scan that is due", space);
}

/// What its run has committed is no reason to leave it out: an account that changes again is recorded, too.
#[test]
fn a_slow_scan_begins_with_the_head_of_its_own_runs_commit() {
    let space = Space { due: true, changes: &[FAIL, RECOVER], ..QUICK };
    let mut sim = Sim::new(space, &Begin::of(space));
    sim.apply(Choice::Change);
    sim.go_on_until(0, Kind::Commit);
    sim.apply(Choice::Step(0));
    sim.apply(Choice::Change);
    while let Some(choice) = sim.choices().first() {
        sim.apply(*choice);
    }
    let head = sim.head();
    assert_eq!((head.epoch, head.last_full_scan_at), (3, Some(sim.time())), "it counts as a full one");
    assert_eq!(sim.verdict(), Vec::<String>::new());
}

/// An index may lag: six reads do not show an account, and the next one does.
#[tokio::test(start_paused = true)]
async fn a_filter_is_asked_once_more_before_it_counts_as_broken() {
    let mut stage = Stage::new(Gate::new([]));
    stage.store = MemoryStore::of_large_packs();
    stage.scheduled_run().await;
    stage.truth.change(FAIL);
    stage.scheduled_run().await;
    let is_distrusted = || stage.store.heads()[&target(A)].filters_distrusted_until.is_some();
    stage.truth.change(|world| {
        world.hide_account(REGION, A, &account(1), 6);
    });
    stage.scheduled_run().await;
    assert!(!is_distrusted());
    stage.truth.change(|world| {
        world.hide_from_status_filter(&account(1));
    });
    stage.scheduled_run().await;
    assert!(is_distrusted());
}

/// Beside it, accounts that it does not see.
pub(super) const OF_SOME: Space = Space { changes: &[JOIN, FAIL], ..QUICK };
pub(super) const TWO_OF_SOME: Space = Space { changes: &[FAIL, TRY_AGAIN], runs: 2, switches: 1, ..QUICK };
