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

use super::logs;
use crate::model::{Phase, Region};
use crate::watch::report::{Answer, Outcome, TargetReport};
use crate::watch::scan::policy::Scan;

const NAMESPACE: &str = "packwatch";
const SECONDS: Unit = Unit::Second(NegativeScale::One);

/// The dimension of an invocation's metrics. With the function's name as their only dimension, two installations do not mix.
const OF_RUN: &[&str] = &["FunctionName"];
/// Those of the metric of a pack. CloudWatch charges for each, so there is one; the other accounts are for searches.
const OF_PACK: &[&str] = &["FunctionName", "Region", "Pack"];

/// What an invocation measured.
#[derive(Debug)]
pub(super) struct Measured<'a> {
    /// Whose invocation it was.
    pub(super) context: &'a Context,
    /// When it ended.
    pub(super) at: Timestamp,
    /// How long it took.
    pub(super) took: Duration,
    /// Whether it failed.
    pub(super) failed: bool,
    /// What it answers; `None` when there was no run.
    pub(super) answer: Option<&'a Answer>,
    /// How many messages SNS took only in a minimal form.
    pub(super) minimal: u64,
    /// Throttled calls of AWS Config.
    pub(super) throttles: BTreeMap<Region, u64>,
    /// How long the oldest transition waits to be dispatched, zero when none does; `None` when that is not known.
    pub(super) oldest_undispatched: Option<Duration>,
    /// How long ago the full scan was that is the longest ago, where this invocation knows of all large targets.
    pub(super) oldest_full_scan: Option<Duration>,
    /// Whether there are more metrics than the alarms need: all of the invocation's, and one of each pack.
    pub(super) packs: bool,
}

/// Writes the documents to stdout, at once, so that no other line comes between.
pub(super) fn write(measured: &Measured<'_>) -> Result<(), IoStreamError> {
    let documents = documents(measured)?;
    Ok(io::stdout().lock().write_all(&documents)?)
}

/// One line for each pack whose accounts are known, and one for the invocation.
fn documents(measured: &Measured<'_>) -> Result<Vec<u8>, IoStreamError> {
    let mut lines = Vec::new();
    let targets = measured.answer.filter(|_| measured.packs).map_or(&[][..], |answer| &answer.targets);
    for target in targets.iter().filter(|target| target.statuses.is_some()) {
        format(OF_PACK, &measured.of_pack(target), &mut lines)?;
    }
    format(OF_RUN, &measured.of_run(), &mut lines)?;
    Ok(lines)
}

fn format(dimensions: &[&str], document: &Document, lines: &mut Vec<u8>) -> Result<(), IoStreamError> {
    let dimensions = dimensions.iter().map(|name| (*name).to_owned()).collect();
    Emf::builder(NAMESPACE.to_owned(), vec![dimensions]).build().format(document, lines)
}

impl Measured<'_> {
    fn of_run(&self) -> Document {
        let targets = self.answer.map_or(&[][..], |answer| &answer.targets);
        let count = |is: &dyn Fn(Outcome) -> bool| targets.iter().filter(|t| is(t.outcome)).count() as u64;
        let mut document = self.document("run measured");
        // What an alarm looks at. CloudWatch charges for each metric, and a search finds the other numbers, too.
        document.metric("TargetsDeferred", Unit::Count, count(&|outcome| outcome == Outcome::Deferred));
        if let Some(age) = self.oldest_undispatched {
            document.metric("OldestUndispatched", SECONDS, age.as_secs());
        }
        if let Some(age) = self.oldest_full_scan {
            document.metric("OldestFullScan", SECONDS, age.as_secs());
        }
        let more = [
            ("Failed", Unit::Count, self.failed.into()),
            ("TargetsDone", Unit::Count, count(&Outcome::is_done)),
            ("TargetsFailed", Unit::Count, count(&Outcome::is_failure)),
            ("Accounts", Unit::Count, self.answer.map_or(0, |answer| answer.accounts)),
            ("Pages", Unit::Count, targets.iter().map(|target| target.pages).sum()),
            ("Transitions", Unit::Count, self.answer.map_or(0, |answer| answer.transitions)),
            ("Notifications", Unit::Count, self.answer.map_or(0, |answer| answer.notifications)),
            ("Throttles", Unit::Count, self.throttles.values().sum()),
            ("Duration", Unit::Second(NegativeScale::Milli), whole(self.took.as_millis())),
        ];
        for (name, unit, value) in more {
            match self.packs {
                true => document.metric(name, unit, value),
                false => document.counts.push((name, value)),
            }
        }
        let outcomes = Outcome::ALL.map(|outcome| (outcome.as_str(), count(&|other| other == outcome)));
        document.counts.extend(outcomes);
        let scanned = |scan: Scan| targets.iter().filter(|target| target.scan == Some(scan)).count() as u64;
        document.counts.extend([("QuickScans", scanned(Scan::Quick)), ("FullScans", scanned(Scan::Full))]);
        document.counts.push(("MessagesMinimal", self.minimal));
        let throttled = self.throttles.iter().map(|(region, throttles)| format!("{region}: {throttles}"));
        document.texts.push(("ThrottledRegions", throttled.collect::<Vec<_>>().join(", ")));
        document
    }

    fn of_pack(&self, target: &TargetReport) -> Document {
        let accounts = |phase| target.in_phase(phase).unwrap_or_default();
        let mut document = self.document("pack measured");
        document.texts.push(("Region", target.region.to_string()));
        document.texts.push(("Pack", target.pack.clone()));
        document.texts.push(("Outcome", target.outcome.as_str().to_owned()));
        document.texts.extend(target.scan.map(|scan| ("Scan", scan.as_str().to_owned())));
        document.metric("AccountsFailed", Unit::Count, accounts(Phase::Failed));
        document.counts.push(("AccountsInProgress", accounts(Phase::InProgress)));
        document.counts.push(("AccountsSuccessful", accounts(Phase::Successful)));
        document.counts.push(("AccountsUnrecognised", accounts(Phase::Unrecognised)));
        document.counts.push(("Pages", target.pages));
        document.counts.push(("Transitions", target.transitions));
        document
    }

    fn document(&self, message: &str) -> Document {
        let Context { request_id, xray_trace_id, env_config, .. } = self.context;
        let mut texts = vec![
            // Lambda takes a line without these two for INFO, and drops it where the log level is higher.
            ("level", logs::kept_level().to_owned()),
            ("timestamp", self.at.to_string()),
            ("message", message.to_owned()),
            ("requestId", request_id.clone()),
            ("FunctionName", env_config.function_name.clone()),
        ];
        texts.extend(xray_trace_id.iter().map(|trace| ("xrayTraceId", trace.clone())));
        Document { at: self.at, texts, metrics: Vec::new(), counts: Vec::new() }
    }
}

fn whole(n: u128) -> u64 {
    n.try_into().unwrap_or(u64::MAX)
}

/// One line, before it is written.
struct Document {
    at: Timestamp,
    /// Dimensions, and what only a search of the log finds.
    texts: Vec<(&'static str, String)>,
    metrics: Vec<(&'static str, Metric)>,
    /// Numbers that only a search of the log finds.
    counts: Vec<(&'static str, u64)>,
}

struct Metric(u64, Unit);

impl Document {
    fn metric(&mut self, name: &'static str, unit: Unit, value: u64) {
        self.metrics.push((name, Metric(value, unit)));
    }
}

impl Entry for Document {
    fn write<'a>(&'a self, writer: &mut impl EntryWriter<'a>) {
        writer.timestamp(SystemTime::from(self.at));
        self.texts.iter().for_each(|(name, text)| writer.value(*name, text));
        self.metrics.iter().for_each(|(name, metric)| writer.value(*name, metric));
        self.counts.iter().for_each(|(name, count)| writer.value(*name, &NoMetric::from(*count)));
    }
}

impl Value for Metric {
    fn write(&self, writer: impl ValueWriter) {
        let Self(value, unit) = *self;
        writer.metric([Observation::Unsigned(value)], unit, [], MetricFlags::empty());
    }
}

#[cfg(test)]
mod tests;
