//! Answers that the SDK would misunderstand: a proxy's page in the place of AWS's answer, and a refusal of a signature
//! that another one would overcome.

use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;

use crate::model::rejection::Rejection;
use crate::model::text::{bounded, plain};

/// As much of a page as is read, and as much of its text as is shown.
const MOST_READ: usize = 16 * 1024;
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

/// A signature that AWS refused for its time.
#[derive(Debug, thiserror::Error)]
#[error("the signature was refused for its time")]
struct Outdated;

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
            endpoint: origin(request.uri()),
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
            let text = String::from_utf8_lossy(&read(response.take_body(), MOST_READ).await?).into_owned();
            let words = bounded(plain(&words(&text)), MOST_SHOWN);
            let page = Box::new(Page { endpoint: self.endpoint, status, words });
            return Err(if status >= 500 { ConnectorError::io(page) } else { ConnectorError::user(page) });
        }
        // The time may have passed while this machine was asleep. Once is enough: the SDK corrects a clock that is off
        // by the answer's date, and where that does not help, nothing does.
        if self.is_first && matches!(status, 400 | 403) {
            let body = read(response.take_body(), usize::MAX).await?;
            if is_outdated(&response, &body) {
                return Err(ConnectorError::io(Box::new(Outdated)));
            }
            *response.body_mut() = SdkBody::from(body);
        }
        Ok(response)
    }
}

/// Whether it is for people: AWS names each of its answers.
fn is_page(response: &HttpResponse) -> bool {
    let header = |name: &str| response.headers().get(name);
    let kind = header("content-type").unwrap_or_default();
    let is_named = header("x-amzn-requestid").or_else(|| header("x-amz-request-id")).is_some();
    kind.starts_with("text/html") || (!is_named && (kind.is_empty() || kind.starts_with("text/plain")))
}

async fn read(body: SdkBody, most: usize) -> Result<Vec<u8>, ConnectorError> {
    let (mut stream, mut read) = (ByteStream::new(body), Vec::new());
    while let Some(bytes) = stream.next().await {
        read.extend(bytes.map_err(|error| ConnectorError::io(error.into()))?);
        if read.len() > most {
            break;
        }
    }
    Ok(read)
}

/// Whether the error in the body is about the time of the signature, in whichever protocol.
fn is_outdated(response: &HttpResponse, body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body);
    let header = response.headers().get("x-amzn-errortype").unwrap_or_default();
    let words = |text: &str| -> Vec<String> {
        text.split(|c: char| !c.is_ascii_alphanumeric()).map(str::to_owned).collect()
    };
    let mut codes = words(header).into_iter().chain(words(&text));
    codes.any(|code| Rejection::of(&code, &text) == Some(Rejection::Clock))
}

/// The text of an HTML page, without what is not shown.
fn words(page: &str) -> String {
    let mut text = String::new();
    let mut rest = page;
    while let Some((before, tag)) = rest.split_once('<') {
        text.push_str(before);
        text.push(' ');
        let hidden = ["script", "style"]
            .into_iter()
            .find(|name| tag.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)));
        let end = hidden.map_or_else(|| ">".to_owned(), |name| format!("</{name}>"));
        // ASCII alone, so that places stay the same.
        let place = tag.to_ascii_lowercase().find(&end);
        rest = place.and_then(|at| tag.get(at + end.len()..)).unwrap_or_default();
    }
    text + rest
}

fn origin(uri: &str) -> String {
    let path = uri.find("://").map_or(0, |scheme| scheme + 3);
    let end = uri.get(path..).and_then(|rest| rest.find('/')).map_or(uri.len(), |at| path + at);
    uri.get(..end).unwrap_or(uri).to_owned()
}
