//! Whether somebody starts the function, and whether it gets to its end.

use std::time::Duration;

use jiff::Timestamp;

use super::finding::Finding;
use crate::doctor::facts::{Answer, Function, Runs, Schedule, Unanswered};
use crate::model::text::counted;
use crate::notify::render::span;
use crate::settings::duration;

/// AWS Lambda's metrics arrive up to this late.
const METRICS_LATE: Duration = Duration::from_secs(180);
/// So many intervals without a successful run are what the template's alarm waits for, too.
const MISSED: u32 = 3;

pub(crate) fn function(name: &str, function: &Answer<Function>) -> Finding {
    let function = match function {
        Ok(function) => function,
        Err(why) => {
            let finding = Finding::unanswered(format!("function {name}"), why);
            return match why {
                Unanswered::Missing => {
                    finding.remedy("Check the name (aws lambda list-functions), --profile and --region")
                }
                _ => finding,
            };
        }
    };
    let Function { name, state, last_update, timeout, memory, log_group, environment, .. } = function;
    let check = format!("function {name}");
    let because = |why: &Option<String>| why.iter().map(|why| format!(": {why}")).collect::<String>();
    match environment {
        Ok(_) => {}
        Err(Unanswered::Denied { action, .. }) => {
            let needs = format!("needs {action} on the key of its environment variables");
            return Finding::not_checked(check, needs).remedy(
                "Ask for it: Lambda decrypts them with your permissions, not with the role's. Until then, the table, \
                 the topics and the settings are not known",
            );
        }
        Err(why) => {
            let remedy = "Enable the key of its environment variables, or deploy it with another one";
            return Finding::unanswered(check, why).remedy(remedy);
        }
    }
    match (state.0.as_str(), last_update.0.as_str()) {
        ("Failed", _) => Finding::failed(check, format!("its state is Failed{}", because(&state.1)))
            .remedy("Deploy it again"),
        (_, "Failed") => Finding::failed(check, format!("its last update failed{}", because(&last_update.1)))
            .remedy("The previous code is still running. Deploy it again"),
        ("Pending", _) | (_, "InProgress") => {
            Finding::warning(check, "it is being deployed").remedy("Wait a minute")
        }
        _ => {
            let seconds = timeout.as_secs();
            Finding::ok(check, format!("deployed, {memory} MB, {seconds} s; logs in {log_group}"))
        }
    }
}

/// The shortest time between two runs, by the schedules that are on and have a rate.
pub(crate) fn interval(schedules: &Answer<Vec<Schedule>>, now: Timestamp) -> Option<Duration> {
    let running = schedules.iter().flatten().filter(|schedule| is_on(schedule, now));
    let rate =
        |schedule: &Schedule| duration(schedule.expression.strip_prefix("rate(")?.strip_suffix(')')?).ok();
    running.filter_map(rate).min()
}

fn is_on(schedule: &Schedule, now: Timestamp) -> bool {
    schedule.is_enabled && schedule.ends.is_none_or(|ends| ends > now)
}

pub(crate) fn schedules(
    schedules: &Answer<Vec<Schedule>>,
    runs: &Answer<Vec<Runs>>,
    now: Timestamp,
) -> Vec<Finding> {
    let schedules = match schedules {
        Ok(schedules) => schedules,
        Err(why) => return vec![Finding::unanswered("schedule", why)],
    };
    let someone_is_on = schedules.iter().any(|schedule| is_on(schedule, now));
    if schedules.is_empty() {
        let none = "no schedule of EventBridge Scheduler starts the function";
        let runs_all_the_same = runs.as_ref().is_ok_and(|runs| runs.iter().any(|runs| runs.all > 0));
        return vec![if runs_all_the_same {
            Finding::warning("schedule", format!("{none}, though it ran within the last day"))
                .remedy("If an EventBridge rule starts it, check that one: rules are not checked here")
        } else {
            Finding::failed("schedule", format!("{none}, and it did not run within the last day"))
                .remedy("Deploy template.yaml again, or create a schedule with the function as its target")
        }];
    }
    let finding = |schedule: &Schedule| {
        let Schedule { name, expression, is_enabled, ends } = schedule;
        let check = format!("schedule {name}");
        let off = match ends {
            _ if !is_enabled => "it is disabled".to_owned(),
            Some(ends) if *ends <= now => format!("it ended on {ends}"),
            _ => return Finding::ok(check, expression),
        };
        if someone_is_on {
            return Finding::warning(check, off).remedy("Delete it if it is not needed");
        }
        Finding::failed(check, format!("{off}, so nothing starts the function"))
            .remedy("Deploy the stack with ScheduleMinutes=5, or enable it (aws scheduler update-schedule)")
    };
    schedules.iter().map(finding).collect()
}

/// The last successful run, among those of the last day.
pub(crate) fn last_run(
    runs: &Answer<Vec<Runs>>,
    interval: Option<Duration>,
    log_group: &str,
    now: Timestamp,
) -> Finding {
    let check = "last run";
    let runs = match runs {
        Ok(runs) => runs,
        Err(why) => return Finding::unanswered(check, why),
    };
    let scan =
        format!("Check the log group {log_group} (aws logs tail {log_group} --since 1h), and the schedule");
    let failed: u64 = runs.iter().map(|runs| runs.failed).sum();
    let also = if failed == 0 {
        String::new()
    } else {
        format!("; {} failed within the last day", counted(failed, "run"))
    };
    let succeeded = runs.iter().filter(|runs| runs.all > runs.failed).map(|runs| runs.minute).max();
    let Some(last) = succeeded else {
        let none = format!("no run succeeded within the last day{also}");
        return Finding::failed(check, none).remedy(scan);
    };
    let message = format!("the last success was {} ago", span(last, now));
    let since = now.duration_since(last).unsigned_abs();
    let newest = runs.iter().filter(|runs| runs.all > 0).max_by_key(|runs| runs.minute);
    let is_failing = newest.is_some_and(|newest| newest.failed > 0);
    match interval {
        Some(interval) if since > interval * MISSED + METRICS_LATE => {
            let due = span(Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH + interval);
            Finding::failed(check, format!("{message}, although one is due every {due}{also}")).remedy(scan)
        }
        _ if is_failing => {
            Finding::warning(check, format!("{message}{also}, including the last one")).remedy(scan)
        }
        _ => Finding::ok(check, format!("{message}{also}")),
    }
}
