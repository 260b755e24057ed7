use super::*;
use crate::model::{PackName, Region};
use crate::settings::Reader;
use crate::state::State;

/// How the fake's filter behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Filtered {
    /// As it should: what is left is cut into pages.
    BeforePages,
    /// What is cut into pages is filtered, so that a page may be empty.
    AfterPages,
    /// Not at all.
    Never,
    /// It is refused.
    Refused,
}

/// A pack's accounts, and what was asked of them.
struct Fake {
    rows: RefCell<BTreeMap<u64, (&'static str, Option<i64>)>>,
    filtered: Filtered,
    /// Changes an account once so many calls were answered.
    moves: Vec<(usize, u64, &'static str, Option<i64>)>,
    /// The call whose token is refused, or which fails.
    fails: Option<(usize, SourceError)>,
    asked: RefCell<Vec<String>>,
}

impl Fake {
    fn new(rows: &[(u64, &'static str, i64)]) -> Self {
        let rows = rows.iter().map(|(n, status, at)| (*n, (*status, Some(*at)))).collect();
        Self::of(rows)
    }

    /// So many healthy accounts, and some others.
    fn healthy(accounts: u64, others: &[(u64, &'static str)]) -> Self {
        let mut rows: BTreeMap<_, _> = (1..=accounts).map(|n| (n, ("CREATE_SUCCESSFUL", Some(1)))).collect();
        rows.extend(others.iter().map(|(n, status)| (*n, (*status, Some(1)))));
        Self::of(rows)
    }

    fn of(rows: BTreeMap<u64, (&'static str, Option<i64>)>) -> Self {
        let (filtered, moves, fails, asked) = (Filtered::BeforePages, Vec::new(), None, RefCell::default());
        Self { rows: rows.into(), filtered, moves, fails, asked }
    }

    fn filtered(self, filtered: Filtered) -> Self {
        Self { filtered, ..self }
    }

    fn changing(mut self, after: usize, n: u64, status: &'static str, at: Option<i64>) -> Self {
        self.moves.push((after, n, status, at));
        self
    }

    fn asked(&self) -> Vec<String> {
        self.asked.borrow().clone()
    }
}

impl StatusSource for Fake {
    async fn packs(&self, _: &Region, _: &PageRequest) -> Result<Page<PackName>, SourceError> {
        unreachable!("a quick scan is at a pack that is known")
    }

    async fn statuses(
        &self,
        _: &Target,
        filters: &Filters,
        page: &PageRequest,
    ) -> Result<Page<DetailedStatus>, SourceError> {
        let status = filters.status.as_ref().map(|status| status.to_string());
        let what = status.or(filters.account.map(|account| account.to_string())).unwrap();
        let call = self.asked.borrow().len();
        self.asked.borrow_mut().push(match &page.token {
            None => what,
            Some(token) => format!("{what} from {token}"),
        });
        tokio::task::yield_now().await;
        let due = self.moves.iter().filter(|(after, ..)| *after <= call);
        self.rows.borrow_mut().extend(due.map(|(_, n, status, at)| (*n, (*status, *at))));
        match &self.fails {
            Some((failing, error)) if *failing == call => return Err(error.clone()),
            _ if self.filtered == Filtered::Refused => {
                return Err(SourceError::Invalid("no such filter".to_owned()));
            }
            _ => {}
        }
        let wanted = |row: &DetailedStatus| {
            filters.account.is_none_or(|account| account == row.account)
                && filters.status.as_ref().is_none_or(|status| *status == row.status)
        };
        let mut rows: Vec<DetailedStatus> =
            self.rows.borrow().iter().map(|(n, (status, at))| row(*n, status, *at)).collect();
        if self.filtered == Filtered::BeforePages {
            rows.retain(wanted);
        }
        let begin: usize = page.token.as_ref().map_or(0, |token| token.parse().unwrap());
        // A size that is not said is not relied on.
        let end = begin + usize::from(page.limit.unwrap_or(99));
        let next_token = (end < rows.len()).then(|| end.to_string());
        let mut items: Vec<_> = rows.into_iter().take(end).skip(begin).collect();
        if self.filtered == Filtered::AfterPages {
            items.retain(wanted);
        }
        Ok(Page { items, next_token })
    }
}

fn account(n: u64) -> AccountId {
    format!("{n:012}").parse().unwrap()
}

fn row(n: u64, status: &str, at: Option<i64>) -> DetailedStatus {
    DetailedStatus {
        account: account(n),
        conformance_pack_name: "OrgConformsPack-x".to_owned(),
        status: Status::new(status),
        error_code: None,
        error_message: None,
        last_update: at.map(|at| Timestamp::from_second(at).unwrap()),
    }
}

fn settings(excluded: &str) -> Settings {
    let lookup = |name: &str| match name {
        "PACKWATCH_REGIONS" => Some("eu-west-1".to_owned()),
        "PACKWATCH_EXCLUDE_ACCOUNTS" => Some(excluded.to_owned()),
        _ => None,
    };
    Reader::new(&lookup).settings()
}

/// What one quick scan of a fake needs.
struct Setup {
    target: Target,
    settings: Settings,
    silences: Silences,
}

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

impl Setup {
    fn new() -> Self {
        Self::excluding("")
    }

    fn excluding(excluded: &str) -> Self {
        let target = Target { region: "eu-west-1".parse().unwrap(), pack: "P".parse().unwrap() };
        Self { target, settings: settings(excluded), silences: Silences::default() }
    }

    fn reader<'a>(&'a self, fake: &'a Fake) -> QuickReader<'a, Fake> {
        QuickReader::new(fake, &self.target, &self.settings, &self.silences)
    }
}

fn counts(statuses: &[&str]) -> Counts {
    statuses.iter().map(|status| (Status::new(status), 1)).collect()
}

async fn quick(fake: &Fake) -> Quick<QuickRead> {
    Setup::new().reader(fake).read(&counts(&["CREATE_PAUSED"]), NOW).await.unwrap()
}

fn read(quick: Quick<QuickRead>) -> QuickRead {
    match quick {
        Quick::Read(read) => read,
        other => panic!("{other:?}"),
    }
}

fn statuses(read: &QuickRead) -> Vec<(u64, &str)> {
    read.states.iter().map(|(account, state)| (account.number(), state.status.as_str())).collect()
}

#[tokio::test]
async fn it_reads_progress_then_failures_then_what_nobody_documented() {
    let others =
        [(1, "UPDATE_FAILED"), (2, "CREATE_IN_PROGRESS"), (3, "CREATE_PAUSED"), (4, "DELETE_SUCCESSFUL")];
    let fake = Fake::healthy(250, &others);
    let scanned = read(quick(&fake).await);
    assert_eq!(statuses(&scanned), [(1, "UPDATE_FAILED"), (2, "CREATE_IN_PROGRESS"), (3, "CREATE_PAUSED")]);
    assert_eq!(fake.asked(), [&IN_PROGRESS[..], &FAILED[..], &["CREATE_PAUSED"]].concat());
    assert!(scanned.active().is_some());
}

#[tokio::test]
async fn a_full_page_that_is_not_the_last_is_no_fault_of_the_filter() {
    let failed: Vec<(u64, &str)> = (1..=101).map(|n| (n, "CREATE_FAILED")).collect();
    let fake = Fake::healthy(300, &failed);
    let scan = Setup::new();
    let reader = scan.reader(&fake);
    let scanned = read(reader.read(&Counts::new(), NOW).await.unwrap());
    assert_eq!((scanned.states.len(), reader.calls()), (101, 7));
}

#[tokio::test]
async fn excluded_accounts_are_not_there() {
    let fake = Fake::new(&[(1, "CREATE_IN_PROGRESS", 5), (2, "CREATE_FAILED", 5)]).changing(
        3,
        1,
        "CREATE_FAILED",
        None,
    );
    let scan = Setup::excluding("000000000001");
    let scanned = read(scan.reader(&fake).read(&Counts::new(), NOW).await.unwrap());
    assert_eq!(statuses(&scanned), [(2, "CREATE_FAILED")]);
    assert_eq!(scanned.unclear, BTreeSet::new());
}

#[tokio::test]
async fn an_account_that_two_reads_show_counts_as_the_later_one_says() {
    type Case = (Option<i64>, Option<i64>, Option<&'static str>);
    let table: [Case; 6] = [
        (Some(5), Some(6), Some("CREATE_FAILED")),
        // A listing may lag behind another.
        (Some(6), Some(5), Some("CREATE_IN_PROGRESS")),
        (Some(5), Some(5), None),
        (None, Some(5), None),
        (Some(5), None, None),
        (None, None, None),
    ];
    for (before, after, wins) in table {
        let fake = Fake::of(BTreeMap::from([(1, ("CREATE_IN_PROGRESS", before))]));
        let scanned = read(quick(&fake.changing(3, 1, "CREATE_FAILED", after)).await);
        match wins {
            Some(status) => assert_eq!(statuses(&scanned), [(1, status)], "{before:?}, {after:?}"),
            None => assert_eq!(scanned.unclear, BTreeSet::from([account(1)]), "{before:?}, {after:?}"),
        }
        assert_eq!(scanned.active().is_some(), wins.is_some(), "{before:?}, {after:?}");
    }
}

#[tokio::test]
async fn an_account_that_goes_from_progress_to_failure_is_found_and_one_that_goes_back_may_not_be() {
    let forth = Fake::new(&[(1, "CREATE_IN_PROGRESS", 5)]).changing(0, 1, "CREATE_FAILED", Some(6));
    assert_eq!(statuses(&read(quick(&forth).await)), [(1, "CREATE_FAILED")]);
    let back = Fake::new(&[(1, "CREATE_FAILED", 5)]).changing(3, 1, "UPDATE_IN_PROGRESS", Some(6));
    let scanned = read(quick(&back).await);
    assert_eq!(statuses(&scanned), []);
    // Its row finds it.
    let rows = BTreeMap::from([(account(1), recorded("CREATE_FAILED", &[]))]);
    assert_eq!(to_ask(&rows, &scanned, &settings("")), BTreeSet::from([account(1)]));
}

#[tokio::test]
async fn a_filter_is_violated_by_a_short_page_another_status_or_a_refusal() {
    let many = || Fake::healthy(250, &[(1, "CREATE_FAILED")]);
    assert_eq!(
        quick(&many().filtered(Filtered::AfterPages)).await,
        Quick::Violated(FilterViolation::ShortPage(Status::new(IN_PROGRESS[0]), 0))
    );
    let never = quick(&many().filtered(Filtered::Never)).await;
    let other = FilterViolation::OtherStatus(Status::new(IN_PROGRESS[0]), Status::new("CREATE_FAILED"));
    assert_eq!(never, Quick::Violated(other));
    let refused = quick(&many().filtered(Filtered::Refused)).await;
    assert_eq!(refused, Quick::Violated(FilterViolation::Refused("no such filter".to_owned())));
    // On its last page, a filter that comes after the pages is as good as any.
    let few = Fake::healthy(100, &[(1, "CREATE_FAILED")]).filtered(Filtered::AfterPages);
    assert_eq!(statuses(&read(quick(&few).await)), [(1, "CREATE_FAILED")]);
}

#[tokio::test]
async fn where_one_read_fails_nothing_is_inferred() {
    for failing in [1, 4, 6] {
        let fails = Some((failing, SourceError::Unavailable("down".to_owned())));
        let fake = Fake { fails, ..Fake::new(&[(1, "CREATE_FAILED", 5)]) };
        let failed = Setup::new().reader(&fake).read(&counts(&["CREATE_PAUSED"]), NOW).await;
        assert_eq!(failed, Err(ReadError::Source(SourceError::Unavailable("down".to_owned()))), "{failing}");
    }
}

#[tokio::test]
async fn a_token_that_is_refused_begins_that_status_again() {
    let failed: Vec<(u64, &str)> = (1..=150).map(|n| (n, "CREATE_FAILED")).collect();
    // The seventh call is the second page.
    let fails = Some((6, SourceError::TokenRefused("too old".to_owned())));
    let fake = Fake { fails, ..Fake::healthy(300, &failed) }.changing(6, 1, "CREATE_SUCCESSFUL", Some(9));
    let scanned = read(quick(&fake).await);
    assert_eq!(scanned.states.len(), 149, "what was read before does not count");
}

fn recorded(status: &str, turns: &[i64]) -> Row {
    let turns: Vec<Timestamp> = turns.iter().map(|at| Timestamp::from_second(*at).unwrap()).collect();
    let state = State::of(Status::new(status));
    Row { flapping: !turns.is_empty(), turns, ..Row::of(state) }
}

#[tokio::test]
async fn what_was_not_read_is_asked_for_where_its_row_is_unhealthy_or_flaps() {
    let fake = Fake::new(&[(1, "CREATE_FAILED", 5), (2, "CREATE_IN_PROGRESS", 5)]).changing(
        3,
        2,
        "UPDATE_FAILED",
        None,
    );
    let scanned = read(quick(&fake).await);
    let rows = BTreeMap::from([
        (account(1), recorded("CREATE_FAILED", &[])),
        (account(2), recorded("CREATE_FAILED", &[])),
        (account(3), recorded("CREATE_FAILED", &[])),
        (account(4), recorded("CREATE_IN_PROGRESS", &[])),
        (account(5), recorded("CREATE_PAUSED", &[])),
        (account(6), recorded("CREATE_SUCCESSFUL", &[])),
        (account(7), recorded("CREATE_SUCCESSFUL", &[-3600])),
        (account(8), recorded("CREATE_SUCCESSFUL", &[-3599])),
        (account(9), recorded("CREATE_FAILED", &[])),
    ]);
    let asked = to_ask(&rows, &scanned, &settings("000000000009"));
    assert_eq!(asked.iter().map(|account| account.number()).collect::<Vec<_>>(), [2, 3, 4, 5, 7]);
    let mut known = scanned.clone();
    known.absent.insert(account(3));
    assert!(!to_ask(&rows, &known, &settings("")).contains(&account(3)), "it was asked for already");
}

/// What asking for some accounts comes to, and in how many calls.
async fn ask(fake: &Fake, read: &mut QuickRead, accounts: &[u64], most: u64) -> (Quick<()>, u64) {
    let scan = Setup::new();
    let reader = scan.reader(fake);
    let accounts = accounts.iter().map(|n| account(*n)).collect();
    let asked = reader.ask(read, &accounts, most).await.unwrap();
    (asked, reader.calls())
}

#[tokio::test]
async fn who_is_asked_for_is_as_the_answer_says_and_an_empty_one_is_an_answer() {
    let fake = Fake::new(&[(1, "CREATE_IN_PROGRESS", 5), (2, "CREATE_SUCCESSFUL", 5)]);
    let mut scanned = read(quick(&fake.changing(3, 1, "CREATE_FAILED", Some(5))).await);
    assert_eq!(scanned.unclear.len(), 1);
    let then = Fake::new(&[(1, "UPDATE_SUCCESSFUL", 7), (2, "CREATE_SUCCESSFUL", 5)]);
    let asked = ask(&then, &mut scanned, &[1, 2, 3], 3).await;
    assert_eq!(asked, (Quick::Read(()), 3));
    assert_eq!(statuses(&scanned), [(1, "UPDATE_SUCCESSFUL"), (2, "CREATE_SUCCESSFUL")]);
    assert_eq!((&scanned.unclear, &scanned.absent), (&BTreeSet::new(), &BTreeSet::from([account(3)])));
    assert_eq!(scanned.active(), Some(fingerprint::active(&BTreeMap::new())), "both are healthy");
}

#[tokio::test]
async fn an_account_that_two_reads_showed_may_be_gone() {
    let fake = Fake::new(&[(1, "CREATE_IN_PROGRESS", 5)]).changing(3, 1, "CREATE_FAILED", Some(5));
    let mut scanned = read(quick(&fake).await);
    ask(&Fake::new(&[]), &mut scanned, &[1], 1).await;
    assert_eq!(statuses(&scanned), []);
    assert_eq!(scanned.absent, BTreeSet::from([account(1)]));
}

#[tokio::test]
async fn asking_costs_no_more_calls_than_a_full_scan() {
    let before = read(quick(&Fake::healthy(250, &[])).await);
    let mut scanned = before.clone();
    let none = ask(&Fake::healthy(250, &[]), &mut scanned, &[1, 2, 3, 4], 3).await;
    assert_eq!(none, (Quick::TooMany, 0), "more accounts than calls");
    // Three pages for each account: what counts is the calls.
    let slow = Fake::healthy(250, &[]).filtered(Filtered::AfterPages);
    assert_eq!(ask(&slow, &mut scanned, &[1, 2], 3).await, (Quick::TooMany, 3));
    assert_eq!(scanned, before, "what was asked for in vain does not count");
    assert_eq!(ask(&slow, &mut scanned, &[240], 3).await, (Quick::Read(()), 3));
    assert_eq!(statuses(&scanned), [(240, "CREATE_SUCCESSFUL")], "on its last page");
}

#[tokio::test]
async fn another_accounts_row_does_not_make_an_account_gone() {
    let mut scanned = read(quick(&Fake::healthy(2, &[])).await);
    let lying = Fake::healthy(2, &[]).filtered(Filtered::Never);
    let (asked, _) = ask(&lying, &mut scanned, &[7], 3).await;
    assert_eq!(asked, Quick::Violated(FilterViolation::OtherAccount(account(7), account(1))));
    assert_eq!(scanned.absent, BTreeSet::new());
}
