//! `packwatch history`: the recorded transitions.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufWriter, StdoutLock, Write};

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::args::Global;
use super::args::{kind, moment};
use super::outcome::{Done, Failure, note};
use super::outside::StoreArgs;
use super::progress::Progress;
use super::selection::{PackArgs, Selection, did_you_mean};
use super::table::{self, Cell, Column, Csv, Output, Wide};
use crate::history::{Entry, History, Window};
use crate::model::text::{counted, nearest, plain};
use crate::model::{AccountId, Kind, Target};
use crate::notify::transition_notice;
use crate::ports::{self, HistoryReader, SnapshotStore};
use crate::state::heads::Head;
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
    /// Only this incident, by its IncidentId or a unique beginning of it
    #[arg(long, value_name = "ID")]
    incident: Option<String>,
    /// Only changes since then: a time, a day (UTC), or how long ago, such as 7d
    #[arg(long, value_name = "TIME|AGO", value_parser = moment)]
    since: Option<Timestamp>,
    /// Only changes until then
    #[arg(long, value_name = "TIME|AGO", value_parser = moment)]
    until: Option<Timestamp>,
    /// Which changes come first
    #[arg(long, value_enum, default_value = "newest")]
    order: Order,
    /// Stop after this many [default: 500 in a table, else all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Continue after the transition with this id, as printed where --limit has cut
    #[arg(long, value_name = "ID")]
    after: Option<String>,
    #[command(flatten)]
    store: StoreArgs,
    /// table, csv, or json: one document a line
    #[arg(long, value_enum, default_value = "table")]
    output: Output,
    #[command(flatten)]
    wide: Wide,
}

const EXAMPLES: &str = "\
Examples:
  packwatch history --since 7d
  packwatch history --account 111122223333 --account 222233334444 --output json
  packwatch history --table packwatch --pack 'Security-*' --kind failed --kind recovered
  packwatch history --incident 8a2f0c6f --order oldest
  packwatch history --since 2026-11-01 --until 2026-11-08 --order oldest --output csv

Packs are read a page at a time and put in order by the time at which packwatch observed the change.";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Order {
    Newest,
    Oldest,
}

/// A table is as wide as its widest row, so it is held whole.
const LONGEST_TABLE: u64 = 500;

/// An IncidentId has so many characters.
const ID_LENGTH: usize = 32;

const HEADER: [&str; 14] = [
    "ObservedAt",
    "Region",
    "OrganizationConformancePackName",
    "AccountId",
    "Kind",
    "From",
    "To",
    "ErrorCode",
    "ErrorMessage",
    "LastUpdateTime",
    "FailingSince",
    "Notes",
    "IncidentId",
    "Id",
];

const COLUMNS: [Column<'_>; 11] = [
    Column::text("Observed (UTC)"),
    Column::text("Region").spare(1),
    Column::name("Pack", 14),
    Column::text("Account"),
    Column::text("Kind"),
    Column::text("From").spare(3),
    Column::text("To").spare(2),
    Column::name("Error", 12),
    Column::prose("Message", 16).spare(4),
    Column::text("Notes").spare(5),
    Column::id("Incident").spare(6),
];

pub(super) async fn history(global: &Global, args: &HistoryArgs) -> Result<Done, Failure> {
    if let (Some(since), Some(until)) = (args.since, args.until)
        && since > until
    {
        return Err(format!("--until {until} is before --since {since}").into());
    }
    let store = args.store.open(global).await?;
    let progress = Progress::start("reading what was recorded");
    let selection = args.packs.select(store.load().await?, global, &args.store)?;
    let Selection { targets, unreadable, unfinished } = selection;
    let order = match args.order {
        Order::Newest => ports::Order::Newest,
        Order::Oldest => ports::Order::Oldest,
    };
    let window = Window { since: args.since, until: args.until };
    let history = || {
        let wanted = targets.iter().map(|(target, head)| (target.clone(), head.born.clone()));
        History::new(&store, wanted, order, window)
    };
    let incident = match &args.incident {
        Some(id) => Some(whole_id(id, history()).await?),
        None => None,
    };
    let printed = print(args, incident.as_deref(), history(), &progress).await?;
    if let Some(reason) = unreadable.or(unfinished) {
        return Err(reason.into());
    }
    if printed == 0 {
        return args.nothing(&store, &targets).await;
    }
    Ok(Done::Quiet)
}

impl HistoryArgs {
    fn wants(&self, transition: &Transition, incident: Option<&str>) -> bool {
        (self.accounts.is_empty() || self.accounts.contains(&transition.account))
            && (self.kinds.is_empty() || self.kinds.contains(&transition.kind))
            && (incident.is_none() || incident == transition.incident_id.as_deref())
    }

    /// Why there is nothing to print. That nothing has changed yet is no failure.
    async fn nothing(
        &self,
        store: &impl SnapshotStore,
        targets: &BTreeMap<Target, Head>,
    ) -> Result<Done, Failure> {
        let packs = counted(targets.len() as u64, "pack");
        let mut filters = Vec::new();
        if !self.accounts.is_empty() {
            filters.push(format!("of {}", listed(&self.accounts)));
        }
        if !self.kinds.is_empty() {
            filters.push(format!("of kind {}", listed(&self.kinds)));
        }
        filters.extend(self.incident.as_ref().map(|id| format!("of incident {id}")));
        filters.extend(self.since.map(|time| format!("since {time}")));
        filters.extend(self.until.map(|time| format!("until {time}")));
        if filters.is_empty() {
            note(&format!("no change is recorded since the first look at {packs}"));
            return Ok(Done::Quiet);
        }
        let unknown = self.unknown_accounts(store, targets).await?;
        Err(format!("no change {} is recorded in {packs}{unknown}", filters.join(", ")).into())
    }

    /// Which of the accounts none of the packs has, and which was meant.
    async fn unknown_accounts(
        &self,
        store: &impl SnapshotStore,
        targets: &BTreeMap<Target, Head>,
    ) -> Result<String, Failure> {
        let mut known = BTreeSet::new();
        for target in targets.keys().filter(|_| !self.accounts.is_empty()) {
            known.extend(store.rows(target).await?.into_keys());
        }
        let ids: Vec<String> = known.iter().map(AccountId::to_string).collect();
        let unknown = self.accounts.iter().filter(|account| !known.contains(account)).map(|account| {
            let meant = nearest(&account.to_string(), ids.iter().map(String::as_str)).map(str::to_owned);
            format!(". {account} is in none of them{}", did_you_mean(meant.as_deref()))
        });
        Ok(unknown.collect())
    }
}

fn listed(items: &[impl ToString]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
}

/// The id that begins so, as tables show it; as it is where none does. It must be the only one.
async fn whole_id(id: &str, mut history: History<'_, impl HistoryReader>) -> Result<String, Failure> {
    if id.len() >= ID_LENGTH {
        return Ok(id.to_owned());
    }
    let mut known = BTreeSet::new();
    while let Some(entry) = history.next().await? {
        known.extend(entry.transition.incident_id.filter(|known| known.starts_with(id)));
    }
    let mut known = known.into_iter();
    match (known.next(), known.next()) {
        (None, _) => Ok(id.to_owned()),
        (Some(only), None) => Ok(only),
        (Some(one), Some(other)) => {
            let n = known.count() + 2;
            Err(format!("{n} incidents begin with {id:?}, such as {one} and {other}. Give more of the id")
                .into())
        }
    }
}

/// Prints, and says how many.
async fn print(
    args: &HistoryArgs,
    incident: Option<&str>,
    mut history: History<'_, impl HistoryReader>,
    progress: &Progress,
) -> Result<u64, Failure> {
    let limit = args.limit.or((args.output == Output::Table).then_some(LONGEST_TABLE));
    let mut printer = Printer::new(args.output, args.wide)?;
    let mut after = args.after.as_ref();
    let (mut printed, mut last, mut is_cut) = (0, None, false);
    while let Some(entry) = history.next().await? {
        if let Some(id) = after {
            after = Some(id).filter(|id| **id != entry.id());
        } else if args.wants(&entry.transition, incident) {
            is_cut = Some(printed) == limit;
            if is_cut {
                break;
            }
            if printed == 0 && args.output != Output::Table {
                // From here on it is seen that something comes.
                progress.end();
            }
            printer.print(&entry)?;
            printed += 1;
            last = Some(entry);
        }
    }
    progress.end();
    printer.finish()?;
    if let Some(id) = after {
        return Err(format!(
            "--after {id}: these packs have no such transition in that time; it may have expired"
        )
        .into());
    }
    if let Some(last) = last.filter(|_| is_cut) {
        let n = counted(printed, "transition");
        note(&format!(
            "Truncated after {n}: there are more. Continue with --after {}, or raise --limit",
            last.id()
        ));
    }
    Ok(printed)
}

/// Prints one transition after the other, as far as the form allows it.
enum Printer {
    Json(BufWriter<StdoutLock<'static>>),
    Csv(Box<Csv>),
    Table(Vec<Vec<Cell>>, Wide),
}

impl Printer {
    fn new(output: Output, wide: Wide) -> Result<Self, Failure> {
        Ok(match output {
            Output::Json => Self::Json(BufWriter::new(io::stdout().lock())),
            Output::Csv => Self::Csv(Box::new(Csv::new(&HEADER)?)),
            Output::Table => Self::Table(Vec::new(), wide),
        })
    }

    fn print(&mut self, entry: &Entry) -> Result<(), Failure> {
        match self {
            Self::Json(out) => writeln!(out, "{}", document(entry))?,
            Self::Csv(csv) => csv.row(&row(entry))?,
            Self::Table(rows, _) => rows.push(cells(entry)),
        }
        Ok(())
    }

    fn finish(self) -> Result<(), Failure> {
        match self {
            Self::Json(mut out) => Ok(out.flush()?),
            Self::Csv(csv) => csv.finish(),
            Self::Table(rows, _) if rows.is_empty() => Ok(()),
            Self::Table(rows, wide) => table::table(&COLUMNS, rows, wide),
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

/// What is said of a transition in words: statuses, error code and message.
fn words(transition: &Transition) -> [String; 4] {
    let status =
        |state: &Option<State>| state.as_ref().map(|state| plain(state.status.as_str())).unwrap_or_default();
    let text = |of: fn(&State) -> &Option<String>| {
        transition.to.as_ref().and_then(|to| of(to).as_deref()).map(plain).unwrap_or_default()
    };
    [
        status(&transition.from),
        status(&transition.to),
        text(|state| &state.error_code),
        text(|state| &state.error_message),
    ]
}

fn notes(transition: &Transition) -> Vec<&'static str> {
    let is_flapping = transition.damped || transition.flapping.is_some();
    let notes = [(transition.silenced, "silenced"), (is_flapping, "flapping")];
    notes.into_iter().filter(|(is_so, _)| *is_so).map(|(_, note)| note).collect()
}

/// The document's fields, as far as they are one line.
fn row(entry: &Entry) -> Vec<String> {
    let Entry { target, transition, .. } = entry;
    let time = |time: Option<Timestamp>| time.map(|time| time.to_string()).unwrap_or_default();
    let [from, to, error_code, error_message] = words(transition);
    vec![
        transition.observed_at.to_string(),
        target.region.to_string(),
        target.pack.to_string(),
        transition.account.to_string(),
        transition.kind.to_string(),
        from,
        to,
        error_code,
        error_message,
        time(transition.to.as_ref().and_then(|to| to.last_update)),
        time(transition.failing_since),
        notes(transition).join(" "),
        transition.incident_id.clone().unwrap_or_default(),
        entry.id(),
    ]
}

fn cells(Entry { target, transition, .. }: &Entry) -> Vec<Cell> {
    let [from, to, error_code, error_message] = words(transition);
    let cells = [
        table::time(transition.observed_at),
        target.region.to_string(),
        target.pack.to_string(),
        transition.account.to_string(),
        transition.kind.to_string(),
        from,
        to,
        error_code,
        error_message,
        notes(transition).join(", "),
        transition.incident_id.clone().unwrap_or_default(),
    ];
    cells.map(Cell::from).into()
}
