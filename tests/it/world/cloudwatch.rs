//! CloudWatch, as far as packwatch asks it: awsJson1.0, `GetMetricData` of sums.

use super::{ServiceError, State, World};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What comes before the operation in `X-Amz-Target`.
pub const TARGET_PREFIX: &str = "GraniteServiceVersion20100801.";

/// Values by metric (`AWS/Lambda|Errors|FunctionName=packwatch`) and second.
pub type Metrics = BTreeMap<String, Vec<(i64, f64)>>;

/// Answers one call: the body of an HTTP 200, or the error.
pub fn respond(state: &State, operation: &str, body: &[u8]) -> Result<Vec<u8>, ServiceError> {
    if operation != "GetMetricData" {
        return Err(ServiceError::new(400, "UnknownOperationException", ""));
    }
    let denied = state.access.refusal("cloudwatch:GetMetricData", 400, "AccessDeniedException");
    denied.map_or(Ok(()), Err)?;
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    let time = |name: &str| request.get(name).and_then(Value::as_i64);
    let (Some(start), Some(end)) = (time("StartTime"), time("EndTime")) else {
        let message = "The parameters StartTime and EndTime are required.";
        return Err(ServiceError::new(400, "ValidationError", message));
    };
    let queries = request.get("MetricDataQueries").and_then(Value::as_array).into_iter().flatten();
    let results: Vec<Value> = queries
        .map(|query| {
            let stat = &query["MetricStat"];
            assert_eq!(stat["Stat"], "Sum", "the model adds up and does nothing else");
            let period = stat["Period"].as_i64().unwrap_or(60).max(1);
            let mut sums: BTreeMap<i64, f64> = BTreeMap::new();
            for (at, value) in state.metrics.get(&name(&stat["Metric"])).into_iter().flatten() {
                if (start..end).contains(at) {
                    *sums.entry(at - at.rem_euclid(period)).or_default() += value;
                }
            }
            // The newest first, as the service does unless told otherwise.
            let (times, values): (Vec<_>, Vec<_>) = sums.into_iter().rev().unzip();
            json!({"Id": query["Id"], "Timestamps": times, "Values": values, "StatusCode": "Complete"})
        })
        .collect();
    Ok(json!({"MetricDataResults": results, "Messages": []}).to_string().into_bytes())
}

fn name(metric: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut parts = vec![text(&metric["Namespace"]), text(&metric["MetricName"])];
    let dimensions = metric["Dimensions"].as_array().into_iter().flatten();
    parts.extend(dimensions.map(|one| format!("{}={}", text(&one["Name"]), text(&one["Value"]))));
    parts.join("|")
}

impl World {
    /// A run of a function ended, `seconds` ago. A run without an error counts as one without, as in AWS Lambda.
    pub fn ran(&self, function: &str, seconds: u64, failed: bool) -> &Self {
        let mut state = self.lock();
        let at = state.now() as i64 - seconds as i64;
        for (metric, value) in [("Invocations", 1.0), ("Errors", f64::from(u8::from(failed)))] {
            let name = format!("AWS/Lambda|{metric}|FunctionName={function}");
            state.metrics.entry(name).or_default().push((at, value));
        }
        drop(state);
        self
    }
}
