//! `packwatch run`: one run of the pipeline, from the flags.

mod recording;
mod settings;

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;

use self::recording::{lacks_most, recorded};
use self::settings::SettingArgs;
use super::args::{Global, TIMES, time};
use super::outcome::{Failure, note};
use super::outside::{Sink, Source, Store, StoreArgs, names};
use super::progress::Progress;
use crate::local::{Channel, SqliteStore};
use crate::model::PackName;
use crate::model::text::counted;
use crate::ports::{Filters, Parts, SnapshotStore};
use crate::settings::TopicArn;
use crate::watch;
use crate::watch::budget::Budget;
use crate::watch::report::{EVERY_PACK, Report};
use crate::watch::request::Request;

/// What `run` takes. Each setting has the Lambda's variable as its default.
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{TIMES}"))]
pub(super) struct RunArgs {
    /// Only this pack
    #[arg(long = "pack", visible_alias = "organization-conformance-pack-name", value_name = "NAME")]
    organization_conformance_pack_name: Option<PackName>,
    /// Only these accounts: AccountId=…,Status=…
    #[arg(long, value_name = "FILTERS", value_parser = super::statuses::filters)]
    filters: Option<Filters>,
    /// Read statuses recorded by the AWS CLI instead of asking AWS Config: a file named after its pack,
    /// or - for stdin with the pack's name given. May be repeated
    #[arg(long, value_name = "FILE|-")]
    statuses: Vec<PathBuf>,
    /// When the recorded statuses were read: a time (see below) [default: now]
    #[arg(long, value_name = "TIME", requires = "statuses", value_parser = time)]
    now: Option<Timestamp>,
    /// The recorded statuses are not of every account (--filters, --max-items): one that is missing has not left
    #[arg(long, requires = "statuses", conflicts_with = "whole")]
    partial: bool,
    /// The recorded statuses are of every account, though most are missing: those have left
    #[arg(long, requires = "statuses")]
    whole: bool,
    #[command(flatten)]
    store: StoreArgs,
    /// Publish to this SNS topic for people, instead of the terminal
    #[arg(long, value_name = "ARN")]
    topic: Option<TopicArn>,
    /// Publish each record to this SNS topic for machines
    #[arg(long, value_name = "ARN", requires = "topic")]
    events_topic: Option<TopicArn>,
    /// Show what would be published; record and publish nothing
    #[arg(long)]
    dry_run: bool,
    /// Form in which the terminal shows notifications
    #[arg(long, visible_alias = "channel", value_enum, default_value = "email")]
    output: Channel,
    #[command(flatten, next_help_heading = "Settings")]
    settings: SettingArgs,
}

const EXAMPLES: &str = "\
Examples:
  packwatch run --dry-run
  packwatch run --regions eu-west-1,us-east-1 --packs 'Security-*,!*-test'
  packwatch run --table packwatch                        # records; the function's next run sends it
  packwatch run --statuses Security-Baseline.json --region eu-west-1
  aws configservice get-organization-conformance-pack-detailed-status --output json \\
      --organization-conformance-pack-name Security-Baseline |
      packwatch run --statuses - --pack Security-Baseline

Exit codes: 0 nothing changed; 2 something changed or was published (with --dry-run: would be); 1 failure.";

/// Whether something has changed, or was sent.
pub(super) async fn run(global: &Global, args: &RunArgs) -> Result<bool, Failure> {
    let goes_by_table = args.store.table.is_some() && !args.settings.own_settings;
    let table = if goes_by_table { args.store.create(global).await?.load().await?.settings } else { None };
    // Everything that can be wrong with the input is found before anything is recorded.
    let settings = args.settings.read(global, table.as_ref()).await?;
    let mut request = Request {
        packs: args.organization_conformance_pack_name.iter().cloned().collect(),
        filters: args.filters.clone().unwrap_or_default(),
        dry_run: args.dry_run,
        quick: args.statuses.is_empty(),
        partial: args.partial,
        ..Request::default()
    };
    let progress = Progress::start("reading the packs");
    let named = args.organization_conformance_pack_name.as_ref();
    let has_recorded = !args.statuses.is_empty();
    let recorded = if has_recorded { Some(recorded(&args.statuses, named, &settings)?) } else { None };
    let store = store(global, &args.store, args.dry_run).await?;
    let source = match recorded {
        None => Source::of_aws(global, &settings.regions, &progress).await?,
        Some(recorded) => {
            // Only these are scanned: that another pack was not recorded today does not mean that it is gone.
            request.packs = recorded.rows().map(|(target, _)| target.pack).collect();
            if !args.whole && !request.is_partial() {
                lacks_most(&recorded, &store, &settings).await?;
            }
            Source::Recorded(recorded)
        }
    };
    let sink = match &args.topic {
        Some(topic) => Sink::of_topics(global, topic, args.events_topic.as_ref()).await?,
        // What is shown here would count as sent to everybody who shares the table.
        None if args.store.table.is_some() => Sink::Nowhere,
        None => Sink::Terminal(args.output, progress.clone()),
    };
    let names = names(global, settings.account_names && args.statuses.is_empty()).await?;
    let outside = Parts { source, store, publisher: sink, names, now: args.now };
    let report = watch::run(&outside, &settings, &request, &Budget::UNLIMITED).await;
    progress.end();
    let mut report = report?;
    if let Some(notification) = &mut report.preview {
        crate::watch::account_names::fill(notification, &outside.names, &Budget::UNLIMITED).await;
        args.output.print(notification)?;
    }
    sum_up(&report, args)
}

fn sum_up(report: &Report, args: &RunArgs) -> Result<bool, Failure> {
    let packs = report.targets.iter().filter(|target| target.pack != EVERY_PACK).count() as u64;
    if let (0, Some(failure)) = (packs, report.failure()) {
        return Err(failure.into());
    }
    let is_left = args.topic.is_none() && args.store.table.is_some() && !args.dry_run;
    let sent = match (args.dry_run, &report.preview, report.notifications) {
        (true, Some(_), _) => "would send 1 message".to_owned(),
        (true, None, _) => "would send nothing".to_owned(),
        (..) if is_left && report.transitions > 0 => "sent nothing: the function's next run does".to_owned(),
        (_, _, 0) => "sent nothing".to_owned(),
        (_, _, n) => format!("sent {}", counted(n, "message")),
    };
    note(&format!(
        "{}: {}; {}; {sent}",
        counted(packs, "pack"),
        counted(report.accounts, "deployment"),
        counted(report.transitions, "change"),
    ));
    for target in report.targets.iter().filter(|target| !target.outcome.is_failure()) {
        if let Some(error) = &target.error {
            let name = &target.pack;
            note(&format!("{name} in {}: {}: {error}", target.region, target.outcome.as_str()));
        }
    }
    match report.failure() {
        Some(failure) => Err(failure.into()),
        None => Ok(report.transitions > 0 || report.notifications > 0 || report.preview.is_some()),
    }
}

/// Opens the store. A dry run neither creates nor changes a file.
async fn store(global: &Global, args: &StoreArgs, dry_run: bool) -> Result<Store, Failure> {
    if dry_run && args.is_missing()? {
        return Ok(Store::Sqlite(SqliteStore::in_memory()?));
    }
    args.create(global).await
}
