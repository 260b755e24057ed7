//! The board's rows: every account in every pack as a document, a pack at a time.

use std::pin::pin;

use anstyle::AnsiColor;
use futures_util::stream::{Stream, TryStreamExt};
use serde_json::{Value, json};

use super::names::KnownNames;
use super::pack::{Pack, is_unhealthy, notes};
use crate::cli::outcome::Failure;
use crate::cli::table::{Column, Field, Printer, present};
use crate::model::text::plain;
use crate::model::{AccountId, Phase, Status, Target};
use crate::ports::StoreError;
use crate::state::Row;

/// The fields of a row. A table has unhealthy ones alone, by the cause that the code is.
pub(super) const FIELDS: [Field; 12] = [
    ("Region", Some(Column::text("Region").spare(1))),
    ("OrganizationConformancePackName", Some(Column::long("Pack", 12))),
    ("AccountId", Some(Column::text("Account"))),
    ("AccountName", Some(Column::long("Name", 10))),
    ("Status", Some(Column::text("Status").coloured(of_status))),
    ("Notes", Some(Column::text("Notes").spare(4))),
    ("TriedAgain", Some(Column::number("Retries").spare(5))),
    ("FailingSince", Some(Column::time("Since (UTC)").spare(3))),
    ("LastUpdateTime", None),
    ("ErrorCode", None),
    ("ErrorMessage", Some(Column::long("Message", 20).spare(6))),
    ("IncidentId", None),
];

fn of_status(status: &str) -> Option<AnsiColor> {
    match Status::new(status).phase() {
        Phase::Failed => Some(AnsiColor::Red),
        Phase::Unrecognised => Some(AnsiColor::Magenta),
        Phase::InProgress => Some(AnsiColor::Yellow),
        Phase::Successful => None,
    }
}

pub(super) async fn print(
    packs: impl Stream<Item = Result<Pack, StoreError>>,
    names: &KnownNames,
    failing: bool,
    mut printer: Printer,
) -> Result<(), Failure> {
    let mut packs = pin!(packs);
    while let Some(Pack { target, rows, .. }) = packs.try_next().await? {
        let unhealthy = rows.iter().filter(|(_, row)| is_unhealthy(row));
        names.look_up(unhealthy.map(|(account, _)| *account)).await;
        for (account, row) in rows.iter().filter(|(_, row)| !failing || is_unhealthy(row)) {
            printer.print(&document(&target, *account, row, names))?;
        }
    }
    printer.finish()
}

pub(super) fn document(target: &Target, account: AccountId, row: &Row, names: &KnownNames) -> Value {
    let text = |text: &Option<String>| text.as_deref().map(plain).filter(|text| !text.is_empty());
    let (state, incident, notes) = (&row.state, row.incident.as_ref(), notes(row));
    present(json!({
        "Region": target.region,
        "OrganizationConformancePackName": target.pack,
        "AccountId": account,
        "AccountName": names.of(account),
        "Status": plain(state.status.as_str()),
        "Notes": (!notes.is_empty()).then_some(notes),
        "TriedAgain": incident.map(|incident| incident.tried_again),
        "FailingSince": row.failing_since,
        "LastUpdateTime": state.last_update,
        "ErrorCode": text(&state.error_code),
        "ErrorMessage": text(&state.error_message),
        "IncidentId": incident.map(|incident| &incident.id),
    }))
}
