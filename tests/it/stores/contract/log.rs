//! The log, a page at a time.

use packwatch::ports::{LogRequest, Order, SnapshotStore};
use packwatch::state::commit::Closing;
use packwatch::state::log::{LogPart, PackEvent, Position};

use super::{Store, change, closing, long, target};
use crate::harness::commits::commit;
use crate::protocol::memory::whole_log;

/// Every page of a request, which must each hold at most as many parts as it says.
async fn pages(store: &impl SnapshotStore, mut request: LogRequest) -> Vec<LogPart> {
    let mut found = Vec::new();
    loop {
        let page = store.log(&target("P"), &request).await.unwrap();
        assert!(page.items.len() <= request.limit as usize);
        found.extend(page.items);
        request.token = page.next_token;
        if request.token.is_none() {
            return found;
        }
    }
}

pub(super) async fn a_page_of_the_log_ends_where_it_was_told(store: &impl Store) {
    for epoch in 1..=5 {
        // One part in each epoch, and the pack's in each odd one.
        let closing = if epoch % 2 == 1 { closing(PackEvent::Baseline, epoch) } else { Closing::default() };
        commit(store, &target("P"), vec![change(epoch, epoch)], closing).await.unwrap();
    }
    let whole = whole_log(store, &target("P")).await;
    let positions: Vec<_> = whole.iter().map(|part| (part.position.epoch, part.position.part)).collect();
    assert_eq!(positions, [(1, 1), (1, 2), (2, 1), (3, 1), (3, 2), (4, 1), (5, 1), (5, 2)]);
    let at = |epoch, part| Position { epoch, part };
    let end = |epoch| at(epoch, 9999);
    for (after, until) in [
        (Position::START, Position::END),
        (Position::START, end(5)),
        (end(1), end(3)),
        (at(2, 1), at(4, 1)),
        (at(2, 7), at(5, 1)),
        (at(1, 1), at(1, 2)),
        (at(3, 1), at(3, 1)),
        (end(4), end(2)),
    ] {
        let within = |part: &&LogPart| after < part.position && part.position <= until;
        let expected: Vec<LogPart> = whole.iter().filter(within).cloned().collect();
        for limit in [1, 2, 3, 8, 9] {
            let request = LogRequest { after, until, order: Order::Oldest, limit, token: None };
            let about = format!("{after:?} to {until:?}, {limit} at once");
            assert_eq!(pages(store, request.clone()).await, expected, "{about}");
            let mut newest = pages(store, LogRequest { order: Order::Newest, ..request }).await;
            newest.reverse();
            assert_eq!(newest, expected, "{about}");
        }
    }
}

/// More than the 1 MB that DynamoDB gives in one page, of the log and of the snapshot.
pub(super) async fn a_large_log_is_read_whole(store: &impl Store) {
    let changes = (0..1_200).map(|n| long(n, 1_200)).collect();
    let head = commit(store, &target("P"), changes, Closing::default()).await.unwrap();
    let log = whole_log(store, &target("P")).await;
    assert!(log.iter().map(|part| part.data.len()).sum::<usize>() > 1_050_000);
    assert_eq!(log.len(), 4);
    let snapshot = store.snapshot(&target("P")).await.unwrap();
    assert!(snapshot.is_of(&head) && snapshot.rows.len() == 1_200);
}
