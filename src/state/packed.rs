//! Rows and records as they are stored: gzipped JSON lines, which `base64 -d | zcat` shows to anybody.

use std::borrow::Cow;
use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{AccountId, Status};
use crate::state::account::{ClosedIncident, Incident, Row, State};
use crate::state::log::Record;

/// The line of a row. Flat, and by hand: serde's `flatten` took up to twice as long.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Line<'a> {
    account_id: AccountId,
    status: Cow<'a, Status>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error_code: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error_message: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_update_time: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    stuck: bool,
    #[serde(default, skip_serializing_if = "is_zero")]
    reminder: u64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    silenced: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failing_since: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    turns: Cow<'a, [Timestamp]>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    flapping: bool,
    #[serde(rename = "Sequence")]
    epoch: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    incident: Option<Cow<'a, Incident>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pending_resolution: Option<Cow<'a, ClosedIncident>>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl<'a> From<(AccountId, &'a Row)> for Line<'a> {
    fn from((account_id, row): (AccountId, &'a Row)) -> Self {
        let State { status, error_code, error_message, last_update, stuck, reminder, silenced } = &row.state;
        Self {
            account_id,
            status: Cow::Borrowed(status),
            error_code: error_code.as_deref().map(Cow::Borrowed),
            error_message: error_message.as_deref().map(Cow::Borrowed),
            last_update_time: *last_update,
            stuck: *stuck,
            reminder: *reminder,
            silenced: *silenced,
            failing_since: row.failing_since,
            turns: Cow::Borrowed(&row.turns),
            flapping: row.flapping,
            epoch: row.epoch,
            incident: row.incident.as_ref().map(Cow::Borrowed),
            pending_resolution: row.pending_resolution.as_deref().map(Cow::Borrowed),
        }
    }
}

impl From<Line<'_>> for (AccountId, Row) {
    fn from(line: Line<'_>) -> Self {
        let state = State {
            status: line.status.into_owned(),
            error_code: line.error_code.map(Cow::into_owned),
            error_message: line.error_message.map(Cow::into_owned),
            last_update: line.last_update_time,
            stuck: line.stuck,
            reminder: line.reminder,
            silenced: line.silenced,
        };
        let row = Row {
            state,
            failing_since: line.failing_since,
            turns: line.turns.into_owned(),
            flapping: line.flapping,
            epoch: line.epoch,
            incident: line.incident.map(Cow::into_owned),
            pending_resolution: line.pending_resolution.map(|incident| Box::new(incident.into_owned())),
        };
        (line.account_id, row)
    }
}

/// The rows of a chunk, in the order in which they are given.
pub fn rows<'a>(rows: impl IntoIterator<Item = (AccountId, &'a Row)>) -> Vec<u8> {
    let mut text = Vec::new();
    rows.into_iter().for_each(|row| write_line(&mut text, &Line::from(row)));
    zipped(&text)
}

/// The rows of a chunk, back again.
pub fn read_rows(data: &[u8]) -> Result<Vec<(AccountId, Row)>, String> {
    each(data, |line| serde_json::from_str::<Line<'_>>(line).map(Into::into))
}

/// Adds the line of a row or a record.
pub fn write_line(text: &mut Vec<u8>, item: &impl Serialize) {
    // None of these types fails.
    let _ = serde_json::to_writer(&mut *text, item);
    text.push(b'\n');
}

/// The records of a part of the log.
pub fn read_records(data: &[u8]) -> Result<Vec<Record>, String> {
    // The first field says whose record it is: serde would read each line into a value of its own first.
    each(data, |line| match line.starts_with(r#"{"Kind":"#) {
        true => serde_json::from_str(line).map(Record::Pack),
        false => serde_json::from_str(line).map(Record::Account),
    })
}

/// Text as it is stored.
pub fn zipped(text: &[u8]) -> Vec<u8> {
    // The lines are so alike that more effort saves little, and costs most of a commit's time.
    let mut zip = GzEncoder::new(Vec::new(), Compression::new(1));
    let written = zip.write_all(text).and_then(|()| zip.finish());
    written.unwrap_or_default()
}

/// Text as it was before it was stored.
pub fn unzipped(data: &[u8]) -> Result<Vec<u8>, String> {
    let mut text = Vec::new();
    GzDecoder::new(data).read_to_end(&mut text).map_err(|error| error.to_string())?;
    Ok(text)
}

fn each<T>(data: &[u8], of: impl Fn(&str) -> Result<T, serde_json::Error>) -> Result<Vec<T>, String> {
    let text = String::from_utf8(unzipped(data)?).map_err(|error| error.to_string())?;
    let lines = text.lines().filter(|line| !line.is_empty());
    // They are large: a vector that grows would copy them.
    let mut items = Vec::with_capacity(lines.clone().count());
    for line in lines {
        items.push(of(line).map_err(|error| error.to_string())?);
    }
    Ok(items)
}

#[cfg(test)]
mod tests;
