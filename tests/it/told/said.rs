//! What a digest says, read from its JSON as subscribers get it.

use std::collections::BTreeMap;

use packwatch::model::{AccountId, Kind, Severity, Target};
use packwatch::notify::message::Alert;
use packwatch::notify::{Notification, Topic, TransitionNotice};
use packwatch::state::log::PackEvent;
use serde_json::Value;

use super::item::Item;

/// What is said of an account in a pack, or of a pack.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) target: Target,
    pub(crate) account: Option<AccountId>,
    pub(crate) kind: Option<Kind>,
    pub(crate) event: Option<PackEvent>,
    /// Of a pack.
    pub(crate) accounts: u64,
    pub(crate) earlier: Vec<Kind>,
    pub(crate) incident: Option<String>,
    pub(crate) flapping: bool,
    pub(crate) baseline: bool,
    /// Whether an account of which people are reminded has failed now.
    pub(crate) is_failing: bool,
    /// As `Counts` and sections name it.
    pub(crate) counts_as: &'static str,
}

#[derive(Debug, Clone)]
pub(crate) struct Said {
    pub(crate) id: String,
    pub(crate) severity: Severity,
    pub(crate) counts: BTreeMap<String, u64>,
    pub(crate) entries: Vec<Entry>,
    /// How many are only counted, of each pack.
    pub(crate) omitted: BTreeMap<Target, u64>,
}

impl Said {
    /// Adds what is only counted.
    pub(crate) fn add(&mut self, target: &Target, account: AccountId, of: &Item) {
        let kind = of.kind();
        self.entries.push(Entry {
            target: target.clone(),
            account: Some(account),
            kind,
            event: None,
            accounts: 0,
            earlier: Vec::new(),
            incident: of.incident.clone(),
            flapping: of.flapping,
            baseline: of.baseline,
            is_failing: of.status.as_ref().is_some_and(|(status, _)| status.ends_with("_FAILED")),
            counts_as: match kind {
                _ if of.flapping => "Flapping",
                Some(Kind::Reminder) if of.silence_ended => "SilenceEnded",
                kind => kind.map_or("", Kind::as_str),
            },
        });
    }

    pub(crate) fn read(alert: &Alert) -> Self {
        let bodies: Value = serde_json::from_str(&alert.message).unwrap();
        let digest: Notification = serde_json::from_str(bodies["default"].as_str().unwrap()).unwrap();
        let mut entries = Vec::new();
        let mut omitted = BTreeMap::new();
        for pack in &digest.packs {
            let target =
                Target { region: pack.region.clone(), pack: pack.organization_conformance_pack_name.clone() };
            *omitted.entry(target.clone()).or_default() += pack.omitted;
            let event = match serde_json::to_value(pack.kind).unwrap().as_str().unwrap() {
                "Baseline" => Some(PackEvent::Baseline),
                "PackDeleted" => Some(PackEvent::PackDeleted),
                _ => None,
            };
            let blank = Entry {
                target,
                account: None,
                kind: None,
                event,
                accounts: pack.accounts,
                earlier: Vec::new(),
                incident: None,
                flapping: false,
                baseline: false,
                is_failing: false,
                counts_as: event.map_or("", PackEvent::as_str),
            };
            entries.extend(pack.transitions.iter().map(|of| Entry {
                account: Some(of.account_id),
                kind: Some(standing(of)),
                event: None,
                earlier: of.earlier.clone(),
                incident: of.incident_id.clone(),
                flapping: of.flapping.is_some(),
                baseline: of.baseline,
                is_failing: of.to.as_ref().is_some_and(|to| to.status.as_str().ends_with("_FAILED")),
                counts_as: match standing(of) {
                    _ if of.flapping.is_some() => "Flapping",
                    _ if of.section == Some(Topic::CameAndWent) => "CameAndWent",
                    Kind::Reminder if of.silence_ended => "SilenceEnded",
                    kind => kind.as_str(),
                },
                ..blank.clone()
            }));
            if event.is_some() {
                entries.push(blank);
            }
        }
        Self {
            id: digest.id.clone(),
            severity: digest.severity,
            counts: digest.counts.clone(),
            omitted,
            entries,
        }
    }
}

/// What is only counted does not hide what happened before it.
fn standing(of: &TransitionNotice) -> Kind {
    let is_news = |kind: &&Kind| !matches!(kind, Kind::FailedAgain | Kind::Succeeded | Kind::InProgress);
    let kinds = of.earlier.iter().chain([&of.kind]);
    kinds.rev().find(is_news).copied().unwrap_or(of.kind)
}
