use super::*;

fn of(pack: &str, outcome: Outcome) -> TargetReport {
    let target = Target { region: "eu-west-1".parse().unwrap(), pack: pack.parse().unwrap() };
    TargetReport::of(&target).ended(outcome, Some("why".to_owned()))
}

#[test]
fn a_failure_names_ten_targets_and_counts_the_rest() {
    let failure = |failed: usize| {
        let names = (0..failed).map(|n| format!("P{n:02}"));
        let mut reports: Vec<_> = names.map(|name| of(&name, Outcome::Denied)).collect();
        reports.push(of("Q", Outcome::Changed));
        Answer::new(reports, 0, None).failure()
    };
    assert_eq!(failure(0), None);
    assert_eq!(failure(1).unwrap(), "1 of 2 targets did not finish:\n  P00 in eu-west-1: Denied: why");
    assert!(failure(10).unwrap().ends_with("\n  P09 in eu-west-1: Denied: why"));
    assert!(failure(12).unwrap().ends_with("\n  P09 in eu-west-1: Denied: why\n  and 2 more"));
    let region = TargetReport::of_region(&"eu-west-1".parse().unwrap()).ended(Outcome::Incomplete, None);
    let failure = Answer::new(vec![region], 0, None).failure().unwrap();
    assert!(failure.ends_with("every pack in eu-west-1: Incomplete: "), "{failure}");
}

#[test]
fn accounts_are_counted_by_phase_where_the_target_was_finished() {
    let statuses = [("CREATE_FAILED", 2), ("UPDATE_FAILED", 3), ("CREATE_SUCCESSFUL", 100)];
    let statuses = statuses.map(|(status, n)| (status.parse().unwrap(), n));
    let report = |outcome| {
        TargetReport { statuses: Some(statuses.clone().into()), ..of("P", outcome) }.ended(outcome, None)
    };
    let failed = |outcome| report(outcome).in_phase(Phase::Failed);
    assert_eq!(failed(Outcome::Changed), Some(5));
    assert_eq!(report(Outcome::Changed).in_phase(Phase::InProgress), Some(0));
    assert_eq!(failed(Outcome::Superseded), None, "nobody knows what the other run found");
}

#[test]
fn a_report_is_of_its_pack_in_its_region() {
    let [p, q] = ["P", "Q"].map(|pack| of(pack, Outcome::Unchanged));
    let region = TargetReport::of_region(&p.region);
    let target = |region: &str| Target { region: region.parse().unwrap(), pack: "P".parse().unwrap() };
    assert_eq!([&p, &q, &region].map(|report| report.is_of(&target("eu-west-1"))), [true, false, false]);
    assert!(!p.is_of(&target("us-east-1")));
    assert_eq!([&p, &q, &region].map(|report| report.pack.as_str()), ["P", "Q", "*"]);
    let answer = serde_json::to_value(&region).unwrap();
    assert_eq!(answer["OrganizationConformancePackName"], "*");
}

/// A scan that found so many accounts in a failed status, if it knows.
fn scan(scan: Option<Scan>, outcome: Outcome, failed: Option<u64>) -> TargetReport {
    let statuses = failed.map(|n| Counts::from([("CREATE_FAILED".parse().unwrap(), n)]));
    TargetReport { scan, statuses, ..of("P", outcome) }
}

#[test]
fn of_two_scans_the_later_says_what_there_is() {
    let quick = TargetReport {
        accounts: 2000,
        accounts_read: 20,
        pages: 6,
        transitions: 1,
        ..scan(Some(Scan::Quick), Outcome::Changed, Some(1))
    };
    let full = TargetReport {
        accounts: 1999,
        accounts_read: 1999,
        pages: 20,
        ..scan(Some(Scan::Full), Outcome::Unchanged, Some(2))
    };
    let both = TargetReport { outcome: Outcome::Changed, pages: 26, transitions: 1, ..full.clone() };
    assert_eq!(Answer::new(vec![quick.clone(), full], 0, None).targets, [both]);
    // What was read was read, and what is known is known.
    let both = quick.then(scan(Some(Scan::Full), Outcome::Deferred, None));
    assert_eq!((both.outcome, both.accounts_read), (Outcome::Deferred, 20));
    for (quick, full, failed) in [(Some(1), None, Some(1)), (None, Some(2), Some(2)), (None, None, None)] {
        let quick = scan(Some(Scan::Quick), Outcome::Changed, quick);
        let both = quick.then(scan(Some(Scan::Full), Outcome::Unchanged, full));
        assert_eq!(both.in_phase(Phase::Failed), failed);
    }
}

#[test]
fn of_two_scans_the_weightier_says_how_it_ended_and_else_the_later() {
    let of = |outcome, error: &str| of("P", outcome).ended(outcome, Some(error.to_owned()));
    for pair in Outcome::ALL.windows(2) {
        for (scans, said) in [([0, 1], "later"), ([1, 0], "earlier"), ([1, 1], "later")] {
            let both = of(pair[scans[0]], "earlier").then(of(pair[scans[1]], "later"));
            assert_eq!((both.outcome, both.error.as_deref()), (pair[1], Some(said)));
        }
    }
}

#[test]
fn an_outcome_is_spelled_in_the_answer_as_in_the_log() {
    let spelled = Outcome::ALL.map(|outcome| serde_json::to_string(&outcome).unwrap());
    assert_eq!(spelled, Outcome::ALL.map(|outcome| format!("{:?}", outcome.as_str())));
}
