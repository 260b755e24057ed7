//! The board on a terminal: packs and their counts, and the accounts that fail.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::pin::pin;

use comfy_table::{Cell, CellAlignment, Color, Table, presets};
use futures_util::stream::{Stream, TryStreamExt};
use jiff::Timestamp;

use super::names::KnownNames;
use super::pack::{Pack, is_ill};
use crate::cli::outcome::Failure;
use crate::model::text::counted;
use crate::model::text::plain;
use crate::model::{AccountId, Phase, Status, Target};
use crate::ports::StoreError;
use crate::state::Row;
use crate::state::heads::Counts;
use crate::state::heads::counts;

/// An account that fails in a pack.
struct Failing {
    target: Target,
    account: AccountId,
    row: Row,
}

pub(super) async fn print(
    packs: impl Stream<Item = Result<Pack, StoreError>>,
    names: &KnownNames,
    limit: usize,
) -> Result<(), Failure> {
    let mut per_pack: Vec<(Target, Counts, Option<Timestamp>)> = Vec::new();
    let mut failing: Vec<Failing> = Vec::new();
    let mut accounts = BTreeSet::new();
    let mut packs = pin!(packs);
    while let Some(Pack { target, head, rows }) = packs.try_next().await? {
        per_pack.push((target.clone(), counts(rows.values().map(|row| &row.state)), head.committed_at));
        accounts.extend(rows.keys().copied());
        let ill = rows.into_iter().filter(|(_, row)| is_ill(row));
        failing.extend(ill.map(|(account, row)| Failing { target: target.clone(), account, row }));
    }
    // What failed last comes first: what has failed for long has been told of.
    failing.sort_by_key(|f| (std::cmp::Reverse(f.row.failing_since), f.target.clone(), f.account));
    let shown = || failing.iter().take(limit);
    names.look_up(shown().map(|failing| failing.account).collect::<BTreeSet<_>>().into_iter()).await;

    let mut out = io::stdout().lock();
    writeln!(out, "{}\n", headline(accounts.len(), per_pack.len(), &failing))?;
    if per_pack.is_empty() {
        return Ok(());
    }
    writeln!(out, "{}", pack_table(&per_pack))?;
    if failing.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{}", failing_table(shown(), names))?;
    if failing.len() > limit {
        let more = failing.len() - limit;
        let how = "--limit N shows more, `packwatch board --failing --output csv` all of them";
        writeln!(out, "… and {} more: {how}", counted(more as u64, "deployment"))?;
    }
    Ok(())
}

fn headline(accounts: usize, packs: usize, failing: &[Failing]) -> String {
    let ill = failing.iter().map(|failing| failing.account).collect::<BTreeSet<_>>().len();
    let (accounts, packs) = (counted(accounts as u64, "account"), counted(packs as u64, "pack"));
    match failing.len() {
        0 => format!("All well: {accounts}, {packs}"),
        n => format!(
            "{} in {} not well, of {accounts} and {packs}",
            counted(n as u64, "deployment"),
            counted(ill as u64, "account")
        ),
    }
}

/// Packs by statuses, the worst statuses first.
fn pack_table(packs: &[(Target, Counts, Option<Timestamp>)]) -> Table {
    let statuses: BTreeSet<&Status> = packs.iter().flat_map(|(_, counts, _)| counts.keys()).collect();
    let mut statuses: Vec<&Status> = statuses.into_iter().collect();
    statuses.sort_by_key(|status| rank(status));
    let header = ["Region", "Pack", "Accounts"].map(str::to_owned).into_iter();
    let header = header.chain(statuses.iter().map(|status| plain(status.as_str()).replacen('_', "\n", 1)));
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_header(header.chain(["Last change".to_owned()]));
    for (target, counts, changed) in packs {
        let mut row = vec![Cell::new(&target.region), Cell::new(&target.pack), number(counts.values().sum())];
        for status in &statuses {
            let n = counts.get(status).copied().unwrap_or(0);
            let cell = number(n);
            row.push(match colour(status) {
                Some(colour) if n > 0 => cell.fg(colour),
                _ => cell,
            });
        }
        row.push(Cell::new(changed.map(time).unwrap_or_default()));
        table.add_row(row);
    }
    table
}

fn failing_table<'a>(failing: impl Iterator<Item = &'a Failing>, names: &KnownNames) -> Table {
    let header = ["Region", "Pack", "Account", "Name", "Status", "Error", "Since"];
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_header(header);
    for Failing { target, account, row } in failing {
        let status = plain(row.state.status.as_str());
        let status = Cell::new(if row.state.stuck { format!("{status} (stuck)") } else { status });
        let error = row.state.error_code.as_deref().or(row.state.error_message.as_deref());
        table.add_row([
            Cell::new(&target.region),
            Cell::new(&target.pack),
            Cell::new(account),
            Cell::new(names.of(*account).unwrap_or_default()),
            colour(&row.state.status).map_or(status.clone(), |colour| status.fg(colour)),
            Cell::new(plain(error.unwrap_or_default())),
            Cell::new(row.failing_since.or(row.state.last_update).map(time).unwrap_or_default()),
        ]);
    }
    table
}

fn rank(status: &Status) -> u8 {
    match status.phase() {
        Phase::Failed => 0,
        Phase::Unrecognised => 1,
        Phase::InProgress => 2,
        Phase::Successful => 3,
    }
}

fn colour(status: &Status) -> Option<Color> {
    match status.phase() {
        Phase::Failed => Some(Color::Red),
        Phase::Unrecognised => Some(Color::Magenta),
        Phase::InProgress => Some(Color::Yellow),
        Phase::Successful => None,
    }
}

fn number(n: u64) -> Cell {
    Cell::new(n).set_alignment(CellAlignment::Right)
}

fn time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M UTC").to_string()
}
