use super::*;
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
    let take = |progress| match progress {
        Progress::Items(items) => log.borrow_mut().extend(items.iter().map(|n| format!("take {n}"))),
        Progress::Restarted => log.borrow_mut().push("again".to_owned()),
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

type Answer<T> = Result<Page<T>, SourceError>;

/// What a listing of two pages comes to when so many of its calls for the second one are refused, and how often its
/// first page was asked for.
async fn refused(times: usize, starting_token: Option<&str>) -> (Result<Vec<u64>, ReadError>, usize) {
    let (begun, refused) = (RefCell::new(0), RefCell::new(0));
    let read = async |request: PageRequest| -> Answer<u64> {
        if request.token.is_none() {
            *begun.borrow_mut() += 1;
            return Ok(Page { items: vec![1], next_token: Some("2".to_owned()) });
        }
        *refused.borrow_mut() += 1;
        if *refused.borrow() <= times {
            return Err(SourceError::TokenRefused("expired".to_owned()));
        }
        Ok(Page { items: vec![2], next_token: None })
    };
    let mut taken = Vec::new();
    let take = |progress| match progress {
        Progress::Items(items) => taken.extend(items),
        Progress::Restarted => taken.clear(),
    };
    let starting_token = starting_token.map(str::to_owned);
    let config = PaginationConfig { starting_token, ..PaginationConfig::default() };
    let read = pages(&config, read, take).await;
    (read.map(|_| taken), begun.into_inner())
}

#[tokio::test]
async fn a_token_that_expires_on_the_way_begins_the_read_again_at_most_twice() {
    let expired = || Err(ReadError::Source(SourceError::TokenRefused("expired".to_owned())));
    assert_eq!(refused(2, None).await, (Ok(vec![1, 2]), 3));
    assert_eq!(refused(3, None).await, (expired(), 3));
    assert_eq!(refused(1, Some("caller's")).await, (expired(), 0), "no other token helps");
}

/// The accounts 1 to so many, all of them failed, three on a page: how a filter is answered, and what was asked for.
struct Fake {
    accounts: u64,
    takes_filters: bool,
    asked: RefCell<Vec<String>>,
}

impl StatusSource for Fake {
    async fn packs(&self, _: &Region, page: &PageRequest) -> Answer<PackName> {
        let (name, next_token) = if page.token.is_none() { ("A", Some("t".to_owned())) } else { ("B", None) };
        Ok(Page { items: vec![name.parse().unwrap()], next_token })
    }

    async fn statuses(&self, _: &Target, filters: &Filters, page: &PageRequest) -> Answer<DetailedStatus> {
        let begin = page.token.as_ref().map_or(0, |token| token.parse().unwrap());
        let what = filters.account.map_or("all".to_owned(), |account| account.number().to_string());
        self.asked.borrow_mut().push(format!("{what} from {begin}"));
        if !filters.is_empty() && !self.takes_filters {
            return Err(SourceError::Invalid("no such filter".to_owned()));
        }
        let wanted = |n: &u64| filters.account.is_none_or(|account| account.number() == *n);
        let rows: Vec<_> = (1..=self.accounts).filter(wanted).map(row).collect();
        let next_token = (begin + 3 < rows.len()).then(|| (begin + 3).to_string());
        Ok(Page { items: rows.into_iter().skip(begin).take(3).collect(), next_token })
    }
}

fn account(n: u64) -> AccountId {
    format!("{n:012}").parse().unwrap()
}

fn row(n: u64) -> DetailedStatus {
    DetailedStatus {
        account: account(n),
        conformance_pack_name: "OrgConformsPack-x".to_owned(),
        status: "CREATE_FAILED".parse().unwrap(),
        error_code: None,
        error_message: None,
        last_update: None,
    }
}

fn fake(accounts: u64, takes_filters: bool) -> Fake {
    Fake { accounts, takes_filters, asked: RefCell::default() }
}

fn target() -> Target {
    Target { region: "eu-west-1".parse().unwrap(), pack: "P".parse().unwrap() }
}

/// Account 4 is excluded.
fn settings() -> Settings {
    let lookup = |name: &str| match name {
        "PACKWATCH_REGIONS" => Some("eu-west-1".to_owned()),
        "PACKWATCH_EXCLUDE_ACCOUNTS" => Some("000000000004".to_owned()),
        _ => None,
    };
    crate::settings::Reader::new(&lookup).settings()
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
        let read = read(&fake(5, true), &request).await;
        assert_eq!((read.observation.whole, read.pages), (whole, pages), "{request:?}");
        assert_eq!(numbers(&read), accounts);
        assert_eq!(read.fingerprint, whole.then(|| fingerprint::of(&read.observation.states)));
        assert_eq!(read.next_token.is_some(), request.pagination.max_items == Some(2));
    }
}

#[tokio::test]
async fn who_is_missing_is_asked_for_one_by_one_where_that_is_cheaper() {
    let all_again = ["all from 0", "all from 3"];
    for (seen, now, takes_filters, missing, asked, there) in [
        // A read of two pages.
        (5, 6, true, [6, 7].as_slice(), ["6 from 0", "7 from 0"].as_slice(), [1, 2, 3, 5, 6].as_slice()),
        (5, 5, true, &[6], &["6 from 0"], &[1, 2, 3, 5]),
        (5, 6, false, &[6], &["6 from 0", "all from 0", "all from 3"], &[1, 2, 3, 5, 6]),
        // Of one page: account 6 was not missing, and its time comes.
        (3, 6, true, &[5, 7], &all_again, &[1, 2, 3, 5]),
    ] {
        let mut scanned = read(&fake(seen, true), &Request::default()).await;
        let (pages, source) = (scanned.pages, fake(now, takes_filters));
        let missing: Vec<AccountId> = missing.iter().map(|n| account(*n)).collect();
        confirm(&source, &target(), &missing, &mut scanned, &settings(), &Silences::default()).await.unwrap();
        assert_eq!(source.asked.into_inner(), asked);
        assert_eq!(numbers(&scanned), there);
        assert_eq!(scanned.fingerprint, Some(fingerprint::of(&scanned.observation.states)));
        let refused = u64::from(!takes_filters);
        assert_eq!(scanned.pages, pages + asked.len() as u64 - refused);
    }
}

#[tokio::test]
async fn packs_are_listed_to_the_last_page() {
    let listed = packs(&fake(0, true), &target().region).await.unwrap();
    assert_eq!(listed.iter().map(PackName::as_str).collect::<Vec<_>>(), ["A", "B"]);
}

/// An account that moves between two pages is in both, and the older row may come last.
#[tokio::test]
async fn of_an_account_that_is_read_twice_the_later_row_counts_and_else_it_is_asked_for() {
    let row = |n: u64, status: &str, at: Option<&str>| DetailedStatus {
        account: account(n),
        conformance_pack_name: "OrgConformsPack-x".to_owned(),
        status: status.parse().unwrap(),
        error_code: None,
        error_message: None,
        last_update: at.map(|at| at.parse().unwrap()),
    };
    let (early, late) = (Some("2026-11-20T10:00:00Z"), Some("2026-11-20T10:05:00Z"));
    let (failed, healthy) = ("UPDATE_FAILED", "UPDATE_SUCCESSFUL");
    for (first, second, status) in [
        ((failed, late), (healthy, early), Some(failed)),
        ((healthy, early), (failed, late), Some(failed)),
        ((failed, late), (failed, late), Some(failed)),
        ((failed, late), (healthy, late), None),
        ((failed, None), (healthy, late), None),
    ] {
        let rows = [
            row(1, healthy, early),
            row(2, first.0, first.1),
            row(3, healthy, early),
            row(2, second.0, second.1),
        ];
        let states = rows.into_iter().filter_map(|row| {
            watched(row, &settings(), &Silences::default(), "2026-11-20T10:06:00Z".parse().unwrap())
        });
        let seen = Seen::new(states.collect());
        assert_eq!(seen.states.len(), 3);
        assert_eq!(seen.unclear.contains(&account(2)), status.is_none(), "{first:?}, {second:?}");
        if let Some(status) = status {
            assert_eq!(seen.states[&account(2)].status.as_str(), status, "{first:?}, {second:?}");
        }
    }
    // What is unclear is asked for by its id, though nobody is missing.
    let mut unclear = read(&fake(3, true), &Request::default()).await;
    unclear.unclear.insert(account(2));
    let source = fake(3, true);
    confirm(&source, &target(), &[], &mut unclear, &settings(), &Silences::default()).await.unwrap();
    assert_eq!((source.asked.into_inner(), numbers(&unclear)), (vec!["2 from 0".to_owned()], vec![1, 2, 3]));
}
