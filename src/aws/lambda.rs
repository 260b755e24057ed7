//! The Lambda function: an event in, a run, an answer out.

use std::time::{Duration, SystemTime};

use lambda_runtime::{Context, Diagnostic, LambdaEvent, service_fn};
use serde::Serialize;
use serde_json::Value;
use tracing::{error, warn};

use super::{ConfigSource, Connection, DynamoStore, Organizations, SnsPublisher, SqsQueue};
use crate::budget::Budget;
use crate::clock::SystemClock;
use crate::event::{self, Event, Record, Request};
use crate::fan_out::fan_out;
use crate::ports::{Clock, Ports};
use crate::queued::{BatchResponse, Queued};
use crate::report::Answer;
use crate::settings::{self, Faults, Settings};
use crate::watch::{self, RunError};

/// What is built once, at init.
struct Function {
    settings: Settings,
    source: ConfigSource,
    store: DynamoStore,
    publisher: SnsPublisher,
    names: Option<Organizations>,
    queue: Option<(SqsQueue, Duration)>,
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
        let handled = match function {
            Ok(function) => function.handle(&event.payload, &event.context).await,
            // Not a failed init: Lambda would try that again and again, and hide the reason in the log.
            Err(faults) => Err(diagnostic("Settings", faults.to_string())),
        };
        if let Err(diagnostic) = &handled {
            error!(error_type = diagnostic.error_type, "{}", diagnostic.error_message);
        }
        handled
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
            publisher: SnsPublisher::new(&connection, &destinations.alerts_topic, events_topic),
            names: settings.account_names.then(|| Organizations::new(&connection)),
            queue: destinations.queue.map(|queue| (SqsQueue::new(&connection, &queue.url), queue.max_age)),
            settings,
        })
    }

    async fn handle(&self, payload: &Value, context: &Context) -> Result<Reply, Diagnostic> {
        let event = event::parse(payload).map_err(|error| diagnostic("Event", error.to_string()))?;
        let budget = budget(context);
        let answer = match (event, &self.queue) {
            (Event::Records(records), _) => return self.take(records, &budget).await.map(Reply::Batch),
            (Event::Tick, Some((queue, _))) => {
                Box::pin(fan_out(&self.ports(), &self.settings, &budget, queue)).await.map_err(not_run)?
            }
            (Event::Tick, None) => self.run(&Request::default(), &budget).await?,
            // Whoever asks waits for the answer.
            (Event::Request(request), _) => self.run(&request, &budget).await?,
        };
        match answer.failure() {
            None => Ok(Reply::Answer(answer)),
            Some(failure) => Err(diagnostic("Targets", failure)),
        }
    }

    /// Looks at the targets of a batch. The messages of those that are not finished come back: the invocation does not
    /// fail, so what failed is said here.
    async fn take(&self, records: Vec<Record>, budget: &Budget) -> Result<BatchResponse, Diagnostic> {
        let max_age = self.queue.as_ref().map(|(_, max_age)| *max_age);
        let queued = Queued::sort(records, max_age, SystemClock.now());
        for (record, reason) in &queued.refused {
            error!(record, "the queue's message {record}: {reason}");
        }
        for (record, target) in &queued.outdated {
            warn!(record, region = %target.region, pack = %target.pack, "dropped: it waited until the next tick");
        }
        let answer = match queued.request() {
            Some(request) => Some(self.run(&request, budget).await?),
            None => None,
        };
        if let Some(failure) = answer.as_ref().and_then(Answer::failure) {
            error!(error_type = "Targets", "{failure}");
        }
        Ok(queued.response(answer.as_ref()))
    }

    async fn run(&self, request: &Request, budget: &Budget) -> Result<Answer, Diagnostic> {
        let report = Box::pin(watch::run(&self.ports(), &self.settings, request, budget)).await;
        Ok(report.map_err(not_run)?.answer)
    }

    fn ports(
        &self,
    ) -> Ports<'_, ConfigSource, DynamoStore, SnsPublisher, SystemClock, Option<Organizations>> {
        let Self { source, store, publisher, names, .. } = self;
        Ports { source, store, publisher, clock: &SystemClock, names }
    }
}

fn not_run(error: RunError) -> Diagnostic {
    diagnostic("Run", error.to_string())
}

fn diagnostic(error_type: &str, error_message: String) -> Diagnostic {
    Diagnostic { error_type: error_type.to_owned(), error_message }
}

/// The time until the deadline. One in the past, as some emulators give, is none.
fn budget(context: &Context) -> Budget {
    let left = context.deadline().duration_since(SystemTime::now()).unwrap_or(Duration::ZERO);
    if left.is_zero() { Budget::UNLIMITED } else { Budget::ending_in(left) }
}
