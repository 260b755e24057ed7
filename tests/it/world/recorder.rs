//! A recording of the requests that arrive, for `scripts/test_requests.py`, which holds them to AWS's own models.
//!
//! `PACKWATCH_RECORD_REQUESTS` names the file: JSON lines, one for each request that is unlike all before it. Alike are
//! those of one sender with the same fields and the same kinds of values, and no longer lists and texts: so the longest
//! of everything is in it, and hundreds of thousands of requests stay a few hundred.

use super::sns_form::Form;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs::File;
use std::io::Write;
use std::sync::{LazyLock, Mutex, PoisonError};

static RECORDER: LazyLock<Option<Mutex<Recorder>>> = LazyLock::new(|| {
    let path = std::env::var_os("PACKWATCH_RECORD_REQUESTS")?;
    match File::options().create(true).append(true).open(&path) {
        Ok(file) => Some(Mutex::new(Recorder::new(file))),
        Err(error) => panic!("{}: {error}", path.display()),
    }
});

/// Kinds of values kept of one field: ids and names have endlessly many.
const KINDS: usize = 100;

/// Records what reaches this router.
pub fn recorded(router: Router) -> Router {
    if RECORDER.is_some() { router.layer(from_fn(record)) } else { router }
}

async fn record(request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else { return StatusCode::BAD_REQUEST.into_response() };
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    let agent = header("user-agent").unwrap_or_default();
    // People have no date, boto3 and the AWS CLI are not packwatch, and a test's own requests have no signature.
    let is_unsigned = header("authorization").is_some_and(|told| told.ends_with("Signature=0"));
    let is_packwatchs = head.headers.contains_key("x-amz-date") && !is_unsigned && !agent.contains("otocore");
    if let Some(recorder) = RECORDER.as_ref().filter(|_| is_packwatchs) {
        let text = String::from_utf8_lossy(&body);
        let headers = head.headers.iter().map(|(name, value)| {
            (name.as_str().to_owned(), Value::from(String::from_utf8_lossy(value.as_bytes())))
        });
        let line = Line {
            method: head.method.as_str(),
            path: head.uri.path_and_query().map_or("/", |path| path.as_str()),
            headers: headers.collect(),
            body: &text,
        };
        recorder.lock().unwrap_or_else(PoisonError::into_inner).take(&line);
    }
    next.run(Request::from_parts(head, Body::from(body))).await
}

struct Line<'a> {
    method: &'a str,
    path: &'a str,
    headers: serde_json::Map<String, Value>,
    body: &'a str,
}

struct Recorder {
    file: File,
    /// Hashes would do; names are for people who debug this.
    seen: HashSet<String>,
    longest: HashMap<String, usize>,
    kinds: HashMap<String, usize>,
}

impl Recorder {
    fn new(file: File) -> Self {
        Self { file, seen: HashSet::new(), longest: HashMap::new(), kinds: HashMap::new() }
    }

    fn take(&mut self, line: &Line<'_>) {
        if self.is_new(line) {
            let line = json!({
                "method": line.method, "path": line.path, "headers": line.headers, "body": line.body,
            });
            writeln!(self.file, "{line}").unwrap_or_else(|error| panic!("the recording: {error}"));
        }
    }

    fn is_new(&mut self, line: &Line<'_>) -> bool {
        let (path, query) = line.path.split_once('?').unwrap_or((line.path, ""));
        let authorization = line.headers.get("authorization").and_then(Value::as_str).unwrap_or_default();
        let signed = authorization.split(", Signature").next().unwrap_or_default();
        let mut fields = Fields::default();
        fields.walk("query", &Form::parse(query.as_bytes()).to_json());
        match serde_json::from_str(line.body) {
            Ok(body @ Value::Object(_)) => fields.walk("", &body),
            _ => fields.walk("", &Form::parse(line.body.as_bytes()).to_json()),
        }
        // Such as the Action of the query protocol, whose operations have fields of the same names.
        let action = fields.texts.iter().find(|(name, _)| name == ".Action").map_or("", |(_, value)| value);
        let target = line.headers.get("x-amz-target").and_then(Value::as_str).unwrap_or_default();
        let agent = line.headers.get("user-agent").and_then(Value::as_str).unwrap_or_default();
        let is_function = agent.contains("exec-env/AWS_Lambda");
        let key = signed.split('/').next().unwrap_or_default();
        let operation = format!("{key} {is_function} {} {} {target}{action}", line.method, kind(path));

        let mut is_new = self.seen.insert(format!("{operation} {signed} {:?}", line.headers.keys()));
        is_new |= self.seen.insert(format!("{operation} {:?}", fields.names));
        for (name, length) in fields.lengths {
            let longest = self.longest.entry(format!("{operation} {name}")).or_default();
            is_new |= length > *longest;
            *longest = length.max(*longest);
        }
        for (name, value) in &fields.texts {
            let field = format!("{operation} {name}");
            let kinds = self.kinds.entry(field.clone()).or_default();
            if *kinds < KINDS && self.seen.insert(format!("{field}={}", kind(value))) {
                *kinds += 1;
                is_new = true;
            }
        }
        is_new
    }
}

/// What a request consists of: the names of all fields, the length of each list and text, and the texts.
#[derive(Default)]
struct Fields {
    names: BTreeSet<String>,
    lengths: HashMap<String, usize>,
    texts: Vec<(String, String)>,
}

impl Fields {
    fn walk(&mut self, name: &str, value: &Value) {
        match value {
            Value::Object(fields) => {
                for (field, value) in fields {
                    let field = format!("{name}.{}", numberless(field));
                    // The form's lists are fields of the same name.
                    *self.lengths.entry(format!("{field} #")).or_default() += 1;
                    self.walk(&field, value);
                }
            }
            Value::Array(items) => {
                self.longer(&format!("{name} []"), items.len());
                items.iter().for_each(|item| self.walk(&format!("{name}[]"), item));
            }
            Value::String(text) => {
                self.names.insert(name.to_owned());
                self.longer(name, text.len());
                self.texts.push((name.to_owned(), text.clone()));
            }
            Value::Number(number) => {
                self.names.insert(name.to_owned());
                self.longer(name, number.as_u64().map_or(0, |number| number as usize));
                self.texts.push((name.to_owned(), number.to_string()));
            }
            Value::Bool(_) | Value::Null => drop(self.names.insert(format!("{name}: {value}"))),
        }
    }

    fn longer(&mut self, name: &str, length: usize) {
        let longest = self.lengths.entry(name.to_owned()).or_default();
        *longest = length.max(*longest);
    }
}

/// A number in a field's name is a place in a list, or an expression's.
fn numberless(name: &str) -> String {
    let mut name: Vec<char> = name.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    name.dedup_by(|a, b| a == b && *a == '0');
    name.into_iter().collect()
}

/// What kind of text this is: a word is its own, such as a constant of AWS's; of others the classes of their characters.
fn kind(text: &str) -> String {
    if text.len() <= 32 && text.chars().all(|c| c.is_ascii_alphabetic() || c == '_') {
        return text.to_owned();
    }
    let class = |c: char| match c {
        '0'..='9' => '0',
        'a'..='z' => 'a',
        'A'..='Z' => 'A',
        ' '..='~' => c,
        '\0'..='\u{1f}' | '\u{7f}' => '^',
        _ => '?',
    };
    let mut classes: Vec<char> = text.chars().take(500).map(class).collect();
    classes.dedup();
    classes.into_iter().take(60).collect()
}
