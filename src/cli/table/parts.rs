//! What a table is made of: columns, and groups of rows.

use anstyle::AnsiColor;

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
pub(in crate::cli) struct Column {
    pub(super) title: &'static str,
    pub(super) is_number: bool,
    pub(super) cut: Cut,
    pub(super) least: usize,
    /// Which is left out first where cutting is not enough; 0: none of these.
    pub(super) spare: u8,
    pub(super) colour: fn(&str) -> Option<AnsiColor>,
}

impl Column {
    /// Text that is shown whole.
    pub(in crate::cli) const fn text(title: &'static str) -> Self {
        Self { title, is_number: false, cut: Cut::Never, least: 0, spare: 0, colour: |_| None }
    }

    /// A name, which may be cut in the middle.
    pub(in crate::cli) const fn name(title: &'static str, least: usize) -> Self {
        Self { cut: Cut::Middle, least, ..Self::text(title) }
    }

    /// Prose, which may be cut at its end.
    pub(in crate::cli) const fn prose(title: &'static str, least: usize) -> Self {
        Self { cut: Cut::End, least, ..Self::text(title) }
    }

    /// An id, of which the beginning is shown.
    pub(in crate::cli) const fn id(title: &'static str) -> Self {
        Self { cut: Cut::Id, least: 8, ..Self::text(title) }
    }

    /// A number.
    pub(in crate::cli) const fn number(title: &'static str) -> Self {
        Self { is_number: true, ..Self::text(title) }
    }

    /// The same, left out where there is no room: the largest first.
    pub(in crate::cli) const fn spare(self, spare: u8) -> Self {
        Self { spare, ..self }
    }

    /// The same, in the colour of what stands in it.
    pub(in crate::cli) const fn coloured(self, colour: fn(&str) -> Option<AnsiColor>) -> Self {
        Self { colour, ..self }
    }
}

/// Rows under one heading.
#[derive(Debug, Default)]
pub(in crate::cli) struct Group {
    pub(in crate::cli) title: Option<String>,
    /// What stands below the title.
    pub(in crate::cli) about: Option<String>,
    pub(in crate::cli) rows: Vec<Vec<String>>,
    /// What stands below the rows.
    pub(in crate::cli) footing: Option<String>,
}
