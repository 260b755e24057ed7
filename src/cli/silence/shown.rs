//! How silences are printed.

use serde_json::json;

use crate::cli::table::{self, Cell, Column};
use crate::model::text::plain;
use crate::state::silence::Silence;

pub(super) const HEADER: [&str; 8] =
    ["Id", "Until", "AccountIds", "OrganizationConformancePackNames", "Regions", "Kinds", "By", "Reason"];

pub(super) const COLUMNS: [Column<'_>; 8] = [
    Column::text("Id"),
    Column::text("Until (UTC)"),
    Column::prose("Accounts", 12),
    Column::name("Packs", 10),
    Column::prose("Regions", 9).spare(2),
    Column::prose("Kinds", 6).spare(1),
    Column::prose("By", 6).spare(3),
    Column::prose("Reason", 12),
];

/// One silence in a line: "3f9a1c2e (account 111122223333, until 2026-12-01 08:00 UTC, by ada: is being closed)".
pub(super) fn described(silence: &Silence) -> String {
    let part = |name: &str, items: Vec<String>| match items.len() {
        0 => None,
        1 => Some(format!("{name} {}", items.join(", "))),
        _ => Some(format!("{name}s {}", items.join(", "))),
    };
    let parts = [
        part("account", silence.accounts.iter().map(ToString::to_string).collect()),
        part("pack", silence.packs.iter().map(ToString::to_string).collect()),
        part("region", silence.regions.iter().map(ToString::to_string).collect()),
        part("kind", silence.kinds.iter().map(ToString::to_string).collect()),
        Some(format!("until {} UTC", table::time(silence.until))),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    plain(&format!("{} ({}, by {}: {})", silence.id, parts.join(", "), silence.by, silence.reason))
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

/// The matchers, of which an empty one stands for anything.
fn matchers(silence: &Silence) -> [String; 4] {
    fn listed(items: impl IntoIterator<Item = impl ToString>) -> String {
        items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
    }
    [listed(&silence.accounts), listed(&silence.packs), listed(&silence.regions), listed(&silence.kinds)]
}

pub(super) fn row(silence: &Silence) -> Vec<String> {
    let [accounts, packs, regions, kinds] = matchers(silence);
    let until = silence.until.to_string();
    vec![
        silence.id.clone(),
        until,
        accounts,
        packs,
        regions,
        kinds,
        silence.by.clone(),
        silence.reason.clone(),
    ]
}

pub(super) fn cells(silence: &Silence) -> Vec<Cell> {
    let any = |text: String| match text.as_str() {
        "" => Cell::empty("any"),
        _ => text.into(),
    };
    let [accounts, packs, regions, kinds] = matchers(silence).map(any);
    let (until, by, reason) = (table::time(silence.until), silence.by.clone(), silence.reason.clone());
    vec![silence.id.clone().into(), until.into(), accounts, packs, regions, kinds, by.into(), reason.into()]
}
