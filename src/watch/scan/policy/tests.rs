use super::*;

const NOW: &str = "2026-11-20T10:00:00Z";
const EVERY: Duration = Duration::from_secs(3600);

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn counts(accounts: &[(&str, u64)]) -> Counts {
    accounts.iter().map(|(status, n)| (Status::new(status), *n)).collect()
}

/// A live target of 10,000 accounts, one in a hundred failed, that was seen whole half an hour ago.
fn facts() -> TargetFacts {
    TargetFacts {
        accounts: counts(&[("CREATE_SUCCESSFUL", 9_900), ("UPDATE_FAILED", 100)]),
        has_baseline: true,
        last_full_scan_at: Some(at("2026-11-20T09:30:00Z")),
        filters_distrusted_until: None,
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
    type Case = (&'static str, Reason, fn(&mut TargetFacts, &mut ScanContext));
    let table: [Case; 13] = [
        ("as it is", Reason::Quick, |_, _| {}),
        ("asked for", Reason::Requested, |_, around| around.trigger = Trigger::Request),
        ("full scans only", Reason::AlwaysFull, |_, around| around.full_scan_every = None),
        ("no baseline", Reason::Baseline, |facts, _| facts.has_baseline = false),
        ("no head", Reason::Baseline, |facts, _| *facts = TargetFacts::default()),
        ("no longer listed", Reason::Unlisted, |_, around| around.listed = false),
        ("1,200 accounts", Reason::Small, |facts, _| {
            facts.accounts = counts(&[("CREATE_SUCCESSFUL", 1_200)])
        }),
        ("1,201 accounts", Reason::Quick, |facts, _| {
            facts.accounts = counts(&[("CREATE_SUCCESSFUL", 1_201)])
        }),
        ("violated in this run", Reason::FilterViolation, |_, around| around.filters_violated = true),
        ("violated today", Reason::FilterViolation, |facts, _| {
            facts.filters_distrusted_until = Some(at("2026-11-20T10:00:01Z"))
        }),
        ("for a day", Reason::FilterViolation, |facts, _| {
            facts.filters_distrusted_until = Some(at("2026-11-21T10:00:00Z"))
        }),
        ("by a clock ahead", Reason::Quick, |facts, _| {
            facts.filters_distrusted_until = Some(at("2026-11-21T10:00:01Z"))
        }),
        ("violated yesterday", Reason::Quick, |facts, _| facts.filters_distrusted_until = Some(at(NOW))),
    ];
    for (case, reason, change) in table {
        let (mut facts, mut around) = (facts(), run());
        change(&mut facts, &mut around);
        let decision = decide(&facts, around);
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
        let facts = TargetFacts { accounts: counts(accounts), ..facts() };
        assert_eq!((facts.quick_calls(), facts.full_calls()), (quick, whole), "{accounts:?}");
    }
}

#[test]
fn a_scan_that_would_cost_half_is_made_in_full() {
    let failed = |failed| {
        let accounts = counts(&[("CREATE_SUCCESSFUL", 10_000 - failed), ("CREATE_FAILED", failed)]);
        decide(&TargetFacts { accounts, ..facts() }, run()).reason
    };
    // 49 and 50 calls of 100.
    assert_eq!([4_400, 4_401].map(failed), [Reason::Quick, Reason::NotCheaper]);
}

#[test]
fn a_full_scan_is_due_after_an_hour_or_when_the_clock_was_ahead() {
    let due = |last_full_scan_at: Option<&str>| {
        let decision =
            decide(&TargetFacts { last_full_scan_at: last_full_scan_at.map(at), ..facts() }, run());
        assert_eq!(decision.scan, Scan::Quick, "the full scan follows");
        decision.due
    };
    assert!(!due(Some("2026-11-20T09:00:00Z")), "not older than an hour");
    assert!(due(Some("2026-11-20T08:59:59Z")));
    assert!(due(Some("2026-11-20T10:00:01Z")), "in the future");
    assert!(!due(Some(NOW)));
    assert!(due(None));
    let asked = ScanContext { trigger: Trigger::Request, ..run() };
    assert!(
        !decide(&TargetFacts { last_full_scan_at: None, ..facts() }, asked).due,
        "this one is full already"
    );
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
    let seen =
        |last_full_scan_at: &str| TargetFacts { last_full_scan_at: Some(at(last_full_scan_at)), ..facts() };
    let small = TargetFacts { accounts: counts(&[("CREATE_FAILED", 1_200)]), ..seen("2026-11-20T01:00:00Z") };
    let gone = TargetFacts { has_baseline: false, ..seen("2026-11-20T01:00:00Z") };
    let never = TargetFacts { last_full_scan_at: None, ..facts() };
    let ahead = seen("2026-11-20T11:00:00Z");
    assert_eq!(oldest([&small, &gone, &never], at(NOW)), None);
    assert_eq!(oldest([&ahead], at(NOW)), Some(Duration::ZERO));
    let all = [small, gone, never, seen("2026-11-20T09:00:00Z"), ahead, seen("2026-11-20T08:00:00Z")];
    assert_eq!(oldest(&all, at(NOW)), Some(2 * EVERY));
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
fn a_head_says_what_decides_its_scan() {
    let accounts = counts(&[("CREATE_SUCCESSFUL", 2_000)]);
    let head = Head {
        accounts: accounts.clone(),
        baseline_epoch: Some(1),
        last_full_scan_at: Some(at("2026-11-20T09:00:00Z").as_second()),
        filters_distrusted_until: Some(at("2026-11-21T09:00:00Z").as_second()),
        ..Head::default()
    };
    let facts = TargetFacts {
        accounts,
        has_baseline: true,
        last_full_scan_at: Some(at("2026-11-20T09:00:00Z")),
        filters_distrusted_until: Some(at("2026-11-21T09:00:00Z")),
    };
    assert_eq!(TargetFacts::of(Some(&head)), facts);
    assert_eq!(TargetFacts::of(None), TargetFacts::default());
    let spelled = [Scan::Quick, Scan::Full].map(|scan| serde_json::to_value(scan).unwrap());
    assert_eq!(spelled, [Scan::Quick, Scan::Full].map(Scan::as_str), "in the answer as in the log");
}
