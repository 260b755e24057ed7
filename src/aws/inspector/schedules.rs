//! EventBridge Scheduler: what starts the function.

use futures_util::future::join_all;
use jiff::Timestamp;
use serde_json::Value;

use super::Inspector;
use super::call::{Request, Service, encoded};
use crate::doctor::facts::{Answer, Schedule};

const SCHEDULER: Service = Service { id: "Scheduler", name: "scheduler" };

impl Inspector {
    /// The schedules whose target is the function: `ListSchedules`, and `GetSchedule` for each.
    pub async fn schedules(&self, function_arn: &str) -> Answer<Vec<Schedule>> {
        self.within(async {
            let found = self.list(function_arn).await?;
            join_all(found.iter().map(|path| self.schedule(path))).await.into_iter().collect()
        })
        .await
    }

    /// The paths of the schedules with this target.
    async fn list(&self, function_arn: &str) -> Answer<Vec<String>> {
        let mut found = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let more = token.map_or_else(String::new, |token| format!("&NextToken={}", encoded(&token)));
            let path = format!("/schedules?MaxResults=100{more}");
            let page = self.call(&SCHEDULER, "scheduler:ListSchedules", Request::Get(&path)).await?;
            let schedules = page.get("Schedules").and_then(Value::as_array).into_iter().flatten();
            let ours = schedules.filter(|schedule| {
                let target = schedule.pointer("/Target/Arn").and_then(Value::as_str);
                // With an alias or a version behind it, or without.
                let qualifier = target.and_then(|target| target.strip_prefix(function_arn));
                qualifier.is_some_and(|qualifier| qualifier.is_empty() || qualifier.starts_with(':'))
            });
            found.extend(ours.map(|schedule| {
                let text = |name: &str| schedule.get(name).and_then(Value::as_str).unwrap_or_default();
                format!("/schedules/{}?groupName={}", encoded(text("Name")), encoded(text("GroupName")))
            }));
            token = page.get("NextToken").and_then(Value::as_str).map(str::to_owned);
            if token.is_none() {
                return Ok(found);
            }
        }
    }

    async fn schedule(&self, path: &str) -> Answer<Schedule> {
        let answer = self.call(&SCHEDULER, "scheduler:GetSchedule", Request::Get(path)).await?;
        let text = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(Schedule {
            name: text("Name"),
            expression: text("ScheduleExpression"),
            is_enabled: text("State") == "ENABLED",
            ends: answer
                .get("EndDate")
                .and_then(Value::as_f64)
                .and_then(|end| Timestamp::from_second(end as i64).ok()),
        })
    }
}
