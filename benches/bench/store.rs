//! What the store of the bench takes by itself: an SQLite engine on one thread, behind a front that counts.

use crate::harness::dynamo::Dynamo;
use axum::body::Body;
use axum::http::{Request, Uri};
use futures_util::future::join_all;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The engine wants a signature's form, and does not check it.
const UNCHECKED: &str = "AWS4-HMAC-SHA256 Credential=bench/20260101/eu-west-1/dynamodb/aws4_request, \
                         SignedHeaders=host, Signature=0";

/// A request to the table, as text: a value needs much more room.
pub(crate) struct Sent {
    pub operation: String,
    body: String,
}

impl Sent {
    /// The requests that have arrived, which the front then forgets.
    pub(crate) fn take(dynamo: &Dynamo) -> impl Iterator<Item = Self> {
        let requests = dynamo.take_requests().into_iter();
        requests.map(|request| Self { operation: request.operation, body: request.body.to_string() })
    }

    pub(crate) fn body(&self) -> Value {
        serde_json::from_str(&self.body).expect("it was JSON")
    }
}

/// Sends every transaction among these requests once more, as packwatch does: those of a pack one after the other, the
/// packs side by side. They write the same again.
pub(crate) async fn replay(dynamo: &Dynamo, requests: &[Sent]) -> Duration {
    let mut packs: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for request in requests {
        let mut body = request.body();
        let Some(pk) = body["TransactItems"][1]["Put"]["Item"]["pk"]["S"].as_str() else { continue };
        let pk = pk.to_owned();
        // With its token it would count as a repetition, which writes nothing; with its condition it would be refused.
        body.as_object_mut().expect("a request").remove("ClientRequestToken");
        let head = body["TransactItems"][0]["Put"].as_object_mut().expect("the head");
        head.retain(|name, _| matches!(name.as_str(), "Item" | "TableName"));
        packs.entry(pk).or_default().push(body.to_string());
    }
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: Client<_, Body> = Client::builder(TokioExecutor::new()).build(connector);
    let url: Uri = dynamo.url.parse().expect("a URL");
    let started = Instant::now();
    join_all(packs.into_values().map(|transactions| send(&client, &url, transactions))).await;
    started.elapsed()
}

async fn send(client: &Client<HttpConnector, Body>, url: &Uri, transactions: Vec<String>) {
    for transaction in transactions {
        let request = Request::post(url.clone())
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", "DynamoDB_20120810.TransactWriteItems")
            .header("x-amz-date", "20260101T000000Z")
            .header("authorization", UNCHECKED);
        let answer = client.request(request.body(Body::from(transaction)).expect("a request")).await;
        let answer = answer.expect("the store answers");
        let is_accepted = answer.status().is_success();
        let said = axum::body::to_bytes(Body::new(answer.into_body()), usize::MAX).await.expect("a body");
        assert!(
            is_accepted,
            "a transaction that was accepted is refused: {}",
            String::from_utf8_lossy(&said)
        );
    }
}
