//! Lists as JSON and CSV, and as tables that fit the terminal.

mod layout;
mod parts;

use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use serde_json::{Map, Value};

use self::layout::lay_out;
pub(super) use self::parts::{Column, Group};
use super::outcome::{Failure, note};
use crate::model::text::plain;

/// How a list is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    Json,
    Table,
    Csv,
}

/// How wide a table may be.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct Wide {
    /// Tables with every column and nothing cut, as when they are piped
    #[arg(long)]
    wide: bool,
}

impl Wide {
    /// The columns of the terminal; `None` where there is none, or it is not to count.
    fn width(self) -> Option<usize> {
        if self.wide || !io::stdout().is_terminal() {
            return None;
        }
        let set = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
        let found = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
        set.or_else(found).filter(|width| *width > 0)
    }
}

/// A time as tables show it; their column's title says that it is UTC.
pub(super) fn time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M").to_string()
}

/// Prints groups of rows as one table, whose columns are the same in each.
pub(super) fn table(columns: &[Column], mut groups: Vec<Group>, wide: Wide) -> Result<(), Failure> {
    for cell in groups.iter_mut().flat_map(|group| &mut group.rows).flatten() {
        *cell = plain(cell);
    }
    let width = wide.width();
    let (lines, left_out) = lay_out(columns, &groups, width);
    let mut out = anstream::stdout().lock();
    for line in lines {
        writeln!(out, "{line}")?;
    }
    if let (Some(width), false) = (width, left_out.is_empty()) {
        note(&format!("Left out to fit {width} columns: {}. --wide shows them", left_out.join(", ")));
    }
    Ok(())
}

/// A row in CSV (RFC 4180). A cell is one line without control characters. One that a spreadsheet would take for a formula
/// gets an apostrophe before it ("CSV Injection", OWASP).
fn csv<'a>(row: impl IntoIterator<Item = &'a str>) -> Result<Vec<u8>, Failure> {
    let cell = |cell| match plain(cell) {
        cell if cell.starts_with(['=', '+', '-', '@']) => format!("'{cell}"),
        cell => cell,
    };
    let mut line = csv::Writer::from_writer(Vec::new());
    line.write_record(row.into_iter().map(cell))?;
    Ok(line.into_inner()?)
}

/// A field's name in CSV, and its column in a table, if it has one.
pub(super) type Field = (&'static str, Option<Column>);

/// What fields hold as a document: what is absent is left out.
pub(super) fn document(fields: &[Field], row: Vec<String>) -> Map<String, Value> {
    let fields = fields.iter().zip(row).filter(|(_, cell)| !cell.is_empty());
    fields.map(|((name, _), cell)| ((*name).to_owned(), Value::String(cell))).collect()
}

/// Prints one item after the other, as far as the form allows it.
pub(super) struct Printer {
    output: Output,
    fields: &'static [Field],
    wide: Wide,
    out: BufWriter<StdoutLock<'static>>,
    /// A table is as wide as its widest row, so it is held whole.
    rows: Vec<Vec<String>>,
}

impl Printer {
    pub(super) fn new(output: Output, fields: &'static [Field], wide: Wide) -> Result<Self, Failure> {
        let mut out = BufWriter::new(io::stdout().lock());
        if output == Output::Csv {
            out.write_all(&csv(fields.iter().map(|(name, _)| *name))?)?;
        }
        Ok(Self { output, fields, wide, out, rows: Vec::new() })
    }

    /// Prints an item: its document, or what its fields hold, times in the form that they are to have there.
    pub(super) fn print(
        &mut self,
        document: impl FnOnce() -> String,
        row: impl FnOnce(fn(Timestamp) -> String) -> Vec<String>,
    ) -> Result<(), Failure> {
        match self.output {
            Output::Json => writeln!(self.out, "{}", document())?,
            Output::Csv => {
                let row = row(|time| time.to_string());
                self.out.write_all(&csv(row.iter().map(String::as_str))?)?;
            }
            Output::Table => {
                let cells = self.fields.iter().zip(row(time)).filter(|((_, column), _)| column.is_some());
                self.rows.push(cells.map(|(_, cell)| cell).collect());
            }
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<(), Failure> {
        if !self.rows.is_empty() {
            let columns: Vec<Column> = self.fields.iter().filter_map(|(_, column)| *column).collect();
            table(&columns, vec![Group { rows: self.rows, ..Group::default() }], self.wide)?;
        }
        Ok(self.out.flush()?)
    }
}
