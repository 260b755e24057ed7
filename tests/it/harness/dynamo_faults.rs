//! The front before DynamoDB: it writes down each request, and does to it what the rules say.

use crate::world::host::Scissors;
use crate::world::recorder::recorded;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, DefaultBodyLimit, State};
use axum::http::{HeaderMap, Request as HttpRequest, Response, Uri, header};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What happens to a request.
#[derive(Debug, Clone)]
pub enum Fault {
    /// Not applied: `ProvisionedThroughputExceededException`, which an on-demand table gives as well.
    Throttle,
    /// Not applied: `ThrottlingException`, the account's limit.
    AccountThrottle,
    /// Not applied: HTTP 500.
    InternalError,
    /// Not applied: another transaction holds an item. `TransactionCanceledException` for a transaction,
    /// `TransactionConflictException` otherwise.
    Conflict,
    /// Not applied: the caller's policies do not allow it.
    Deny,
    /// Applied; then the connection is closed without an answer.
    LoseReply,
    /// Not applied; the connection is closed without an answer.
    DropBefore,
    /// Not applied; no answer, ever.
    Hang,
    /// Applied, after a while.
    Delay(Duration),
}

/// One request that arrived, whatever became of it.
#[derive(Debug, Clone)]
pub struct Request {
    /// Such as `"TransactWriteItems"`.
    pub operation: String,
    pub body: Value,
}

/// The log and the rules.
#[derive(Default)]
pub struct Front {
    pub requests: Vec<Request>,
    pub rules: Vec<Rule>,
    /// Whether point-in-time recovery is on: the engine has none.
    pub recovery: bool,
}

/// Lets `skip` requests of an operation pass, then does `fault` to the next `left`.
pub struct Rule {
    operation: String,
    skip: usize,
    left: usize,
    fault: Fault,
}

impl Front {
    pub fn add(&mut self, operation: &str, skip: usize, fault: Fault, n: usize) {
        self.rules.push(Rule { operation: operation.to_owned(), skip, left: n, fault });
    }

    fn arrive(&mut self, request: Request) -> Option<Fault> {
        let mut met = None;
        for rule in &mut self.rules {
            let matches = rule.operation == "*" || rule.operation == request.operation;
            if !matches || rule.left == 0 {
                continue;
            }
            if rule.skip > 0 {
                rule.skip -= 1;
                continue;
            }
            rule.left -= 1;
            met = Some(rule.fault.clone());
            break;
        }
        self.requests.push(request);
        met
    }
}

#[derive(Clone)]
struct Shared {
    front: Arc<Mutex<Front>>,
    engine: Uri,
    client: Client<HttpConnector, Body>,
}

/// The front before the engine at `engine_url`.
pub fn router(front: Arc<Mutex<Front>>, engine_url: String) -> Router {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client = Client::builder(TokioExecutor::new()).build(connector);
    let engine = engine_url.parse().expect("a URL");
    let shared = Shared { front, engine, client };
    recorded(Router::new().fallback(call).layer(DefaultBodyLimit::disable()).with_state(shared))
}

async fn call(
    State(shared): State<Shared>,
    ConnectInfo(scissors): ConnectInfo<Scissors>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let target = headers.get("x-amz-target").and_then(|t| t.to_str().ok()).unwrap_or_default();
    let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
    let body_json: Value = serde_json::from_slice(&body).unwrap_or_default();
    let is_backups = operation == "DescribeContinuousBackups";
    let actions = body_json["TransactItems"].as_array().map(Vec::len);
    let met = shared.front.lock().unwrap().arrive(Request { operation, body: body_json });
    match met {
        None if is_backups => backups(&shared, headers, body).await,
        None => forward(&shared, headers, body).await,
        Some(Fault::Delay(delay)) => {
            tokio::time::sleep(delay).await;
            forward(&shared, headers, body).await
        }
        Some(Fault::LoseReply) => {
            let _lost = forward(&shared, headers, body).await;
            scissors.cut()
        }
        Some(Fault::DropBefore) => scissors.cut(),
        Some(Fault::Hang) => std::future::pending().await,
        Some(Fault::Throttle) => {
            let message = "The level of configured provisioned throughput for the table was exceeded.";
            error(400, "ProvisionedThroughputExceededException", message)
        }
        Some(Fault::AccountThrottle) => {
            let body = json!({
                "__type": "com.amazon.coral.availability#ThrottlingException",
                "message": "Throughput exceeds the current capacity of your table or index.",
            });
            answer(400, &body)
        }
        Some(Fault::Deny) => {
            error(400, "AccessDeniedException", "User is not authorized to perform this action")
        }
        Some(Fault::InternalError) => error(500, "InternalServerError", "Internal server error"),
        Some(Fault::Conflict) => match actions {
            Some(actions) => cancelled(actions),
            None => error(400, "TransactionConflictException", "Transaction is ongoing for the item"),
        },
    }
}

/// `DescribeContinuousBackups`, of a table that the engine has.
async fn backups(shared: &Shared, mut headers: HeaderMap, body: Bytes) -> Response<Body> {
    headers.insert("x-amz-target", header::HeaderValue::from_static("DynamoDB_20120810.DescribeTable"));
    if !forward(shared, headers, body).await.status().is_success() {
        return error(400, "TableNotFoundException", "Table not found");
    }
    let status = if shared.front.lock().unwrap().recovery { "ENABLED" } else { "DISABLED" };
    let description = json!({
        "ContinuousBackupsStatus": "ENABLED",
        "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": status},
    });
    answer(200, &json!({"ContinuousBackupsDescription": description}))
}

async fn forward(shared: &Shared, mut headers: HeaderMap, body: Bytes) -> Response<Body> {
    for own in [header::HOST, header::CONNECTION, header::CONTENT_LENGTH, header::TRANSFER_ENCODING] {
        headers.remove(own);
    }
    let mut request = HttpRequest::post(shared.engine.clone()).body(Body::from(body)).unwrap();
    *request.headers_mut() = headers;
    shared.client.request(request).await.expect("the engine answers").map(Body::new)
}

/// A transaction cancelled since another one holds its first item.
fn cancelled(actions: usize) -> Response<Body> {
    let mut reasons = vec![json!({"Code": "None"}); actions];
    reasons[0] = json!({"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"});
    let codes: Vec<_> = reasons.iter().filter_map(|r| r["Code"].as_str()).collect();
    let message = format!(
        "Transaction cancelled, please refer cancellation reasons for specific reasons [{}]",
        codes.join(", ")
    );
    let mut body = json!({"Message": message, "CancellationReasons": reasons});
    body["__type"] = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException".into();
    answer(400, &body)
}

fn error(status: u16, code: &str, message: &str) -> Response<Body> {
    let body = json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": message});
    answer(status, &body)
}

fn answer(status: u16, body: &Value) -> Response<Body> {
    let builder = Response::builder().status(status).header("content-type", "application/x-amz-json-1.0");
    builder.body(Body::from(body.to_string())).unwrap()
}
