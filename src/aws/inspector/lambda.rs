//! AWS Lambda and its metrics: the function, and how its runs ended.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::call::{Request, Service, encoded};
use super::{Inspector, refused};
use crate::doctor::facts::{Answer, Function, Runs};

const LAMBDA: Service = Service { id: "Lambda", name: "lambda" };
const CLOUDWATCH: Service = Service { id: "CloudWatch", name: "monitoring" };

/// How far back runs are looked for, and into how long pieces they are counted (seconds).
const LOOKBACK: SignedDuration = SignedDuration::from_hours(24);
const PERIOD: u32 = 60;

impl Inspector {
    /// The function of this name or ARN: `GetFunctionConfiguration`.
    pub async fn function(&self, name: &str) -> Answer<Function> {
        let path = format!("/2015-03-31/functions/{}/configuration", encoded(name));
        let asked = self.call(&LAMBDA, "lambda:GetFunctionConfiguration", Request::Get(&path));
        self.within(asked).await.map(|answer| function(&answer))
    }

    /// The function's runs within the last day, by minute: `GetMetricData`.
    pub async fn runs(&self, function: &str, now: Timestamp) -> Answer<Vec<Runs>> {
        let count = |id: &str, metric: &str| {
            let dimensions = json!([{"Name": "FunctionName", "Value": function}]);
            let metric = json!({"Namespace": "AWS/Lambda", "MetricName": metric, "Dimensions": dimensions});
            json!({"Id": id, "MetricStat": {"Metric": metric, "Period": PERIOD, "Stat": "Sum"}})
        };
        let mut request = json!({
            "StartTime": (now - LOOKBACK).as_second(),
            "EndTime": now.as_second(),
            "MetricDataQueries": [count("all", "Invocations"), count("failed", "Errors")],
        });
        let read = async {
            let mut counts = BTreeMap::new();
            loop {
                let call = Request::Json("GraniteServiceVersion20100801.GetMetricData", request.clone());
                let answer = self.call(&CLOUDWATCH, "cloudwatch:GetMetricData", call).await?;
                add_runs(&mut counts, &answer);
                match (answer.get("NextToken"), request.as_object_mut()) {
                    (Some(Value::String(token)), Some(fields)) => {
                        fields.insert("NextToken".to_owned(), json!(token));
                    }
                    _ => {
                        let runs = |(minute, (all, failed))| Runs { minute, all, failed };
                        return Ok(counts.into_iter().map(runs).collect());
                    }
                }
            }
        };
        self.within(read).await
    }
}

fn function(answer: &Value) -> Function {
    let text = |name: &str| answer.get(name).and_then(Value::as_str).map(str::to_owned);
    let number = |name: &str| answer.get(name).and_then(Value::as_u64).unwrap_or_default();
    let state = |name: &str| (text(name).unwrap_or_default(), text(&format!("{name}Reason")));
    let at = |path: &str| answer.pointer(path).and_then(Value::as_str).map(str::to_owned);
    let name = text("FunctionName").unwrap_or_default();
    Function {
        arn: text("FunctionArn").unwrap_or_default(),
        state: state("State"),
        last_update: state("LastUpdateStatus"),
        timeout: Duration::from_secs(number("Timeout")),
        memory: number("MemorySize"),
        // Lambda's own, unless another is set.
        log_group: at("/LoggingConfig/LogGroup").unwrap_or_else(|| format!("/aws/lambda/{name}")),
        environment: environment(answer),
        name,
    }
}

/// The variables, or why the caller does not get them.
fn environment(answer: &Value) -> Answer<BTreeMap<String, String>> {
    let at = |path: &str| answer.pointer(path).and_then(Value::as_str);
    if let Some(code) = at("/Environment/Error/ErrorCode") {
        let message = at("/Environment/Error/Message").unwrap_or("no message");
        return Err(refused("kms:Decrypt", code, message));
    }
    let variables = answer.pointer("/Environment/Variables").and_then(Value::as_object);
    let text = |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
    Ok(variables.into_iter().flatten().filter_map(text).collect())
}

/// Adds what an answer says of runs, and of failed ones, by minute.
fn add_runs(counts: &mut BTreeMap<Timestamp, (u64, u64)>, answer: &Value) {
    for result in list(answer, "MetricDataResults") {
        let is_failures = result.get("Id").and_then(Value::as_str) == Some("failed");
        for (minute, count) in list(result, "Timestamps").iter().zip(list(result, "Values")) {
            let minute = minute.as_f64().and_then(|minute| Timestamp::from_second(minute as i64).ok());
            let (Some(minute), Some(count)) = (minute, count.as_f64()) else { continue };
            let (all, failed) = counts.entry(minute).or_default();
            *(if is_failures { failed } else { all }) += count as u64;
        }
    }
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
