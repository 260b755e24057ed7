//! All schedules of overlapping runs: what may come next is [`Sim`]'s to say, and everything that may is tried.
//!
//! Two schedules that leave the outside and every run's past alike go on alike: the search follows one of them, and
//! counts both.

use std::collections::HashMap;

use crate::protocol::direct::REGION;
use crate::protocol::mutants::Mutant;
use crate::protocol::scenario::A;
use crate::protocol::schedules::{Begin, Choice, Runner, Sim, Space};
use crate::protocol::spaces;
use crate::world::World;
use crate::world::packs::account;

pub(super) const FAIL: fn(&World) = |world| {
    world.fail(REGION, A, &account(1), "UPDATE_FAILED", "Code", "it broke");
};
const FAIL_OTHERWISE: fn(&World) = |world| {
    world.fail(REGION, A, &account(1), "UPDATE_FAILED", "Other", "it broke in another way");
};
/// As it was before: the fingerprint is the first one again.
pub(super) const BACK: fn(&World) = |world| {
    world.set_status(REGION, A, &account(1), "CREATE_SUCCESSFUL");
};
const MOVE: fn(&World) = |world| {
    world.leave(REGION, A, &account(2)).join(REGION, A, &account(3), "CREATE_SUCCESSFUL");
};
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
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let runtime = runtime.unwrap();
        let _context = runtime.enter();
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
    replies: false,
    refusals: false,
    switches: usize::MAX,
    baseline: true,
    runners: &[Runner::Person],
    large: false,
    due: true,
};

pub(super) fn assert_sound(name: &str, space: Space, schedules: u128, states: usize) {
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
    assert_sound("two runs, a change", TWO, 697_367, 1_252);
}

#[test]
fn two_runs_with_one_switch_a_change_and_a_fault() {
    let space = Space { faults: 1, replies: true, switches: 1, ..TWO };
    assert_sound("two runs, one switch, a change, a crash or a lost reply", space, 1_032, 2_098);
}

#[test]
#[ignore = "takes minutes: `make soak`"]
fn two_runs_two_changes_and_a_fault() {
    let space = Space { changes: &[FAIL, BACK], faults: 1, replies: true, ..TWO };
    assert_sound("two runs, two changes, a crash or a lost reply", space, 263_392_367, 34_952);
}

#[test]
fn two_first_runs_with_one_switch_a_change_and_a_crash() {
    let space = Space { changes: &[MOVE], faults: 1, baseline: false, switches: 1, ..TWO };
    assert_sound("two first runs, one switch, a change, a crash", space, 4_115, 3_109);
}

#[test]
#[ignore = "takes minutes: `make soak`"]
fn two_first_runs_a_change_and_a_fault() {
    let space = Space { changes: &[MOVE], faults: 1, replies: true, baseline: false, ..TWO };
    assert_sound("two first runs, a change, a crash or a lost reply", space, 144_888_218, 38_172);
}

#[test]
fn three_runs_with_one_switch_and_a_change() {
    let space = Space { runs: 3, changes: &[FAIL], switches: 1, ..TWO };
    assert_sound("three runs, one switch, a change", space, 100, 602);
}

#[test]
#[ignore = "takes minutes: `make soak`"]
fn three_runs_with_one_switch_two_changes_and_a_crash() {
    let space = Space { runs: 3, changes: &[FAIL, BACK], faults: 1, switches: 1, ..TWO };
    assert_sound("three runs, one switch, two changes, a crash", space, 58_988, 28_970);
}

#[test]
#[ignore = "takes minutes: `make soak`"]
fn three_runs_with_two_switches_a_change_and_a_crash() {
    let space = Space { runs: 3, changes: &[FAIL], faults: 1, switches: 2, ..TWO };
    let (schedules, search) = Search::over(space);
    assert!(search.broken.is_empty(), "{} broken: {:?}", search.broken.len(), search.broken.first());
    println!("three runs, two switches, a change, a crash: {schedules} schedules");
}

/// The first schedule that shows what is wrong with a mutant.
pub(super) fn caught(mutant: Mutant, space: Space) {
    let (_, search) = Search::over(Space { mutant, ..space });
    let (schedule, broken) = search.broken.first().expect("the search must find what this mutant breaks");
    println!("{mutant:?}, after {} states: {schedule:?}: {broken:?}", search.known.len());
}

/// A run that is overtaken by one that saw something newer.
const OVERTAKEN: Space = Space { changes: &[FAIL, FAIL_OTHERWISE], switches: 2, ..TWO };

const THREE: Space = Space { runs: 3, changes: &[FAIL, BACK], faults: 1, switches: 2, ..TWO };

#[test]
fn writes_that_are_not_fenced_are_caught() {
    caught(Mutant::WritesNotFenced, OVERTAKEN);
}

#[test]
fn a_fingerprint_kept_at_the_claim_is_caught() {
    caught(Mutant::FingerprintKeptAtTheClaim, Space { runs: 2, ..THREE });
}

#[test]
fn announcing_only_own_records_is_caught() {
    caught(Mutant::OnlyOwnRecordsAnnounced, THREE);
}

#[test]
fn a_mark_moved_before_the_announcement_is_caught() {
    caught(Mutant::MarkMovedBeforeTheAnnouncement, THREE);
}

#[test]
fn a_claim_without_its_condition_is_caught() {
    caught(Mutant::ClaimWithoutCondition, OVERTAKEN);
}

#[test]
fn observing_before_loading_is_caught() {
    caught(Mutant::ObserveBeforeLoad, THREE);
}

#[test]
fn marks_as_they_were_loaded_are_caught() {
    caught(Mutant::MarksAsLoaded, Space { baseline: false, runs: 2, ..THREE });
}

#[test]
fn a_mark_that_is_set_back_is_caught() {
    caught(Mutant::MarkSetBack, Space { runs: 2, ..THREE });
}

#[test]
fn a_baseline_decided_by_a_mark_is_caught() {
    caught(Mutant::BaselineByMark, Space { baseline: false, runs: 2, ..THREE });
}

/// A run of which an effect is not applied, or that dies.
const REFUSED: Space = Space { runs: 1, faults: 1, refusals: true, ..TWO };

#[test]
fn a_mark_beyond_a_record_that_may_not_be_there_is_caught() {
    caught(Mutant::BeyondAnUnknownRecord, REFUSED);
}

#[test]
fn one_write_for_both_marks_is_caught() {
    caught(Mutant::OneWriteForBothMarks, REFUSED);
}

#[test]
fn a_fingerprint_after_one_topics_success_is_caught() {
    caught(Mutant::OneTopicIsEnough, REFUSED);
}

const LEAVE: fn(&World) = |world| {
    world.leave(REGION, A, &account(1));
};
const JOIN_ILL: fn(&World) = |world| {
    world.join(REGION, A, &account(1), "CREATE_FAILED");
};

#[test]
fn a_confirmation_after_the_claim_is_caught() {
    let space = Space { before: Some(LEAVE), changes: &[JOIN_ILL, FAIL_OTHERWISE], switches: 2, ..TWO };
    caught(Mutant::ConfirmationAfterTheClaim, space);
}

#[test]
fn a_notice_that_is_not_the_last_of_its_epoch_is_caught() {
    caught(Mutant::NoticeNotLast, Space { baseline: false, ..REFUSED });
}

#[test]
fn a_target_that_is_not_told_since_it_was_claimed_again_is_caught() {
    caught(Mutant::DroppedSinceClaimedAgain, Space { faults: 1, switches: 2, ..TWO });
}

#[test]
fn a_notice_that_is_not_written_with_its_baseline_is_caught() {
    caught(Mutant::NoticeNotWithItsBaseline, Space { baseline: false, runs: 2, ..THREE });
}
