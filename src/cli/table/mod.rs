//! Lists as JSON and CSV, and as tables that fit the terminal.

mod csv;
mod layout;
mod parts;

use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use self::csv::Csv;
use self::layout::{Layout, lay_out};
pub(super) use self::parts::{Cell, Column, Group};
use super::outcome::{Failure, note};

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

/// Prints rows as a table.
pub(super) fn table(columns: &[Column<'_>], rows: Vec<Vec<Cell>>, wide: Wide) -> Result<(), Failure> {
    grouped_table(columns, &[Group { rows, ..Group::default() }], wide)
}

/// Prints groups of rows as one table, whose columns are the same in each.
pub(super) fn grouped_table(columns: &[Column<'_>], groups: &[Group], wide: Wide) -> Result<(), Failure> {
    let width = wide.width();
    let Layout { lines, left_out } = lay_out(columns, groups, width);
    let mut out = anstream::stdout().lock();
    for line in lines {
        writeln!(out, "{line}")?;
    }
    if let (Some(width), false) = (width, left_out.is_empty()) {
        note(&format!("Left out to fit {width} columns: {}. --wide shows them", left_out.join(", ")));
    }
    Ok(())
}

/// A field's name in CSV, and its column in a table, if it has one.
pub(super) type Field = (&'static str, Option<Column<'static>>);

/// Prints one item after the other, as far as the form allows it.
pub(super) enum Printer {
    Json(BufWriter<StdoutLock<'static>>),
    Csv(Box<Csv>),
    Table(Vec<Vec<Cell>>, &'static [Field], Wide),
}

impl Printer {
    pub(super) fn new(output: Output, fields: &'static [Field], wide: Wide) -> Result<Self, Failure> {
        Ok(match output {
            Output::Json => Self::Json(BufWriter::new(io::stdout().lock())),
            Output::Csv => Self::Csv(Box::new(Csv::new(fields.iter().map(|(name, _)| name))?)),
            Output::Table => Self::Table(Vec::new(), fields, wide),
        })
    }

    /// Prints an item: its document, or what its fields hold, times in the form that they are to have there.
    pub(super) fn print(
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

    pub(super) fn finish(self) -> Result<(), Failure> {
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
