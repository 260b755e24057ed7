//! The Lambda function: an event in, a run, an answer out.

pub mod logs;
mod metrics;

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use lambda_runtime::{Context, Diagnostic, LambdaEvent, service_fn};
use serde_json::Value;
use tokio::time::{Instant, timeout};
use tracing::{error, warn};

use self::metrics::Measured;
use crate::aws::{ConfigSource, Connection, DynamoStore, Organizations, SnsPublisher};
use crate::event;
use crate::history::oldest_lag;
use crate::ports::{Machines, Parts};
use crate::settings::{self, Faults, Settings};
use crate::watch;
use crate::watch::budget::Budget;
use crate::watch::report::Report;

/// How long a run may take to find out what it left undispatched; without an answer that metric is left out.
const LAG_TIMEOUT: Duration = Duration::from_secs(3);

/// What is built once, at init.
struct Function {
    settings: Settings,
    outside: Parts<ConfigSource, DynamoStore, SnsPublisher, Option<Organizations>>,
    pack_metrics: bool,
}

/// Serves invocations until Lambda ends the process.
pub async fn serve() -> Result<(), lambda_runtime::Error> {
    if std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_none() {
        let why = "this is the Lambda function: AWS_LAMBDA_RUNTIME_API is not set, so nobody sends it events. On a \
                   laptop use `packwatch run`, or `make local` for the function under Lambda's emulator";
        return Err(why.into());
    }
    let function = Function::from_environment().await;
    let function = &function;
    let handle = |event: LambdaEvent<Value>| async move {
        let started = Instant::now();
        let report = match function {
            Ok(function) => function.handle(&event.payload, &event.context).await,
            // Not a failed init: Lambda would try that again and again, and hide the reason in the log.
            Err(faults) => Err(diagnostic("Settings", faults.to_string())),
        };
        measure(function.as_ref().ok(), &event.context, started, report.as_ref().ok()).await;
        let answer = report.and_then(|report| match report.failure() {
            None => Ok(report),
            Some(failure) => Err(diagnostic("Targets", failure)),
        });
        if let Err(diagnostic) = &answer {
            error!(error_type = diagnostic.error_type, "{}", diagnostic.error_message);
        }
        answer
    };
    lambda_runtime::run(service_fn(handle)).await
}

impl Function {
    async fn from_environment() -> Result<Self, Faults> {
        let (settings, destinations) = settings::of_lambda(&|name| std::env::var(name).ok())?;
        let connection = Connection::of_environment().await;
        let (alerts, events) = (&destinations.alerts_topic, destinations.events_topic.as_ref());
        let outside = Parts {
            source: ConfigSource::new(&connection, &settings.regions),
            store: DynamoStore::new(&connection, &destinations.table),
            publisher: SnsPublisher::new(&connection, alerts, events, Machines::Nobody),
            names: settings.account_names.then(|| Organizations::new(&connection)),
            now: None,
        };
        Ok(Self { outside, pack_metrics: destinations.pack_metrics, settings })
    }

    async fn handle(&self, payload: &Value, context: &Context) -> Result<Report, Diagnostic> {
        let request = event::parse(payload).map_err(|error| diagnostic("Event", error.to_string()))?;
        let budget = left(context).map_or(Budget::UNLIMITED, Budget::ending_in);
        let run = Box::pin(watch::run(&self.outside, &self.settings, &request, &budget));
        run.await.map_err(|error| diagnostic("Run", error.to_string()))
    }

    /// How long the oldest transition waits that this run, or one before, recorded and did not dispatch.
    async fn oldest_undispatched(
        &self,
        report: &Report,
        now: Timestamp,
        context: &Context,
    ) -> Option<Duration> {
        if !report.may_lag {
            return Some(Duration::ZERO);
        }
        // A run that is ended for a metric would count as failed.
        let longest = left(context).map_or(LAG_TIMEOUT, |left| (left / 2).min(LAG_TIMEOUT));
        let oldest = timeout(longest, oldest_lag(&self.outside.store, self.settings.group_interval));
        let age = oldest.await.ok()?.ok()?.map(|oldest| now.duration_since(oldest).try_into());
        Some(age.and_then(Result::ok).unwrap_or_default())
    }
}

/// Writes the metrics of an invocation, however it ended.
async fn measure(function: Option<&Function>, context: &Context, started: Instant, report: Option<&Report>) {
    let at = Timestamp::now();
    let oldest_undispatched = match (function, report) {
        (Some(function), Some(report)) => function.oldest_undispatched(report, at, context).await,
        _ => None,
    };
    let written = metrics::write(&Measured {
        context,
        at,
        took: started.elapsed(),
        report,
        throttles: function.map(|function| function.outside.source.take_throttles()).unwrap_or_default(),
        oldest_undispatched,
        packs: function.is_some_and(|function| function.pack_metrics),
    });
    if let Err(error) = written {
        warn!(%error, "metrics not written");
    }
}

fn diagnostic(error_type: &str, error_message: String) -> Diagnostic {
    Diagnostic { error_type: error_type.to_owned(), error_message }
}

/// The time until the deadline; `None` for one in the past, as some emulators give.
fn left(context: &Context) -> Option<Duration> {
    context.deadline().duration_since(SystemTime::now()).ok().filter(|left| !left.is_zero())
}
