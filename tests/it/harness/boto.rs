//! boto3's own paginator, asked the same questions as packwatch.
//!
//! One Python process answers all queries of a test binary, since importing boto3 takes longer than the queries.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

/// One read with `get_organization_conformance_pack_detailed_status`.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Query {
    pub endpoint: String,
    pub region: String,
    pub organization_conformance_pack_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filters: Option<Value>,
    pub pagination_config: PaginationConfig,
}

/// botocore's settings of the same names.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PaginationConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_items: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_size: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starting_token: Option<String>,
}

/// What `build_full_result()` gives.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Answer {
    /// The rows; a `LastUpdateTime` is ISO 8601 in UTC.
    #[serde(rename = "OrganizationConformancePackDetailedStatuses")]
    pub items: Vec<Value>,
    pub next_token: Option<String>,
}

/// What boto3 raised.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Refusal {
    /// The name of the exception's class, such as `PaginationError`.
    pub class: String,
    /// The service's error code, if the service said no.
    pub code: Option<String>,
    pub message: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Answer(Answer),
    Refusal(Refusal),
}

/// Asks boto3. Blocks; the world is served from a thread of its own, so that this may be called in async tests too.
pub fn paginate(query: &Query) -> Result<Answer, Refusal> {
    static PYTHON: OnceLock<Mutex<(ChildStdin, BufReader<ChildStdout>)>> = OnceLock::new();
    let python = PYTHON.get_or_init(|| Mutex::new(start()));
    let mut pipes = python.lock().unwrap_or_else(PoisonError::into_inner);
    let (input, output) = &mut *pipes;
    let question = serde_json::to_string(query).unwrap();
    writeln!(input, "{question}").and_then(|()| input.flush()).expect("statuses.py reads");
    let mut line = String::new();
    output.read_line(&mut line).expect("statuses.py writes");
    match serde_json::from_str(&line) {
        Ok(Line::Answer(answer)) => Ok(answer),
        Ok(Line::Refusal(refusal)) => Err(refusal),
        Err(error) => panic!("statuses.py wrote {line:?}: {error}"),
    }
}

#[expect(
    clippy::zombie_processes,
    reason = "it ends when its input does, which is when the test binary does"
)]
fn start() -> (ChildStdin, BufReader<ChildStdout>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join(".venv/bin/python");
    assert!(python.exists(), "{} is not there: run `make test`, which installs boto3", python.display());
    let mut child = Command::new(python)
        .arg(root.join("tests/it/harness/statuses.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python starts");
    (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()))
}
