//! Answers that are not of AWS Config itself, or are about the way to it: a proxy's page, a signature that is too old, a
//! region that the account has not enabled.

use std::collections::VecDeque;
use std::process::Output;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Response};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::commands::cli::{Desk, stderr, stdout};
use crate::harness::aws_env;
use crate::world::host::Host;
use crate::world::{ServiceError, World};

/// Status, headers and body of an answer.
type Answer = (u16, Vec<(&'static str, String)>, String);

/// A server that gives these answers, the last of them again and again, and keeps the times of the signatures that it saw.
struct Stub {
    host: Host,
    signed: Arc<Mutex<Vec<String>>>,
}

impl Stub {
    fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        let answers: Arc<Mutex<VecDeque<Answer>>> = Arc::new(Mutex::new(answers.into_iter().collect()));
        let signed = Arc::new(Mutex::new(Vec::new()));
        let seen = signed.clone();
        let answer = move |headers: HeaderMap| {
            let date = headers.get("x-amz-date").and_then(|date| date.to_str().ok()).unwrap_or_default();
            seen.lock().unwrap().push(date.to_owned());
            let mut answers = answers.lock().unwrap();
            let (status, headers, body) =
                if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() }.unwrap();
            let mut response = Response::builder().status(status);
            for (name, value) in headers {
                response = response.header(name, value);
            }
            let response = response.body(Body::from(body)).unwrap();
            async move { response }
        };
        let router = Router::new().fallback(answer);
        Self { host: Host::start(router, Host::LOOPBACK).unwrap(), signed }
    }

    fn packwatch(&self, args: &[&str], attempts: &str) -> Output {
        let (desk, url) = (Desk::new(), &self.host.url);
        let mut command = desk.command(args);
        command.envs(aws_env("eu-west-1", url, url)).env("AWS_MAX_ATTEMPTS", attempts).output().unwrap()
    }

    fn statuses(&self) -> Output {
        self.packwatch(&["statuses", "--pack", "Security"], "3")
    }

    fn calls(&self) -> usize {
        self.signed.lock().unwrap().len()
    }
}

fn page(status: u16, content_type: &str, body: &str) -> Answer {
    (status, vec![("content-type", content_type.to_owned())], body.to_owned())
}

fn of_aws(status: u16, body: serde_json::Value) -> Answer {
    let headers = [
        ("content-type", "application/x-amz-json-1.1"),
        ("x-amzn-requestid", "00000000-0000-4000-8000-000000000000"),
    ];
    (status, headers.map(|(name, value)| (name, value.to_owned())).into(), body.to_string())
}

fn error(code: &str, message: &str) -> Answer {
    of_aws(400, json!({"__type": code, "message": message}))
}

fn good() -> Answer {
    let row = json!({"AccountId": "111122223333", "ConformancePackName": "x", "Status": "CREATE_SUCCESSFUL"});
    of_aws(200, json!({"OrganizationConformancePackDetailedStatuses": [row]}))
}

const BLOCKED: &str = "<!DOCTYPE html><html><head><title>Access Denied</title></head><body>\r\n\u{1b}[31m<p>Log in with \
    your credentials. </p>";

#[test]
fn a_proxys_page_is_named_with_status_and_endpoint() {
    for status in [200, 403, 407, 502, 503] {
        let stub = Stub::new([page(status, "text/html; charset=utf-8", BLOCKED)]);
        for args in [&["statuses", "--pack", "Security"][..], &["history", "--table", "packwatch"]] {
            let output = stub.packwatch(args, "1");
            let error = stderr(&output);
            assert_eq!(output.status.code(), Some(1), "{error}");
            for part in [&stub.host.url, &format!("answered {status}"), "not AWS", "HTTPS_PROXY"] {
                assert!(error.contains(part), "{status}: {part} is missing in {error}");
            }
            for part in ["malformed", "Log in", "sso login", "no AWS credentials", "\u{1b}"] {
                assert!(!error.contains(part), "{status}: {part} is in {error}");
            }
        }
    }
    let plain = Stub::new([page(403, "text/plain", "Blocked by policy 7")]);
    assert!(stderr(&plain.statuses()).contains("answered 403"), "{:?}", plain.statuses());
    let run = plain.packwatch(&["run", "--dry-run", "--store", "s.sqlite"], "1");
    assert!(stderr(&run).contains("answered 403"), "{run:?}");
    let doctor = plain.packwatch(&["doctor", "--function", "packwatch"], "1");
    assert!(stdout(&doctor).contains("answered 403"), "{doctor:?}");
}

#[test]
fn a_page_of_a_passing_fault_is_tried_again() {
    let stub = Stub::new([page(502, "text/html", "<h1>Bad Gateway</h1>"), good()]);
    assert_eq!(stub.statuses().status.code(), Some(0), "{:?}", stub.statuses());
    let refused = Stub::new([page(403, "text/html", "<h1>No</h1>"), good()]);
    assert_eq!((refused.statuses().status.code(), refused.calls()), (Some(1), 1));
}

/// What AWS says of a signature that is this much older than its clock, at its end of the wire.
fn outdated(age: SignedDuration) -> Answer {
    let now = Timestamp::now();
    let at = |time: Timestamp| time.strftime("%Y%m%dT%H%M%SZ").to_string();
    let minutes = SignedDuration::from_mins(5);
    let message = if age.is_positive() {
        let (signed, least) = (at(now - age), at(now - minutes));
        format!("Signature expired: {signed} is now earlier than {least} ({} - 5 min.)", at(now))
    } else {
        let (signed, most) = (at(now - age), at(now + minutes));
        format!("Signature not yet current: {signed} is still later than {most} ({} + 5 min.)", at(now))
    };
    error("InvalidSignatureException", &message)
}

#[test]
fn a_signature_that_is_outdated_is_a_matter_of_the_clock() {
    let late = outdated(SignedDuration::from_mins(12));
    let expired = error("RequestExpired", "Request has expired.");
    let skewed = error("RequestTimeTooSkewed", "The difference between the times is too large.");
    for refusal in [late, expired, skewed, outdated(SignedDuration::from_mins(-61))] {
        let stub = Stub::new([refusal]);
        let output = stub.statuses();
        assert_eq!((output.status.code(), stub.calls()), (Some(1), 1), "{output:?}");
        assert!(stderr(&output).contains("NTP") && !stderr(&output).contains("sso login"), "{output:?}");
    }
    // A wrong secret key is not a matter of time.
    let wrong = "The request signature we calculated does not match the signature you provided.";
    let stub = Stub::new([error("InvalidSignatureException", wrong)]);
    let output = stub.statuses();
    assert!(stub.calls() == 1 && stderr(&output).contains("AWS_SECRET_ACCESS_KEY"), "{output:?}");
    assert!(!stderr(&output).contains("clock"), "{output:?}");
}

/// The SDK signs by the date of AWS's last answer.
#[test]
fn a_clock_that_is_off_is_corrected_where_aws_tells_the_time() {
    let mut refusal = outdated(SignedDuration::from_hours(2));
    let ahead = Timestamp::now() + SignedDuration::from_hours(2);
    let date = ahead.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    refusal.1.push(("date", date));
    let stub = Stub::new([refusal, good()]);
    let output = stub.statuses();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let signed = stub.signed.lock().unwrap().clone();
    let at = |text: &String| text.parse::<Timestamp>().unwrap();
    let moved = at(&signed[1]).duration_since(at(&signed[0]));
    assert!((118..=122).contains(&moved.as_mins()), "{signed:?}");
}

#[tokio::test]
async fn a_region_that_is_not_enabled_is_named_with_both_ways_out() {
    let invalid = "The security token included in the request is invalid.";
    let subscription = "The AWS Access Key Id needs a subscription for the service";
    let world = World::new();
    world.add_pack("me-south-1", "Security", 2).add_pack("eu-west-1", "Security", 2);
    let served = world.serve().await;
    let packwatch = |region: &str, args: &[&str]| {
        let desk = Desk::new();
        desk.command(args).envs(aws_env(region, &served.url, &served.url)).output().unwrap()
    };
    for (code, message) in [
        ("UnrecognizedClientException", invalid),
        ("InvalidClientTokenId", invalid),
        ("OptInRequired", subscription),
        ("SubscriptionRequiredException", subscription),
    ] {
        world.refuse("me-south-1", ServiceError::new(400, code, message));
        for args in [&["statuses", "--pack", "Security"][..], &["run", "--dry-run", "--store", "s.sqlite"]] {
            let error = stderr(&packwatch("me-south-1", args));
            let enable = "aws account enable-region --region-name me-south-1";
            for part in [code, "not enabled", enable, "PACKWATCH_REGIONS"] {
                assert!(error.contains(part), "{args:?}: {part} is missing in {error}");
            }
            assert!(!error.contains("delegated administrator"), "{error}");
        }
    }
    // It may be the key as well.
    world.refuse("eu-west-1", ServiceError::new(400, "UnrecognizedClientException", invalid));
    let error = stderr(&packwatch("eu-west-1", &["statuses", "--pack", "Security"]));
    assert!(error.contains("aws sso login") && error.contains("enable-region"), "{error}");
    // The others are scanned all the same.
    world.allow("eu-west-1");
    let both = ["run", "--dry-run", "--store", "s.sqlite", "--regions", "eu-west-1,me-south-1"];
    let output = packwatch("eu-west-1", &both);
    assert!(stdout(&output).contains("Security (eu-west-1)"), "{output:?}");
    assert!(stderr(&output).contains("enable-region --region-name me-south-1"), "{output:?}");
}
