//! AWS Config, as far as the reads of one pack ask it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::model::{AccountId, DetailedStatus, PackName, Region, Status, Target};
use crate::ports::{Filters, Page, PageRequest, SourceError, StatusSource};
use crate::settings::Settings;
use crate::state::silence::Silences;
use crate::watch::scan::reader::Reader;

/// How its filters behave.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Filtered {
    /// As they should: what is left is cut into pages.
    BeforePages,
    /// What is cut into pages is filtered, so that a page may be empty.
    AfterPages,
    /// Not at all.
    Never,
    /// They are refused.
    Refused,
}

/// The accounts of a pack with their statuses, what was asked of them, and who asks.
pub(super) struct Fake {
    pub(super) rows: BTreeMap<u64, &'static str>,
    pub(super) filtered: Filtered,
    /// Rows of a page whose size is not said.
    pub(super) page: usize,
    pub(super) asked: RefCell<Vec<String>>,
    pub(super) target: Target,
    /// Account 9 is excluded.
    pub(super) settings: Settings,
    pub(super) silences: Silences,
}

impl Fake {
    /// So many accounts in one status, and some in others.
    pub(super) fn of(accounts: u64, status: &'static str, others: &[(u64, &'static str)]) -> Self {
        let lookup = |name: &str| match name {
            "PACKWATCH_REGIONS" => Some("eu-west-1".to_owned()),
            "PACKWATCH_EXCLUDE_ACCOUNTS" => Some("000000000009".to_owned()),
            _ => None,
        };
        Self {
            rows: (1..=accounts).map(|n| (n, status)).chain(others.iter().copied()).collect(),
            filtered: Filtered::BeforePages,
            page: 99,
            asked: RefCell::default(),
            target: Target { region: "eu-west-1".parse().unwrap(), pack: "P".parse().unwrap() },
            settings: crate::settings::Reader::new(&lookup).settings(),
            silences: Silences::default(),
        }
    }

    pub(super) fn healthy(accounts: u64, others: &[(u64, &'static str)]) -> Self {
        Self::of(accounts, "CREATE_SUCCESSFUL", others)
    }

    pub(super) fn filtered(self, filtered: Filtered) -> Self {
        Self { filtered, ..self }
    }

    pub(super) fn reader(&self) -> Reader<'_, Self> {
        let Self { target, settings, silences, .. } = self;
        let (observed_at, calls) = (Timestamp::UNIX_EPOCH, Cell::default());
        Reader { source: self, target, settings, silences, observed_at, calls }
    }
}

impl StatusSource for Fake {
    async fn packs(&self, _: &Region, _: &PageRequest) -> Result<Page<PackName>, SourceError> {
        unreachable!("nobody lists packs")
    }

    async fn statuses(
        &self,
        _: &Target,
        Filters { account, status }: &Filters,
        page: &PageRequest,
    ) -> Result<Page<DetailedStatus>, SourceError> {
        let what = account.map(|account| account.number().to_string());
        let what = what.or(status.as_ref().map(ToString::to_string)).unwrap_or_else(|| "all".to_owned());
        self.asked.borrow_mut().push(match &page.token {
            None => what.clone(),
            Some(token) => format!("{what} from {token}"),
        });
        if self.filtered == Filtered::Refused && what != "all" {
            return Err(SourceError::Invalid("no such filter".to_owned()));
        }
        let wanted = |row: &DetailedStatus| {
            account.is_none_or(|account| account == row.account)
                && status.as_ref().is_none_or(|status| *status == row.status)
        };
        let mut rows: Vec<_> = self.rows.iter().map(|(n, status)| row(*n, status)).collect();
        if self.filtered == Filtered::BeforePages {
            rows.retain(wanted);
        }
        let begin: usize = page.token.as_ref().map_or(0, |token| token.parse().unwrap());
        let end = begin + page.limit.map_or(self.page, usize::from);
        let next_token = (end < rows.len()).then(|| end.to_string());
        let mut items: Vec<_> = rows.into_iter().take(end).skip(begin).collect();
        if self.filtered == Filtered::AfterPages {
            items.retain(wanted);
        }
        Ok(Page { items, next_token })
    }
}

pub(super) fn account(n: u64) -> AccountId {
    format!("{n:012}").parse().unwrap()
}

fn row(n: u64, status: &str) -> DetailedStatus {
    DetailedStatus {
        account: account(n),
        conformance_pack_name: "OrgConformsPack-x".to_owned(),
        status: Status::new(status),
        error_code: None,
        error_message: None,
        last_update: None,
    }
}
