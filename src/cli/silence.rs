//! `packwatch silence`: what people do not want to be told for a while.

use std::collections::BTreeSet;
use std::io::{self, Write};

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::json;

use super::args::Global;
use super::args::kind;
use super::outcome::{Done, Failure, note};
use super::outside::{Store, StoreArgs};
use super::table::{self, Output};
use crate::local::SqliteStore;
use crate::model::{AccountId, Kind, PackGlob, Region};
use crate::ports::{SilenceStore, SnapshotStore};
use crate::settings::duration;
use crate::state::silence::Silence;

/// What `silence` takes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct SilenceArgs {
    #[command(subcommand)]
    action: Action,
}

const EXAMPLES: &str = "\
Examples:
  packwatch silence add --account 111122223333 --until 7d --reason 'is being closed'
  packwatch silence add --pack 'Operational-*' --kind failed --until 2026-12-01T08:00:00Z --reason CHG-1042
  packwatch silence list
  packwatch silence remove 3f9a1c2e

A silenced change is recorded, sent to the events topic and counted in the digest's last line. What still
fails when the silence ends is announced then.";

#[derive(Debug, Subcommand)]
enum Action {
    /// Silence what fits every matcher that is given
    Add(AddArgs),
    /// Print the silences
    List(ListArgs),
    /// End a silence: what it covered and still fails is announced by the next run
    Remove(RemoveArgs),
}

#[derive(Debug, Args)]
struct AddArgs {
    /// Member account. May be repeated
    #[arg(long = "account", value_name = "ID")]
    accounts: Vec<AccountId>,
    /// Organization conformance pack, by name or with *. May be repeated
    #[arg(long = "pack", value_name = "NAME")]
    packs: Vec<PackGlob>,
    /// Region of the pack (--region is the table's). May be repeated
    #[arg(long = "pack-region", value_name = "REGION")]
    regions: Vec<Region>,
    /// Kind of change: failed (with its reminders), recovered, stuck, … May be repeated
    #[arg(long = "kind", value_name = "KIND", value_parser = kind)]
    kinds: Vec<Kind>,
    /// When it ends: a time, or a duration from now such as 12h or 7d
    #[arg(long, value_name = "TIME|DURATION", value_parser = until)]
    until: Timestamp,
    /// Why, for those who wonder
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// By whom
    #[arg(long, value_name = "NAME", env = "USER", default_value = "unknown", hide_env_values = true)]
    by: String,
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Debug, Args)]
struct ListArgs {
    #[command(flatten)]
    store: StoreArgs,
    /// table, csv, or json: one document a line
    #[arg(long, value_enum, default_value = "table")]
    output: Output,
}

#[derive(Debug, Args)]
struct RemoveArgs {
    /// The silence, as `packwatch silence list` names it
    id: String,
    #[command(flatten)]
    store: StoreArgs,
}

const HEADER: [&str; 8] = ["Id", "Until", "Accounts", "Packs", "Regions", "Kinds", "By", "Reason"];

pub(super) async fn silence(global: &Global, args: &SilenceArgs) -> Result<Done, Failure> {
    match &args.action {
        Action::Add(args) => add(global, args).await,
        Action::List(args) => list(global, args).await,
        Action::Remove(args) => remove(global, args).await,
    }?;
    Ok(Done::Quiet)
}

async fn add(global: &Global, args: &AddArgs) -> Result<(), Failure> {
    let any = args.accounts.is_empty() && args.packs.is_empty() && args.regions.is_empty();
    if any && args.kinds.is_empty() {
        return Err("say what to silence: --account, --pack, --pack-region or --kind".into());
    }
    if args.until <= Timestamp::now() {
        return Err(format!("--until {} has passed", args.until).into());
    }
    let silence = Silence {
        id: format!("{:08x}", fastrand::u32(..)),
        accounts: args.accounts.clone(),
        packs: args.packs.clone(),
        regions: args.regions.clone(),
        kinds: args.kinds.iter().copied().collect::<BTreeSet<Kind>>(),
        until: args.until,
        reason: args.reason.clone(),
        by: args.by.clone(),
    };
    open(global, &args.store).await?.silence(&silence).await?;
    writeln!(io::stdout(), "{}", silence.id)?;
    note(&format!("silenced until {}", silence.until.strftime("%Y-%m-%d %H:%M UTC")));
    Ok(())
}

async fn list(global: &Global, args: &ListArgs) -> Result<(), Failure> {
    let mut silences = open(global, &args.store).await?.load().await?.silences.0;
    // DynamoDB forgets what has expired within days, not at once.
    silences.retain(|silence| silence.until > Timestamp::now());
    silences.sort_by_key(|silence| silence.until);
    match args.output {
        Output::Json => {
            let mut out = io::stdout().lock();
            for silence in &silences {
                writeln!(out, "{}", document(silence))?;
            }
            Ok(())
        }
        Output::Csv => table::csv(&HEADER, &silences.iter().map(row).collect::<Vec<_>>()),
        Output::Table => table::table(&HEADER, &silences.iter().map(row).collect::<Vec<_>>()),
    }
}

async fn remove(global: &Global, args: &RemoveArgs) -> Result<(), Failure> {
    match open(global, &args.store).await?.unsilence(&args.id).await? {
        true => Ok(()),
        false => Err(format!("there is no silence {:?}", args.id).into()),
    }
}

fn document(silence: &Silence) -> serde_json::Value {
    json!({
        "Id": silence.id,
        "Until": silence.until,
        "AccountIds": silence.accounts,
        "OrganizationConformancePackNames": silence.packs,
        "Regions": silence.regions,
        "Kinds": silence.kinds,
        "By": silence.by,
        "Reason": silence.reason,
    })
}

fn row(silence: &Silence) -> Vec<String> {
    fn any(items: impl IntoIterator<Item = impl ToString>) -> String {
        let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
        if items.is_empty() { "any".to_owned() } else { items.join(", ") }
    }
    vec![
        silence.id.clone(),
        silence.until.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        any(&silence.accounts),
        any(&silence.packs),
        any(&silence.regions),
        any(&silence.kinds),
        silence.by.clone(),
        silence.reason.clone(),
    ]
}

/// A time, or how long from now.
fn until(text: &str) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse() {
        return Ok(time);
    }
    let from_now =
        duration(text).map_err(|error| format!("{error}, nor a time such as 2026-12-01T08:00:00Z"))?;
    Timestamp::now().checked_add(from_now).map_err(|error| error.to_string())
}

async fn open(global: &Global, args: &StoreArgs) -> Result<Store, Failure> {
    match &args.table {
        Some(table) => Store::of_table(global, table).await,
        None => Ok(Store::Sqlite(SqliteStore::open(&args.file()?)?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_what_people_write() {
        let hour = until("1h").unwrap().duration_since(Timestamp::now());
        assert!((3590..=3600).contains(&hour.as_secs()), "{hour}");
        assert_eq!(until("2026-12-01T08:00:00Z").unwrap().to_string(), "2026-12-01T08:00:00Z");
        assert!(until("next week").is_err());
    }
}
