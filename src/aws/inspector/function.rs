//! AWS Lambda, EventBridge Scheduler and CloudWatch: the function, what starts it, and how its runs ended.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::call::{Service, encoded};
use super::{Inspector, refused};
use crate::doctor::facts::{Answer, Function, Runs, Schedule};

const LAMBDA: Service = Service { id: "Lambda", name: "lambda" };
const SCHEDULER: Service = Service { id: "Scheduler", name: "scheduler" };
const CLOUDWATCH: Service = Service { id: "CloudWatch", name: "monitoring" };

/// How far back runs are looked for. By minute, both metrics have 2,880 values, and a page 100,800.
const LOOKBACK: SignedDuration = SignedDuration::from_hours(24);

impl Inspector {
    /// The function of this name or ARN.
    pub async fn function(&self, name: &str) -> Answer<Function> {
        let path = format!("/2015-03-31/functions/{}/configuration", encoded(name));
        let answer = self.call(&LAMBDA, "lambda:GetFunctionConfiguration", &path, None).await?;
        let at = |pointer: &str| answer.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let text = |pointer: &str| at(pointer).unwrap_or_default();
        let number = |pointer: &str| answer.pointer(pointer).and_then(Value::as_u64).unwrap_or_default();
        let variables = || {
            let variables = answer.pointer("/Environment/Variables").and_then(Value::as_object);
            let text = |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
            variables.into_iter().flatten().filter_map(text).collect()
        };
        Ok(Function {
            arn: text("/FunctionArn"),
            name: text("/FunctionName"),
            state: (text("/State"), at("/StateReason")),
            last_update: (text("/LastUpdateStatus"), at("/LastUpdateStatusReason")),
            timeout: Duration::from_secs(number("/Timeout")),
            memory: number("/MemorySize"),
            log_group: text("/LoggingConfig/LogGroup"),
            environment: match at("/Environment/Error/ErrorCode") {
                Some(code) => Err(refused("kms:Decrypt", &code, &text("/Environment/Error/Message"))),
                None => Ok(variables()),
            },
        })
    }

    /// The schedules whose target is the function.
    pub async fn schedules(&self, function_arn: &str) -> Answer<Vec<Schedule>> {
        let mut found = Vec::new();
        let mut path = "/schedules?MaxResults=100".to_owned();
        loop {
            let page = self.call(&SCHEDULER, "scheduler:ListSchedules", &path, None).await?;
            let ours = list(&page, "Schedules").iter().filter(|schedule| {
                let target = schedule.pointer("/Target/Arn").and_then(Value::as_str);
                // With an alias or a version behind it, or without.
                let qualifier = target.and_then(|target| target.strip_prefix(function_arn));
                qualifier.is_some_and(|qualifier| qualifier.is_empty() || qualifier.starts_with(':'))
            });
            found.extend(ours.map(|schedule| {
                let (name, group) = (text(schedule, "Name"), text(schedule, "GroupName"));
                format!("/schedules/{}?groupName={}", encoded(name), encoded(group))
            }));
            match text(&page, "NextToken") {
                "" => break,
                token => path = format!("/schedules?MaxResults=100&NextToken={}", encoded(token)),
            }
        }
        join_all(found.iter().map(|path| self.schedule(path))).await.into_iter().collect()
    }

    async fn schedule(&self, path: &str) -> Answer<Schedule> {
        let answer = self.call(&SCHEDULER, "scheduler:GetSchedule", path, None).await?;
        Ok(Schedule {
            name: text(&answer, "Name").to_owned(),
            expression: text(&answer, "ScheduleExpression").to_owned(),
            is_enabled: text(&answer, "State") == "ENABLED",
            ends: answer.get("EndDate").and_then(second),
        })
    }

    /// The function's runs within the last day, by minute.
    pub async fn runs(&self, function: &str, now: Timestamp) -> Answer<Vec<Runs>> {
        let count = |id: &str, metric: &str| {
            let dimensions = json!([{"Name": "FunctionName", "Value": function}]);
            let metric = json!({"Namespace": "AWS/Lambda", "MetricName": metric, "Dimensions": dimensions});
            json!({"Id": id, "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}})
        };
        let request = json!({
            "StartTime": (now - LOOKBACK).as_second(),
            "EndTime": now.as_second(),
            "MetricDataQueries": [count("all", "Invocations"), count("failed", "Errors")],
        });
        let request = Some(("GraniteServiceVersion20100801.GetMetricData", request));
        let answer = self.call(&CLOUDWATCH, "cloudwatch:GetMetricData", "/", request).await?;
        let mut runs: BTreeMap<Timestamp, Runs> = BTreeMap::new();
        for result in list(&answer, "MetricDataResults") {
            for (minute, count) in list(result, "Timestamps").iter().zip(list(result, "Values")) {
                let (Some(minute), Some(count)) = (second(minute), count.as_f64()) else { continue };
                let runs = runs.entry(minute).or_insert(Runs { minute, all: 0, failed: 0 });
                let counted = if text(result, "Id") == "failed" { &mut runs.failed } else { &mut runs.all };
                *counted += count as u64;
            }
        }
        Ok(runs.into_values().collect())
    }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn second(time: &Value) -> Option<Timestamp> {
    Timestamp::from_second(time.as_f64()? as i64).ok()
}
