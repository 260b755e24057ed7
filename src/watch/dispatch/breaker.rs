//! A topic's circuit breaker: when this run gives the topic up, and which form of a message it tries.

use std::cell::{Cell, RefCell};

use tokio::time::timeout;

use crate::notify::message::Form;
use crate::ports::PublishError;
use crate::watch::budget::Budget;

/// After so many answers that did not come, or messages that were refused in their last form, it opens.
const MOST_FAILURES: u32 = 3;

/// One topic, as this run has found it.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    timeouts: Cell<u32>,
    refusals: Cell<u32>,
    denied: RefCell<Option<String>>,
    /// How many messages were accepted only in a minimal form.
    pub(super) minimal: Cell<u64>,
}

impl Breaker {
    /// Why this run asks the topic no more, if it does not.
    pub(super) fn open(&self) -> Option<String> {
        let denied = self.denied.borrow().clone();
        let too_often = [(&self.timeouts, "did not answer"), (&self.refusals, "refused")];
        let too_often = too_often.into_iter().find(|(count, _)| count.get() >= MOST_FAILURES);
        let why = |(_, what)| format!("the topic {what}, again and again; the next run tries it again");
        denied.or_else(|| too_often.map(why))
    }

    /// The answer to a call, or that none came in time. `None`: there is no time to ask.
    pub(super) async fn ask<T>(
        &self,
        budget: &Budget,
        call: impl Future<Output = Result<T, PublishError>>,
    ) -> Option<Result<T, PublishError>> {
        let publish_timeout = budget.for_publish()?;
        let answer =
            timeout(publish_timeout, call).await.unwrap_or(Err(PublishError::TimedOut(publish_timeout)));
        if let Err(error) = &answer {
            self.note(error);
        }
        Some(answer)
    }

    /// Remembers what an error says of the topic. A refusal of one message says nothing yet.
    pub(super) fn note(&self, error: &PublishError) {
        match error {
            PublishError::TimedOut(_) => self.timeouts.set(self.timeouts.get() + 1),
            PublishError::Unavailable(_) | PublishError::Unanswered(_) => {
                self.refusals.set(self.refusals.get() + 1)
            }
            PublishError::Denied(why) => *self.denied.borrow_mut() = Some(why.clone()),
            PublishError::Refused(_) => {}
        }
    }

    /// Publishes one message in its fullest form that is not refused for what it is. `None`: there is no time.
    pub(super) async fn publish(
        &self,
        budget: &Budget,
        forms: &[Form],
        mut call: impl AsyncFnMut(Form) -> Result<(), PublishError>,
    ) -> Option<Result<(), PublishError>> {
        let mut refused = PublishError::Refused(String::new());
        for form in forms {
            match self.ask(budget, call(*form)).await? {
                Ok(()) => {
                    self.minimal.set(self.minimal.get() + u64::from(*form != Form::Whole));
                    return Some(Ok(()));
                }
                Err(error @ PublishError::Refused(_)) => refused = error,
                Err(error) => return Some(Err(error)),
            }
        }
        // Nothing of the last form can be wrong: the fault is the topic's.
        self.refusals.set(self.refusals.get() + 1);
        Some(Err(refused))
    }
}
