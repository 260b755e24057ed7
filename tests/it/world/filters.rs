//! How AWS Config filters, which is not documented: before or after pages are cut, wrongly for a while, and never all at
//! one moment.

use super::packs::Row;
use super::{State, World};
use std::collections::{BTreeMap, BTreeSet};

/// The faults of the filters in force.
#[derive(Default)]
pub struct FilterFaults {
    /// Each applies to a page after it was cut, so that pages may be short or empty with more to come.
    pub status_after_paging: bool,
    pub account_after_paging: bool,
    /// So many filtered calls are answered as if they were not filtered.
    pub lies: usize,
    /// So many filtered calls are answered as if there were no such pack.
    pub denials: usize,
    /// A filter by account is refused as invalid.
    pub account_refused: bool,
    /// Accounts that a filter by status leaves out, whatever their status is.
    pub hidden: BTreeSet<String>,
    /// Statuses that AWS has added to its documented ones.
    pub further_statuses: BTreeSet<String>,
    /// What changes once so many more calls for statuses were answered.
    pub moves: Vec<Move>,
}

/// An account that moves while it is read.
pub struct Move {
    after_calls: usize,
    region: String,
    pack: String,
    account: String,
    status: String,
}

/// What a call wants to see.
#[derive(serde::Deserialize, Default, Debug, Clone)]
#[serde(rename_all = "PascalCase")]
pub struct Filters {
    pub account_id: Option<String>,
    pub status: Option<String>,
}

impl Filters {
    fn is_filtering(&self) -> bool {
        self.account_id.is_some() || self.status.is_some()
    }

    fn has_account(&self, account: &str) -> bool {
        self.account_id.as_ref().is_none_or(|only| only == account)
    }

    fn has_status(&self, row: &Row) -> bool {
        self.status.as_ref().is_none_or(|only| *only == row.status)
    }
}

impl FilterFaults {
    /// What is left before pages are cut.
    pub fn early(&self, filters: &Filters, account: &str, row: &Row) -> bool {
        let is_hidden = filters.status.is_some() && self.hidden.contains(account);
        !is_hidden
            && (self.account_after_paging || filters.has_account(account))
            && (self.status_after_paging || filters.has_status(row))
    }

    /// What is left of a page.
    pub fn late(filters: &Filters, account: &str, row: &Row) -> bool {
        filters.has_account(account) && filters.has_status(row)
    }

    /// The filters by which a call is answered.
    pub fn honoured(&mut self, filters: &Filters) -> Filters {
        if filters.is_filtering() && self.lies > 0 {
            self.lies -= 1;
            return Filters::default();
        }
        filters.clone()
    }

    /// Whether a call is answered as if there were no such pack.
    pub fn denies(&mut self, filters: &Filters) -> bool {
        let denies = filters.is_filtering() && self.denials > 0;
        self.denials -= usize::from(denies);
        denies
    }
}

impl State {
    /// Moves the accounts whose time has come, before a call for statuses is answered.
    pub fn pass_call(&mut self) {
        let moves = std::mem::take(&mut self.faults.filters.moves);
        let (due, later): (Vec<_>, Vec<_>) = moves.into_iter().partition(|moved| moved.after_calls == 0);
        let later = later.into_iter().map(|moved| Move { after_calls: moved.after_calls - 1, ..moved });
        self.faults.filters.moves = later.collect();
        let now = self.now();
        for Move { region, pack, account, status, .. } in due {
            let mut none = BTreeMap::new();
            let rows = self.pack_mut(&region, &pack).map_or(&mut none, |pack| &mut pack.rows);
            if let Some(row) = rows.get_mut(&account) {
                *row = Row::new(&*row.conformance_pack_name, &status, now);
            }
        }
    }
}

impl World {
    /// Filters pages after cutting them, so that a page may be short or empty with more to come.
    pub fn filter_after_paging(&self) -> &Self {
        self.filter_status_after_paging().filter_account_after_paging()
    }

    /// Leaves an account out of every filter by status.
    pub fn hide_from_status_filter(&self, account: &str) -> &Self {
        self.lock().faults.filters.hidden.insert(account.to_owned());
        self
    }

    /// Filters by status after pages were cut.
    pub fn filter_status_after_paging(&self) -> &Self {
        self.lock().faults.filters.status_after_paging = true;
        self
    }

    /// Filters by account after pages were cut.
    pub fn filter_account_after_paging(&self) -> &Self {
        self.lock().faults.filters.account_after_paging = true;
        self
    }

    /// Refuses filters by account as invalid.
    pub fn refuse_account_filter(&self) -> &Self {
        self.lock().faults.filters.account_refused = true;
        self
    }

    /// Answers the next `calls` filtered calls as if they were not filtered: with rows of other statuses.
    pub fn filter_violates(&self, calls: usize) -> &Self {
        self.lock().faults.filters.lies = calls;
        self
    }

    /// Answers the next `calls` filtered calls as if there were no such pack.
    pub fn filter_denies(&self, calls: usize) -> &Self {
        self.lock().faults.filters.denials = calls;
        self
    }

    /// AWS Config knows another status, which packwatch does not.
    pub fn know_status(&self, status: &str) -> &Self {
        self.lock().faults.filters.further_statuses.insert(status.to_owned());
        self
    }

    /// Moves `account` to `status` once `calls` more calls for statuses, of any pack, were answered: between two reads of
    /// a quick scan, and between two pages of a whole one.
    pub fn move_after(&self, calls: usize, region: &str, pack: &str, account: &str, status: &str) -> &Self {
        let [region, pack, account, status] = [region, pack, account, status].map(str::to_owned);
        self.lock().faults.filters.moves.push(Move { after_calls: calls, region, pack, account, status });
        self
    }
}
