//! Organization conformance packs: what is deployed where, and the ways in which that changes.

use super::{MANAGEMENT_ACCOUNT, State, World};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// The packs of one region, by name.
#[derive(Default)]
pub struct Region {
    pub packs: BTreeMap<String, Pack>,
}

/// One organization conformance pack.
#[derive(Debug, Clone)]
pub struct Pack {
    pub arn: String,
    pub last_update: f64,
    pub delivery_s3_bucket: Option<String>,
    pub excluded_accounts: Vec<String>,
    /// By account id, which is also the order in which the service lists them.
    pub rows: BTreeMap<String, Row>,
    /// Deployed, but missing from the unfiltered list of packs.
    pub unlisted: bool,
    /// Accounts that the next reads do not show, with the number of reads.
    pub hidden: BTreeMap<String, usize>,
}

/// The status of a pack in one account.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub conformance_pack_name: String,
    pub status: String,
    pub error_code: Option<String>,
    pub error_message: Option<String>,
    /// Epoch seconds.
    pub last_update: Option<f64>,
    /// A member that the service leaves out of this row against its own model, such as `"Status"`.
    pub without: Option<String>,
}

/// The id of the `n`-th account of a pack that [`World::add_pack`] made, counted from 1.
pub fn account(n: usize) -> String {
    format!("{:012}", 100_000_000_000_u64 + n as u64)
}

impl Pack {
    fn new(region: &str, name: &str, now: f64) -> Self {
        let suffix = suffix(region, name);
        Self {
            arn: format!(
                "arn:aws:config:{region}:{MANAGEMENT_ACCOUNT}:organization-conformance-pack/{name}-{suffix}"
            ),
            last_update: now,
            delivery_s3_bucket: None,
            excluded_accounts: Vec::new(),
            rows: BTreeMap::new(),
            unlisted: false,
            hidden: BTreeMap::new(),
        }
    }
}

impl Row {
    /// A row without an error.
    pub fn new(conformance_pack_name: impl Into<String>, status: &str, last_update: f64) -> Self {
        Self {
            conformance_pack_name: conformance_pack_name.into(),
            status: status.to_owned(),
            error_code: None,
            error_message: None,
            last_update: Some(last_update),
            without: None,
        }
    }
}

/// The name of the pack in a member account, which is not the organization's name for it.
pub fn member_pack_name(region: &str, pack: &str) -> String {
    format!("OrgConformsPack-{pack}-{}", suffix(region, pack))
}

fn suffix(region: &str, name: &str) -> String {
    let mut hasher = DefaultHasher::new();
    (region, name).hash(&mut hasher);
    format!("{:08x}", hasher.finish() & 0xffff_ffff)
}

impl World {
    /// Deploys `pack` to `accounts` accounts (see [`account`]), each `CREATE_SUCCESSFUL`.
    pub fn add_pack(&self, region: &str, pack: &str, accounts: usize) -> &Self {
        let mut state = self.lock();
        let now = state.now();
        let mut deployed = Pack::new(region, pack, now);
        let name = member_pack_name(region, pack);
        deployed.rows =
            (1..=accounts).map(|n| (account(n), Row::new(&*name, "CREATE_SUCCESSFUL", now))).collect();
        state.regions.entry(region.to_owned()).or_default().packs.insert(pack.to_owned(), deployed);
        drop(state);
        self
    }

    /// Replaces every row of `pack`, which is created if need be.
    pub fn put_rows(&self, region: &str, pack: &str, rows: BTreeMap<String, Row>) -> &Self {
        let mut state = self.lock();
        let now = state.now();
        let packs = &mut state.regions.entry(region.to_owned()).or_default().packs;
        packs.entry(pack.to_owned()).or_insert_with(|| Pack::new(region, pack, now)).rows = rows;
        drop(state);
        self
    }

    /// Changes the status of an account, clears its error, and stamps the time.
    pub fn set_status(&self, region: &str, pack: &str, account: &str, status: &str) -> &Self {
        self.edit(region, pack, account, |row, now| *row = Row::new(&*row.conformance_pack_name, status, now))
    }

    /// Changes the status of an account to `status` with an error, and stamps the time.
    pub fn fail(
        &self,
        region: &str,
        pack: &str,
        account: &str,
        status: &str,
        code: &str,
        message: &str,
    ) -> &Self {
        self.edit(region, pack, account, |row, now| {
            *row = Row::new(&*row.conformance_pack_name, status, now);
            row.error_code = Some(code.to_owned());
            row.error_message = Some(message.to_owned());
        })
    }

    /// Changes anything in the row of an account; `edit` gets the world's time too.
    pub fn edit(&self, region: &str, pack: &str, account: &str, edit: impl FnOnce(&mut Row, f64)) -> &Self {
        self.edit_pack(region, pack, |pack, now| match pack.rows.get_mut(account) {
            Some(row) => edit(row, now),
            None => panic!("the world has no account {account} in this pack"),
        })
    }

    /// An account joins with `status`.
    pub fn join(&self, region: &str, pack: &str, account: &str, status: &str) -> &Self {
        let name = member_pack_name(region, pack);
        self.edit_pack(region, pack, |pack, now| {
            pack.rows.insert(account.to_owned(), Row::new(name, status, now));
        })
    }

    /// An account leaves the organization, or is excluded from the pack.
    pub fn leave(&self, region: &str, pack: &str, account: &str) -> &Self {
        self.edit_pack(region, pack, |pack, _| {
            assert!(pack.rows.remove(account).is_some(), "the world has no account {account} in this pack");
        })
    }

    /// The next `reads` reads of `pack` do not show `account`, though it has not left. A read is a request without
    /// a token, filtered or not, and the pages that follow from it.
    pub fn hide_account(&self, region: &str, pack: &str, account: &str, reads: usize) -> &Self {
        self.edit_pack(region, pack, |pack, _| {
            pack.hidden.insert(account.to_owned(), reads);
        })
    }

    /// Leaves `pack` out of the list of all packs, though it exists when asked for by name; or lists it again.
    pub fn unlist_pack(&self, region: &str, pack: &str, unlisted: bool) -> &Self {
        self.edit_pack(region, pack, |pack, _| pack.unlisted = unlisted)
    }

    /// Changes anything in a pack; `edit` gets the world's time too.
    pub fn edit_pack(&self, region: &str, pack: &str, edit: impl FnOnce(&mut Pack, f64)) -> &Self {
        let mut state = self.lock();
        let now = state.now();
        match state.pack_mut(region, pack) {
            Some(found) => edit(found, now),
            None => panic!("the world has no pack {pack} in {region}"),
        }
        drop(state);
        self
    }

    /// Deletes a pack; says whether there was one.
    pub fn delete_pack(&self, region: &str, pack: &str) -> bool {
        self.lock().regions.get_mut(region).is_some_and(|r| r.packs.remove(pack).is_some())
    }

    /// The rows of a pack as they are now.
    pub fn rows(&self, region: &str, pack: &str) -> BTreeMap<String, Row> {
        self.lock().pack_mut(region, pack).map(|p| p.rows.clone()).unwrap_or_default()
    }
}

impl State {
    pub fn pack_mut(&mut self, region: &str, pack: &str) -> Option<&mut Pack> {
        self.regions.get_mut(region)?.packs.get_mut(pack)
    }
}

/// What `aws configservice get-organization-conformance-pack-detailed-status` prints.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CliOutput {
    organization_conformance_pack_detailed_statuses: Vec<CliRow>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CliRow {
    account_id: String,
    conformance_pack_name: String,
    status: String,
    error_code: Option<String>,
    error_message: Option<String>,
    last_update_time: Option<CliTime>,
}

/// ISO 8601 by default; epoch seconds under `cli_timestamp_format = wire`.
#[derive(Deserialize)]
#[serde(untagged)]
enum CliTime {
    Epoch(f64),
    Iso(jiff::Timestamp),
}

/// Reads rows in the shape that the AWS CLI prints.
pub fn rows_from_cli(json: &[u8]) -> Result<BTreeMap<String, Row>, serde_json::Error> {
    let output: CliOutput = serde_json::from_slice(json)?;
    let rows = output.organization_conformance_pack_detailed_statuses.into_iter().map(|row| {
        let last_update = row.last_update_time.map(|time| match time {
            CliTime::Epoch(seconds) => seconds,
            CliTime::Iso(timestamp) => timestamp.as_millisecond() as f64 / 1000.0,
        });
        let kept = Row {
            conformance_pack_name: row.conformance_pack_name,
            status: row.status,
            error_code: row.error_code,
            error_message: row.error_message,
            last_update,
            without: None,
        };
        (row.account_id, kept)
    });
    Ok(rows.collect())
}
