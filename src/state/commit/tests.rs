use super::*;
use crate::model::{Kind, Status};
use crate::state::State;
use crate::state::head::Counts;
use crate::state::log::Record;

fn now() -> Timestamp {
    "2026-11-20T10:00:00Z".parse().unwrap()
}

fn account(n: u64) -> AccountId {
    format!("{n:012}").parse().unwrap()
}

/// An account that failed, with this to say.
fn failed(n: u64, message: &str) -> Change {
    let state = State { error_message: Some(message.to_owned()), ..State::of(Status::new("CREATE_FAILED")) };
    let transition = Transition {
        account: account(n),
        epoch: 1,
        kind: Kind::Failed,
        from: Some(State::of(Status::new("CREATE_SUCCESSFUL"))),
        to: Some(state.clone()),
        failing_since: Some(now()),
        observed_at: now(),
        silenced: false,
        flapping: None,
        damped: false,
        incident_id: Some(format!("{n:032x}")),
        baseline: false,
        notify: true,
    };
    let row = Row { state, failing_since: Some(now()), ..Row::default() };
    Change { account: account(n), row: Some(row), transition: Some(Box::new(transition)) }
}

fn removal(account: AccountId) -> Change {
    Change { account, row: None, transition: None }
}

fn all_failed(accounts: std::ops::Range<u64>) -> Vec<Change> {
    accounts.map(|n| failed(n, "it went wrong")).collect()
}

/// Text that hardly gets smaller when it is zipped.
fn noise(random: &mut fastrand::Rng, length: usize) -> String {
    std::iter::repeat_with(|| random.alphanumeric()).take(length).collect()
}

fn closing(event: PackEvent) -> Closing {
    let notice =
        Notice { event, epoch: 1, accounts: 3, created_again: false, observed_at: now(), notify: true };
    Closing { event: Some(event), notice: Some(notice), full_scan_at: Some(77) }
}

/// A target on the way: what is recorded of it.
#[derive(Default)]
struct Recorded {
    head: Option<Head>,
    snapshot: Snapshot,
    commits: Vec<Commit>,
}

impl Recorded {
    fn draft(&self, changes: Vec<Change>, closing: Closing) -> Draft<'_> {
        Draft {
            before: self.head.as_ref(),
            history_id: "h",
            snapshot: &self.snapshot,
            changes,
            closing,
            run: "r",
            at: now(),
            expires_at: Timestamp::MAX,
            period: 0,
        }
    }

    /// Commits these changes, in as many commits as it takes, and says in how many.
    fn commit(&mut self, changes: Vec<Change>, closing: Closing) -> usize {
        let mut left = changes;
        for n in 1.. {
            let (commit, taken) = self.draft(left.clone(), closing.clone()).commit();
            assert!(commit.fits(self.head.as_ref()) && fits_dynamodb(&commit));
            let taken_now = taken.as_ref().unwrap_or(&left);
            assert!(taken_now.is_sorted_by_key(|change| change.account), "in the order of the log");
            self.snapshot.apply(&commit, taken_now);
            assert!(self.snapshot.is_of(&commit.head), "{:?}", commit.head);
            self.head = Some(commit.head.clone());
            self.commits.push(commit);
            let Some(taken) = taken else { return n };
            let taken: BTreeSet<AccountId> = taken.iter().map(|change| change.account).collect();
            left.retain(|change| !taken.contains(&change.account));
        }
        unreachable!()
    }

    fn head(&self) -> &Head {
        self.head.as_ref().unwrap()
    }

    fn last(&self) -> &Commit {
        self.commits.last().unwrap()
    }

    /// What all commits left in the chunks, and the numbers of those.
    fn stored(&self) -> (BTreeMap<AccountId, Row>, Vec<u32>) {
        let mut chunks: BTreeMap<u32, &Chunk> = BTreeMap::new();
        for commit in &self.commits {
            chunks.retain(|number, _| !commit.dropped.contains(number));
            chunks.extend(commit.chunks.iter().map(|chunk| (chunk.number, chunk)));
        }
        let rows = |chunk: &&Chunk| {
            let rows = packed::read_rows(&chunk.data).unwrap();
            assert_eq!(rows.len() as u64, chunk.accounts);
            rows
        };
        (chunks.values().flat_map(rows).collect(), chunks.into_keys().collect())
    }

    /// All records, whose parts must be one chain.
    fn log(&self) -> Vec<Record> {
        let mut end = Position::START;
        let mut log = Vec::new();
        for part in self.commits.iter().flat_map(|commit| &commit.parts) {
            assert!(part.previous == end && part.position > end, "{part:?} follows {end}");
            let records = packed::read_records(&part.data).unwrap();
            assert_eq!(records.len() as u64, part.changes);
            (end, log) = (part.position, [log, records].concat());
        }
        assert_eq!(self.head().log_end, end);
        log
    }
}

fn fits_dynamodb(commit: &Commit) -> bool {
    let items = 1 + commit.chunks.len() + commit.dropped.len() + commit.parts.len();
    let data =
        commit.chunks.iter().map(|chunk| &chunk.data).chain(commit.parts.iter().map(|part| &part.data));
    let sizes: Vec<usize> = data.map(Vec::len).collect();
    // A transaction has one action for each item.
    assert!(commit.chunks.iter().all(|chunk| !commit.dropped.contains(&chunk.number)), "{commit:?}");
    items <= 100 && sizes.iter().all(|size| *size < 390_000) && sizes.iter().sum::<usize>() < 3_500_000
}

#[test]
fn a_head_becomes_what_its_commits_say_and_keeps_the_rest() {
    let mut target = Recorded::default();
    let events = |head: &Head| (head.baseline_epoch, head.deleted_epoch, head.fingerprint.is_some());
    target.commit(all_failed(0..3), Closing::default());
    assert_eq!(events(target.head()), (None, None, false), "what is no whole baseline must be scanned again");
    target.commit(all_failed(3..4), closing(PackEvent::Baseline));
    assert_eq!(events(target.head()), (Some(2), None, true));
    assert_eq!(target.head().accounts, Counts::from([(Status::new("CREATE_FAILED"), 4)]));
    target.head.as_mut().unwrap().filters_distrusted_until = Some(99);
    let earlier = Closing { full_scan_at: Some(76), ..Closing::default() };
    target.commit(vec![removal(account(1))], earlier);
    let head = target.head();
    assert_eq!((events(head), head.account_count()), ((Some(2), None, true), 3));
    assert_eq!((head.last_full_scan_at, head.filters_distrusted_until), (Some(77), Some(99)));
    assert_eq!(head.log_end, Position { epoch: 2, part: 2 }, "nothing new is logged");
    let rows: Vec<Change> = target.snapshot.rows.keys().map(|account| removal(*account)).collect();
    target.commit(rows, closing(PackEvent::PackDeleted));
    assert_eq!(events(target.head()), (None, Some(4), false));
    assert!(target.head().is_deleted() && target.head().account_count() == 0);
    assert_eq!((target.stored(), target.head().chunk_epochs), ((BTreeMap::new(), Vec::new()), 0));
    target.commit(all_failed(0..2), closing(PackEvent::Baseline));
    assert_eq!(events(target.head()), (Some(5), Some(4), true));
    assert_eq!(target.log().len(), 4 + 1 + 1 + 3);
}

#[test]
fn the_fingerprints_are_of_the_rows_and_absent_while_an_account_flaps() {
    let mut target = Recorded::default();
    target.commit(all_failed(0..3), closing(PackEvent::Baseline));
    let prints =
        |target: &Recorded| (target.head().fingerprint.clone(), target.head().active_fingerprint.clone());
    let three = prints(&target);
    let states = |target: &Recorded| {
        let states = target.snapshot.rows.iter().map(|(account, row)| (account, &row.state));
        Some(fingerprint::both(states, 0)).unzip()
    };
    assert_eq!(three, states(&target));
    let healthy = |n, flapping| {
        let state = State::of(Status::new("CREATE_SUCCESSFUL"));
        let row = Row { state, flapping, ..Row::default() };
        Change { account: account(n), row: Some(row), transition: None }
    };
    target.commit(vec![healthy(3, true)], Closing::default());
    assert_eq!(prints(&target), (None, None));
    target.commit(vec![healthy(3, false)], Closing::default());
    assert_eq!(prints(&target), states(&target));
    assert!(
        prints(&target).0 != three.0 && prints(&target).1 == three.1,
        "of the active ones there are three"
    );
}

#[test]
fn one_change_writes_one_chunk_and_chunks_grow_only_forward() {
    let mut target = Recorded::default();
    target.commit(all_failed(0..256), closing(PackEvent::Baseline));
    assert_eq!((target.head().chunks, target.last().chunks.len()), (2, 2));
    target.commit(vec![failed(7, "again")], Closing::default());
    let [written] = target.last().chunks.as_slice() else { panic!("{:?}", target.last()) };
    assert_eq!(written.number, chunk_of(account(7), 2));
    assert_eq!(target.head().chunk_epochs, 1 + 2);
    target.commit(all_failed(256..257), Closing::default());
    assert_eq!(
        (target.head().chunks, target.last().chunks.len()),
        (4, 4),
        "all are written, for one account"
    );
    let gone: Vec<Change> = (20..257).map(|n| removal(account(n))).collect();
    target.commit(gone, Closing::default());
    assert_eq!(target.head().chunks, 4, "fewer accounts are no reason to write everything anew");
    let rest: Vec<Change> =
        (0..20).filter(|n| chunk_of(account(*n), 4) == 3).map(|n| removal(account(n))).collect();
    target.commit(rest, Closing::default());
    assert_eq!(target.last().dropped, [3]);
    let (rows, chunks) = target.stored();
    assert_eq!((&rows, chunks), (&target.snapshot.rows, vec![0, 1, 2]));
    let torn = Snapshot { chunks: BTreeMap::from([(0, 1), (1, 4), (2, 4)]), ..Snapshot::default() };
    assert!(!torn.is_of(target.head()), "an older chunk is noticed");
}

/// A first baseline and a later change, each beyond what one transaction takes: the first writes each chunk once and
/// not everything again as it grows, the second neither grows nor ends before its last commit.
#[test]
fn what_is_too_large_is_split_and_leaves_what_one_commit_would() {
    let mut random = fastrand::Rng::with_seed(7);
    let first: Vec<Change> = (0..950).map(|n| failed(n, &noise(&mut random, 2_600))).collect();
    let mut target = Recorded::default();
    let commits = target.commit(first.clone(), closing(PackEvent::Baseline));
    assert!((2..10).contains(&commits), "{commits}");
    assert!(target.commits.iter().all(|commit| commit.head.chunks == 8));
    let written: usize = target.commits.iter().map(|commit| commit.chunks.len()).sum();
    assert!(written < 8 + commits, "a chunk is written twice only where a commit ended within it: {written}");
    let events = |commit: &Commit| (commit.head.baseline_epoch, commit.head.last_full_scan_at);
    let (last, before) = target.commits.split_last().unwrap();
    assert!(before.iter().all(|commit| events(commit) == (None, None)));
    assert_eq!(events(last), (Some(commits as u64), Some(77)));
    let rows = |changes: &[Change]| -> BTreeMap<AccountId, Row> {
        changes.iter().filter_map(|change| Some((change.account, change.row.clone()?))).collect()
    };
    assert!(target.stored().0 == rows(&first) && target.snapshot.rows.len() == 950);
    let log: BTreeSet<AccountId> = target
        .log()
        .into_iter()
        .filter_map(|record| record.transition().cloned())
        .map(|t| t.account)
        .collect();
    assert_eq!((log.len(), target.log().len()), (950, 951));

    let begun = target.commits.len();
    let left = (0..950).map(|n| Change { row: None, ..failed(n, &noise(&mut random, 5_500)) }).collect();
    let commits = target.commit(left, closing(PackEvent::PackDeleted));
    let (last, before) = target.commits.split_last().unwrap();
    assert!(before.iter().all(|commit| commit.head.deleted_epoch.is_none()));
    assert!(last.head.is_deleted() && target.stored().0.is_empty(), "{begun} and {commits} commits");
}

#[test]
fn a_text_that_does_not_fit_is_shortened_in_the_row_and_not_in_the_log() {
    let mut random = fastrand::Rng::with_seed(7);
    let long: Vec<Change> = (0..100).map(|n| failed(n, &noise(&mut random, 6_000))).collect();
    let mut target = Recorded::default();
    assert_eq!(target.commit(long.clone(), closing(PackEvent::Baseline)), 1);
    let stored = target.stored().0;
    let message = |row: &Row| row.state.error_message.clone().unwrap();
    for (stored, change) in stored.values().zip(&long) {
        let (stored, whole) = (message(stored), message(change.row.as_ref().unwrap()));
        assert!(stored.chars().count() == 512 && whole.starts_with(&stored));
    }
    let texts = target
        .log()
        .into_iter()
        .filter_map(|record| record.transition().cloned())
        .map(|t| t.to.unwrap().error_message.unwrap());
    assert!(texts.eq(long.iter().map(|change| message(change.row.as_ref().unwrap()))));
    assert!(target.last().parts.len() > 2, "a part ends before it is too large");
    let mut target = Recorded::default();
    target.commit(all_failed(0..301), Closing::default());
    let records: Vec<u64> = target.last().parts.iter().map(|part| part.changes).collect();
    assert_eq!(records, [300, 1]);
}
