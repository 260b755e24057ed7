//! What comes back from the queue: which targets to look at, and which messages must come again. Pure.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::event::{EventError, Record};
use crate::model::Target;
use crate::watch::report::Answer;
use crate::watch::request::Request;

/// The records of one event, sorted by what is to be done with them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Queued {
    /// Looked at in one run, so that what they bring is one digest.
    pub targets: Vec<(String, Target)>,
    /// Dropped: a newer message for the same target is behind them.
    pub outdated: Vec<(String, Target)>,
    /// Not understood. They come again and again, and then go to the dead-letter queue.
    pub refused: Vec<(String, EventError)>,
}

/// The reply to Lambda about a batch: the messages that must come again. All others are deleted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchResponse {
    /// Of SQS's records.
    pub batch_item_failures: Vec<BatchItemFailure>,
}

/// One message that must come again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchItemFailure {
    /// The record's `messageId`.
    pub item_identifier: String,
}

impl Queued {
    /// Sorts the records. `max_age` is how long a message is worth anything, if a schedule sends newer ones. One that
    /// came back is never too old: dropped, its failure would go unheard.
    pub fn sort(records: Vec<Record>, max_age: Option<Duration>, now: Timestamp) -> Self {
        let mut queued = Self::default();
        for Record { id, target, sent, received } in records {
            let age = Duration::try_from(now.duration_since(sent)).unwrap_or_default();
            match target {
                Err(error) => queued.refused.push((id, error)),
                Ok(target) if received <= 1 && max_age.is_some_and(|max| age > max) => {
                    queued.outdated.push((id, target));
                }
                Ok(target) => queued.targets.push((id, target)),
            }
        }
        queued
    }

    /// One request for all targets; `None` when there are none.
    pub fn request(&self) -> Option<Request> {
        let targets: BTreeSet<Target> = self.targets.iter().map(|(_, target)| target.clone()).collect();
        // They were listed when they were sent, and may be gone since.
        (!targets.is_empty()).then(|| Request {
            targets: Some(targets),
            tentative: true,
            scheduled: true,
            ..Request::default()
        })
    }

    /// Which messages must come again: those that were refused, and those whose target was not finished. What is
    /// not in the answer is no longer watched, and done.
    pub fn response(self, answer: Option<&Answer>) -> BatchResponse {
        let reports = answer.map(|answer| answer.targets.as_slice()).unwrap_or_default();
        let again = |target: &Target| {
            reports
                .iter()
                .find(|report| report.is_of(target))
                .is_some_and(|report| report.outcome.is_failure() || (report.out_of_time && !report.recurs))
        };
        let unfinished = self.targets.into_iter().filter(|(_, target)| again(target)).map(|(id, _)| id);
        let refused = self.refused.into_iter().map(|(id, _)| id);
        let failure = |item_identifier| BatchItemFailure { item_identifier };
        BatchResponse { batch_item_failures: unfinished.chain(refused).map(failure).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::report::{Outcome, TargetReport};

    fn target(pack: &str) -> Target {
        Target { region: "eu-west-1".parse().unwrap(), pack: pack.parse().unwrap() }
    }

    fn record(id: &str, pack: &str, age: i64, received: u64) -> Record {
        let sent = Timestamp::from_second(1_000_000 - age).unwrap();
        Record { id: id.to_owned(), target: Ok(target(pack)), sent, received }
    }

    fn sort(records: Vec<Record>) -> Queued {
        let now = Timestamp::from_second(1_000_000).unwrap();
        Queued::sort(records, Some(Duration::from_secs(300)), now)
    }

    #[test]
    fn a_message_that_waited_for_too_long_is_dropped_unless_it_came_back() {
        let queued = sort(vec![
            record("fresh", "A", 300, 1),
            record("old", "B", 301, 1),
            record("back", "C", 9000, 2),
            record("from-a-clock-ahead", "D", -60, 1),
        ]);
        let ids = |of: &[(String, Target)]| of.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(&queued.targets), ["fresh", "back", "from-a-clock-ahead"]);
        assert_eq!(ids(&queued.outdated), ["old"]);
        let kept =
            Queued::sort(vec![record("old", "B", 9000, 1)], None, Timestamp::from_second(1_000_000).unwrap());
        assert_eq!(ids(&kept.targets), ["old"], "nobody sends a newer one");
    }

    #[test]
    fn nothing_to_look_at_is_not_everything() {
        assert_eq!(sort(Vec::new()).request(), None);
        assert_eq!(sort(vec![record("old", "B", 301, 1)]).request(), None);
    }

    #[test]
    fn exactly_the_unfinished_come_again() {
        let ended = |pack: &str, outcome| TargetReport::of(&target(pack)).ended(outcome, None);
        let answer = Answer::new(
            vec![
                ended("Done", Outcome::Changed),
                ended("Newer", Outcome::Superseded),
                ended("Hidden", Outcome::Deferred),
                ended("Broken", Outcome::Incomplete),
                ended("Denied", Outcome::Denied),
                TargetReport::of(&target("Late")).out_of_time("out of time"),
                TargetReport { recurs: true, ..TargetReport::of(&target("Due")).out_of_time("out of time") },
            ],
            0,
            None,
        );
        let packs = ["Done", "Newer", "Hidden", "Broken", "Broken", "Denied", "Late", "Due", "Not-watched"];
        let mut records: Vec<Record> =
            packs.iter().zip(1..).map(|(pack, n)| record(&format!("m-{n}"), pack, 0, 1)).collect();
        let error = EventError::Request("no".to_owned());
        records.push(Record { target: Err(error), ..record("m-10", "Unread", 0, 1) });
        let again = sort(records).response(Some(&answer)).batch_item_failures;
        let again: Vec<&str> = again.iter().map(|failure| failure.item_identifier.as_str()).collect();
        assert_eq!(again, ["m-4", "m-5", "m-6", "m-7", "m-10"], "both copies of one target");
    }
}
