//! A Lambda function: the built bootstrap as a process of its own, under a runtime API.

use super::runtime_api::{FUNCTION, RuntimeApi};
use crate::world::host::Host;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often a function under way is looked after.
const RUN: Duration = Duration::from_millis(10);

/// How long the last lines of a process that is gone may take.
const LAST_LINES: Duration = Duration::from_secs(1);

/// A function. Its process starts with the first event, stays for the next ones, and is replaced when it is gone, as
/// in Lambda; dropping the function kills it.
pub struct Lambda {
    bootstrap: PathBuf,
    region: String,
    env: Vec<(String, String)>,
    sandbox: Mutex<Option<Sandbox>>,
    lines: Arc<Mutex<Vec<String>>>,
    requests: AtomicU64,
}

/// One process and its runtime API, which die together.
struct Sandbox {
    api: RuntimeApi,
    child: Child,
    readers: Vec<JoinHandle<()>>,
    _host: Host,
}

impl Lambda {
    /// The function whose code is `bootstrap`, in `region`, with these variables besides Lambda's own.
    pub fn new(bootstrap: impl Into<PathBuf>, region: &str, env: Vec<(String, String)>) -> Self {
        Self {
            bootstrap: bootstrap.into(),
            region: region.to_owned(),
            env,
            sandbox: Mutex::default(),
            lines: Arc::default(),
            requests: AtomicU64::new(0),
        }
    }

    /// Sets a variable, for processes that start later.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same function in an environment of its own, as Lambda makes one for an event that comes while another is handled.
    pub fn beside(&self) -> Self {
        let env =
            self.env.iter().fold(
                Self::new(self.bootstrap.clone(), &self.region, Vec::new()),
                |lambda, (name, value)| lambda.env(name, value),
            );
        Self { requests: AtomicU64::new(1_000_000), ..env }
    }

    /// Gives the function an event and waits for its answer, or for its error: its own, or Lambda's when it crashed,
    /// was killed, or took longer than `timeout`, which ends its process.
    pub async fn invoke(&self, event: Value, timeout: Duration) -> Result<Value, Value> {
        let id = format!("00000000-0000-4000-9000-{:012}", self.requests.fetch_add(1, Ordering::SeqCst) + 1);
        let mut receiver = {
            let mut sandbox = self.sandbox.lock().unwrap();
            if sandbox.as_mut().is_none_or(|s| s.exit().is_some()) {
                *sandbox = Some(self.start());
            }
            sandbox.as_ref().unwrap().api.push(&id, event, timeout)
        };
        let started = Instant::now();
        loop {
            if let Ok(outcome) = tokio::time::timeout(RUN, &mut receiver).await {
                // The sender is gone without an outcome when the sandbox is: somebody killed it.
                return outcome.unwrap_or_else(|_| Err(exited(&id, "signal: killed")));
            }
            if started.elapsed() >= timeout {
                self.kill();
                let seconds = timeout.as_secs_f64();
                let message = format!("RequestId: {id} Error: Task timed out after {seconds:.2} seconds");
                return Err(json!({"errorType": "Sandbox.Timedout", "errorMessage": message}));
            }
            let mut sandbox = self.sandbox.lock().unwrap();
            let Some(exit) = sandbox.as_mut().and_then(Sandbox::exit) else { continue };
            // It may have answered and then left, between the two scans.
            if let Ok(outcome) = receiver.try_recv() {
                return outcome;
            }
            let init_error = sandbox.take().and_then(|gone| gone.api.init_error());
            return Err(init_error.unwrap_or_else(|| exited(&id, &exit)));
        }
    }

    /// Kills the process, whatever it is doing. The next event gets a new one.
    pub fn kill(&self) {
        drop(self.sandbox.lock().unwrap().take());
    }

    /// The process, if one is running.
    pub fn pid(&self) -> Option<u32> {
        self.sandbox.lock().unwrap().as_ref().map(|s| s.child.id())
    }

    /// The lines that all processes so far wrote to stdout and stderr.
    pub fn logs(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    /// The lines that are JSON objects.
    pub fn json_logs(&self) -> Vec<Value> {
        let lines = self.logs();
        lines.iter().filter_map(|line| serde_json::from_str(line).ok()).filter(Value::is_object).collect()
    }

    fn start(&self) -> Sandbox {
        let api = RuntimeApi::default();
        let host = Host::start(api.router(&self.region), Host::LOOPBACK).expect("the runtime API listens");
        let address = host.url.trim_start_matches("http://");
        let own = [
            ("AWS_LAMBDA_RUNTIME_API", address),
            ("AWS_LAMBDA_FUNCTION_NAME", FUNCTION),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/packwatch"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/01/01/[$LATEST]0123456789abcdef"),
            ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
            ("AWS_LAMBDA_LOG_LEVEL", "INFO"),
            ("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023"),
            ("AWS_REGION", self.region.as_str()),
            ("AWS_DEFAULT_REGION", self.region.as_str()),
            ("_HANDLER", "bootstrap"),
            ("TZ", ":UTC"),
        ];
        let mut command = Command::new(&self.bootstrap);
        command
            // Nothing of the developer's own: neither credentials nor a profile.
            .env_clear()
            .envs(own)
            .envs(self.env.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = loop {
            match command.spawn() {
                Ok(child) => break child,
                // A process that another thread just forked has not yet closed the file that a test just wrote.
                Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => std::thread::sleep(RUN),
                Err(error) => panic!("{} does not start: {error}", self.bootstrap.display()),
            }
        };
        let readers = vec![self.keep(child.stdout.take()), self.keep(child.stderr.take())];
        Sandbox { api, child, readers, _host: host }
    }

    /// Keeps the lines of a pipe until it closes.
    fn keep(&self, pipe: Option<impl Read + Send + 'static>) -> JoinHandle<()> {
        let lines = self.lines.clone();
        let pipe = BufReader::new(pipe.expect("a pipe"));
        std::thread::spawn(move || {
            for line in pipe.split(b'\n').map_while(Result::ok) {
                lines.lock().unwrap().push(String::from_utf8_lossy(&line).into_owned());
            }
        })
    }
}

impl Sandbox {
    /// How the process ended, if it did.
    fn exit(&mut self) -> Option<String> {
        self.child.try_wait().unwrap().map(|status| status.to_string())
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _gone_already = self.child.kill();
        let _status = self.child.wait();
        // The last lines are still in the pipes. A child of the process may hold them open for longer: not awaited.
        let waited = Instant::now();
        while waited.elapsed() < LAST_LINES && self.readers.iter().any(|reader| !reader.is_finished()) {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

fn exited(id: &str, exit: &str) -> Value {
    let message = format!("RequestId: {id} Error: Runtime exited with error: {exit}");
    json!({"errorType": "Runtime.ExitError", "errorMessage": message})
}
