//! The tables, in Markdown.

use crate::contestant::Contestant;
use crate::runs::{Kind, Row};
use crate::startup::Started;
use std::fs;
use std::time::Duration;

/// On what, and when.
pub(crate) fn machine() {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let models: Vec<&str> = cpus.lines().filter(|line| line.starts_with("model name")).collect();
    let model = models.first().and_then(|line| line.split_once(": ")).map_or("?", |(_, model)| model);
    let today = jiff::Timestamp::now().strftime("%Y-%m-%d");
    println!("{today}, {} cores ({model}), {}.\n", models.len(), std::env::consts::ARCH);
}

pub(crate) fn startup([ours, theirs]: &[Started; 2], packwatch: &Contestant) {
    println!("Start, medians of {}:\n", ours.runs);
    println!("| what | packwatch | boto3 | ratio |\n|---|---|---|---|");
    let line = |what: &str, ours: Duration, theirs: Duration| {
        println!("| {what} | {} ms | {} ms | 1/{:.0} |", ms(ours), ms(theirs), ratio(ours, theirs));
    };
    line("exec to first poll", ours.first_poll, theirs.first_poll);
    line("exec to the first answer", ours.first_answer, theirs.first_answer);
    println!("| binary | {:.1} MB | – | – |\n", size(packwatch));
}

/// In MB.
pub(crate) fn size(contestant: &Contestant) -> f64 {
    fs::metadata(&contestant.program).map_or(0.0, |file| file.len() as f64 / 1e6)
}

pub(crate) fn runs((packs, accounts): (usize, usize), rows: &[Row]) {
    let accounts = if accounts >= 1000 {
        format!("{},{:03}", accounts / 1000, accounts % 1000)
    } else {
        accounts.to_string()
    };
    println!("{packs} packs × {accounts} accounts; packwatch, then boto3, then how many times less:\n");
    println!(
        "| run | n | time, s | | | CPU, s | | | peak, MB | | |\n|---|---|---|---|---|---|---|---|---|---|---|"
    );
    for row in rows {
        let [ours, theirs] = row.measured.each_ref().map(|measured| measured.used);
        let times = |ours: Duration, theirs: Duration| {
            let ratio = ratio(ours, theirs);
            format!("{:.3} | {:.2} | {ratio:.1}", ours.as_secs_f64(), theirs.as_secs_f64())
        };
        println!(
            "| {} | {} | {} | {} | {:.1} | {:.1} | {:.1} |",
            name(row),
            row.runs,
            times(ours.wall, theirs.wall),
            times(ours.cpu, theirs.cpu),
            ours.peak,
            theirs.peak,
            theirs.peak / ours.peak,
        );
    }
    println!("\nRequests of one of these runs; packwatch / boto3:\n");
    println!("| run | AWS Config | table | read units | write units | SNS |\n|---|---|---|---|---|---|");
    for row in rows {
        let [ours, theirs] = &row.measured;
        println!(
            "| {} | {} / {} | {} / {} | {:.0} / {:.0} | {:.0} / {:.0} | {} / {} |",
            name(row),
            ours.config,
            theirs.config,
            ours.table,
            theirs.table,
            ours.units.read,
            theirs.units.read,
            ours.units.write,
            theirs.units.write,
            ours.sns,
            theirs.sns,
        );
    }
    println!();
}

fn name(row: &Row) -> String {
    let kind = match row.kind {
        Kind::Baseline => "baseline",
        Kind::Quiet => "quiet",
        Kind::Changed => "1 % changed",
        Kind::AllChanged => "all changed",
    };
    format!("{kind}, {} ms a call", row.latency.as_millis())
}

fn ms(duration: Duration) -> String {
    format!("{:.1}", duration.as_secs_f64() * 1000.0)
}

pub(crate) fn ratio(ours: Duration, theirs: Duration) -> f64 {
    theirs.as_secs_f64() / ours.as_secs_f64()
}
