//! The oracle, second half: of what was recorded, who is told what, and when. "Must" is what the rules demand, "may" what
//! they leave open.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use packwatch::model::{AccountId, Kind, Target};
use packwatch::notify::message::Alert;
use packwatch::state::log::PackEvent;

use super::item::{Cause, Ear, Item, Silences, What, ear};
use super::numbers;
use super::oracle::{Tally, ensure};
use super::rules::Rules;
use super::said::Said;
use super::world::{EVERY, Row};
use crate::protocol::oracle::Is;

/// What people know of an incident.
#[derive(Debug, Clone, Default)]
struct Told {
    stuck: bool,
    last: Option<(String, Option<&'static str>)>,
    of: Option<(Target, AccountId)>,
    /// When that was recorded, and when it was sent.
    at: (Timestamp, Timestamp),
}

/// What waits of one account, in order, each with whether people hear of it.
pub(crate) type Waiting = Vec<(Item, Ear)>;

/// By target, and by account; without one, of the pack.
pub(crate) type All = BTreeMap<(Target, Option<AccountId>), Waiting>;

#[derive(Debug, Default)]
pub(crate) struct People {
    waiting: BTreeMap<Target, Vec<Item>>,
    told: BTreeMap<String, Told>,
    /// When they were last told of a cause, and when they perhaps were.
    causes: BTreeMap<Cause, (Option<Timestamp>, Option<Timestamp>)>,
    /// The digests that were sent since they were urgent, and whether that is sure.
    urgent: Vec<(Timestamp, bool)>,
    ids: BTreeSet<String>,
    /// What was said, for figures.
    pub(crate) sent: Vec<(Timestamp, Said)>,
}

impl People {
    pub(crate) fn add(&mut self, target: &Target, item: Item) {
        self.waiting.entry(target.clone()).or_default().push(item);
    }

    pub(crate) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    pub(crate) fn told_incidents(&self) -> BTreeSet<String> {
        self.told.keys().cloned().collect()
    }

    pub(crate) fn told_at(&self, incident: &str) -> Option<(Timestamp, Timestamp)> {
        self.told.get(incident).map(|told| told.at)
    }

    /// Whether this is what people know of the incident already.
    pub(crate) fn knows(&self, incident: Option<&str>, row: &Row, is: Is) -> bool {
        let told = incident.and_then(|incident| self.told.get(incident));
        told.is_some_and(|told| match is {
            Is::Stuck => told.stuck,
            _ => is_same(told.last.as_ref(), row, is),
        })
    }

    /// Whether they will know it, when they hear of what waits.
    pub(crate) fn waits_to_know(&self, target: &Target, account: AccountId, row: &Row, is: Is) -> bool {
        self.of(target, account).any(|item| item.is_unhealthy && is_same(item.status.as_ref(), row, is))
    }

    /// Whether something waits of the account.
    pub(crate) fn waits(&self, target: &Target, account: AccountId) -> bool {
        self.of(target, account).any(|item| item.is_unhealthy)
    }

    fn of(&self, target: &Target, account: AccountId) -> impl Iterator<Item = &Item> {
        self.waiting.get(target).into_iter().flatten().filter(move |item| item.account == Some(account))
    }

    /// Judges what a run told, or did not tell.
    pub(crate) fn judge(
        &mut self,
        rules: &Rules,
        silences: &Silences,
        now: Timestamp,
        is_up: bool,
        digests: &[Alert],
        tally: &mut Tally,
    ) {
        if !is_up {
            ensure!(digests.is_empty(), now, "SNS is down");
            return;
        }
        // Baselines are read after the first dispatch of a run: a digest that was due then is without them.
        let mut digests = digests.iter();
        let mut digest = digests.next();
        let late = self.take_baselines(now);
        let has_baseline =
            |alert: &Alert| Said::read(alert).entries.iter().any(|e| late.contains_key(&e.target));
        if digest.is_some_and(|digest| !late.is_empty() && !has_baseline(digest)) {
            self.judge_digest(rules, silences, now, digest, tally);
            digest = digests.next();
        }
        self.waiting.extend(late);
        self.judge_digest(rules, silences, now, digest, tally);
        ensure!(digests.next().is_none(), now, "another digest");
    }

    /// What was recorded just now of packs that are new.
    fn take_baselines(&mut self, now: Timestamp) -> BTreeMap<Target, Vec<Item>> {
        let is_late = |item: &Item| item.at == now && matches!(item.what, What::Pack(PackEvent::Baseline, _));
        let late: Vec<Target> = self
            .waiting
            .iter()
            .filter(|(_, items)| items.iter().any(is_late))
            .map(|(t, _)| t.clone())
            .collect();
        late.into_iter().filter_map(|target| self.waiting.remove_entry(&target)).collect()
    }

    /// Judges a dispatch.
    fn judge_digest(
        &mut self,
        rules: &Rules,
        silences: &Silences,
        now: Timestamp,
        digest: Option<&Alert>,
        tally: &mut Tally,
    ) {
        let all = self.hearing(rules, silences, now);
        let [at_once, due] = self.triggers(rules, now, &all);
        self.urgent.retain(|(at, _)| now.duration_since(*at) <= rules.group);
        let sure = self.urgent.iter().filter(|(_, sure)| *sure).count();
        let recent = self.urgent.iter().filter(|(at, _)| now.duration_since(*at) < rules.group).count();
        let room = match (recent < 2, sure < 2) {
            (true, _) => Ear::Must,
            (false, true) => Ear::May,
            (false, false) if self.urgent.iter().any(|(at, _)| now.duration_since(*at) == rules.group) => {
                Ear::May
            }
            (false, false) => Ear::Not,
        };
        let urgent = at_once.min(room);
        let sends = urgent.max(due);
        if sends == Ear::May {
            tally.open += 1;
        }
        let Some(alert) = digest else {
            ensure!(sends != Ear::Must, now, "urgent {urgent:?}, due {due:?}: nobody was told of {all:?}");
            let older =
                |item: &Item| now.duration_since(item.at) > rules.group.max(SignedDuration::ZERO) + EVERY;
            self.waiting.retain(|target, items| {
                let of_target = all.iter().filter(|((t, _), _)| t == target);
                let news = of_target.flat_map(|(_, waiting)| waiting).filter(|(item, _)| !item.is_routine());
                let best = news.map(|(_, ear)| *ear).max().unwrap_or(Ear::Not);
                best == Ear::Must || (best == Ear::May && !items.iter().all(older))
            });
            return;
        };
        let mut said = Said::read(alert);
        ensure!(
            sends != Ear::Not,
            now,
            "urgent {at_once:?} with room {room:?}, due {due:?} of {all:?}: {said:?}"
        );
        ensure!(self.ids.insert(said.id.clone()), now, "a second time: {said:?}");
        tally.digests += 1;
        tally.entries += said.entries.len();
        if at_once > Ear::Not {
            self.urgent.push((now, due == Ear::Not && at_once == Ear::Must));
        }
        self.content(now, &all, &said);
        for ((target, account), waiting) in &all {
            let is_named = said.entries.iter().any(|e| e.target == *target && e.account == *account);
            let last = waiting.iter().rev().find(|(item, ear)| !item.is_routine() && *ear == Ear::Must);
            let is_cut = said.omitted.get(target).is_some_and(|omitted| *omitted > 0);
            if let (false, true, Some(id), Some((last, _))) = (is_named, is_cut, account, last) {
                said.add(target, *id, last);
            }
        }
        self.severity(rules, now, &all, &said);
        tally.numbers += numbers::check(alert, &said).unwrap_or_else(|wrong| {
            panic!("{now}: {wrong}\n{said:?}\n{}\n{}", alert.subject, numbers::bodies(alert)["email"])
        });
        self.learn(now, all, &said);
        self.waiting.clear();
        self.sent.push((now, said));
    }

    /// What waits, by account.
    fn hearing(&self, rules: &Rules, silences: &Silences, now: Timestamp) -> All {
        let mut all: All = BTreeMap::new();
        for (target, item) in self.waiting.iter().flat_map(|(t, items)| items.iter().map(move |i| (t, i))) {
            let waiting = all.entry((target.clone(), item.account)).or_default();
            let begun = waiting.iter().filter(|(before, _)| before.incident == item.incident);
            let begun =
                begun.filter(|(before, _)| before.is_unhealthy || before.flapping).map(|(_, ear)| *ear);
            let told = item.incident.as_ref().is_some_and(|incident| self.told.contains_key(incident));
            let told = if told { Ear::Must } else { begun.max().unwrap_or(Ear::Not) };
            let ear = ear(rules, silences, now, target, item, told);
            waiting.push((item.clone(), ear));
        }
        all
    }

    /// What demands a digest at once as urgent, and what does as reminder or since it has waited long enough.
    fn triggers(&self, rules: &Rules, now: Timestamp, all: &All) -> [Ear; 2] {
        let (mut urgent, mut due) = (Ear::Not, Ear::Not);
        for waiting in all.values() {
            let news = waiting.iter().filter(|(item, ear)| !item.is_routine() && *ear > Ear::Not);
            let news: Vec<&(Item, Ear)> = news.collect();
            for (index, (item, ear)) in news.iter().enumerate() {
                // What was not the last may not matter any more.
                let most = if index + 1 == news.len() { Ear::Must } else { Ear::May };
                urgent = urgent.max(self.urgency(rules, now, item).min(*ear).min(most));
                let is_reminder = item.kind() == Some(Kind::Reminder);
                if is_reminder {
                    due = due.max((*ear).min(if item.silence_ended { Ear::May } else { most }));
                }
                if now.duration_since(item.at) >= rules.group {
                    due = due.max(*ear);
                }
            }
        }
        [urgent, due]
    }

    pub(super) fn urgency(&self, rules: &Rules, now: Timestamp, item: &Item) -> Ear {
        let told = item.incident.as_ref().and_then(|incident| self.told.get(incident));
        match item.kind() {
            None => Ear::Must,
            Some(_) if item.flapping => Ear::Must,
            Some(Kind::Failed) if told.is_some_and(|told| told.stuck && told.last.is_none()) => Ear::Must,
            Some(Kind::Failed | Kind::Stuck | Kind::Unrecognised) => {
                let new = item.cause.as_ref().map_or(Ear::May, |cause| self.is_new(rules, now, cause));
                // People may know it as stuck, or hear that it was together with this.
                let perhaps = item.was_stuck && item.kind() == Some(Kind::Failed);
                if perhaps { new.max(Ear::May) } else { new }
            }
            _ => Ear::Not,
        }
    }

    /// Whether people have not been told of a cause for an hour, or two intervals.
    fn is_new(&self, rules: &Rules, now: Timestamp, cause: &Cause) -> Ear {
        let long = SignedDuration::from_hours(1).max(rules.group * 2);
        let (sure, perhaps) = self.causes.get(cause).copied().unwrap_or_default();
        let within = |at: Option<Timestamp>| at.is_some_and(|at| now.duration_since(at) < long);
        let on_the_edge = sure.is_some_and(|at| now.duration_since(at) == long);
        match (within(sure), within(perhaps) || on_the_edge) {
            (true, _) => Ear::Not,
            (false, true) => Ear::May,
            (false, false) => Ear::Must,
        }
    }

    /// What people know from now on.
    fn learn(&mut self, now: Timestamp, all: All, said: &Said) {
        for ((target, account), waiting) in all {
            let entry = said.entries.iter().find(|e| e.target == target && e.account == account);
            let told = |kind: Kind| {
                entry.is_some_and(|entry| entry.kind == Some(kind) || entry.earlier.contains(&kind))
            };
            let last = waiting.iter().rposition(|(item, ear)| !item.is_routine() && *ear > Ear::Not);
            for (index, (item, ear)) in waiting.into_iter().enumerate() {
                let Some(kind) = item.kind() else { continue };
                let hears = ear == Ear::Must || (ear == Ear::May && told(kind));
                if kind == Kind::Settled {
                    // How it stands now is told, and not how it went on in between.
                    let kept = item.incident.as_ref().filter(|_| item.is_unhealthy);
                    self.told
                        .retain(|id, of| of.of != account.map(|id| (target.clone(), id)) || Some(id) == kept);
                }
                if item.ends {
                    if !item.damped {
                        item.incident.as_ref().map(|incident| self.told.remove(incident));
                    }
                    continue;
                }
                let Some(incident) = item.incident.clone().filter(|_| hears && entry.is_some()) else {
                    continue;
                };
                if item.is_routine() || item.repeats {
                    if let Some(cause) = item.cause {
                        self.causes.entry(cause).or_default().1 = Some(now);
                    }
                    continue;
                }
                let known = self.told.entry(incident).or_default();
                known.at = (item.at, now);
                known.of = account.map(|id| (target.clone(), id));
                match item.status {
                    Some((status, _)) if status.ends_with("_IN_PROGRESS") => known.stuck |= item.is_unhealthy,
                    status if item.is_unhealthy => known.last = status,
                    _ => {}
                }
                if let Some(cause) = item.cause {
                    let times = self.causes.entry(cause).or_default();
                    if item.is_unhealthy && Some(index) == last {
                        times.0 = Some(now)
                    } else {
                        times.1 = Some(now)
                    }
                }
            }
        }
    }
}

fn is_same(known: Option<&(String, Option<&'static str>)>, row: &Row, is: Is) -> bool {
    known.is_some_and(|(status, code)| match is {
        // That it cannot be deleted is another failure than that it cannot be created or updated.
        Is::Failed => {
            let is_deletion = |status: &str| status.starts_with("DELETE_");
            status.ends_with("_FAILED")
                && is_deletion(status) == is_deletion(&row.status)
                && *code == row.code()
        }
        _ => *status == row.status,
    })
}
