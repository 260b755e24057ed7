//! One run, in its order: load, then for each target observe, fingerprint, confirm, claim, compare, record, and at the
//! same time announce.
//!
//! This file knows the order of a run, `looks` that of its looks, [`target`] that for one target, [`mod@announce`] what
//! comes after it. `docs/design.md` says why it is this one.

pub mod account_names;
pub mod announce;
pub mod batch;
pub mod budget;
pub mod compare;
pub mod context;
pub mod flap;
pub mod kind;
pub mod look;
mod looks;
pub mod observe;
pub mod overdue;
pub mod paginate;
mod past;
pub mod plan;
pub mod quick;
pub mod record;
pub mod report;
pub mod request;
pub mod room;
mod start;
#[cfg(test)]
mod stub;
pub mod target;
pub mod telling;
pub mod unannounced;

use futures_util::stream::{self, StreamExt};
use tokio::sync::mpsc::unbounded_channel;

use crate::ports::Outside;
use crate::settings::Settings;
use crate::watch::announce::{Handed, announce};
use crate::watch::budget::Budget;
use crate::watch::looks::{LookedAt, looks, oldest_whole_look};
use crate::watch::report::{Answer, Report, TargetReport};
use crate::watch::request::Request;
use crate::watch::start::{Started, start};
use crate::watch::target::preview;

pub use crate::watch::start::RunError;

/// Looks at what the request names, and tells what changed.
pub async fn run(
    outside: &impl Outside,
    settings: &Settings,
    request: &Request,
    budget: &Budget,
) -> Result<Report, RunError> {
    let Started { context, planned, unwatched, elsewhere, unlisted, owed } =
        Box::pin(start(outside, settings, request, budget)).await?;
    let mut reports = unlisted;
    let (to_announcers, incoming) = unbounded_channel();
    let looking = async {
        // Moved in, and so dropped at the end: the announcers then know that no more will come.
        let to_announcers = to_announcers;
        let take_up = async |(target, head)| match Box::pin(target::take_up(&context, target, head)).await {
            Ok(owed) => {
                // The announcers listen for as long as there is a sender.
                let _ = to_announcers.send(Handed::Owed(Box::new(owed)));
                None
            }
            Err(report) => Some(report),
        };
        let unsaid = stream::iter(unwatched.iter().map(|(target, head)| (target, head))).map(take_up);
        let unsaid = unsaid.buffer_unordered(settings.concurrency).filter_map(async |report| report);
        // What is looked at does not wait for what nobody looks at any more.
        tokio::join!(unsaid.collect::<Vec<_>>(), looks(&context, &planned, &to_announcers))
    };
    let ((unsaid, looked_at), announced) = tokio::join!(looking, announce(&context, incoming));

    reports.extend(unsaid);
    // What nobody watches is reported only where something is wrong with it.
    let is_watched = |report: &TargetReport| !unwatched.iter().any(|(target, _)| report.is_of(target));
    reports.extend(announced.reports.into_iter().filter(|r| r.outcome.is_failure() || is_watched(r)));
    let LookedAt { reports: looked, previews, next_token, whole_at } = looked_at;
    reports.extend(looked);
    let answer = Answer::new(reports, announced.notifications, next_token);
    answer.targets.iter().for_each(|report| report.log(&context.id));
    let recorded_only = |report: &TargetReport| !report.outcome.is_done() && report.transitions > 0;
    let may_owe = owed || answer.targets.iter().any(recorded_only);
    let oldest_whole_look = match settings.whole_every {
        Some(_) if request.scheduled => oldest_whole_look(&planned, elsewhere, &whole_at, outside.now()),
        _ => None,
    };
    let (preview, reduced) = (preview(&context, &previews), announced.reduced);
    Ok(Report { answer, preview, may_owe, reduced, oldest_whole_look })
}
