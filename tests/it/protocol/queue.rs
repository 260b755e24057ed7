//! The queue of targets: SQS, which keeps no order, delivers at least once, and brings back what was not finished.

use std::cell::{Cell, RefCell};

use jiff::Timestamp;
use packwatch::event::Record;
use packwatch::event::reply::Queued;
use packwatch::model::Target;
use packwatch::ports::{PublishError, TargetQueue};
use packwatch::watch::report::Answer;

#[derive(Default)]
pub(crate) struct Queue {
    records: RefCell<Vec<Record>>,
    sent: Cell<u64>,
    /// The time of day.
    pub(crate) now: Cell<Timestamp>,
}

impl Queue {
    /// So many messages, the last ones first, that stay in the queue until [`Self::settle`].
    pub(crate) fn receive(&self, most: usize) -> Queued {
        let mut records = self.records.borrow_mut();
        let from = records.len().saturating_sub(most);
        records[from..].iter_mut().for_each(|record| record.received += 1);
        Queued::sort(records[from..].to_vec(), None, self.now.get())
    }

    /// The run that took these has ended; without an answer it died, and they come again.
    pub(crate) fn settle(&self, queued: Queued, answer: Option<&Answer>) {
        let Some(answer) = answer else { return };
        let taken: Vec<String> = queued.targets.iter().map(|(id, _)| id.clone()).collect();
        let back = queued.response(Some(answer)).batch_item_failures;
        let is_back = |id: &String| back.iter().any(|failed| failed.item_identifier == *id);
        self.records.borrow_mut().retain(|record| !taken.contains(&record.id) || is_back(&record.id));
    }
}

impl TargetQueue for Queue {
    async fn send(&self, targets: &[Target]) -> Result<Vec<(usize, PublishError)>, PublishError> {
        for target in targets {
            self.sent.set(self.sent.get() + 1);
            let (id, sent) = (self.sent.get().to_string(), self.now.get());
            self.records.borrow_mut().push(Record { id, target: Ok(target.clone()), sent, received: 0 });
        }
        Ok(Vec::new())
    }
}
