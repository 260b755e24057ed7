//! The harness itself: real SDKs understand the world, and faults do what they say.

use super::boto::{Answer, PaginationConfig, Query, paginate};
use super::dynamo::{Dynamo, Fault};
use super::lambda::Lambda;
use crate::world::World;
use crate::world::packs::account;
use axum::body::{Body, Bytes, to_bytes};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use std::time::Duration;

const REGION: &str = "eu-central-1";
const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=A/20260101/eu-central-1/dynamodb/aws4_request, \
                             SignedHeaders=host;x-amz-date, Signature=0";

/// One request; an error if the connection closed without an answer.
async fn send(method: &str, url: &str, target: &str, body: Value) -> Result<(u16, Bytes), String> {
    let request = axum::http::Request::builder()
        .method(method)
        .uri(url)
        .header("authorization", AUTHORIZATION)
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-date", "20260101T000000Z")
        .header("x-amz-target", target)
        .body(Body::from(body.to_string()));
    let client = Client::builder(TokioExecutor::new()).build_http();
    let response = client.request(request.unwrap()).await.map_err(|error| error.to_string())?;
    let status = response.status().as_u16();
    Ok((status, to_bytes(Body::new(response.into_body()), usize::MAX).await.unwrap()))
}

#[tokio::test]
async fn boto3_reads_the_world() {
    let world = World::new();
    world.set_clock(1_767_225_600.25).add_pack(REGION, "pack-01", 250);
    world.fail(REGION, "pack-01", &account(7), "CREATE_FAILED", "E", "<&>");
    let served = world.serve().await;
    let ask = |filters: Option<Value>, pagination_config: PaginationConfig| {
        paginate(&Query {
            endpoint: served.url.clone(),
            region: REGION.to_owned(),
            organization_conformance_pack_name: "pack-01".to_owned(),
            filters,
            pagination_config,
        })
    };
    let sized = |page_size| PaginationConfig { page_size: Some(page_size), ..PaginationConfig::default() };

    let all = ask(None, PaginationConfig::default()).unwrap();
    assert_eq!((all.items.len(), all.next_token), (250, None));
    assert_eq!(all.items[6]["LastUpdateTime"], "2026-01-01T00:00:00.250000+00:00");
    assert_eq!(world.count("config", "GetOrganizationConformancePackDetailedStatus"), 3);

    let failed = ask(Some(json!({"Status": "CREATE_FAILED"})), sized(10)).unwrap();
    assert_eq!(failed.items, [all.items[6].clone()]);

    // Cut inside a page, and resumed with another size.
    let cut = PaginationConfig { max_items: Some(33), ..sized(20) };
    let first: Answer = ask(None, cut).unwrap();
    let rest = PaginationConfig { starting_token: first.next_token, ..sized(70) };
    let rest = ask(None, rest).unwrap();
    assert_eq!((first.items.len(), rest.items.len()), (33, 217));
    assert_eq!([first.items, rest.items].concat(), all.items);

    world.repeat_token();
    assert_eq!(ask(None, PaginationConfig::default()).unwrap_err().class, "PaginationError");
    world.heal_config().deny(REGION);
    let denied = ask(None, PaginationConfig::default()).unwrap_err();
    assert_eq!(denied.code.as_deref(), Some("OrganizationAccessDeniedException"));
}

#[tokio::test]
async fn the_control_plane_takes_what_the_cli_prints() {
    let world = World::new();
    let served = world.serve().await;
    let url = format!("{}/packs/{REGION}/pack-01", served.url);
    let row = json!({"AccountId": account(1), "ConformancePackName": "p", "Status": "CREATE_FAILED",
                     "LastUpdateTime": "2026-01-01T00:00:00+00:00"});
    let rows = json!({"OrganizationConformancePackDetailedStatuses": [row]});
    assert_eq!(send("PUT", &url, "", rows).await.unwrap().0, 204);
    assert_eq!(world.rows(REGION, "pack-01")[&account(1)].status, "CREATE_FAILED");
    assert_eq!(send("PUT", &url, "", json!({"a": 1})).await.unwrap().0, 400);
    assert_eq!(send("DELETE", &url, "", Value::Null).await.unwrap().0, 204);
    assert_eq!(send("DELETE", &url, "", Value::Null).await.unwrap().0, 404);
}

#[tokio::test]
async fn dynamodb_fails_on_command() {
    let dynamo = Dynamo::with_table("packwatch");
    let put = async |sk: &str| {
        let item = json!({"pk": {"S": "watch"}, "sk": {"S": sk}});
        let body = json!({"TableName": "packwatch", "Item": item});
        send("POST", &dynamo.url, "DynamoDB_20120810.PutItem", body).await.map(|(status, _)| status).ok()
    };
    let kept = || -> Vec<String> {
        let key = |item: Value| item["sk"]["S"].as_str().unwrap().to_owned();
        dynamo.dump("packwatch").into_iter().map(key).collect()
    };
    assert_eq!(put("a").await, Some(200));
    dynamo.fault_after("PutItem", 1, Fault::LoseReply, 1);
    assert_eq!((put("b").await, put("c").await), (Some(200), None));
    dynamo.fault("*", Fault::DropBefore, 1).fault("PutItem", Fault::Throttle, 1);
    assert_eq!((put("d").await, put("e").await), (None, Some(400)));
    dynamo.fault("PutItem", Fault::Conflict, 1).fault("PutItem", Fault::InternalError, 1);
    assert_eq!((put("f").await, put("g").await), (Some(400), Some(500)));
    dynamo.fault("Query", Fault::Hang, 1).fault("PutItem", Fault::Delay(Duration::from_millis(1)), 1);
    assert_eq!(put("h").await, Some(200));
    assert_eq!(kept(), ["a", "b", "c", "h"]);
    assert_eq!((dynamo.count("PutItem"), dynamo.count("Query")), (8, 0));

    let action =
        |sk: &str| json!({"Put": {"TableName": "packwatch", "Item": {"pk": {"S": "x"}, "sk": {"S": sk}}}});
    let transaction = json!({"TransactItems": [action("1"), action("2")]});
    dynamo.fault("TransactWriteItems", Fault::Conflict, 1);
    let target = "DynamoDB_20120810.TransactWriteItems";
    let (status, body) = send("POST", &dynamo.url, target, transaction).await.unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((status, &body["CancellationReasons"][1]["Code"]), (400, &json!("None")));
}

/// A bootstrap that does what its event, a word, tells it to.
const BOOTSTRAP: &str = r#"
import json, os, sys, time
from urllib.request import urlopen

api = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation/"
while True:
    with urlopen(api + "next") as work:
        request_id, event = work.headers["Lambda-Runtime-Aws-Request-Id"], json.load(work)
    print(json.dumps({"event": event}), flush=True)
    if event == "exit":
        sys.exit(3)
    if event == "hang":
        time.sleep(60)
    if event == "fail":
        urlopen(f"{api}{request_id}/error", data=b'{"errorType": "E"}')
    else:
        urlopen(f"{api}{request_id}/response", data=json.dumps({"pid": os.getpid()}).encode())
"#;

#[tokio::test]
async fn a_function_answers_fails_exits_hangs_and_is_killed() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bootstrap");
    let python = concat!("#!", env!("CARGO_MANIFEST_DIR"), "/.venv/bin/python");
    std::fs::write(&path, format!("{python}\n{BOOTSTRAP}")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let lambda = Lambda::new(path, REGION, Vec::new());
    let second = Duration::from_secs(1);
    let invoke = async |event: &str, timeout| lambda.invoke(event.into(), timeout).await;

    let first = invoke("a", 20 * second).await.unwrap();
    assert_eq!(invoke("b", 20 * second).await.unwrap(), first, "the same process");
    assert_eq!(invoke("fail", 20 * second).await.unwrap_err(), json!({"errorType": "E"}));
    assert_eq!(invoke("exit", 20 * second).await.unwrap_err()["errorType"], "Runtime.ExitError");
    assert_ne!(invoke("c", 20 * second).await.unwrap(), first, "a new process");
    assert_eq!(invoke("hang", second).await.unwrap_err()["errorType"], "Sandbox.Timedout");
    let kill = async {
        tokio::time::sleep(second / 2).await;
        lambda.kill();
    };
    let (killed, ()) = tokio::join!(invoke("hang", 20 * second), kill);
    assert_eq!(killed.unwrap_err()["errorType"], "Runtime.ExitError");
    assert_eq!(lambda.json_logs()[0], json!({"event": "a"}));
}
