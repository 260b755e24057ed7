//! Answers that the SDK would misunderstand: a proxy's page in the place of AWS's answer, and a refusal of a signature
//! that another one would overcome.

use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;

use crate::model::rejection::Rejection;
use crate::model::text::{bounded, plain};

/// As much of a page's text as is shown.
const MOST_SHOWN: usize = 120;

/// An answer that is not AWS's.
#[derive(Debug, thiserror::Error)]
#[error(
    "{endpoint} answered {status} with a page that is not AWS's: \"{words}\". A proxy may have sent it: see HTTPS_PROXY \
     and NO_PROXY"
)]
pub(super) struct Page {
    endpoint: String,
    status: u16,
    words: String,
}

/// What of a call is needed to understand its answer.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) endpoint: String,
    /// Only what is signed is answered by a service, and not by the machine that has the credentials.
    is_signed: bool,
    /// The first of several tries.
    is_first: bool,
}

impl Call {
    pub(super) fn of(request: &HttpRequest) -> Self {
        let header = |name: &str| request.headers().get(name).unwrap_or_default();
        let tries = header("amz-sdk-request");
        Self {
            endpoint: request.uri().split('/').take(3).collect::<Vec<_>>().join("/"),
            is_signed: header("authorization").starts_with("AWS4-"),
            is_first: tries.contains("attempt=1;") && !tries.ends_with("max=1"),
        }
    }

    /// The answer as it is, or as an error: one that is retried where another try may help.
    pub(super) async fn answered(self, mut response: HttpResponse) -> Result<HttpResponse, ConnectorError> {
        let status = response.status().as_u16();
        if !self.is_signed {
            return Ok(response);
        }
        if is_page(&response) {
            let text = String::from_utf8_lossy(&read(response.take_body()).await?).into_owned();
            let words = bounded(plain(&words(&text)), MOST_SHOWN);
            let page = Box::new(Page { endpoint: self.endpoint, status, words });
            return Err(if status >= 500 { ConnectorError::io(page) } else { ConnectorError::user(page) });
        }
        // The time may have passed while this machine was asleep. Once is enough: the SDK corrects a clock that is off
        // by the answer's date, and where that does not help, nothing does.
        if self.is_first && matches!(status, 400 | 403) {
            let body = read(response.take_body()).await?;
            if is_outdated(&response, &body) {
                return Err(ConnectorError::io("the signature was refused for its time".into()));
            }
            *response.body_mut() = SdkBody::from(body);
        }
        Ok(response)
    }
}

async fn read(body: SdkBody) -> Result<Vec<u8>, ConnectorError> {
    let read = ByteStream::new(body).collect().await.map_err(|error| ConnectorError::io(error.into()))?;
    Ok(read.to_vec())
}

/// Whether it is for people: AWS names each of its answers.
fn is_page(response: &HttpResponse) -> bool {
    let header = |name: &str| response.headers().get(name);
    let kind = header("content-type").unwrap_or_default();
    let is_named = header("x-amzn-requestid").or_else(|| header("x-amz-request-id")).is_some();
    kind.starts_with("text/html") || (!is_named && (kind.is_empty() || kind.starts_with("text/plain")))
}

/// Whether the error in the body is about the time of the signature, in whichever protocol.
fn is_outdated(response: &HttpResponse, body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body);
    let header = response.headers().get("x-amzn-errortype").unwrap_or_default();
    let mut words =
        [header, &text].into_iter().flat_map(|text| text.split(|c: char| !c.is_ascii_alphanumeric()));
    words.any(|code| Rejection::of(code, &text) == Some(Rejection::Clock))
}

/// The text of an HTML page, without what is not shown.
fn words(page: &str) -> String {
    let (mut text, mut is_hidden) = (String::new(), false);
    for part in page.split('<') {
        // What is behind a `<` in a script is no tag.
        let (tag, words) = part.split_once('>').unwrap_or(("", part));
        if !tag.is_empty() {
            let tag = tag.to_ascii_lowercase();
            is_hidden = tag.starts_with("script") || tag.starts_with("style");
        }
        if !is_hidden {
            text.push_str(words);
            text.push(' ');
        }
    }
    text
}
