//! `packwatch history`: the recorded changes, of accounts and of packs.

use clap::Args;
use jiff::Timestamp;
use serde_json::Value;

use super::args::{Global, TIMES, moment, record_kind};
use super::outcome::{Failure, note};
use super::outside::StoreArgs;
use super::progress::Progress;
use super::selection::{PackArgs, Selection};
use super::table::{Column, Field, Output, Printer};
use crate::history::{Covered, History, Window, covered};
use crate::model::AccountId;
use crate::model::text::counted;
use crate::notify::message::{self, Form};
use crate::ports::{Order, SnapshotStore};
use crate::state::log::Record;

/// What `history` takes.
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{TIMES}"))]
pub(super) struct HistoryArgs {
    #[command(flatten)]
    packs: PackArgs,
    /// Only this member account. May be repeated
    #[arg(long = "account", value_name = "ID")]
    accounts: Vec<AccountId>,
    /// Only this kind of change: failed, recovered, baseline, pack-deleted, … May be repeated
    #[arg(long = "kind", value_name = "KIND", value_parser = record_kind)]
    kinds: Vec<&'static str>,
    /// Only what this message covers, by the Id of the digest
    #[arg(long, value_name = "ID")]
    message: Option<String>,
    /// Only this incident, by its IncidentId or the beginning of it
    #[arg(long, value_name = "ID")]
    incident: Option<String>,
    /// Only changes since then: a time (see below), or how long ago, such as 7d
    #[arg(long, value_name = "TIME|AGO", value_parser = moment)]
    since: Option<Timestamp>,
    /// Only changes until then
    #[arg(long, value_name = "TIME|AGO", value_parser = moment)]
    until: Option<Timestamp>,
    /// Which changes come first
    #[arg(long, default_value = "newest", value_parser = ["newest", "oldest"])]
    order: String,
    /// Stop after this many [default: 500 in a table, else all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
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
  packwatch history --incident 8a2f0c6f --order oldest
  packwatch history --table packwatch --message 7c07fbb56df4e5bd1b5c0f7a7c2d4e61
  packwatch history --since 2026-11-01 --until 2026-11-08 --order oldest --output csv

Packs are read a page at a time and put in order by the time at which packwatch observed the change.";

/// A table is as wide as its widest row, so it is held whole.
const LONGEST_TABLE: u64 = 500;

pub(super) async fn history(global: &Global, args: &HistoryArgs) -> Result<(), Failure> {
    let window = Window { since: args.since, until: args.until };
    if let (Some(since), Some(until)) = (args.since, args.until)
        && since > until
    {
        return Err(format!("--until {until} is before --since {since}").into());
    }
    let store = args.store.open(global).await?;
    let progress = Progress::start("reading what was recorded");
    let selection = args.packs.select(store.load().await?, global, &args.store)?;
    let Selection { targets, incomplete } = selection;
    let order = if args.order == "newest" { Order::Newest } else { Order::Oldest };
    let wanted = targets.iter().map(|(target, head)| (target.clone(), head.history_id.clone()));
    let mut history = History::new(&store, wanted, order, window);
    if let Some(id) = &args.message {
        history = history.within(&args.covered(&store, id).await?);
    }
    let printed = print(args, history, &progress).await?;
    if let Some(why) = incomplete {
        return Err(why.into());
    }
    if printed == 0 {
        let packs = counted(targets.len() as u64, "pack");
        return Err(format!("no change that fits is recorded in {packs}, or it has expired").into());
    }
    Ok(())
}

impl HistoryArgs {
    fn wants(&self, record: &Record) -> bool {
        let of = record.transition();
        let incident = of.and_then(|of| of.incident_id.as_ref());
        (self.accounts.is_empty() || of.is_some_and(|of| self.accounts.contains(&of.account)))
            && (self.kinds.is_empty() || self.kinds.contains(&record.kind()))
            && self.incident.as_ref().is_none_or(|begin| incident.is_some_and(|id| id.starts_with(begin)))
    }

    /// What a message covers.
    async fn covered(&self, store: &impl SnapshotStore, id: &str) -> Result<Covered, Failure> {
        let kept = "Digests are kept for 14 days, each in the table or file of the run that sent it";
        let message = store.message(id).await?;
        let message = message
            .ok_or_else(|| format!("no message with the Id {id} is kept in {}. {kept}", self.store))?;
        Ok(covered(&message).map_err(|why| format!("the message {id} is damaged: {why}"))?)
    }
}

/// Prints, and says how many.
async fn print(
    args: &HistoryArgs,
    mut history: History<'_, impl SnapshotStore>,
    progress: &Progress,
) -> Result<u64, Failure> {
    let limit = args.limit.or((args.output == Output::Table).then_some(LONGEST_TABLE));
    let mut printer = Printer::new(args.output, &FIELDS)?;
    let (mut printed, mut is_cut) = (0, false);
    while let Some(entry) = history.next().await? {
        if !args.wants(&entry.record) {
            continue;
        }
        is_cut = Some(printed) == limit;
        if is_cut {
            break;
        }
        if printed == 0 && args.output != Output::Table {
            // From here on it is seen that something comes.
            progress.end();
        }
        // As machines get it.
        let event = message::event(&entry.target, &entry.history_id, &entry.record, Form::Whole);
        let change = serde_json::from_str(&event.message)?;
        let is_json = args.output == Output::Json;
        printer.print(&if is_json { change } else { row(change, &entry.record) })?;
        printed += 1;
    }
    progress.end();
    printer.finish()?;
    if is_cut {
        note(&format!("Truncated after {}: there are more. Raise --limit", counted(printed, "change")));
    }
    Ok(printed)
}

/// The fields of a change.
const FIELDS: [Field; 14] = [
    ("ObservedAt", Some(Column::time("Observed (UTC)"))),
    ("Region", Some(Column::text("Region").spare(1))),
    ("OrganizationConformancePackName", Some(Column::long("Pack", 14))),
    ("AccountId", Some(Column::text("Account"))),
    ("Kind", Some(Column::text("Kind"))),
    ("From", Some(Column::text("From").spare(3))),
    ("To", Some(Column::text("To").spare(2))),
    ("ErrorCode", Some(Column::long("Error", 12))),
    ("ErrorMessage", Some(Column::long("Message", 16).spare(4))),
    ("LastUpdateTime", None),
    ("FailingSince", None),
    ("Notes", Some(Column::text("Notes").spare(5))),
    ("IncidentId", Some(Column::id("Incident").spare(6))),
    ("Id", None),
];

/// A change as one row: of its states the statuses, and beside them what else is known of the new one.
fn row(mut change: Value, record: &Record) -> Value {
    let Some(fields) = change.as_object_mut() else { return change };
    for name in ["From", "To"] {
        let Some(Value::Object(mut state)) = fields.remove(name) else { continue };
        fields.extend(state.remove_entry("Status").map(|(_, status)| (name.to_owned(), status)));
        fields.extend(state.into_iter().filter(|_| name == "To"));
    }
    fields.insert("Notes".to_owned(), notes(record).into());
    change
}

fn notes(record: &Record) -> String {
    match record {
        Record::Account(of) => {
            let notes = [(of.silenced, "silenced"), (of.damped || of.flapping.is_some(), "flapping")];
            notes.into_iter().filter(|(is_so, _)| *is_so).map(|(_, note)| note).collect::<Vec<_>>().join(", ")
        }
        Record::Pack(notice) => notice.in_words(),
    }
}
