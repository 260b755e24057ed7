//! `packwatch board`: how every account stands, as last recorded.

mod data;
mod names;
mod page;
mod rows;
mod terminal;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use futures_util::stream::{self, Stream, StreamExt};

use crate::cli::args::Global;
use crate::cli::args::PackArgs;
use crate::cli::outcome::{Done, Failure};
use crate::cli::outside::StoreArgs;
use crate::model::{AccountId, Phase, Target};
use crate::ports::{SnapshotStore, StoreError};
use crate::state::Row;
use crate::state::heads::Head;
use names::KnownNames;

/// What `board` takes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct BoardArgs {
    #[command(flatten)]
    packs: PackArgs,
    /// Names of the accounts: what `aws organizations list-accounts --output json` printed
    #[arg(long, value_name = "FILE")]
    accounts: Option<PathBuf>,
    /// Ask AWS Organizations for the names of accounts that fail, with --table: on or off
    #[arg(
        long,
        value_name = "on|off",
        env = "PACKWATCH_ACCOUNT_NAMES",
        default_value = "on",
        hide_env_values = true
    )]
    account_names: Switch,
    /// Only accounts that fail, are stuck, or are being tried again (in csv and json)
    #[arg(long)]
    failing: bool,
    /// Failing accounts that a table lists
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
    #[command(flatten)]
    store: StoreArgs,
    /// table; csv, or json with one document a line: every account; html: a page for a browser
    #[arg(long, value_enum, default_value = "table")]
    output: Output,
    /// Write the page into this file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  packwatch board
  packwatch board --table packwatch --output html --out board.html
  packwatch board --failing --output csv > failing.csv
  aws organizations list-accounts --output json > accounts.json
  packwatch board --accounts accounts.json --output html --out board.html

The state is the one that was recorded last: a run that finds no change records nothing.
The page is one file, without a server and without the network.";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Table,
    Csv,
    Json,
    Html,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

/// Packs that are read at once. Each is held whole.
const AT_ONCE: usize = 4;

/// One pack as it is recorded.
struct Pack {
    target: Target,
    head: Head,
    rows: std::collections::BTreeMap<AccountId, Row>,
}

pub(super) async fn board(global: &Global, args: &BoardArgs) -> Result<Done, Failure> {
    if args.out.is_some() && args.output != Output::Html {
        return Err("--out is for --output html; the other forms go to stdout".into());
    }
    let names = KnownNames::open(global, args).await?;
    let store = args.store.open(global).await?;
    let heads = store.load().await?;
    let is_file = args.store.table.is_none();
    let mut wanted = args.packs.choose(heads.known, global, is_file)?;
    wanted.retain(|_, head| !head.deleted);
    match args.output {
        Output::Table => terminal::print(read(&store, &wanted), &names, args.limit).await?,
        Output::Csv => rows::csv(read(&store, &wanted), &names, args.failing).await?,
        Output::Json => rows::json(read(&store, &wanted), &names, args.failing).await?,
        Output::Html => page::write(&store, &wanted, &names, args.out.as_deref()).await?,
    }
    match heads.unreadable.into_values().next() {
        Some(reason) => Err(reason.into()),
        None => Ok(Done::Quiet),
    }
}

/// The packs, one after the other.
fn read<'a>(
    store: &'a impl SnapshotStore,
    wanted: &'a std::collections::BTreeMap<Target, Head>,
) -> impl Stream<Item = Result<Pack, StoreError>> + 'a {
    let pack = async move |(target, head): (&Target, &Head)| {
        let rows = store.rows(target).await?;
        Ok(Pack { target: target.clone(), head: head.clone(), rows })
    };
    stream::iter(wanted).map(pack).buffered(AT_ONCE)
}

/// Whether somebody should look at it: it fails, hangs, is being tried again after a failure, or nobody knows.
fn is_ill(row: &Row) -> bool {
    let phase = row.state.status.phase();
    matches!(phase, Phase::Failed | Phase::Unrecognised) || row.state.stuck || row.failing_since.is_some()
}
