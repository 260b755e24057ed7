//! The board for programs: every account in every pack, a pack at a time.

use std::pin::pin;

use futures_util::stream::{Stream, TryStreamExt};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::names::KnownNames;
use super::pack::{Pack, is_unhealthy, notes};
use crate::cli::outcome::Failure;
use crate::cli::table::{self, Field, Printer};
use crate::model::AccountId;
use crate::model::text::plain;
use crate::ports::StoreError;
use crate::state::Row;

pub(super) const FIELDS: [Field; 12] = [
    ("Region", None),
    ("OrganizationConformancePackName", None),
    ("AccountId", None),
    ("AccountName", None),
    ("Status", None),
    ("ErrorCode", None),
    ("ErrorMessage", None),
    ("LastUpdateTime", None),
    ("FailingSince", None),
    ("Notes", None),
    ("TriedAgain", None),
    ("IncidentId", None),
];

pub(super) async fn print(
    packs: impl Stream<Item = Result<Pack, StoreError>>,
    names: &KnownNames,
    failing: bool,
    mut printer: Printer,
) -> Result<(), Failure> {
    let mut packs = pin!(packs);
    while let Some(pack) = packs.try_next().await? {
        let unhealthy = pack.rows.iter().filter(|(_, row)| is_unhealthy(row));
        names.look_up(unhealthy.map(|(account, _)| *account)).await;
        for (account, row) in pack.rows.iter().filter(|(_, row)| !failing || is_unhealthy(row)) {
            let cells = || cells(&pack, *account, row, names);
            printer.print(|| document(row, cells()).to_string(), |_| cells())?;
        }
    }
    printer.finish()
}

fn cells(pack: &Pack, account: AccountId, row: &Row, names: &KnownNames) -> Vec<String> {
    let time = |time: Option<Timestamp>| time.map(|time| time.to_string()).unwrap_or_default();
    let incident = row.incident.as_ref();
    let text = |text: &Option<String>| text.as_deref().map(plain).unwrap_or_default();
    vec![
        pack.target.region.to_string(),
        pack.target.pack.to_string(),
        account.to_string(),
        names.of(account).unwrap_or_default(),
        plain(row.state.status.as_str()),
        text(&row.state.error_code),
        text(&row.state.error_message),
        time(row.state.last_update),
        time(row.failing_since),
        notes(row).join(" "),
        incident.map(|incident| incident.tried_again.to_string()).unwrap_or_default(),
        incident.map(|incident| incident.id.clone()).unwrap_or_default(),
    ]
}

/// The same as a document: what is absent is left out.
fn document(row: &Row, cells: Vec<String>) -> Value {
    let mut document = table::document(&FIELDS, cells);
    document.entry("Notes").and_modify(|cell| *cell = json!(notes(row)));
    let tried_again = row.incident.as_ref().map(|incident| incident.tried_again);
    document.entry("TriedAgain").and_modify(|cell| *cell = json!(tried_again));
    Value::Object(document)
}
