//! More than one run can hold: the schedule's run makes the quick looks, and sends the targets that need a whole one to a
//! queue, from which other runs take them.

use std::collections::BTreeMap;

use crate::model::Target;
use crate::ports::{Outside, PublishError, TargetQueue};
use crate::watch::batch;
use crate::watch::context::Context;
use crate::watch::report::{Outcome, TargetReport};

/// Sends targets to the queue. Returns those that were not accepted, and why. A sender that dies halfway has done no harm:
/// the next tick sends again what still needs it.
pub(super) async fn send<O: Outside>(
    context: &Context<'_, O>,
    queue: &O::Queue,
    targets: &[Target],
) -> BTreeMap<Target, PublishError> {
    // May be given up at any time: what was sent is sent, the rest is told as not sent. There is time for it though the
    // quick looks took all of theirs.
    let send = async |targets: &[Target]| {
        let late = || PublishError::Unavailable("out of time".to_owned());
        context.budget.within_announcing(queue.send(targets)).await.ok_or_else(late)?
    };
    batch::send(targets, send).await.into_iter().collect()
}

/// The report of a target that was to be sent.
pub(super) fn sent(report: TargetReport, refused: Option<&PublishError>) -> TargetReport {
    let unsent = |error| format!("not sent to the queue, so not looked at before the next tick: {error}");
    match refused {
        None => report.ended(Outcome::Queued, None),
        Some(error @ PublishError::Denied(_)) => report.ended(Outcome::Denied, Some(unsent(error))),
        Some(error) => report.ended(Outcome::Incomplete, Some(unsent(error))),
    }
}
