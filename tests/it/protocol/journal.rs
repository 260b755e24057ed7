//! What the runs of a history did at the topics and what of it they stored, message by message: a copy is excused by
//! what went wrong with the message that it repeats, and by nothing else. Runs that do not overlap, that is.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use packwatch::model::{AccountId, Target};
use packwatch::notify::record_id;
use packwatch::state::heads::Mark;
use packwatch::state::log::Position;
use serde_json::{Value, json};

use crate::protocol::digests::{Digest, judge};
use crate::protocol::memory::MemoryStore;

/// The names of `PACKWATCH_NOTIFY`.
pub(crate) type Names = &'static [&'static str];

/// What became of it all.
#[derive(Debug, Clone, Default, Hash)]
pub(crate) struct Told {
    /// What SNS accepted and no mark was moved behind, for a reason.
    pub(crate) excused: Vec<(Mark, String)>,
    pub(crate) digests: Vec<Digest>,
    /// What is wrong with digests.
    pub(crate) wrong: Vec<String>,
    /// What people wanted to be told when an epoch began.
    pub(crate) notify: BTreeMap<(Target, u64), Names>,
    /// Up to where a function without a topic for machines moved their mark.
    pub(crate) passed_over: BTreeMap<Target, Position>,
    /// The accounts that the settings left out for a while.
    pub(crate) excluded: BTreeSet<AccountId>,
}

/// What the run under way did.
#[derive(Default)]
struct Run {
    store: Option<MemoryStore>,
    notify: Names,
    accepted: Vec<Accepted>,
    /// Publishes that were begun and did not end well.
    troubles: BTreeMap<Mark, usize>,
    /// Marks that were to be moved, and no answer said that they were.
    unstored: BTreeSet<(Mark, Target)>,
    /// A transaction whose outcome is not known: a digest may stand for less than the log has.
    unrecorded: usize,
}

struct Accepted {
    mark: Mark,
    document: String,
    answered: bool,
}

#[derive(Default)]
pub(crate) struct Journal {
    run: RefCell<Run>,
    pub(crate) told: RefCell<Told>,
}

impl Journal {
    pub(crate) fn begin(&self, store: &MemoryStore, notify: Names) {
        *self.run.borrow_mut() = Run { store: Some(store.clone()), notify, ..Run::default() };
    }

    pub(crate) fn claims(&self, target: &Target, epoch: u64) {
        let notify = self.run.borrow().notify;
        self.told.borrow_mut().notify.insert((target.clone(), epoch), notify);
    }

    /// A transaction begins: `false`, or is known to be written: `true`.
    pub(crate) fn records(&self, is_known: bool) {
        let unrecorded = &mut self.run.borrow_mut().unrecorded;
        *unrecorded = if is_known { *unrecorded - 1 } else { *unrecorded + 1 };
    }

    /// A publish begins: `false`, or ends well: `true`.
    pub(crate) fn publishes(&self, mark: Mark, is_answered: bool) {
        let mut run = self.run.borrow_mut();
        let troubles = run.troubles.entry(mark).or_default();
        *troubles = if is_answered { *troubles - 1 } else { *troubles + 1 };
    }

    /// SNS takes a message; by which number its answer is known.
    pub(crate) fn accepts(&self, mark: Mark, document: String) -> usize {
        let mut run = self.run.borrow_mut();
        if let (Mark::People, Some(store)) = (mark, &run.store) {
            let (digest, wrong) = judge(&serde_json::from_str(&document).unwrap(), store);
            let mut told = self.told.borrow_mut();
            told.digests.push(digest);
            if run.unrecorded == 0 {
                told.wrong.extend(wrong);
            }
        }
        run.accepted.push(Accepted { mark, document, answered: false });
        run.accepted.len() - 1
    }

    pub(crate) fn answers(&self, accepted: usize) {
        self.run.borrow_mut().accepted[accepted].answered = true;
    }

    /// A mark is to be moved: `false`, or is known to have been: `true`.
    pub(crate) fn advances(&self, mark: Mark, target: &Target, is_known: bool) {
        let unstored = &mut self.run.borrow_mut().unstored;
        let key = (mark, target.clone());
        let _was_there = if is_known { unstored.remove(&key) } else { unstored.insert(key) };
    }

    /// A mark of machines that nobody listens to any more is moved.
    pub(crate) fn passes_over(&self, target: &Target, to: Position) {
        let mut told = self.told.borrow_mut();
        let passed = told.passed_over.entry(target.clone()).or_insert(to);
        *passed = to.max(*passed);
    }

    /// The run is over, or dead.
    pub(crate) fn end(&self, died: bool) {
        let run = self.run.take();
        let Some(store) = &run.store else { return };
        for Accepted { mark, document, answered } in &run.accepted {
            for (target, piece) in pieces(&serde_json::from_str(document).unwrap()) {
                let has_trouble = run.troubles.get(mark).is_some_and(|troubles| *troubles > 0);
                let is_unstored = run.unstored.contains(&(*mark, target.clone()));
                let is_excused = died || !answered || has_trouble || is_unstored;
                if is_excused && !is_covered(store, *mark, &target, &piece) {
                    self.told.borrow_mut().excused.push((*mark, piece.to_string()));
                }
            }
        }
    }
}

/// A message, target by target.
fn pieces(document: &Value) -> Vec<(Target, Value)> {
    let target = |of: &Value| {
        let name = |field: &str| of[field].as_str().unwrap();
        let (region, pack) = (name("Region"), name("OrganizationConformancePackName"));
        Target { region: region.parse().unwrap(), pack: pack.parse().unwrap() }
    };
    let Some(packs) = document["Packs"].as_array() else { return vec![(target(document), document.clone())] };
    let piece = |pack: &Value| {
        let named = pack["Transitions"].as_array().unwrap().len() + usize::from(pack["Id"].is_string());
        (target(pack), json!({"Counts": {"Named": named}, "Packs": [pack]}))
    };
    packs.iter().map(piece).collect()
}

/// Whether a mark says that all of it was told.
fn is_covered(store: &MemoryStore, mark: Mark, target: &Target, piece: &Value) -> bool {
    let Some(head) = store.heads().remove(target) else { return false };
    let to = if mark == Mark::People { head.people_mark() } else { head.machines_mark() };
    let text = piece.to_string();
    let log = store.log_of(target);
    let mut told = log.iter().filter(|record| text.contains(&record_id(target, &head.born, record)));
    told.all(|record| record.position() <= to)
}
