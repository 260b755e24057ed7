//! Reads of every account, and by filters.

use super::*;
use crate::state::Row;
use crate::watch::scan::fake::{Fake, Filtered, account};
use crate::watch::scan::filtered::to_ask;
use crate::watch::scan::policy::{FAILED, IN_PROGRESS};

/// The accounts 1 to so many, three on a page.
fn fake(accounts: u64) -> Fake {
    Fake { page: 3, ..Fake::of(accounts, "CREATE_FAILED", &[]) }
}

fn accounts(numbers: &[u64]) -> BTreeSet<AccountId> {
    numbers.iter().map(|n| account(*n)).collect()
}

fn numbers(read: &Observation) -> Vec<u64> {
    read.states.keys().map(|account| account.number()).collect()
}

fn statuses(read: &Observation) -> Vec<(u64, &str)> {
    read.states.iter().map(|(account, state)| (account.number(), state.status.as_str())).collect()
}

#[tokio::test]
async fn a_read_is_whole_without_filters_and_from_the_first_account_to_the_last() {
    let cut = |max_items, starting_token: Option<&str>| {
        let (page_size, starting_token) = (None, starting_token.map(str::to_owned));
        let pagination = PaginationConfig { max_items, page_size, starting_token };
        Request { pagination, ..Request::default() }
    };
    let of_account = Filters { account: Some(account(2)), status: None };
    let filtered = Request { filters: of_account, ..Request::default() };
    for (request, extent, pages, accounts) in [
        (Request::default(), Extent::Everybody, 4, vec![1, 2, 3, 4, 5, 6, 7, 8, 10]),
        (cut(Some(10), None), Extent::Everybody, 4, vec![1, 2, 3, 4, 5, 6, 7, 8, 10]),
        (cut(Some(2), None), Extent::Asked, 1, vec![1, 2]),
        (cut(None, Some("9")), Extent::Asked, 1, vec![10]),
        (filtered, Extent::Asked, 1, vec![2]),
        (Request { partial: true, ..Request::default() }, Extent::Asked, 4, vec![1, 2, 3, 4, 5, 6, 7, 8, 10]),
    ] {
        let fake = fake(10);
        let reader = fake.reader();
        let (read, next_token) = reader.everybody(&request).await.unwrap();
        assert_eq!((read.extent, reader.calls()), (extent, pages), "{request:?}");
        assert_eq!(numbers(&read), accounts, "without account 9");
        assert_eq!(next_token.is_some(), request.pagination.max_items == Some(2));
    }
}

#[tokio::test]
async fn who_is_missing_is_asked_for_one_by_one_where_that_is_cheaper() {
    for (seen, now, filtered, missing, asked, there) in [
        // A read of two pages.
        (
            5,
            6,
            Filtered::BeforePages,
            [6, 7].as_slice(),
            ["6", "7"].as_slice(),
            [1, 2, 3, 4, 5, 6].as_slice(),
        ),
        (5, 5, Filtered::BeforePages, &[6], &["6"], &[1, 2, 3, 4, 5]),
        // What is unclear, too.
        (5, 5, Filtered::BeforePages, &[2], &["2"], &[1, 2, 3, 4, 5]),
        (5, 4, Filtered::BeforePages, &[5], &["5"], &[1, 2, 3, 4]),
        (5, 6, Filtered::Refused, &[6], &["6", "all", "all from 3"], &[1, 2, 3, 4, 5, 6]),
        (5, 6, Filtered::Never, &[6], &["6", "all", "all from 3"], &[1, 2, 3, 4, 5, 6]),
        // Of one page: account 6 was not missing, and its time comes.
        (3, 6, Filtered::BeforePages, &[5, 7], &["all", "all from 3"], &[1, 2, 3, 5]),
        (3, 2, Filtered::BeforePages, &[3, 7], &["all"], &[1, 2]),
    ] {
        let mut fake = fake(seen);
        let (mut read, _) = fake.reader().everybody(&Request::default()).await.unwrap();
        read.unclear = accounts(missing);
        let calls = fake.asked.take().len() as u64;
        fake = Fake { rows: self::fake(now).rows, filtered, ..fake };
        let reader = fake.reader();
        reader.calls.set(calls);
        reader.confirm(&mut read, &accounts(missing)).await.unwrap();
        assert_eq!((numbers(&read), &read.unclear), (there.to_vec(), &accounts(&[])));
        assert_eq!(fake.asked.into_inner(), asked);
    }
}

/// An account that moves between two pages is in both, and the older row may come last.
#[test]
fn of_an_account_that_is_read_twice_the_later_row_counts_and_else_it_is_unclear() {
    let (early, late) = (Some("2026-11-20T10:00:00Z"), Some("2026-11-20T10:05:00Z"));
    let (failed, healthy) = ("UPDATE_FAILED", "UPDATE_SUCCESSFUL");
    for (first, second, status) in [
        ((failed, late), (healthy, early), Some(failed)),
        ((healthy, early), (failed, late), Some(failed)),
        ((failed, late), (failed, late), Some(failed)),
        ((failed, late), (healthy, late), None),
        ((failed, None), (healthy, late), None),
        ((failed, late), (healthy, None), None),
        ((failed, None), (healthy, None), None),
    ] {
        let rows = [(1, (healthy, early)), (2, first), (3, (healthy, early)), (2, second)];
        let rows = rows.map(|(n, (status, at))| {
            let last_update = at.map(|at| at.parse().unwrap());
            (account(n), State { last_update, ..State::of(Status::new(status)) })
        });
        let seen = fake(0).reader().observation(Extent::Everybody, rows.into());
        assert_eq!(numbers(&seen), [1, 2, 3]);
        assert_eq!(
            seen.unclear,
            accounts(if status.is_none() { &[2] } else { &[] }),
            "{first:?}, {second:?}"
        );
        if let Some(status) = status {
            assert_eq!(seen.states[&account(2)].status.as_str(), status, "{first:?}, {second:?}");
        }
    }
}

fn wrong(why: &str) -> ReadError {
    ReadError::Violated(why.to_owned())
}

/// What a quick scan of a fake reads, and in how many calls.
async fn quick(fake: &Fake) -> Result<(Observation, u64), ReadError> {
    let reader = fake.reader();
    Ok((reader.active(&[(Status::new("CREATE_PAUSED"), 1)].into()).await?, reader.calls()))
}

/// What asking for some accounts comes to, and in how many calls.
async fn ask(
    fake: &Fake,
    read: &mut Observation,
    numbers: &[u64],
    most: u64,
) -> (Result<(), ReadError>, u64) {
    let reader = fake.reader();
    (reader.ask(read, &accounts(numbers), most).await, reader.calls())
}

#[tokio::test]
async fn it_reads_progress_then_failures_then_what_nobody_documented() {
    let others =
        [(1, "UPDATE_FAILED"), (2, "CREATE_IN_PROGRESS"), (3, "CREATE_PAUSED"), (4, "DELETE_SUCCESSFUL")];
    let fake = Fake::healthy(250, &others);
    let (read, _) = quick(&fake).await.unwrap();
    assert_eq!((read.extent, statuses(&read)), (Extent::Active, others[..3].to_vec()));
    assert_eq!(fake.asked.into_inner(), [&IN_PROGRESS[..], &FAILED[..], &["CREATE_PAUSED"]].concat());
}

#[tokio::test]
async fn a_filter_is_violated_by_a_short_page_another_status_or_a_refusal() {
    let one = [(1, "CREATE_FAILED")];
    for (filtered, why) in [
        (Filtered::AfterPages, "a page of the accounts in CREATE_IN_PROGRESS has 0 rows and is not the last"),
        (Filtered::Never, "among the accounts in CREATE_IN_PROGRESS is one in CREATE_FAILED"),
        (Filtered::Refused, "it refuses the filter: no such filter"),
    ] {
        assert_eq!(quick(&Fake::healthy(250, &one).filtered(filtered)).await, Err(wrong(why)));
    }
    // On its last page, a filter that comes after the pages is as good as any; and a full one need not be the last.
    let few = Fake::healthy(100, &one).filtered(Filtered::AfterPages);
    assert_eq!(statuses(&quick(&few).await.unwrap().0), one);
    let (read, calls) = quick(&Fake::of(101, "CREATE_FAILED", &[])).await.unwrap();
    assert_eq!((read.states.len(), calls), (100, 8), "without account 9");
}

#[test]
fn who_was_not_read_is_asked_for_and_in_a_quick_scan_where_the_row_is_active_or_flaps() {
    let recorded = |(n, status, turns): (u64, &str, &[i64])| {
        let turns: Vec<Timestamp> = turns.iter().map(|at| Timestamp::from_second(*at).unwrap()).collect();
        (
            account(n),
            Box::new(Row {
                state: State::of(Status::new(status)),
                flapping: !turns.is_empty(),
                turns,
                ..Row::default()
            }),
        )
    };
    let rows = [
        (1, "CREATE_FAILED", [].as_slice()),
        (2, "CREATE_FAILED", &[]),
        (3, "CREATE_FAILED", &[]),
        (4, "CREATE_IN_PROGRESS", &[]),
        (5, "CREATE_PAUSED", &[]),
        (6, "CREATE_SUCCESSFUL", &[]),
        (7, "CREATE_SUCCESSFUL", &[-3600]),
        (8, "CREATE_SUCCESSFUL", &[-3599]),
        (9, "CREATE_FAILED", &[]),
    ];
    let (rows, fake) = (rows.map(recorded).into(), fake(0));
    let read = [1, 2].map(|n| (account(n), State::of(Status::new("CREATE_FAILED"))));
    for (extent, asked) in [
        (Extent::Active, [2, 3, 4, 5, 7].as_slice()),
        (Extent::Everybody, &[2, 3, 4, 5, 6, 7, 8]),
        (Extent::Asked, &[2]),
        (Extent::Gone, &[2]),
    ] {
        let mut read = fake.reader().observation(extent, read.clone().into());
        read.unclear = accounts(&[2]);
        assert_eq!(to_ask(&rows, &read, &fake.settings), accounts(asked), "{extent:?}");
    }
}

#[tokio::test]
async fn who_is_asked_for_is_as_the_answer_says_and_an_empty_one_is_an_answer() {
    let (mut read, _) = quick(&Fake::healthy(2, &[(1, "CREATE_IN_PROGRESS")])).await.unwrap();
    read.unclear = accounts(&[1, 4]);
    let then = Fake::healthy(2, &[(1, "UPDATE_SUCCESSFUL")]);
    assert_eq!(ask(&then, &mut read, &[1, 2, 3, 4], 4).await, (Ok(()), 4));
    assert_eq!(statuses(&read), [(1, "UPDATE_SUCCESSFUL"), (2, "CREATE_SUCCESSFUL")]);
    assert_eq!((&read.unclear, &read.absent), (&accounts(&[]), &accounts(&[3, 4])));
    // Taken for an empty answer, another account's row would make this one gone.
    let lying = Fake::healthy(2, &[]).filtered(Filtered::Never);
    let before = read.clone();
    let (asked, _) = ask(&lying, &mut read, &[7], 3).await;
    assert_eq!(asked, Err(wrong("asked for account 000000000007, it answers with account 000000000001")));
    assert_eq!(read, before);
}

#[tokio::test]
async fn asking_costs_no_more_calls_than_a_full_scan() {
    let (mut read, _) = quick(&Fake::healthy(250, &[])).await.unwrap();
    let before = read.clone();
    let none = ask(&Fake::healthy(250, &[]), &mut read, &[1, 2, 3, 4], 3).await;
    assert_eq!(none, (Err(ReadError::TooMany), 0), "more accounts than calls");
    // Three pages for each account: what counts is the calls.
    let slow = Fake::healthy(250, &[]).filtered(Filtered::AfterPages);
    assert_eq!(ask(&slow, &mut read, &[1, 2], 3).await, (Err(ReadError::TooMany), 3));
    assert_eq!(read, before, "what was asked for in vain does not count");
    assert_eq!(ask(&slow, &mut read, &[240], 3).await, (Ok(()), 3));
    assert_eq!(statuses(&read), [(240, "CREATE_SUCCESSFUL")], "on its last page");
}
