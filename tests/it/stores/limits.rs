//! What only DynamoDB demands of a store: its limits, its reasons for a cancelled transaction, its expiry.

use jiff::Timestamp;
use packwatch::model::{DetailedStatus, Status};
use packwatch::ports::{LogRequest, Order, SnapshotStore, StoreError};
use packwatch::settings::Thresholds;
use packwatch::state::heads::{Change, ITEMS_PER_TRANSACTION};
use packwatch::state::log::Position;
use packwatch::watch::overdue::state;

use crate::harness::dynamo::Dynamo;
use crate::stores::contract::{account, begun, change, claim, dynamo_store, finish, target, tell_all};

const TABLE: &str = "packwatch";

/// As many changes, each with a row and a record, as a transaction takes.
const CHANGES: usize = ITEMS_PER_TRANSACTION / 2;

fn changes(n: usize, message: &str) -> Vec<Change> {
    let one = |n| {
        let mut change = change(n, 1);
        let row = change.row.iter_mut().map(|row| &mut row.state);
        let transition = change.transition.iter_mut().flat_map(|t| [&mut t.from, &mut t.to]).flatten();
        row.chain(transition).for_each(|state| state.error_message = Some(message.to_owned()));
        change
    };
    (0..n as u64).map(one).collect()
}

#[tokio::test]
async fn a_full_transaction_has_100_actions_with_its_closing_and_one_more_is_refused_whole() {
    let dynamo = Dynamo::with_table(TABLE);
    let store = dynamo_store(&dynamo).await;
    store.claim(&target("P"), &claim(0)).await.unwrap();
    let full = changes(CHANGES, "m");
    let actions = || dynamo.requests().pop().unwrap().body["TransactItems"].as_array().unwrap().len();
    store.record(&target("P"), 1, &full, None).await.unwrap();
    assert_eq!(actions(), 99);
    store.record(&target("P"), 1, &full, Some(&begun(1))).await.unwrap();
    assert_eq!(actions(), 100, "the head's, the notice, and the changes'");
    let before = dynamo.dump(TABLE);
    let more = store.record(&target("P"), 1, &changes(CHANGES + 1, "n"), Some(&begun(1))).await;
    assert!(matches!(more, Err(StoreError::Unavailable(_))), "{more:?}");
    assert_eq!(dynamo.dump(TABLE), before);
}

#[tokio::test]
async fn a_transaction_beyond_4_mb_is_refused_whole_and_the_largest_of_ours_is_not() {
    let dynamo = Dynamo::with_table(TABLE);
    let store = dynamo_store(&dynamo).await;
    store.claim(&target("P"), &claim(0)).await.unwrap();
    let before = dynamo.dump(TABLE);
    let huge = changes(CHANGES, &"m".repeat(40_000));
    let refused = store.record(&target("P"), 1, &huge, Some(&begun(1))).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    assert_eq!(dynamo.dump(TABLE), before);
    // The longest message that gets as far as the store.
    let row = DetailedStatus {
        account: account(1),
        conformance_pack_name: "OrgConformsPack-P".to_owned(),
        status: Status::new("CREATE_FAILED"),
        error_code: None,
        error_message: Some("😀".repeat(300_000)),
        last_update: None,
    };
    let hours = std::time::Duration::from_secs(7200);
    let longest = state(row, Timestamp::UNIX_EPOCH, &Thresholds { stuck_after: hours, remind_every: None });
    let ours = changes(CHANGES, &longest.error_message.unwrap());
    store.record(&target("P"), 1, &ours, Some(&begun(1))).await.unwrap();
}

#[tokio::test]
async fn only_records_expire_and_when_is_a_number_of_seconds() {
    let dynamo = Dynamo::with_table(TABLE);
    let store = dynamo_store(&dynamo).await;
    store.claim(&target("P"), &claim(0)).await.unwrap();
    store.record(&target("P"), 1, &changes(1, "m"), Some(&begun(1))).await.unwrap();
    tell_all(&store, &target("P"), 1).await;
    store.finish(&target("P"), &finish(1)).await.unwrap();
    let items = dynamo.dump(TABLE);
    assert_eq!(items.len(), 4);
    for item in items {
        let expires = item["sk"]["S"].as_str().unwrap().starts_with("transition#");
        // 2027-02-18T10:00:00Z
        let expected = expires.then(|| serde_json::json!({"N": "1802944800"}));
        assert_eq!(item.get("expires_at"), expected.as_ref(), "{item}");
    }
}

/// DynamoDB takes a range whose begin is behind its end for a mistake.
#[tokio::test]
async fn a_log_without_anything_to_read_is_not_asked_for() {
    let dynamo = Dynamo::with_table(TABLE);
    let store = dynamo_store(&dynamo).await;
    let (after, until) = (Position::end_of(3), Position::end_of(3));
    let request = LogRequest { after, until, order: Order::Newest, limit: 1, token: None };
    assert_eq!(store.log(&target("P"), &request).await.unwrap().items, []);
    assert_eq!(dynamo.count("Query"), 0);
}
