//! What an invocation measured, as documents of CloudWatch's embedded metric format: lines of the log from which
//! CloudWatch takes metrics. `docs/logging.md` lists them, and what they cost.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use lambda_runtime::Context;
use metrique_writer_core::format::Format;
use metrique_writer_core::unit::NegativeScale;
use metrique_writer_core::value::MetricFlags;
use metrique_writer_core::{Entry, EntryWriter, IoStreamError, Observation, Unit, Value, ValueWriter};
use metrique_writer_format_emf::{Emf, NoMetric};
use serde_json::json;
use strum::VariantArray as _;

use super::logs;
use crate::model::{Phase, Region};
use crate::watch::report::{Outcome, Report, TargetReport};
use crate::watch::scan::policy::Scan;

/// The dimension of an invocation's metrics. With the function's name as their only dimension, two installations do not mix.
const OF_RUN: &[&str] = &["FunctionName"];
/// Those of the metric of a pack. CloudWatch charges for each, so there is one; the other accounts are for searches.
const OF_PACK: &[&str] = &["FunctionName", "Region", "Pack"];

const SECONDS: Unit = Unit::Second(NegativeScale::One);
const MILLISECONDS: Unit = Unit::Second(NegativeScale::Milli);

/// One line: metrics, and what only a search of the log finds.
struct Document {
    at: Timestamp,
    dimensions: &'static [&'static str],
    metrics: Vec<Metric>,
    fields: BTreeMap<&'static str, serde_json::Value>,
}

/// A metric: its name, its unit and its value.
#[derive(Clone, Copy)]
struct Metric(&'static str, Unit, u64);

/// What an invocation measured.
#[derive(Debug)]
pub(super) struct Measured<'a> {
    /// Whose invocation it was.
    pub(super) context: &'a Context,
    /// When it ended.
    pub(super) at: Timestamp,
    /// How long it took.
    pub(super) took: Duration,
    /// What came of it; `None` when there was no run.
    pub(super) report: Option<&'a Report>,
    /// Throttled calls of AWS Config.
    pub(super) throttles: BTreeMap<Region, u64>,
    /// How long the oldest transition waits to be dispatched, zero when none does; `None` when that is not known.
    pub(super) oldest_undispatched: Option<Duration>,
    /// Whether there are more metrics than the alarms need: all of the invocation's, and one of each pack.
    pub(super) packs: bool,
}

/// Writes the documents to stdout, at once, so that no other line comes between.
pub(super) fn write(measured: &Measured<'_>) -> Result<(), IoStreamError> {
    Ok(io::stdout().lock().write_all(&lines(measured)?)?)
}

fn lines(measured: &Measured<'_>) -> Result<Vec<u8>, IoStreamError> {
    let mut lines = Vec::new();
    for document in documents(measured) {
        let dimensions = document.dimensions.iter().map(|name| (*name).to_owned()).collect();
        let mut format = Emf::builder("packwatch".to_owned(), vec![dimensions]).build();
        format.format(&document, &mut lines)?;
    }
    Ok(lines)
}

/// One for each pack whose accounts are known, and one for the invocation.
fn documents(measured: &Measured<'_>) -> Vec<Document> {
    let targets = measured.report.into_iter().flat_map(|report| &report.targets);
    let packs = targets.filter(|target| measured.packs && target.statuses.is_some());
    packs.map(|target| measured.of_pack(target)).chain([measured.of_run()]).collect()
}

impl Measured<'_> {
    fn of_run(&self) -> Document {
        let nothing = Report::default();
        let report = self.report.unwrap_or(&nothing);
        let targets = &report.targets;
        let count = |is: &dyn Fn(&TargetReport) -> bool| targets.iter().filter(|t| is(t)).count() as u64;
        let ended = |outcome: Outcome| count(&|target| target.outcome == outcome);
        let scanned = |scan: Scan| count(&|target| target.scan == Some(scan));
        let age = |name, age: Option<Duration>| age.map(|age| Metric(name, SECONDS, age.as_secs()));
        // What an alarm looks at. CloudWatch charges for each metric, and a search finds the other numbers, too.
        let mut metrics = vec![Metric("TargetsDeferred", Unit::Count, ended(Outcome::Deferred))];
        metrics.extend(age("OldestUndispatched", self.oldest_undispatched));
        metrics.extend(age("OldestFullScan", report.oldest_full_scan));
        let more = [
            Metric("Failed", Unit::Count, (self.report.is_none() || report.failure().is_some()).into()),
            Metric("TargetsDone", Unit::Count, count(&|target| target.outcome.is_done())),
            Metric("TargetsFailed", Unit::Count, count(&|target| target.outcome.is_failure())),
            Metric("Accounts", Unit::Count, report.accounts),
            Metric("Pages", Unit::Count, targets.iter().map(|target| target.pages).sum()),
            Metric("Transitions", Unit::Count, report.transitions),
            Metric("Notifications", Unit::Count, report.notifications),
            Metric("Throttles", Unit::Count, self.throttles.values().sum()),
            Metric("Duration", MILLISECONDS, self.took.as_millis().try_into().unwrap_or(u64::MAX)),
        ];
        metrics.extend(more.iter().filter(|_| self.packs));
        let mut document = self.document("run measured", OF_RUN, metrics);
        let rest = more.iter().filter(|_| !self.packs);
        document.fields.extend(rest.map(|Metric(name, _, value)| (*name, json!(value))));
        let outcomes = Outcome::VARIANTS.iter();
        document.fields.extend(outcomes.map(|outcome| (outcome.as_str(), json!(ended(*outcome)))));
        let throttled = self.throttles.iter().map(|(region, throttles)| format!("{region}: {throttles}"));
        document.fields.extend([
            ("QuickScans", json!(scanned(Scan::Quick))),
            ("FullScans", json!(scanned(Scan::Full))),
            ("MessagesMinimal", json!(report.minimal)),
            ("ThrottledRegions", json!(throttled.collect::<Vec<_>>().join(", "))),
        ]);
        document
    }

    fn of_pack(&self, target: &TargetReport) -> Document {
        let accounts = |phase| target.in_phase(phase).unwrap_or_default();
        let failed = vec![Metric("AccountsFailed", Unit::Count, accounts(Phase::Failed))];
        let mut document = self.document("pack measured", OF_PACK, failed);
        document.fields.extend(target.scan.map(|scan| ("Scan", json!(scan.as_str()))));
        document.fields.extend([
            ("Region", json!(target.region)),
            ("Pack", json!(target.pack)),
            ("Outcome", json!(target.outcome.as_str())),
            ("AccountsInProgress", json!(accounts(Phase::InProgress))),
            ("AccountsSuccessful", json!(accounts(Phase::Successful))),
            ("AccountsUnrecognised", json!(accounts(Phase::Unrecognised))),
            ("Pages", json!(target.pages)),
            ("Transitions", json!(target.transitions)),
        ]);
        document
    }

    fn document(&self, message: &str, dimensions: &'static [&'static str], metrics: Vec<Metric>) -> Document {
        let Context { request_id, xray_trace_id, env_config, .. } = self.context;
        let mut fields = BTreeMap::from([
            // Lambda takes a line without these two for INFO, and drops it where the log level is higher.
            ("level", json!(logs::kept_level())),
            ("timestamp", json!(self.at.to_string())),
            ("message", json!(message)),
            ("requestId", json!(request_id)),
            ("FunctionName", json!(env_config.function_name)),
        ]);
        fields.extend(xray_trace_id.iter().map(|trace| ("xrayTraceId", json!(trace))));
        Document { at: self.at, dimensions, metrics, fields }
    }
}

impl Entry for Document {
    fn write<'a>(&'a self, writer: &mut impl EntryWriter<'a>) {
        writer.timestamp(SystemTime::from(self.at));
        self.metrics.iter().for_each(|metric| writer.value(metric.0, metric));
        for (name, field) in &self.fields {
            match field.as_u64() {
                Some(number) => writer.value(*name, &NoMetric::from(number)),
                None => writer.value(*name, field.as_str().unwrap_or_default()),
            }
        }
    }
}

impl Value for Metric {
    fn write(&self, writer: impl ValueWriter) {
        let Self(_, unit, value) = *self;
        writer.metric([Observation::Unsigned(value)], unit, [], MetricFlags::empty());
    }
}
