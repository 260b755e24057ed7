//! The board on a terminal: packs and their counts, and the unhealthy accounts by cause.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::pin::pin;

use anstyle::AnsiColor;
use futures_util::stream::{Stream, TryStreamExt};

use super::cause::{self, Unhealthy};
use super::freshness;
use super::names::KnownNames;
use super::pack::{Pack, notes};
use crate::cli::outcome::Failure;
use crate::cli::progress::Progress;
use crate::cli::table::{self, Cell, Column, Wide};
use crate::model::text::{counted, grouped, plain};
use crate::model::{Phase, Status, Target};
use crate::ports::StoreError;
use crate::state::Row;
use crate::state::head::Head;

/// How the table is to be.
pub(super) struct Form {
    /// Unhealthy deployments of each cause that are listed.
    pub(super) limit: usize,
    pub(super) wide: Wide,
    /// Some of what belongs here is not recorded: nothing that is shown is the whole.
    pub(super) is_partial: bool,
    /// The options with which another form of the board is of the same packs.
    pub(super) all: String,
    /// What to say where packs are out of date.
    pub(super) late: Option<String>,
}

/// How many accounts of a pack are in which phase.
#[derive(Default)]
struct Counts {
    accounts: u64,
    failed: u64,
    unrecognised: u64,
    stuck: u64,
    in_progress: u64,
    healthy: u64,
}

impl Counts {
    fn of<'a>(rows: impl Iterator<Item = &'a Row>) -> Self {
        let mut counts = Self::default();
        for row in rows {
            counts.accounts += 1;
            *match row.state.status.phase() {
                Phase::Failed => &mut counts.failed,
                Phase::Unrecognised => &mut counts.unrecognised,
                Phase::InProgress if row.state.stuck => &mut counts.stuck,
                Phase::InProgress => &mut counts.in_progress,
                Phase::Successful => &mut counts.healthy,
            } += 1;
        }
        counts
    }
}

/// A pack's line.
struct Line {
    target: Target,
    counts: Counts,
    head: Head,
}

pub(super) async fn print(
    packs: impl Stream<Item = Result<Pack, StoreError>>,
    names: &KnownNames,
    form: &Form,
    progress: &Progress,
) -> Result<(), Failure> {
    let mut lines: Vec<Line> = Vec::new();
    let mut unhealthy: Vec<Unhealthy> = Vec::new();
    let mut accounts = BTreeSet::new();
    let mut packs = pin!(packs);
    while let Some(pack) = packs.try_next().await? {
        let counts = Counts::of(pack.rows.values());
        lines.push(Line { target: pack.target.clone(), counts, head: pack.head.clone() });
        accounts.extend(pack.rows.keys().copied());
        unhealthy.extend(cause::unhealthy(pack));
        progress.say(format!("{} read", counted(lines.len() as u64, "pack")));
    }
    let headline = headline(&lines, accounts.len() as u64, &unhealthy, form.is_partial);
    let groups = cause::groups(unhealthy);
    let listed = groups.iter().flat_map(|group| group.unhealthy.iter().take(form.limit));
    names.look_up(listed.map(|one| one.account).collect::<BTreeSet<_>>().into_iter()).await;
    progress.end();

    if let Some(late) = &form.late {
        let loud = AnsiColor::Red.on_default().bold();
        writeln!(anstream::stdout(), "{loud}{late}{loud:#}\n")?;
    }
    writeln!(io::stdout(), "{headline}\n")?;
    table::table(&PACKS, lines.iter().map(pack_row).collect(), form.wide)?;
    if groups.is_empty() {
        return Ok(());
    }
    writeln!(io::stdout())?;
    let group = |group: &cause::Group| table::Group {
        title: Some(group.title()),
        about: group.about(),
        rows: group.unhealthy.iter().take(form.limit).map(|one| row(one, names)).collect(),
        footing: more(group.unhealthy.len().saturating_sub(form.limit)),
    };
    let shown: Vec<table::Group> = groups.iter().map(group).collect();
    table::grouped_table(&UNHEALTHY, &shown, form.wide)?;
    if shown.iter().any(|group| group.footing.is_some()) {
        let options = std::iter::once(form.all.as_str()).filter(|options| !options.is_empty());
        let command = ["packwatch board"].into_iter().chain(options).collect::<Vec<_>>().join(" ");
        writeln!(io::stdout(), "\n--limit N shows more. All of them:\n  {command} --failing --output csv")?;
    }
    Ok(())
}

fn more(left: usize) -> Option<String> {
    (left > 0).then(|| format!("… and {}", counted(left as u64, "more deployment")))
}

fn headline(lines: &[Line], accounts: u64, unhealthy: &[Unhealthy], is_partial: bool) -> String {
    let deployments = counted(lines.iter().map(|line| line.counts.accounts).sum(), "deployment");
    let (accounts, packs) = (counted(accounts, "account"), counted(lines.len() as u64, "pack"));
    let unhealthy_accounts = unhealthy.iter().map(|one| one.account).collect::<BTreeSet<_>>().len() as u64;
    match unhealthy.len() as u64 {
        0 if is_partial => format!("Nothing unhealthy so far: {deployments} in {accounts}, {packs}"),
        0 => format!("All healthy: {deployments} in {accounts}, {packs}"),
        n => {
            let (n, unhealthy_accounts) = (grouped(n), grouped(unhealthy_accounts));
            format!("Unhealthy: {n} of {deployments} in {unhealthy_accounts} of {accounts}, {packs}")
        }
    }
}

const PACKS: [Column<'_>; 11] = [
    Column::text("Region").spare(1),
    Column::name("Pack", 30),
    Column::number("Accounts"),
    Column::number("Failed"),
    Column::number("Unrecognised"),
    Column::number("Stuck"),
    Column::number("In progress").spare(3),
    Column::number("Healthy").spare(2),
    Column::text("Read in full (UTC)").spare(6),
    Column::text("Compared (UTC)").spare(4),
    Column::text("Changed (UTC)").spare(5),
];

fn pack_row(Line { target, counts, head }: &Line) -> Vec<Cell> {
    let coloured = |n: u64, colour| Cell::from(n).coloured(Some(colour).filter(|_| n > 0));
    vec![
        target.region.to_string().into(),
        target.pack.to_string().into(),
        counts.accounts.into(),
        coloured(counts.failed, AnsiColor::Red),
        coloured(counts.unrecognised, AnsiColor::Magenta),
        coloured(counts.stuck, AnsiColor::Yellow),
        counts.in_progress.into(),
        counts.healthy.into(),
        head.last_full_scan().map(table::time).unwrap_or_default().into(),
        table::time(freshness::compared(head)).into(),
        table::time(head.committed_at).into(),
    ]
}

const UNHEALTHY: [Column<'_>; 8] = [
    Column::text("Region").spare(1),
    Column::name("Pack", 12),
    Column::text("Account"),
    Column::name("Name", 10),
    Column::text("Status"),
    Column::text("Notes").spare(4),
    Column::text("Since (UTC)").spare(3),
    Column::prose("Message", 20).spare(5),
];

fn row(Unhealthy { target, account, row }: &Unhealthy, names: &KnownNames) -> Vec<Cell> {
    let since = row.failing_since.or(row.state.last_update);
    let tried_again = row.incident.as_ref().map_or(0, |incident| incident.tried_again);
    let retries = (tried_again > 0).then(|| format!("retried {tried_again}×"));
    vec![
        target.region.to_string().into(),
        target.pack.to_string().into(),
        account.to_string().into(),
        names.of(*account).unwrap_or_default().into(),
        Cell::from(plain(row.state.status.as_str())).coloured(colour(&row.state.status)),
        notes(row).into_iter().map(str::to_owned).chain(retries).collect::<Vec<_>>().join(", ").into(),
        since.map(table::time).unwrap_or_default().into(),
        row.state.error_message.clone().unwrap_or_default().into(),
    ]
}

fn colour(status: &Status) -> Option<AnsiColor> {
    match status.phase() {
        Phase::Failed => Some(AnsiColor::Red),
        Phase::Unrecognised => Some(AnsiColor::Magenta),
        Phase::InProgress => Some(AnsiColor::Yellow),
        Phase::Successful => None,
    }
}
