//! `packwatch cost`: what a month costs, by the formula of `docs/cost.md`.

mod estimate;

use std::io::{self, Write};
use std::time::Duration;

use clap::{Args, ValueEnum};
use jiff::SignedDuration;
use serde_json::{Map, Value, json};

use self::estimate::{ITEMS, Usage};
use crate::cli::args::Offline;
use crate::cli::outcome::{Done, Failure};
use crate::cli::table::{self, Cell, Column, Wide};
use crate::model::text::counted;

/// What `cost` takes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct CostArgs {
    /// Member accounts; several sizes side by side: 100,1000,10000
    #[arg(long, value_name = "NUMBER", required = true, value_delimiter = ',')]
    accounts: Vec<u32>,
    /// Packs that are watched
    #[arg(long, value_name = "NUMBER")]
    packs: u32,
    /// Time between two runs, as 5m
    #[arg(long, value_name = "DURATION", value_parser = interval)]
    every: Duration,
    /// Memory of the function in MB
    #[arg(long, value_name = "MB", default_value_t = 512)]
    memory: u32,
    /// Milliseconds that AWS Config takes to answer
    #[arg(long, value_name = "MS", default_value_t = 40)]
    call: u32,
    /// Of a hundred accounts, how many change in a pack each day
    #[arg(long, value_name = "PERCENT", default_value_t = 1.0)]
    changes: f64,
    /// table or json
    #[arg(long, value_enum, default_value = "table")]
    output: Output,
    #[command(flatten)]
    offline: Offline,
}

const EXAMPLES: &str = "\
Examples:
  packwatch cost --accounts 1000 --packs 20 --every 5m
  packwatch cost --accounts 100,1000,10000 --packs 20 --every 5m --output json

US dollars, us-east-1, without the free tier. docs/cost.md has the formula and the prices.";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Table,
    Json,
}

pub(super) fn cost(args: &CostArgs) -> Result<Done, Failure> {
    let usages: Vec<(u32, Usage)> = args.accounts.iter().map(|n| (*n, usage(args, *n))).collect();
    match args.output {
        Output::Json => {
            let documents: Vec<Value> = usages.iter().map(|(n, usage)| document(*n, usage)).collect();
            writeln!(io::stdout(), "{}", Value::from(documents))?;
        }
        Output::Table => print_table(&usages)?,
    }
    Ok(Done::Quiet)
}

fn usage(args: &CostArgs, accounts: u32) -> Usage {
    Usage {
        accounts: accounts.into(),
        packs: args.packs.into(),
        every: args.every.as_secs_f64(),
        memory_gb: f64::from(args.memory) / 1024.0,
        call: f64::from(args.call) / 1000.0,
        changed: args.changes / 100.0,
    }
}

fn print_table(usages: &[(u32, Usage)]) -> Result<(), Failure> {
    let mut header = vec!["US dollars a month".to_owned()];
    header.extend(usages.iter().map(|(accounts, _)| counted(u64::from(*accounts), "account")));
    let line = |name: &str, cells: &dyn Fn(&Usage) -> String| {
        let cells = usages.iter().map(|(_, usage)| cells(usage));
        std::iter::once(name.to_owned()).chain(cells).collect::<Vec<_>>()
    };
    let mut rows = vec![
        line("(a run takes, seconds)", &|usage| format!("{:.1}", usage.seconds_per_run())),
        line("(GB-seconds)", &|usage| format!("{:.0}", usage.gb_seconds())),
    ];
    rows.extend(ITEMS.iter().map(|(name, dollars)| line(name, &|usage| format!("{:.2}", dollars(usage)))));
    rows.push(line("Total", &|usage| format!("{:.2}", usage.total())));
    let mut columns: Vec<Column<'_>> = header.iter().map(|title| Column::number(title)).collect();
    if let (Some(first), Some(title)) = (columns.first_mut(), header.first()) {
        *first = Column::text(title);
    }
    let rows = rows.into_iter().map(|row| row.into_iter().map(Cell::from).collect()).collect();
    table::table(&columns, rows, Wide::ALWAYS)
}

fn document(accounts: u32, usage: &Usage) -> Value {
    let cents = |dollars: f64| (dollars * 10_000.0).round() / 10_000.0;
    let items: Map<String, Value> =
        ITEMS.iter().map(|(name, dollars)| ((*name).to_owned(), json!(cents(dollars(usage))))).collect();
    json!({
        "Accounts": accounts,
        "Packs": usage.packs,
        "EverySeconds": usage.every,
        "SecondsPerRun": cents(usage.seconds_per_run()),
        "GbSeconds": usage.gb_seconds().round(),
        "Items": items,
        "Total": cents(usage.total()),
        "Currency": "USD",
    })
}

/// EventBridge Scheduler's shortest interval is a minute.
fn interval(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a duration of a minute or more, such as 5m or 1h");
    let exact: SignedDuration = text.parse().map_err(|_| wrong())?;
    Duration::try_from(exact).ok().filter(|every| every.as_secs() >= 60).ok_or_else(wrong)
}
