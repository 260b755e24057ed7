//! Recorded statuses: what `aws configservice get-organization-conformance-pack-detailed-status`
//! printed, in the place of AWS Config. One document is one organization conformance pack.

mod document;

use std::collections::BTreeMap;
use std::path::Path;

use crate::model::{AccountId, DetailedStatus, PackName, Region, Target};
use crate::ports::{Filters, Page, PageRequest, SourceError, StatusSource};

/// AWS Config's own default.
const PAGE: u64 = 100;

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
        let mut rows = document::rows(document).map_err(|problem| {
            format!(
                "{problem}. It must be what this prints: aws configservice \
                 get-organization-conformance-pack-detailed-status --output json \
                 --organization-conformance-pack-name {pack}"
            )
        })?;
        // Pages that were read one after the other may have an account twice: the later row counts.
        rows.sort_by_key(|row| row.last_update);
        let rows: BTreeMap<AccountId, DetailedStatus> =
            rows.into_iter().map(|row| (row.account, row)).collect();
        self.packs.insert(pack, rows.into_values().collect());
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
