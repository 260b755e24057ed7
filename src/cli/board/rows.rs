//! The board for programs: every account in every pack, a pack at a time.

use std::pin::pin;

use futures_util::stream::{Stream, TryStreamExt};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::names::KnownNames;
use super::pack::{Pack, is_unhealthy, notes};
use crate::cli::outcome::Failure;
use crate::cli::table::{Field, Output, Printer, Wide};
use crate::model::AccountId;
use crate::model::text::plain;
use crate::ports::StoreError;
use crate::state::Row;

const FIELDS: [Field; 12] = [
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
    output: Output,
    wide: Wide,
) -> Result<(), Failure> {
    let mut printer = Printer::new(output, &FIELDS, wide)?;
    let mut packs = pin!(packs);
    while let Some(pack) = packs.try_next().await? {
        for (account, row) in wanted(&pack, names, failing).await {
            let cells = || cells(&pack, account, row, names);
            printer.print(|| document(row, cells()).to_string(), |_| cells())?;
        }
    }
    printer.finish()
}

async fn wanted<'a>(pack: &'a Pack, names: &KnownNames, failing: bool) -> Vec<(AccountId, &'a Row)> {
    names.look_up(pack.rows.iter().filter(|(_, row)| is_unhealthy(row)).map(|(account, _)| *account)).await;
    let rows = pack.rows.iter().map(|(account, row)| (*account, row));
    rows.filter(|(_, row)| !failing || is_unhealthy(row)).collect()
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
    let cells = FIELDS.iter().zip(cells).filter(|(_, cell)| !cell.is_empty());
    let value = |name: &str, cell: String| match name {
        "Notes" => json!(notes(row)),
        "TriedAgain" => json!(cell.parse::<u64>().unwrap_or(0)),
        _ => Value::String(cell),
    };
    Value::Object(cells.map(|((name, _), cell)| ((*name).to_owned(), value(name, cell))).collect())
}
