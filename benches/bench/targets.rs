//! The targets, and whether they hold.

use crate::contestant::Contestant;
use crate::runs::{Kind, Row};
use crate::startup::Started;
use crate::tables::{ratio, size};
use crate::throttling::Throttled;
use crate::{LARGE, SMALL};
use std::time::Duration;

/// The rows of a page.
const PAGE: usize = 100;

/// What is wanted, what was measured, and whether that holds.
struct Target(String, String, bool);

pub(crate) fn table(
    [ours, theirs]: &[Started; 2],
    small: &[Row],
    large: &[Row],
    throttled: &[Throttled],
    packwatch: &Contestant,
) -> String {
    let poll = ratio(ours.first_poll, theirs.first_poll);
    let answer = ratio(ours.first_answer, theirs.first_answer);
    let mut targets = vec![
        Target("exec to first poll ≤ 1/50 of boto3's".to_owned(), format!("1/{poll:.0}"), poll >= 50.0),
        Target(
            "exec to the first answer ≤ 1/30 of boto3's, over HTTPS".to_owned(),
            format!("1/{answer:.0}"),
            answer >= 30.0,
        ),
    ];
    if let Some(quiet) = find(small, Kind::Quiet, 0) {
        targets.extend(quiet_targets(quiet));
        targets.extend(find(small, Kind::AllChanged, 0).map(|all| all_changed(all, quiet)));
    }
    targets.extend(chains("5 × 2,000", small, SMALL.1));
    targets.extend(chains("20 × 10,000", large, LARGE.1));
    targets.extend(large.iter().map(|row| row.measured[0].used.peak).reduce(f64::max).map(|peak| {
        let quiet = find(large, Kind::Quiet, 0).map_or(0.0, |row| row.measured[0].used.peak);
        let measured = format!("{quiet:.0} MB quiet, {peak:.0} MB at most");
        Target("peak memory, 20 × 10,000: ≤ 48 MB".to_owned(), measured, peak <= 48.0)
    }));
    targets.extend(throttling(throttled));
    let size = size(packwatch);
    targets.push(Target("stripped binary ≤ 10 MB".to_owned(), format!("{size:.1} MB"), size <= 10.0));

    let lines = targets.iter().map(|Target(target, measured, holds)| {
        format!("| {target} | {measured} | {} |", if *holds { "yes" } else { "**no**" })
    });
    let lines: Vec<String> = lines.collect();
    format!("### Targets\n\n| target | measured | holds |\n|---|---|---|\n{}\n", lines.join("\n"))
}

fn quiet_targets(quiet: &Row) -> [Target; 2] {
    let [ours, theirs] = &quiet.measured;
    let cpu = ratio(ours.used.cpu, theirs.used.cpu);
    let what = "CPU of a quiet run, 5 × 2,000: ≤ 1/20 of boto3's";
    [
        Target(what.to_owned(), format!("1/{cpu:.1}"), cpu >= 20.0),
        Target("quiet run: one table request".to_owned(), ours.table.to_string(), ours.table == 1),
    ]
}

fn all_changed(all: &Row, quiet: &Row) -> Target {
    let beyond = all.measured[0].used.wall.saturating_sub(quiet.measured[0].used.wall).as_secs_f64();
    let store = all.store.unwrap_or_default().as_secs_f64();
    Target(
        "10,000 accounts change: ≤ 2 s beyond the reading".to_owned(),
        format!("{beyond:.2} s, of which the store alone takes {store:.2} s for these transactions"),
        beyond <= 2.0,
    )
}

/// The time of a quiet run against that of the calls which must follow each other: the list, and the pages of a pack,
/// or of several where there are more packs than are read at once.
fn chains(what: &str, rows: &[Row], accounts: usize) -> Vec<Target> {
    let quiet = rows.iter().filter(|row| row.kind == Kind::Quiet && !row.latency.is_zero());
    let target = |row: &Row| {
        let calls = u32::try_from(accounts.div_ceil(PAGE) + 1).unwrap_or(u32::MAX);
        let least = row.latency * calls;
        let took = row.measured[0].used.wall.as_secs_f64() / least.as_secs_f64();
        let what = format!(
            "time at 40 ms a call, {what}, {} packs at once: ≤ 1.10 × the longest chain",
            row.at_once
        );
        Target(what, format!("{took:.2} × {:.2} s", least.as_secs_f64()), took <= 1.10)
    };
    quiet.map(target).collect()
}

fn throttling(throttled: &[Throttled]) -> Option<Target> {
    let ours: Vec<&Throttled> = throttled.iter().filter(|run| run.name == "packwatch").collect();
    let worst = ours.iter().map(|run| run.beyond_ideal()).reduce(f64::max)?;
    let made = ours.iter().map(|run| run.made as f64 / run.needed as f64).reduce(f64::max)?;
    let holds = worst <= 1.15 && ours.iter().all(|run| !run.failed);
    let what = "throttled to 2, 5, 10 calls a second: ≤ 1.15 × calls ÷ rate, nothing Incomplete";
    Some(Target(what.to_owned(), format!("{worst:.2} at most, with {made:.2} × the calls needed"), holds))
}

fn find(rows: &[Row], kind: Kind, latency: u64) -> Option<&Row> {
    rows.iter().find(|row| row.kind == kind && row.latency == Duration::from_millis(latency))
}
