//! `packwatch history`: the recorded transitions.

use std::io::{self, Write};

use clap::Args;
use serde_json::json;

use super::ports::{Store, StoreArgs};
use super::table::{self, Output};
use super::{Done, Failure, Global, cloud};
use crate::local::SqliteStore;
use crate::model::{AccountId, PackName, Region, State, Target, Transition};
use crate::notification::transition_notice;
use crate::ports::SnapshotStore;

/// What `history` takes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct HistoryArgs {
    /// Only this pack
    #[arg(long, value_name = "NAME")]
    organization_conformance_pack_name: Option<PackName>,
    /// Only this member account
    #[arg(long, value_name = "ID")]
    account: Option<AccountId>,
    #[command(flatten)]
    store: StoreArgs,
    /// table, csv, or json: one document a line
    #[arg(long, value_enum, default_value = "table")]
    output: Output,
}

const EXAMPLES: &str = "\
Examples:
  packwatch history
  packwatch history --account 111122223333 --output json
  packwatch history --table packwatch --organization-conformance-pack-name Security-Baseline";

const HEADER: [&str; 8] = ["Observed", "Region", "Pack", "Account", "Kind", "From", "To", "Error"];

pub(super) async fn history(global: &Global, args: &HistoryArgs) -> Result<Done, Failure> {
    let store = open(global, &args.store).await?;
    let region: Option<Region> = global.region.as_deref().map(str::parse).transpose()?;
    let heads = store.load().await?;
    let mut found = Vec::new();
    for (target, head) in heads.known {
        let wanted = region.as_ref().is_none_or(|region| *region == target.region)
            && args.organization_conformance_pack_name.as_ref().is_none_or(|pack| *pack == target.pack);
        if wanted {
            let transitions = store.transitions(&target, 0).await?;
            let kept = transitions.into_iter().filter(|t| args.account.is_none_or(|only| only == t.account));
            found.extend(kept.map(|transition| (target.clone(), head.born.clone(), transition)));
        }
    }
    found.sort_by_key(|(_, _, transition)| (transition.observed_at, transition.account));
    match args.output {
        Output::Json => {
            let mut out = io::stdout().lock();
            for (target, born, transition) in &found {
                writeln!(out, "{}", document(target, born, transition))?;
            }
        }
        Output::Table | Output::Csv => {
            let rows: Vec<_> = found.iter().map(|(target, _, transition)| row(target, transition)).collect();
            let print = if args.output == Output::Csv { table::csv } else { table::table };
            print(&HEADER, &rows)?;
        }
    }
    match heads.unreadable.into_values().next() {
        Some(reason) => Err(reason.into()),
        None => Ok(Done::Quiet),
    }
}

fn document(target: &Target, born: &str, transition: &Transition) -> serde_json::Value {
    let mut document = json!({
        "ObservedAt": transition.observed_at,
        "Region": target.region,
        "OrganizationConformancePackName": target.pack,
    });
    if let (Some(fields), serde_json::Value::Object(notice)) =
        (document.as_object_mut(), json!(transition_notice(target, born, transition)))
    {
        fields.extend(notice);
    }
    document
}

fn row(target: &Target, transition: &Transition) -> Vec<String> {
    let status =
        |state: Option<&State>| state.map_or_else(|| "-".to_owned(), |state| state.status.to_string());
    let error = transition.to.as_ref().map(|to| {
        let parts = [to.error_code.as_deref(), to.error_message.as_deref()];
        parts.into_iter().flatten().collect::<Vec<_>>().join(": ")
    });
    vec![
        transition.observed_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        target.region.to_string(),
        target.pack.to_string(),
        transition.account.to_string(),
        match (transition.silenced, transition.damped, transition.flapping) {
            (true, ..) => format!("{} (silenced)", transition.kind),
            (_, true, _) => format!("{} (flapping)", transition.kind),
            (_, _, Some(changes)) => format!("{} (flapping: {changes} changes)", transition.kind),
            _ => transition.kind.to_string(),
        },
        status(transition.from.as_ref()),
        status(transition.to.as_ref()),
        error.unwrap_or_default(),
    ]
}

async fn open(global: &Global, args: &StoreArgs) -> Result<Store, Failure> {
    match &args.table {
        Some(table) => cloud::store(global, table).await,
        None => {
            let file = args.file()?;
            if !file.exists() {
                let why = "there is no such file: has `packwatch run` been run, with the same --store?";
                return Err(format!("{}: {why}", file.display()).into());
            }
            Ok(Store::Sqlite(SqliteStore::open(&file)?))
        }
    }
}
