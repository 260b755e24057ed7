//! Rows and records as they are stored: gzipped JSON lines, which `base64 -d | zcat` shows to anybody.

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
struct Line {
    account_id: AccountId,
    status: Status,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error_code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error_message: Option<String>,
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
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    turns: Vec<Timestamp>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    flapping: bool,
    #[serde(rename = "Sequence")]
    epoch: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    incident: Option<Incident>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pending_resolution: Option<Box<ClosedIncident>>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl From<(AccountId, &Row)> for Line {
    fn from((account_id, row): (AccountId, &Row)) -> Self {
        let State { status, error_code, error_message, last_update, stuck, reminder, silenced } =
            row.state.clone();
        Self {
            account_id,
            status,
            error_code,
            error_message,
            last_update_time: last_update,
            stuck,
            reminder,
            silenced,
            failing_since: row.failing_since,
            turns: row.turns.clone(),
            flapping: row.flapping,
            epoch: row.epoch,
            incident: row.incident.clone(),
            pending_resolution: row.pending_resolution.clone(),
        }
    }
}

impl From<Line> for (AccountId, Row) {
    fn from(line: Line) -> Self {
        let state = State {
            status: line.status,
            error_code: line.error_code,
            error_message: line.error_message,
            last_update: line.last_update_time,
            stuck: line.stuck,
            reminder: line.reminder,
            silenced: line.silenced,
        };
        let row = Row {
            state,
            failing_since: line.failing_since,
            turns: line.turns,
            flapping: line.flapping,
            epoch: line.epoch,
            incident: line.incident,
            pending_resolution: line.pending_resolution,
        };
        (line.account_id, row)
    }
}

/// The rows of a chunk, in the order in which they are given.
pub fn rows<'a>(rows: impl IntoIterator<Item = (AccountId, &'a Row)>) -> Vec<u8> {
    let lines: Vec<Vec<u8>> = rows.into_iter().map(|row| line(&Line::from(row))).collect();
    zipped(&lines.concat())
}

/// The rows of a chunk, back again.
pub fn read_rows(data: &[u8]) -> Result<Vec<(AccountId, Row)>, String> {
    each(data, |line| serde_json::from_slice::<Line>(line).map(Into::into))
}

/// The line of a row or a record.
pub fn line(item: &impl Serialize) -> Vec<u8> {
    // None of these types fails.
    let mut line = serde_json::to_vec(item).unwrap_or_default();
    line.push(b'\n');
    line
}

/// The records of a part of the log.
pub fn read_records(data: &[u8]) -> Result<Vec<Record>, String> {
    // The first field says whose record it is: serde would read each line into a value of its own first.
    each(data, |line| match line.starts_with(br#"{"Kind":"#) {
        true => serde_json::from_slice(line).map(Record::Pack),
        false => serde_json::from_slice(line).map(Record::Account),
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

fn each<T>(data: &[u8], of: impl Fn(&[u8]) -> Result<T, serde_json::Error>) -> Result<Vec<T>, String> {
    let text = unzipped(data)?;
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| of(line).map_err(|error| error.to_string())).collect()
}

#[cfg(test)]
mod tests;
