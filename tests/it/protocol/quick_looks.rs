//! All schedules of runs at a large pack: quick looks beside each other and beside whole ones, while
//! accounts move between the reads and AWS Config's filters do what they must not. Nothing wrong is told, a tick
//! that nothing disturbs knows who is not well, and the next whole look knows everybody.

use crate::protocol::direct::REGION;
use crate::protocol::gate::Kind;
use crate::protocol::interleavings::{BACK, FAIL, TWO, assert_sound, caught};
use crate::protocol::mutants::Mutant;
use crate::protocol::scenario::A;
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
const JOIN_ILL: fn(&World) = |world| {
    world.join(REGION, A, &account(3), "CREATE_IN_PROGRESS");
    world.fail(REGION, A, &account(3), "CREATE_FAILED", "Code", "it broke");
};
const LEAVE: fn(&World) = |world| {
    world.leave(REGION, A, &account(1));
};
const LIE: fn(&World) = |world| {
    world.filter_lies(2);
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

/// One tick.
const TICK: Space = Space { runs: 1, runners: &[Runner::Schedule], large: true, due: false, ..TWO };

#[test]
fn an_account_that_moves_while_a_tick_reads() {
    let space = Space { changes: &[FAIL, TRY_AGAIN, RECOVER], faults: 1, replies: true, ..TICK };
    assert_sound("a tick while an account moves", space, 13_838, 1_113);
}

#[test]
fn accounts_that_come_and_go_while_a_tick_reads() {
    let space = Space { changes: &[FAIL, JOIN_ILL, LEAVE], ..TICK };
    assert_sound("a tick while accounts come and go", space, 1_215, 311);
}

#[test]
fn a_filter_that_lies_or_denies_for_a_while() {
    let space = Space { changes: &[FAIL, LIE, TRY_AGAIN], ..TICK };
    assert_sound("a tick while a filter lies", space, 1_255, 1_395);
    let space = Space { changes: &[FAIL, DENY, TRY_AGAIN], ..TICK };
    assert_sound("a tick while a filter denies the pack", space, 1_219, 1_142);
}

#[test]
fn filters_that_are_applied_after_paging() {
    let space = Space { changes: &[FAIL, PAGE_FIRST, TRY_AGAIN], ..TICK };
    assert_sound("a tick that pages first", space, 1_291, 1_296);
    let space = Space { changes: &[PAGE_ACCOUNTS_FIRST, FAIL, RECOVER], ..TICK };
    assert_sound("a tick that pages accounts first", space, 501, 172);
}

#[test]
fn two_ticks() {
    let space = Space { runs: 2, changes: &[FAIL, BACK], switches: 1, ..TICK };
    assert_sound("two ticks", space, 5_156, 3_945);
}

#[test]
#[ignore = "takes minutes: `make soak`"]
fn two_ticks_two_changes_and_a_fault() {
    let space = Space { runs: 2, changes: &[FAIL, BACK], faults: 1, replies: true, switches: 1, ..TICK };
    assert_sound("two ticks, two changes, a crash or a lost reply", space, 192_127, 40_595);
}

#[test]
fn a_tick_beside_a_whole_look() {
    let runners = &[Runner::Schedule, Runner::Person];
    let space = Space { runs: 2, runners, changes: &[FAIL, JOIN], switches: 1, ..TICK };
    assert_sound("a tick beside a whole look", space, 5_418, 8_260);
}

#[test]
#[ignore = "takes minutes: `make soak`"]
fn a_tick_beside_a_whole_look_two_changes_and_a_crash() {
    let runners = &[Runner::Schedule, Runner::Person];
    let space = Space { runs: 2, runners, changes: &[FAIL, JOIN], faults: 1, switches: 1, ..TICK };
    assert_sound("a tick beside a whole look, two changes, a crash", space, 89_844, 39_458);
}

const CATCHES_UP: Space = Space {
    runs: 2,
    runners: &[Runner::Person, Runner::Schedule],
    before: Some(JOIN),
    changes: &[FAIL],
    ..TICK
};

/// A whole look loses its claim to a tick that has recorded nothing yet: what it has read until then is older.
#[tokio::test(start_paused = true)]
async fn a_whole_look_that_catches_up_records_nothing_older() {
    let mut sim = Sim::new(CATCHES_UP, &Begin::of(CATCHES_UP));
    let (whole, tick) = (0, 1);
    sim.go_on_until(whole, Kind::Claim);
    sim.apply(Choice::Change);
    sim.go_on_until(tick, Kind::Record);
    sim.apply(Choice::Step(whole));
    sim.go_on_until(whole, Kind::Claim);
    sim.apply(Choice::Step(tick));
    while let Some(choice) = sim.choices().first() {
        sim.apply(*choice);
    }
    assert_eq!(sim.verdict(), Vec::<String>::new());
}

#[test]
#[ignore = "takes minutes: `make soak`"]
fn a_whole_look_that_catches_up_with_a_tick() {
    let space = Space { switches: 3, ..CATCHES_UP };
    assert_sound("a whole look that catches up with a tick", space, 63_284, 33_783);
}

#[test]
fn a_tick_with_a_whole_look_that_is_due() {
    let space = Space { due: true, changes: &[FAIL, JOIN], faults: 1, replies: true, ..TICK };
    assert_sound("a tick with a whole look that is due", space, 7_535, 1_882);
}

#[test]
fn absence_taken_for_recovery_is_caught() {
    caught(
        Mutant::AbsenceTakenForRecovery,
        Space { changes: &[FAIL, TRY_AGAIN], runs: 2, switches: 1, ..TICK },
    );
}

#[test]
fn a_quick_fingerprint_kept_at_the_claim_is_caught() {
    caught(Mutant::UnwellKeptAtTheClaim, Space { changes: &[FAIL, BACK], faults: 1, ..TICK });
}

#[test]
fn comparing_where_the_head_owes_is_caught() {
    caught(Mutant::ComparedWhereItOwes, Space { changes: &[FAIL], faults: 1, ..TICK });
}

#[test]
fn an_incomplete_look_that_counts_as_a_whole_one_is_caught() {
    caught(Mutant::WholeAtOfAnIncompleteLook, Space { changes: &[JOIN, FAIL], ..TICK });
}
