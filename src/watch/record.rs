//! Writes changes, a transaction at a time, each fenced by the run's epoch.

use crate::model::Target;
use crate::ports::{SnapshotStore, StoreError};
use crate::state::heads::{Change, Closing, ITEMS_PER_TRANSACTION};
use crate::state::log::{Place, Position};
use crate::watch::budget::Budget;

/// How far recording got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// How many of the changes are recorded.
    pub changes: usize,
    /// Up to where the log is known: nothing that is not in it yet can still come before this.
    pub end: Position,
    /// Whether all of them are, with the closing.
    pub is_whole: bool,
    /// Why not: a write that may or may not have been applied. `None` when it was for want of time.
    pub trouble: Option<StoreError>,
}

/// Records the changes in the order of their accounts, as many as the budget allows, and then the closing. A row and its
/// transition go together, so what is recorded is consistent wherever this ends.
///
/// A write of which nobody knows whether it was applied ends it: were a later one tried, an announcer could pass the
/// place of the unknown one before it is there.
pub async fn record(
    store: &impl SnapshotStore,
    target: &Target,
    epoch: u64,
    changes: &[Change],
    closing: Option<&Closing>,
    budget: &Budget,
) -> Result<Recorded, StoreError> {
    let mut recorded =
        Recorded { changes: 0, end: Position::end_of(epoch - 1), is_whole: false, trouble: None };
    let mut transactions = transactions(changes);
    if let (true, Some(_)) = (transactions.is_empty(), closing) {
        transactions.push(&[]);
    }
    let count = transactions.len();
    for (transaction, n) in transactions.into_iter().zip(1..) {
        if budget.is_spent() {
            return Ok(recorded);
        }
        let closing = closing.filter(|_| n == count);
        match store.record(target, epoch, transaction, closing).await {
            Ok(()) => {}
            Err(StoreError::Unavailable(why)) => {
                return Ok(Recorded { trouble: Some(StoreError::Unavailable(why)), ..recorded });
            }
            Err(error) => return Err(error),
        }
        recorded.changes += transaction.len();
        if let Some(last) = transaction.last() {
            recorded.end = Position { epoch, place: Place::Account(last.account) };
        }
    }
    Ok(Recorded { end: Position::end_of(epoch), is_whole: true, ..recorded })
}

/// As many changes as fit, transaction by transaction.
fn transactions(changes: &[Change]) -> Vec<&[Change]> {
    let mut transactions = Vec::new();
    let mut rest = changes;
    while !rest.is_empty() {
        let mut items = 0;
        let fits = |change: &&Change| {
            items += change.items();
            items <= ITEMS_PER_TRANSACTION
        };
        let (transaction, others) = rest.split_at(rest.iter().take_while(fits).count());
        transactions.push(transaction);
        rest = others;
    }
    transactions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Kind;
    use crate::state::heads::Counts;
    use crate::state::{Row, State, Transition};
    use crate::watch::stub::Stub;
    use jiff::Timestamp;
    use std::time::Duration;

    fn change(n: u64, logged: bool) -> Change {
        let account = format!("{n:012}").parse().unwrap();
        let row = Row::of(State::of("CREATE_FAILED".parse().unwrap()));
        let transition = logged.then(|| {
            Box::new(Transition {
                account,
                epoch: 1,
                kind: Kind::Failed,
                from: None,
                to: None,
                failing_since: None,
                observed_at: Timestamp::UNIX_EPOCH,
                silenced: false,
                flapping: None,
                damped: false,
                incident_id: None,
                baseline: false,
                told: true,
                expires_at: Timestamp::UNIX_EPOCH,
            })
        });
        Change { account, row: Some(row), transition }
    }

    #[test]
    fn a_transaction_has_as_many_items_as_dynamodb_takes() {
        let sizes = |changes: &[Change]| transactions(changes).iter().map(|t| t.len()).collect::<Vec<_>>();
        let rows: Vec<Change> = (0..100).map(|n| change(n, false)).collect();
        assert_eq!(sizes(&rows), [98, 2]);
        let logged: Vec<Change> = (0..100).map(|n| change(n, true)).collect();
        assert_eq!(sizes(&logged), [49, 49, 2]);
        let mixed: Vec<Change> = (0..98).map(|n| change(n, n == 97)).collect();
        assert_eq!(sizes(&mixed), [97, 1]);
        assert_eq!(sizes(&[]), [0; 0]);
    }

    const EPOCH: u64 = 7;

    /// What becomes of the changes, and the transactions that were tried.
    async fn recorded(
        store: Stub,
        changes: &[Change],
        closing: Option<&Closing>,
        budget: Budget,
    ) -> (Result<Recorded, StoreError>, Vec<(usize, bool)>) {
        let target = Target { region: "eu-west-1".parse().unwrap(), pack: "P".parse().unwrap() };
        let recorded = record(&store, &target, EPOCH, changes, closing, &budget).await;
        (recorded, store.transactions.into_inner())
    }

    #[tokio::test]
    async fn the_closing_goes_with_the_last_transaction_or_alone() {
        let changes: Vec<Change> = (1..=100).map(|n| change(n, true)).collect();
        let closing = Closing::Counted(Counts::new());
        let whole =
            |changes| Recorded { changes, end: Position::end_of(EPOCH), is_whole: true, trouble: None };
        for (changes, closing, transactions) in [
            (&changes[..], Some(&closing), vec![(49, false), (49, false), (2, true)]),
            (&changes[..49], None, vec![(49, false)]),
            (&[], Some(&closing), vec![(0, true)]),
            (&[], None, vec![]),
        ] {
            let done = recorded(Stub::default(), changes, closing, Budget::UNLIMITED).await;
            assert_eq!(done, (Ok(whole(changes.len())), transactions));
        }
    }

    #[tokio::test]
    async fn what_is_not_known_to_be_written_bounds_what_may_be_announced() {
        let changes: Vec<Change> = (1..=100).map(|n| change(n, true)).collect();
        let unknown = StoreError::Unavailable("no answer".to_owned());
        let fails = |n, error: &StoreError| Stub { fails: Some((n, error.clone())), ..Stub::default() };
        let before = Recorded {
            changes: 0,
            end: Position::end_of(EPOCH - 1),
            is_whole: false,
            trouble: Some(unknown.clone()),
        };
        let nothing = recorded(fails(1, &unknown), &changes, None, Budget::UNLIMITED).await;
        assert_eq!(nothing, (Ok(before.clone()), vec![(49, false)]));
        let end = Position { epoch: EPOCH, place: Place::Account(changes[48].account) };
        let some = recorded(fails(2, &unknown), &changes, None, Budget::UNLIMITED).await;
        assert_eq!(some, (Ok(Recorded { changes: 49, end, ..before.clone() }), vec![(49, false); 2]));
        let late = recorded(Stub::default(), &changes, None, Budget::ending_in(Duration::ZERO)).await;
        assert_eq!(late, (Ok(Recorded { trouble: None, ..before }), vec![]));
        let newer = recorded(fails(2, &StoreError::Superseded), &changes, None, Budget::UNLIMITED).await;
        assert_eq!(newer.0, Err(StoreError::Superseded));
    }
}
