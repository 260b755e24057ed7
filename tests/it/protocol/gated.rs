//! Every port behind the one gate: what each effect is called there, and a fault in the words of its port.

use std::rc::Rc;

use futures_util::FutureExt;
use packwatch::model::{DetailedStatus, PackName, Region, Target};
use packwatch::notify::message::{Alert, Event};
use packwatch::ports::{
    Filters, LogRequest, Machines, Page, PageRequest, PublishError, Publisher, SnapshotStore, SourceError,
    StatusSource, StoreError,
};
use packwatch::state::commit::{Commit, Snapshot};
use packwatch::state::head::{Cursors, Heads, Hint, SharedSettings, StoredMessage, Topic};
use packwatch::state::log::LogPart;
use serde_json::Value;

use crate::protocol::gate::{Change, Fault, Gate, Kind};

/// A port behind the gate.
pub(crate) struct Gated<T> {
    pub(crate) gate: Rc<Gate>,
    pub(crate) port: T,
}

impl<T: StatusSource> StatusSource for Gated<T> {
    async fn packs(&self, region: &Region, page: &PageRequest) -> Result<Page<PackName>, SourceError> {
        self.gate.pass(Kind::Packs, &[], self.port.packs(region, page), None).await
    }

    async fn statuses(
        &self,
        target: &Target,
        filters: &Filters,
        page: &PageRequest,
    ) -> Result<Page<DetailedStatus>, SourceError> {
        self.gate.pass(Kind::Statuses, &[], self.port.statuses(target, filters, page), None).await
    }
}

impl<T: SnapshotStore> SnapshotStore for Gated<T> {
    async fn load(&self) -> Result<Heads, StoreError> {
        let heads = self.gate.pass(Kind::Load, &[], self.port.load(), None).await?;
        self.gate.journal.loads(self.gate.run.get(), &heads);
        Ok(heads)
    }

    async fn snapshot(&self, target: &Target) -> Result<Snapshot, StoreError> {
        self.gate.pass(Kind::Snapshot, &[], self.port.snapshot(target), None).await
    }

    async fn commit(&self, target: &Target, commit: &Commit) -> Result<(), StoreError> {
        let (run, journal) = (self.gate.run.get(), &self.gate.journal);
        let effect = async {
            self.port.commit(target, commit).await?;
            journal.commits(run, target, commit.head.epoch);
            Ok::<_, StoreError>(())
        };
        let landing: Change = {
            let (journal, target, commit) = (journal.clone(), target.clone(), commit.clone());
            Box::new(move || {
                let committed = journal.store().commit(&target, &commit).now_or_never().unwrap();
                if committed.is_ok() {
                    journal.commits(run, &target, commit.head.epoch);
                }
            })
        };
        self.gate.pass(Kind::Commit, &[], effect, Some(landing)).await
    }

    async fn hint(&self, target: &Target, hint: &Hint) -> Result<(), StoreError> {
        self.gate.pass(Kind::Hint, &[], self.port.hint(target, hint), None).await
    }

    async fn put_settings(&self, settings: &SharedSettings) -> Result<(), StoreError> {
        self.port.put_settings(settings).await
    }

    async fn log(&self, target: &Target, request: &LogRequest) -> Result<Page<LogPart>, StoreError> {
        self.gate.pass(Kind::Log, &[], self.port.log(target, request), None).await
    }

    async fn put_cursors(&self, topic: Topic, cursors: &Cursors) -> Result<(), StoreError> {
        let (run, journal) = (self.gate.run.get(), &self.gate.journal);
        let effect = async {
            let before = journal.store().cursors(topic);
            self.port.put_cursors(topic, cursors).await?;
            journal.puts(run, topic, &before, cursors);
            Ok::<_, StoreError>(())
        };
        let landing: Change = {
            let (journal, cursors) = (journal.clone(), cursors.clone());
            Box::new(move || {
                let before = journal.store().cursors(topic);
                let put = journal.store().put_cursors(topic, &cursors).now_or_never().unwrap();
                if put.is_ok() {
                    journal.puts(run, topic, &before, &cursors);
                }
            })
        };
        self.gate.pass(Kind::PutCursors(topic), &[], effect, Some(landing)).await
    }

    async fn put_message(&self, message: &StoredMessage) -> Result<(), StoreError> {
        self.gate.pass(Kind::PutMessage, &[], self.port.put_message(message), None).await
    }

    async fn message(&self, id: &str) -> Result<Option<StoredMessage>, StoreError> {
        self.gate.pass(Kind::Message, &[], self.port.message(id), None).await
    }
}

impl<T: Publisher> Publisher for Gated<T> {
    async fn alert(&self, alert: &Alert) -> Result<(), PublishError> {
        // A digest is known again by the packs that it is about.
        let packs = alert.notification.packs.iter();
        let contents: Vec<String> =
            packs.map(|pack| format!("alert {}", pack.organization_conformance_pack_name)).take(1).collect();
        let publish = async {
            self.port.alert(alert).await?;
            let bodies: Value = serde_json::from_str(&alert.message).unwrap();
            let document = bodies["default"].as_str().unwrap().to_owned();
            let id = &alert.notification.id;
            self.gate.journal.accepts_digest(self.gate.run.get(), id, document);
            Ok::<_, PublishError>(())
        };
        self.gate.pass(Kind::Alert, &contents, publish, None).await
    }

    fn machines(&self) -> Machines {
        self.gate.machines.get().unwrap_or_else(|| self.port.machines())
    }

    async fn events(&self, events: &[Event]) -> Result<Vec<(usize, PublishError)>, PublishError> {
        let contents: Vec<String> =
            events.iter().map(|event| format!("event {}", event.id)).take(1).collect();
        let (run, journal) = (self.gate.run.get(), &self.gate.journal);
        let has_texts = |event: &Event| event.message.contains("ErrorMessage");
        let publish = async {
            let refuses = |(index, event): (usize, &Event)| {
                (self.gate.refuses_texts.get() && has_texts(event))
                    .then(|| (index, PublishError::Refused("for its text".to_owned())))
            };
            let mut refused: Vec<_> = events.iter().enumerate().filter_map(refuses).collect();
            let is_refused = |refused: &[(usize, PublishError)], index: usize| {
                refused.iter().any(|(refused, _)| *refused == index)
            };
            let taken: Vec<usize> = (0..events.len()).filter(|index| !is_refused(&refused, *index)).collect();
            let entries: Vec<Event> = taken.iter().map(|index| events[*index].clone()).collect();
            if !entries.is_empty() {
                let more = self.port.events(&entries).await?;
                refused.extend(more.into_iter().map(|(index, error)| (taken[index], error)));
            }
            for index in taken.into_iter().filter(|index| !is_refused(&refused, *index)) {
                journal.accepts_event(run, &events[index].id, &events[index].message);
            }
            Ok::<_, PublishError>(refused)
        };
        self.gate.pass(Kind::Events, &contents, publish, None).await
    }
}
impl From<Fault> for SourceError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Denied | Fault::Refused => Self::Denied("refused by the plan".to_owned()),
            Fault::Throttled => Self::Unavailable("throttled by the plan".to_owned()),
            Fault::NoReply => Self::Unavailable("no reply by the plan".to_owned()),
        }
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Denied | Fault::Refused => Self::Denied("refused by the plan".to_owned()),
            Fault::Throttled => Self::Unavailable("throttled by the plan".to_owned()),
            Fault::NoReply => Self::Unavailable("no reply by the plan".to_owned()),
        }
    }
}

impl From<Fault> for PublishError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Denied => Self::Denied("refused by the plan".to_owned()),
            Fault::Refused => Self::Refused("poison".to_owned()),
            Fault::Throttled => Self::Unavailable("throttled by the plan".to_owned()),
            Fault::NoReply => Self::Unanswered("no reply by the plan".to_owned()),
        }
    }
}
