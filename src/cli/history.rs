//! `packwatch history`: the recorded transitions.

use std::io::{self, BufWriter, StdoutLock, Write};

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::args::Global;
use super::args::{PackArgs, kind, moment};
use super::outcome::{Done, Failure, note};
use super::outside::StoreArgs;
use super::table::{self, Csv, Output};
use crate::history::{Entry, History, Window};
use crate::model::text::counted;
use crate::model::text::plain;
use crate::model::{AccountId, Kind};
use crate::notify::transition_notice;
use crate::ports::{self, HistoryReader, SnapshotStore};
use crate::state::{State, Transition};

/// What `history` takes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct HistoryArgs {
    #[command(flatten)]
    packs: PackArgs,
    /// Only this member account. May be repeated
    #[arg(long = "account", value_name = "ID")]
    accounts: Vec<AccountId>,
    /// Only this kind of change: failed, recovered, stuck, … May be repeated
    #[arg(long = "kind", value_name = "KIND", value_parser = kind)]
    kinds: Vec<Kind>,
    /// Only this incident, by the IncidentId that messages have
    #[arg(long, value_name = "ID")]
    incident: Option<String>,
    /// Only from then on: a time, a day (UTC), or how long ago, such as 7d
    #[arg(long, value_name = "TIME|AGO", value_parser = moment)]
    since: Option<Timestamp>,
    /// Only until then
    #[arg(long, value_name = "TIME|AGO", value_parser = moment)]
    until: Option<Timestamp>,
    /// Which end to begin with
    #[arg(long, value_enum, default_value = "newest")]
    order: Order,
    /// Stop after this many [default: 500 in a table, else all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Go on after the transition with this id, where the limit has cut
    #[arg(long, value_name = "ID")]
    after: Option<String>,
    #[command(flatten)]
    store: StoreArgs,
    /// table, csv, or json: one document a line
    #[arg(long, value_enum, default_value = "table")]
    output: Output,
}

const EXAMPLES: &str = "\
Examples:
  packwatch history --since 7d
  packwatch history --account 111122223333 --account 222233334444 --output json
  packwatch history --table packwatch --pack 'Security-*' --kind failed --kind recovered
  packwatch history --incident 8a2f0c6f6f3d4f7c9b1e5d2a7c4e6b80 --order oldest
  packwatch history --since 2026-11-01 --until 2026-11-08 --order oldest --output csv

Packs are read a page at a time and put in order by the time at which packwatch observed the change.";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Order {
    Newest,
    Oldest,
}

/// A table is as wide as its widest row, so it is held whole.
const LONGEST_TABLE: u64 = 500;

const HEADER: [&str; 9] =
    ["Observed", "Region", "Pack", "Account", "Kind", "From", "To", "Error", "Incident"];

pub(super) async fn history(global: &Global, args: &HistoryArgs) -> Result<Done, Failure> {
    let store = args.store.open(global).await?;
    let heads = store.load().await?;
    let wanted = args.packs.choose(heads.known, global, args.store.table.is_none())?;
    let wanted = wanted.into_iter().map(|(target, head)| (target, head.born));
    let order = match args.order {
        Order::Newest => ports::Order::Newest,
        Order::Oldest => ports::Order::Oldest,
    };
    let window = Window { since: args.since, until: args.until };
    print(args, History::new(&store, wanted, order, window)).await?;
    match heads.unreadable.into_values().next() {
        Some(reason) => Err(reason.into()),
        None => Ok(Done::Quiet),
    }
}

impl HistoryArgs {
    fn wants(&self, transition: &Transition) -> bool {
        (self.accounts.is_empty() || self.accounts.contains(&transition.account))
            && (self.kinds.is_empty() || self.kinds.contains(&transition.kind))
            && (self.incident.is_none() || self.incident == transition.incident_id)
    }
}

async fn print(args: &HistoryArgs, mut history: History<'_, impl HistoryReader>) -> Result<(), Failure> {
    let limit = args.limit.or((args.output == Output::Table).then_some(LONGEST_TABLE));
    let mut printer = Printer::new(args.output)?;
    let mut after = args.after.as_ref();
    let (mut printed, mut last, mut is_cut) = (0, None, false);
    while let Some(entry) = history.next().await? {
        if let Some(id) = after {
            after = Some(id).filter(|id| **id != entry.id());
        } else if args.wants(&entry.transition) {
            is_cut = Some(printed) == limit;
            if is_cut {
                break;
            }
            printer.print(&entry)?;
            printed += 1;
            last = Some(entry);
        }
    }
    printer.finish()?;
    if let Some(id) = after {
        return Err(format!(
            "--after {id}: these packs have no such transition in that time; it may have expired"
        )
        .into());
    }
    if let Some(last) = last.filter(|_| is_cut) {
        let n = counted(printed, "transition");
        note(&format!("Cut after {n}: there are more. Go on with --after {}, or set --limit", last.id()));
    }
    Ok(())
}

/// Prints one transition after the other, as far as the form allows it.
enum Printer {
    Json(BufWriter<StdoutLock<'static>>),
    Csv(Box<Csv>),
    Table(Vec<Vec<String>>),
}

impl Printer {
    fn new(output: Output) -> Result<Self, Failure> {
        Ok(match output {
            Output::Json => Self::Json(BufWriter::new(io::stdout().lock())),
            Output::Csv => Self::Csv(Box::new(Csv::new(&HEADER)?)),
            Output::Table => Self::Table(Vec::new()),
        })
    }

    fn print(&mut self, entry: &Entry) -> Result<(), Failure> {
        match self {
            Self::Json(out) => writeln!(out, "{}", document(entry))?,
            Self::Csv(csv) => csv.row(&row(entry))?,
            Self::Table(rows) => rows.push(row(entry)),
        }
        Ok(())
    }

    fn finish(self) -> Result<(), Failure> {
        match self {
            Self::Json(mut out) => Ok(out.flush()?),
            Self::Csv(csv) => csv.finish(),
            Self::Table(rows) => table::table(&HEADER, &rows),
        }
    }
}

fn document(entry: &Entry) -> Value {
    let mut document = json!({
        "ObservedAt": entry.transition.observed_at,
        "Region": entry.target.region,
        "OrganizationConformancePackName": entry.target.pack,
    });
    let notice = json!(transition_notice(&entry.target, &entry.born, &entry.transition));
    if let (Some(fields), Value::Object(notice)) = (document.as_object_mut(), notice) {
        fields.extend(notice);
    }
    document
}

fn row(Entry { target, transition, .. }: &Entry) -> Vec<String> {
    let status = |state: Option<&State>| state.map_or_else(String::new, |state| plain(state.status.as_str()));
    let error = transition.to.as_ref().map(|to| {
        let parts = [to.error_code.as_deref(), to.error_message.as_deref()];
        plain(&parts.into_iter().flatten().collect::<Vec<_>>().join(": "))
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
        transition.incident_id.clone().unwrap_or_default(),
    ]
}
