//! `packwatch board`: how every account stands, as last recorded.

mod data;
pub(super) mod freshness;
mod names;
mod pack;
mod page;
mod rows;
mod terminal;

use std::io::{self, Write};
use std::path::PathBuf;

use anstyle::AnsiColor;
use clap::{Args, ValueEnum};
use jiff::Timestamp;

use crate::cli::args::Global;
use crate::cli::outcome::{Failure, warn};
use crate::cli::outside::StoreArgs;
use crate::cli::progress::Progress;
use crate::cli::selection::{PackArgs, Selection};
use crate::cli::table::{self, Printer};
use crate::ports::SnapshotStore;
use crate::settings::Reader;
use data::Data;
use names::KnownNames;
use pack::read;

/// What `board` takes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct BoardArgs {
    #[command(flatten)]
    packs: PackArgs,
    /// Names of the accounts: what `aws organizations list-accounts --output json` printed. Without it, and with --table,
    /// AWS Organizations is asked for those of accounts that fail, unless PACKWATCH_ACCOUNT_NAMES is off
    #[arg(long, value_name = "FILE")]
    accounts: Option<PathBuf>,
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
}

const EXAMPLES: &str = "\
Examples:
  packwatch board
  packwatch board --table packwatch --output html > board.html
  packwatch board --failing --output csv > failing.csv
  aws organizations list-accounts --output json > accounts.json
  packwatch board --accounts accounts.json --output html > board.html

The board shows what was recorded last, and says when that is out of date.
The page is one file, and needs neither a server nor a network.";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Table,
    Csv,
    Json,
    Html,
}

pub(super) async fn board(global: &Global, args: &BoardArgs) -> Result<(), Failure> {
    // Recorded statuses may be of an organization to which nobody here has access.
    let wants_names = Reader::new(&|name| std::env::var(name).ok()).settings().account_names;
    let asks = args.store.table.is_some() && wants_names;
    let names = KnownNames::open(global, args.accounts.as_deref(), asks).await?;
    let store = args.store.open(global).await?;
    let progress = Progress::start("reading what was recorded");
    let heads = store.load().await?;
    let settings = heads.settings.clone();
    let selection = args.packs.select(heads, global, &args.store)?;
    let now = Timestamp::now();
    let late = freshness::out_of_date(selection.targets.values(), settings.as_ref(), now);
    let ask = "Is packwatch running? Ask: packwatch doctor --function NAME";
    let late = late.map(|late| format!("OUT OF DATE: {late}. {ask}"));
    let known = selection.targets.iter();
    let past = known.map(|(target, head)| (target.clone(), head.history_id.clone())).collect();
    let Selection { targets: wanted, incomplete } = selection.without_deleted()?;
    match args.output {
        Output::Table => {
            if let Some(late) = late {
                let loud = AnsiColor::Red.on_default().bold();
                writeln!(anstream::stdout(), "{loud}{late}{loud:#}\n")?;
            }
            let (packs, is_partial) = (read(&store, &wanted), incomplete.is_some());
            if terminal::print(packs, &names, args.limit, is_partial, &progress).await? {
                writeln!(io::stdout(), "\n--limit N shows more, and --failing --output csv all of them")?;
            }
        }
        Output::Csv | Output::Json => {
            late.iter().for_each(warn);
            let output = if args.output == Output::Csv { table::Output::Csv } else { table::Output::Json };
            let printer = Printer::new(output, &rows::FIELDS)?;
            rows::print(read(&store, &wanted), &names, args.failing, printer).await?;
        }
        Output::Html => {
            let data = Data::new(now, args.store.options(global), late);
            let data = page::gather(data, &store, &wanted, past).await?;
            let page = page::framed(&data.embedded(&names).await?);
            io::stdout().lock().write_all(page.as_bytes())?;
        }
    }
    incomplete.map_or(Ok(()), |why| Err(why.into()))
}
