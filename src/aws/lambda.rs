//! The Lambda function: an event in, a run, an answer out.

use std::time::{Duration, SystemTime};

use lambda_runtime::{Context, Diagnostic, LambdaEvent, service_fn};
use serde_json::Value;
use tracing::error;

use super::{ConfigSource, Connection, DynamoStore, Organizations, SnsPublisher};
use crate::budget::Budget;
use crate::clock::SystemClock;
use crate::event;
use crate::ports::Ports;
use crate::report::Answer;
use crate::settings::{self, Faults, Settings};
use crate::watch;

/// What is built once, at init.
struct Function {
    settings: Settings,
    source: ConfigSource,
    store: DynamoStore,
    publisher: SnsPublisher,
    names: Option<Organizations>,
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
            settings,
        })
    }

    async fn handle(&self, payload: &Value, context: &Context) -> Result<Answer, Diagnostic> {
        let request = event::parse(payload).map_err(|error| diagnostic("Event", error.to_string()))?;
        let Self { settings, source, store, publisher, names } = self;
        let ports = Ports { source, store, publisher, clock: &SystemClock, names };
        let report = Box::pin(watch::run(&ports, settings, &request, &budget(context))).await;
        let answer = report.map_err(|error| diagnostic("Run", error.to_string()))?.answer;
        match answer.failure() {
            None => Ok(answer),
            Some(failure) => Err(diagnostic("Targets", failure)),
        }
    }
}

fn diagnostic(error_type: &str, error_message: String) -> Diagnostic {
    Diagnostic { error_type: error_type.to_owned(), error_message }
}

/// The time until the deadline. One in the past, as some emulators give, is none.
fn budget(context: &Context) -> Budget {
    let left = context.deadline().duration_since(SystemTime::now()).unwrap_or(Duration::ZERO);
    if left.is_zero() { Budget::UNLIMITED } else { Budget::ending_in(left) }
}
