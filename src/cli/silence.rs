//! `packwatch silence`: what people do not want to be notified of for a while.

use std::collections::BTreeSet;
use std::io::{self, Write};

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::args::{Global, TIMES, kind, until};
use super::outcome::{Failure, note, warn};
use super::outside::{Store, StoreArgs};
use super::progress::Progress;
use super::selection::{PackArgs, unknown_packs};
use super::table::{self, Column, Field, Output, Printer};
use crate::model::text::{counted, grouped};
use crate::model::{AccountId, Kind};
use crate::ports::{SilenceStore, SnapshotStore};
use crate::state::head::Heads;
use crate::state::silence::{Silence, Silences};

/// What `silence` takes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct SilenceArgs {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    store: StoreArgs,
}

const EXAMPLES: &str = "\
Examples:
  packwatch silence add --account 111122223333 --until 7d --reason 'is being closed'
  packwatch silence add --pack 'Operational-*' --kind failed --until 2026-12-01T08:00:00Z --reason CHG-1042
  packwatch silence list
  packwatch silence remove 3f9a1c2e

A silenced change is recorded, sent to the events topic, and counted in the last line of the next digest. \
What is still failing when the silence ends is reported then.";

#[derive(Debug, Subcommand)]
enum Action {
    /// Add a silence for changes that fit all given matchers
    Add(AddArgs),
    /// Print the silences
    List {
        /// table, csv, or json: one document a line
        #[arg(long, value_enum, default_value = "table")]
        output: Output,
    },
    /// End a silence: what it covered and still fails is reported by the next run
    Remove {
        /// The silence, as `packwatch silence list` names it
        id: String,
    },
}

#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{TIMES}"))]
struct AddArgs {
    /// Member account. May be repeated
    #[arg(long = "account", value_name = "ID")]
    accounts: Vec<AccountId>,
    #[command(flatten)]
    packs: PackArgs,
    /// Kind of change: failed (with its reminders), recovered, stuck, … May be repeated
    #[arg(long = "kind", value_name = "KIND", value_parser = kind)]
    kinds: Vec<Kind>,
    /// When it ends: a time (see below), or how long from now, such as 12h or 7d
    #[arg(long, value_name = "TIME|DURATION", value_parser = until)]
    until: Timestamp,
    /// Why: shown to everyone who lists the silences
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    reason: String,
    /// By whom
    #[arg(long, value_name = "NAME", env = "USER", default_value = "unknown", hide_env_values = true)]
    by: String,
}

fn reason(text: &str) -> Result<String, &'static str> {
    let text = text.trim();
    if text.is_empty() { Err("say why") } else { Ok(text.to_owned()) }
}

pub(super) async fn silence(
    global: &Global,
    SilenceArgs { action, store }: &SilenceArgs,
) -> Result<(), Failure> {
    if store.table.is_none() && global.region.is_some() {
        return Err(
            "--region is the table's, and a file has none: --pack-region chooses packs by theirs".into()
        );
    }
    match action {
        // What is expected may be silenced before anything is recorded.
        Action::Add(args) => add(&store.create(global).await?, args).await,
        Action::List { output } => list(&store.open(global).await?, *output).await,
        Action::Remove { id } => remove(&store.open(global).await?, id).await,
    }
}

async fn add(store: &Store, args: &AddArgs) -> Result<(), Failure> {
    let PackArgs { packs, regions } = &args.packs;
    if args.accounts.is_empty() && packs.is_empty() && regions.is_empty() && args.kinds.is_empty() {
        return Err("say what to silence: --account, --pack, --pack-region or --kind".into());
    }
    let silence = Silence {
        id: format!("{:08x}", fastrand::u32(..)),
        accounts: args.accounts.clone(),
        packs: packs.clone(),
        regions: regions.clone(),
        kinds: args.kinds.iter().copied().collect::<BTreeSet<Kind>>(),
        until: args.until,
        reason: args.reason.clone(),
        by: args.by.clone(),
    };
    let progress = Progress::start("looking at what it covers");
    let heads = store.load().await?;
    let (deployments, unhealthy) = coverage(&silence, store, &heads).await?;
    store.silence(&silence).await?;
    progress.end();
    writeln!(io::stdout(), "{}", silence.id)?;
    note(&format!("silenced until {} UTC", table::time(silence.until)));
    unknown_packs(&silence.packs, heads.known.keys()).iter().for_each(warn);
    let covers = format!("it covers {}", counted(deployments, "deployment"));
    match (deployments, unhealthy) {
        (0, _) => warn(&"it matches no known account or pack"),
        (_, 0) => note(&format!("{covers}, none of them unhealthy now")),
        (_, n) => note(&format!("{covers}, {} of them unhealthy now", grouped(n))),
    }
    Ok(())
}

/// How many recorded deployments a silence is about, and how many of them are unhealthy now.
async fn coverage(silence: &Silence, store: &Store, heads: &Heads) -> Result<(u64, u64), Failure> {
    let now = Timestamp::now();
    let alone = Silences(vec![silence.clone()]);
    let (mut deployments, mut unhealthy) = (0, 0);
    for (target, _) in heads.known.iter().filter(|(_, head)| !head.is_deleted()) {
        let of_target = alone.of(target);
        if of_target.0.is_empty() {
            continue;
        }
        for (account, row) in store.snapshot(target).await?.rows {
            if silence.accounts.is_empty() || silence.accounts.contains(&account) {
                deployments += 1;
                unhealthy += u64::from(of_target.cover(account, &row.state, now));
            }
        }
    }
    Ok((deployments, unhealthy))
}

async fn list(store: &Store, output: Output) -> Result<(), Failure> {
    let progress = Progress::start("reading the silences");
    let mut silences = store.load().await?.silences.0;
    progress.end();
    // DynamoDB forgets what has expired within days, not at once.
    silences.retain(|silence| silence.until > Timestamp::now());
    silences.sort_by_key(|silence| silence.until);
    if silences.is_empty() && output == Output::Table {
        note(&"there are no silences");
    }
    let mut printer = Printer::new(output, &FIELDS)?;
    for silence in &silences {
        printer.print(&document(silence))?;
    }
    printer.finish()
}

async fn remove(store: &Store, id: &str) -> Result<(), Failure> {
    if !store.unsilence(id).await? {
        return Err(
            format!("there is no silence {id:?}. `packwatch silence list` prints those there are").into()
        );
    }
    note(&format!("removed {id}"));
    Ok(())
}

/// The fields of a silence; a matcher without anything stands for anything.
const FIELDS: [Field; 8] = [
    ("Id", Some(Column::text("Id"))),
    ("Until", Some(Column::time("Until (UTC)"))),
    ("AccountIds", Some(Column::long("Accounts", 12))),
    ("OrganizationConformancePackNames", Some(Column::long("Packs", 10))),
    ("Regions", Some(Column::long("Regions", 9).spare(2))),
    ("Kinds", Some(Column::long("Kinds", 6).spare(1))),
    ("By", Some(Column::long("By", 6).spare(3))),
    ("Reason", Some(Column::long("Reason", 12))),
];

fn document(silence: &Silence) -> Value {
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
