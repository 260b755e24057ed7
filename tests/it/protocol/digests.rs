//! What a digest must say, counted once more from the log between the cursor and its end: what is named with how it came
//! there, what is only counted, and what silences and damping keep.

use std::collections::BTreeMap;

use packwatch::model::{AccountId, Kind, Target};
use packwatch::notify::record_id;
use packwatch::state::log::{Notice, PackEvent, Record};
use packwatch::state::{Incident, Transition};
use serde_json::{Value, json};

use crate::protocol::journal::Ranges;
use crate::protocol::memory::MemoryStore;
use crate::protocol::oracle::{is, is_unhealthy};

/// What happened in a life of a pack, as far as it lags to people.
#[derive(Default)]
struct Life {
    notified: BTreeMap<AccountId, Vec<Transition>>,
    begun: Option<Notice>,
    ended: Option<Notice>,
}

/// As what an account counts of which all this is reported: as the last of it, or as the last before that is no routine. The
/// end of an incident of which nobody was notified, nor of the one before, is no end.
fn counted_as(target: &Target, history_id: &str, notified: &[Transition]) -> Option<&'static str> {
    let is_routine = |t: &Transition| {
        matches!(t.kind, Kind::FailedAgain | Kind::Succeeded | Kind::InProgress) && t.flapping.is_none()
    };
    let last = notified.iter().rposition(|t| !is_routine(t)).or(notified.len().checked_sub(1))?;
    let is_end = |t: &Transition| matches!(counted_alone(t), "Recovered" | "Left") && t.incident_id.is_some();
    let begun = |of: &Transition, before: &[Transition]| {
        let began = |t: &&Transition| {
            let begun = Incident::begun(target, history_id, t.account, t.epoch).id;
            is_unhealthy(is(t.to.as_ref())) && !t.baseline && Some(&begun) == of.incident_id.as_ref()
        };
        before.iter().any(|t| began(&t) && t.incident_id == of.incident_id)
    };
    let ends: Vec<usize> = (0..=last).filter(|n| is_end(&notified[*n])).collect();
    let came_and_went =
        ends.last() == Some(&last) && ends.iter().all(|n| begun(&notified[*n], &notified[..*n]));
    Some(if came_and_went { "CameAndWent" } else { counted_alone(&notified[last]) })
}

fn counted_alone(transition: &Transition) -> &'static str {
    let was = transition.from.as_ref().is_some_and(|from| from.silenced);
    let is = transition.to.as_ref().is_some_and(|to| to.silenced || !is_unhealthy(is(Some(to))));
    match transition.kind {
        _ if transition.flapping.is_some() => "Flapping",
        Kind::Reminder if was && !is => "SilenceEnded",
        kind => kind.as_str(),
    }
}

impl Life {
    fn event(&self) -> Option<(&'static str, Option<&Notice>)> {
        let notified = |notice: &Option<Notice>| notice.as_ref().is_some_and(|notice| notice.notify);
        match (&self.begun, &self.ended) {
            (_, Some(ended)) if notified(&self.ended) => Some(("PackDeleted", Some(ended))),
            (begun, _) if notified(begun) || (!self.notified.is_empty() && begun.is_some()) => {
                Some(("Baseline", begun.as_ref()))
            }
            _ if !self.notified.is_empty() => Some(("Transitions", None)),
            _ => None,
        }
    }
}

fn is_of(target: &Target, pack: &Value) -> bool {
    pack["OrganizationConformancePackName"] == target.pack.as_str()
        && pack["Region"] == target.region.as_str()
}

/// What is wrong with a digest that covers so much of the logs.
pub(crate) fn judge(document: &Value, ranges: &Ranges, store: &MemoryStore) -> Vec<String> {
    let packs = document["Packs"].as_array().unwrap();
    let (mut lives, mut hidden) = (Vec::new(), [0, 0]);
    let heads = store.heads();
    for (target, (from, to)) in ranges {
        let log = store.log_of(target).into_iter();
        let covered = log.filter(|(position, _)| position > from && position <= to);
        let covered: Vec<Record> = covered.map(|(_, record)| record).collect();
        let silenced = |record: &&Record| matches!(record, Record::Account(t) if !t.notify && t.silenced);
        let damped =
            |record: &&Record| matches!(record, Record::Account(t) if !t.notify && t.damped && !t.silenced);
        hidden[0] += covered.iter().filter(silenced).count();
        hidden[1] += covered.iter().filter(damped).count();
        let history_id = heads[target].history_id.clone();
        lives.extend(lives_in(covered).into_iter().map(|life| (target.clone(), history_id.clone(), life)));
    }
    let mut wrong = Vec::new();
    for (field, expected) in [("Silenced", hidden[0]), ("Damped", hidden[1])] {
        let said = document[field].as_u64().unwrap_or(0) as usize;
        if said != expected {
            wrong.push(format!("{field} {said}, expected {expected}"));
        }
    }
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    let mut expected = Vec::new();
    for (target, history_id, life) in &lives {
        let Some((event, notice)) = life.event() else { continue };
        if event != "Transitions" {
            *counts.entry(event).or_default() += 1;
        }
        for counted_as in
            life.notified.values().filter_map(|notified| counted_as(target, history_id, notified))
        {
            *counts.entry(counted_as).or_default() += 1;
        }
        expected.push((target, history_id, life, event, notice));
    }
    if document["Counts"] != json!(counts) {
        wrong.push(format!("counts {}, expected {}", document["Counts"], json!(counts)));
    }
    for (target, history_id, life, event, notice) in &expected {
        let id = notice.map(|notice| record_id(target, history_id, &Record::Pack((*notice).clone())));
        let is_it = |pack: &&Value| {
            is_of(target, pack) && pack["Type"] == *event && pack["Id"].as_str() == id.as_deref()
        };
        match packs.iter().find(is_it) {
            Some(pack) => wrong.extend(wrong_with(pack, target, history_id, life)),
            None if packs.is_empty() => {}
            None => wrong.push(format!("{target}: no {event} {id:?}")),
        }
    }
    if !packs.is_empty() && packs.len() != expected.len() {
        wrong.push(format!("{} packs, expected {}", packs.len(), expected.len()));
    }
    wrong.into_iter().map(|wrong| format!("a digest: {wrong}: {document}")).collect()
}

fn lives_in(lagging: Vec<Record>) -> Vec<Life> {
    let mut lives = vec![Life::default()];
    for record in lagging {
        let Some(life) = lives.last_mut() else { continue };
        match record {
            Record::Account(transition) if transition.notify => {
                life.notified.entry(transition.account).or_default().push(transition);
            }
            Record::Account(_) => {}
            Record::Pack(notice) if notice.event == PackEvent::Baseline => life.begun = Some(notice),
            Record::Pack(notice) => {
                life.ended = Some(notice);
                lives.push(Life::default());
            }
        }
    }
    lives
}

/// What is wrong with what a digest says of one life.
fn wrong_with(pack: &Value, target: &Target, history_id: &str, life: &Life) -> Vec<String> {
    let mut wrong = Vec::new();
    let named = pack["Transitions"].as_array().unwrap();
    let omitted = pack["Omitted"].as_u64().unwrap() as usize;
    if named.len() + omitted != life.notified.len() {
        wrong.push(format!("{} named and {omitted} omitted of {}", named.len(), life.notified.len()));
    }
    for entry in named {
        let account: AccountId = entry["AccountId"].as_str().unwrap().parse().unwrap();
        let Some((last, earlier)) = life.notified.get(&account).and_then(|notified| notified.split_last())
        else {
            wrong.push(format!("{account} is named, and nothing of it was to be reported"));
            continue;
        };
        let expected = json!({
            "Id": record_id(target, history_id, &Record::Account(last.clone())),
            "Kind": last.kind.as_str(),
            "Earlier": earlier.iter().map(|t| t.kind.as_str()).collect::<Vec<_>>(),
            "From": earlier.first().unwrap_or(last).from.as_ref().map(|state| state.status.as_str()),
            "To": last.to.as_ref().map(|state| state.status.as_str()),
        });
        let said = json!({
            "Id": entry["Id"],
            "Kind": entry["Kind"],
            "Earlier": entry["Earlier"].as_array().cloned().unwrap_or_default(),
            "From": entry["From"]["Status"],
            "To": entry["To"]["Status"],
        });
        if said != expected {
            wrong.push(format!("it says {said}, expected {expected}"));
        }
    }
    wrong
}
