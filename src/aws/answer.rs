//! Answers that the SDK would misunderstand: a proxy's page in the place of AWS's answer.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::byte_stream::ByteStream;

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

/// The answer of an endpoint as it is, or as an error, which is retried where another try may help. Only what is signed is
/// answered by a service, and not by the machine that has the credentials.
pub(super) async fn answered(
    endpoint: String,
    is_signed: bool,
    mut response: HttpResponse,
) -> Result<HttpResponse, ConnectorError> {
    if !is_signed || !is_page(&response) {
        return Ok(response);
    }
    let page = ByteStream::new(response.take_body()).collect().await;
    let page = page.map_err(|error| ConnectorError::io(error.into()))?.to_vec();
    let words = bounded(plain(&words(&String::from_utf8_lossy(&page))), MOST_SHOWN);
    let status = response.status().as_u16();
    let page = Box::new(Page { endpoint, status, words });
    Err(if status >= 500 { ConnectorError::io(page) } else { ConnectorError::user(page) })
}

/// Whether it is for people: AWS names each of its answers.
fn is_page(response: &HttpResponse) -> bool {
    let header = |name: &str| response.headers().get(name);
    let kind = header("content-type").unwrap_or_default();
    let is_named = header("x-amzn-requestid").or_else(|| header("x-amz-request-id")).is_some();
    kind.starts_with("text/html") || (!is_named && (kind.is_empty() || kind.starts_with("text/plain")))
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
