//! What a digest must have, must not have, and how severe it is.

use std::collections::BTreeSet;

use jiff::Timestamp;
use packwatch::model::Kind;
use packwatch::state::log::PackEvent;

use super::item::{Ear, What};
use super::oracle::ensure;
use super::people::{All, People};
use super::rules::Rules;
use super::said::{Entry, Said};

impl People {
    /// The digest has what it must, and nothing that it must not.
    pub(super) fn content(&self, now: Timestamp, all: &All, said: &Said) {
        for entry in &said.entries {
            let waits = all.contains_key(&(entry.target.clone(), entry.account));
            ensure!(waits, now, "nothing was new of {entry:?}");
        }
        for ((target, account), waiting) in all {
            let entries: Vec<&Entry> =
                said.entries.iter().filter(|e| e.target == *target && e.account == *account).collect();
            if account.is_none() {
                let must = waiting.iter().filter(|(_, ear)| *ear == Ear::Must).count();
                let may = waiting.iter().filter(|(_, ear)| *ear > Ear::Not).count();
                let is_right = entries.len() >= must.min(1) && entries.len() <= may;
                ensure!(is_right, now, "{target}: {entries:?} of {waiting:?}");
                let is_of = |entry: &&Entry| {
                    waiting.iter().any(|(item, _)| matches!(item.what, What::Pack(event, n) if entry.event == Some(event) && entry.accounts == n))
                };
                ensure!(entries.iter().all(is_of), now, "{target}: {entries:?} of {waiting:?}");
                continue;
            }
            ensure!(entries.len() < 2, now, "twice: {entries:?}");
            let news = waiting.iter().filter(|(item, ear)| !item.is_routine() && *ear > Ear::Not);
            let mut allowed: Vec<Option<Kind>> = Vec::new();
            for (item, ear) in news.rev() {
                allowed.push(item.kind());
                if *ear == Ear::Must {
                    break;
                }
            }
            let is_must = waiting.iter().any(|(item, ear)| !item.is_routine() && *ear == Ear::Must);
            if !is_must {
                allowed.push(None);
                let routine = waiting.iter().filter(|(item, ear)| item.is_routine() && *ear > Ear::Not);
                allowed.extend(routine.map(|(item, _)| item.kind()));
            }
            if entries.is_empty() && said.omitted.get(target).is_some_and(|omitted| *omitted > 0) {
                continue;
            }
            let kind = entries.first().and_then(|entry| entry.kind);
            ensure!(
                allowed.contains(&kind),
                now,
                "{target} {account:?} is told as {kind:?}, must be {allowed:?}: {waiting:?}\n{said:?}"
            );
            let Some(entry) = entries.first() else { continue };
            // How it came there.
            let musts = waiting.iter().filter(|(item, ear)| !item.is_routine() && *ear == Ear::Must);
            let through: BTreeSet<Kind> = entry.earlier.iter().copied().chain(entry.kind).collect();
            for (item, _) in musts {
                ensure!(
                    item.kind().is_some_and(|kind| through.contains(&kind)),
                    now,
                    "{entry:?} lacks {item:?}"
                );
            }
            let incidents: BTreeSet<&String> =
                waiting.iter().filter_map(|(item, _)| item.incident.as_ref()).collect();
            let is_of = entry.incident.as_ref().is_none_or(|incident| incidents.contains(incident));
            ensure!(is_of, now, "{entry:?} is of none of {incidents:?}");
        }
    }

    /// `failure` only where a failure is among it that nobody knew.
    pub(super) fn severity(&self, rules: &Rules, now: Timestamp, all: &All, said: &Said) {
        let (mut must, mut may) = (3, 3);
        for entry in &said.entries {
            let waiting = &all[&(entry.target.clone(), entry.account)];
            let failures = waiting.iter().filter(|(item, _)| item.kind() == Some(Kind::Failed));
            let news = failures.map(|(item, _)| self.urgency(rules, now, item)).max();
            // 0 failure, 1 warning, 2 resolved, 3 info: what it is at least, and at most.
            let (at_least, at_most) = match entry.kind {
                None if entry.event == Some(PackEvent::PackDeleted) => (2, 0),
                None => (3, 1),
                Some(_) if entry.flapping || entry.baseline => (1, 0),
                Some(Kind::Failed) if news == Some(Ear::Must) => (0, 0),
                Some(Kind::Failed) if news == Some(Ear::Not) => (1, 1),
                Some(Kind::Failed) => (1, 0),
                Some(Kind::Unrecognised | Kind::Stuck | Kind::Reminder) if news.is_none() => (1, 1),
                Some(Kind::Unrecognised | Kind::Stuck | Kind::Reminder) => (1, 0),
                Some(Kind::Settled) => (2, 0),
                Some(Kind::Recovered) => (2, if news.is_some() { 0 } else { 2 }),
                Some(_) => (3, if news.is_some() { 0 } else { 2 }),
            };
            must = must.min(at_least);
            may = may.min(at_most);
        }
        let severity = said.severity as usize;
        ensure!(
            (may..=must).contains(&severity),
            now,
            "severity {severity}, not in {may}..={must}: {said:?}"
        );
    }
}
