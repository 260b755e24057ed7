//! Recorded statuses: what `aws configservice get-organization-conformance-pack-detailed-status`
//! printed, in the place of AWS Config. One document is one organization conformance pack.

mod document;
mod time;

use std::collections::BTreeMap;
use std::path::Path;

use crate::model::{AccountId, DetailedStatus, PackName, Region, Target};
use crate::ports::{Filters, Page, PageRequest, SourceError, StatusSource};

/// AWS Config's own default.
const PAGE: u64 = 100;

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
        if self.packs.contains_key(&pack) {
            return Err(fault(format!("the pack {pack} is given twice")));
        }
        let rows = document::rows(document).and_then(once).map_err(|problem| {
            fault(format!(
                "{problem}. It must be what this prints: aws configservice \
                 get-organization-conformance-pack-detailed-status --output json \
                 --organization-conformance-pack-name {pack}"
            ))
        })?;
        self.packs.insert(pack, rows);
        Ok(())
    }

    /// The rows of each target.
    pub fn rows(&self) -> impl Iterator<Item = (Target, &[DetailedStatus])> {
        let target = |pack: &PackName| Target { region: self.region.clone(), pack: pack.clone() };
        self.packs.iter().map(move |(pack, rows)| (target(pack), rows.as_slice()))
    }

    /// The pack whose name a file's name is: `Security-Baseline.json`.
    pub fn pack_of_file(path: &Path) -> Option<PackName> {
        path.file_stem()?.to_str()?.parse().ok()
    }

    fn not_recorded(&self, target: &Target) -> SourceError {
        SourceError::Gone(format!("{target} is not among the recorded statuses"))
    }
}

/// Each account once: pages that were read one after the other may have it twice, and the later row counts.
fn once(rows: Vec<DetailedStatus>) -> Result<Vec<DetailedStatus>, String> {
    let mut seen: BTreeMap<AccountId, DetailedStatus> = BTreeMap::new();
    for row in rows {
        let Some(other) = seen.get(&row.account) else {
            seen.insert(row.account, row);
            continue;
        };
        match (other.last_update, row.last_update) {
            (Some(then), Some(now)) if then < now => drop(seen.insert(row.account, row)),
            (Some(then), Some(now)) if then > now => {}
            _ if *other == row => {}
            _ => {
                let account = row.account;
                return Err(format!(
                    "it has {account} twice, and no LastUpdateTime that says which row is later"
                ));
            }
        }
    }
    Ok(seen.into_values().collect())
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
    use jiff::Timestamp;

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
