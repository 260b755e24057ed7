//! A list in the form that was asked for.

use std::io::{self, BufWriter, StdoutLock, Write};

use jiff::Timestamp;

use super::{Cell, Column, Csv, Output, Wide, table, time};
use crate::cli::outcome::Failure;

/// A field's name in CSV, and its column in a table, if it has one.
pub(in crate::cli) type Field = (&'static str, Option<Column<'static>>);

/// Prints one item after the other, as far as the form allows it.
pub(in crate::cli) enum Printer {
    Json(BufWriter<StdoutLock<'static>>),
    Csv(Box<Csv>),
    Table(Vec<Vec<Cell>>, &'static [Field], Wide),
}

impl Printer {
    pub(in crate::cli) fn new(output: Output, fields: &'static [Field], wide: Wide) -> Result<Self, Failure> {
        Ok(match output {
            Output::Json => Self::Json(BufWriter::new(io::stdout().lock())),
            Output::Csv => Self::Csv(Box::new(Csv::new(fields.iter().map(|(name, _)| name))?)),
            Output::Table => Self::Table(Vec::new(), fields, wide),
        })
    }

    /// Prints an item: its document, or what its fields hold, times in the form that they are to have there.
    pub(in crate::cli) fn print(
        &mut self,
        document: impl FnOnce() -> String,
        row: impl FnOnce(fn(Timestamp) -> String) -> Vec<String>,
    ) -> Result<(), Failure> {
        match self {
            Self::Json(out) => writeln!(out, "{}", document())?,
            Self::Csv(csv) => csv.row(&row(|time| time.to_string()))?,
            Self::Table(rows, fields, _) => {
                let cells = fields.iter().zip(row(time)).filter(|((_, column), _)| column.is_some());
                rows.push(cells.map(|(_, cell)| cell.into()).collect());
            }
        }
        Ok(())
    }

    pub(in crate::cli) fn finish(self) -> Result<(), Failure> {
        match self {
            Self::Json(mut out) => Ok(out.flush()?),
            Self::Csv(csv) => csv.finish(),
            Self::Table(rows, ..) if rows.is_empty() => Ok(()),
            Self::Table(rows, fields, wide) => {
                let columns: Vec<Column<'_>> = fields.iter().filter_map(|(_, column)| *column).collect();
                table(&columns, rows, wide)
            }
        }
    }
}
