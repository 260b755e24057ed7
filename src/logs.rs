//! Logs, as Lambda's log settings want them.

use std::io;

use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt, registry};

/// Writes logs to stdout: one JSON object a line, or text where `AWS_LAMBDA_LOG_FORMAT` is `Text`; from
/// the level of `AWS_LAMBDA_LOG_LEVEL`, else what `RUST_LOG` says (`info`, `packwatch=debug`), else
/// INFO ("Configuring advanced logging controls for Lambda functions", AWS Lambda Developer Guide).
pub fn init() {
    let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let level = variable("AWS_LAMBDA_LOG_LEVEL").map(|level| match level.as_str() {
        // Lambda's word for what tracing calls error.
        "FATAL" => "error".to_owned(),
        _ => level.to_lowercase(),
    });
    let filter = level.or_else(|| variable("RUST_LOG")).and_then(|filter| filter.parse::<Targets>().ok());
    let filter = filter.unwrap_or_else(|| Targets::new().with_default(tracing::Level::INFO));
    let is_text = variable("AWS_LAMBDA_LOG_FORMAT").is_some_and(|format| format.eq_ignore_ascii_case("text"));
    let layer = if is_text {
        fmt::layer().with_writer(io::stdout).with_ansi(false).without_time().boxed()
    } else {
        fmt::layer().with_writer(io::stdout).json().flatten_event(true).with_span_list(false).boxed()
    };
    registry().with(layer.with_filter(filter)).init();
}
