//! How silences are printed.

use jiff::Timestamp;
use serde_json::json;

use crate::cli::table::{self, Column, Field};
use crate::model::text::plain;
use crate::state::silence::Silence;

/// The fields of a silence; a matcher without anything stands for anything.
pub(super) const FIELDS: [Field; 8] = [
    ("Id", Some(Column::text("Id"))),
    ("Until", Some(Column::text("Until (UTC)"))),
    ("AccountIds", Some(Column::prose("Accounts", 12))),
    ("OrganizationConformancePackNames", Some(Column::name("Packs", 10))),
    ("Regions", Some(Column::prose("Regions", 9).spare(2))),
    ("Kinds", Some(Column::prose("Kinds", 6).spare(1))),
    ("By", Some(Column::prose("By", 6).spare(3))),
    ("Reason", Some(Column::prose("Reason", 12))),
];

/// One silence in a line: "3f9a1c2e (account 111122223333, until 2026-12-01 08:00 UTC, by ada: is being closed)".
pub(super) fn described(silence: &Silence) -> String {
    let matchers = [
        ("account", silence.accounts.len(), listed(&silence.accounts)),
        ("pack", silence.packs.len(), listed(&silence.packs)),
        ("region", silence.regions.len(), listed(&silence.regions)),
        ("kind", silence.kinds.len(), listed(&silence.kinds)),
    ];
    let given = matchers.into_iter().filter(|(_, n, _)| *n > 0);
    let given: String =
        given.map(|(name, n, items)| format!("{name}{} {items}, ", if n == 1 { "" } else { "s" })).collect();
    let (until, Silence { id, by, reason, .. }) = (table::time(silence.until), silence);
    plain(&format!("{id} ({given}until {until} UTC, by {by}: {reason})"))
}

pub(super) fn document(silence: &Silence) -> serde_json::Value {
    json!({
        "Id": silence.id,
        "Until": silence.until,
        "AccountIds": silence.accounts,
        "OrganizationConformancePackNames": silence.packs,
        "Regions": silence.regions,
        "Kinds": silence.kinds,
        "By": silence.by,
        "Reason": silence.reason,
    })
}

pub(super) fn row(silence: &Silence, time: fn(Timestamp) -> String) -> Vec<String> {
    vec![
        silence.id.clone(),
        time(silence.until),
        listed(&silence.accounts),
        listed(&silence.packs),
        listed(&silence.regions),
        listed(&silence.kinds),
        silence.by.clone(),
        silence.reason.clone(),
    ]
}

fn listed(items: impl IntoIterator<Item = impl ToString>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}
