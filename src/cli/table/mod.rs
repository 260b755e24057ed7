//! Tables that fit the terminal, and CSV.

mod csv;
mod layout;
mod list;
mod parts;

use std::io::{self, IsTerminal, Write};

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use self::csv::Csv;
use self::layout::{Layout, lay_out};
pub(super) use self::list::{Field, Printer};
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
