use super::*;

const NOW: &str = "2026-11-20T10:00:00Z";
const EVERY: Duration = Duration::from_secs(3600);

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn seconds(text: &str) -> Option<i64> {
    Some(at(text).as_second())
}

fn counts(accounts: &[(&str, u64)]) -> Counts {
    accounts.iter().map(|(status, n)| (Status::new(status), *n)).collect()
}

/// A live target of 10,000 accounts, one in a hundred failed, that was seen whole half an hour ago.
fn head() -> Head {
    Head {
        accounts: counts(&[("CREATE_SUCCESSFUL", 9_900), ("UPDATE_FAILED", 100)]),
        baseline_epoch: Some(1),
        last_full_scan_at: seconds("2026-11-20T09:30:00Z"),
        ..Head::default()
    }
}

fn run() -> ScanContext {
    ScanContext {
        trigger: Trigger::Schedule,
        listed: true,
        filters_violated: false,
        full_scan_every: Some(EVERY),
        now: at(NOW),
    }
}

#[test]
fn a_scheduled_run_is_quick_unless_something_speaks_for_a_full_scan() {
    type Case = (&'static str, Reason, fn(&mut Head, &mut ScanContext));
    let table: [Case; 13] = [
        ("as it is", Reason::Quick, |_, _| {}),
        ("asked for", Reason::Requested, |_, around| around.trigger = Trigger::Request),
        ("full scans only", Reason::AlwaysFull, |_, around| around.full_scan_every = None),
        ("no baseline", Reason::Baseline, |head, _| head.baseline_epoch = None),
        ("no head", Reason::Baseline, |head, _| *head = Head::default()),
        ("no longer listed", Reason::Unlisted, |_, around| around.listed = false),
        ("1,200 accounts", Reason::Small, |head, _| head.accounts = counts(&[("CREATE_SUCCESSFUL", 1_200)])),
        ("1,201 accounts", Reason::Quick, |head, _| head.accounts = counts(&[("CREATE_SUCCESSFUL", 1_201)])),
        ("violated in this run", Reason::FilterViolation, |_, around| around.filters_violated = true),
        ("violated today", Reason::FilterViolation, |head, _| {
            head.filters_distrusted_until = seconds("2026-11-20T10:00:01Z")
        }),
        ("for a day", Reason::FilterViolation, |head, _| {
            head.filters_distrusted_until = seconds("2026-11-21T10:00:00Z")
        }),
        ("by a clock ahead", Reason::Quick, |head, _| {
            head.filters_distrusted_until = seconds("2026-11-21T10:00:01Z")
        }),
        ("violated yesterday", Reason::Quick, |head, _| head.filters_distrusted_until = seconds(NOW)),
    ];
    for (case, reason, change) in table {
        let (mut head, mut around) = (head(), run());
        change(&mut head, &mut around);
        let decision = decide(&head, around);
        assert_eq!(decision.reason, reason, "{case}");
        let scan = if reason == Reason::Quick { Scan::Quick } else { Scan::Full };
        assert_eq!(decision.scan, scan, "{case}");
    }
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
        assert_eq!((head.quick_calls(), head.full_calls()), (quick, whole), "{accounts:?}");
    }
}

#[test]
fn a_scan_that_would_cost_half_is_made_in_full() {
    let failed = |failed| {
        let accounts = counts(&[("CREATE_SUCCESSFUL", 10_000 - failed), ("CREATE_FAILED", failed)]);
        decide(&Head { accounts, ..head() }, run()).reason
    };
    // 49 and 50 calls of 100.
    assert_eq!([4_400, 4_401].map(failed), [Reason::Quick, Reason::NotCheaper]);
}

#[test]
fn a_full_scan_is_due_after_an_hour_or_when_the_clock_was_ahead() {
    let due = |last_full_scan_at: Option<&str>| {
        let decision =
            decide(&Head { last_full_scan_at: last_full_scan_at.and_then(seconds), ..head() }, run());
        assert_eq!(decision.scan, Scan::Quick, "the full scan follows");
        decision.due
    };
    assert!(!due(Some("2026-11-20T09:00:00Z")), "not older than an hour");
    assert!(due(Some("2026-11-20T08:59:59Z")));
    assert!(due(Some("2026-11-20T10:00:01Z")), "in the future");
    assert!(!due(Some(NOW)));
    assert!(due(None));
    let asked = ScanContext { trigger: Trigger::Request, ..run() };
    assert!(!decide(&Head { last_full_scan_at: None, ..head() }, asked).due, "this one is full already");
}

fn scan(target: &str, last_full_scan_at: Option<&str>) -> DueScan {
    let (region, pack) = target.split_once('/').unwrap();
    let target = Target { region: region.parse().unwrap(), pack: pack.parse().unwrap() };
    DueScan { target, last_full_scan_at: last_full_scan_at.map(at), calls: 100 }
}

fn order(due: &[(&str, Option<&str>)]) -> Vec<String> {
    let due = due.iter().map(|(target, last_full_scan_at)| scan(target, *last_full_scan_at)).collect();
    let name = |scan: &DueScan| scan.target.pack.to_string();
    let regions = in_order(due, EVERY, at(NOW));
    let line = |(region, due): (&Region, &DueInRegion)| {
        let first = due.first.as_ref().map_or_else(|| "-".to_owned(), name);
        let then: Vec<String> = due.then.iter().map(name).collect();
        format!("{region}: {first}, then {}", then.join(" "))
    };
    regions.iter().map(line).collect()
}

#[test]
fn due_scans_go_oldest_first_in_each_region() {
    let due = [
        ("eu-west-1/New", Some("2026-11-20T08:30:00Z")),
        ("us-east-1/Elsewhere", Some("2026-11-20T08:00:00Z")),
        ("eu-west-1/Old", Some("2026-11-20T08:00:00Z")),
        ("eu-west-1/Never", None),
        ("eu-west-1/Ahead", Some("2026-11-20T11:00:00Z")),
    ];
    assert_eq!(order(&due), ["eu-west-1: -, then Never Ahead Old New", "us-east-1: -, then Elsewhere"]);
    assert_eq!(order(&[]), [""; 0]);
}

#[test]
fn a_region_begins_with_any_scan_that_has_waited_for_three_times_as_long() {
    let just = [("eu-west-1/A", Some("2026-11-20T07:00:00Z")), ("eu-west-1/B", None)];
    assert_eq!(order(&just), ["eu-west-1: -, then B A"]);
    let late = [
        ("eu-west-1/A", Some("2026-11-20T06:59:59Z")),
        ("eu-west-1/B", None),
        ("eu-west-1/C", Some("2026-11-20T06:00:00Z")),
        ("us-east-1/D", Some("2026-11-20T08:00:00Z")),
    ];
    // The order of the targets is random: one that never fits is not the first in every run.
    assert_eq!(order(&late), ["eu-west-1: A, then B C", "us-east-1: -, then D"]);
}

#[test]
fn the_oldest_full_scan_is_of_large_live_targets() {
    let seen = |last_full_scan_at: &str| Head { last_full_scan_at: seconds(last_full_scan_at), ..head() };
    let small = Head { accounts: counts(&[("CREATE_FAILED", 1_200)]), ..seen("2026-11-20T01:00:00Z") };
    let gone = Head { baseline_epoch: None, ..seen("2026-11-20T01:00:00Z") };
    let never = Head { last_full_scan_at: None, ..head() };
    let ahead = seen("2026-11-20T11:00:00Z");
    let recorded = |heads: &[&Head]| oldest(heads.iter().map(|head| (*head, None)), at(NOW));
    assert_eq!(recorded(&[&small, &gone, &never]), None);
    assert_eq!(recorded(&[&ahead]), Some(Duration::ZERO));
    let [hour, two] = ["2026-11-20T09:00:00Z", "2026-11-20T08:00:00Z"].map(seen);
    assert_eq!(recorded(&[&small, &gone, &never, &hour, &ahead, &two]), Some(2 * EVERY));
    let by_now = [(&two, Some(at(NOW))), (&never, Some(at("2026-11-20T09:00:00Z")))];
    assert_eq!(oldest(by_now, at(NOW)), Some(EVERY));
}

#[test]
fn a_full_scan_begins_only_where_its_pages_fit() {
    let second = Duration::from_secs(1);
    let mut page_time = PageTime::default();
    assert!(page_time.fits(100, Duration::ZERO, second), "nothing is known yet");
    assert!(!page_time.fits(1, Duration::ZERO, Duration::ZERO));
    page_time.note(0, 0, second);
    assert_eq!(page_time, PageTime::default());
    // Calls of 40 ms, many side by side: alone, a page takes the 40 ms.
    (0..24).for_each(|_| page_time.note(1, 1, Duration::from_millis(40)));
    let elapsed = Duration::from_millis(120);
    assert!(page_time.fits(100, elapsed, Duration::from_secs(4)));
    assert!(!page_time.fits(101, elapsed, Duration::from_secs(4)));
    // One after the other, each takes its part of the time.
    let mut in_sequence = PageTime::default();
    in_sequence.note(4, 4, Duration::from_millis(160));
    assert!(in_sequence.fits(100, elapsed, Duration::from_secs(4)));
    assert!(!in_sequence.fits(101, elapsed, Duration::from_secs(4)));
    // Throttled to five a second, where each of many waits for its turn: alone, a page takes a fifth of a second.
    let mut throttled = PageTime::default();
    (0..50).for_each(|_| throttled.note(1, 1, Duration::from_millis(100)));
    assert!(throttled.fits(100, 10 * second, 20 * second));
    assert!(!throttled.fits(101, 10 * second, 20 * second));
}

#[test]
fn a_scan_is_spelled_in_the_answer_as_in_the_log() {
    let spelled = [Scan::Quick, Scan::Full].map(|scan| serde_json::to_value(scan).unwrap());
    assert_eq!(spelled, [Scan::Quick, Scan::Full].map(Scan::as_str));
}
