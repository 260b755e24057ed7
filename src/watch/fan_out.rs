//! More than one run can hold: the schedule's run sends each target to a queue instead of looking at it, and
//! other runs take them from there.

use std::collections::BTreeMap;

use crate::model::Target;
use crate::ports::{Outside, PublishError, TargetQueue};
use crate::settings::Settings;
use crate::watch::batch;
use crate::watch::budget::Budget;
use crate::watch::report::{Answer, Outcome, Report, TargetReport};
use crate::watch::request::Request;
use crate::watch::{Run, RunError, Targets};

/// Sends every target that a run would look at to the queue. A sender that dies halfway has done no harm: the
/// next tick sends every target again.
pub async fn fan_out(
    outside: &impl Outside,
    settings: &Settings,
    budget: &Budget,
    queue: &impl TargetQueue,
) -> Result<Report, RunError> {
    let everything = Request::default();
    let run = Run::new(outside, settings, &everything, budget)?;
    let Targets { planned, unlisted: mut reports, owed } = run.targets().await?;
    let targets: Vec<Target> = planned.into_iter().map(|planned| planned.target).collect();
    // May be given up at any time: what was sent is sent, the rest is told as not sent.
    let send = async |targets: &[Target]| {
        let late = || PublishError::Unavailable("out of time".to_owned());
        budget.within(queue.send(targets)).await.ok_or_else(late)?
    };
    let refused: BTreeMap<Target, PublishError> = batch::send(&targets, send).await.into_iter().collect();
    reports.extend(targets.iter().map(|target| {
        let report = TargetReport::of(target);
        match refused.get(target) {
            None => report.ended(Outcome::Queued, None),
            Some(error @ PublishError::Denied(_)) => report.ended(Outcome::Denied, Some(unsent(error))),
            Some(error) => report.ended(Outcome::Incomplete, Some(unsent(error))),
        }
    }));
    reports.iter().for_each(|report| run.log(report));
    Ok(Report { answer: Answer::new(reports, 0, None), preview: None, may_owe: owed })
}

fn unsent(error: &PublishError) -> String {
    format!("not sent to the queue, so not looked at before the next tick: {error}")
}
