//! How transitions are printed.

use std::io::{self, BufWriter, StdoutLock, Write};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::cli::outcome::Failure;
use crate::cli::table::{self, Cell, Column, Csv, Output, Wide};
use crate::history::Entry;
use crate::model::text::plain;
use crate::notify::transition_notice;
use crate::state::{State, Transition};

const HEADER: [&str; 14] = [
    "ObservedAt",
    "Region",
    "OrganizationConformancePackName",
    "AccountId",
    "Kind",
    "From",
    "To",
    "ErrorCode",
    "ErrorMessage",
    "LastUpdateTime",
    "FailingSince",
    "Notes",
    "IncidentId",
    "Id",
];

const COLUMNS: [Column<'_>; 11] = [
    Column::text("Observed (UTC)"),
    Column::text("Region").spare(1),
    Column::name("Pack", 14),
    Column::text("Account"),
    Column::text("Kind"),
    Column::text("From").spare(3),
    Column::text("To").spare(2),
    Column::name("Error", 12),
    Column::prose("Message", 16).spare(4),
    Column::text("Notes").spare(5),
    Column::id("Incident").spare(6),
];

/// Prints one transition after the other, as far as the form allows it.
pub(super) enum Printer {
    Json(BufWriter<StdoutLock<'static>>),
    Csv(Box<Csv>),
    Table(Vec<Vec<Cell>>, Wide),
}

impl Printer {
    pub(super) fn new(output: Output, wide: Wide) -> Result<Self, Failure> {
        Ok(match output {
            Output::Json => Self::Json(BufWriter::new(io::stdout().lock())),
            Output::Csv => Self::Csv(Box::new(Csv::new(&HEADER)?)),
            Output::Table => Self::Table(Vec::new(), wide),
        })
    }

    pub(super) fn print(&mut self, entry: &Entry) -> Result<(), Failure> {
        match self {
            Self::Json(out) => writeln!(out, "{}", document(entry))?,
            Self::Csv(csv) => csv.row(&row(entry))?,
            Self::Table(rows, _) => rows.push(cells(entry)),
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<(), Failure> {
        match self {
            Self::Json(mut out) => Ok(out.flush()?),
            Self::Csv(csv) => csv.finish(),
            Self::Table(rows, _) if rows.is_empty() => Ok(()),
            Self::Table(rows, wide) => table::table(&COLUMNS, rows, wide),
        }
    }
}

fn document(entry: &Entry) -> Value {
    let mut document = json!({
        "ObservedAt": entry.transition.observed_at,
        "Region": entry.target.region,
        "OrganizationConformancePackName": entry.target.pack,
    });
    let notice = json!(transition_notice(&entry.target, &entry.history_id, &entry.transition));
    if let (Some(fields), Value::Object(notice)) = (document.as_object_mut(), notice) {
        fields.extend(notice);
    }
    document
}

/// What is said of a transition in words: statuses, error code and message.
fn words(transition: &Transition) -> [String; 4] {
    let status =
        |state: &Option<State>| state.as_ref().map(|state| plain(state.status.as_str())).unwrap_or_default();
    let text = |of: fn(&State) -> &Option<String>| {
        transition.to.as_ref().and_then(|to| of(to).as_deref()).map(plain).unwrap_or_default()
    };
    [
        status(&transition.from),
        status(&transition.to),
        text(|state| &state.error_code),
        text(|state| &state.error_message),
    ]
}

fn notes(transition: &Transition) -> Vec<&'static str> {
    let is_flapping = transition.damped || transition.flapping.is_some();
    let notes = [(transition.silenced, "silenced"), (is_flapping, "flapping")];
    notes.into_iter().filter(|(is_so, _)| *is_so).map(|(_, note)| note).collect()
}

/// The document's fields, as far as they are one line.
fn row(entry: &Entry) -> Vec<String> {
    let Entry { target, transition, .. } = entry;
    let time = |time: Option<Timestamp>| time.map(|time| time.to_string()).unwrap_or_default();
    let [from, to, error_code, error_message] = words(transition);
    vec![
        transition.observed_at.to_string(),
        target.region.to_string(),
        target.pack.to_string(),
        transition.account.to_string(),
        transition.kind.to_string(),
        from,
        to,
        error_code,
        error_message,
        time(transition.to.as_ref().and_then(|to| to.last_update)),
        time(transition.failing_since),
        notes(transition).join(" "),
        transition.incident_id.clone().unwrap_or_default(),
        entry.id(),
    ]
}

fn cells(Entry { target, transition, .. }: &Entry) -> Vec<Cell> {
    let [from, to, error_code, error_message] = words(transition);
    let cells = [
        table::time(transition.observed_at),
        target.region.to_string(),
        target.pack.to_string(),
        transition.account.to_string(),
        transition.kind.to_string(),
        from,
        to,
        error_code,
        error_message,
        notes(transition).join(", "),
        transition.incident_id.clone().unwrap_or_default(),
    ];
    cells.map(Cell::from).into()
}
