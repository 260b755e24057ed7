//! A function's process under a runtime API that notes when it is first asked for work, and what the process used.

use crate::contestant::{Contestant, REGION};
use crate::harness::runtime_api::{FUNCTION, Outcome, RuntimeApi};
use crate::world::host::Host;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use serde_json::Value;
use std::fs;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

const TIMEOUT: Duration = Duration::from_secs(600);

/// A running function; dropping it kills it.
pub(crate) struct Process {
    api: RuntimeApi,
    child: Child,
    started: Instant,
    first_poll: Arc<OnceLock<Instant>>,
    invocations: u32,
    _host: Host,
}

/// What one invocation took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Used {
    pub wall: Duration,
    pub cpu: Duration,
    /// Peak resident memory, in MB.
    pub peak: f64,
}

impl Process {
    /// Starts the contestant. An event that is given waits for it already.
    pub(crate) fn start(contestant: &Contestant, env: Vec<(String, String)>) -> Self {
        let api = RuntimeApi::default();
        let first_poll: Arc<OnceLock<Instant>> = Arc::default();
        let noted = first_poll.clone();
        let note = from_fn(move |request: Request, next: Next| {
            if request.uri().path().ends_with("/next") {
                let _later_one = noted.set(Instant::now());
            }
            next.run(request)
        });
        let host =
            Host::start(api.router(REGION).layer(note), Host::LOOPBACK).expect("the runtime API listens");
        let address = host.url.trim_start_matches("http://").to_owned();
        let mut command = Command::new(&contestant.program);
        command
            .args(contestant.args)
            .current_dir(&contestant.folder)
            .env_clear()
            .envs(env)
            .env("AWS_LAMBDA_RUNTIME_API", address)
            .env("AWS_LAMBDA_FUNCTION_NAME", FUNCTION)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
            .env("AWS_LAMBDA_LOG_FORMAT", "JSON")
            .env("AWS_LAMBDA_LOG_LEVEL", "INFO")
            .env("_HANDLER", "handler.handler")
            .env("TZ", ":UTC")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit());
        let started = Instant::now();
        let child = command.spawn().expect("the contestant starts");
        Self { api, child, started, first_poll, invocations: 0, _host: host }
    }

    /// From its start to the first request for work and to the answer to a first event, which it found waiting.
    pub(crate) async fn first(&mut self, event: Value) -> (Duration, Duration) {
        let outcome = self.answer(event, TIMEOUT).await.expect("it ends");
        outcome.unwrap_or_else(|error| panic!("it failed: {error}"));
        let answered = self.started.elapsed();
        let polled = *self.first_poll.get().expect("it asked for work");
        (polled.duration_since(self.started), answered)
    }

    /// One invocation, which does not fail.
    pub(crate) async fn invoke(&mut self, event: Value) -> Used {
        let (used, outcome) = self.try_invoke(event).await;
        outcome.unwrap_or_else(|error| panic!("it failed: {error}"));
        used
    }

    /// One invocation.
    pub(crate) async fn try_invoke(&mut self, event: Value) -> (Used, Outcome) {
        let (used, outcome) = self.invoke_within(event, TIMEOUT).await;
        (used, outcome.expect("it ends"))
    }

    /// One invocation that Lambda ends at this limit; without an outcome the process is dead.
    pub(crate) async fn invoke_within(&mut self, event: Value, limit: Duration) -> (Used, Option<Outcome>) {
        let pid = self.child.id();
        // 5: the peak starts again from what is resident now.
        fs::write(format!("/proc/{pid}/clear_refs"), "5").expect("the peak can be reset");
        let (before, started) = (cpu(pid), Instant::now());
        let outcome = self.answer(event, limit).await;
        let used = Used { wall: started.elapsed(), cpu: cpu(pid) - before, peak: peak(pid) };
        if outcome.is_none() {
            self.child.kill().expect("it runs");
        }
        (used, outcome)
    }

    async fn answer(&mut self, event: Value, limit: Duration) -> Option<Outcome> {
        self.invocations += 1;
        let id = format!("00000000-0000-4000-9000-{:012}", self.invocations);
        let outcome = tokio::time::timeout(limit, self.api.push(&id, event, limit)).await;
        outcome.ok().map(|outcome| outcome.expect("it answers"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _gone_already = self.child.kill();
        let _status = self.child.wait();
    }
}

/// The processor time of all its threads so far; exact, where `/proc/<pid>/stat` counts in scheduled runs of 10 ms.
fn cpu(pid: u32) -> Duration {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).expect("the process runs");
    let nanoseconds = threads.flatten().filter_map(|thread| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanoseconds.sum())
}

fn peak(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the process runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("it has a peak");
    let kibibytes: f64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kibibytes / 1024.0
}
