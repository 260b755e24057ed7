//! Claims, finishes, and what else is said in a head.

use packwatch::model::Kind;
use packwatch::ports::StoreError;
use packwatch::state::heads::{Claim, Closing, Finish, Head, Mark, Note};
use packwatch::state::log::Position;
use packwatch::state::silence::Silence;

use super::{Store, account, advance, at, begun, claim, counts, finish, gone, head, target, tell_all};

const SUPERSEDED: Result<(), StoreError> = Err(StoreError::Superseded);

pub(super) async fn a_first_claim_makes_a_head(store: &impl Store) {
    let target = target("P");
    assert!(store.load().await.unwrap().known.is_empty());
    assert_eq!(store.claim(&target, &claim(0)).await, Ok(claim(0).first_head()));
    assert_eq!(head(store, &target).await, claim(0).first_head());
}

pub(super) async fn a_claim_needs_the_epoch_that_was_seen(store: &impl Store) {
    let target = target("P");
    assert_eq!(store.claim(&target, &claim(1)).await, Err(StoreError::Superseded), "no head yet");
    store.claim(&target, &claim(0)).await.unwrap();
    let rival = Claim { run: "rival".to_owned(), ..claim(0) };
    assert_eq!(store.claim(&target, &rival).await, Err(StoreError::Superseded), "already claimed");
    store.claim(&target, &claim(1)).await.unwrap();
    let rival = Claim { run: "rival".to_owned(), ..claim(1) };
    assert_eq!(store.claim(&target, &rival).await, Err(StoreError::Superseded));
    assert_eq!(head(store, &target).await.epoch, 2);
    let of_one_run = |seen| Claim { run: "run".to_owned(), ..claim(seen) };
    store.claim(&target, &of_one_run(2)).await.unwrap();
    store.claim(&target, &of_one_run(3)).await.unwrap();
    assert_eq!(store.claim(&target, &of_one_run(2)).await, Err(StoreError::Superseded), "by itself");
}

/// Marks, life and counts move without the epoch: what was loaded does not know them.
pub(super) async fn a_claim_returns_the_head_as_it_now_is(store: &impl Store) {
    let target = target("P");
    let loaded = store.claim(&target, &claim(0)).await.unwrap();
    store.record(&target, 1, &[], Some(&begun(1))).await.unwrap();
    store.advance(&target, &advance(Mark::People, 1, at(1, 7))).await.unwrap();
    store.advance(&target, &advance(Mark::Machines, 1, Position::end_of(1))).await.unwrap();
    store.listen(&target, false).await.unwrap();
    let expected = Head {
        epoch: 2,
        life: Some(1),
        accounts: counts(),
        people: at(1, 7),
        machines: Position::end_of(1),
        listens: Some(false),
        ..loaded
    };
    assert_eq!(store.claim(&target, &claim(1)).await, Ok(expected.clone()));
    assert_eq!(head(store, &target).await, expected);
}

pub(super) async fn a_claim_takes_the_fingerprint_and_keeps_the_rest(store: &impl Store) {
    let target = target("P");
    store.claim(&target, &claim(0)).await.unwrap();
    tell_all(store, &target, 1).await;
    store.finish(&target, &finish(1)).await.unwrap();
    let before = head(store, &target).await;
    assert!(before.fingerprint.is_some() && before.unwell.is_some());
    let other = Claim { born: "other".to_owned(), listens: None, ..claim(1) };
    let after = Head { epoch: 2, fingerprint: None, unwell: None, ..before };
    assert_eq!(store.claim(&target, &other).await, Ok(after.clone()));
    assert_eq!(head(store, &target).await, after);
}

pub(super) async fn a_finish_needs_the_epoch_and_that_nobody_lacks_anything(store: &impl Store) {
    let target = target("P");
    store.claim(&target, &claim(0)).await.unwrap();
    let end = Position::end_of(1);
    assert_eq!(store.finish(&target, &finish(1)).await, SUPERSEDED, "people lack something");
    store.advance(&target, &advance(Mark::People, 1, end)).await.unwrap();
    assert_eq!(store.finish(&target, &finish(1)).await, SUPERSEDED, "machines lack something");
    store.listen(&target, false).await.unwrap();
    let before = head(store, &target).await;
    store.finish(&target, &finish(1)).await.unwrap();
    assert_eq!(Some(head(store, &target).await), finish(1).applied_to(&before));
    let unread = Finish { fingerprint: None, unwell: None, ..finish(1) };
    for finish in [unread.clone(), Finish { unwell: finish(1).unwell, ..unread.clone() }, finish(1), unread] {
        store.finish(&target, &finish).await.unwrap();
        assert_eq!(Some(head(store, &target).await), finish.applied_to(&before));
    }
    store.claim(&target, &claim(1)).await.unwrap();
    for finish in [finish(1), finish(3)] {
        assert_eq!(store.finish(&target, &finish).await, SUPERSEDED, "another epoch");
    }
    assert_eq!(head(store, &target).await.fingerprint, None);
}

pub(super) async fn that_machines_listen_is_said_in_a_head_that_exists(store: &impl Store) {
    let target = target("P");
    store.claim(&target, &claim(0)).await.unwrap();
    tell_all(store, &target, 1).await;
    store.finish(&target, &finish(1)).await.unwrap();
    let before = head(store, &target).await;
    store.listen(&target, true).await.unwrap();
    assert_eq!(head(store, &target).await, before, "it said so already");
    store.listen(&target, false).await.unwrap();
    let after = Head { listens: Some(false), fingerprint: None, unwell: None, ..before };
    assert_eq!(head(store, &target).await, after);
}

fn unwell(epoch: u64) -> Note {
    Note::Unwell { epoch, unwell: "noted".to_owned() }
}

pub(super) async fn what_is_not_well_is_noted_where_nothing_is_owed(store: &impl Store) {
    let target = target("P");
    store.claim(&target, &claim(0)).await.unwrap();
    let noted = async |epoch| {
        store.remember(&target, &unwell(epoch)).await.unwrap();
        head(store, &target).await.unwell
    };
    assert_eq!(noted(1).await, None, "people lack something");
    store.advance(&target, &advance(Mark::People, 1, Position::end_of(1))).await.unwrap();
    assert_eq!(noted(1).await, None, "machines lack something");
    store.advance(&target, &advance(Mark::Machines, 1, Position::end_of(1))).await.unwrap();
    assert_eq!((noted(0).await, noted(2).await), (None, None), "another epoch");
    let before = head(store, &target).await;
    assert_eq!(noted(1).await, Some("noted".to_owned()));
    let after = Head { unwell: Some("noted".to_owned()), ..before };
    assert_eq!(head(store, &target).await, after);
    let claimed = store.claim(&target, &claim(1)).await.unwrap();
    assert_eq!(claimed.unwell, None);
    let deaf = super::target("Deaf");
    store.claim(&deaf, &Claim { listens: Some(false), ..claim(0) }).await.unwrap();
    store.advance(&deaf, &advance(Mark::People, 1, Position::end_of(1))).await.unwrap();
    store.remember(&deaf, &unwell(1)).await.unwrap();
    assert_eq!(head(store, &deaf).await.unwell, Some("noted".to_owned()), "no machines listen");
}

pub(super) async fn a_whole_look_is_noted_unless_a_later_one_is(store: &impl Store) {
    let target = target("P");
    store.claim(&target, &claim(0)).await.unwrap();
    let noted = async |at, now| {
        store.remember(&target, &Note::WholeAt { at, now }).await.unwrap();
        head(store, &target).await.whole_at
    };
    assert_eq!(noted(100, 130).await, Some(100));
    assert_eq!(noted(90, 130).await, Some(100), "an earlier one");
    assert_eq!(noted(200, 130).await, Some(200), "of a clock that is ahead");
    assert_eq!(noted(140, 200).await, Some(200), "which is past now");
    assert_eq!(noted(140, 199).await, Some(140), "which is not past now");
    assert_eq!(noted(1_000, 1_010).await, Some(1_000));
}

pub(super) async fn a_note_makes_no_head_and_moves_neither_epoch_nor_marks(store: &impl Store) {
    let target = target("P");
    let notes = [unwell(0), Note::WholeAt { at: 1, now: 2 }, Note::WholeUntil(3)];
    for note in &notes {
        store.remember(&target, note).await.unwrap();
    }
    assert!(store.load().await.unwrap().known.is_empty());
    store.claim(&target, &claim(0)).await.unwrap();
    let before = head(store, &target).await;
    for note in &notes {
        store.remember(&target, note).await.unwrap();
    }
    assert_eq!(head(store, &target).await, Head { whole_at: Some(1), whole_until: Some(3), ..before });
    store.remember(&target, &Note::WholeUntil(2)).await.unwrap();
    assert_eq!(head(store, &target).await.whole_until, Some(2));
    let claimed = store.claim(&target, &claim(1)).await.unwrap();
    assert_eq!((claimed.whole_at, claimed.whole_until), (Some(1), Some(2)), "a claim leaves them");
}

pub(super) async fn only_a_first_claim_makes_a_head(store: &impl Store) {
    let target = target("P");
    assert!(store.claim(&target, &claim(1)).await.is_err());
    for closing in [None, Some(Closing::Counted(counts())), Some(begun(0)), Some(gone(0))] {
        assert_eq!(store.record(&target, 0, &[], closing.as_ref()).await, SUPERSEDED, "{closing:?}");
    }
    for mark in [Mark::People, Mark::Machines] {
        assert_eq!(store.advance(&target, &advance(mark, 0, Position::START)).await, SUPERSEDED);
    }
    assert_eq!(store.finish(&target, &finish(0)).await, SUPERSEDED);
    store.listen(&target, true).await.unwrap();
    let loaded = store.load().await.unwrap();
    assert!(loaded.known.is_empty() && loaded.unreadable.is_empty(), "{loaded:?}");
}

pub(super) async fn silences_are_loaded_with_the_heads_until_they_are_removed(store: &impl Store) {
    let silence = |id: &str| Silence {
        id: id.to_owned(),
        accounts: vec![account(1)],
        packs: vec!["Security-*".parse().unwrap()],
        regions: Vec::new(),
        kinds: [Kind::Failed, Kind::Left].into(),
        until: "2026-11-27T10:00:00Z".parse().unwrap(),
        reason: "being closed \u{1F600}".to_owned(),
        by: "someone".to_owned(),
    };
    store.claim(&target("P"), &claim(0)).await.unwrap();
    for id in ["one", "two", "one"] {
        store.silence(&silence(id)).await.unwrap();
    }
    let loaded = store.load().await.unwrap();
    assert_eq!((loaded.known.len(), loaded.silences.0), (1, vec![silence("one"), silence("two")]));
    assert_eq!((store.unsilence("one").await, store.unsilence("one").await), (Ok(true), Ok(false)));
    assert_eq!(store.load().await.unwrap().silences.0, [silence("two")]);
}
