//! What the runs of a history did at the topics and what of it they stored, message by message: a copy is excused by
//! what went wrong with the message that it repeats, and by nothing else. Of runs that overlap only this is known: what
//! was told before a run claimed the target, that run does not tell.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use packwatch::model::{AccountId, Target};
use packwatch::notify::record_id;
use packwatch::state::heads::Mark;
use packwatch::state::log::{Position, Record};
use serde_json::{Value, json};

use crate::protocol::digests::{Digest, judge};
use crate::protocol::direct::target_in;
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
    /// What a run told though its claim said that it was told: nothing excuses that, however many runs there are.
    pub(crate) again: Vec<String>,
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
    /// What people and machines were told already when the run claimed a target.
    marks: BTreeMap<Target, (Position, Position)>,
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
    /// Of which of its pieces copies are excused already.
    excused: BTreeSet<usize>,
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
        let mut run = self.run.borrow_mut();
        // A target that is claimed twice in a run is told again what could not be stored.
        self.told.borrow_mut().excused.extend(run.excuse(false, |of| of == target));
        if let Some(head) = run.store.as_ref().and_then(|store| store.heads().remove(target)) {
            run.marks.insert(target.clone(), (head.people, head.machines));
        }
        self.told.borrow_mut().notify.insert((target.clone(), epoch), run.notify);
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
        self.told.borrow_mut().again.extend(run.told_before(mark, &document));
        run.accepted.push(Accepted { mark, document, answered: false, excused: BTreeSet::new() });
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
        let mut run = self.run.take();
        self.told.borrow_mut().excused.extend(run.excuse(died, |_| true));
    }
}

impl Run {
    /// What was accepted of these targets, and has a reason to come again: no mark says that it was told.
    fn excuse(&mut self, died: bool, is_asked: impl Fn(&Target) -> bool) -> Vec<(Mark, String)> {
        let mut excuses = Vec::new();
        let Some(store) = &self.store else { return excuses };
        for Accepted { mark, document, answered, excused } in &mut self.accepted {
            let has_trouble = self.troubles.get(mark).is_some_and(|troubles| *troubles > 0);
            let pieces = pieces(&serde_json::from_str(document).unwrap());
            for (index, (target, piece)) in pieces.into_iter().enumerate() {
                let is_unstored = self.unstored.contains(&(*mark, target.clone()));
                let is_excused = died || !*answered || has_trouble || is_unstored;
                if is_excused
                    && is_asked(&target)
                    && !is_covered(store, *mark, &target, &piece)
                    && excused.insert(index)
                {
                    excuses.push((*mark, piece.to_string()));
                }
            }
        }
        excuses
    }

    /// What of a message was told before the run claimed the target.
    fn told_before(&self, mark: Mark, document: &str) -> Vec<String> {
        let mut again = Vec::new();
        let Some(store) = &self.store else { return again };
        for (target, piece) in pieces(&serde_json::from_str(document).unwrap()) {
            let Some((people, machines)) = self.marks.get(&target) else { continue };
            let told = if mark == Mark::People { people } else { machines };
            let records = named(store, &target, &piece).into_iter();
            let records = records.filter(|record| record.position() <= *told);
            again.extend(records.map(|record| format!("told again, {mark:?}: {target}, {record:?}")));
        }
        again
    }
}

/// A message, target by target.
fn pieces(document: &Value) -> Vec<(Target, Value)> {
    let target = |of: &Value| {
        let name = |field: &str| of[field].as_str().unwrap();
        target_in(name("Region"), name("OrganizationConformancePackName"))
    };
    let Some(packs) = document["Packs"].as_array() else { return vec![(target(document), document.clone())] };
    let piece = |pack: &Value| {
        let named = pack["Transitions"].as_array().unwrap().len() + usize::from(pack["Id"].is_string());
        (target(pack), json!({"Counts": {"Named": named}, "Packs": [pack]}))
    };
    packs.iter().map(piece).collect()
}

/// The records that a piece of a message names.
fn named(store: &MemoryStore, target: &Target, piece: &Value) -> Vec<Record> {
    let Some(head) = store.heads().remove(target) else { return Vec::new() };
    let (text, mut log) = (piece.to_string(), store.log_of(target));
    log.retain(|record| text.contains(&record_id(target, &head.born, record)));
    log
}

/// Whether a mark says that all of it was told.
fn is_covered(store: &MemoryStore, mark: Mark, target: &Target, piece: &Value) -> bool {
    let Some(head) = store.heads().remove(target) else { return false };
    let to = if mark == Mark::People { head.people } else { head.machines };
    named(store, target, piece).iter().all(|record| record.position() <= to)
}
