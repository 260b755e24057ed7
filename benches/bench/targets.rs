//! The targets, and whether they hold.

use crate::contestant::Contestant;
use crate::dispatching::{Dispatched, Topics};
use crate::runs::{Kind, Row};
use crate::startup::Started;
use crate::tables::{ratio, size};
use crate::throttling::Throttled;
use crate::{LARGE, SMALL};
use std::time::Duration;

/// The rows of a page.
const PAGE: usize = 100;

/// All that was measured; what was left out is empty.
#[derive(Default)]
pub(crate) struct Measured {
    pub starts: Option<[Started; 2]>,
    pub small: Vec<Row>,
    pub large: Vec<Row>,
    pub throttled: Vec<Throttled>,
    pub dispatched: Vec<Dispatched>,
}

/// What is wanted, what was measured, and whether that holds.
struct Target(String, String, bool);

pub(crate) fn table(measured: &Measured, packwatch: &Contestant) -> String {
    let Measured { starts, small, large, throttled, dispatched } = measured;
    let mut targets: Vec<Target> = starts.iter().flat_map(starting).collect();
    if let Some(whole) = find(small, Kind::Whole, 0) {
        targets.push(cpu("CPU of a run over every account, 5 × 2,000", whole, 20.0));
        targets.extend(find(small, Kind::AllChanged, 0).map(|all| all_changed(all, whole)));
    }
    targets.extend(chains("5 × 2,000", small, SMALL.1));
    targets.extend(chains("20 × 10,000", large, LARGE.1));
    targets.extend(quick_scans(large));
    targets.extend(throttling(throttled));
    targets.extend(dispatching(dispatched));
    let size = size(packwatch);
    targets.push(Target("stripped binary ≤ 10 MB".to_owned(), format!("{size:.1} MB"), size <= 10.0));

    let lines = targets.iter().map(|Target(target, measured, holds)| {
        format!("| {target} | {measured} | {} |", if *holds { "yes" } else { "**no**" })
    });
    let lines: Vec<String> = lines.collect();
    format!("### Targets\n\n| target | measured | holds |\n|---|---|---|\n{}\n", lines.join("\n"))
}

fn starting([ours, theirs]: &[Started; 2]) -> [Target; 2] {
    let at_most = |what: &str, least: f64, ratio: f64| {
        Target(format!("exec to {what} ≤ 1/{least} of boto3's"), format!("1/{ratio:.0}"), ratio >= least)
    };
    [
        at_most("first poll", 50.0, ratio(ours.first_poll, theirs.first_poll)),
        at_most("the first answer, over HTTPS,", 30.0, ratio(ours.first_answer, theirs.first_answer)),
    ]
}

fn cpu(what: &str, row: &Row, least: f64) -> Target {
    let [ours, theirs] = &row.measured;
    let cpu = ratio(ours.used.cpu, theirs.used.cpu);
    Target(format!("{what}: ≤ 1/{least} of boto3's"), format!("1/{cpu:.1}"), cpu >= least)
}

fn at_most(what: &str, measured: usize, most: usize) -> Target {
    Target(format!("{what}: ≤ {most}"), measured.to_string(), measured <= most)
}

/// What a scheduled run costs that asks only for those that are unhealthy.
fn quick_scans(large: &[Row]) -> Vec<Target> {
    let what = "20 × 10,000, 1 % unhealthy";
    let mut targets = Vec::new();
    if let Some(quiet) = find(large, Kind::Quiet, 0) {
        let ours = &quiet.measured[0];
        targets.push(at_most(&format!("calls of AWS Config in a quiet run, {what}"), ours.config, 141));
        targets.push(cpu(&format!("CPU of a quiet run, {what}"), quiet, 100.0));
        targets.push(at_most("table requests of a quiet run", ours.table, 1));
    }
    targets.extend(
        find(large, Kind::Whole, 0).map(|whole| {
            at_most("the same, and one for each full scan", whole.measured[0].table, 1 + LARGE.0)
        }),
    );
    targets.extend(find(large, Kind::Distrusted, 0).map(|row| {
        let what = "calls of AWS Config where its filter does not work, from the second run on";
        at_most(what, row.measured[0].config, 1 + LARGE.0 * LARGE.1.div_ceil(PAGE))
    }));
    targets.extend(find(large, Kind::Quiet, 40).map(|quiet| {
        let took = quiet.measured[0].used.wall.as_secs_f64();
        let what = format!("time of a quiet run at 40 ms a call, {what}: ≤ 1.0 s");
        Target(what, format!("{took:.2} s"), took <= 1.0)
    }));
    let peaks = large.iter().map(|row| row.measured[0].used.peak);
    targets.extend(peaks.reduce(f64::max).map(|peak| {
        let what = "peak memory of any run, 20 × 10,000: ≤ 64 MB".to_owned();
        Target(what, format!("{peak:.0} MB"), peak <= 64.0)
    }));
    targets
}

fn dispatching(dispatched: &[Dispatched]) -> Vec<Target> {
    let mut targets = Vec::new();
    for one in dispatched.iter().filter(|one| matches!(one.case.topics, Topics::Limited(_))) {
        let (changes, least) = (one.case.changes(), one.case.least());
        let runs = least.as_secs_f64() / one.case.limit().as_secs_f64();
        let what = format!(
            "{changes} changes at a limit of {:.0} s in runs of {} s: runs",
            least.as_secs_f64(),
            one.case.limit().as_secs()
        );
        targets.push(at_most(&what, one.runs, runs.ceil() as usize));
        targets.push(at_most(&format!("copies among them: 1 %, {changes}"), one.copies, changes / 100));
    }
    let peak = |changes| {
        let cases = dispatched.iter().filter(move |one| one.case.changes() == changes);
        cases.map(|one| one.peak).reduce(f64::max)
    };
    let hundred = peak(100_000);
    targets.extend(hundred.map(|peak| {
        Target("peak memory, 100,000 changes: ≤ 64 MB".to_owned(), format!("{peak:.0} MB"), peak <= 64.0)
    }));
    targets.extend(hundred.zip(peak(250_000)).map(|(hundred, more)| {
        let what = "peak memory, 250,000 changes in one group: ≤ 1.2 × that of 100,000".to_owned();
        Target(what, format!("{:.2} × ({more:.0} MB)", more / hundred), more <= 1.2 * hundred)
    }));
    targets
}

fn all_changed(all: &Row, whole: &Row) -> Target {
    let beyond = all.measured[0].used.wall.saturating_sub(whole.measured[0].used.wall).as_secs_f64();
    let store = all.store.unwrap_or_default().as_secs_f64();
    Target(
        "10,000 accounts change: ≤ 2 s beyond the reading".to_owned(),
        format!("{beyond:.2} s, of which the store alone takes {store:.2} s for these transactions"),
        beyond <= 2.0,
    )
}

/// The time of a run over every account against that of the calls which must follow each other: the list, and the pages of a pack,
/// or of several where there are more packs than are read at once.
fn chains(what: &str, rows: &[Row], accounts: usize) -> Vec<Target> {
    let whole = rows.iter().filter(|row| row.kind == Kind::Whole && !row.latency.is_zero());
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
    whole.map(target).collect()
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
