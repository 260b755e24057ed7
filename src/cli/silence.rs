//! `packwatch silence`: what people do not want to be notified of for a while.

use std::collections::BTreeSet;
use std::io::{self, IsTerminal, Write};

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::args::{Global, TIMES, When, kind, until};
use super::outcome::{Failure, note, warn};
use super::outside::{Store, StoreArgs};
use super::progress::Progress;
use super::selection::unknown_packs;
use super::table::{self, Column, Field, Output, Printer};
use crate::model::text::{counted, did_you_mean, grouped, plain};
use crate::model::{AccountId, Kind, PackGlob, Region};
use crate::ports::{SilenceStore, SnapshotStore};
use crate::state::head::Heads;
use crate::state::silence::{Silence, Silences};

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

A silenced change is recorded, sent to the events topic, and counted in the last line of the next digest. \
What is still failing when the silence ends is reported then.";

#[derive(Debug, Subcommand)]
enum Action {
    /// Add a silence for changes that fit all given matchers
    Add(AddArgs),
    /// Print the silences
    List(ListArgs),
    /// End a silence: what it covered and still fails is reported by the next run
    Remove(RemoveArgs),
}

#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{TIMES}"))]
struct AddArgs {
    /// Member account. May be repeated
    #[arg(long = "account", value_name = "ID")]
    accounts: Vec<AccountId>,
    /// Organization conformance pack, by name or with *. May be repeated
    #[arg(long = "pack", visible_alias = "organization-conformance-pack-name", value_name = "NAME")]
    packs: Vec<PackGlob>,
    /// Region of the pack (--region is the table's). May be repeated
    #[arg(long = "pack-region", value_name = "REGION")]
    regions: Vec<Region>,
    /// Kind of change: failed (with its reminders), recovered, stuck, … May be repeated
    #[arg(long = "kind", value_name = "KIND", value_parser = kind)]
    kinds: Vec<Kind>,
    /// When it ends: a time (see below), or how long from now, such as 12h or 7d
    #[arg(long, value_name = "TIME|DURATION", value_parser = until)]
    until: When,
    /// Why: shown to everyone who lists the silences
    #[arg(long, value_name = "TEXT", value_parser = reason)]
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
    /// Remove it without asking
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    store: StoreArgs,
}

pub(super) async fn silence(global: &Global, args: &SilenceArgs) -> Result<(), Failure> {
    let store = match &args.action {
        Action::Add(AddArgs { store, .. })
        | Action::List(ListArgs { store, .. })
        | Action::Remove(RemoveArgs { store, .. }) => store,
    };
    if store.table.is_none() && global.region.is_some() {
        return Err(
            "--region is the table's, and a file has none: --pack-region chooses packs by theirs".into()
        );
    }
    match &args.action {
        // What is expected may be silenced before anything is recorded.
        Action::Add(args) => add(&store.create(global).await?, args).await,
        Action::List(args) => list(&store.open(global).await?, args).await,
        Action::Remove(args) => remove(&store.open(global).await?, args).await,
    }
}

async fn add(store: &Store, args: &AddArgs) -> Result<(), Failure> {
    let any = args.accounts.is_empty() && args.packs.is_empty() && args.regions.is_empty();
    let until = args.until.said("--until");
    let any = (any && args.kinds.is_empty())
        .then(|| "say what to silence: --account, --pack, --pack-region or --kind".to_owned());
    let past = (until <= Timestamp::now()).then(|| format!("--until {until} is in the past"));
    let faults: Vec<String> = any.into_iter().chain(past).collect();
    if !faults.is_empty() {
        return Err(faults.join("\n").into());
    }
    let silence = Silence {
        id: format!("{:08x}", fastrand::u32(..)),
        accounts: args.accounts.clone(),
        packs: args.packs.clone(),
        regions: args.regions.clone(),
        kinds: args.kinds.iter().copied().collect::<BTreeSet<Kind>>(),
        until,
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

async fn list(store: &Store, args: &ListArgs) -> Result<(), Failure> {
    let progress = Progress::start("reading the silences");
    let mut silences = store.load().await?.silences.0;
    progress.end();
    // DynamoDB forgets what has expired within days, not at once.
    silences.retain(|silence| silence.until > Timestamp::now());
    silences.sort_by_key(|silence| silence.until);
    if silences.is_empty() && args.output == Output::Table {
        note(&"there are no silences");
    }
    let mut printer = Printer::new(args.output, &FIELDS)?;
    for silence in &silences {
        printer.print(&document(silence))?;
    }
    printer.finish()
}

async fn remove(store: &Store, args: &RemoveArgs) -> Result<(), Failure> {
    let progress = Progress::start("reading the silences");
    let silences = store.load().await?.silences.0;
    progress.end();
    let Some(silence) = silences.iter().find(|silence| silence.id == args.id) else {
        let meant = did_you_mean(&args.id, silences.iter().map(|silence| silence.id.as_str()));
        return Err(format!("there is no silence {:?}{meant}", args.id).into());
    };
    if !args.yes && io::stdin().is_terminal() && !confirmed(silence)? {
        return Err("nothing was removed".into());
    }
    match store.unsilence(&args.id).await? {
        true => note(&format!("removed {}", described(silence))),
        false => return Err(format!("the silence {} has already been removed", args.id).into()),
    }
    Ok(())
}

/// Asks a person.
fn confirmed(silence: &Silence) -> Result<bool, Failure> {
    write!(io::stderr(), "Remove {}? [y/N] ", described(silence))?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() { Err("give a reason: others will see it".to_owned()) } else { Ok(text.to_owned()) }
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

/// One silence in a line: "3f9a1c2e (account 111122223333, until 2026-12-01 08:00 UTC, by ada: is being closed)".
fn described(silence: &Silence) -> String {
    let matchers = [
        ("account", silence.accounts.len(), listed(&silence.accounts)),
        ("pack", silence.packs.len(), listed(&silence.packs)),
        ("region", silence.regions.len(), listed(&silence.regions)),
        ("kind", silence.kinds.len(), listed(&silence.kinds)),
    ];
    let given = matchers.into_iter().filter(|(_, n, _)| *n > 0);
    let given: String =
        given.map(|(name, n, items)| format!("{name}{} {items}, ", if n == 1 { "" } else { "s" })).collect();
    let (until, Silence { id, by, reason, .. }) = (table::time(silence.until), silence);
    plain(&format!("{id} ({given}until {until} UTC, by {by}: {reason})"))
}

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

fn listed(items: impl IntoIterator<Item = impl ToString>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}
