//! Every effect of a full history meets every outcome, alone and in pairs; after one clean run the promise holds.

use std::collections::BTreeMap;

use crate::gate::{Gate, Kind, Outcome};
use crate::promise::broken;
use crate::scenario::{STEPS, Stage};
use crate::spaces;

/// Effects of the history when nothing goes wrong.
const EFFECTS: usize = 65;

type Plan = Vec<(usize, Outcome)>;

/// What a history came to.
struct Ended {
    /// The effects until the clean run.
    effects: Vec<Kind>,
    fired: Plan,
    broken: Vec<String>,
}

async fn history(plan: &Plan) -> Ended {
    let mut stage = Stage::new(Gate::new(plan.iter().copied()));
    let mut starts = Vec::new();
    for step in STEPS {
        stage.truth.change(step);
        starts.push(stage.gate.count());
        let _however_it_ended = stage.tick().await;
    }
    let effects = stage.gate.log.borrow().clone();
    stage.heal().await;
    let fired = stage.gate.fired.borrow().clone();
    // A copy may come where a run had begun to publish, and could not store that all was accepted.
    let excused = fired.iter().any(|(index, ..)| {
        let start = starts.iter().rfind(|start| **start <= *index).copied().unwrap_or(0);
        effects[start..=*index].iter().any(|kind| kind.publishes())
    });
    let mut broken = broken(&stage.truth, &stage.store, excused);
    let (count, messages) = (stage.gate.count(), stage.truth.world.messages().len());
    stage.heal().await;
    let after = stage.gate.log.borrow()[count..].to_vec();
    let quiet = after.iter().all(|kind| matches!(kind, Kind::Packs | Kind::Load | Kind::Statuses));
    if !quiet || stage.truth.world.messages().len() != messages {
        broken.push(format!("no quiet run after the clean one: {after:?}"));
    }
    let fired = fired.into_iter().map(|(index, _, outcome)| (index, outcome)).collect();
    Ended { effects, fired, broken }
}

/// The outcomes that an effect can meet.
fn outcomes(kind: Kind) -> impl Iterator<Item = Outcome> {
    Outcome::ALL.into_iter().filter(move |outcome| *outcome != Outcome::Poison || kind.publishes())
}

/// Every continuation of a plan by one more fault, later than its last.
async fn continuations(plan: &Plan, ended: &Ended) -> Vec<(Plan, Ended)> {
    let first = plan.last().map_or(0, |(index, _)| index + 1);
    let mut all = Vec::new();
    for (index, kind) in ended.effects.iter().enumerate().skip(first) {
        for outcome in outcomes(*kind) {
            let mut plan = plan.clone();
            plan.push((index, outcome));
            let ended = history(&plan).await;
            assert_eq!(ended.fired, plan, "every fault of the plan must be met");
            all.push((plan, ended));
        }
    }
    all
}

fn assert_unbroken(all: &[(Plan, Ended)]) {
    let broken = all.iter().filter(|(_, ended)| !ended.broken.is_empty());
    let broken: Vec<String> = broken.map(|(plan, ended)| format!("{plan:?}: {:?}", ended.broken)).collect();
    let first = broken.iter().take(20).cloned().collect::<Vec<_>>().join("\n");
    assert!(broken.is_empty(), "{} of {} break the promise:\n{first}", broken.len(), all.len());
}

#[tokio::test(start_paused = true)]
async fn no_single_fault_loses_or_repeats_anything() {
    let undisturbed = history(&Vec::new()).await;
    assert_eq!(undisturbed.broken, Vec::<String>::new());
    assert_eq!(undisturbed.effects.len(), EFFECTS, "{:?}", undisturbed.effects);
    let mut kinds: BTreeMap<Kind, usize> = BTreeMap::new();
    undisturbed.effects.iter().for_each(|kind| *kinds.entry(*kind).or_default() += 1);
    let publishes: usize = kinds.iter().filter(|(kind, _)| kind.publishes()).map(|(_, n)| n).sum();
    let singles = continuations(&Vec::new(), &undisturbed).await;
    assert_unbroken(&singles);
    assert_eq!(singles.len(), EFFECTS * 5 + publishes);
    spaces::tell("single faults", singles.len());
}
