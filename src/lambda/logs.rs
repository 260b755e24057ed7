//! Logs, as Lambda's log settings want them.

use std::io;

use tracing::error;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{Layer as _, fmt, registry};

/// The target of Lambda's own span of an invocation. It carries the request's id and the trace's.
const INVOCATION: &str = "lambda_runtime::layers::trace";

/// Where the Lambda runtime logs every failed invocation a second time, as debugging output.
const REPEATED: &str = "lambda_runtime::layers::panic";

/// Writes logs to stdout: one JSON object a line, or text where `AWS_LAMBDA_LOG_FORMAT` is `Text`; from
/// the level of `AWS_LAMBDA_LOG_LEVEL`, else what `RUST_LOG` says (`info`, `packwatch=debug`), else
/// INFO ("Configuring advanced logging controls for Lambda functions", AWS Lambda Developer Guide).
pub fn init() {
    let level = variable("AWS_LAMBDA_LOG_LEVEL").map(|level| match level.as_str() {
        // Lambda's word for what tracing calls error.
        "FATAL" => "error".to_owned(),
        _ => level.to_lowercase(),
    });
    let filter = level.or_else(|| variable("RUST_LOG")).and_then(|filter| filter.parse::<Targets>().ok());
    let filter = filter.unwrap_or_else(|| Targets::new().with_default(tracing::Level::INFO));
    // Whatever is left out, each line that is written says whose it is.
    let filter = filter.with_target(INVOCATION, tracing::Level::INFO).with_target(REPEATED, LevelFilter::OFF);
    let is_text = variable("AWS_LAMBDA_LOG_FORMAT").is_some_and(|format| format.eq_ignore_ascii_case("text"));
    let layer = if is_text {
        fmt::layer().with_writer(io::stdout).with_ansi(false).without_time().boxed()
    } else {
        fmt::layer().with_writer(io::stdout).json().flatten_event(true).with_span_list(false).boxed()
    };
    // Not `init`, which would also take the lines of the `log` crate, where another crate turns that feature on. Only a
    // subscriber that was set before is an error here, and then there are logs.
    let _set = tracing::subscriber::set_global_default(registry().with(layer.with_filter(filter)));
    // By default a panic is text on stderr, which says nothing of the invocation.
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string);
        error!(location, "panicked: {}", panic.payload_as_str().unwrap_or("without a message"));
    }));
}

/// A level that Lambda's log filter lets through, INFO where it does: for lines that must not get lost.
pub fn kept_level() -> &'static str {
    match variable("AWS_LAMBDA_LOG_LEVEL").as_deref() {
        Some("WARN") => "WARN",
        Some("ERROR") => "ERROR",
        Some("FATAL") => "FATAL",
        _ => "INFO",
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
