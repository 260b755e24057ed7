use tokio::sync::mpsc::unbounded_channel;
use tokio::time::sleep;

use super::*;
use crate::model::{AccountId, Kind, Status};
use crate::settings::Reader;
use crate::state::State;
use crate::state::heads::Claim;

mod ports;

use ports::{Ledger, Nobody, Topics, busy_topics};

fn denied() -> PublishError {
    PublishError::Denied("no permission".to_owned())
}

fn busy() -> PublishError {
    PublishError::Unavailable("busy".to_owned())
}

fn account(n: u64) -> AccountId {
    format!("{n:012}").parse().unwrap()
}

fn failed(n: u64, epoch: u64) -> Transition {
    Transition {
        account: account(n),
        epoch,
        kind: Kind::Failed,
        from: None,
        to: Some(State::of(Status::new("CREATE_FAILED"))),
        failing_since: None,
        observed_at: Timestamp::UNIX_EPOCH,
        silenced: false,
        flapping: None,
        damped: false,
        incident_id: None,
        baseline: false,
        told: None,
        expires_at: Timestamp::UNIX_EPOCH,
    }
}

/// A run of epoch 5; people know everything until 3, machines until 4.
fn recorded(pack: &str, owed: Vec<Transition>) -> Recorded {
    let target = Target { region: "eu-west-1".parse().unwrap(), pack: pack.parse().unwrap() };
    Recorded {
        report: TargetReport::of(&target).ended(Outcome::Changed, None),
        target,
        born: "born".to_owned(),
        epoch: 5,
        before: Marks { announced: 3, events_announced: 4, deleted: false },
        owed,
        also: None,
        fingerprint: Some("observed".to_owned()),
        deleted: false,
        obsolete: Vec::new(),
        counts: Counts::new(),
        accounts: 1,
        observed_at: Timestamp::UNIX_EPOCH,
    }
}

/// The pack is gone, and a hundred rows may go with it.
fn gone() -> Recorded {
    let row = |n| Change { account: account(n), row: None, transition: None };
    let (also, obsolete) = (Some(What::PackDeleted), (1..=100).map(row).collect());
    Recorded { also, obsolete, deleted: true, fingerprint: None, ..recorded("P", Vec::new()) }
}

async fn announced(store: &Ledger, topics: &Topics, targets: Vec<Recorded>) -> Announced {
    let (sender, receiver) = unbounded_channel();
    targets.into_iter().for_each(|recorded| sender.send(recorded).unwrap());
    drop(sender);
    let settings = Reader::new(&|_| None).settings();
    announce(store, topics, &Nobody, &settings, &Budget::UNLIMITED, receiver).await
}

/// Announces one target to topics that say this: its end, and the commit if there was one.
async fn one(topics: &Topics, recorded: Recorded) -> (TargetReport, Option<Commit>) {
    let store = Ledger::default();
    let report = announced(&store, topics, vec![recorded]).await.reports.remove(0);
    (report, store.commits.take().pop())
}

#[tokio::test(start_paused = true)]
async fn each_topic_gets_what_it_has_not_had_and_then_has_everything() {
    let topics = Topics::default();
    let owed = vec![failed(3, 3), failed(4, 4), failed(5, 5)];
    let (report, commit) = one(&topics, recorded("P", owed)).await;
    assert_eq!((report.outcome, report.error), (Outcome::Changed, None));
    let digests = topics.digests.take();
    let told: Vec<_> = digests[0].packs[0].transitions.iter().map(|t| t.account_id).collect();
    assert_eq!((digests.len(), told), (1, vec![account(4), account(5)]));
    assert_eq!(topics.batches.take(), [[account(5)]]);
    let commit = commit.unwrap();
    assert_eq!((commit.epoch, commit.announced, commit.events_announced), (5, 5, 5));
    assert_eq!(commit.fingerprint.as_deref(), Some("observed"));
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_refuses_keeps_its_mark_and_the_next_run_looks_again() {
    let topics = Topics::default();
    topics.alerts_refuse.set(true);
    let owed = || vec![failed(5, 5)];
    let (report, commit) = one(&topics, recorded("P", owed())).await;
    assert_eq!(report.outcome, Outcome::Incomplete);
    assert!(report.error.unwrap().contains("alerts topic: no permission"));
    let commit = commit.unwrap();
    assert_eq!((commit.announced, commit.events_announced, commit.fingerprint), (3, 5, None));

    let topics = busy_topics(vec![Err(denied())]);
    let (report, commit) = one(&topics, recorded("P", owed())).await;
    assert!(report.error.unwrap().contains("events topic: no permission"));
    let commit = commit.unwrap();
    assert_eq!((commit.announced, commit.events_announced, commit.fingerprint), (5, 4, None));

    let topics = busy_topics(vec![Err(denied())]);
    topics.alerts_refuse.set(true);
    assert_eq!(one(&topics, recorded("P", owed())).await.1, None);

    let topics = Topics { no_events: true, ..Topics::default() };
    assert_eq!(one(&topics, recorded("P", owed())).await.1.unwrap().events_announced, 5);
    assert_eq!(topics.batches.take().len(), 0, "nobody listens");
}

#[tokio::test(start_paused = true)]
async fn a_busy_entry_is_sent_again_alone_and_a_refused_one_is_owed() {
    let three = || recorded("P", (1..=3).map(|n| failed(n, 5)).collect());
    let topics = busy_topics(vec![Ok(vec![(1, busy())])]);
    let (report, _) = one(&topics, three()).await;
    assert_eq!(report.outcome, Outcome::Changed);
    assert_eq!(topics.batches.take(), [vec![account(1), account(2), account(3)], vec![account(2)]]);

    let refused = || PublishError::Refused("too long".to_owned());
    let topics = busy_topics(vec![Ok(vec![(0, refused()), (2, busy())])]);
    let (report, commit) = one(&topics, three()).await;
    assert!(report.error.unwrap().contains("too long"));
    assert_eq!((topics.batches.take().len(), commit.unwrap().events_announced), (2, 4));

    let topics = busy_topics(vec![Ok(vec![(0, busy())]); 9]);
    let started = Instant::now();
    let (report, commit) = one(&topics, three()).await;
    assert!(report.error.unwrap().contains("busy"));
    assert_eq!((topics.batches.take().len(), commit.unwrap().events_announced), (4, 4));
    assert_eq!(started.elapsed(), Duration::from_millis(200 + 400 + 800), "it is given time");
}

#[tokio::test(start_paused = true)]
async fn what_was_refused_is_owed_also_when_the_call_after_it_fails() {
    let pack = |name| recorded(name, vec![failed(1, 5)]);
    let refused = PublishError::Refused("too long".to_owned());
    let topics = busy_topics(vec![Ok(vec![(0, refused), (1, busy())]), Err(denied())]);
    let store = Ledger::default();
    announced(&store, &topics, vec![pack("A"), pack("B")]).await;
    let marks: Vec<u64> = store.commits.take().iter().map(|commit| commit.events_announced).collect();
    assert_eq!(marks, [4, 4]);
}

#[tokio::test(start_paused = true)]
async fn rows_go_only_when_people_know_that_their_pack_is_gone() {
    let (store, topics) = (Ledger::default(), Topics::default());
    topics.alerts_refuse.set(true);
    announced(&store, &topics, vec![gone()]).await;
    assert!(!store.commits.take()[0].deleted, "it is told again");
    assert_eq!(store.deleted.take(), [0; 0], "what comes back is compared with them");
    topics.alerts_refuse.set(false);
    announced(&store, &topics, vec![gone()]).await;
    assert!(store.commits.take()[0].deleted);
    assert_eq!(store.deleted.take(), [49, 49, 2]);
}

#[tokio::test(start_paused = true)]
async fn what_comes_within_the_group_wait_is_one_digest() {
    let (store, topics) = (Ledger::default(), Topics::default());
    let (sender, receiver) = unbounded_channel();
    let settings = Reader::new(&|_| None).settings();
    let looking = async {
        let sender = sender;
        for (pack, seconds) in [("A", 29), ("B", 2), ("C", 0)] {
            sender.send(recorded(pack, vec![failed(1, 5)])).unwrap();
            sleep(Duration::from_secs(seconds)).await;
        }
    };
    let announcing = announce(&store, &topics, &Nobody, &settings, &Budget::UNLIMITED, receiver);
    let ((), announced) = tokio::join!(looking, announcing);
    let packs: Vec<usize> = topics.digests.take().iter().map(|digest| digest.packs.len()).collect();
    assert_eq!((packs, announced.notifications, announced.reports.len()), (vec![2, 1], 2, 3));
}

#[tokio::test(start_paused = true)]
async fn a_digest_is_of_no_more_packs_than_a_message_holds_and_of_nothing_there_is_none() {
    let (store, topics) = (Ledger::default(), Topics::default());
    let packs = (1..=201).map(|n| recorded(&format!("P-{n}"), vec![failed(1, 5)])).collect();
    announced(&store, &topics, packs).await;
    let packs: Vec<usize> = topics.digests.take().iter().map(|digest| digest.packs.len()).collect();
    assert_eq!(packs, [200, 1]);
    assert_eq!(announced(&store, &topics, vec![recorded("P", Vec::new())]).await.notifications, 0);
    assert_eq!(topics.digests.take().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_is_refused_is_told() {
    let end = async |refusal| {
        let store = Ledger { refusal: Some(refusal), ..Ledger::default() };
        announced(&store, &Topics::default(), vec![gone()]).await.reports.remove(0)
    };
    assert_eq!(end(StoreError::Superseded).await.outcome, Outcome::Superseded);
    let lost = end(StoreError::Unavailable("no reply".to_owned())).await;
    assert_eq!(lost.outcome, Outcome::Incomplete);
    assert!(lost.error.unwrap().contains("announced again: no reply"));
}

#[test]
fn the_marks_are_those_of_the_head() {
    let claim = Claim { seen: 8, announced: 0, events_announced: 0, born: String::new(), run: String::new() };
    let head = Head { announced: 7, events_announced: 6, deleted: true, ..claim.first_head() };
    let marks = Marks::of(&head);
    assert_eq!((marks.announced, marks.events_announced, marks.deleted), (7, 6, true));
}

/// What is recorded is what is announced as recorded: a wrong number would commit what was never written.
#[tokio::test]
async fn changes_are_recorded_in_transactions_and_counted() {
    let store = Ledger::default();
    let Recorded { target, obsolete, .. } = gone();
    let written = record(&store, &target, 5, &obsolete, &Budget::UNLIMITED).await;
    assert_eq!((written, store.deleted.take()), (Ok(100), vec![49, 49, 2]));
    let written = record(&store, &target, 5, &obsolete, &Budget::ending_in(Duration::ZERO)).await;
    assert_eq!((written, store.deleted.take()), (Ok(0), vec![]));
}
