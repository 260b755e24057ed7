//! Recorded statuses: what `aws configservice get-organization-conformance-pack-detailed-status`
//! printed, in the place of AWS Config. One document is one organization conformance pack.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, Unit};
use serde::de::{Error, Unexpected};
use serde::{Deserialize, Deserializer};

use crate::model::text::{bounded, plain};
use crate::model::{AccountId, DetailedStatus, PackName, Region, Status, Target};
use crate::ports::{Filters, Page, PageRequest, SourceError, StatusSource};

/// Longest description of what is wrong, in bytes: it quotes the document.
const LONGEST_ERROR: usize = 600;

/// Recorded packs of one region.
#[derive(Debug, Clone)]
pub struct RecordedStatuses {
    region: Region,
    packs: BTreeMap<PackName, Vec<DetailedStatus>>,
}

impl RecordedStatuses {
    /// No packs yet.
    pub fn new(region: Region) -> Self {
        Self { region, packs: BTreeMap::new() }
    }

    /// Adds a pack from a document.
    pub fn add(&mut self, pack: PackName, document: &str) -> Result<(), String> {
        if self.packs.contains_key(&pack) {
            return Err(format!("the pack {pack} is given twice"));
        }
        let mut rows = rows(document).map_err(|problem| {
            format!(
                "{problem}. It must be what this prints: aws configservice \
                 get-organization-conformance-pack-detailed-status --output json \
                 --organization-conformance-pack-name {pack}"
            )
        })?;
        // Pages that were read one after the other may have an account twice: the later row counts.
        rows.sort_by_key(|row| row.last_update);
        let rows: BTreeMap<AccountId, _> = rows.into_iter().map(|row| (row.account, row)).collect();
        self.packs.insert(pack, rows.into_values().collect());
        Ok(())
    }

    /// The rows of each target.
    pub fn rows(&self) -> impl Iterator<Item = (Target, &[DetailedStatus])> {
        let target = |pack: &PackName| Target { region: self.region.clone(), pack: pack.clone() };
        self.packs.iter().map(move |(pack, rows)| (target(pack), rows.as_slice()))
    }
}

/// What is held whole comes as one page.
impl StatusSource for RecordedStatuses {
    async fn packs(&self, region: &Region, _: &PageRequest) -> Result<Page<PackName>, SourceError> {
        let here = self.packs.keys().filter(|_| *region == self.region);
        Ok(Page { items: here.cloned().collect(), next_token: None })
    }

    async fn statuses(
        &self,
        target: &Target,
        filters: &Filters,
        _: &PageRequest,
    ) -> Result<Page<DetailedStatus>, SourceError> {
        let rows = self.packs.get(&target.pack).filter(|_| target.region == self.region);
        let why = || SourceError::Gone(format!("{target} is not among the recorded statuses"));
        let rows = rows.ok_or_else(why)?;
        let wanted = |row: &&DetailedStatus| {
            filters.account.is_none_or(|account| account == row.account)
                && filters.status.as_ref().is_none_or(|status| *status == row.status)
        };
        Ok(Page { items: rows.iter().filter(wanted).cloned().collect(), next_token: None })
    }
}

/// What a recording may look like: the AWS CLI's document, or its rows alone (`--query`).
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    #[serde(rename = "OrganizationConformancePackDetailedStatuses")]
    rows: Vec<Row>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
struct Row(#[serde(with = "RowForm")] DetailedStatus);

#[derive(Deserialize)]
#[serde(remote = "DetailedStatus", rename_all = "PascalCase")]
struct RowForm {
    #[serde(rename = "AccountId")]
    account: AccountId,
    conformance_pack_name: String,
    status: Status,
    error_code: Option<String>,
    error_message: Option<String>,
    #[serde(rename = "LastUpdateTime", default, deserialize_with = "time")]
    last_update: Option<Timestamp>,
}

/// The rows of a recording, in its order.
fn rows(text: &str) -> Result<Vec<DetailedStatus>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("it is empty".to_owned());
    }
    let document = match text.starts_with('[') {
        true => serde_json::from_str(text).map(|rows| Document { rows, next_token: None }),
        false => serde_json::from_str(text),
    };
    let Document { rows, next_token } = document.map_err(|error| explain(text, &error))?;
    if next_token.is_some_and(|token| !token.is_empty()) {
        return Err(
            "it has a NextToken, so it is only a part. --no-paginate and --max-items cut so".to_owned()
        );
    }
    Ok(rows.into_iter().map(|Row(row)| row).collect())
}

/// What a text is that cannot be read: another --output, a page, what the AWS CLI says when it fails.
fn explain(text: &str, error: &serde_json::Error) -> String {
    let first_line = text.lines().next().unwrap_or_default();
    let error = match text.starts_with(['{', '[']) {
        true => error.to_string(),
        false => format!("it is not the JSON that was expected, but begins with {first_line}"),
    };
    bounded(plain(&error), LONGEST_ERROR)
}

/// A time as version 2 of the AWS CLI writes it, or as version 1 does: in seconds since 1970.
#[derive(Deserialize)]
#[serde(untagged)]
enum Time {
    Seconds(f64),
    Text(String),
}

/// A time that no status can have is none, as where AWS Config itself is read.
fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    match Option::deserialize(deserializer)? {
        None => Ok(None),
        Some(Time::Seconds(seconds)) => {
            let since_1970 = SignedDuration::try_from_secs_f64(seconds).ok();
            let time = since_1970.and_then(|duration| Timestamp::from_duration(duration).ok());
            Ok(time.and_then(|time| time.round(Unit::Millisecond).ok()))
        }
        Some(Time::Text(text)) => match text.parse() {
            Ok(time) => Ok(Some(time)),
            Err(_) => {
                let wanted = "a time with its zone, such as 2026-11-18T09:12:44.123000+00:00";
                Err(D::Error::invalid_value(Unexpected::Str(&text), &wanted))
            }
        },
    }
}
