//! Commits, and the snapshots that they leave.

use packwatch::ports::StoreError;
use packwatch::state::commit::{Change, Closing, Commit, Snapshot};
use packwatch::state::head::{Head, Heads};
use packwatch::state::log::{LogPart, PackEvent, Position, Record};
use packwatch::state::packed;

use super::{Store, account, change, closing, head, removal, target};
use crate::harness::commits::{commit, commit_of};
use crate::protocol::memory::whole_log;

pub(super) async fn a_first_commit_makes_the_head(store: &impl Store) {
    let target = target("P");
    assert_eq!(store.load().await, Ok(Heads::default()));
    let first = commit_of(None, &Snapshot::default(), vec![change(1, 1)], closing(PackEvent::Baseline, 1));
    store.commit(&target, &first).await.unwrap();
    assert_eq!(first.head.log_end, Position { epoch: 1, part: 2 });
    assert_eq!(head(store, &target).await, first.head);
}

/// Another run's commit of one change.
fn rival(before: Option<&Head>, snapshot: &Snapshot, n: u64) -> Commit {
    let mut commit = commit_of(before, snapshot, vec![change(n, 1)], Closing::default());
    commit.head.run = format!("rival-{n}");
    commit
}

pub(super) async fn a_commit_needs_the_epoch_and_the_history_that_were_loaded(store: &impl Store) {
    let (target, nothing) = (target("P"), Snapshot::default());
    let superseded = Err(StoreError::Superseded);
    let first = commit(store, &target, vec![change(1, 1)], Closing::default()).await.unwrap();
    assert_eq!(store.commit(&target, &rival(None, &nothing, 2)).await, superseded, "there is a head");
    let second = commit(store, &target, vec![change(1, 2)], Closing::default()).await.unwrap();
    assert_eq!(store.commit(&target, &rival(Some(&first), &nothing, 3)).await, superseded, "an older one");
    let ahead = Head { epoch: 3, ..second.clone() };
    assert_eq!(store.commit(&target, &rival(Some(&ahead), &nothing, 4)).await, superseded, "one to come");
    let other = Head { history_id: "other".to_owned(), ..second.clone() };
    let mut of_other = rival(Some(&other), &nothing, 5);
    of_other.head.history_id = "other".to_owned();
    assert_eq!(store.commit(&target, &of_other).await, superseded, "of a table that was lost");
    assert_eq!(head(store, &target).await, second);
    store.commit(&target, &rival(Some(&second), &nothing, 6)).await.unwrap();
    assert_eq!(head(store, &target).await.run, "rival-6");
    let unborn = store.commit(&super::target("New"), &rival(Some(&second), &nothing, 7)).await;
    assert_eq!(unborn, superseded, "no head yet");
}

pub(super) async fn a_commit_that_is_superseded_writes_nothing(store: &impl Store) {
    let target = target("P");
    let first = commit(store, &target, vec![change(1, 1)], Closing::default()).await.unwrap();
    let loaded = store.snapshot(&target).await.unwrap();
    commit(store, &target, vec![change(2, 2)], Closing::default()).await.unwrap();
    let everything = async || {
        let (heads, snapshot) = (store.load().await.unwrap(), store.snapshot(&target).await.unwrap());
        (heads, snapshot, whole_log(store, &target).await)
    };
    let before = everything().await;
    let many: Vec<Change> = (1..300).map(|n| change(n, 2)).collect();
    let gone = vec![removal(1)];
    for (changes, event) in [(many, PackEvent::Baseline), (gone, PackEvent::PackDeleted)] {
        let mut late = commit_of(Some(&first), &loaded, changes, closing(event, 2));
        late.head.run = "late".to_owned();
        assert_eq!(store.commit(&target, &late).await, Err(StoreError::Superseded));
    }
    assert_eq!(everything().await, before);
}

pub(super) async fn chunks_and_parts_come_back_as_they_were(store: &impl Store) {
    let target = target("P");
    let changes: Vec<Change> = (1..700).map(|n| change(n, 1)).collect();
    let written = commit_of(None, &Snapshot::default(), changes.clone(), closing(PackEvent::Baseline, 1));
    assert!(written.chunks.len() > 1 && written.parts.len() > 2);
    store.commit(&target, &written).await.unwrap();
    let snapshot = store.snapshot(&target).await.unwrap();
    let rows = changes.iter().map(|change| (change.account, Box::new(change.row.clone().unwrap())));
    assert!(snapshot.rows.into_iter().eq(rows));
    assert!(snapshot.chunks.into_iter().eq(written.chunks.iter().map(|chunk| (chunk.number, 1))));
    let log = whole_log(store, &target).await;
    assert_eq!(log, written.parts);
    let records = log.iter().flat_map(|part: &LogPart| packed::read_records(&part.data).unwrap());
    let transitions = changes.into_iter().map(|change| Record::Account(*change.transition.unwrap()));
    let notice = closing(PackEvent::Baseline, 1).notice.unwrap();
    assert!(records.eq(transitions.chain([Record::Pack(notice)])));
}

pub(super) async fn a_snapshot_is_of_the_head_of_its_commit_and_of_no_other(store: &impl Store) {
    let target = target("P");
    let mut snapshots = vec![(store.snapshot(&target).await.unwrap(), None)];
    for (changes, closing) in [
        ((1..200).map(|n| change(n, 1)).collect(), closing(PackEvent::Baseline, 1)),
        (vec![change(7, 2)], Closing::default()),
        (vec![change(300, 3)], Closing::default()),
        ((1..400).map(removal).collect(), closing(PackEvent::PackDeleted, 4)),
        (vec![change(1, 5)], Closing::default()),
    ] {
        let head = commit(store, &target, changes, closing).await.unwrap();
        snapshots.push((store.snapshot(&target).await.unwrap(), Some(head)));
    }
    for (snapshot, of) in &snapshots {
        for head in snapshots.iter().filter_map(|(_, head)| head.as_ref()) {
            assert_eq!(snapshot.is_of(head), of.as_ref() == Some(head), "{:?} {head:?}", snapshot.chunks);
        }
    }
}

pub(super) async fn targets_do_not_meet(store: &impl Store) {
    // The second's keys start with the first's.
    let (one, two) = (target("Pack"), target("Pack-2"));
    for (n, target) in (1..).zip([&one, &two]) {
        commit(store, target, vec![change(n, 1)], Closing::default()).await.unwrap();
    }
    for (n, target) in (1..).zip([&one, &two]) {
        let rows = store.snapshot(target).await.unwrap().rows;
        assert!(rows.keys().eq([&account(n)]));
        assert_eq!(whole_log(store, target).await.len(), 1);
    }
    assert!(store.load().await.unwrap().known.keys().eq([&one, &two]));
}
