//! DynamoDB's limits: 100 actions and 4 MB of a transaction, 400 KB of an item. What is beyond them is refused whole.

use packwatch::aws::DynamoStore;
use packwatch::ports::{SnapshotStore, StoreError};
use packwatch::state::commit::{Change, Chunk, Closing, Commit, Snapshot};
use packwatch::state::log::PackEvent;

use crate::harness::commits::{commit, commit_of};
use crate::harness::dynamo::Dynamo;
use crate::stores::contract::{change, closing, connection_of, dynamo_store, long, target};

const TABLE: &str = "packwatch";

async fn assert_refused(dynamo: &Dynamo, commit: &Commit) {
    // Of these alone botocore has to find that they cannot be sent.
    let store = DynamoStore::new(&connection_of("beyond", &dynamo.url).await, TABLE);
    let before = dynamo.dump(TABLE);
    let refused = store.commit(&target("P"), commit).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    assert!(dynamo.dump(TABLE) == before);
}

#[tokio::test]
async fn the_commit_of_the_most_items_has_100_actions_and_one_more_is_refused_whole() {
    let dynamo = Dynamo::with_table(TABLE);
    let store = dynamo_store(&dynamo).await;
    let first: Vec<Change> = (0..12_000).map(|n| Change { transition: None, ..change(n, 1) }).collect();
    commit(&store, &target("P"), first, Closing::default()).await.unwrap();
    let snapshot = store.snapshot(&target("P")).await.unwrap();
    let head = store.load().await.unwrap().known.remove(&target("P"));
    let all = (0..12_000).map(|n| change(n, 2)).collect();
    let full = commit_of(head.as_ref(), &snapshot, all, closing(PackEvent::Baseline, 2));
    let mut more = full.clone();
    more.chunks.push(Chunk { number: 64, ..more.chunks[0].clone() });
    assert_refused(&dynamo, &more).await;
    dynamo.reset_requests();
    store.commit(&target("P"), &full).await.unwrap();
    let sent = dynamo.requests().pop().unwrap().body["TransactItems"].as_array().unwrap().len();
    assert_eq!(sent, 100, "the head, 64 chunks, 34 parts and the notice's");
    assert_eq!(store.snapshot(&target("P")).await.unwrap().rows.len(), 12_000);
}

/// Texts as long as they get, of which nothing can be left out when they are zipped.
#[tokio::test]
async fn the_largest_commit_is_accepted_and_what_is_beyond_4_mb_is_refused_whole() {
    let dynamo = Dynamo::with_table(TABLE);
    let store = dynamo_store(&dynamo).await;
    let changes = (0..3_050).map(|n| long(n, 900)).collect();
    let largest = commit_of(None, &Snapshot::default(), changes, Closing::default());
    let size = |commit: &Commit| {
        let chunks: usize = commit.chunks.iter().map(|chunk| chunk.data.len()).sum();
        chunks + commit.parts.iter().map(|part| part.data.len()).sum::<usize>()
    };
    assert!((3_200_000..3_500_000).contains(&size(&largest)), "{}", size(&largest));
    let with = |bytes: usize| {
        let number = 64;
        let mut commit = largest.clone();
        commit.chunks.push(Chunk { number, epoch: 1, data: vec![7; bytes] });
        commit
    };
    assert_refused(&dynamo, &with(410_000)).await;
    let mut huge = with(390_000);
    huge.chunks.extend([65, 66].map(|number| Chunk { number, epoch: 1, data: vec![7; 390_000] }));
    assert!(size(&huge) > 4_200_000);
    assert_refused(&dynamo, &huge).await;
    store.commit(&target("P"), &largest).await.unwrap();
    assert!(store.snapshot(&target("P")).await.unwrap().is_of(&largest.head));
}
