//! More than one run can hold: the schedule's run sends each target to a queue instead of looking at it, and
//! other runs take them from there.

use std::collections::BTreeMap;

use tokio::sync::mpsc::unbounded_channel;

use crate::model::Target;
use crate::ports::{Outside, PublishError, TargetQueue};
use crate::settings::Settings;
use crate::watch::announce::announce;
use crate::watch::batch;
use crate::watch::budget::Budget;
use crate::watch::report::{Answer, Outcome, Report, TargetReport};
use crate::watch::request::Request;
use crate::watch::start::{RunError, Started, start};
use crate::watch::target::take_up;

/// Sends every target that a run would look at to the queue. A sender that dies halfway has done no harm: the
/// next tick sends every target again. What nobody watches any more is announced here.
pub async fn fan_out(
    outside: &impl Outside,
    settings: &Settings,
    budget: &Budget,
    queue: &impl TargetQueue,
) -> Result<Report, RunError> {
    let everything = Request { scheduled: true, ..Request::default() };
    let Started { context, planned, unwatched, unlisted: mut reports, owed } =
        Box::pin(start(outside, settings, &everything, budget)).await?;
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
    let (to_announcers, incoming) = unbounded_channel();
    for (target, head) in &unwatched {
        match Box::pin(take_up(&context, target, head)).await {
            Ok(owed) => {
                // The receiver is here.
                let _ = to_announcers.send(owed);
            }
            Err(report) => reports.push(report),
        }
    }
    drop(to_announcers);
    let announced = Box::pin(announce(&context, incoming)).await;
    reports.extend(announced.reports.into_iter().filter(|report| report.outcome.is_failure()));
    reports.iter().for_each(|report| report.log(&context.id));
    let answer = Answer::new(reports, announced.notifications, None);
    Ok(Report { answer, preview: None, may_owe: owed, reduced: announced.reduced, oldest_whole_look: None })
}

fn unsent(error: &PublishError) -> String {
    format!("not sent to the queue, so not looked at before the next tick: {error}")
}
