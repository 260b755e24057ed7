//! The Lambda function: an event in, a run, an answer out.

pub mod logs;
mod metrics;

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use lambda_runtime::{Context, Diagnostic, LambdaEvent, service_fn};
use serde::Serialize;
use serde_json::Value;
use tokio::time::{Instant, timeout};
use tracing::{error, warn};

use self::metrics::Measured;
use crate::aws::{ConfigSource, Connection, DynamoStore, Organizations, SnsPublisher, SqsQueue};
use crate::event::reply::{BatchResponse, Queued};
use crate::event::{self, Record, Trigger};
use crate::ports::{self, Machines, Outside};
use crate::settings::{self, Faults, Settings};
use crate::watch::budget::Budget;
use crate::watch::report::{Answer, Report};
use crate::watch::request::Request;
use crate::watch::unannounced;
use crate::watch::{self, RunError};

/// How long a run may take to find out what it left unannounced; without an answer that metric is left out.
const OWED_TIMEOUT: Duration = Duration::from_secs(3);

/// What is built once, at init.
struct Function {
    settings: Settings,
    source: ConfigSource,
    store: DynamoStore,
    publisher: SnsPublisher,
    names: Option<Organizations>,
    queue: Option<(SqsQueue, Duration)>,
    pack_metrics: bool,
}

/// What an invocation did.
enum Handled {
    Run(Report),
    /// No run where none of the messages was worth one.
    Batch(Option<Report>, BatchResponse),
}

/// What Lambda gets for an event.
#[derive(Serialize)]
#[serde(untagged)]
enum Reply {
    Answer(Answer),
    Batch(BatchResponse),
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
        let handled = match function {
            Ok(function) => function.handle(&event.payload, &event.context).await,
            // Not a failed init: Lambda would try that again and again, and hide the reason in the log.
            Err(faults) => Err(diagnostic("Settings", faults.to_string())),
        };
        measure(function.as_ref().ok(), &event.context, started, handled.as_ref().ok()).await;
        let reply = handled.and_then(Handled::reply);
        if let Err(diagnostic) = &reply {
            error!(error_type = diagnostic.error_type, "{}", diagnostic.error_message);
        }
        reply
    };
    lambda_runtime::run(service_fn(handle)).await
}

impl Function {
    async fn from_environment() -> Result<Self, Faults> {
        let (settings, destinations) = settings::of_lambda(&|name| std::env::var(name).ok())?;
        let connection = Connection::of_environment().await;
        let events_topic = destinations.events_topic.as_ref();
        Ok(Self {
            source: ConfigSource::new(&connection, &settings.regions),
            store: DynamoStore::new(&connection, &destinations.table),
            publisher: SnsPublisher::new(
                &connection,
                &destinations.alerts_topic,
                events_topic,
                Machines::Nobody,
            ),
            names: settings.account_names.then(|| Organizations::new(&connection)),
            queue: destinations.queue.map(|queue| (SqsQueue::new(&connection, &queue.url), queue.max_age)),
            pack_metrics: destinations.pack_metrics,
            settings,
        })
    }

    async fn handle(&self, payload: &Value, context: &Context) -> Result<Handled, Diagnostic> {
        let event = event::parse(payload).map_err(|error| diagnostic("Event", error.to_string()))?;
        let budget = budget(context);
        match event {
            Trigger::Records(records) => self.take(records, &budget).await,
            Trigger::Tick => {
                let everything = Request { scheduled: true, ..Request::default() };
                self.run(&everything, &budget).await.map(Handled::Run)
            }
            // Whoever asks waits for the answer.
            Trigger::Request(request) => self.run(&request, &budget).await.map(Handled::Run),
        }
    }

    /// Looks at the targets of a batch. The messages of those that are not finished come back: the invocation does not
    /// fail, so what failed is said here.
    async fn take(&self, records: Vec<Record>, budget: &Budget) -> Result<Handled, Diagnostic> {
        let max_age = self.queue.as_ref().map(|(_, max_age)| *max_age);
        let queued = Queued::sort(records, max_age, self.now());
        for (record, reason) in &queued.refused {
            error!(record, "the queue's message {record}: {reason}");
        }
        for (record, target) in &queued.outdated {
            warn!(record, region = %target.region, pack = %target.pack, "dropped: it waited until the next tick");
        }
        let report = match queued.request() {
            Some(request) => Some(self.run(&request, budget).await?),
            None => None,
        };
        let answer = report.as_ref().map(|report| &report.answer);
        if let Some(failure) = answer.and_then(Answer::failure) {
            error!(error_type = "Targets", "{failure}");
        }
        let response = queued.response(answer);
        Ok(Handled::Batch(report, response))
    }

    async fn run(&self, request: &Request, budget: &Budget) -> Result<Report, Diagnostic> {
        Box::pin(watch::run(self, &self.settings, request, budget)).await.map_err(not_run)
    }

    /// How long the oldest transition waits that this run, or one before, recorded and did not announce.
    async fn oldest_unannounced(
        &self,
        report: &Report,
        now: Timestamp,
        patience: Duration,
    ) -> Option<Duration> {
        if !report.may_owe {
            return Some(Duration::ZERO);
        }
        let oldest = timeout(patience, unannounced::oldest(&self.store)).await.ok()?.ok()?;
        let age = oldest.map(|oldest| Duration::try_from(now.duration_since(oldest)).unwrap_or_default());
        Some(age.unwrap_or_default())
    }
}

impl Outside for Function {
    type Source = ConfigSource;
    type Store = DynamoStore;
    type Publisher = SnsPublisher;
    type Names = Option<Organizations>;
    type Queue = SqsQueue;

    fn source(&self) -> &Self::Source {
        &self.source
    }

    fn store(&self) -> &Self::Store {
        &self.store
    }

    fn publisher(&self) -> &Self::Publisher {
        &self.publisher
    }

    fn names(&self) -> &Self::Names {
        &self.names
    }

    fn queue(&self) -> Option<&Self::Queue> {
        self.queue.as_ref().map(|(queue, _)| queue)
    }

    fn now(&self) -> Timestamp {
        ports::now()
    }
}

impl Handled {
    fn report(&self) -> Option<&Report> {
        match self {
            Self::Run(report) => Some(report),
            Self::Batch(report, _) => report.as_ref(),
        }
    }

    fn reply(self) -> Result<Reply, Diagnostic> {
        match self {
            Self::Batch(_, response) => Ok(Reply::Batch(response)),
            Self::Run(report) => match report.answer.failure() {
                None => Ok(Reply::Answer(report.answer)),
                Some(failure) => Err(diagnostic("Targets", failure)),
            },
        }
    }
}

/// Writes the metrics of an invocation, however it ended.
async fn measure(
    function: Option<&Function>,
    context: &Context,
    started: Instant,
    handled: Option<&Handled>,
) {
    let at = Timestamp::now();
    let report = handled.and_then(Handled::report);
    let oldest_unannounced = match (function, report) {
        (Some(function), Some(report)) => function.oldest_unannounced(report, at, patience(context)).await,
        _ => None,
    };
    let written = metrics::write(&Measured {
        context,
        at,
        took: started.elapsed(),
        failed: handled.is_none() || report.is_some_and(|report| report.answer.failure().is_some()),
        answer: report.map(|report| &report.answer),
        reduced: report.map_or(0, |report| report.reduced),
        throttles: function.map(|function| function.source.take_throttles()).unwrap_or_default(),
        oldest_unannounced,
        oldest_whole_look: report.and_then(|report| report.oldest_whole_look),
        packs: function.is_some_and(|function| function.pack_metrics),
    });
    if let Err(error) = written {
        warn!(%error, "metrics not written");
    }
}

fn not_run(error: RunError) -> Diagnostic {
    diagnostic("Run", error.to_string())
}

fn diagnostic(error_type: &str, error_message: String) -> Diagnostic {
    Diagnostic { error_type: error_type.to_owned(), error_message }
}

/// How long that may take now: a run that is ended for a metric would count as failed.
fn patience(context: &Context) -> Duration {
    let left = context.deadline().duration_since(SystemTime::now()).unwrap_or(OWED_TIMEOUT * 2);
    (left / 2).min(OWED_TIMEOUT)
}

/// The time until the deadline. One in the past, as some emulators give, is none.
fn budget(context: &Context) -> Budget {
    let left = context.deadline().duration_since(SystemTime::now()).unwrap_or(Duration::ZERO);
    if left.is_zero() { Budget::UNLIMITED } else { Budget::ending_in(left) }
}
