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
    zipped(&lines(rows))
}

/// The rows of a chunk, back again.
pub fn read_rows(data: &[u8]) -> Result<Vec<(AccountId, Row)>, String> {
    each(data, |line| serde_json::from_str(line))
}

/// A line for each row or record.
pub fn lines(items: impl IntoIterator<Item = impl Serialize>) -> Vec<u8> {
    let mut text = Vec::new();
    for item in items {
        // None of these types fails.
        let _ = serde_json::to_writer(&mut text, &item);
        text.push(b'\n');
    }
    text
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
