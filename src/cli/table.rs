//! Tables and CSV.

use std::io::{self, Write};

use clap::ValueEnum;
use comfy_table::{Table, presets};

use super::Failure;
use crate::harmless::plain;

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

/// Prints rows as CSV (RFC 4180). A cell that a spreadsheet would take for a formula gets an apostrophe
/// before it ("CSV Injection", OWASP).
pub(super) fn csv(header: &[&str], rows: &[Vec<String>]) -> Result<(), Failure> {
    let mut writer = csv::Writer::from_writer(io::stdout());
    writer.write_record(header)?;
    for row in rows {
        let cell = |cell: &String| match cell.chars().next() {
            Some('=' | '+' | '-' | '@' | '\t' | '\r') => format!("'{cell}"),
            _ => cell.clone(),
        };
        writer.write_record(row.iter().map(cell))?;
    }
    Ok(writer.flush()?)
}
