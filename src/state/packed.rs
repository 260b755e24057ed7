//! Rows and records as they are stored: gzipped JSON lines, which `base64 -d | zcat` shows to anybody.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::Serialize;

use crate::model::AccountId;
use crate::state::account::Row;
use crate::state::log::Record;

/// The rows of a chunk, in the order in which they are given, each beside its account.
pub fn rows<'a>(rows: impl IntoIterator<Item = (AccountId, &'a Row)>) -> Vec<u8> {
    let lines: Vec<Vec<u8>> = rows.into_iter().map(|row| line(&row)).collect();
    zipped(&lines.concat())
}

/// The rows of a chunk, back again.
pub fn read_rows(data: &[u8]) -> Result<Vec<(AccountId, Row)>, String> {
    each(data, |line| serde_json::from_slice(line))
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
