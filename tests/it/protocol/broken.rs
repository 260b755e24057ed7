//! Each broken protocol dies by name: the smallest space that shows what is wrong with it.
//!
//! Rules that have no seam at a port, or whose fault costs calls and no message, have no mutant here: docs/failures.md
//! names the test in which each of them dies.

use crate::protocol::direct::REGION;
use crate::protocol::gate::Outcome;
use crate::protocol::interleavings::{BACK, FAIL, FAIL_OTHERWISE, TWO, caught};
use crate::protocol::mutants::Mutant;
use crate::protocol::scenario::A;
use crate::protocol::schedules::Space;
use crate::world::World;
use crate::world::packs::account;

/// A run that is overtaken by one that saw something newer.
const OVERTAKEN: Space = Space { changes: &[FAIL, FAIL_OTHERWISE], switches: 2, ..TWO };
/// One run, which dies, and is followed by another.
const KILLED: Space = Space { changes: &[FAIL], faults: 1, switches: 1, ..TWO };
/// One run, of which a read sees only a part of the last commit.
const TORN: Space = Space { runs: 1, faults: 1, meets: &[Outcome::Torn], ..TWO };

const FAIL_BOTH: fn(&World) = |world| {
    FAIL(world);
    world.fail(REGION, A, &account(2), "UPDATE_FAILED", "Code", "it broke");
};

#[test]
fn a_commit_without_its_condition_is_caught() {
    caught(Mutant::CommitWithoutCondition, OVERTAKEN);
}

#[test]
fn observing_before_loading_is_caught() {
    caught(Mutant::ObserveBeforeLoad, OVERTAKEN);
}

#[test]
fn fingerprints_that_a_commit_keeps_are_caught() {
    caught(Mutant::FingerprintsKept, Space { changes: &[FAIL, BACK], switches: 0, ..TWO });
}

#[test]
fn a_rebase_that_leaves_nothing_out_is_caught() {
    caught(Mutant::RebaseLeavesNothingOut, OVERTAKEN);
}

#[test]
fn a_torn_snapshot_that_is_not_noticed_is_caught() {
    let space = Space { runs: 2, changes: &[FAIL, FAIL_OTHERWISE], switches: 0, ..TORN };
    caught(Mutant::TornSnapshotTaken, space);
}

#[test]
fn a_gap_that_is_passed_over_is_caught() {
    caught(Mutant::GapPassedOver, Space { before: Some(FAIL), baseline: false, ..TORN });
}

#[test]
fn an_end_that_is_passed_over_is_caught() {
    caught(Mutant::EndPassedOver, Space { changes: &[FAIL], ..TORN });
}

#[test]
fn cursors_without_their_condition_are_caught() {
    caught(Mutant::CursorsWithoutCondition, Space { changes: &[FAIL, BACK], switches: 3, ..TWO });
}

#[test]
fn a_lease_that_is_ignored_is_caught() {
    caught(Mutant::LeaseIgnored, Space { changes: &[FAIL], switches: 1, ..TWO });
}

#[test]
fn a_lease_that_is_given_back_without_looking_again_is_caught() {
    caught(Mutant::ReleasedWithoutLooking, OVERTAKEN);
}

#[test]
fn events_that_begin_late_are_caught() {
    let space = Space { baseline: false, faults: 1, meets: &[Outcome::Throttled], switches: 1, ..TWO };
    caught(Mutant::EventsBeginLate, space);
}

#[test]
fn a_cursor_that_is_moved_before_the_message_is_sent_is_caught() {
    caught(Mutant::CursorBeforePublish, KILLED);
}

#[test]
fn a_cursor_that_is_moved_beyond_what_was_sent_is_caught() {
    caught(Mutant::CursorBeyondWhatWasSent, OVERTAKEN);
}

#[test]
fn a_full_scan_that_did_not_see_everybody_is_caught() {
    caught(Mutant::FullScanAtOfAnyCommit, super::quick_scans::OF_SOME);
}

#[test]
fn a_digest_that_is_sent_before_it_is_stored_is_caught() {
    caught(Mutant::SentBeforeStored, KILLED);
}

#[test]
fn a_digest_under_way_that_is_ignored_is_caught() {
    caught(Mutant::DigestUnderWayIgnored, Space { changes: &[FAIL, FAIL_BOTH], ..KILLED });
}

#[test]
fn absence_that_is_taken_for_recovery_is_caught() {
    caught(Mutant::AbsenceTakenForRecovery, super::quick_scans::TWO_OF_SOME);
}

#[test]
fn fingerprints_that_a_quick_scans_commit_keeps_are_caught() {
    caught(Mutant::FingerprintsKept, Space { changes: &[FAIL, BACK], ..super::quick_scans::TWO_OF_SOME });
}
