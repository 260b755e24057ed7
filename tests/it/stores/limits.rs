//! What only DynamoDB demands of a store: its limits, its reasons for a cancelled transaction, its expiry.

use jiff::Timestamp;
use packwatch::model::{DetailedStatus, Status};
use packwatch::ports::{SnapshotStore, StoreError};
use packwatch::settings::Thresholds;
use packwatch::state::heads::Change;
use packwatch::watch::overdue::state;
use packwatch::watch::record::CHANGES_PER_TRANSACTION;

use crate::harness::dynamo::{Dynamo, Fault};
use crate::stores::contract::{account, change, claim, commit, dynamo_store, target};

const TABLE: &str = "packwatch";

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
async fn a_full_transaction_has_99_actions_and_one_change_more_is_refused_whole() {
    let dynamo = Dynamo::with_table(TABLE);
    let store = dynamo_store(&dynamo).await;
    store.claim(&target("P"), &claim(0)).await.unwrap();
    let full = changes(CHANGES_PER_TRANSACTION, "m");
    store.record(&target("P"), 1, &full).await.unwrap();
    let request = dynamo.requests().pop().unwrap();
    assert_eq!(request.body["TransactItems"].as_array().unwrap().len(), 99);
    let before = dynamo.dump(TABLE);
    let more = store.record(&target("P"), 1, &changes(CHANGES_PER_TRANSACTION + 1, "n")).await;
    assert!(matches!(more, Err(StoreError::Unavailable(_))), "{more:?}");
    assert_eq!(dynamo.dump(TABLE), before);
}

#[tokio::test]
async fn a_transaction_beyond_4_mb_is_refused_whole_and_the_largest_of_ours_is_not() {
    let dynamo = Dynamo::with_table(TABLE);
    let store = dynamo_store(&dynamo).await;
    store.claim(&target("P"), &claim(0)).await.unwrap();
    let before = dynamo.dump(TABLE);
    let huge = changes(CHANGES_PER_TRANSACTION, &"m".repeat(40_000));
    let refused = store.record(&target("P"), 1, &huge).await;
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
    let ours = changes(CHANGES_PER_TRANSACTION, &longest.error_message.unwrap());
    store.record(&target("P"), 1, &ours).await.unwrap();
}

#[tokio::test]
async fn only_transitions_expire_and_when_is_a_number_of_seconds() {
    let dynamo = Dynamo::with_table(TABLE);
    let store = dynamo_store(&dynamo).await;
    store.claim(&target("P"), &claim(0)).await.unwrap();
    store.record(&target("P"), 1, &changes(1, "m")).await.unwrap();
    store.commit(&target("P"), &commit(1)).await.unwrap();
    for item in dynamo.dump(TABLE) {
        let expires = item["sk"]["S"].as_str().unwrap().starts_with("transition#");
        // 2027-02-18T10:00:00Z
        let expected = expires.then(|| serde_json::json!({"N": "1802944800"}));
        assert_eq!(item.get("expires_at"), expected.as_ref(), "{item}");
    }
}

#[tokio::test]
async fn a_write_that_meets_another_transaction_again_and_again_gives_up_and_says_why() {
    let dynamo = Dynamo::with_table(TABLE);
    let store = dynamo_store(&dynamo).await;
    dynamo.fault("PutItem", Fault::Conflict, 2);
    store.claim(&target("P"), &claim(0)).await.unwrap();
    assert_eq!(dynamo.count("PutItem"), 3);
    dynamo.fault("TransactWriteItems", Fault::Conflict, 100);
    let error = store.record(&target("P"), 1, &changes(1, "m")).await.unwrap_err();
    assert!(error.to_string().contains("TransactionConflict"), "{error}");
    dynamo.heal();
    assert_eq!(store.rows(&target("P")).await.unwrap().len(), 0);
    dynamo.fault("UpdateItem", Fault::Conflict, 2);
    store.commit(&target("P"), &commit(1)).await.unwrap();
}

#[tokio::test]
async fn a_transaction_whose_reply_was_lost_is_applied_once() {
    let dynamo = Dynamo::with_table(TABLE);
    let store = dynamo_store(&dynamo).await;
    store.claim(&target("P"), &claim(0)).await.unwrap();
    dynamo.fault("TransactWriteItems", Fault::LoseReply, 1).fault("TransactWriteItems", Fault::Throttle, 1);
    store.record(&target("P"), 1, &changes(2, "m")).await.unwrap();
    assert_eq!(store.transitions(&target("P"), 0).await.unwrap().len(), 2);
}
