//! Rows, and the log beside them.

use packwatch::ports::{HistoryRequest, LogRequest, Order, SnapshotStore, StoreError};
use packwatch::state::heads::{Change, Closing, Counts, ITEMS_PER_TRANSACTION};
use packwatch::state::log::{Place, Position, Record};

use super::{Store, account, at, begun, change, claim, counts, gone, head, target};
use crate::protocol::memory::whole_log;

/// As many changes, each with a row and a record, as a transaction takes.
const CHANGES: u64 = ITEMS_PER_TRANSACTION as u64 / 2;

fn closings(epoch: u64) -> [Option<Closing>; 5] {
    let silently = Closing::Gone(None);
    [None, Some(Closing::Counted(counts())), Some(begun(epoch)), Some(gone(epoch)), Some(silently)]
}

pub(super) async fn records_are_fenced_by_the_epoch(store: &impl Store) {
    let target = target("P");
    store.claim(&target, &claim(0)).await.unwrap();
    let before = store.claim(&target, &claim(1)).await.unwrap();
    for epoch in [1, 3] {
        for closing in closings(epoch) {
            let refused = store.record(&target, epoch, &[change(1, epoch)], closing.as_ref()).await;
            assert_eq!(refused, Err(StoreError::Superseded), "{closing:?}");
        }
    }
    assert!(store.rows(&target).await.unwrap().is_empty());
    assert_eq!(whole_log(store, &target).await, []);
    assert_eq!(head(store, &target).await, before);
}

pub(super) async fn a_refused_write_writes_nothing(store: &impl Store) {
    let target = target("P");
    store.claim(&target, &claim(0)).await.unwrap();
    store.record(&target, 1, &[change(1, 1)], Some(&begun(1))).await.unwrap();
    let before = (head(store, &target).await, whole_log(store, &target).await);
    let many: Vec<Change> = (1..20).map(|n| Change { row: None, ..change(n, 9) }).collect();
    for closing in closings(9) {
        assert_eq!(store.record(&target, 9, &many, closing.as_ref()).await, Err(StoreError::Superseded));
    }
    assert_eq!(store.rows(&target).await.unwrap().len(), 1);
    assert_eq!((head(store, &target).await, whole_log(store, &target).await), before);
}

pub(super) async fn rows_and_records_come_back_as_they_were(store: &impl Store) {
    let target = target("P");
    store.claim(&target, &claim(0)).await.unwrap();
    let change = change(7, 1);
    let closing = begun(1);
    store.record(&target, 1, std::slice::from_ref(&change), Some(&closing)).await.unwrap();
    assert_eq!(store.rows(&target).await.unwrap().remove(&account(7)), change.row);
    let notice = Record::Pack(closing.notice().unwrap().clone());
    assert_eq!(whole_log(store, &target).await, [Record::Account(*change.transition.unwrap()), notice]);
    let left = Change { account: account(7), row: None, transition: None };
    store.record(&target, 1, &[left], None).await.unwrap();
    assert!(store.rows(&target).await.unwrap().is_empty());
}

pub(super) async fn a_closing_is_what_the_head_becomes(store: &impl Store) {
    let target = target("P");
    let again = [Some(begun(6)), Some(gone(7)), Some(begun(8))];
    for (closing, epoch) in closings(0).into_iter().chain(again).zip(1..) {
        let closing = match closing {
            Some(Closing::Begun(..)) => Some(begun(epoch)),
            Some(Closing::Gone(Some(_))) => Some(gone(epoch)),
            other => other,
        };
        let before = store.claim(&target, &claim(epoch - 1)).await.unwrap();
        store.record(&target, epoch, &[change(1, epoch)], closing.as_ref()).await.unwrap();
        let expected = closing.as_ref().map_or(before.clone(), |closing| closing.applied_to(before));
        assert_eq!(head(store, &target).await, expected, "{closing:?}");
        let last = whole_log(store, &target).await.pop().unwrap();
        let notice = closing.as_ref().and_then(Closing::notice);
        assert_eq!(Some(last.position()), notice.map(|n| n.position()).or(Some(at(epoch, 1))));
    }
    store.record(&target, 8, &[], Some(&Closing::Counted(Counts::new()))).await.unwrap();
    assert_eq!(head(store, &target).await.accounts, Counts::new());
}

/// Two accounts in each of five epochs, and a notice in each odd one.
async fn five_epochs(store: &impl SnapshotStore) {
    let target = target("P");
    for epoch in 1..=5 {
        store.claim(&target, &claim(epoch - 1)).await.unwrap();
        let closing = (epoch % 2 == 1).then(|| begun(epoch));
        let changes = [change(20 - epoch, epoch), change(3, epoch)];
        store.record(&target, epoch, &changes, closing.as_ref()).await.unwrap();
    }
}

pub(super) async fn a_page_of_the_log_ends_where_it_was_told(store: &impl Store) {
    five_epochs(store).await;
    let whole = whole_log(store, &target("P")).await;
    assert!(whole.len() == 13 && whole.is_sorted_by_key(Record::position));
    let pack = |epoch| Position { epoch, place: Place::Pack };
    let end = Position::end_of;
    let bounds = [
        (Position::START, end(5)),
        (end(1), end(3)),
        (at(2, 3), at(4, 3)),
        (at(2, 4), at(4, 15)),
        (pack(1), pack(3)),
        (at(3, 17), pack(3)),
        (pack(3), end(3)),
        (at(3, 3), at(3, 3)),
        (end(4), end(2)),
        (end(5), end(u64::MAX)),
    ];
    for (after, until) in bounds {
        let within = |record: &&Record| after < record.position() && record.position() <= until;
        let expected: Vec<Record> = whole.iter().filter(within).cloned().collect();
        for (limit, order) in
            [1, 2, 3, 13, 14].into_iter().flat_map(|n| [(n, Order::Oldest), (n, Order::Newest)])
        {
            let mut found = Vec::new();
            let mut request = LogRequest { after, until, order, limit, token: None };
            loop {
                let page = store.log(&target("P"), &request).await.unwrap();
                assert!(page.items.len() <= limit as usize);
                found.extend(page.items);
                request.token = page.next_token;
                if request.token.is_none() {
                    break;
                }
            }
            if order == Order::Newest {
                found.reverse();
            }
            assert_eq!(found, expected, "{after:?} to {until:?}, {order:?}, {limit} at once");
        }
    }
}

pub(super) async fn the_history_comes_in_pages_from_either_end_without_the_packs_records(store: &impl Store) {
    five_epochs(store).await;
    let target = target("P");
    let log = whole_log(store, &target).await.into_iter();
    let whole: Vec<_> = log.filter_map(Record::transition).collect();
    assert_eq!(whole.len(), 10);
    for limit in [1, 3, 5, 10, 13, 14] {
        for order in [Order::Oldest, Order::Newest] {
            let mut found = Vec::new();
            let mut request = HistoryRequest { order, limit, token: None };
            loop {
                let page = store.history(&target, &request).await.unwrap();
                assert!(page.items.len() <= limit as usize);
                found.extend(page.items);
                request.token = page.next_token;
                if request.token.is_none() {
                    break;
                }
            }
            if order == Order::Newest {
                found.reverse();
            }
            assert_eq!(found, whole, "{order:?}, {limit} at once");
        }
    }
    let nothing = HistoryRequest { order: Order::Newest, limit: 5, token: None };
    assert!(store.history(&super::target("P-2"), &nothing).await.unwrap().items.is_empty());
}

pub(super) async fn targets_do_not_meet(store: &impl Store) {
    // The second's keys start with the first's.
    let (one, two) = (target("Pack"), target("Pack-2"));
    for target in [&one, &two] {
        store.claim(target, &claim(0)).await.unwrap();
    }
    store.record(&two, 1, &[change(1, 1)], Some(&begun(1))).await.unwrap();
    assert!(store.rows(&one).await.unwrap().is_empty());
    assert_eq!(whole_log(store, &one).await, []);
    assert_eq!(head(store, &one).await, claim(0).first_head());
    assert_eq!(store.load().await.unwrap().known.len(), 2);
}

pub(super) async fn a_full_transaction_fits(store: &impl Store) {
    let target = target("P");
    store.claim(&target, &claim(0)).await.unwrap();
    let changes: Vec<Change> = (0..CHANGES).map(|n| change(n, 1)).collect();
    store.record(&target, 1, &changes, Some(&begun(1))).await.unwrap();
    assert_eq!(store.rows(&target).await.unwrap().len() as u64, CHANGES);
    assert_eq!(whole_log(store, &target).await.len() as u64, CHANGES + 1);
}

/// More than the 1 MB that DynamoDB gives in one page.
pub(super) async fn a_large_partition_is_read_whole(store: &impl Store) {
    let target = target("P");
    store.claim(&target, &claim(0)).await.unwrap();
    let long = |n| {
        let mut change = change(n, 1);
        let row = change.row.iter_mut().map(|row| &mut row.state);
        let record = change.transition.iter_mut().filter_map(|transition| transition.to.as_mut());
        for state in row.chain(record) {
            state.error_message = Some("m".repeat(8_000));
        }
        change
    };
    let changes: Vec<Change> = (0..150).map(long).collect();
    for transaction in changes.chunks(CHANGES as usize) {
        store.record(&target, 1, transaction, None).await.unwrap();
    }
    assert_eq!(store.rows(&target).await.unwrap().len(), 150);
    assert_eq!(whole_log(store, &target).await.len(), 150);
}
