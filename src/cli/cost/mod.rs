//! `packwatch cost`: what a month costs, by the formula of `docs/cost.md`.

mod bill;
mod usage;

use std::io::{self, Write};
use std::time::Duration;

use clap::{Args, ValueEnum};
use jiff::SignedDuration;
use serde_json::{Map, Value, json};

use self::bill::{ITEMS, Item, total, total_beyond_free};
use self::usage::Usage;
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
    /// Of a hundred accounts, how many are not well
    #[arg(long, value_name = "PERCENT", default_value_t = 1.0)]
    unwell: f64,
    /// How often every account is read, as 1h, or always
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = whole_every)]
    whole_every: WholeEvery,
    /// With FanOut: packs go through a queue to several runs
    #[arg(long)]
    fan_out: bool,
    /// Year of the deployment: the key costs more after each of its first two yearly rotations
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    year: u32,
    /// With the dashboard
    #[arg(long)]
    dashboard: bool,
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

US dollars, us-east-1. \"beyond free\" is what you pay if nothing else in the account uses AWS's free allowance: \
10 metrics, 3 dashboards, 10 alarms, and a million requests. docs/cost.md has the formula and the prices.";

/// Seconds between two whole looks; `None`: always.
#[derive(Debug, Clone, Copy)]
struct WholeEvery(Option<f64>);

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
        unwell: args.unwell / 100.0,
        whole_every: args.whole_every.0,
        fan_out: args.fan_out,
        dashboard: args.dashboard,
        year: args.year.into(),
    }
}

fn print_table(usages: &[(u32, Usage)]) -> Result<(), Failure> {
    let mut header = vec!["US dollars a month".to_owned()];
    for (accounts, _) in usages {
        header.extend([counted(u64::from(*accounts), "account"), "beyond free".to_owned()]);
    }
    // One number for an organization, which has two columns.
    let fact = |name: &str, fact: &dyn Fn(&Usage) -> String| {
        let cells = usages.iter().flat_map(|(_, usage)| [fact(usage), String::new()]);
        std::iter::once(name.to_owned()).chain(cells).collect::<Vec<_>>()
    };
    let amounts = |name: &str, all: &dyn Fn(&Usage) -> f64, beyond_free: &dyn Fn(&Usage) -> f64| {
        let cells = usages.iter().flat_map(|(_, usage)| [all(usage), beyond_free(usage)]);
        std::iter::once(name.to_owned())
            .chain(cells.map(|dollars| format!("{dollars:.2}")))
            .collect::<Vec<_>>()
    };
    let mut rows = vec![
        fact("(calls of AWS Config in a run)", &|usage| format!("{:.0}", usage.calls_per_tick())),
        fact("(a run takes, seconds)", &|usage| format!("{:.1}", usage.seconds_per_run())),
        fact("(whole looks, seconds an hour)", &|usage| format!("{:.1}", usage.whole_seconds_per_hour())),
        fact("(GB-seconds)", &|usage| format!("{:.0}", usage.gb_seconds())),
    ];
    rows.extend(ITEMS.iter().map(|item| amounts(item.name, &|u| item.dollars(u), &|u| item.beyond_free(u))));
    rows.push(amounts("Total", &total, &total_beyond_free));
    let mut columns: Vec<Column<'_>> = header.iter().map(|title| Column::number(title)).collect();
    if let (Some(first), Some(title)) = (columns.first_mut(), header.first()) {
        *first = Column::text(title);
    }
    let rows = rows.into_iter().map(|row| row.into_iter().map(Cell::from).collect()).collect();
    table::table(&columns, rows, Wide::ALWAYS)
}

fn document(accounts: u32, usage: &Usage) -> Value {
    let cents = |dollars: f64| (dollars * 10_000.0).round() / 10_000.0;
    let items = |dollars: &dyn Fn(&Item) -> f64| -> Map<String, Value> {
        ITEMS.iter().map(|item| (item.name.to_owned(), json!(cents(dollars(item))))).collect()
    };
    json!({
        "Accounts": accounts,
        "Packs": usage.packs,
        "EverySeconds": usage.every,
        "CallsPerRun": usage.calls_per_tick(),
        "SecondsPerRun": cents(usage.seconds_per_run()),
        "WholeLookSecondsPerHour": cents(usage.whole_seconds_per_hour()),
        "GbSeconds": usage.gb_seconds().round(),
        "Items": items(&|item| item.dollars(usage)),
        "Total": cents(total(usage)),
        "ItemsBeyondFree": items(&|item| item.beyond_free(usage)),
        "TotalBeyondFree": cents(total_beyond_free(usage)),
        "Currency": "USD",
    })
}

fn whole_every(text: &str) -> Result<WholeEvery, String> {
    match text {
        "always" => Ok(WholeEvery(None)),
        _ => interval(text).map(|every| WholeEvery(Some(every.as_secs_f64()))),
    }
}

/// EventBridge Scheduler's shortest interval is a minute.
fn interval(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a duration of a minute or more, such as 5m or 1h");
    let exact: SignedDuration = text.parse().map_err(|_| wrong())?;
    Duration::try_from(exact).ok().filter(|every| every.as_secs() >= 60).ok_or_else(wrong)
}
