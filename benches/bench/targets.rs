//! The targets, and whether they hold.

use crate::contestant::Contestant;
use crate::runs::{Kind, Row};
use crate::startup::Started;
use crate::tables::{ratio, size};
use crate::{LARGE, SMALL};
use std::time::Duration;

/// The rows of a page.
const PAGE: usize = 100;

pub(crate) fn print([ours, theirs]: &[Started; 2], small: &[Row], large: &[Row], packwatch: &Contestant) {
    println!("| target | measured | holds |\n|---|---|---|");
    let poll = ratio(ours.first_poll, theirs.first_poll);
    line("exec to first poll ≤ 1/50 of boto3's", &format!("1/{poll:.0}"), poll >= 50.0);
    let answer = ratio(ours.first_answer, theirs.first_answer);
    line(
        "exec to first answer ≤ 1/30 of boto3's (over HTTP here)",
        &format!("1/{answer:.0}"),
        answer >= 30.0,
    );
    if let Some(quiet) = find(small, Kind::Quiet, 0) {
        let cpu = ratio(quiet.measured[0].used.cpu, quiet.measured[1].used.cpu);
        line("CPU of a quiet run, 5 × 2,000: ≤ 1/20 of boto3's", &format!("1/{cpu:.1}"), cpu >= 20.0);
        let table = quiet.measured[0].table;
        line("quiet run: one table request", &table.to_string(), table == 1);
        if let Some(all) = find(small, Kind::AllChanged, 0) {
            let beyond = all.measured[0].used.wall.saturating_sub(quiet.measured[0].used.wall).as_secs_f64();
            line(
                "10,000 accounts change: ≤ 2 s beyond the reading",
                &format!("{beyond:.2} s"),
                beyond <= 2.0,
            );
        }
    }
    chain("5 × 2,000", find(small, Kind::Quiet, 40), SMALL.1);
    chain("20 × 10,000", find(large, Kind::Quiet, 40), LARGE.1);
    let peak = large.iter().map(|row| row.measured[0].used.peak).fold(0.0, f64::max);
    if let Some(quiet) = find(large, Kind::Quiet, 0) {
        let quiet = quiet.measured[0].used.peak;
        let measured = format!("{quiet:.0} MB quiet, {peak:.0} MB at most");
        line("peak memory, 20 × 10,000: ≤ 48 MB", &measured, peak <= 48.0);
    }
    let size = size(packwatch);
    line("stripped binary ≤ 10 MB", &format!("{size:.1} MB"), size <= 10.0);
}

/// The time of a quiet run against that of the calls which must follow each other: the list and a pack's pages.
fn chain(what: &str, quiet: Option<&Row>, accounts: usize) {
    let Some(quiet) = quiet else { return };
    let calls = accounts.div_ceil(PAGE) + 1;
    let least = quiet.latency * u32::try_from(calls).unwrap_or(u32::MAX);
    let took = quiet.measured[0].used.wall.as_secs_f64() / least.as_secs_f64();
    let target = format!("time at 40 ms a call, {what}: ≤ 1.10 × the longest chain of calls");
    line(&target, &format!("{took:.2} × {:.2} s", least.as_secs_f64()), took <= 1.10);
}

fn find(rows: &[Row], kind: Kind, latency: u64) -> Option<&Row> {
    rows.iter().find(|row| row.kind == kind && row.latency == Duration::from_millis(latency))
}

fn line(target: &str, measured: &str, holds: bool) {
    println!("| {target} | {measured} | {} |", if holds { "yes" } else { "no" });
}
