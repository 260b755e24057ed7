//! Why a target was not finished, and what is reported of that.

use crate::ports::{SourceError, StoreError};
use crate::watch::context::Context;
use crate::watch::report::{Outcome, TargetReport};
use crate::watch::scan::reader::ReadError;

/// Why a target was not finished.
#[derive(Debug)]
pub enum Stop {
    /// The budget is spent.
    NoTime,
    /// A request that reads only some accounts has nothing to compare them with.
    NoBaseline,
    /// The pack is not there, and was not known.
    NotVisible(String),
    /// The statuses could not be read whole.
    Read(ReadError),
    /// The store refused.
    Store(StoreError),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<ReadError> for Stop {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

/// How a target ends that was not finished.
pub fn stopped<O>(context: &Context<'_, O>, report: TargetReport, stop: Stop) -> TargetReport {
    let request = context.request;
    let (outcome, error) = match stop {
        Stop::NoTime => return report.out_of_time("out of time; the next run goes on"),
        Stop::NoBaseline => {
            let why = "no baseline yet: a run that reads every account makes it";
            (Outcome::Deferred, why.to_owned())
        }
        // Listed or named by AWS CloudTrail: on its way in or out.
        Stop::NotVisible(reason) if request.packs.is_empty() || request.tentative => {
            (Outcome::Deferred, reason)
        }
        Stop::NotVisible(reason) => (Outcome::Incomplete, reason),
        // AWS Config refuses for a while to speak of a pack that was just put. The next run asks again.
        Stop::Read(ReadError::Source(SourceError::Denied(why))) if request.tentative => {
            (Outcome::Deferred, why)
        }
        Stop::Read(ReadError::Source(SourceError::Denied(why))) => (Outcome::Denied, why),
        Stop::Store(StoreError::Superseded) => return report.ended(Outcome::Superseded, None),
        Stop::Store(StoreError::Denied(why)) => (Outcome::Denied, why),
        Stop::Read(error) => (Outcome::Incomplete, error.to_string()),
        Stop::Store(error) => (Outcome::Incomplete, error.to_string()),
    };
    report.ended(outcome, Some(error))
}

/// The report of a region whose packs could not be listed: `None` for want of time.
pub fn unlisted<O>(context: &Context<'_, O>, report: TargetReport, error: Option<ReadError>) -> TargetReport {
    stopped(context, report, error.map_or(Stop::NoTime, Stop::Read))
}
