//! The board on a terminal: packs and their counts, and the unhealthy accounts by cause.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::pin::pin;

use anstyle::AnsiColor;
use futures_util::stream::{Stream, TryStreamExt};

use super::freshness;
use super::names::KnownNames;
use super::pack::{Pack, Unhealthy, accounts_of, by_cause, hint, unhealthy};
use super::rows::{FIELDS, document};
use crate::cli::outcome::Failure;
use crate::cli::progress::Progress;
use crate::cli::table::{self, Column, Group};
use crate::model::Phase;
use crate::model::text::{counted, grouped};
use crate::ports::StoreError;
use crate::state::State;

/// Prints packs, and of each cause at most `limit` deployments; whether some are left out. Where `is_partial`, some of
/// what belongs here is not recorded: nothing that is shown is the whole.
pub(super) async fn print(
    packs: impl Stream<Item = Result<Pack, StoreError>>,
    names: &KnownNames,
    limit: usize,
    is_partial: bool,
    progress: &Progress,
) -> Result<bool, Failure> {
    let mut lines = Vec::new();
    let mut failing: Vec<Unhealthy> = Vec::new();
    let (mut deployments, mut accounts) = (0, BTreeSet::new());
    let mut packs = pin!(packs);
    while let Some(pack) = packs.try_next().await? {
        lines.push(pack_row(&pack));
        deployments += pack.rows.len() as u64;
        accounts.extend(pack.rows.keys().copied());
        failing.extend(unhealthy(pack));
        progress.read("pack");
    }
    let (packs, deployments) = (counted(lines.len() as u64, "pack"), counted(deployments, "deployment"));
    let accounts = counted(accounts.len() as u64, "account");
    let headline = match failing.len() as u64 {
        0 if is_partial => format!("Nothing unhealthy so far: {deployments} in {accounts}, {packs}"),
        0 => format!("All healthy: {deployments} in {accounts}, {packs}"),
        n => {
            let (n, in_accounts) = (grouped(n), grouped(accounts_of(&failing).len() as u64));
            format!("Unhealthy: {n} of {deployments} in {in_accounts} of {accounts}, {packs}")
        }
    };
    let causes = by_cause(failing);
    let listed = causes.iter().flat_map(|(_, unhealthy)| unhealthy.iter().take(limit));
    names.look_up(accounts_of(listed).into_iter()).await;
    progress.end();

    writeln!(io::stdout(), "{headline}\n")?;
    table::table(&PACKS, &[Group { rows: lines, ..Group::default() }])?;
    if causes.is_empty() {
        return Ok(false);
    }
    writeln!(io::stdout())?;
    let row = |Unhealthy { target, account, row }: &Unhealthy| {
        table::row(&FIELDS, &document(target, *account, row, names))
    };
    let group = |(cause, unhealthy): &(String, Vec<Unhealthy>)| {
        let deployments = counted(unhealthy.len() as u64, "deployment");
        let accounts = counted(accounts_of(unhealthy).len() as u64, "account");
        let hint = unhealthy.first().and_then(|one| hint(&one.row));
        let left = unhealthy.len().saturating_sub(limit) as u64;
        Group {
            title: Some(format!("{cause}: {deployments} in {accounts}")),
            about: hint.map(|hint| format!("{} {}", hint.means, hint.todo)),
            rows: unhealthy.iter().take(limit).map(row).collect(),
            footing: (left > 0).then(|| format!("… and {}", counted(left, "more deployment"))),
        }
    };
    table::table(&table::columns(&FIELDS), &causes.iter().map(group).collect::<Vec<_>>())?;
    Ok(causes.iter().any(|(_, unhealthy)| unhealthy.len() > limit))
}

const PACKS: [Column; 11] = [
    Column::text("Region").spare(1),
    Column::long("Pack", 30),
    Column::number("Accounts"),
    Column::number("Failed").coloured(|n| (n != "0").then_some(AnsiColor::Red)),
    Column::number("Unrecognised").coloured(|n| (n != "0").then_some(AnsiColor::Magenta)),
    Column::number("Stuck").coloured(|n| (n != "0").then_some(AnsiColor::Yellow)),
    Column::number("In progress").spare(3),
    Column::number("Healthy").spare(2),
    Column::text("Read in full (UTC)").spare(6),
    Column::text("Compared (UTC)").spare(4),
    Column::text("Changed (UTC)").spare(5),
];

fn pack_row(Pack { target, head, rows }: &Pack) -> Vec<String> {
    let count = |is_so: &dyn Fn(&State) -> bool| {
        grouped(rows.values().filter(|row| is_so(&row.state)).count() as u64)
    };
    let in_phase = |phase| count(&|state| state.status.phase() == phase);
    let in_progress =
        |stuck| count(&|state| state.status.phase() == Phase::InProgress && state.stuck == stuck);
    vec![
        target.region.to_string(),
        target.pack.to_string(),
        grouped(rows.len() as u64),
        in_phase(Phase::Failed),
        in_phase(Phase::Unrecognised),
        in_progress(true),
        in_progress(false),
        in_phase(Phase::Successful),
        head.last_full_scan().map(table::time).unwrap_or_default(),
        table::time(freshness::compared(head)),
        table::time(head.committed_at),
    ]
}
