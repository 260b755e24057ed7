//! `packwatch doctor`: whether a deployment can do its work, one line for each check. Here is what is asked, and in which
//! order a person reads what follows; [`crate::doctor`] judges the answers.

use std::io::Write;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use clap::{Args, ValueEnum};
use futures_util::future::join_all;
use jiff::Timestamp;

use super::args::Global;
use super::board::freshness;
use super::outcome::Failure;
use super::outside::connection;
use super::progress::Progress;
use crate::aws::Inspector;
use crate::doctor::checks;
use crate::doctor::facts::{Table, Unanswered};
use crate::doctor::finding::{Finding, Level};
use crate::model::text::counted;
use crate::model::{Region, Target};
use crate::settings::{Reader, TopicArn, duration};
use crate::state::head::Head;

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
    let inspector = Inspector::new(connection(global, region).await?, args.timeout);
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
    let caller = inspector.caller().await;
    let mut findings = vec![checks::account(&caller)];
    if let Err(Unanswered::Refused { .. }) = caller {
        findings.push(Finding::not_checked("everything else", "needs valid credentials"));
        return findings;
    }
    let function = inspector.function(name).await;
    // Where it cannot be read, its settings are not known. Those of this machine are somebody else's.
    let environment = function.as_ref().ok().map(|function| &function.environment);
    let variable = |name: &str| match name {
        "AWS_REGION" => inspector.region().map(|region| region.to_string()),
        _ => environment?.variables.get(name).filter(|text| !text.trim().is_empty()).cloned(),
    };
    let mut reader = Reader::new(&variable);
    let settings = reader.settings();
    if environment.is_some_and(|environment| environment.error.is_none()) {
        reader.destinations();
    }
    let faults = reader.finish().err();
    let packs = async |region: &Region| (region.clone(), inspector.packs(region).await);
    let table = async {
        let name = variable("PACKWATCH_TABLE")?;
        Some((inspector.table(&name, settings.group_interval).await, name))
    };
    let topic = async |name, is_for_people| {
        let arn: TopicArn = variable(name)?.parse().ok()?;
        Some(checks::topic(&arn, &inspector.subscriptions(&arn).await, is_for_people))
    };
    let schedules = async {
        let arn = &function.as_ref().ok()?.function_arn;
        Some(checks::schedules(&inspector.schedules(arn).await))
    };
    let (packs, table, alerts, events, schedules) = tokio::join!(
        join_all(settings.regions.iter().map(packs)),
        table,
        topic("PACKWATCH_ALERTS_TOPIC_ARN", true),
        topic("PACKWATCH_EVENTS_TOPIC_ARN", false),
        schedules,
    );

    findings.push(checks::function(name, &function));
    findings.extend(faults.iter().map(|faults| {
        Finding::failed("settings", faults)
            .remedy("Fix the function's environment variables (the stack's parameters)")
    }));
    findings.extend(checks::regions(&packs.into_iter().collect(), &settings.packs));
    findings.extend(table.iter().flat_map(|(table, name)| checks::table(name, table)));
    findings.extend([alerts, events, schedules].into_iter().flatten().flatten());
    // A table that cannot be read has said so.
    if let Some((Table { heads: Ok(heads), oldest_lag, .. }, _)) = &table {
        let now = Timestamp::now();
        let is_watched = |(target, _): &(&Target, &Head)| {
            settings.regions.contains(&target.region) && settings.packs.matches(&target.pack)
        };
        let watched = heads.known.iter().filter(is_watched).map(|(_, head)| head);
        let late = freshness::out_of_date(watched, heads.settings.as_ref(), now);
        findings.push(checks::last_run(heads, late, now));
        findings.push(checks::undispatched(oldest_lag, now));
    }
    findings
}

fn print(findings: &[Finding], output: Output) -> Result<(), Failure> {
    // Without colours where it is not a terminal.
    let mut out = anstream::stdout().lock();
    for finding in findings {
        match output {
            Output::Json => writeln!(out, "{}", serde_json::to_string(finding)?)?,
            Output::Table => {
                let (level, style) = level(finding.level);
                writeln!(out, "{style}{level:<12}{style:#}{finding}")?;
            }
        }
    }
    Ok(out.flush()?)
}

fn level(level: Level) -> (&'static str, Style) {
    match level {
        Level::Ok => ("ok", AnsiColor::Green.on_default()),
        Level::Warning => ("warning", AnsiColor::Yellow.on_default()),
        Level::Failed => ("FAILED", AnsiColor::Red.on_default().bold()),
        Level::NotChecked => ("not checked", AnsiColor::Cyan.on_default()),
    }
}
