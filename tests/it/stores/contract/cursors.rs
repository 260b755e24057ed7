//! What is stored beside the commits: cursors, messages, hints, silences.

use jiff::SignedDuration;
use packwatch::model::Kind;
use packwatch::ports::StoreError;
use packwatch::state::commit::Closing;
use packwatch::state::head::{Cursors, Head, Heads, Hint, Known, StoredMessage, Topic};
use packwatch::state::log::Position;
use packwatch::state::silence::Silence;

use super::{Store, account, change, head, now, target};
use crate::harness::commits::commit;

/// The next version, by this run.
pub(crate) fn by(run: &str, before: &Cursors) -> Cursors {
    Cursors { lease: Some(Cursors::lease_of(run, now().as_second())), ..before.next() }
}

pub(super) async fn cursors_are_written_on_the_version_before(store: &impl Store) {
    let superseded = Err(StoreError::Superseded);
    let none = Cursors::default();
    let two = by("b", &by("b", &none));
    assert_eq!(store.put_cursors(Topic::Alerts, &two).await, superseded, "there are none yet");
    let one = by("a", &none);
    store.put_cursors(Topic::Alerts, &one).await.unwrap();
    assert_eq!(store.put_cursors(Topic::Alerts, &by("b", &none)).await, superseded);
    store.put_cursors(Topic::Alerts, &by("a", &one)).await.unwrap();
    assert_eq!(store.put_cursors(Topic::Alerts, &by("b", &one)).await, superseded);
    let ahead = Cursors { version: 3, ..Cursors::default() };
    assert_eq!(store.put_cursors(Topic::Alerts, &by("b", &ahead)).await, superseded);
    let heads = store.load().await.unwrap();
    assert_eq!((heads.alerts, heads.events), (by("a", &one), none.clone()), "the topics do not meet");
    store.put_cursors(Topic::Events, &by("a", &none)).await.unwrap();
}

pub(super) async fn cursors_come_back_as_they_were(store: &impl Store) {
    let positions = [
        ("A", Position::START),
        ("A-2", Position { epoch: 7, part: 3 }),
        ("B", Position { epoch: 9, part: 9999 }),
    ];
    let positions = positions.map(|(pack, position)| (target(pack), position));
    let full = Cursors {
        positions: positions.into(),
        message: Some("0f".to_owned()),
        stopped: true,
        known: Known {
            causes: [("0123456789ab".to_owned(), 1_700_000_000)].into(),
            urgent: vec![1_700_000_000],
            withheld: [(target("A"), [("0f".to_owned(), 7)].into())].into(),
        },
        ..by("a", &Cursors::default())
    };
    let bare = Cursors { version: 2, ..Cursors::default() };
    for cursors in [full, bare] {
        for topic in Topic::ALL {
            store.put_cursors(topic, &cursors).await.unwrap();
        }
        let heads = store.load().await.unwrap();
        assert_eq!((&heads.alerts, &heads.events), (&cursors, &cursors));
    }
}

pub(super) async fn a_hint_makes_no_head_and_moves_no_epoch(store: &impl Store) {
    let target = target("P");
    let hints = [
        Hint::FullScanAt(20),
        Hint::FullScanAt(10),
        Hint::FiltersDistrustedUntil(30),
        Hint::FiltersDistrustedUntil(10),
    ];
    for hint in &hints {
        store.hint(&target, hint).await.unwrap();
    }
    assert_eq!(store.load().await, Ok(Heads::default()));
    let mut expected = commit(store, &target, vec![change(1, 1)], Closing::default()).await.unwrap();
    for hint in &hints {
        store.hint(&target, hint).await.unwrap();
        expected = hint.applied_to(&expected);
        assert_eq!(head(store, &target).await, expected, "{hint:?}");
    }
    let (full_scan, distrusted) = (expected.last_full_scan_at, expected.filters_distrusted_until);
    assert_eq!((full_scan, distrusted), (Some(10), Some(10)));
    let next = commit(store, &target, vec![change(1, 2)], Closing::default()).await.unwrap();
    let hinted = |head: Head| (head.epoch, head.last_full_scan_at, head.filters_distrusted_until);
    assert_eq!(hinted(next), (2, full_scan, distrusted), "the next commit fits, and keeps them");
}

pub(super) async fn a_message_comes_back_and_is_replaced(store: &impl Store) {
    let message = |id: &str, length: usize| StoredMessage {
        id: id.to_owned(),
        data: (0..=255).cycle().take(length).collect(),
        expires_at: now() + SignedDuration::from_hours(24),
    };
    assert_eq!(store.message("one").await, Ok(None));
    for stored in [message("one", 100_000), message("two", 7), message("one", 8)] {
        store.put_message(&stored).await.unwrap();
        assert_eq!(store.message(&stored.id).await, Ok(Some(stored)));
    }
    assert_eq!(store.message("two").await, Ok(Some(message("two", 7))));
    assert_eq!(store.load().await, Ok(Heads::default()));
}

/// A silence of nearly everything.
pub(crate) fn silence(id: &str) -> Silence {
    Silence {
        id: id.to_owned(),
        accounts: vec![account(1)],
        packs: vec!["Security-*".parse().unwrap()],
        regions: Vec::new(),
        kinds: [Kind::Failed, Kind::Left].into(),
        until: "2026-11-27T10:00:00Z".parse().unwrap(),
        reason: "being closed \u{1F600}".to_owned(),
        by: "someone".to_owned(),
    }
}

pub(super) async fn silences_are_loaded_with_the_heads_until_they_are_removed(store: &impl Store) {
    commit(store, &target("P"), vec![change(1, 1)], Closing::default()).await.unwrap();
    for id in ["one", "two", "one"] {
        store.silence(&silence(id)).await.unwrap();
    }
    let loaded = store.load().await.unwrap();
    assert_eq!((loaded.known.len(), loaded.silences.0), (1, vec![silence("one"), silence("two")]));
    assert_eq!((store.unsilence("one").await, store.unsilence("one").await), (Ok(true), Ok(false)));
    assert_eq!(store.load().await.unwrap().silences.0, [silence("two")]);
}
