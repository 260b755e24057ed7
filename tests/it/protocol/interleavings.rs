//! All schedules of overlapping runs: what may come next is [`Sim`]'s to say, and everything that may is tried.
//!
//! Two schedules that leave the outside and every run's past alike go on alike: the search follows one of them, and
//! counts both.

use std::collections::HashMap;

use crate::protocol::direct::REGION;
use crate::protocol::mutants::Mutant;
use crate::protocol::scenario::A;
use crate::protocol::schedules::{Choice, Sim, Space};
use crate::protocol::spaces;
use crate::world::World;
use crate::world::packs::account;

const FAIL: fn(&World) = |world| {
    world.fail(REGION, A, &account(1), "UPDATE_FAILED", "Code", "it broke");
};
/// As it was before: the fingerprint is the first one again.
const BACK: fn(&World) = |world| {
    world.set_status(REGION, A, &account(1), "CREATE_SUCCESSFUL");
};
const MOVE: fn(&World) = |world| {
    world.leave(REGION, A, &account(2)).join(REGION, A, &account(3), "CREATE_SUCCESSFUL");
};
/// A search over one space.
struct Search {
    space: Space,
    known: HashMap<u64, u128>,
    broken: Vec<(Vec<Choice>, Vec<String>)>,
    /// Whether one broken promise is enough.
    impatient: bool,
}

impl Search {
    fn over(space: Space) -> (u128, Self) {
        let impatient = space.mutant != Mutant::Sound;
        let mut search = Self { space, known: HashMap::new(), broken: Vec::new(), impatient };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let runtime = runtime.unwrap();
        let _context = runtime.enter();
        let schedules = search.follow(&mut Vec::new(), Some(Sim::new(space)));
        (schedules, search)
    }

    /// How many schedules begin like this; each is judged.
    fn follow(&mut self, past: &mut Vec<Choice>, sim: Option<Sim>) -> u128 {
        let sim = sim.unwrap_or_else(|| {
            let mut sim = Sim::new(self.space);
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

const TWO: Space = Space {
    mutant: Mutant::Sound,
    runs: 2,
    changes: &[FAIL],
    faults: 0,
    replies: false,
    switches: usize::MAX,
    baseline: true,
};

fn assert_sound(name: &str, space: Space, schedules: u128, states: usize) {
    let started = std::time::Instant::now();
    let (found, search) = Search::over(space);
    println!("{name}: {found} schedules, {} states, {:?}", search.known.len(), started.elapsed());
    assert!(search.broken.is_empty(), "{} broken: {:?}", search.broken.len(), search.broken.first());
    assert_eq!((found, search.known.len()), (schedules, states), "of {name}");
    spaces::tell(&format!("schedules of {name}"), usize::try_from(found).unwrap());
    spaces::tell(&format!("distinct states of {name}"), states);
}

#[test]
fn two_runs_and_a_change() {
    assert_sound("two runs, a change", TWO, 1_683, 152);
}

#[test]
fn two_runs_two_changes_and_a_fault() {
    let space = Space { changes: &[FAIL, BACK], faults: 1, replies: true, ..TWO };
    assert_sound("two runs, two changes, a crash or a lost reply", space, 274_417, 1_970);
}

#[test]
fn two_first_runs_a_change_and_a_fault() {
    let space = Space { changes: &[MOVE], faults: 1, replies: true, baseline: false, ..TWO };
    assert_sound("two first runs, a change, a crash or a lost reply", space, 40_568, 1_977);
}

#[test]
fn three_runs_and_a_change() {
    let space = Space { runs: 3, changes: &[FAIL], ..TWO };
    assert_sound("three runs, a change", space, 13_660_803, 2_418);
}

#[test]
fn three_runs_with_one_switch_two_changes_and_a_crash() {
    let space = Space { runs: 3, changes: &[FAIL, BACK], faults: 1, switches: 1, ..TWO };
    assert_sound("three runs, one switch, two changes, a crash", space, 13_225, 7_223);
}

#[test]
#[ignore = "takes minutes: `make soak`"]
fn three_runs_with_three_switches_a_change_and_a_crash() {
    let space = Space { runs: 3, changes: &[FAIL], faults: 1, switches: 3, ..TWO };
    let (schedules, search) = Search::over(space);
    assert!(search.broken.is_empty(), "{} broken: {:?}", search.broken.len(), search.broken.first());
    println!("three runs, three switches, a change, a crash: {schedules} schedules");
}

/// The first schedule that shows what is wrong with a mutant.
fn caught(mutant: Mutant, space: Space) {
    let (_, search) = Search::over(Space { mutant, ..space });
    let (schedule, broken) = search.broken.first().expect("the search must find what this mutant breaks");
    println!("{mutant:?}, after {} states: {schedule:?}: {broken:?}", search.known.len());
}

const THREE: Space = Space { runs: 3, changes: &[FAIL, BACK], faults: 1, ..TWO };

#[test]
fn writes_that_are_not_fenced_are_caught() {
    caught(Mutant::WritesNotFenced, THREE);
}

#[test]
fn a_fingerprint_kept_at_the_claim_is_caught() {
    caught(Mutant::FingerprintKeptAtTheClaim, Space { runs: 2, ..THREE });
}

#[test]
fn announcing_only_own_transitions_is_caught() {
    caught(Mutant::OnlyOwnTransitionsAnnounced, THREE);
}

#[test]
fn a_commit_before_the_announcement_is_caught() {
    caught(Mutant::CommitBeforeAnnounce, THREE);
}

#[test]
fn a_claim_without_its_condition_is_caught() {
    caught(Mutant::ClaimWithoutCondition, THREE);
}

#[test]
fn observing_before_loading_is_caught() {
    caught(Mutant::ObserveBeforeLoad, THREE);
}
