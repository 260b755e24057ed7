use super::*;
use crate::watch::scan::fake::{Fake, Filtered, account, excluding, target};
use std::cell::RefCell;

/// What is asked for and what is taken of three pages, in its order.
async fn story(max_items: Option<u64>) -> Vec<String> {
    let log = RefCell::new(Vec::new());
    let read = async |request: PageRequest| {
        let page: u64 = request.token.map_or(1, |token| token.parse().unwrap());
        log.borrow_mut().push(format!("ask for {page}"));
        // An answer takes its time.
        yield_now().await;
        yield_now().await;
        Ok(Page { items: vec![page], next_token: (page < 3).then(|| (page + 1).to_string()) })
    };
    let take = |page| {
        log.borrow_mut().push(format!("take {page}"));
        Some(page)
    };
    let config = PaginationConfig { max_items, ..PaginationConfig::default() };
    pages(&config, read, take).await.unwrap();
    log.into_inner()
}

#[tokio::test]
async fn a_page_is_taken_while_the_next_one_is_under_way() {
    let asked_first = ["ask for 1", "ask for 2", "take 1", "ask for 3", "take 2", "take 3"];
    assert_eq!(story(None).await, asked_first);
    let nothing_unwanted = ["ask for 1", "ask for 2", "take 1", "take 2"];
    assert_eq!(story(Some(2)).await, nothing_unwanted);
}

/// What a listing of two pages comes to when so many of its calls for the second one are refused, and how often its
/// first page was asked for.
async fn refused(times: usize, starting_token: Option<&str>) -> (Result<Vec<u64>, ReadError>, usize) {
    let (begun, refused) = (RefCell::new(0), RefCell::new(0));
    let read = async |request: PageRequest| {
        if request.token.is_none() {
            *begun.borrow_mut() += 1;
            return Ok(Page { items: vec![1], next_token: Some("2".to_owned()) });
        }
        *refused.borrow_mut() += 1;
        if *refused.borrow() <= times {
            return Err(SourceError::TokenRefused("expired".to_owned()).into());
        }
        Ok(Page { items: vec![2], next_token: None })
    };
    let starting_token = starting_token.map(str::to_owned);
    let config = PaginationConfig { starting_token, ..PaginationConfig::default() };
    let read = pages(&config, read, Some).await;
    (read.map(|(taken, _)| taken), begun.into_inner())
}

#[tokio::test]
async fn a_token_that_expires_on_the_way_begins_the_read_again_at_most_twice() {
    let expired = || Err(ReadError::Source(SourceError::TokenRefused("expired".to_owned())));
    assert_eq!(refused(2, None).await, (Ok(vec![1, 2]), 3));
    assert_eq!(refused(3, None).await, (expired(), 3));
    assert_eq!(refused(1, Some("caller's")).await, (expired(), 0), "no other token helps");
}

/// The accounts 1 to so many, three on a page.
fn fake(accounts: u64) -> Fake {
    Fake { page: 3, ..Fake::of(accounts, "CREATE_FAILED", &[]) }
}

/// Account 4 is excluded.
fn settings() -> Settings {
    excluding("000000000004")
}

async fn read(fake: &Fake, request: &Request) -> Read {
    let now = Timestamp::UNIX_EPOCH;
    statuses(fake, &target(), request, &settings(), &Silences::default(), now).await.unwrap()
}

fn numbers(read: &Read) -> Vec<u64> {
    read.observation.states.keys().map(|account| account.number()).collect()
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
    for (request, whole, pages, accounts) in [
        (Request::default(), true, 2, vec![1, 2, 3, 5]),
        (cut(Some(5), None), true, 2, vec![1, 2, 3, 5]),
        (cut(Some(2), None), false, 1, vec![1, 2]),
        (cut(None, Some("3")), false, 1, vec![5]),
        (filtered, false, 1, vec![2]),
    ] {
        let read = read(&fake(5), &request).await;
        assert_eq!((read.observation.whole, read.pages), (whole, pages), "{request:?}");
        assert_eq!(numbers(&read), accounts);
        assert_eq!(read.fingerprint, whole.then(|| fingerprint::of(&read.observation.states)));
        assert_eq!(read.next_token.is_some(), request.pagination.max_items == Some(2));
    }
}

#[tokio::test]
async fn who_is_missing_is_asked_for_one_by_one_where_that_is_cheaper() {
    let takes = Filtered::BeforePages;
    for (seen, now, filtered, missing, asked, there) in [
        // A read of two pages.
        (5, 6, takes, [6, 7].as_slice(), ["6", "7"].as_slice(), [1, 2, 3, 5, 6].as_slice()),
        (5, 5, takes, &[6], &["6"], &[1, 2, 3, 5]),
        (5, 6, Filtered::Refused, &[6], &["6", "all", "all from 3"], &[1, 2, 3, 5, 6]),
        // Of one page: account 6 was not missing, and its time comes.
        (3, 6, takes, &[5, 7], &["all", "all from 3"], &[1, 2, 3, 5]),
    ] {
        let mut scanned = read(&fake(seen), &Request::default()).await;
        let (pages, source) = (scanned.pages, Fake { filtered, ..fake(now) });
        let missing: Vec<AccountId> = missing.iter().map(|n| account(*n)).collect();
        confirm(&source, &target(), &missing, &mut scanned, &settings(), &Silences::default()).await.unwrap();
        assert_eq!(source.asked.into_inner(), asked);
        assert_eq!(numbers(&scanned), there);
        assert_eq!(scanned.fingerprint, Some(fingerprint::of(&scanned.observation.states)));
        let refused = u64::from(filtered == Filtered::Refused);
        assert_eq!(scanned.pages, pages + asked.len() as u64 - refused);
    }
}

#[tokio::test]
async fn packs_are_listed_to_the_last_page() {
    let listed = packs(&fake(0), &target().region).await.unwrap();
    assert_eq!(listed.iter().map(PackName::as_str).collect::<Vec<_>>(), ["A", "B"]);
}

/// An account that moves between two pages is in both, and the older row may come last.
#[tokio::test]
async fn of_an_account_that_is_read_twice_the_later_row_counts_and_else_it_is_asked_for() {
    let row = |n: u64, status: &str, at: Option<&str>| {
        (
            account(n),
            State { last_update: at.map(|at| at.parse().unwrap()), ..State::of(Status::new(status)) },
        )
    };
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
        let rows = [
            row(1, healthy, early),
            row(2, first.0, first.1),
            row(3, healthy, early),
            row(2, second.0, second.1),
        ];
        let seen = Seen::new(rows.into());
        assert_eq!(seen.states.len(), 3);
        assert_eq!(seen.unclear.contains(&account(2)), status.is_none(), "{first:?}, {second:?}");
        if let Some(status) = status {
            assert_eq!(seen.states[&account(2)].status.as_str(), status, "{first:?}, {second:?}");
        }
    }
    // What is unclear is asked for by its id, though nobody is missing.
    let mut unclear = read(&fake(3), &Request::default()).await;
    unclear.unclear.insert(account(2));
    let source = fake(3);
    confirm(&source, &target(), &[], &mut unclear, &settings(), &Silences::default()).await.unwrap();
    assert_eq!((source.asked.into_inner(), numbers(&unclear)), (vec!["2".to_owned()], vec![1, 2, 3]));
}
