//! What a connection says that fails, or is answered by a proxy in the place of AWS: which endpoint, and why.

use std::error::Error;

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;

/// A connection that failed.
#[derive(Debug, thiserror::Error)]
#[error("{endpoint} cannot be reached: {why}")]
struct Unreachable {
    endpoint: String,
    why: String,
}

/// An answer that is not AWS's, and that the SDK would misunderstand.
#[derive(Debug, thiserror::Error)]
#[error(
    "{endpoint} answered {status} with a page that is not AWS's. A proxy may have sent it: see HTTPS_PROXY and NO_PROXY"
)]
struct Page {
    endpoint: String,
    status: u16,
}

/// A connector whose errors name the endpoint.
#[derive(Debug)]
pub(super) struct Reaching(pub(super) SharedHttpConnector);

impl HttpConnector for Reaching {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let endpoint = request.uri().split('/').take(3).collect::<Vec<_>>().join("/");
        // Only what is signed is answered by a service, and not by the machine that has the credentials.
        let is_signed = request.headers().get("authorization").is_some_and(|it| it.starts_with("AWS4-"));
        let answer = self.0.call(request);
        HttpConnectorFuture::new(async move {
            match answer.await {
                Ok(response) if is_signed && is_page(&response) => {
                    let status = response.status().as_u16();
                    let page = Box::new(Page { endpoint, status });
                    // The first is tried again.
                    Err(if status >= 500 { ConnectorError::io(page) } else { ConnectorError::user(page) })
                }
                answer => answer.map_err(|error| named(error, endpoint)),
            }
        })
    }
}

/// Whether an answer is for people: AWS names each of its answers.
fn is_page(response: &HttpResponse) -> bool {
    let header = |name: &str| response.headers().get(name);
    let kind = header("content-type").unwrap_or_default();
    let is_named = header("x-amzn-requestid").or_else(|| header("x-amz-request-id")).is_some();
    kind.starts_with("text/html") || (!is_named && (kind.is_empty() || kind.starts_with("text/plain")))
}

/// The same error, with the endpoint.
fn named(error: ConnectorError, endpoint: String) -> ConnectorError {
    let (is_timeout, is_io, kind) = (error.is_timeout(), error.is_io(), error.as_other());
    let why = cause(&*error.into_source()).to_string();
    let unreachable = Box::new(Unreachable { endpoint, why });
    match (is_timeout, is_io) {
        (true, _) => ConnectorError::timeout(unreachable),
        (_, true) => ConnectorError::io(unreachable),
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
