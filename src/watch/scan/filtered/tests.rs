use super::*;
use crate::state::State;
use crate::watch::scan::fake::{Fake, Filtered, account, excluding, target};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn healthy(accounts: u64, others: &[(u64, &'static str)]) -> Fake {
    Fake::of(accounts, "CREATE_SUCCESSFUL", others)
}

/// What a quick scan of a fake reads, and in how many calls.
async fn quick(fake: &Fake) -> Result<(QuickRead, u64), ReadError> {
    let (target, settings, silences) = (target(), excluding(""), Silences::default());
    let reader = QuickReader::new(fake, &target, &settings, &silences);
    let counts = [(Status::new("CREATE_PAUSED"), 1)].into();
    Ok((reader.read(&counts, NOW).await?, reader.calls()))
}

/// What asking for some accounts comes to, and in how many calls.
async fn ask(fake: &Fake, read: &mut QuickRead, accounts: &[u64], most: u64) -> (Result<(), ReadError>, u64) {
    let (target, settings, silences) = (target(), excluding(""), Silences::default());
    let reader = QuickReader::new(fake, &target, &settings, &silences);
    let accounts = accounts.iter().map(|n| account(*n)).collect();
    (reader.ask(read, &accounts, most).await, reader.calls())
}

fn statuses(read: &QuickRead) -> Vec<(u64, &str)> {
    read.states.iter().map(|(account, state)| (account.number(), state.status.as_str())).collect()
}

#[tokio::test]
async fn it_reads_progress_then_failures_then_what_nobody_documented() {
    let others =
        [(1, "UPDATE_FAILED"), (2, "CREATE_IN_PROGRESS"), (3, "CREATE_PAUSED"), (4, "DELETE_SUCCESSFUL")];
    let fake = healthy(250, &others);
    let (scanned, _) = quick(&fake).await.unwrap();
    assert_eq!(statuses(&scanned), others[..3]);
    assert_eq!(fake.asked.into_inner(), [&IN_PROGRESS[..], &FAILED[..], &["CREATE_PAUSED"]].concat());
}

#[tokio::test]
async fn a_filter_is_violated_by_a_short_page_another_status_or_a_refusal() {
    let violated = async |filtered| {
        let fake = Fake { filtered, ..healthy(250, &[(1, "CREATE_FAILED")]) };
        quick(&fake).await.map(|(read, _)| read)
    };
    let [status, other] = [IN_PROGRESS[0], "CREATE_FAILED"].map(Status::new);
    for (filtered, why) in [
        (Filtered::AfterPages, FilterViolation::ShortPage(status.clone(), 0)),
        (Filtered::Never, FilterViolation::OtherStatus(status, other)),
        (Filtered::Refused, FilterViolation::Refused("no such filter".to_owned())),
    ] {
        assert_eq!(violated(filtered).await, Err(why.into()));
    }
    // On its last page, a filter that comes after the pages is as good as any; and a full one need not be the last.
    let few = Fake { filtered: Filtered::AfterPages, ..healthy(100, &[(1, "CREATE_FAILED")]) };
    assert_eq!(statuses(&quick(&few).await.unwrap().0), [(1, "CREATE_FAILED")]);
    let (scanned, calls) = quick(&Fake::of(101, "CREATE_FAILED", &[])).await.unwrap();
    assert_eq!((scanned.states.len(), calls), (101, 8));
}

#[tokio::test]
async fn where_one_read_fails_nothing_is_inferred() {
    for status in [IN_PROGRESS[1], FAILED[1], "CREATE_PAUSED"] {
        let fake = Fake { filtered: Filtered::Down(status), ..healthy(2, &[(1, "CREATE_FAILED")]) };
        let failed = quick(&fake).await.map(|(read, _)| read);
        assert_eq!(failed, Err(SourceError::Unavailable("down".to_owned()).into()), "{status}");
    }
}

#[tokio::test]
async fn what_was_not_read_is_asked_for_where_its_row_is_unhealthy_or_flaps() {
    let recorded = |status: &str, turns: &[i64]| {
        let turns: Vec<Timestamp> = turns.iter().map(|at| Timestamp::from_second(*at).unwrap()).collect();
        Row { state: State::of(Status::new(status)), flapping: !turns.is_empty(), turns, ..Row::default() }
    };
    let fake = healthy(0, &[(1, "CREATE_FAILED"), (2, "CREATE_IN_PROGRESS")]);
    let (mut scanned, _) = quick(&fake).await.unwrap();
    assert!(scanned.active().is_some());
    scanned.unclear.insert(account(2));
    assert_eq!(scanned.active(), None);
    scanned.absent.insert(account(10));
    let rows = [
        (1, recorded("CREATE_FAILED", &[])),
        (2, recorded("CREATE_FAILED", &[])),
        (3, recorded("CREATE_FAILED", &[])),
        (4, recorded("CREATE_IN_PROGRESS", &[])),
        (5, recorded("CREATE_PAUSED", &[])),
        (6, recorded("CREATE_SUCCESSFUL", &[])),
        (7, recorded("CREATE_SUCCESSFUL", &[-3600])),
        (8, recorded("CREATE_SUCCESSFUL", &[-3599])),
        (9, recorded("CREATE_FAILED", &[])),
        (10, recorded("CREATE_FAILED", &[])),
    ];
    let rows = rows.map(|(n, row)| (account(n), row)).into();
    let asked = to_ask(&rows, &scanned, &excluding("000000000009"));
    assert_eq!(asked.iter().map(|account| account.number()).collect::<Vec<_>>(), [2, 3, 4, 5, 7]);
}

#[tokio::test]
async fn who_is_asked_for_is_as_the_answer_says_and_an_empty_one_is_an_answer() {
    let (mut scanned, _) = quick(&healthy(2, &[(1, "CREATE_IN_PROGRESS")])).await.unwrap();
    scanned.unclear.extend([1, 4].map(account));
    let then = healthy(2, &[(1, "UPDATE_SUCCESSFUL")]);
    assert_eq!(ask(&then, &mut scanned, &[1, 2, 3, 4], 4).await, (Ok(()), 4));
    assert_eq!(statuses(&scanned), [(1, "UPDATE_SUCCESSFUL"), (2, "CREATE_SUCCESSFUL")]);
    assert_eq!((&scanned.unclear, &scanned.absent), (&BTreeSet::new(), &[3, 4].map(account).into()));
    // Taken for an empty answer, another account's row would make this one gone.
    let lying = Fake { filtered: Filtered::Never, ..healthy(2, &[]) };
    let before = scanned.clone();
    let (asked, _) = ask(&lying, &mut scanned, &[7], 3).await;
    assert_eq!(asked, Err(FilterViolation::OtherAccount(account(7), account(1)).into()));
    assert_eq!(scanned, before);
}

#[tokio::test]
async fn asking_costs_no_more_calls_than_a_full_scan() {
    let (mut scanned, _) = quick(&healthy(250, &[])).await.unwrap();
    let before = scanned.clone();
    let none = ask(&healthy(250, &[]), &mut scanned, &[1, 2, 3, 4], 3).await;
    assert_eq!(none, (Err(ReadError::TooMany), 0), "more accounts than calls");
    // Three pages for each account: what counts is the calls.
    let slow = Fake { filtered: Filtered::AfterPages, ..healthy(250, &[]) };
    assert_eq!(ask(&slow, &mut scanned, &[1, 2], 3).await, (Err(ReadError::TooMany), 3));
    assert_eq!(scanned, before, "what was asked for in vain does not count");
    assert_eq!(ask(&slow, &mut scanned, &[240], 3).await, (Ok(()), 3));
    assert_eq!(statuses(&scanned), [(240, "CREATE_SUCCESSFUL")], "on its last page");
}
