//! Every port behind the one gate: what each effect is called there, and a fault in the words of its port.

use std::collections::BTreeMap;
use std::rc::Rc;

use packwatch::model::{AccountId, DetailedStatus, PackName, Region, Target};
use packwatch::notify::message::{Alert, Event};
use packwatch::ports::{
    Filters, LogRequest, Machines, Page, PageRequest, PublishError, Publisher, SnapshotStore, SourceError,
    StatusSource, StoreError,
};
use packwatch::state::Row;
use packwatch::state::heads::{Advance, Change, Claim, Closing, Finish, Head, Heads, Mark, Note};
use packwatch::state::log::Record;
use serde_json::Value;

use crate::protocol::gate::{Fault, Gate, Kind};

/// A port behind the gate.
pub(crate) struct Gated<T> {
    pub(crate) gate: Rc<Gate>,
    pub(crate) port: T,
}

impl<T: StatusSource> StatusSource for Gated<T> {
    async fn packs(&self, region: &Region, page: &PageRequest) -> Result<Page<PackName>, SourceError> {
        self.gate.pass(Kind::Packs, &[], self.port.packs(region, page)).await
    }

    async fn statuses(
        &self,
        target: &Target,
        filters: &Filters,
        page: &PageRequest,
    ) -> Result<Page<DetailedStatus>, SourceError> {
        self.gate.pass(Kind::Statuses, &[], self.port.statuses(target, filters, page)).await
    }
}

impl<T: SnapshotStore> SnapshotStore for Gated<T> {
    async fn load(&self) -> Result<Heads, StoreError> {
        self.gate.pass(Kind::Load, &[], self.port.load()).await
    }

    async fn claim(&self, target: &Target, claim: &Claim) -> Result<Head, StoreError> {
        let head = self.gate.pass(Kind::Claim, &[], self.port.claim(target, claim)).await?;
        self.gate.journal.claims(target, head.epoch);
        Ok(head)
    }

    async fn rows(&self, target: &Target) -> Result<BTreeMap<AccountId, Row>, StoreError> {
        self.gate.pass(Kind::Rows, &[], self.port.rows(target)).await
    }

    async fn record(
        &self,
        target: &Target,
        epoch: u64,
        changes: &[Change],
        closing: Option<&Closing>,
    ) -> Result<(), StoreError> {
        self.gate.journal.records(false);
        let recording = self.port.record(target, epoch, changes, closing);
        self.gate.pass(Kind::Record, &[], recording).await?;
        self.gate.journal.records(true);
        Ok(())
    }

    async fn log(&self, target: &Target, request: &LogRequest) -> Result<Page<Record>, StoreError> {
        self.gate.pass(Kind::Log, &[], self.port.log(target, request)).await
    }

    async fn advance(&self, target: &Target, advance: &Advance) -> Result<(), StoreError> {
        let journal = &self.gate.journal;
        journal.advances(advance.mark, target, false);
        let advancing = async {
            self.port.advance(target, advance).await?;
            if (advance.mark, self.gate.machines.get()) == (Mark::Machines, Some(Machines::Nobody)) {
                journal.passes_over(target, advance.to);
            }
            Ok::<_, StoreError>(())
        };
        self.gate.pass(Kind::Advance, &[], advancing).await?;
        journal.advances(advance.mark, target, true);
        Ok(())
    }

    async fn finish(&self, target: &Target, finish: &Finish) -> Result<(), StoreError> {
        self.gate.pass(Kind::Finish, &[], self.port.finish(target, finish)).await
    }

    async fn listen(&self, target: &Target, listens: bool) -> Result<(), StoreError> {
        self.gate.pass(Kind::Listen, &[], self.port.listen(target, listens)).await
    }

    async fn remember(&self, target: &Target, note: &Note) -> Result<(), StoreError> {
        self.gate.pass(Kind::Remember, &[], self.port.remember(target, note)).await
    }
}

impl<T: Publisher> Publisher for Gated<T> {
    async fn alert(&self, alert: &Alert) -> Result<(), PublishError> {
        // A digest is known again by the packs that it is about.
        let packs = alert.notification.packs.iter();
        let contents: Vec<String> =
            packs.map(|pack| format!("alert {}", pack.organization_conformance_pack_name)).take(1).collect();
        let journal = &self.gate.journal;
        journal.publishes(Mark::People, false);
        let publish = async {
            self.port.alert(alert).await?;
            let bodies: Value = serde_json::from_str(&alert.message).unwrap();
            let document = bodies["default"].as_str().unwrap().to_owned();
            Ok::<_, PublishError>(journal.accepts(Mark::People, document))
        };
        let accepted = self.gate.pass(Kind::Alert, &contents, publish).await?;
        journal.answers(accepted);
        journal.publishes(Mark::People, true);
        Ok(())
    }

    fn machines(&self) -> Machines {
        self.gate.machines.get().unwrap_or_else(|| self.port.machines())
    }

    async fn events(&self, events: &[Event]) -> Result<Vec<(usize, PublishError)>, PublishError> {
        let contents: Vec<String> =
            events.iter().map(|event| format!("event {} {}", event.target, event.position)).take(1).collect();
        let journal = &self.gate.journal;
        journal.publishes(Mark::Machines, false);
        let has_texts = |event: &Event| event.message.contains("ErrorMessage");
        let publish = async {
            let refuses = |(index, event): (usize, &Event)| {
                (self.gate.refuses_texts.get() && has_texts(event))
                    .then(|| (index, PublishError::Refused("for its text".to_owned())))
            };
            let mut refused: Vec<_> = events.iter().enumerate().filter_map(refuses).collect();
            let taken =
                (0..events.len()).filter(|index| !refused.iter().any(|(refused, _)| refused == index));
            let taken: Vec<usize> = taken.collect();
            let entries: Vec<Event> = taken.iter().map(|index| events[*index].clone()).collect();
            if !entries.is_empty() {
                let more = self.port.events(&entries).await?;
                refused.extend(more.into_iter().map(|(index, error)| (taken[index], error)));
            }
            let is_refused = |index: &usize| refused.iter().any(|(refused, _)| refused == index);
            let accepted = taken.iter().filter(|index| !is_refused(index));
            let accepts = |index: &usize| journal.accepts(Mark::Machines, events[*index].message.clone());
            Ok::<_, PublishError>((accepted.map(accepts).collect::<Vec<_>>(), refused))
        };
        let (accepted, refused) = self.gate.pass(Kind::Events, &contents, publish).await?;
        accepted.into_iter().for_each(|accepted| journal.answers(accepted));
        if refused.is_empty() {
            journal.publishes(Mark::Machines, true);
        }
        Ok(refused)
    }
}

impl From<Fault> for SourceError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Denied | Fault::Refused => Self::Denied("refused by the plan".to_owned()),
            Fault::Throttled => Self::Throttled("throttled by the plan".to_owned()),
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
            Fault::NoReply => Self::Unavailable("no reply by the plan".to_owned()),
        }
    }
}
