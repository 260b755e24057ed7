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
        Report::of(reports).failure()
    };
    assert_eq!(failure(0), None);
    assert_eq!(failure(1).unwrap(), "1 of 2 targets did not finish:\n  P00 in eu-west-1: Denied: why");
    assert!(failure(10).unwrap().ends_with("\n  P09 in eu-west-1: Denied: why"));
    assert!(failure(12).unwrap().ends_with("\n  P09 in eu-west-1: Denied: why\n  and 2 more"));
    let region = TargetReport::of_region(&"eu-west-1".parse().unwrap()).ended(Outcome::Incomplete, None);
    let failure = Report::of([region]).failure().unwrap();
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
    let target = |region: &str| Target { region: region.parse().unwrap(), pack: "P".parse().unwrap() };
    assert_eq!([&p, &q].map(|report| report.is_of(&target("eu-west-1"))), [true, false]);
    assert!(!p.is_of(&target("us-east-1")));
}

#[test]
fn of_two_scans_the_later_says_what_there_is_and_the_weightier_how_it_ended() {
    let scan = |outcome, accounts, accounts_read, pages, transitions, failed: Option<u64>| {
        let statuses = failed.map(|n| Counts::from([("CREATE_FAILED".parse().unwrap(), n)]));
        let report = of("P", outcome).ended(outcome, Some(format!("{outcome:?}")));
        TargetReport { accounts, accounts_read, pages, transitions, statuses, ..report }
    };
    let quick = scan(Outcome::Changed, 2000, 20, 6, 1, Some(1));
    for (full, both) in [
        (
            scan(Outcome::Unchanged, 1999, 1999, 20, 0, Some(2)),
            scan(Outcome::Changed, 1999, 1999, 26, 1, Some(2)),
        ),
        // What was read was read, and what is known is known.
        (scan(Outcome::Deferred, 0, 0, 0, 0, None), scan(Outcome::Deferred, 0, 20, 6, 1, Some(1))),
        (scan(Outcome::Changed, 0, 0, 0, 0, None), scan(Outcome::Changed, 0, 20, 6, 1, Some(1))),
    ] {
        assert_eq!(Report::of([quick.clone(), full]).targets, [both]);
    }
    let [earlier, later] = ["earlier", "later"]
        .map(|why| of("P", Outcome::Deferred).ended(Outcome::Deferred, Some(why.to_owned())));
    assert_eq!(earlier.then(later.clone()), later);
}
