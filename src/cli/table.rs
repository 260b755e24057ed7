//! Tables and CSV.

use std::io::{self, Stdout, Write};

use clap::ValueEnum;
use comfy_table::{Table, presets};

use super::outcome::Failure;
use crate::model::text::plain;

/// How a list is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    Json,
    Table,
    Csv,
}

/// Prints rows as a table, as wide as the terminal.
pub(super) fn table(header: &[&str], rows: &[Vec<String>]) -> Result<(), Failure> {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_header(header);
    for row in rows {
        table.add_row(row.iter().map(|cell| plain(cell)));
    }
    Ok(writeln!(io::stdout(), "{table}")?)
}

/// Prints rows as CSV (RFC 4180).
pub(super) fn csv(header: &[&str], rows: &[Vec<String>]) -> Result<(), Failure> {
    let mut csv = Csv::new(header)?;
    for row in rows {
        csv.row(row)?;
    }
    csv.finish()
}

/// CSV, a row at a time. A cell that a spreadsheet would take for a formula gets an apostrophe before it ("CSV
/// Injection", OWASP).
pub(super) struct Csv(csv::Writer<Stdout>);

impl Csv {
    pub(super) fn new(header: &[&str]) -> Result<Self, Failure> {
        let mut writer = csv::Writer::from_writer(io::stdout());
        writer.write_record(header).map_err(io_error)?;
        Ok(Self(writer))
    }

    pub(super) fn row(&mut self, row: &[String]) -> Result<(), Failure> {
        let cell = |cell: &String| match cell.chars().next() {
            Some('=' | '+' | '-' | '@' | '\t' | '\r') => format!("'{cell}"),
            _ => cell.clone(),
        };
        Ok(self.0.write_record(row.iter().map(cell)).map_err(io_error)?)
    }

    pub(super) fn finish(mut self) -> Result<(), Failure> {
        Ok(self.0.flush()?)
    }
}

/// What is behind a failed row, so that a reader who has seen enough is recognised.
fn io_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}
