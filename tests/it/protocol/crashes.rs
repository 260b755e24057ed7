//! Every effect of a full history meets every outcome, alone and, in `make soak`, in pairs; after one clean run the promise holds.
//!
//! Many faults leave the same behind. A history is therefore followed run by run, and what two histories have left
//! alike is followed on only once: all pairs are judged, and counted, without running all of them from the start.

use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::protocol::direct::settings;
use crate::protocol::gate::{Gate, Kind, Outcome};
use crate::protocol::journal::Notified;
use crate::protocol::memory::MemoryStore;
use crate::protocol::scenario::{STEPS, Stage};
use crate::protocol::spaces;
use crate::world::messages::Message;

/// Effects of the history when nothing goes wrong.
const EFFECTS: usize = 102;
const SINGLES: usize = 586;

/// The same where the packs are large.
const LARGE_EFFECTS: usize = 134;
const LARGE_SINGLES: usize = 747;

/// The same where news waits for more of it.
const GROUPED_EFFECTS: usize = 94;
const GROUPED_SINGLES: usize = 530;

type Plan = Vec<(usize, Outcome)>;

/// Where a history is between two runs.
#[derive(Clone, Default)]
struct Point {
    step: usize,
    store: MemoryStore,
    messages: Vec<Message>,
    poisoned: BTreeSet<String>,
    /// What the runs told so far, and what of it may come again.
    notified: Notified,
    /// Whether news waits for more of it, until the clean run.
    is_grouped: bool,
}

impl Point {
    fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.step, self.store.digest(), &self.poisoned, &self.notified).hash(&mut hasher);
        for message in &self.messages {
            (&message.topic_arn, &message.message).hash(&mut hasher);
        }
        hasher.finish()
    }

    fn stage(&self, plan: &Plan) -> Stage {
        let gate = Gate::new(plan.iter().copied());
        let mut stage = Stage::new(gate);
        STEPS.iter().take(self.step + 1).for_each(|step| stage.truth.change(step));
        stage.store = self.store.fork();
        stage.truth.world.lock().sns.messages.clone_from(&self.messages);
        stage.gate.poisoned.borrow_mut().clone_from(&self.poisoned);
        stage.gate.journal.notified.borrow_mut().clone_from(&self.notified);
        stage
    }

    /// The next run, disturbed by a plan: where it leads, and its effects.
    async fn run(&self, plan: &Plan) -> (Self, Vec<Kind>) {
        let mut stage = self.stage(plan);
        if self.is_grouped {
            stage.settings = settings(&[("PACKWATCH_GROUP_INTERVAL", "12h")]);
        }
        let _however_it_ended = stage.scheduled_run().await;
        let fired = stage.gate.fired.borrow().clone();
        let met: Plan = fired.iter().map(|(index, _, outcome)| (*index, *outcome)).collect();
        assert_eq!(met, *plan, "every fault of the plan must be met");
        let effects = stage.gate.log.borrow().clone();
        let next = Self {
            step: self.step + 1,
            notified: stage.gate.journal.notified.take(),
            messages: stage.truth.world.messages(),
            poisoned: stage.gate.poisoned.take(),
            store: stage.store,
            is_grouped: self.is_grouped,
        };
        (next, effects)
    }

    /// What one clean run leaves broken, and whether the next one is quiet.
    async fn verdict(&self) -> Vec<String> {
        let stage = self.stage(&Plan::new());
        let mut broken = stage.verdict().await;
        let (count, messages) = (stage.gate.count(), stage.truth.world.messages().len());
        stage.heal().await;
        let after = stage.gate.log.borrow()[count..].to_vec();
        let quiet = after.iter().all(|kind| matches!(kind, Kind::Packs | Kind::Load | Kind::Statuses));
        if !quiet || stage.truth.world.messages().len() != messages {
            broken.push(format!("no quiet run after the clean one: {after:?}"));
        }
        broken
    }
}

/// A search, and what it found.
#[derive(Default)]
struct Search {
    known: HashMap<(u64, usize), usize>,
    broken: Vec<String>,
    /// Whether answers that come too late are tried.
    tries_late: bool,
    /// Effects of the undisturbed history.
    effects: usize,
}

impl Search {
    /// How many histories go on from here with exactly `left` more faults; each is judged.
    async fn follow(&mut self, point: &Point, left: usize, past: &[Plan]) -> usize {
        if point.step == STEPS.len() {
            if left == 0 {
                let broken = point.verdict().await;
                self.broken.extend(broken.into_iter().map(|broken| format!("{past:?}: {broken}")));
            }
            return usize::from(left == 0);
        }
        let key = (point.digest(), left);
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        let (mut histories, mut plans) = (0, vec![Plan::new()]);
        while let Some(plan) = plans.pop() {
            let (next, effects) = point.run(&plan).await;
            let now = [past, std::slice::from_ref(&plan)].concat();
            if now.iter().all(Vec::is_empty) {
                self.effects += effects.len();
            }
            histories += Box::pin(self.follow(&next, left - plan.len(), &now)).await;
            if plan.len() == left {
                continue;
            }
            let first = plan.last().map_or(0, |(index, _)| index + 1);
            for (index, kind) in effects.iter().enumerate().skip(first) {
                // In pairs, what comes late is left to the random histories: the space stays as large as it was.
                let is_tried = |outcome: &Outcome| self.tries_late || *outcome != Outcome::Late;
                let outcomes = Outcome::of(*kind).filter(is_tried);
                plans.extend(outcomes.map(|outcome| [&plan[..], &[(index, outcome)]].concat()));
            }
        }
        self.known.insert(key, histories);
        histories
    }

    fn assert_unbroken(&self) {
        let first = self.broken.iter().take(20).cloned().collect::<Vec<_>>().join("\n");
        assert!(self.broken.is_empty(), "{} broken promises:\n{first}", self.broken.len());
    }
}

#[tokio::test(start_paused = true)]
async fn no_single_fault_loses_or_repeats_anything() {
    let mut search = Search { tries_late: true, ..Search::default() };
    let singles = search.follow(&Point::default(), 1, &[]).await;
    search.assert_unbroken();
    assert_eq!((search.effects, singles), (EFFECTS, SINGLES));
    spaces::tell("effects of the full history", EFFECTS);
    spaces::tell("single faults", singles);
}

#[tokio::test(start_paused = true)]
#[ignore = "takes minutes: `make soak`"]
async fn no_two_faults_lose_or_repeat_anything() {
    let mut search = Search::default();
    let pairs = search.follow(&Point::default(), 2, &[]).await;
    search.assert_unbroken();
    spaces::tell("pairs of faults", pairs);
}

/// Where most scans are quick ones.
#[tokio::test(start_paused = true)]
async fn no_single_fault_of_a_quick_scan_loses_or_repeats_anything() {
    let mut search = Search { tries_late: true, ..Search::default() };
    let begin = Point { store: MemoryStore::of_large_packs(), ..Point::default() };
    let singles = search.follow(&begin, 1, &[]).await;
    search.assert_unbroken();
    assert_eq!((search.effects, singles), (LARGE_EFFECTS, LARGE_SINGLES));
    spaces::tell("single faults at large packs", singles);
}

#[tokio::test(start_paused = true)]
async fn no_single_fault_loses_or_repeats_anything_while_news_waits() {
    let mut search = Search::default();
    let singles = search.follow(&Point { is_grouped: true, ..Point::default() }, 1, &[]).await;
    search.assert_unbroken();
    assert_eq!((search.effects, singles), (GROUPED_EFFECTS, GROUPED_SINGLES));
    spaces::tell("single faults while news waits", singles);
}

#[tokio::test(start_paused = true)]
#[ignore = "takes minutes: `make soak`"]
async fn no_two_faults_of_quick_scans_lose_or_repeat_anything() {
    let mut search = Search::default();
    let begin = Point { store: MemoryStore::of_large_packs(), ..Point::default() };
    let pairs = search.follow(&begin, 2, &[]).await;
    search.assert_unbroken();
    spaces::tell("pairs of faults at large packs", pairs);
}
