//! What one transaction writes: the head, the chunks of the snapshot that changed, and the new parts of the log. Pure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::account::{Row, Transition};
use super::fingerprint;
use super::head::{Head, counts};
use super::log::{LogPart, Notice, PackEvent, Position};
use super::packed;
use crate::model::AccountId;

/// Most chunks of a snapshot: with the head and 10,000 transitions in parts they fit one transaction.
const MOST_CHUNKS: u32 = 64;

/// Accounts of a chunk, about: a change of one account then writes the least that a transaction writes.
const ACCOUNTS_IN_A_CHUNK: usize = 128;

/// Records of a part of the log: machines get so many between two moves of their cursor.
const RECORDS_IN_A_PART: usize = 300;

/// Most parts of a commit, as long as that keeps them below [`LARGEST_DATA`]: beside all chunks and the head.
const PARTS: usize = 34;

/// Most actions of a transaction ("TransactWriteItems", Amazon DynamoDB API Reference).
const MOST_ACTIONS: usize = 100;

/// Most bytes of a transaction; DynamoDB takes 4 MB, keys and attribute names included.
const MOST_BYTES: usize = 3_500_000;

/// Most bytes of an item's data, before it is zipped; DynamoDB takes 400 KB.
const LARGEST_DATA: usize = 350_000;

/// What each item takes beside its data.
const ITEM: usize = 256;

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
    pub rows: BTreeMap<AccountId, Row>,
    /// The stored chunks, each with the epoch that wrote it.
    pub chunks: BTreeMap<u32, u64>,
}

impl Snapshot {
    /// Whether this is what the head's commit left: a Query is no snapshot of a transaction.
    pub fn is_of(&self, head: &Head) -> bool {
        self.chunks.values().sum::<u64>() == head.chunk_epochs
    }

    /// The rows as some changes leave them.
    pub fn after<'a>(&'a self, changes: &'a [Change]) -> BTreeMap<AccountId, &'a Row> {
        let mut after: BTreeMap<AccountId, &Row> =
            self.rows.iter().map(|(account, row)| (*account, row)).collect();
        for change in changes {
            match &change.row {
                Some(row) => drop(after.insert(change.account, row)),
                None => drop(after.remove(&change.account)),
            }
        }
        after
    }

    /// Makes this what a commit of some changes leaves.
    pub fn apply(&mut self, commit: &Commit, changes: &[Change]) {
        for Change { account, row, .. } in changes {
            match row {
                Some(row) => drop(self.rows.insert(*account, row.clone())),
                None => drop(self.rows.remove(account)),
            }
        }
        self.chunks.retain(|number, _| !commit.dropped.contains(number));
        self.chunks.extend(commit.chunks.iter().map(|chunk| (chunk.number, chunk.epoch)));
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
    /// How many rows it has.
    pub accounts: u64,
    /// The rows, as [`packed`] writes them.
    #[serde(skip)]
    pub data: Vec<u8>,
}

/// Everything that one transaction writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// The head, as it is afterwards.
    pub head: Head,
    /// The chunks that are written.
    pub chunks: Vec<Chunk>,
    /// The chunks that go.
    pub dropped: Vec<u32>,
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
        let items = 1 + self.chunks.len() + self.dropped.len() + self.parts.len();
        let data = self.chunks.iter().map(|chunk| chunk.data.len());
        let bytes: usize = data.chain(self.parts.iter().map(|part| part.data.len())).sum();
        items > MOST_ACTIONS || bytes + items * ITEM > MOST_BYTES
    }
}

/// What goes with the last commit of a comparison.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Closing {
    /// The baseline is complete, or the pack is gone.
    pub event: Option<PackEvent>,
    /// The record of that, where it is one that is logged.
    pub notice: Option<Notice>,
    /// When the full scan began whose result is whole with this.
    pub full_scan_at: Option<i64>,
}

/// What a comparison found, to be committed.
#[derive(Debug)]
pub struct Draft<'a> {
    /// The target as it was loaded; `None`: it has no head yet.
    pub before: Option<&'a Head>,
    /// The id of the history: the head's, or the one that begins.
    pub history_id: &'a str,
    /// What is recorded.
    pub snapshot: &'a Snapshot,
    /// What changes, in the order of the accounts.
    pub changes: Vec<Change>,
    /// What goes with the last of these changes.
    pub closing: Closing,
    /// The run.
    pub run: &'a str,
    /// When it commits.
    pub at: Timestamp,
    /// When the history forgets it.
    pub expires_at: Timestamp,
    /// The period between two reminders in which it was observed: a row may hold a later one, of another clock.
    pub period: u64,
}

impl Draft<'_> {
    /// The epoch of the commit.
    fn epoch(&self) -> u64 {
        self.before.map_or(0, |head| head.epoch).saturating_add(1)
    }

    /// The commit; where not all changes fit a transaction, one of as many as do, and these.
    pub fn commit(mut self) -> (Commit, Option<Vec<Change>>) {
        let mut all = self.commit_of(&self.changes, true, true);
        if all.is_too_large() && !self.snapshot.chunks.is_empty() {
            // Perhaps only since all chunks are written anew.
            all = self.commit_of(&self.changes, true, false);
        }
        if !all.is_too_large() || self.changes.len() < 2 {
            return (all, None);
        }
        // By chunks, so that each commit writes few of them.
        let chunks = all.head.chunks;
        self.changes.sort_by_key(|change| (chunk_of(change.account, chunks), change.account));
        let mut taken = self.changes.len();
        loop {
            taken = taken.div_ceil(2);
            let mut some: Vec<Change> = self.changes.iter().take(taken).cloned().collect();
            some.sort_by_key(|change| change.account);
            let commit = self.commit_of(&some, false, false);
            if taken < 2 || !commit.is_too_large() {
                return (commit, Some(some));
            }
        }
    }

    /// The commit of these changes, whether they are all, and whether the number of chunks may grow, which writes all
    /// of them.
    fn commit_of(&self, changes: &[Change], is_last: bool, grows: bool) -> Commit {
        let epoch = self.epoch();
        let closing = if is_last { self.closing.clone() } else { Closing::default() };
        let after = self.snapshot.after(changes);
        let (count, chunks, dropped) = self.chunks(&after, changes, grows);
        let mut epochs = self.snapshot.chunks.clone();
        epochs.retain(|number, _| !dropped.contains(number));
        epochs.extend(chunks.iter().map(|chunk| (chunk.number, chunk.epoch)));

        let parts = self.parts(changes, closing.notice.as_ref());
        let old = self.before.cloned().unwrap_or_default();
        let (baseline_epoch, deleted_epoch) = match closing.event {
            Some(PackEvent::Baseline) => (Some(epoch), old.deleted_epoch),
            Some(PackEvent::PackDeleted) => (None, Some(epoch)),
            None => (old.baseline_epoch, old.deleted_epoch),
        };
        // Of the rows as this commit leaves them, whatever was read of them: a later scan that reads the same has
        // nothing to compare. That an account has settled follows from the time, which no fingerprint sees; and what is
        // no whole baseline must be scanned until it is.
        let is_settled = baseline_epoch.is_some() && !after.values().any(|row| row.flapping);
        let states = after.iter().map(|(account, row)| (account, &row.state));
        let fingerprints = is_settled.then(|| fingerprint::both(states, self.period));
        let (fingerprint, active_fingerprint) = fingerprints.unzip();
        let head = Head {
            history_id: self.history_id.to_owned(),
            epoch,
            run: self.run.to_owned(),
            committed_at: self.at,
            baseline_epoch,
            deleted_epoch,
            chunks: count,
            chunk_epochs: epochs.values().sum(),
            accounts: counts(after.values().map(|row| &row.state)),
            fingerprint,
            active_fingerprint,
            last_full_scan_at: closing.full_scan_at.max(old.last_full_scan_at),
            filters_distrusted_until: old.filters_distrusted_until,
            log_end: parts.last().map_or(old.log_end, |part| part.position),
        };
        Commit { head, chunks, dropped, parts }
    }

    /// How many chunks there are from now on, those that are written, and those that go.
    fn chunks(
        &self,
        after: &BTreeMap<AccountId, &Row>,
        changes: &[Change],
        grows: bool,
    ) -> (u32, Vec<Chunk>, Vec<u32>) {
        let stored = &self.snapshot.chunks;
        let old = self.before.map_or(1, |head| head.chunks).max(1);
        // More than fit, with those that are still to come; fewer is no reason to write everything anew.
        let coming = self.changes.iter().filter(|change| change.row.is_some());
        let coming = coming.filter(|change| !after.contains_key(&change.account)).count();
        let wanted = wanted_chunks(after.len() + coming);
        let count = match (stored.is_empty(), grows) {
            (true, _) => wanted,
            (false, true) => old.max(wanted),
            (false, false) => old,
        };
        let touched: BTreeSet<u32> = if count == old {
            changes.iter().map(|change| chunk_of(change.account, count)).collect()
        } else {
            (0..count).collect()
        };
        let mut rows: BTreeMap<u32, Vec<(AccountId, &Row)>> = BTreeMap::new();
        for (account, row) in after {
            rows.entry(chunk_of(*account, count)).or_default().push((*account, row));
        }
        let is_empty = |number: &u32| !rows.contains_key(number) && stored.contains_key(number);
        let dropped = touched.iter().copied().filter(is_empty).collect();
        rows.retain(|number, _| touched.contains(number));
        let chunks = rows.into_iter().map(|(number, rows)| Chunk {
            number,
            epoch: self.epoch(),
            accounts: rows.len() as u64,
            data: chunk_data(&rows),
        });
        (count, chunks.collect(), dropped)
    }

    /// The records in parts; that of the pack is a part of its own, the last.
    fn parts(&self, changes: &[Change], notice: Option<&Notice>) -> Vec<LogPart> {
        let records = changes.iter().filter_map(|change| change.transition.as_deref());
        let most = RECORDS_IN_A_PART.max(records.clone().count().div_ceil(PARTS)) as u64;
        let (mut parts, mut text, mut lines) = (Vec::new(), Vec::new(), 0);
        for record in records {
            let before = text.len();
            packed::write_line(&mut text, record);
            if lines == most || (lines > 0 && text.len() > LARGEST_DATA) {
                let line = text.split_off(before);
                parts.push(self.part(parts.last(), &text, lines));
                (text, lines) = (line, 0);
            }
            lines += 1;
        }
        if lines > 0 {
            parts.push(self.part(parts.last(), &text, lines));
        }
        if let Some(notice) = notice {
            text.clear();
            packed::write_line(&mut text, notice);
            parts.push(self.part(parts.last(), &text, 1));
        }
        parts
    }

    fn part(&self, before: Option<&LogPart>, lines: &[u8], changes: u64) -> LogPart {
        let end = self.before.map(|head| head.log_end).unwrap_or_default();
        let number = before.map_or(1, |before| before.position.part + 1);
        LogPart {
            position: Position { epoch: self.epoch(), part: number },
            previous: before.map_or(end, |before| before.position),
            changes,
            data: packed::zipped(lines),
            observed_at: self.at,
            expires_at: self.expires_at,
        }
    }
}

/// How many chunks so many accounts want: a power of two.
fn wanted_chunks(accounts: usize) -> u32 {
    let chunks = accounts.div_ceil(ACCOUNTS_IN_A_CHUNK).next_power_of_two();
    u32::try_from(chunks).unwrap_or(MOST_CHUNKS).min(MOST_CHUNKS)
}

/// The chunk of an account: its id, well mixed (the finalizer of SplitMix64), modulo the number of chunks.
pub fn chunk_of(account: AccountId, chunks: u32) -> u32 {
    let mut hash = account.number();
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^= hash >> 31;
    u32::try_from(hash % u64::from(chunks.max(1))).unwrap_or_default()
}

/// The data of a chunk. Error messages, which are shown and never compared, are shortened where they do not fit.
fn chunk_data(rows: &[(AccountId, &Row)]) -> Vec<u8> {
    let mut data = packed::rows(rows.iter().copied());
    for longest in [512, 64, 0] {
        if data.len() <= LARGEST_DATA {
            break;
        }
        let shorter = |(account, row): &(AccountId, &Row)| {
            let mut row = (*row).clone();
            let message = row.state.error_message.take();
            row.state.error_message = message
                .map(|message| message.chars().take(longest).collect())
                .filter(|m: &String| !m.is_empty());
            (*account, row)
        };
        let shorter: Vec<(AccountId, Row)> = rows.iter().map(shorter).collect();
        data = packed::rows(shorter.iter().map(|(account, row)| (*account, row)));
    }
    data
}

#[cfg(test)]
mod tests;
