//! One run, in its order: load what is recorded, scan what is fast, dispatch what was found, scan what is slow,
//! dispatch that, and report.
//!
//! This file knows the order of a run, [`scan`] that of its scans, [`commit`](mod@commit) how one becomes a
//! transaction, [`dispatch`] how the log reaches the topics. `docs/design.md` says why it is this one.

pub mod account_names;
pub mod batch;
pub mod budget;
pub mod commit;
pub mod compare;
pub mod context;
pub mod dispatch;
pub mod plan;
pub mod report;
pub mod request;
pub mod scan;
mod snapshot;
mod start;

use crate::notify::{self, Fold, Notification};
use crate::ports::{Outside, SnapshotStore};
use crate::settings::Settings;
use crate::watch::budget::Budget;
use crate::watch::context::Context;
use crate::watch::dispatch::{Dispatched, Dispatcher, Lag, lagging};
use crate::watch::report::{Report, TargetReport};
use crate::watch::request::Request;
use crate::watch::scan::outcome::Preview;
use crate::watch::scan::{Scans, oldest_full_scan};
use crate::watch::start::{Started, start};

pub use crate::watch::start::RunError;

/// Scans what the request names, and tells what changed.
pub async fn run(
    outside: &impl Outside,
    settings: &Settings,
    request: &Request,
    budget: &Budget,
) -> Result<Report, RunError> {
    let Started { context, planned, unlisted, lags } =
        Box::pin(start(outside, settings, request, budget)).await?;
    let scans = Scans::new(&context, &planned);
    let dispatcher = Dispatcher::new(&context);
    let mut dispatched = Dispatched::default();
    let is_live = !request.dry_run;
    let between = async {
        scans.fast_stage().await;
        let commits = scans.commits();
        if is_live && (lags || commits > 0) {
            dispatcher.dispatch(&mut dispatched).await;
        }
        scans.slow_stage();
        commits
    };
    // Boxed: their states are large, and the layout of all in one is too deep for the compiler.
    let ((), commits) = tokio::join!(Box::pin(scans.run()), Box::pin(between));
    if is_live && scans.commits() > commits {
        dispatcher.dispatch(&mut dispatched).await;
    }
    let outcomes = scans.end();

    let oldest_full_scan = match settings.full_scan_every {
        Some(_) if request.scheduled => oldest_full_scan(&planned, &outcomes, outside.now()),
        _ => None,
    };
    let next_token = outcomes.iter().find_map(|outcome| outcome.next_token.clone());
    let previews: Vec<&Preview> = outcomes.iter().filter_map(|outcome| outcome.preview.as_deref()).collect();
    let preview = preview(&context, &previews);
    let reports = unlisted.into_iter().chain(outcomes.into_iter().map(|outcome| outcome.report));
    let mut report = Report {
        notifications: dispatched.notifications,
        next_token,
        preview,
        may_lag: !dispatched.lags.is_empty(),
        minimal: dispatched.minimal,
        oldest_full_scan,
        ..Report::of(reports)
    };
    add_lags(&mut report.targets, &dispatched);
    report.targets.iter().for_each(|report| report.log(&context.id));
    Ok(report)
}

/// Adds what could not be dispatched. A target that nobody watches is reported only where that failed.
fn add_lags(targets: &mut Vec<TargetReport>, dispatched: &Dispatched) {
    for ((target, topic), lag) in &dispatched.lags {
        match targets.iter_mut().find(|report| report.is_of(target)) {
            Some(report) if report.outcome.is_done() => *report = lagging(report.clone(), *topic, lag),
            Some(_) => {}
            None if matches!(lag, Lag::Failed(_)) => {
                targets.push(lagging(TargetReport::of(target), *topic, lag));
            }
            None => {}
        }
    }
}

/// The digest that people would get of what was found in a dry run.
fn preview<O: Outside>(context: &Context<'_, O>, previews: &[&Preview]) -> Option<Notification> {
    let most = notify::fold::MOST_NAMED / previews.len().max(1);
    let folds: Vec<Fold<'_>> = previews
        .iter()
        .map(|preview| {
            let Preview { target, history_id, accounts, records } = preview;
            let mut fold = Fold::new(target, history_id, accounts, most);
            records.iter().rev().for_each(|record| fold.add(record));
            fold
        })
        .collect();
    let folds: Vec<&Fold<'_>> = folds.iter().collect();
    notify::digest(&folds, context.outside.store().place(), context.settings.time_zone())
}
