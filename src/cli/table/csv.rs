//! CSV.

use std::io::{self, Stdout};

use crate::cli::outcome::Failure;
use crate::model::text::plain;

/// CSV (RFC 4180), a row at a time. A cell is one line without control characters. One that a spreadsheet would take for a formula
/// gets an apostrophe before it ("CSV Injection", OWASP).
pub(in crate::cli) struct Csv(csv::Writer<Stdout>);

impl Csv {
    pub(in crate::cli) fn new(header: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Result<Self, Failure> {
        let mut writer = csv::Writer::from_writer(io::stdout());
        writer.write_record(header).map_err(io_error)?;
        Ok(Self(writer))
    }

    pub(in crate::cli) fn row(&mut self, row: &[String]) -> Result<(), Failure> {
        let cell = |cell: &String| match plain(cell) {
            cell if cell.starts_with(['=', '+', '-', '@']) => format!("'{cell}"),
            cell => cell,
        };
        Ok(self.0.write_record(row.iter().map(cell)).map_err(io_error)?)
    }

    pub(in crate::cli) fn finish(mut self) -> Result<(), Failure> {
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
