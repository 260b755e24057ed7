//! The snapshot store as a model: maps behind a mutex. What the contract says, and nothing else.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use packwatch::model::{AccountId, Row, Target, Transition};
use packwatch::ports::{SnapshotStore, StoreError};
use packwatch::silence::{Silence, Silences};
use packwatch::snapshot::{Change, Claim, Commit, Head, Heads};

type Log = BTreeMap<(u64, AccountId), Transition>;

#[derive(Debug, Clone, Default)]
pub(crate) struct MemoryStore(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    heads: BTreeMap<Target, Head>,
    rows: BTreeMap<Target, BTreeMap<AccountId, Row>>,
    transitions: BTreeMap<Target, Log>,
    silences: BTreeMap<String, Silence>,
}

impl State {
    fn fenced(&mut self, target: &Target, epoch: u64) -> Result<&mut Head, StoreError> {
        self.heads.get_mut(target).filter(|head| head.epoch == epoch).ok_or(StoreError::Superseded)
    }
}

impl SnapshotStore for MemoryStore {
    async fn load(&self) -> Result<Heads, StoreError> {
        let state = self.0.lock().unwrap();
        let silences = Silences(state.silences.values().cloned().collect());
        Ok(Heads { known: state.heads.clone(), silences, ..Heads::default() })
    }

    async fn claim(&self, target: &Target, claim: &Claim) -> Result<(), StoreError> {
        let mut state = self.0.lock().unwrap();
        let head = match state.heads.get(target) {
            None if claim.seen == 0 => claim.first_head(),
            Some(head) if head.epoch == claim.seen => {
                Head { epoch: claim.epoch(), fingerprint: None, ..head.clone() }
            }
            _ => return Err(StoreError::Superseded),
        };
        state.heads.insert(target.clone(), head);
        Ok(())
    }

    async fn rows(&self, target: &Target) -> Result<BTreeMap<AccountId, Row>, StoreError> {
        Ok(self.0.lock().unwrap().rows.get(target).cloned().unwrap_or_default())
    }

    async fn record(&self, target: &Target, epoch: u64, changes: &[Change]) -> Result<(), StoreError> {
        let mut state = self.0.lock().unwrap();
        state.fenced(target, epoch)?;
        for change in changes {
            let rows = state.rows.entry(target.clone()).or_default();
            match &change.row {
                Some(row) => drop(rows.insert(change.account, row.clone())),
                None => drop(rows.remove(&change.account)),
            }
            if let Some(transition) = &change.transition {
                let key = (transition.epoch, transition.account);
                state.transitions.entry(target.clone()).or_default().insert(key, transition.clone());
            }
        }
        Ok(())
    }

    async fn transitions(&self, target: &Target, after: u64) -> Result<Vec<Transition>, StoreError> {
        let state = self.0.lock().unwrap();
        let log = state.transitions.get(target).into_iter().flatten();
        Ok(log.filter(|((epoch, _), _)| *epoch > after).map(|(_, transition)| transition.clone()).collect())
    }

    async fn silence(&self, silence: &Silence) -> Result<(), StoreError> {
        self.0.lock().unwrap().silences.insert(silence.id.clone(), silence.clone());
        Ok(())
    }

    async fn unsilence(&self, id: &str) -> Result<bool, StoreError> {
        Ok(self.0.lock().unwrap().silences.remove(id).is_some())
    }

    async fn commit(&self, target: &Target, commit: &Commit) -> Result<(), StoreError> {
        let mut state = self.0.lock().unwrap();
        let head = state.fenced(target, commit.epoch)?;
        *head = commit.applied_to(head);
        Ok(())
    }
}
