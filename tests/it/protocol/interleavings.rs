//! All schedules of overlapping runs: what may come next is [`Sim`]'s to say, and everything that may is tried.
//!
//! Two schedules that leave the outside and every run's past alike go on alike: the search follows one of them, and
//! counts both.

use std::collections::HashMap;

use crate::protocol::direct::REGION;
use crate::protocol::gate::{Kind, Outcome};
use crate::protocol::mutants::Mutant;
use crate::protocol::scenario::{A, B};
use crate::protocol::schedules::{Begin, Choice, Runner, Sim, Space};
use crate::protocol::spaces;
use crate::world::World;
use crate::world::packs::account;

pub(super) const FAIL: fn(&World) = |world| {
    world.fail(REGION, A, &account(1), "UPDATE_FAILED", "Code", "it broke");
};
pub(super) const FAIL_OTHERWISE: fn(&World) = |world| {
    world.fail(REGION, A, &account(1), "UPDATE_FAILED", "Other", "it broke in another way");
};
/// As it was before: the fingerprint is the first one again.
pub(super) const BACK: fn(&World) = |world| {
    world.set_status(REGION, A, &account(1), "CREATE_SUCCESSFUL");
};
const MOVE: fn(&World) = |world| {
    world.leave(REGION, A, &account(2)).join(REGION, A, &account(3), "CREATE_SUCCESSFUL");
};
const LEAVE: fn(&World) = |world| {
    world.leave(REGION, A, &account(2));
};
const NOTHING: fn(&World) = |_| {};
const DELETE: fn(&World) = |world| {
    assert!(world.delete_pack(REGION, A));
};
const RETURN: fn(&World) = |world| {
    world.add_pack(REGION, A, 2);
};
const DEPLOY_B: fn(&World) = |world| {
    world.add_pack(REGION, B, 1);
};
const FAIL_ALL: fn(&World) = |world| {
    FAIL(world);
    world.fail(REGION, B, &account(1), "CREATE_FAILED", "Code", "it broke");
};

/// A write that nobody answers: applied, or applied later, or never.
pub(super) const LOST: &[Outcome] = &[Outcome::ReplyLost, Outcome::Lands];

/// A search over one space.
struct Search {
    space: Space,
    begin: Begin,
    known: HashMap<u64, u128>,
    broken: Vec<(Vec<Choice>, Vec<String>)>,
    /// Whether one broken promise is enough.
    impatient: bool,
}

impl Search {
    fn over(space: Space) -> (u128, Self) {
        let impatient = space.mutant != Mutant::Sound;
        let begin = Begin::of(space);
        let mut search = Self { space, begin, known: HashMap::new(), broken: Vec::new(), impatient };
        let schedules = search.follow(&mut Vec::new(), None);
        (schedules, search)
    }

    /// How many schedules begin like this; each is judged.
    fn follow(&mut self, past: &mut Vec<Choice>, sim: Option<Sim>) -> u128 {
        let sim = sim.unwrap_or_else(|| {
            let mut sim = Sim::new(self.space, &self.begin);
            past.iter().for_each(|choice| sim.apply(*choice));
            sim
        });
        let key = sim.signature();
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        let choices = sim.choices();
        let mut schedules = 0;
        if choices.is_empty() {
            schedules = 1;
            let broken = sim.verdict();
            if !broken.is_empty() {
                self.broken.push((past.clone(), broken));
            }
        } else {
            let mut first = Some(sim);
            for choice in choices {
                if self.impatient && !self.broken.is_empty() {
                    break;
                }
                if let Some(sim) = &mut first {
                    sim.apply(choice);
                }
                past.push(choice);
                schedules += self.follow(past, first.take());
                past.pop();
            }
        }
        self.known.insert(key, schedules);
        schedules
    }
}

pub(super) const TWO: Space = Space {
    mutant: Mutant::Sound,
    runs: 2,
    before: None,
    changes: &[FAIL],
    faults: 0,
    meets: &[],
    switches: usize::MAX,
    baseline: true,
    runners: &[Runner::Person],
    large: false,
    due: true,
    clocks: &[],
};

pub(super) fn assert_sound(name: &str, space: Space) {
    let started = std::time::Instant::now();
    let (found, search) = Search::over(space);
    println!("{name}: {found} schedules, {} states, {:?}", search.known.len(), started.elapsed());
    assert!(search.broken.is_empty(), "{} broken: {:?}", search.broken.len(), search.broken.first());
    spaces::tell(&format!("schedules of {name}"), usize::try_from(found).unwrap());
    spaces::tell(&format!("distinct states of {name}"), search.known.len());
}

#[test]
fn two_runs_with_two_switches_and_a_change() {
    assert_sound("two runs, two switches, a change", Space { switches: 2, ..TWO });
}

#[test]
#[ignore = "takes minutes: `make soak`"]
fn two_runs_and_a_change() {
    assert_sound("two runs, a change", TWO);
}

#[test]
fn two_runs_one_after_the_other_and_a_fault() {
    let space = Space { before: Some(FAIL), changes: &[], faults: 1, meets: LOST, switches: 0, ..TWO };
    assert_sound("two runs, no switch, a crash or a lost or late write", space);
}

#[test]
#[ignore = "takes minutes: `make soak`"]
fn two_runs_with_one_switch_and_a_fault() {
    let space = Space { before: Some(FAIL), changes: &[], faults: 1, meets: LOST, switches: 1, ..TWO };
    assert_sound("two runs, one switch, a crash or a lost or late write", space);
}

#[test]
#[ignore = "takes minutes: `make soak`"]
fn two_runs_with_one_switch_a_change_and_a_fault() {
    let space = Space { faults: 1, meets: LOST, switches: 1, ..TWO };
    assert_sound("two runs, one switch, a change, a crash or a lost or late write", space);
}

#[test]
#[ignore = "takes minutes: `make soak`"]
fn two_runs_with_two_switches_two_changes_and_a_fault() {
    let space = Space { changes: &[FAIL, BACK], faults: 1, meets: LOST, switches: 2, ..TWO };
    assert_sound("two runs, two switches, two changes, a crash or a lost or late write", space);
}

#[test]
fn two_first_runs_with_one_switch_a_change_and_a_crash() {
    let space = Space { changes: &[MOVE], faults: 1, baseline: false, switches: 1, ..TWO };
    assert_sound("two first runs, one switch, a change, a crash", space);
}

#[test]
#[ignore = "takes minutes: `make soak`"]
fn two_first_runs_with_two_switches_a_change_and_a_fault() {
    let space = Space { changes: &[MOVE], faults: 1, meets: LOST, baseline: false, switches: 2, ..TWO };
    assert_sound("two first runs, two switches, a change, a crash or a lost or late write", space);
}

#[test]
fn three_runs_with_one_switch_and_a_change() {
    let space = Space { runs: 3, switches: 1, ..TWO };
    assert_sound("three runs, one switch, a change", space);
}

#[test]
#[ignore = "takes minutes: `make soak`"]
fn three_runs_with_one_switch_two_changes_and_a_crash() {
    let space = Space { runs: 3, changes: &[FAIL, BACK], faults: 1, switches: 1, ..TWO };
    assert_sound("three runs, one switch, two changes, a crash", space);
}

/// An account leaves after the first run has read it, and the second run records that: it has no row any more.
#[test]
fn a_rebase_brings_nobody_back_who_has_left() {
    let space = Space { before: Some(FAIL), changes: &[LEAVE], ..TWO };
    let mut sim = Sim::new(space, &Begin::of(space));
    sim.go_on_until(0, Kind::Commit);
    sim.apply(Choice::Change);
    sim.go_on_until(1, Kind::Commit);
    sim.apply(Choice::Step(1));
    while let Some(choice) = sim.choices().first() {
        sim.apply(*choice);
    }
    assert_eq!(sim.verdict(), Vec::<String>::new());
}

/// Reads that see only a part of what another run has just committed.
#[test]
fn two_runs_with_a_torn_read() {
    let space = Space { changes: &[FAIL], faults: 1, meets: &[Outcome::Torn], switches: 1, ..TWO };
    assert_sound("two runs, one switch, a change, a torn read", space);
}

/// A run sleeps until another one has its lease, by a clock that is a minute ahead or behind.
#[test]
fn two_runs_with_a_lease_that_is_over() {
    let space = Space { before: Some(FAIL), changes: &[NOTHING], clocks: &[0, 60], switches: 1, ..TWO };
    assert_sound("two runs, one switch, a lease that is over", space);
}

#[test]
#[ignore = "takes minutes: `make soak`"]
fn two_runs_with_a_change_and_a_lease_that_is_over() {
    let space = Space { changes: &[FAIL, NOTHING], clocks: &[0, 60], switches: 2, ..TWO };
    assert_sound("two runs, two switches, a change, a lease that is over", space);
}

#[test]
fn two_runs_while_the_pack_is_deleted_and_comes_back() {
    let space = Space { changes: &[DELETE, RETURN], runners: &[Runner::Schedule], switches: 1, ..TWO };
    assert_sound("two runs, one switch, a deletion and a return", space);
}

#[test]
fn two_runs_of_which_one_has_no_topic_for_machines() {
    let runners = &[Runner::Deaf, Runner::Schedule];
    let space = Space { runs: 3, runners, switches: 1, ..TWO };
    assert_sound("three runs, one switch, a change, an events topic that comes and goes", space);
}

#[test]
fn two_runs_of_one_pack_each() {
    let runners = &[Runner::Of(A), Runner::Of(B)];
    let space = Space { before: Some(DEPLOY_B), changes: &[FAIL_ALL], runners, switches: 1, ..TWO };
    assert_sound("two runs of one pack each, one switch, a change", space);
}

/// The first schedule that shows what is wrong with a mutant.
pub(super) fn caught(mutant: Mutant, space: Space) {
    let (_, search) = Search::over(Space { mutant, ..space });
    let (schedule, broken) = search.broken.first().expect("the search must find what this mutant breaks");
    println!("{mutant:?}, after {} states: {schedule:?}: {broken:?}", search.known.len());
}
