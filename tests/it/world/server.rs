//! The world behind HTTP: all services on `POST /`, and a control plane for people and for other processes.

use super::host::{Host, Scissors};
use super::log::InFlight;
use super::messages::Message;
use super::queues::QueueFault;
use super::sns::{self, Ending};
use super::sns_form::Form;
use super::{ServiceError, World, config, faults::NextFault, log::Request, organizations, packs, queues};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, Response, StatusCode};
use axum::routing::{get, post, put};
use serde_json::{Value, json};
use std::io;
use std::net::IpAddr;

/// A world that is being served, until this is dropped.
pub struct Served {
    /// The endpoint of AWS Config and of SNS.
    pub url: String,
    _host: Host,
}

impl World {
    /// Serves this world on a free port of the loopback interface.
    pub async fn serve(&self) -> Served {
        match self.serve_on(Host::LOOPBACK) {
            Ok(served) => served,
            Err(error) => panic!("the world cannot be served: {error}"),
        }
    }

    /// Serves this world at this address and port.
    pub fn serve_on(&self, at: (IpAddr, u16)) -> io::Result<Served> {
        let host = Host::start(router(self.clone()), at)?;
        Ok(Served { url: host.url.clone(), _host: host })
    }
}

/// | request | effect |
/// |---|---|
/// | `POST /` | the service that `X-Amz-Target` names, SNS without |
/// | `PUT /packs/{region}/{pack}` | replaces the rows, in the shape that the AWS CLI prints |
/// | `DELETE /packs/{region}/{pack}` | deletes the pack |
/// | `GET /messages` | what SNS accepted |
/// | `GET /requests` | what arrived |
pub fn router(world: World) -> Router {
    Router::new()
        .route("/", post(call))
        .route("/packs/{region}/{pack}", put(put_pack).delete(delete_pack))
        .route("/messages", get(messages))
        .route("/requests", get(requests))
        .layer(DefaultBodyLimit::disable())
        .with_state(world)
}

async fn call(
    State(world): State<World>,
    ConnectInfo(scissors): ConnectInfo<Scissors>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let region = header("authorization").and_then(region);
    match (header("x-amz-target"), region) {
        (Some(target), Some(region)) if target.starts_with(organizations::TARGET_PREFIX) => {
            call_organizations(&world, target, region, &body).await
        }
        (Some(target), Some(region)) if target.starts_with(queues::TARGET_PREFIX) => {
            call_sqs(&world, &scissors, target, region, &body).await
        }
        (Some(target), Some(region)) => call_config(&world, &scissors, target, region, &body).await,
        (None, Some(region)) => call_sns(&world, &scissors, region, &body).await,
        (Some(_), None) => amz_json_error(&unsigned()),
        (None, None) => reply(403, "text/xml", sns::error_xml(&unsigned())),
    }
}

async fn call_config(
    world: &World,
    scissors: &Scissors,
    target: &str,
    region: &str,
    body: &[u8],
) -> Response<Body> {
    let operation = target.strip_prefix(config::TARGET_PREFIX).unwrap_or(target);
    world.record("config", operation, region, serde_json::from_slice(body).unwrap_or(Value::Null));
    let _counted = InFlight::enter(world);
    let (obstacle, latency) = {
        let mut state = world.lock();
        (config::obstacle(&mut state, region), state.faults.latency)
    };
    tokio::time::sleep(latency).await;
    match obstacle {
        Some(NextFault::Drop) => return scissors.cut(),
        Some(NextFault::Hang) => return std::future::pending().await,
        Some(NextFault::Error(error)) => return amz_json_error(&error),
        None => {}
    }
    let answer = config::respond(&mut world.lock(), region, operation, body);
    match answer {
        Ok(body) => reply(200, AMZ_JSON, body),
        Err(error) => amz_json_error(&error),
    }
}

async fn call_organizations(world: &World, target: &str, region: &str, body: &[u8]) -> Response<Body> {
    let operation = target.strip_prefix(organizations::TARGET_PREFIX).unwrap_or(target);
    world.record("organizations", operation, region, serde_json::from_slice(body).unwrap_or(Value::Null));
    let hangs = world.lock().organization.hangs;
    if hangs {
        return std::future::pending().await;
    }
    let answer = organizations::respond(&world.lock().organization, operation, body);
    match answer {
        Ok(body) => reply(200, AMZ_JSON, body),
        Err(error) => amz_json_error(&error),
    }
}

async fn call_sqs(
    world: &World,
    scissors: &Scissors,
    target: &str,
    region: &str,
    body: &[u8],
) -> Response<Body> {
    let operation = target.strip_prefix(queues::TARGET_PREFIX).unwrap_or(target);
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    world.record("sqs", operation, region, request.clone());
    let fault = world.lock().sqs.faults.pop_front().unwrap_or(QueueFault::None);
    if matches!(fault, QueueFault::Hang) {
        return std::future::pending().await;
    }
    let answer = queues::respond(&mut world.lock().sqs, operation, &request, &fault);
    match answer {
        _ if matches!(fault, QueueFault::LoseReply) => scissors.cut(),
        Ok(body) => reply(200, "application/x-amz-json-1.0", body.to_string()),
        Err(error) => amz_json_error(&error),
    }
}

async fn call_sns(world: &World, scissors: &Scissors, region: &str, body: &[u8]) -> Response<Body> {
    let form = Form::parse(body);
    world.record("sns", form.get("Action").unwrap_or_default(), region, form.to_json());
    let latency = world.lock().sns.latency;
    tokio::time::sleep(latency).await;
    let ending = sns::respond(&mut world.lock().sns, region, &form);
    match ending {
        Ending::Drop => scissors.cut(),
        Ending::Hang => std::future::pending().await,
        Ending::Xml { status, body } => reply(status, "text/xml", body),
    }
}

async fn put_pack(
    State(world): State<World>,
    Path((region, pack)): Path<(String, String)>,
    body: Bytes,
) -> (StatusCode, String) {
    match packs::rows_from_cli(&body) {
        Ok(rows) => {
            world.put_rows(&region, &pack, rows);
            (StatusCode::NO_CONTENT, String::new())
        }
        Err(error) => (StatusCode::BAD_REQUEST, format!("not what the AWS CLI prints: {error}\n")),
    }
}

async fn delete_pack(State(world): State<World>, Path((region, pack)): Path<(String, String)>) -> StatusCode {
    if world.delete_pack(&region, &pack) { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND }
}

async fn messages(State(world): State<World>) -> Response<Body> {
    let messages: Vec<_> = world.messages().iter().map(Message::to_json).collect();
    reply(200, "application/json", Value::from(messages).to_string())
}

async fn requests(State(world): State<World>) -> Response<Body> {
    let requests: Vec<_> = world.requests().iter().map(Request::to_json).collect();
    reply(200, "application/json", Value::from(requests).to_string())
}

const AMZ_JSON: &str = "application/x-amz-json-1.1";

fn amz_json_error(error: &ServiceError) -> Response<Body> {
    let body = json!({"__type": error.code, "message": error.message}).to_string();
    let mut response = reply(error.status, AMZ_JSON, body);
    if let Ok(code) = error.code.parse() {
        response.headers_mut().insert("x-amzn-errortype", code);
    }
    response
}

fn reply(status: u16, content_type: &'static str, body: impl Into<Body>) -> Response<Body> {
    let builder = Response::builder()
        .status(status)
        .header("content-type", content_type)
        .header("x-amzn-requestid", sns::REQUEST_ID);
    builder.body(body.into()).unwrap_or_default()
}

fn unsigned() -> ServiceError {
    ServiceError::new(403, "MissingAuthenticationTokenException", "Missing Authentication Token")
}

/// The region in the credential scope: `Credential=<key>/<date>/<region>/<service>/aws4_request`.
fn region(authorization: &str) -> Option<&str> {
    let scope = authorization.split_once("Credential=")?.1;
    scope.split([',', ' ']).next()?.split('/').nth(2)
}
