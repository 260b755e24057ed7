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
use crate::doctor::facts::{Answer, Function, Unanswered};
use crate::doctor::finding::{Finding, Level};
use crate::doctor::{access, delivery, runs, storage};
use crate::model::Region;
use crate::model::text::counted;
use crate::settings::{Faults, Reader, Settings, TopicArn, duration};

/// What `doctor` takes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct DoctorArgs {
    /// The deployed function, by name or ARN: its settings say what else to check
    #[arg(long, value_name = "NAME", conflicts_with_all = ["table", "topic", "events_topic", "packs", "regions"])]
    function: Option<String>,
    /// Without a function: the DynamoDB table [env: PACKWATCH_TABLE]
    #[arg(long, value_name = "NAME")]
    table: Option<String>,
    /// The SNS topic for people [env: PACKWATCH_ALERTS_TOPIC_ARN]
    #[arg(long, value_name = "ARN")]
    topic: Option<TopicArn>,
    /// The SNS topic for machines [env: PACKWATCH_EVENTS_TOPIC_ARN]
    #[arg(long, value_name = "ARN")]
    events_topic: Option<TopicArn>,
    /// Packs that are watched [env: PACKWATCH_PACKS]
    #[arg(long, value_name = "LIST")]
    packs: Option<String>,
    /// Regions that are watched [env: PACKWATCH_REGIONS]
    #[arg(long, value_name = "LIST")]
    regions: Option<String>,
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
  packwatch doctor --table packwatch --topic arn:aws:sns:eu-west-1:999999999999:packwatch-alerts
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
    let arn = args.function.as_deref().filter(|name| name.starts_with("arn:"));
    let region = arn.and_then(|arn| arn.split(':').nth(3));
    let inspector = Inspector::new(connection(global, region).await?, args.timeout).await;
    if inspector.region().is_none() {
        return Err("name the region with --region".into());
    }
    let progress = Progress::start("asking AWS");
    let findings = examine(&inspector, args, global.region.is_some()).await;
    progress.end();
    print(&findings, args.output)?;
    match findings.iter().filter(|finding| finding.level == Level::Failed).count() {
        0 => Ok(()),
        failed => Err(format!("{} failed", counted(failed as u64, "check")).into()),
    }
}

/// Asks everything that there is to know; what follows from an answer is asked after it.
async fn examine(inspector: &Inspector, args: &DoctorArgs, one_region: bool) -> Vec<Finding> {
    let (caller, clocks) = inspector.caller().await;
    // AWS's time, since this machine's may be what is wrong.
    let now = clocks.map_or_else(Timestamp::now, |clocks| clocks.aws);
    let mut findings = vec![access::account(&caller)];
    findings.extend(clocks.map(access::clock));
    if let Err(Unanswered::Refused { .. }) = caller {
        findings.push(Finding::not_checked("everything else", "needs valid credentials"));
        return findings;
    }
    let function = async { Some(inspector.function(args.function.as_deref()?).await) };
    let (organization, function) = tokio::join!(inspector.organization(), function);
    let Watched { settings, faults, table, alerts, events } =
        Watched::of(args, function.as_ref(), inspector, one_region);
    let packs = async |region: &Region| (region.clone(), inspector.packs(region).await);
    let table = async {
        let name = table?;
        Some((inspector.table(&name).await, name))
    };
    let topic = async |arn: &Option<TopicArn>, is_for_people| {
        let arn = arn.as_ref()?;
        Some(delivery::topic(arn, &inspector.subscriptions(arn).await, is_for_people))
    };
    let started = async {
        let function = function.as_ref()?.as_ref().ok()?;
        Some(tokio::join!(inspector.schedules(&function.arn), inspector.runs(&function.name, now)))
    };
    let (packs, table, alerts, events, started) = tokio::join!(
        join_all(settings.regions.iter().map(packs)),
        table,
        topic(&alerts, true),
        topic(&events, false),
        started,
    );
    let packs = packs.into_iter().collect();

    findings.extend(caller.iter().map(|caller| access::organization(&caller.account, &organization, &packs)));
    findings.push(match (&args.function, &function) {
        (Some(name), Some(function)) => runs::function(name, function),
        _ => Finding::not_checked("function", "use --function to check its settings, schedule and runs"),
    });
    findings.extend(faults.iter().map(|faults| {
        Finding::failed("settings", faults)
            .remedy("Fix the function's environment variables (the stack's parameters), or the flags")
    }));
    findings.extend(access::regions(&packs, &settings.packs));
    findings.extend(table.iter().flat_map(|(table, name)| storage::table(name, table)));
    findings.extend([alerts, events].into_iter().flatten().flatten());
    let mut interval = None;
    if let (Some(Ok(function)), Some((schedules, runs))) = (&function, &started) {
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

/// What is watched, and where it is kept and sent, as the function's variables or the flags say.
struct Watched {
    settings: Settings,
    faults: Option<Faults>,
    table: Option<String>,
    alerts: Option<TopicArn>,
    events: Option<TopicArn>,
}

impl Watched {
    fn of(
        args: &DoctorArgs,
        function: Option<&Answer<Function>>,
        inspector: &Inspector,
        one_region: bool,
    ) -> Self {
        let region = || inspector.region().map(|region| region.to_string());
        let arn = |topic: &TopicArn| topic.as_str().to_owned();
        let variable = |name: &str| match (function, name) {
            (_, "AWS_REGION") => region(),
            (Some(Ok(function)), _) => function.environment.as_ref().ok()?.get(name).cloned(),
            // Its settings are not known. Those of this machine are somebody else's.
            (Some(Err(_)), _) => None,
            (None, _) => {
                let flag = match name {
                    "PACKWATCH_TABLE" => args.table.clone(),
                    "PACKWATCH_ALERTS_TOPIC_ARN" => args.topic.as_ref().map(arn),
                    "PACKWATCH_EVENTS_TOPIC_ARN" => args.events_topic.as_ref().map(arn),
                    "PACKWATCH_PACKS" => args.packs.clone(),
                    // As in `run`, a --region means this one.
                    "PACKWATCH_REGIONS" => args.regions.clone().or_else(|| region().filter(|_| one_region)),
                    _ => None,
                };
                flag.or_else(|| std::env::var(name).ok())
            }
        };
        let mut reader = Reader::new(&variable);
        let settings = reader.settings();
        let text = |name: &str| variable(name).filter(|text| !text.trim().is_empty());
        let topic = |name: &str| text(name).and_then(|arn| arn.parse().ok());
        let is_readable = |function: &Answer<Function>| {
            function.as_ref().is_ok_and(|function| function.environment.is_ok())
        };
        // Only a function needs both.
        let both = ["PACKWATCH_TABLE", "PACKWATCH_ALERTS_TOPIC_ARN"].iter().all(|name| text(name).is_some());
        if function.map_or(both, is_readable) {
            reader.destinations();
        }
        Self {
            table: text("PACKWATCH_TABLE"),
            alerts: topic("PACKWATCH_ALERTS_TOPIC_ARN"),
            events: topic("PACKWATCH_EVENTS_TOPIC_ARN"),
            faults: reader.finish().err(),
            settings,
        }
    }
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
