//! Recorded statuses: what `aws configservice get-organization-conformance-pack-detailed-status`
//! printed, in the place of AWS Config. One document is one organization conformance pack.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use jiff::{Timestamp, Unit};
use serde::{Deserialize, Deserializer};

use crate::model::text::{bounded, plain};
use crate::model::{AccountId, DetailedStatus, PackName, Region, Status, Target};
use crate::ports::{Filters, Page, PageRequest, SourceError, StatusSource};

/// AWS Config's own default.
const PAGE: u64 = 100;

/// Longest description of what is wrong, in bytes: it quotes the document.
const LONGEST_ERROR: usize = 1000;

/// What is wrong with a statuses document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{origin}: {problem}")]
pub struct StatusesError {
    origin: String,
    problem: String,
}

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

    /// Adds a pack from a document; `origin` says in errors where it came from.
    pub fn add(&mut self, pack: PackName, document: &str, origin: &str) -> Result<(), StatusesError> {
        let fault = |problem: String| StatusesError { origin: origin.to_owned(), problem };
        let document: Document = serde_json::from_str(document).map_err(|error| {
            let error = bounded(plain(&error.to_string()), LONGEST_ERROR);
            fault(format!(
                "{error}. Expected what `aws configservice get-organization-conformance-pack-detailed-status \
                 --output json` prints"
            ))
        })?;
        if document.next_token.is_some() {
            let why = "it has a NextToken, so it was cut: record the statuses without --max-items";
            return Err(fault(why.to_owned()));
        }
        if self.packs.contains_key(&pack) {
            return Err(fault(format!("the pack {pack} is given twice")));
        }
        let rows = document.statuses.into_iter().map(DetailedStatus::from).collect();
        self.packs.insert(pack, rows);
        Ok(())
    }

    /// The pack whose name a file's name is: `Security-Baseline.json`.
    pub fn pack_of_file(path: &Path) -> Option<PackName> {
        path.file_stem()?.to_str()?.parse().ok()
    }

    fn not_recorded(&self, target: &Target) -> SourceError {
        SourceError::Gone(format!("{target} is not among the recorded statuses"))
    }
}

#[derive(Deserialize)]
struct Document {
    #[serde(rename = "OrganizationConformancePackDetailedStatuses")]
    statuses: Vec<Recorded>,
    #[serde(rename = "NextToken")]
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Recorded {
    account_id: AccountId,
    #[serde(default)]
    conformance_pack_name: String,
    status: Status,
    error_code: Option<String>,
    error_message: Option<String>,
    #[serde(default, deserialize_with = "time")]
    last_update_time: Option<Timestamp>,
}

impl From<Recorded> for DetailedStatus {
    fn from(recorded: Recorded) -> Self {
        Self {
            account: recorded.account_id,
            conformance_pack_name: recorded.conformance_pack_name,
            status: recorded.status,
            error_code: recorded.error_code,
            error_message: recorded.error_message,
            last_update: recorded.last_update_time,
        }
    }
}

/// A time as either version of the AWS CLI prints it: version 2 as text, version 1 in seconds.
fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    struct Time;
    impl serde::de::Visitor<'_> for Time {
        type Value = Option<Timestamp>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a time such as 2026-11-18T09:12:44.123000+00:00, or seconds since 1970")
        }
        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
            let time = text.parse().map(Some);
            time.map_err(|_| E::invalid_value(serde::de::Unexpected::Str(text), &self))
        }
        fn visit_f64<E: serde::de::Error>(self, seconds: f64) -> Result<Self::Value, E> {
            let wrong = || E::invalid_value(serde::de::Unexpected::Float(seconds), &self);
            let since_1970 = jiff::SignedDuration::try_from_secs_f64(seconds).map_err(|_| wrong())?;
            let time = Timestamp::from_duration(since_1970).and_then(|time| time.round(Unit::Millisecond));
            time.map(Some).map_err(|_| wrong())
        }
        fn visit_u64<E: serde::de::Error>(self, seconds: u64) -> Result<Self::Value, E> {
            let wrong = || E::invalid_value(serde::de::Unexpected::Unsigned(seconds), &self);
            let seconds = i64::try_from(seconds).map_err(|_| wrong())?;
            Timestamp::from_second(seconds).map(Some).map_err(|_| wrong())
        }
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }
    }
    deserializer.deserialize_any(Time)
}

/// A page of what is held whole; the token is the place of its first item.
fn page<T: Clone>(all: &[T], request: &PageRequest) -> Result<Page<T>, SourceError> {
    let refused = || SourceError::TokenRefused("it is not of these statuses".to_owned());
    let start = match &request.token {
        None => 0,
        Some(token) => token.parse().map_err(|_| refused())?,
    };
    let rest = all.get(start..).ok_or_else(refused)?;
    let limit = usize::try_from(request.limit.map_or(PAGE, u64::from)).unwrap_or(usize::MAX);
    let items: Vec<T> = rest.iter().take(limit).cloned().collect();
    let next_token = (items.len() < rest.len()).then(|| (start + items.len()).to_string());
    Ok(Page { items, next_token })
}

impl StatusSource for RecordedStatuses {
    async fn packs(&self, region: &Region, request: &PageRequest) -> Result<Page<PackName>, SourceError> {
        let here = self.packs.keys().filter(|_| *region == self.region);
        page(&here.cloned().collect::<Vec<_>>(), request)
    }

    async fn statuses(
        &self,
        target: &Target,
        filters: &Filters,
        request: &PageRequest,
    ) -> Result<Page<DetailedStatus>, SourceError> {
        let rows = self.packs.get(&target.pack).filter(|_| target.region == self.region);
        let rows = rows.ok_or_else(|| self.not_recorded(target))?;
        let wanted = |row: &&DetailedStatus| {
            filters.account.is_none_or(|account| account == row.account)
                && filters.status.as_ref().is_none_or(|status| *status == row.status)
        };
        page(&rows.iter().filter(wanted).cloned().collect::<Vec<_>>(), request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(document: &str) -> Result<Vec<DetailedStatus>, String> {
        let mut recorded = RecordedStatuses::new("eu-west-1".parse().unwrap());
        let pack: PackName = "P".parse().unwrap();
        recorded.add(pack.clone(), document, "day.json").map_err(|error| error.to_string())?;
        Ok(recorded.packs.remove(&pack).unwrap())
    }

    #[test]
    fn both_versions_of_the_cli_are_read() {
        let of = |time: &str| {
            let row = format!(
                r#"{{"AccountId": "111122223333", "ConformancePackName": "OrgConformsPack-x",
                    "Status": "CREATE_SUCCESSFUL", "LastUpdateTime": {time}}}"#
            );
            add(&format!(r#"{{"OrganizationConformancePackDetailedStatuses": [{row}]}}"#)).unwrap()[0]
                .last_update
        };
        let expected: Timestamp = "2026-11-18T09:12:44.125Z".parse().unwrap();
        assert_eq!(of(r#""2026-11-18T10:12:44.125000+01:00""#), Some(expected));
        assert_eq!(of("1795007564.125").unwrap(), "2026-11-18T13:12:44.125Z".parse().unwrap());
        assert_eq!(of("1795007564").unwrap(), "2026-11-18T13:12:44Z".parse().unwrap());
        assert_eq!(of("null"), None);
    }

    #[test]
    fn what_is_wrong_is_reported_with_line_and_column() {
        let error = add("{\"OrganizationConformancePackDetailedStatuses\": [\n  {\"AccountId\": \"12\"}]}");
        let error = error.unwrap_err();
        assert!(error.starts_with("day.json: ") && error.contains("12 digits"), "{error}");
        assert!(error.contains("line 2 column"), "{error}");
    }

    #[test]
    fn cut_statuses_are_refused() {
        let error =
            add(r#"{"OrganizationConformancePackDetailedStatuses": [], "NextToken": "x"}"#).unwrap_err();
        assert!(error.contains("--max-items"), "{error}");
    }
}
