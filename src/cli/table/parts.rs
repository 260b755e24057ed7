//! What a table is made of: columns, cells, and groups of rows.

use anstyle::{AnsiColor, Style};

use crate::model::text::{grouped, plain};

/// What a column gives up where there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    Never,
    /// Of a name, in which the beginning and the end say most.
    Middle,
    /// Of a text.
    End,
    /// Of an id, of which a beginning is enough.
    Id,
}

/// A column.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) struct Column<'a> {
    pub(super) title: &'a str,
    pub(super) is_number: bool,
    pub(super) cut: Cut,
    pub(super) least: usize,
    /// Which is left out first where cutting is not enough; 0: none of these.
    pub(super) spare: u8,
}

impl<'a> Column<'a> {
    /// Text that is shown whole.
    pub(in crate::cli) const fn text(title: &'a str) -> Self {
        Self { title, is_number: false, cut: Cut::Never, least: 0, spare: 0 }
    }

    /// A name, which may be cut in the middle.
    pub(in crate::cli) const fn name(title: &'a str, least: usize) -> Self {
        Self { cut: Cut::Middle, least, ..Self::text(title) }
    }

    /// Prose, which may be cut at its end.
    pub(in crate::cli) const fn prose(title: &'a str, least: usize) -> Self {
        Self { cut: Cut::End, least, ..Self::text(title) }
    }

    /// An id, of which the beginning is shown.
    pub(in crate::cli) const fn id(title: &'a str) -> Self {
        Self { cut: Cut::Id, least: 8, ..Self::text(title) }
    }

    /// A number.
    pub(in crate::cli) const fn number(title: &'a str) -> Self {
        Self { is_number: true, ..Self::text(title) }
    }

    /// The same, left out where there is no room: the largest first.
    pub(in crate::cli) const fn spare(self, spare: u8) -> Self {
        Self { spare, ..self }
    }
}

/// What stands in a row's column.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Cell {
    pub(super) text: String,
    pub(super) style: Style,
    pub(super) is_empty: bool,
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        let text = plain(&text);
        Self { is_empty: text.is_empty(), style: Style::new(), text }
    }
}

impl From<u64> for Cell {
    fn from(n: u64) -> Self {
        Self { text: grouped(n), style: Style::new(), is_empty: n == 0 }
    }
}

impl Cell {
    pub(in crate::cli) fn coloured(self, colour: Option<AnsiColor>) -> Self {
        Self { style: Style::new().fg_color(colour.map(Into::into)), ..self }
    }
}

/// Rows under one heading.
#[derive(Debug, Default)]
pub(in crate::cli) struct Group {
    pub(in crate::cli) title: Option<String>,
    /// What stands below the title.
    pub(in crate::cli) about: Option<String>,
    pub(in crate::cli) rows: Vec<Vec<Cell>>,
    /// What stands below the rows.
    pub(in crate::cli) footing: Option<String>,
}
