//! `packwatch doctor`: whether a deployment can do its work, one line for each check. Here is what is asked, and in which
//! order a person reads what follows; [`crate::doctor`] judges the answers.

use std::io::Write;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use clap::{Args, ValueEnum};
use futures_util::future::join_all;
use jiff::Timestamp;

use super::args::Global;
use super::outcome::Failure;
use super::outside::connection;
use super::progress::Progress;
use crate::aws::Inspector;
use crate::doctor::facts::Unanswered;
use crate::doctor::finding::{Finding, Level};
use crate::doctor::{access, delivery, runs, storage};
use crate::model::Region;
use crate::model::text::counted;
use crate::settings::{Reader, TopicArn, duration};

/// What `doctor` takes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct DoctorArgs {
    /// The deployed function, by name or ARN: its settings say what to check
    #[arg(long, value_name = "NAME")]
    function: String,
    /// How long to wait for each answer
    #[arg(long, value_name = "DURATION", default_value = "15s", value_parser = duration)]
    timeout: Duration,
    /// table: a line for each check; json: a document a line
    #[arg(long, value_enum, default_value = "table")]
    output: Output,
}

const EXAMPLES: &str = "\
Examples:
  packwatch doctor --function packwatch-PackwatchFunction-1A2B3C4D5E6F
  packwatch doctor --profile management \\
      --function arn:aws:lambda:eu-west-1:999999999999:function:packwatch
  packwatch doctor --function packwatch --output json | jq 'select(.Level == \"Failed\")'

The stack's output FunctionName has the function's name. Checks that you lack permission for are \"not checked\", \
with the permission that they need.

Exit codes: 0 nothing failed (warnings do not count); 1 something failed, or the checks could not be made.";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Table,
    Json,
}

pub(super) async fn doctor(global: &Global, args: &DoctorArgs) -> Result<(), Failure> {
    let region = args.function.strip_prefix("arn:").and_then(|arn| arn.split(':').nth(2));
    let inspector = Inspector::new(connection(global, region).await?, args.timeout).await;
    if inspector.region().is_none() {
        return Err("name the region with --region".into());
    }
    let progress = Progress::start("asking AWS");
    let findings = examine(&inspector, &args.function).await;
    progress.end();
    print(&findings, args.output)?;
    match findings.iter().filter(|finding| finding.level == Level::Failed).count() {
        0 => Ok(()),
        failed => Err(format!("{} failed", counted(failed as u64, "check")).into()),
    }
}

/// Asks everything that there is to know; what follows from an answer is asked after it.
async fn examine(inspector: &Inspector, name: &str) -> Vec<Finding> {
    let (caller, clocks) = inspector.caller().await;
    // AWS's time, since this machine's may be what is wrong.
    let now = clocks.map_or_else(Timestamp::now, |clocks| clocks.aws);
    let mut findings = vec![access::account(&caller)];
    findings.extend(clocks.map(access::clock));
    if let Err(Unanswered::Refused { .. }) = caller {
        findings.push(Finding::not_checked("everything else", "needs valid credentials"));
        return findings;
    }
    let (organization, function) = tokio::join!(inspector.organization(), inspector.function(name));
    // Where it cannot be read, its settings are not known. Those of this machine are somebody else's.
    let environment = function.as_ref().ok().and_then(|function| function.environment.as_ref().ok());
    let variable = |name: &str| match name {
        "AWS_REGION" => inspector.region().map(|region| region.to_string()),
        _ => environment?.get(name).filter(|text| !text.trim().is_empty()).cloned(),
    };
    let mut reader = Reader::new(&variable);
    let settings = reader.settings();
    if environment.is_some() {
        reader.destinations();
    }
    let faults = reader.finish().err();
    let packs = async |region: &Region| (region.clone(), inspector.packs(region).await);
    let table = async {
        let name = variable("PACKWATCH_TABLE")?;
        Some((inspector.table(&name).await, name))
    };
    let topic = async |name, is_for_people| {
        let arn: TopicArn = variable(name)?.parse().ok()?;
        Some(delivery::topic(&arn, &inspector.subscriptions(&arn).await, is_for_people))
    };
    let started = async {
        let function = function.as_ref().ok()?;
        Some(tokio::join!(inspector.schedules(&function.arn), inspector.runs(&function.name, now)))
    };
    let (packs, table, alerts, events, started) = tokio::join!(
        join_all(settings.regions.iter().map(packs)),
        table,
        topic("PACKWATCH_ALERTS_TOPIC_ARN", true),
        topic("PACKWATCH_EVENTS_TOPIC_ARN", false),
        started,
    );
    let packs = packs.into_iter().collect();

    findings.extend(caller.iter().map(|caller| access::organization(&caller.account, &organization, &packs)));
    findings.push(runs::function(name, &function));
    findings.extend(faults.iter().map(|faults| {
        Finding::failed("settings", faults)
            .remedy("Fix the function's environment variables (the stack's parameters)")
    }));
    findings.extend(access::regions(&packs, &settings.packs));
    findings.extend(table.iter().flat_map(|(table, name)| storage::table(name, table)));
    findings.extend([alerts, events].into_iter().flatten().flatten());
    let mut interval = None;
    if let (Ok(function), Some((schedules, runs))) = (&function, &started) {
        interval = runs::interval(schedules, now);
        findings.extend(runs::schedules(schedules, runs, now));
        findings.push(runs::last_run(runs, interval, &function.log_group, now));
    }
    // A table that cannot be read has said so.
    let readable = table.iter().filter(|(table, _)| table.heads.is_ok());
    let wait = settings.group_interval;
    findings.extend(readable.map(|(table, _)| storage::undispatched(&table.lagging, interval, wait, now)));
    findings
}

fn print(findings: &[Finding], output: Output) -> Result<(), Failure> {
    // Without colours where it is not a terminal.
    let mut out = anstream::stdout().lock();
    for finding in findings {
        match output {
            Output::Json => writeln!(out, "{}", serde_json::to_string(finding)?)?,
            Output::Table => {
                let (style, level) = (style(finding.level), finding.level.as_str());
                writeln!(out, "{style}{level:<12}{style:#}{finding}")?;
            }
        }
    }
    Ok(out.flush()?)
}

fn style(level: Level) -> Style {
    match level {
        Level::Ok => AnsiColor::Green.on_default(),
        Level::Warning => AnsiColor::Yellow.on_default(),
        Level::Failed => AnsiColor::Red.on_default().bold(),
        Level::NotChecked => AnsiColor::Cyan.on_default(),
    }
}
