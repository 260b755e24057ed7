//! `packwatch board`: how every account stands, as last recorded.

mod cause;
mod data;
mod freshness;
mod names;
mod pack;
mod page;
mod rows;
mod terminal;

use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum};
use jiff::Timestamp;

use crate::cli::args::Global;
use crate::cli::outcome::{Done, Failure, warn};
use crate::cli::outside::StoreArgs;
use crate::cli::progress::Progress;
use crate::cli::selection::{PackArgs, Selection};
use crate::cli::table::{self, Wide};
use crate::ports::SnapshotStore;
use crate::settings::switch;
use names::KnownNames;
use pack::read;

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
        hide_env_values = true,
        value_parser = switch,
        action = ArgAction::Set
    )]
    account_names: bool,
    /// Only unhealthy accounts: failed, stuck, in an unknown status, or being retried (csv and json)
    #[arg(long)]
    failing: bool,
    /// Unhealthy deployments of each cause that a table lists
    #[arg(long, value_name = "N", default_value_t = 10)]
    limit: usize,
    #[command(flatten)]
    store: StoreArgs,
    /// table; csv, or json with one document a line: every account; html: a page for a browser
    #[arg(long, value_enum, default_value = "table")]
    output: Output,
    #[command(flatten)]
    wide: Wide,
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

The board shows what was recorded last, and says when that is out of date.
The page is one file, and needs neither a server nor a network.";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Table,
    Csv,
    Json,
    Html,
}

pub(super) async fn board(global: &Global, args: &BoardArgs) -> Result<Done, Failure> {
    if args.out.is_some() && args.output != Output::Html {
        return Err("--out is for --output html; the other forms go to stdout".into());
    }
    // Recorded statuses may be of an organization to which nobody here has access.
    let ask = args.store.table.is_some() && args.account_names;
    let names = KnownNames::open(global, args.accounts.as_deref(), ask).await?;
    let store = args.store.open(global).await?;
    let progress = Progress::start("reading what was recorded");
    let heads = store.load().await?;
    let settings = heads.settings.clone();
    let selection = args.packs.select(heads, global, &args.store)?;
    let late = freshness::warning(&selection.targets, settings.as_ref(), Timestamp::now());
    let known = selection.targets.iter();
    let past = known.map(|(target, head)| (target.clone(), head.history_id.clone())).collect();
    let Selection { targets: wanted, unreadable, unfinished } = selection.without_deleted()?;
    if let (Some(late), Output::Csv | Output::Json) = (&late, args.output) {
        warn(late);
    }
    match args.output {
        Output::Table => {
            let is_partial = unfinished.is_some() || unreadable.is_some();
            let all = [&args.store.options(global)[..], &args.packs.options()].concat().join(" ");
            let form = terminal::Form { limit: args.limit, wide: args.wide, is_partial, all, late };
            terminal::print(read(&store, &wanted), &names, &form, &progress).await?;
        }
        Output::Csv => {
            rows::print(read(&store, &wanted), &names, args.failing, table::Output::Csv, args.wide).await?
        }
        Output::Json => {
            rows::print(read(&store, &wanted), &names, args.failing, table::Output::Json, args.wide).await?
        }
        Output::Html => {
            let from = args.store.options(global);
            let page = page::Page { wanted: &wanted, past, names: &names, from, late };
            page::write(&store, page, args.out.as_deref()).await?;
        }
    }
    match unreadable.or(unfinished) {
        Some(reason) => Err(reason.into()),
        None => Ok(Done::Quiet),
    }
}
