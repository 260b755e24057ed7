//! What a connection that fails says: which endpoint, and why. And how long a person waits for the first answer.
//! What an answer is that is none of AWS's: see [`answer`](super::answer).

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;

use super::answer::answered;

/// A connection that failed.
#[derive(Debug, thiserror::Error)]
#[error("{endpoint} cannot be reached: {why}")]
pub(super) struct Unreachable {
    endpoint: String,
    why: String,
}

/// A connector whose errors name the endpoint.
#[derive(Debug)]
pub(super) struct Reaching {
    inner: SharedHttpConnector,
    /// How long to try again while nothing has ever answered. `None`: as long as the retries last.
    connect_timeout: Option<Duration>,
    since: Instant,
    is_answered: Arc<AtomicBool>,
}

impl Reaching {
    pub(super) fn new(inner: SharedHttpConnector, connect_timeout: Option<Duration>) -> Self {
        Self { inner, connect_timeout, since: Instant::now(), is_answered: Arc::default() }
    }
}

impl HttpConnector for Reaching {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let endpoint = request.uri().split('/').take(3).collect::<Vec<_>>().join("/");
        let is_signed = request.headers().get("authorization").is_some_and(|it| it.starts_with("AWS4-"));
        let answer = self.inner.call(request);
        let (is_answered, connect_timeout, since) =
            (self.is_answered.clone(), self.connect_timeout, self.since);
        HttpConnectorFuture::new(async move {
            match answer.await {
                Ok(response) => {
                    is_answered.store(true, Ordering::Relaxed);
                    answered(endpoint, is_signed, response).await
                }
                Err(error) => {
                    let is_late = connect_timeout.is_some_and(|timeout| since.elapsed() > timeout);
                    Err(named(error, endpoint, is_late && !is_answered.load(Ordering::Relaxed)))
                }
            }
        })
    }
}

/// The same error, of a kind that is not retried where the timeout is over.
fn named(error: ConnectorError, endpoint: String, is_over: bool) -> ConnectorError {
    let (is_timeout, is_io, kind) = (error.is_timeout(), error.is_io(), error.as_other());
    let why = root(&*error.into_source());
    let unreachable = Box::new(Unreachable { endpoint, why });
    match (is_over, is_timeout, is_io) {
        (true, ..) => ConnectorError::user(unreachable),
        (_, true, _) => ConnectorError::timeout(unreachable),
        (.., true) => ConnectorError::io(unreachable),
        _ => ConnectorError::other(unreachable, kind),
    }
}

/// The innermost cause, which is the one that says something.
pub(super) fn cause<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    let mut last = error;
    while let Some(cause) = last.source() {
        last = cause;
    }
    last
}

/// What the innermost cause says.
pub(super) fn root(error: &(dyn Error + 'static)) -> String {
    let text = cause(error).to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    // "Connection refused" stands in the middle of a sentence.
    let mut letters = text.chars();
    match (letters.next(), letters.clone().next()) {
        (Some(first), Some(second)) if second.is_lowercase() => first.to_lowercase().chain(letters).collect(),
        _ => text.to_owned(),
    }
}
