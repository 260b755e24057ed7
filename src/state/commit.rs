//! What one transaction writes: the head, the chunks of the snapshot that changed, and the new parts of the log. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::account::{Row, Rows, State, Transition};
use super::fingerprint;
use super::head::{Head, counts};
use super::log::{LogPart, Notice, PackEvent, Position};
use super::packed;
use crate::model::AccountId;

/// Chunks of a snapshot: one change writes few rows, and with the head and the parts all of them fit one transaction.
const CHUNKS: u32 = 64;

/// Records of a part of the log: machines get so many between two moves of their cursor.
const RECORDS_IN_A_PART: usize = 300;

/// Most parts of a commit, beside that of the pack: a transaction has 100 actions ("TransactWriteItems", Amazon DynamoDB
/// API Reference).
const MOST_PARTS: usize = 34;

/// Most bytes of a transaction; DynamoDB takes 4 MB, keys and attribute names included.
const MOST_BYTES: usize = 3_500_000;

/// Most bytes of an item's data; DynamoDB takes 400 KB.
const LARGEST_DATA: usize = 390_000;

/// What becomes of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The account.
    pub account: AccountId,
    /// Its new row; `None` removes it.
    pub row: Option<Row>,
    /// The record of it, where it is one that is logged.
    pub transition: Option<Box<Transition>>,
}

/// The recorded states of all accounts of a target.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The row of each account.
    pub rows: Rows,
    /// The stored chunks, each with the epoch that wrote it.
    pub chunks: BTreeMap<u32, u64>,
}

impl Snapshot {
    /// Whether this is what the head's commit left: a Query is no snapshot of a transaction.
    pub fn is_of(&self, head: &Head) -> bool {
        self.chunks.values().sum::<u64>() == head.chunk_epochs
    }

    /// How many rows some changes leave.
    pub fn size_after(&self, changes: &[Change]) -> usize {
        let joined = |change: &&Change| change.row.is_some() && !self.rows.contains_key(&change.account);
        let left = changes.iter().filter(|change| change.row.is_none()).count();
        self.rows.len() + changes.iter().filter(joined).count() - left
    }

    /// The rows as some changes leave them.
    pub fn after<'a>(&'a self, changes: &'a [Change]) -> BTreeMap<AccountId, &'a Row> {
        let mut after: BTreeMap<AccountId, &Row> =
            self.rows.iter().map(|(account, row)| (*account, &**row)).collect();
        for change in changes {
            match &change.row {
                Some(row) => drop(after.insert(change.account, row)),
                None => drop(after.remove(&change.account)),
            }
        }
        after
    }
}

/// A chunk of the snapshot, as it is stored: its number is its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// Its number.
    #[serde(skip)]
    pub number: u32,
    /// The epoch that wrote it.
    pub epoch: u64,
    /// The rows, as [`packed`] writes them.
    #[serde(skip)]
    pub data: Vec<u8>,
}

/// Everything that one transaction writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// The head, as it is afterwards.
    pub head: Head,
    /// The chunks that are written. None is ever deleted, so that the sum of their epochs only grows.
    pub chunks: Vec<Chunk>,
    /// The new parts of the log.
    pub parts: Vec<LogPart>,
}

impl Commit {
    /// The condition: nothing was committed since the head was loaded.
    pub fn fits(&self, head: Option<&Head>) -> bool {
        match head {
            None => self.head.epoch == 1,
            Some(head) => {
                head.epoch.checked_add(1) == Some(self.head.epoch) && head.history_id == self.head.history_id
            }
        }
    }

    fn is_too_large(&self) -> bool {
        let chunks = self.chunks.iter().map(|chunk| chunk.data.len());
        let sizes = chunks.chain(self.parts.iter().map(|part| part.data.len()));
        sizes.clone().any(|size| size > LARGEST_DATA) || sizes.sum::<usize>() > MOST_BYTES
    }
}

/// What goes with the changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Closing {
    /// The record that the pack is watched from now on, or gone.
    pub notice: Option<Notice>,
    /// When the full scan began whose result is whole with this.
    pub full_scan_at: Option<i64>,
}

/// What a comparison found, to be committed.
#[derive(Debug)]
pub struct Draft<'a> {
    /// The head as it was loaded; of a history that begins, its id alone.
    pub before: &'a Head,
    /// What is recorded.
    pub snapshot: &'a Snapshot,
    /// What changes, in the order of the accounts.
    pub changes: Vec<Change>,
    /// What goes with them.
    pub closing: Closing,
    /// The run.
    pub run: &'a str,
    /// When it commits.
    pub at: Timestamp,
    /// When the history forgets it.
    pub expires_at: Timestamp,
}

impl Draft<'_> {
    /// The epoch of the commit.
    fn epoch(&self) -> u64 {
        self.before.epoch.saturating_add(1)
    }

    /// The commit; where not all changes fit, one of as many as do, and these. Before that, error messages are
    /// shortened, which are shown and never compared.
    pub fn commit(&self) -> (Commit, Option<Vec<Change>>) {
        let all = self.fullest(&self.changes, &self.closing);
        if !all.is_too_large() {
            return (all, None);
        }
        // By chunks, so that few of them are written.
        let mut taken = self.changes.clone();
        taken.sort_by_key(|change| chunk_of(change.account));
        loop {
            taken.truncate(taken.len().div_ceil(2));
            let mut some = taken.clone();
            some.sort_by_key(|change| change.account);
            let mut commit = self.fullest(&some, &Closing::default());
            if some.len() < 2 || !commit.is_too_large() {
                // It is not what was observed: the next run must compare.
                (commit.head.fingerprint, commit.head.active_fingerprint) = (None, None);
                return (commit, Some(some));
            }
        }
    }

    /// The commit of these changes with as much of their texts as fits.
    fn fullest(&self, changes: &[Change], closing: &Closing) -> Commit {
        let mut commit = self.commit_of(self.snapshot, changes, closing);
        for longest in [512, 64, 0] {
            if !commit.is_too_large() {
                break;
            }
            let (mut snapshot, mut changes) = (self.snapshot.clone(), changes.to_vec());
            snapshot.rows.values_mut().for_each(|row| shorten(&mut row.state, longest));
            for Change { row, transition, .. } in &mut changes {
                row.iter_mut().for_each(|row| shorten(&mut row.state, longest));
                let states = transition.iter_mut().flat_map(|record| [&mut record.from, &mut record.to]);
                states.flatten().for_each(|state| shorten(state, longest));
            }
            commit = self.commit_of(&snapshot, &changes, closing);
        }
        commit
    }

    fn commit_of(&self, snapshot: &Snapshot, changes: &[Change], closing: &Closing) -> Commit {
        let epoch = self.epoch();
        let after = snapshot.after(changes);
        let chunks = self.chunks(&after, changes);
        let is_kept = |number: &u32| chunks.iter().all(|chunk| chunk.number != *number);
        let kept = snapshot.chunks.iter().filter(|(number, _)| is_kept(number)).map(|(_, epoch)| epoch);

        let parts = self.parts(changes, closing.notice.as_ref());
        let old = self.before;
        let baseline_epoch = match closing.notice.as_ref().map(|notice| notice.event) {
            Some(PackEvent::Baseline) => Some(epoch),
            Some(PackEvent::PackDeleted) => None,
            None => old.baseline_epoch,
        };
        // Of the rows as this commit leaves them, whatever was read of them: a later scan that reads the same has
        // nothing to compare. That an account has settled follows from the time, which no fingerprint sees.
        let is_settled = baseline_epoch.is_some() && !after.values().any(|row| row.flapping);
        let states = after.iter().map(|(account, row)| (account, &row.state));
        let fingerprints = is_settled.then(|| fingerprint::both(states));
        let (fingerprint, active_fingerprint) = fingerprints.unzip();
        let head = Head {
            history_id: old.history_id.clone(),
            epoch,
            run: self.run.to_owned(),
            committed_at: self.at,
            baseline_epoch,
            chunk_epochs: kept.chain(chunks.iter().map(|chunk| &chunk.epoch)).sum(),
            accounts: counts(after.values().map(|row| &row.state)),
            fingerprint,
            active_fingerprint,
            last_full_scan_at: closing.full_scan_at.max(old.last_full_scan_at),
            filters_distrusted_until: old.filters_distrusted_until,
            log_end: parts.last().map_or(old.log_end, |part| part.position),
        };
        Commit { head, chunks, parts }
    }

    /// The chunks of the accounts that change.
    fn chunks(&self, after: &BTreeMap<AccountId, &Row>, changes: &[Change]) -> Vec<Chunk> {
        let touched = changes.iter().map(|change| (chunk_of(change.account), Vec::new()));
        let mut chunks: BTreeMap<u32, Vec<(AccountId, &Row)>> = touched.collect();
        for (account, row) in after {
            if let Some(rows) = chunks.get_mut(&chunk_of(*account)) {
                rows.push((*account, row));
            }
        }
        let chunks = chunks.into_iter().map(|(number, rows)| Chunk {
            number,
            epoch: self.epoch(),
            data: packed::rows(rows),
        });
        chunks.collect()
    }

    /// The records in parts; that of the pack is a part of its own, the last.
    fn parts(&self, changes: &[Change], notice: Option<&Notice>) -> Vec<LogPart> {
        let records: Vec<&Transition> =
            changes.iter().filter_map(|change| change.transition.as_deref()).collect();
        let most = RECORDS_IN_A_PART.max(records.len().div_ceil(MOST_PARTS));
        let mut parts = Vec::new();
        for records in records.chunks(most) {
            parts.push(self.part(parts.last(), &packed::lines(records)));
        }
        parts.extend(notice.map(|notice| self.part(parts.last(), &packed::lines([notice]))));
        parts
    }

    fn part(&self, before: Option<&LogPart>, lines: &[u8]) -> LogPart {
        let number = before.map_or(1, |before| before.position.part + 1);
        LogPart {
            position: Position { epoch: self.epoch(), part: number },
            previous: before.map_or(self.before.log_end, |before| before.position),
            data: packed::zipped(lines),
            observed_at: self.at,
            expires_at: self.expires_at,
        }
    }
}

/// The chunk of an account: its id, well mixed (the finalizer of SplitMix64), modulo the number of chunks.
fn chunk_of(account: AccountId) -> u32 {
    let mut hash = account.number();
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^= hash >> 31;
    u32::try_from(hash % u64::from(CHUNKS)).unwrap_or_default()
}

fn shorten(state: &mut State, longest: usize) {
    let message = state.error_message.take().map(|message| message.chars().take(longest).collect());
    state.error_message = message.filter(|message: &String| !message.is_empty());
}

#[cfg(test)]
mod tests;
