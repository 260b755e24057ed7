//! AWS Lambda and EventBridge Scheduler: the function, and what starts it.

use serde::Deserialize;

use super::Inspector;
use super::call::{Service, encoded};
use crate::doctor::facts::{Answer, Function, Schedule};

const LAMBDA: Service = Service { id: "Lambda", name: "lambda" };
const SCHEDULER: Service = Service { id: "Scheduler", name: "scheduler" };

/// A page of `ListSchedules`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Schedules {
    schedules: Vec<Schedule>,
    next_token: Option<String>,
}

impl Inspector {
    /// The function of this name or ARN.
    pub(crate) async fn function(&self, name: &str) -> Answer<Function> {
        let path = format!("/2015-03-31/functions/{}/configuration", encoded(name));
        self.call(&LAMBDA, "lambda:GetFunctionConfiguration", &path).await
    }

    /// The schedules whose target is the function.
    pub(crate) async fn schedules(&self, function_arn: &str) -> Answer<Vec<Schedule>> {
        let starts = |schedule: &Schedule| {
            // With an alias or a version behind it, or without.
            let qualifier = schedule.target.arn.strip_prefix(function_arn);
            qualifier.is_some_and(|qualifier| qualifier.is_empty() || qualifier.starts_with(':'))
        };
        let mut found = Vec::new();
        let mut path = "/schedules?MaxResults=100".to_owned();
        loop {
            let page: Schedules = self.call(&SCHEDULER, "scheduler:ListSchedules", &path).await?;
            found.extend(page.schedules.into_iter().filter(starts));
            match page.next_token {
                None => return Ok(found),
                Some(token) => path = format!("/schedules?MaxResults=100&NextToken={}", encoded(&token)),
            }
        }
    }
}
