//! The world behind HTTP: all services on `POST /`, and a control plane for people and for other processes.

use super::host::{Host, Scissors};
use super::log::InFlight;
use super::messages::Message;
use super::recorder::recorded;
use super::sns::{self, Ending};
use super::sns_form::Form;
use super::{ServiceError, World, faults::NextFault, log::Request};
use super::{config, lambda, organizations, packs, scheduler, sts};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, Response, StatusCode, Uri};
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
/// | `POST /` | the service that `X-Amz-Target` names; without, SNS or STS |
/// | `GET /2015-03-31/functions/{name}/configuration` | AWS Lambda's `GetFunctionConfiguration` |
/// | `GET /schedules` | EventBridge Scheduler |
/// | `PUT /packs/{region}/{pack}` | replaces the rows, in the shape that the AWS CLI prints |
/// | `DELETE /packs/{region}/{pack}` | deletes the pack |
/// | `GET /messages` | what SNS accepted |
/// | `GET /requests` | what arrived |
pub fn router(world: World) -> Router {
    let router = Router::new()
        .route("/", post(call))
        .route("/packs/{region}/{pack}", put(put_pack).delete(delete_pack))
        .route("/messages", get(messages))
        .route("/2015-03-31/functions/{name}/configuration", get(function))
        .route("/schedules", get(schedules))
        .route("/requests", get(requests))
        .layer(DefaultBodyLimit::disable())
        .with_state(world);
    recorded(router)
}

async fn call(
    State(world): State<World>,
    ConnectInfo(scissors): ConnectInfo<Scissors>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let region = header("authorization").and_then(region);
    if let Some(signature) = header("authorization").and_then(signature) {
        world.lock().log.signatures.push(signature);
    }
    match (header("x-amz-target"), region) {
        (Some(target), Some(region)) if target.starts_with(organizations::TARGET_PREFIX) => {
            call_organizations(&world, target, region, &body).await
        }
        (Some(target), Some(region)) => call_config(&world, &scissors, target, region, &body).await,
        (None, Some(_)) if header("authorization").is_some_and(|header| header.contains("/sts/")) => {
            call_sts(&world, &body).await
        }
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
    json_or_error(answer)
}

async fn call_organizations(world: &World, target: &str, region: &str, body: &[u8]) -> Response<Body> {
    let operation = target.strip_prefix(organizations::TARGET_PREFIX).unwrap_or(target);
    world.record("organizations", operation, region, serde_json::from_slice(body).unwrap_or(Value::Null));
    let hangs = world.lock().organization.hangs;
    if hangs {
        return std::future::pending().await;
    }
    held_up(world, &format!("organizations:{operation}")).await;
    let answer = organizations::respond(&world.lock(), operation, body);
    json_or_error(answer)
}

async fn call_sns(world: &World, scissors: &Scissors, region: &str, body: &[u8]) -> Response<Body> {
    let form = Form::parse(body);
    world.record("sns", form.get("Action").unwrap_or_default(), region, form.to_json());
    let action = format!("sns:{}", form.get("Action").unwrap_or_default());
    held_up(world, &action).await;
    let refusal = world.lock().access.refusal(&action, 403, "AuthorizationError");
    if let Some(refusal) = refusal {
        return reply(403, "text/xml", sns::error_xml(&refusal));
    }
    let latency = world.lock().sns.latency;
    tokio::time::sleep(latency).await;
    let ending = sns::respond(&mut world.lock().sns, region, &form);
    match ending {
        Ending::Drop => scissors.cut(),
        Ending::Hang => std::future::pending().await,
        Ending::Xml { status, body } => reply(status, "text/xml", body),
    }
}

async fn call_sts(world: &World, body: &[u8]) -> Response<Body> {
    let form = Form::parse(body);
    let answer = sts::respond(&world.lock().access, form.get("Action").unwrap_or_default());
    let (status, body) = match answer {
        Ok(body) => (200, body),
        Err(error) => (error.status, sns::error_xml(&error)),
    };
    reply(status, "text/xml", body)
}

async fn function(
    State(world): State<World>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Response<Body> {
    held_up(&world, "lambda:GetFunctionConfiguration").await;
    signed(&headers, |region| lambda::respond(&world.lock(), region, &name))
}

async fn schedules(State(world): State<World>, uri: Uri, headers: HeaderMap) -> Response<Body> {
    held_up(&world, "scheduler:ListSchedules").await;
    let query = Form::parse(uri.query().unwrap_or_default().as_bytes());
    let limit = query.get("MaxResults").and_then(|limit| limit.parse().ok());
    signed(&headers, |_| scheduler::list(&world.lock(), limit, query.get("NextToken")))
}

/// Answers a request that carries a signature, which names the region.
fn signed(headers: &HeaderMap, answer: impl FnOnce(&str) -> Result<Vec<u8>, ServiceError>) -> Response<Body> {
    let authorization = headers.get("authorization").and_then(|value| value.to_str().ok());
    json_or_error(authorization.and_then(region).ok_or_else(unsigned).and_then(answer))
}

fn json_or_error(answer: Result<Vec<u8>, ServiceError>) -> Response<Body> {
    match answer {
        Ok(body) => reply(200, AMZ_JSON, body),
        Err(error) => amz_json_error(&error),
    }
}

/// Does not return from a call that is never answered.
async fn held_up(world: &World, action: &str) {
    let hangs = world.lock().access.hanging.contains(action);
    if hangs {
        std::future::pending::<()>().await;
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

/// The credential scope, in its parts: `Credential=<key>/<date>/<region>/<service>/aws4_request`.
fn scope(authorization: &str) -> Option<impl Iterator<Item = &str>> {
    let scope = authorization.split_once("Credential=")?.1;
    Some(scope.split([',', ' ']).next()?.split('/'))
}

fn region(authorization: &str) -> Option<&str> {
    scope(authorization)?.nth(2)
}

/// The access key and the region.
fn signature(authorization: &str) -> Option<(String, String)> {
    Some((scope(authorization)?.next()?.to_owned(), region(authorization)?.to_owned()))
}
