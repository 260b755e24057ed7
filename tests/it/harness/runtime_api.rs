//! Lambda's runtime API, which a function asks for work and tells its results.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{Response, StatusCode};
use axum::routing::{get, post};
use serde_json::{Value, json};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::{Notify, oneshot};

/// The name that the function believes to have.
pub const FUNCTION: &str = "packwatch";

/// What the function made of an event: its answer, or its error.
pub type Outcome = Result<Value, Value>;

/// The work that waits, and the results that are waited for.
#[derive(Clone, Default)]
pub struct RuntimeApi {
    state: Arc<Mutex<Queue>>,
    arrived: Arc<Notify>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Invocation>,
    under_way: HashMap<String, oneshot::Sender<Outcome>>,
    init_error: Option<Value>,
}

struct Invocation {
    request_id: String,
    deadline: SystemTime,
    event: Value,
}

impl RuntimeApi {
    /// Queues an event; the outcome arrives at the receiver, if ever.
    pub fn push(&self, request_id: &str, event: Value, timeout: Duration) -> oneshot::Receiver<Outcome> {
        let (sender, receiver) = oneshot::channel();
        let request_id = request_id.to_owned();
        let mut state = self.state.lock().unwrap();
        state.under_way.insert(request_id.clone(), sender);
        state.waiting.push_back(Invocation { request_id, deadline: SystemTime::now() + timeout, event });
        drop(state);
        self.arrived.notify_one();
        receiver
    }

    /// What the function said before it gave up on starting.
    pub fn init_error(&self) -> Option<Value> {
        self.state.lock().unwrap().init_error.clone()
    }

    pub fn router(&self, region: &str) -> Router {
        let arn = format!("arn:aws:lambda:{region}:999999999999:function:{FUNCTION}");
        let next = move |State(api): State<Self>| async move { api.next(&arn).await };
        Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(init_error))
            .with_state(self.clone())
    }

    /// Waits for as long as there is no work: the function is frozen meanwhile.
    async fn next(&self, arn: &str) -> Response<Body> {
        loop {
            let work = self.state.lock().unwrap().waiting.pop_front();
            if let Some(work) = work {
                let deadline = work.deadline.duration_since(UNIX_EPOCH).unwrap().as_millis();
                return Response::builder()
                    .header("content-type", "application/json")
                    .header("Lambda-Runtime-Aws-Request-Id", &work.request_id)
                    .header("Lambda-Runtime-Deadline-Ms", deadline.to_string())
                    .header("Lambda-Runtime-Invoked-Function-Arn", arn)
                    .header("Lambda-Runtime-Trace-Id", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0")
                    .body(Body::from(work.event.to_string()))
                    .unwrap();
            }
            self.arrived.notified().await;
        }
    }

    fn finish(&self, request_id: &str, outcome: Outcome) -> (StatusCode, String) {
        match self.state.lock().unwrap().under_way.remove(request_id) {
            Some(sender) => {
                let _nobody_waits_any_more = sender.send(outcome);
                (StatusCode::ACCEPTED, json!({"status": "OK"}).to_string())
            }
            None => {
                let body = json!({"errorType": "InvalidRequestID", "errorMessage": "Invalid request ID"});
                (StatusCode::BAD_REQUEST, body.to_string())
            }
        }
    }
}

async fn response(
    State(api): State<RuntimeApi>,
    Path(id): Path<String>,
    body: Bytes,
) -> (StatusCode, String) {
    api.finish(&id, Ok(parse(&body)))
}

async fn error(State(api): State<RuntimeApi>, Path(id): Path<String>, body: Bytes) -> (StatusCode, String) {
    api.finish(&id, Err(parse(&body)))
}

async fn init_error(State(api): State<RuntimeApi>, body: Bytes) -> (StatusCode, String) {
    api.state.lock().unwrap().init_error = Some(parse(&body));
    (StatusCode::ACCEPTED, json!({"status": "OK"}).to_string())
}

/// Lambda hands on what it gets; what is no JSON shows as a string.
fn parse(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_else(|_| String::from_utf8_lossy(body).into())
}
