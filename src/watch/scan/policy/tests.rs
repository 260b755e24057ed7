use super::*;

const NOW: &str = "2026-11-20T10:00:00Z";
const EVERY: Duration = Duration::from_secs(3600);

fn at(text: &str) -> i64 {
    text.parse::<Timestamp>().unwrap().as_second()
}

fn counts(accounts: &[(&str, u64)]) -> Counts {
    accounts.iter().map(|(status, n)| (Status::new(status), *n)).collect()
}

/// A live target of 10,000 accounts, one in a hundred failed, that was seen whole half an hour ago.
fn head() -> Head {
    Head {
        accounts: counts(&[("CREATE_SUCCESSFUL", 9_900), ("UPDATE_FAILED", 100)]),
        baseline_epoch: Some(1),
        last_full_scan_at: Some(at("2026-11-20T09:30:00Z")),
        ..Head::default()
    }
}

fn healthy(accounts: u64) -> Counts {
    counts(&[("CREATE_SUCCESSFUL", accounts)])
}

/// So many of 10,000 accounts have failed.
fn failed(accounts: u64) -> Counts {
    counts(&[("CREATE_SUCCESSFUL", 10_000 - accounts), ("CREATE_FAILED", accounts)])
}

fn run() -> ScanContext {
    ScanContext { is_asked: false, is_listed: true, full_scan_every: Some(EVERY), now: NOW.parse().unwrap() }
}

#[test]
fn a_scheduled_run_is_quick_unless_something_speaks_for_a_full_scan() {
    type Case = (&'static str, Scan, fn(&mut Head, &mut ScanContext));
    let table: [Case; 14] = [
        ("as it is", Scan::Quick, |_, _| {}),
        ("asked for", Scan::Full, |_, around| around.is_asked = true),
        ("full scans only", Scan::Full, |_, around| around.full_scan_every = None),
        ("no baseline", Scan::Full, |head, _| head.baseline_epoch = None),
        ("no head", Scan::Full, |head, _| *head = Head::default()),
        ("no longer listed", Scan::Full, |_, around| around.is_listed = false),
        ("1,200 accounts", Scan::Full, |head, _| head.accounts = healthy(1_200)),
        ("1,201 accounts", Scan::Quick, |head, _| head.accounts = healthy(1_201)),
        ("violated today", Scan::Full, |head, _| head.filters_distrusted_until = Some(at(NOW) + 1)),
        ("for a day", Scan::Full, |head, _| head.filters_distrusted_until = Some(at(NOW) + 86_400)),
        ("by a clock ahead", Scan::Quick, |head, _| head.filters_distrusted_until = Some(at(NOW) + 86_401)),
        ("violated yesterday", Scan::Quick, |head, _| head.filters_distrusted_until = Some(at(NOW))),
        ("49 calls of 100", Scan::Quick, |head, _| head.accounts = failed(4_400)),
        ("50 calls of 100", Scan::Full, |head, _| head.accounts = failed(4_401)),
    ];
    for (case, scan, change) in table {
        let (mut head, mut around) = (head(), run());
        change(&mut head, &mut around);
        assert_eq!(decide(&head, around).scan, scan, "{case}");
    }
}

#[test]
fn a_full_scan_is_slow_where_it_takes_long_and_the_pack_is_there() {
    let asked = ScanContext { is_asked: true, ..run() };
    let is_slow = |accounts, around| decide(&Head { accounts, ..head() }, around).is_slow;
    assert_eq!([0, 1_200, 1_201].map(|accounts| is_slow(healthy(accounts), asked)), [true, false, true]);
    assert!(!is_slow(healthy(1_201), ScanContext { is_listed: false, ..asked }));
    assert!(!is_slow(healthy(1_201), run()), "it is a quick one");
}

#[test]
fn a_quick_scan_costs_a_call_for_each_status_and_one_for_each_further_page() {
    type Case = (&'static [(&'static str, u64)], u64, u64);
    let table: [Case; 6] = [
        (&[], 6, 1),
        (&[("CREATE_SUCCESSFUL", 10_000)], 6, 100),
        (&[("CREATE_SUCCESSFUL", 9_900), ("UPDATE_FAILED", 100)], 6, 100),
        (&[("CREATE_SUCCESSFUL", 9_900), ("UPDATE_FAILED", 101)], 7, 101),
        (&[("CREATE_SUCCESSFUL", 1), ("CREATE_PAUSED", 1), ("UPDATE_PAUSED", 101), ("X_PAUSED", 0)], 9, 2),
        (&[("UPDATE_IN_PROGRESS", 10_000)], 105, 100),
    ];
    for (accounts, quick, whole) in table {
        let head = Head { accounts: counts(accounts), ..head() };
        assert_eq!((quick_calls(&head), full_calls(&head)), (quick, whole), "{accounts:?}");
    }
}

#[test]
fn a_full_scan_is_due_after_an_hour_or_when_the_clock_was_ahead() {
    for (last, is_due) in [
        (Some("2026-11-20T09:00:00Z"), false),
        (Some("2026-11-20T08:59:59Z"), true),
        (Some("2026-11-20T10:00:01Z"), true),
        (Some(NOW), false),
        (None, true),
    ] {
        let head = Head { last_full_scan_at: last.map(at), ..head() };
        let quick = ScanDecision { scan: Scan::Quick, is_slow: false, is_due };
        assert_eq!(decide(&head, run()), quick, "{last:?}: the full scan follows");
        assert!(!decide(&head, ScanContext { is_asked: true, ..run() }).is_due, "this one is full already");
    }
}

/// The order of full scans that are due, by name, of which the last ones began at these times.
fn order(due: &[(&str, Option<&str>)]) -> String {
    let (first, then) = in_order(due.to_vec(), |(_, last)| last.map(at), EVERY, run().now);
    let then: Vec<&str> = then.iter().map(|(name, _)| *name).collect();
    format!("{}, then {}", first.map_or("-", |(name, _)| name), then.join(" "))
}

#[test]
fn due_scans_go_oldest_first_after_any_that_has_waited_for_three_times_as_long() {
    let [new, old] = [("New", Some("2026-11-20T08:30:00Z")), ("Old", Some("2026-11-20T07:00:00Z"))];
    let [never, ahead] = [("Never", None), ("Ahead", Some("2026-11-20T11:00:00Z"))];
    assert_eq!(order(&[new, old, never, ahead]), "-, then Never Ahead Old New");
    assert_eq!(order(&[]), "-, then ");
    let [late, later] = [("Late", Some("2026-11-20T06:59:59Z")), ("Later", Some("2026-11-20T06:00:00Z"))];
    // The order of the targets is random: one that never fits is not the first in every run.
    assert_eq!(order(&[new, late, never, later]), "Late, then Never Later New");
}

#[test]
fn a_page_takes_as_long_as_a_call_or_as_the_rate_allows() {
    let ms = Duration::from_millis;
    let time = |reads: &[(Option<Scan>, u64, Duration)], elapsed| page_time(reads.iter().copied(), elapsed);
    assert_eq!(time(&[], ms(500)), Duration::ZERO, "nothing is known yet");
    assert_eq!(time(&[(None, 0, ms(500))], ms(500)), Duration::ZERO);
    // Calls of 40 ms, many side by side: alone, a page takes the 40 ms.
    assert_eq!(time(&[(Some(Scan::Full), 1, ms(40)); 24], ms(120)), ms(40));
    assert_eq!(time(&[(Some(Scan::Full), 4, ms(160)), (Some(Scan::Full), 1, ms(90))], ms(160)), ms(40));
    assert_eq!(time(&[(Some(Scan::Quick), 6, ms(80))], ms(80)), ms(40));
    // Throttled to five a second, where each of many waits for its turn: alone, a page takes a fifth of a second.
    assert_eq!(time(&[(Some(Scan::Full), 1, ms(100)); 50], ms(10_000)), ms(200));
}
