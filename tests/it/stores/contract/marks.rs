//! The two marks.

use packwatch::ports::StoreError;
use packwatch::state::heads::{Advance, Mark};
use packwatch::state::log::{Place, Position};

use super::{Store, advance, at, claim, head, target};

pub(super) async fn a_mark_moves_forward_and_never_back(store: &impl Store) {
    let pack = |epoch| Position { epoch, place: Place::Pack };
    let end = Position::end_of;
    // Where to, and where the mark is then.
    let steps = [
        (at(1, 5), at(1, 5)),
        (at(1, 4), at(1, 5)),
        (pack(1), pack(1)),
        (end(1), end(1)),
        (pack(1), end(1)),
        (at(10, 1), at(10, 1)),
        (end(9), at(10, 1)),
        (end(10), end(10)),
        (at(2, 9), end(10)),
    ];
    for mark in [Mark::People, Mark::Machines] {
        let target = target(if mark == Mark::People { "People" } else { "Machines" });
        for epoch in 0..11 {
            store.claim(&target, &claim(epoch)).await.unwrap();
        }
        for (to, expected) in steps {
            store.advance(&target, &advance(mark, 11, to)).await.unwrap();
            let head = head(store, &target).await;
            let found = match mark {
                Mark::People => (head.people, head.machines),
                Mark::Machines => (head.machines, head.people),
            };
            assert_eq!(found, (expected, Position::START), "{mark:?} to {to:?}");
        }
    }
}

pub(super) async fn a_mark_of_another_history_stays(store: &impl Store) {
    let target = target("P");
    store.claim(&target, &claim(0)).await.unwrap();
    let before = head(store, &target).await;
    for mark in [Mark::People, Mark::Machines] {
        let other = Advance { born: "other".to_owned(), ..advance(mark, 1, Position::end_of(1)) };
        assert_eq!(store.advance(&target, &other).await, Err(StoreError::Superseded), "{mark:?}");
    }
    assert_eq!(head(store, &target).await, before);
}

pub(super) async fn machines_mark_needs_the_epoch_and_peoples_does_not(store: &impl Store) {
    let target = target("P");
    store.claim(&target, &claim(0)).await.unwrap();
    store.claim(&target, &claim(1)).await.unwrap();
    let machines = advance(Mark::Machines, 1, Position::end_of(1));
    assert_eq!(store.advance(&target, &machines).await, Err(StoreError::Superseded));
    assert_eq!(head(store, &target).await.machines, Position::START);
    store.advance(&target, &advance(Mark::People, 1, Position::end_of(1))).await.unwrap();
    assert_eq!(head(store, &target).await.people, Position::end_of(1));
}
