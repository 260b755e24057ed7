use super::*;
use crate::model::{AccountId, DetailedStatus, PackName, Region};
use crate::notify::message::{Alert, Event};
use crate::ports::{
    AccountName, AccountNames, Filters, Machines, Page, PageRequest, PublishError, Publisher, SourceError,
    StatusSource, StoreError,
};
use crate::state::commit::{Commit, Snapshot};
use crate::state::head::{Cursors, Heads, Hint, SCHEMA, StoredMessage, Topic};
use crate::watch::budget::Budget;
use crate::watch::request::Request;
use crate::watch::room::Room;

const NOW: &str = "2026-11-20T10:00:00Z";

/// A log, and nothing else. It gives two parts at once.
struct Log(Vec<LogPart>);

impl Outside for Log {
    type Source = Self;
    type Store = Self;
    type Publisher = Self;
    type Names = Self;

    fn source(&self) -> &Self {
        self
    }

    fn store(&self) -> &Self {
        self
    }

    fn publisher(&self) -> &Self {
        self
    }

    fn names(&self) -> &Self {
        self
    }

    fn now(&self) -> Timestamp {
        NOW.parse().unwrap()
    }
}

impl SnapshotStore for Log {
    async fn log(&self, _: &Target, request: &LogRequest) -> Result<Page<LogPart>, StoreError> {
        let token: usize = request.token.as_ref().map_or(0, |token| token.parse().unwrap());
        let within = |part: &&LogPart| request.after < part.position && part.position <= request.until;
        let all: Vec<LogPart> = self.0.iter().filter(within).cloned().collect();
        let next_token = (token + 2 < all.len()).then(|| (token + 2).to_string());
        Ok(Page { items: all.into_iter().skip(token).take(2).collect(), next_token })
    }

    async fn load(&self) -> Result<Heads, StoreError> {
        unreachable!()
    }

    async fn snapshot(&self, _: &Target) -> Result<Snapshot, StoreError> {
        unreachable!()
    }

    async fn commit(&self, _: &Target, _: &Commit) -> Result<(), StoreError> {
        unreachable!()
    }

    async fn hint(&self, _: &Target, _: &Hint) -> Result<(), StoreError> {
        unreachable!()
    }

    async fn put_cursors(&self, _: Topic, _: &Cursors) -> Result<(), StoreError> {
        unreachable!()
    }

    async fn put_settings(&self, _: &crate::state::head::SharedSettings) -> Result<(), StoreError> {
        unreachable!("dispatch keeps no settings")
    }

    async fn put_message(&self, _: &StoredMessage) -> Result<(), StoreError> {
        unreachable!()
    }

    async fn message(&self, _: &str) -> Result<Option<StoredMessage>, StoreError> {
        unreachable!()
    }
}

impl StatusSource for Log {
    async fn packs(&self, _: &Region, _: &PageRequest) -> Result<Page<PackName>, SourceError> {
        unreachable!()
    }

    async fn statuses(
        &self,
        _: &Target,
        _: &Filters,
        _: &PageRequest,
    ) -> Result<Page<DetailedStatus>, SourceError> {
        unreachable!()
    }
}

impl Publisher for Log {
    async fn alert(&self, _: &Alert) -> Result<(), PublishError> {
        unreachable!()
    }

    fn machines(&self) -> Machines {
        unreachable!()
    }

    async fn events(&self, _: &[Event]) -> Result<Vec<(usize, PublishError)>, PublishError> {
        unreachable!()
    }
}

impl AccountNames for Log {
    async fn look_up(&self, _: &[AccountId]) {
        unreachable!()
    }

    fn known(&self, _: AccountId) -> Option<AccountName> {
        unreachable!()
    }
}

fn at(epoch: u64) -> Position {
    Position { epoch, part: 1 }
}

/// Minutes before now.
fn ago(minutes: i64) -> Timestamp {
    NOW.parse::<Timestamp>().unwrap() - SignedDuration::from_mins(minutes)
}

/// The parts of these epochs, each of an hour ago and behind the one before it.
fn log(epochs: std::ops::RangeInclusive<u64>) -> Vec<LogPart> {
    let part = |epoch| LogPart {
        position: at(epoch),
        previous: if epoch == 1 { Position::START } else { at(epoch - 1) },
        changes: 1,
        data: Vec::new(),
        observed_at: ago(60),
        expires_at: Timestamp::MAX,
    };
    epochs.map(part).collect()
}

/// What is read from a cursor to an end of a log, whose head has seen five commits, the last so many minutes ago: the
/// epochs, and where the cursor goes.
async fn read(log: Vec<LogPart>, (from, to): (u64, u64), minutes: i64, most: usize) -> (Vec<u64>, u64) {
    let head = Head {
        schema: SCHEMA,
        history_id: "h".to_owned(),
        epoch: 5,
        run: "r".to_owned(),
        committed_at: ago(minutes),
        baseline_epoch: Some(1),
        deleted_epoch: None,
        chunks: 1,
        chunk_epochs: 5,
        accounts: Default::default(),
        fingerprint: None,
        active_fingerprint: None,
        last_full_scan_at: None,
        filters_distrusted_until: None,
        log_end: at(5),
    };
    let settings = crate::settings::Reader::new(&|_: &str| None).settings();
    let (request, budget) = (Request::default(), Budget::UNLIMITED);
    let (room, id) = (Room::default(), "r".to_owned());
    let context =
        Context { outside: &Log(log), settings: &settings, request: &request, budget: &budget, room, id };
    let target = Target { region: "eu-west-1".parse().unwrap(), pack: "P".parse().unwrap() };
    let positions = (Position { part: u32::from(from > 0), epoch: from }, at(to));
    let parts = parts(&context, &target, &head, positions, most).await.unwrap();
    (parts.parts.iter().map(|part| part.position.epoch).collect(), parts.end.epoch)
}

fn without(mut log: Vec<LogPart>, epoch: u64) -> Vec<LogPart> {
    log.retain(|part| part.position.epoch != epoch);
    log
}

#[tokio::test]
async fn it_reads_on_from_the_cursor_and_not_beyond_the_end() {
    assert_eq!(read(log(1..=5), (0, 5), 60, 99).await, (vec![1, 2, 3, 4, 5], 5));
    assert_eq!(read(log(1..=5), (2, 4), 60, 99).await, (vec![3, 4], 4), "5 is not for this topic yet");
    let (some, end) = read(log(1..=5), (0, 5), 60, 3).await;
    assert!((3..5).contains(&some.len()) && Some(&end) == some.last(), "{some:?} to {end}");
}

/// The reader's page may be older than the head: what it does not show may be there the next time.
#[tokio::test]
async fn it_stops_before_a_gap_that_may_only_not_be_visible_yet() {
    let torn = |minutes| {
        let mut log = without(log(1..=5), 3);
        log[2].observed_at = ago(minutes);
        log
    };
    assert_eq!(read(torn(9), (0, 5), 9, 99).await, (vec![1, 2], 2));
    assert_eq!(read(torn(10), (0, 5), 10, 99).await, (vec![1, 2], 2));
    assert_eq!(read(torn(11), (0, 5), 11, 99).await, (vec![1, 2, 4, 5], 5), "or it has expired");
    assert_eq!(read(without(log(1..=5), 1), (0, 5), 60, 99).await, (vec![2, 3, 4, 5], 5));
    // The clock of the one who wrote it was ahead.
    assert_eq!(read(torn(-60), (0, 5), 9, 99).await, (vec![1, 2], 2));
}

#[tokio::test]
async fn it_waits_for_an_end_that_is_missing_until_it_must_have_expired() {
    assert_eq!(read(log(1..=4), (0, 5), 9, 99).await, (vec![1, 2, 3, 4], 4));
    assert_eq!(read(log(1..=4), (0, 5), 11, 99).await, (vec![1, 2, 3, 4], 5));
    assert_eq!(read(Vec::new(), (0, 5), 9, 99).await, (vec![], 0));
    assert_eq!(read(Vec::new(), (0, 5), 11, 99).await, (vec![], 5));
    assert_eq!(
        read(log(1..=3), (0, 4), 9, 99).await,
        (vec![1, 2, 3], 4),
        "no part is there: it is the end of a life"
    );
}
