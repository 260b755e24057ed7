//! Rows and records as they are stored: gzipped JSON lines, which `base64 -d | zcat` shows to anybody.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;
use serde::Serialize;

use crate::model::AccountId;
use crate::state::account::{Row, Rows};
use crate::state::log::Record;

/// The rows of a chunk, in the order in which they are given, each beside its account.
pub fn rows<'a>(rows: impl IntoIterator<Item = (AccountId, &'a Row)>) -> Vec<u8> {
    zipped(&lines(rows))
}

/// The rows of a chunk, back again, beside those of others.
pub fn read_rows(data: &[u8], rows: &mut Rows) -> Result<(), String> {
    each(data, |line| serde_json::from_str(line).map(|(account, row)| drop(rows.insert(account, row))))
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
    // About as many as a part has: they are large, and a vector that grows would copy them.
    let mut records = Vec::with_capacity(300);
    // The first field says whose record it is: serde would read each line into a value of its own first.
    each(data, |line| {
        records.push(match line.starts_with(r#"{"Kind":"#) {
            true => Record::Pack(serde_json::from_str(line)?),
            false => Record::Account(serde_json::from_str(line)?),
        });
        Ok(())
    })?;
    Ok(records)
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
    // Lines that are so alike shrink to a tenth, about.
    let mut text = Vec::with_capacity(10 * data.len());
    GzDecoder::new(data).read_to_end(&mut text).map_err(|error| error.to_string())?;
    Ok(text)
}

fn each(data: &[u8], mut take: impl FnMut(&str) -> Result<(), serde_json::Error>) -> Result<(), String> {
    let text = String::from_utf8(unzipped(data)?).map_err(|error| error.to_string())?;
    let mut lines = text.split('\n').filter(|line| !line.is_empty());
    lines.try_for_each(|line| take(line).map_err(|error| error.to_string()))
}

#[cfg(test)]
mod tests;
