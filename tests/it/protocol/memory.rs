//! The snapshot store as a model: maps behind a mutex. What the contract says, and nothing else.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use packwatch::model::{AccountId, Target};

use packwatch::ports::{HistoryReader, HistoryRequest, Order, Page, SilenceStore, SnapshotStore, StoreError};
use packwatch::state::heads::{Change, Claim, Commit, Head, Heads};
use packwatch::state::silence::{Silence, Silences};
use packwatch::state::{Row, Transition};

type Log = BTreeMap<(u64, AccountId), Transition>;

#[derive(Debug, Clone, Default)]
pub(crate) struct MemoryStore(Arc<Mutex<State>>);

#[derive(Debug, Clone, Default)]
struct State {
    heads: BTreeMap<Target, Head>,
    rows: BTreeMap<Target, BTreeMap<AccountId, Row>>,
    transitions: BTreeMap<Target, Log>,
    commits: Vec<Committed>,
    silences: BTreeMap<String, Silence>,
}

/// A commit that was applied, with the rows as they were then.
#[derive(Debug, Clone)]
pub(crate) struct Committed {
    pub(crate) target: Target,
    pub(crate) commit: Commit,
    pub(crate) rows: BTreeMap<AccountId, Row>,
}

/// What a test sees of the store, past the port.
impl MemoryStore {
    pub(crate) fn heads(&self) -> BTreeMap<Target, Head> {
        self.0.lock().unwrap().heads.clone()
    }

    pub(crate) fn rows_of(&self, target: &Target) -> BTreeMap<AccountId, Row> {
        self.0.lock().unwrap().rows.get(target).cloned().unwrap_or_default()
    }

    /// Every transition of a target, in order of epoch and account.
    pub(crate) fn log_of(&self, target: &Target) -> Vec<Transition> {
        let state = self.0.lock().unwrap();
        state.transitions.get(target).into_iter().flat_map(BTreeMap::values).cloned().collect()
    }

    /// A copy of what another store holds; its commits are those of the copies before, and this one.
    pub(crate) async fn copy(store: &impl SnapshotStore, before: &Self) -> Self {
        let heads = store.load().await.unwrap().known;
        let mut state = State { commits: before.commits(), ..State::default() };
        for (target, head) in &heads {
            let rows = store.rows(target).await.unwrap();
            let commit = Commit {
                epoch: head.epoch,
                announced: head.announced,
                events_announced: head.events_announced,
                fingerprint: head.fingerprint.clone(),
                deleted: head.deleted,
                accounts: head.accounts.clone(),
                at: head.committed_at.unwrap(),
            };
            state.commits.push(Committed { target: target.clone(), commit, rows: rows.clone() });
            state.rows.insert(target.clone(), rows);
            let log = store.transitions(target, 0).await.unwrap().into_iter();
            state.transitions.insert(target.clone(), log.map(|t| ((t.epoch, t.account), t)).collect());
        }
        state.heads = heads;
        Self(Arc::new(Mutex::new(state)))
    }

    /// Every commit so far, in order.
    pub(crate) fn commits(&self) -> Vec<Committed> {
        self.0.lock().unwrap().commits.clone()
    }

    /// The same again, to go another way from here.
    pub(crate) fn fork(&self) -> Self {
        Self(Arc::new(Mutex::new(self.0.lock().unwrap().clone())))
    }

    /// Changes a head in a way that the port does not offer.
    pub(crate) fn edit_head(&self, target: &Target, edit: impl FnOnce(&mut Head)) {
        if let Some(head) = self.0.lock().unwrap().heads.get_mut(target) {
            edit(head);
        }
    }

    /// All that it holds, in one number.
    pub(crate) fn digest(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        format!("{:?}", self.0.lock().unwrap()).hash(&mut hasher);
        hasher.finish()
    }
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
            Some(head) if claim.saw(head) => Head { epoch: claim.epoch(), fingerprint: None, ..head.clone() },
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
                state.transitions.entry(target.clone()).or_default().insert(key, (**transition).clone());
            }
        }
        Ok(())
    }

    async fn transitions(&self, target: &Target, after: u64) -> Result<Vec<Transition>, StoreError> {
        let state = self.0.lock().unwrap();
        let log = state.transitions.get(target).into_iter().flatten();
        Ok(log.filter(|((epoch, _), _)| *epoch > after).map(|(_, transition)| transition.clone()).collect())
    }

    async fn commit(&self, target: &Target, commit: &Commit) -> Result<(), StoreError> {
        let mut state = self.0.lock().unwrap();
        let head = state.fenced(target, commit.epoch)?;
        *head = commit.applied_to(head);
        let rows = state.rows.get(target).cloned().unwrap_or_default();
        state.commits.push(Committed { target: target.clone(), commit: commit.clone(), rows });
        Ok(())
    }
}

impl HistoryReader for MemoryStore {
    async fn history(
        &self,
        target: &Target,
        request: &HistoryRequest,
    ) -> Result<Page<Transition>, StoreError> {
        let mut log = self.log_of(target);
        if request.order == Order::Newest {
            log.reverse();
        }
        let start: usize = request.token.as_ref().map_or(0, |token| token.parse().unwrap());
        let end = log.len().min(start + request.limit as usize);
        let next_token = (end < log.len()).then(|| end.to_string());
        Ok(Page { items: log[start..end].to_vec(), next_token })
    }
}

impl SilenceStore for MemoryStore {
    async fn silence(&self, silence: &Silence) -> Result<(), StoreError> {
        self.0.lock().unwrap().silences.insert(silence.id.clone(), silence.clone());
        Ok(())
    }

    async fn unsilence(&self, id: &str) -> Result<bool, StoreError> {
        Ok(self.0.lock().unwrap().silences.remove(id).is_some())
    }
}
