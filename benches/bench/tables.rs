//! The tables, in Markdown.

use crate::Size;
use crate::contestant::{CONCURRENCY, Contestant};
use crate::dispatching::{Dispatched, Topics};
use crate::runs::{Kind, Row};
use crate::startup::Started;
use crate::throttling::Throttled;
use std::fmt::Write;
use std::fs;
use std::time::Duration;

/// On what, when, and how busy it was.
pub(crate) fn machine() -> String {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let models: Vec<&str> = cpus.lines().filter(|line| line.starts_with("model name")).collect();
    let model = models.first().and_then(|line| line.split_once(": ")).map_or("?", |(_, model)| model);
    let today = jiff::Timestamp::now().strftime("%Y-%m-%d");
    let (cores, arch) = (models.len(), std::env::consts::ARCH);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("?");
    format!(
        "Measured on {today} by `make bench`: {cores} cores ({model}), {arch}, load average before it {load}.\n"
    )
}

pub(crate) fn startup([ours, theirs]: &[Started; 2], packwatch: &Contestant) -> String {
    let line = |what: &str, ours: Duration, theirs: Duration| {
        format!("| {what} | {} ms | {} ms | 1/{:.0} |", ms(ours), ms(theirs), ratio(ours, theirs))
    };
    let lines = [
        format!(
            "### Start\n\nMedians of {}. The first event is a quiet run over one small pack, over HTTPS.\n",
            ours.runs
        ),
        "| what | packwatch | boto3 | ratio |\n|---|---|---|---|".to_owned(),
        line("exec to first poll", ours.first_poll, theirs.first_poll),
        line("exec to the first answer", ours.first_answer, theirs.first_answer),
        format!("| binary | {:.1} MB | – | – |\n", size(packwatch)),
    ];
    lines.join("\n")
}

/// In MB.
pub(crate) fn size(contestant: &Contestant) -> f64 {
    fs::metadata(&contestant.program).map_or(0.0, |file| file.len() as f64 / 1e6)
}

pub(crate) fn runs((packs, accounts): Size, rows: &[Row]) -> String {
    let accounts = thousands(accounts);
    let mut table = format!(
        "### {packs} packs × {accounts} accounts\n\nOne account in a hundred is unhealthy. Medians of n, and \
         the highest peak; packwatch, then boto3, then how many times less.\n\n\
         | run | n | time, s | | | CPU, s | | | peak, MB | | |\n|---|---|---|---|---|---|---|---|---|---|---|\n"
    );
    for row in rows {
        let [ours, theirs] = row.measured.each_ref().map(|measured| measured.used);
        let times = |ours: Duration, theirs: Duration| {
            let ratio = ratio(ours, theirs);
            format!("{:.3} | {:.2} | {ratio:.1}", ours.as_secs_f64(), theirs.as_secs_f64())
        };
        let (wall, cpu) = (times(ours.wall, theirs.wall), times(ours.cpu, theirs.cpu));
        let (mine, other, less) = (ours.peak, theirs.peak, theirs.peak / ours.peak);
        line(
            &mut table,
            &format!("{} | {} | {wall} | {cpu} | {mine:.1} | {other:.1} | {less:.1}", name(row), row.runs),
        );
    }
    table.push_str(
        "\nRequests of one of these runs at 0 ms a call; packwatch / boto3. Units are estimated from the items' sizes.\n\n\
         | run | AWS Config | table | read units | write units | SNS |\n|---|---|---|---|---|---|\n",
    );
    for row in rows.iter().filter(|row| row.latency.is_zero()) {
        let [ours, theirs] = &row.measured;
        let (reads, writes) = ((ours.units.read, theirs.units.read), (ours.units.write, theirs.units.write));
        let cells = [
            name(row),
            format!("{} / {}", ours.config, theirs.config),
            format!("{} / {}", ours.table, theirs.table),
            format!("{:.0} / {:.0}", reads.0, reads.1),
            format!("{:.0} / {:.0}", writes.0, writes.1),
            format!("{} / {}", ours.sns, theirs.sns),
        ];
        line(&mut table, &cells.join(" | "));
    }
    table
}

pub(crate) fn throttling(throttled: &[Throttled]) -> String {
    let mut table = "### Throttling\n\nA run over every account at 40 ms a call, against an AWS Config that takes so many calls a second.\n\n\
         | calls a second | | calls needed | calls made | time, s | × the time that the rate asks for | ends |\n\
         |---|---|---|---|---|---|---|\n"
        .to_owned();
    for run in throttled {
        let ends = if run.failed { "fails" } else { "healthy" };
        let Throttled { rate, name, needed, made, wall, .. } = run;
        let (wall, beyond) = (wall.as_secs_f64(), run.beyond_ideal());
        line(&mut table, &format!("{rate} | {name} | {needed} | {made} | {wall:.1} | {beyond:.2} | {ends}"));
    }
    table
}

pub(crate) fn dispatching(dispatched: &[Dispatched]) -> String {
    let mut table = "### Dispatching\n\nEvery account of some packs of 10,000 fails at once; packwatch alone. The least time is what SNS asks \
         for: the limit's own, or that of eight batches of ten under way at once.\n\n\
         | changes | SNS | runs of | runs | killed | time, s | × the least time | CPU, s | copies | digests | peak, MB |\n\
         |---|---|---|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for Dispatched { case, runs, killed, wall, cpu, peak, copies, digests } in dispatched {
        let (wall, least, cpu) = (wall.as_secs_f64(), case.least().as_secs_f64(), cpu.as_secs_f64());
        let topics = match case.topics {
            Topics::Slow(latency) => format!("{latency} ms a call"),
            Topics::Limited(rate) => format!("{rate} messages a second"),
        };
        let beyond = if least > 0.0 { format!("{:.2}", wall / least) } else { "–".to_owned() };
        let (changes, limit) = (thousands(case.changes()), case.limit().as_secs());
        let case = format!("{changes} | {topics} | {limit} s | {runs} | {killed}");
        line(
            &mut table,
            &format!("{case} | {wall:.1} | {beyond} | {cpu:.1} | {copies} | {digests} | {peak:.1}"),
        );
    }
    table
}

fn thousands(n: usize) -> String {
    format!("{},{:03}", n / 1000, n % 1000)
}

fn line(table: &mut String, cells: &str) {
    let _a_string_takes_all = writeln!(table, "| {cells} |");
}

fn name(row: &Row) -> String {
    let kind = match row.kind {
        Kind::Baseline => "baseline",
        Kind::Quiet => "quiet",
        Kind::Whole => "quiet, every account asked for",
        Kind::Failed => "1 % fail",
        Kind::Recovered => "1 % recover",
        Kind::AllChanged => "all changed",
        Kind::Violated => "quiet, the filter is violated",
        Kind::Distrusted => "quiet, the next run after that",
    };
    let at_once = match row.at_once {
        CONCURRENCY => String::new(),
        packs => format!(", {packs} packs at once"),
    };
    format!("{kind}, {} ms a call{at_once}", row.latency.as_millis())
}

fn ms(duration: Duration) -> String {
    format!("{:.1}", duration.as_secs_f64() * 1000.0)
}

pub(crate) fn ratio(ours: Duration, theirs: Duration) -> f64 {
    theirs.as_secs_f64() / ours.as_secs_f64()
}
