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
    Closing { notice: Some(notice), full_scan_at: Some(77) }
}

fn rows<'a>(chunks: impl IntoIterator<Item = &'a Chunk>) -> Rows {
    let mut rows = BTreeMap::new();
    chunks.into_iter().for_each(|chunk| packed::read_rows(&chunk.data, &mut rows).unwrap());
    rows
}

/// A target on the way: what is recorded of it.
#[derive(Default)]
struct Recorded {
    head: Head,
    chunks: BTreeMap<u32, Chunk>,
    log: Vec<Record>,
}

impl Recorded {
    fn snapshot(&self) -> Snapshot {
        let chunks = self.chunks.iter().map(|(number, chunk)| (*number, chunk.epoch));
        Snapshot { rows: rows(self.chunks.values()), chunks: chunks.collect() }
    }

    fn commit(&mut self, changes: Vec<Change>, closing: Closing) -> Commit {
        let (commit, taken) = self.commit_as_many_as_fit(changes, closing);
        assert_eq!(taken, None);
        commit
    }

    fn commit_as_many_as_fit(
        &mut self,
        changes: Vec<Change>,
        closing: Closing,
    ) -> (Commit, Option<Vec<Change>>) {
        let snapshot = self.snapshot();
        let draft = Draft {
            before: &self.head,
            snapshot: &snapshot,
            changes,
            closing,
            run: "r",
            at: now(),
            expires_at: Timestamp::MAX,
        };
        let (commit, taken) = draft.commit();
        assert!(commit.fits(Some(&self.head).filter(|head| head.epoch > 0)) && !commit.is_too_large());
        assert!(1 + commit.chunks.len() + commit.parts.len() <= 100);
        for part in &commit.parts {
            assert_eq!(part.previous, self.head.log_end);
            self.head.log_end = part.position;
            self.log.extend(packed::read_records(&part.data).unwrap());
        }
        assert_eq!(commit.head.log_end, self.head.log_end);
        self.head = commit.head.clone();
        self.chunks.extend(commit.chunks.iter().map(|chunk| (chunk.number, chunk.clone())));
        let snapshot = self.snapshot();
        assert!(snapshot.is_of(&self.head) && snapshot.rows.len() as u64 == self.head.account_count());
        (commit, taken)
    }
}

#[test]
fn a_head_becomes_what_its_commits_say_and_keeps_the_rest() {
    let mut target = Recorded::default();
    let begun = |head: &Head| (head.baseline_epoch, head.is_deleted(), head.fingerprint.is_some());
    target.commit(all_failed(0..4), closing(PackEvent::Baseline));
    assert_eq!(begun(&target.head), (Some(1), false, true));
    assert_eq!(target.head.accounts, Counts::from([(Status::new("CREATE_FAILED"), 4)]));
    target.head.filters_distrusted_until = Some(99);
    let earlier = Closing { full_scan_at: Some(76), ..Closing::default() };
    target.commit(vec![removal(account(1))], earlier);
    assert_eq!((begun(&target.head), target.head.account_count()), ((Some(1), false, true), 3));
    assert_eq!((target.head.last_full_scan_at, target.head.filters_distrusted_until), (Some(77), Some(99)));
    assert_eq!(target.head.log_end, Position { epoch: 1, part: 2 }, "nothing new is logged");
    let rows: Vec<Change> = target.snapshot().rows.keys().map(|account| removal(*account)).collect();
    target.commit(rows, closing(PackEvent::PackDeleted));
    assert_eq!((begun(&target.head), target.head.account_count()), ((None, true, false), 0));
    target.commit(all_failed(0..2), closing(PackEvent::Baseline));
    assert_eq!(begun(&target.head), (Some(4), false, true));
    assert_eq!(target.log.len(), 4 + 1 + 1 + 3);
}

#[test]
fn the_fingerprints_are_of_the_rows_and_absent_while_an_account_flaps() {
    let mut target = Recorded::default();
    target.commit(all_failed(0..3), closing(PackEvent::Baseline));
    let prints =
        |target: &Recorded| (target.head.fingerprint.clone(), target.head.active_fingerprint.clone());
    let three = prints(&target);
    let states = |target: &Recorded| {
        let rows = target.snapshot().rows;
        let states = rows.iter().map(|(account, row)| (account, &row.state));
        Some(fingerprint::both(states)).unzip()
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
fn a_change_writes_its_chunk_and_a_chunk_without_accounts_stays() {
    let mut target = Recorded::default();
    let all = target.commit(all_failed(0..1_000), closing(PackEvent::Baseline));
    assert!(all.chunks.iter().map(|chunk| chunk.number).eq(0..64));
    assert!(all.chunks.iter().all(|chunk| rows([chunk]).len() < 32), "accounts in a row are spread evenly");
    let one = target.commit(vec![failed(7, "again")], Closing::default());
    assert_eq!((one.chunks.len(), target.head.chunk_epochs), (1, 63 + 2));
    target.chunks.remove(&one.chunks[0].number);
    assert!(!target.snapshot().is_of(&target.head), "an older or a missing chunk is noticed");
    let mut target = Recorded::default();
    target.commit(all_failed(0..1), closing(PackEvent::Baseline));
    target.commit(vec![removal(account(0))], Closing::default());
    assert_eq!((target.chunks.len(), target.head.chunk_epochs), (1, 2));
}

#[test]
fn texts_that_do_not_fit_are_shortened_and_all_changes_are_one_commit() {
    let mut random = fastrand::Rng::with_seed(7);
    for (accounts, length, shown) in [(100, 2_600, 2_600), (300, 2_600, 512), (5_000, 600, 64)] {
        let all: Vec<Change> = (0..accounts).map(|n| failed(n, &noise(&mut random, length))).collect();
        let mut target = Recorded::default();
        target.commit(all.clone(), closing(PackEvent::Baseline));
        let text = |state: &State| state.error_message.clone().unwrap_or_default();
        let whole = all.iter().map(|change| text(&change.row.as_ref().unwrap().state));
        let whole: Vec<String> = whole.map(|text| text.chars().take(shown).collect()).collect();
        let rows = target.snapshot().rows;
        assert!(rows.values().map(|row| text(&row.state)).eq(whole.clone()), "{shown}");
        let logged = target.log.iter().filter_map(Record::transition);
        assert!(logged.map(|record| text(record.to.as_ref().unwrap())).eq(whole), "{shown}");
    }
}

#[test]
fn what_does_not_fit_is_left_and_begins_neither_a_baseline_nor_a_fingerprint() {
    let (mut target, mut changes) = (Recorded::default(), all_failed(0..10_000));
    let mut random = fastrand::Rng::with_seed(7);
    for transition in changes.iter_mut().filter_map(|change| change.transition.as_mut()) {
        transition.incident_id = Some(noise(&mut random, 600));
    }
    let (commit, taken) = target.commit_as_many_as_fit(changes.clone(), closing(PackEvent::Baseline));
    let taken = taken.unwrap();
    assert!(taken.len() == 5_000 && taken.is_sorted_by_key(|change| change.account));
    assert!(commit.chunks.len() <= 33, "chunk by chunk, so that a large pack is not written again each time");
    let head = &target.head;
    assert_eq!((head.baseline_epoch, head.last_full_scan_at, &head.fingerprint), (None, None, &None));
    assert!(!head.is_deleted() && target.log.len() == 5_000, "it is on its way");
    let text = |record: &Record| record.transition()?.to.as_ref()?.error_message.clone();
    assert!(target.log.iter().all(|record| text(record).is_some()), "what fits keeps its texts");
    let recorded = target.snapshot().rows;
    changes.retain(|change| !recorded.contains_key(&change.account));
    target.commit(changes, closing(PackEvent::Baseline));
    assert_eq!((target.head.account_count(), target.log.len()), (10_000, 10_001));
    assert!(target.head.baseline_epoch == Some(2) && target.head.fingerprint.is_some());
}

#[test]
fn a_part_has_300_records_or_more_where_there_are_too_many_parts() {
    let mut target = Recorded::default();
    let parts = |commit: Commit| -> Vec<usize> {
        commit.parts.iter().map(|part| packed::read_records(&part.data).unwrap().len()).collect()
    };
    assert_eq!(parts(target.commit(all_failed(0..301), Closing::default())), [300, 1]);
    let most = parts(target.commit(all_failed(0..20_400), closing(PackEvent::Baseline)));
    assert_eq!(most, [vec![600; 34], vec![1]].concat());
}
