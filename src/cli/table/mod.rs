//! Lists as JSON and CSV, and as tables that fit the terminal. Each item is its JSON document, in whatever form.

mod layout;

use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

use clap::ValueEnum;
use jiff::Timestamp;
use serde_json::Value;

use self::layout::lay_out;
pub(super) use self::layout::{Column, Group};
use super::outcome::{Failure, note};
use crate::model::text::plain;

/// How a list is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    Json,
    Table,
    Csv,
}

/// A field of a list's documents, as CSV has it, and its column in a table, if it has one.
pub(super) type Field = (&'static str, Option<Column>);

/// The columns of the terminal; `None` where there is none.
fn width() -> Option<usize> {
    if !io::stdout().is_terminal() {
        return None;
    }
    let set = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let found = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    set.or_else(found).filter(|width| *width > 0)
}

/// A time as tables show it; their column's title says that it is UTC.
pub(super) fn time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M").to_string()
}

/// A document without what is absent.
pub(super) fn present(mut document: Value) -> Value {
    if let Some(fields) = document.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    document
}

/// What a document has in a field, as one line without control characters.
fn cell(document: &Value, name: &str) -> String {
    fn text(value: &Value) -> String {
        match value {
            Value::String(text) => plain(text),
            Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
            value => value.to_string(),
        }
    }
    document.get(name).map_or_else(String::new, text)
}

/// A document as a row of a table.
pub(super) fn row(fields: &[Field], document: &Value) -> Vec<String> {
    let columns = fields.iter().filter_map(|(name, column)| Some((name, (*column)?)));
    columns.map(|(name, column)| (column.short)(&cell(document, name))).collect()
}

/// The columns of a table that has these fields.
pub(super) fn columns(fields: &[Field]) -> Vec<Column> {
    fields.iter().filter_map(|(_, column)| *column).collect()
}

/// Prints groups of rows as one table, whose columns are the same in each.
pub(super) fn table(columns: &[Column], groups: &[Group]) -> Result<(), Failure> {
    let (lines, left_out) = lay_out(columns, groups, width());
    let mut out = anstream::stdout().lock();
    for line in lines {
        writeln!(out, "{line}")?;
    }
    if !left_out.is_empty() {
        note(&format!("Left out: {}. `| less -S` shows them", left_out.join(", ")));
    }
    Ok(())
}

/// A row in CSV (RFC 4180). A cell that a spreadsheet would take for a formula gets an apostrophe before it ("CSV
/// Injection", OWASP).
fn csv(row: impl IntoIterator<Item = String>) -> Result<Vec<u8>, Failure> {
    let cell = |cell: String| if cell.starts_with(['=', '+', '-', '@']) { format!("'{cell}") } else { cell };
    let mut line = csv::Writer::from_writer(Vec::new());
    line.write_record(row.into_iter().map(cell))?;
    Ok(line.into_inner()?)
}

/// Prints one document after the other, as far as the form allows it.
pub(super) struct Printer {
    output: Output,
    fields: &'static [Field],
    out: BufWriter<StdoutLock<'static>>,
    /// A table is as wide as its widest row, so it is held whole.
    rows: Vec<Vec<String>>,
}

impl Printer {
    pub(super) fn new(output: Output, fields: &'static [Field]) -> Result<Self, Failure> {
        let mut out = BufWriter::new(io::stdout().lock());
        if output == Output::Csv {
            out.write_all(&csv(fields.iter().map(|(name, _)| (*name).to_owned()))?)?;
        }
        Ok(Self { output, fields, out, rows: Vec::new() })
    }

    pub(super) fn print(&mut self, document: &Value) -> Result<(), Failure> {
        match self.output {
            Output::Json => writeln!(self.out, "{document}")?,
            Output::Csv => {
                self.out.write_all(&csv(self.fields.iter().map(|(name, _)| cell(document, name)))?)?;
            }
            Output::Table => self.rows.push(row(self.fields, document)),
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<(), Failure> {
        if !self.rows.is_empty() {
            table(&columns(self.fields), &[Group { rows: self.rows, ..Group::default() }])?;
        }
        Ok(self.out.flush()?)
    }
}
